import Baselines
import Contrastive
import Distillation
import Evaluations
import Geometric
import Masked
import Multimodal
import ReproData
import ReproEngine
import ReproScenes

extension Plugins {
  /// What this package brings.
  public static let builtIn = Plugins(
    methods: [
      baselineMethods,
      contrastiveMethods,
      distillationMethods,
      maskedMethods,
      geometricMethods,
      multimodalMethods,
    ].flatMap { $0 },
    datasets: sceneProviders + worldProviders + dataProviders, evaluations: Evaluations.evaluations)
}
