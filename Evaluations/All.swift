import ReproEngine

/// The protocols that recipes can name under `evaluate`.
public let evaluations: [any Evaluation.Type] = [
  WeightedKNN.self, LinearProbe.self, LinearSegmentation.self, InstanceRetrieval.self,
]
