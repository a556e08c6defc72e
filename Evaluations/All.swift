import ReproEngine

/// The protocols that recipes can name under `evaluate`.
public let evaluations: [any Evaluation.Type] =
  classProtocols + structureProtocols + matchingProtocols + mapProtocols + shapeProtocols + languageProtocols

/// Classes and numbers from frozen features, from the network trained further, or as the method itself says.
private let classProtocols: [any Evaluation.Type] = [
  WeightedKNN.self, PlainKNN.self, LinearProbe.self, LogisticProbe.self, LowLabelProbe.self, PooledProbe.self,
  MLPProbe.self, TreesProbe.self,
  FewShot.self, GroupedKNN.self, FineTune.self, Prediction.self, ClassIncremental.self, ZeroShot.self, RidgeProbe.self,
]

/// What features and probabilities are like.
private let structureProtocols: [any Evaluation.Type] = [
  Clustering.self, Health.self, ViewAgreement.self, AttentionDistance.self, CalibrationProtocol.self, Novelty.self,
  RobustnessProtocol.self,
  Control.self,
]

/// Pairs and rankings.
private let matchingProtocols: [any Evaluation.Type] = [
  InstanceRetrieval.self, CrossRetrieval.self, PairVerification.self, Recommendation.self, ViewCorrespondence.self,
]

/// A value for each pixel, boxes and points in pictures.
private let mapProtocols: [any Evaluation.Type] = [
  LinearSegmentation.self, ClusterSegmentation.self, VideoSegmentation.self, InstanceSegmentation.self,
  PanopticSegmentation.self, PartSegmentation.self, Keypoints.self, BoxDetection.self,
  CorrectLocalization.self, Localization.self, SoundingObject.self, Depth.self, Normals.self, Flow.self, NovelView.self,
]

/// Surfaces, cells and poses.
private let shapeProtocols: [any Evaluation.Type] = [
  Surface.self, SurfaceLevels.self, SignedDistance.self, RayDepth.self, Voxels.self, SceneCompletionProtocol.self,
  Poses.self, ObjectPose.self,
  Direction.self,
]

/// Words.
private let languageProtocols: [any Evaluation.Type] = [
  Captions.self, Answers.self, Hallucination.self, TextSimilarity.self, LanguageModel.self,
]
