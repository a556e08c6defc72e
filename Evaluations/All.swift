import ReproEngine

/// The protocols that recipes can name under `evaluate`.
public let evaluations: [any Evaluation.Type] = [
  // Classes from frozen features.
  WeightedKNN.self, LinearProbe.self, LogisticProbe.self, LowLabelProbe.self, MLPProbe.self, FewShot.self,
  // Classes from the network itself.
  FineTune.self, Prediction.self, ZeroShot.self,
  // Real numbers from frozen features.
  RidgeProbe.self,
  // What features look like, without or against labels.
  Clustering.self, Health.self,
  // Pairs and rankings.
  InstanceRetrieval.self, CrossRetrieval.self, Verification.self,
  // A value for each pixel.
  LinearSegmentation.self, Depth.self, Normals.self, Flow.self, NovelView.self, Localization.self,
  // Shapes.
  Surface.self, SignedDistance.self,
]
