import ReproEngine

/// What several families are compared with.
public let baselineMethods: [any MethodPlugin.Type] = [
  SupervisedViT.self, ColourHistogram.self, SupervisedGCN.self, SmoothedFeatures.self, RawTable.self,
]
