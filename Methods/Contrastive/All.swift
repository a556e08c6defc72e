import ReproEngine

/// The plugins of this family; a new method is one more line.
public let contrastiveMethods: [any MethodPlugin.Type] = [
  CMC.self, MVGRL.self, SupervisedViews.self,
]
