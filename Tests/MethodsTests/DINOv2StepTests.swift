import ReproEngine
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Distillation

/// Whole steps against PyTorch: the same weights, crops and masks (Tests/Vectors/make_dinov2_vectors.py).
@Suite struct DINOv2AgainstPyTorch {
  private static let options = [
    "softmax": "registers: 2, centering: softmax",
    "sinkhorn": "centering: sinkhorn",
  ]

  private func method(_ name: String, _ more: String) throws -> DINOv2 {
    let separate = name == "sinkhorn" ? ", shared: false" : ""
    return try make(
      DINOv2.self,
      """
      {patch: 4, width: 12, depth: 2, heads: 3, prototypes: 11, layer_scale: 1, head: {hidden: 16, bottleneck: 6\(separate)},
       crops: {global: {size: 16}, local: {size: 8, count: 3}}, \(try #require(Self.options[name])), \(more)}
      """)
  }

  /// The pair, crops and masks of a case.
  private func inputs(
    _ name: String, _ method: DINOv2, _ vectors: Vectors
  ) throws -> (pair: SelfDistillationPair, crops: MultiCrop.Crops, masks: BlockMasks) {
    var pair = try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 1)).model
    var (missing, taken): ([String], Int) = ([], 0)
    pair = pair.rewritten { path, old in
      let place = path.contains("center") ? path : path.replacing(".", with: "/", maxReplacements: 1)
      guard let value = try? vectors("\(name)/\(place)"), value.shape == old.shape else {
        missing.append(path)
        return nil
      }
      taken += 1
      return value
    }
    #expect(missing == [] && taken > 60)
    let crops = MultiCrop.Crops(
      globals: try (0..<2).map { try vectors("\(name)/global.\($0)") },
      locals: try (0..<3).map { try vectors("\(name)/local.\($0)") })
    let masks = BlockMasks(bits: rows(try vectors("\(name)/masks")).map { $0.map { $0 == 1 } })
    return (pair, crops, masks)
  }

  private func compare(_ metrics: Metrics, _ group: String, _ vectors: Vectors, tolerance: Double) throws {
    for term in ["dino", "ibot", "koleo", "loss"] {
      #expect(close(metrics[term], try vectors.number("\(group)/\(term)"), tolerance), "\(group)/\(term)")
    }
  }

  @Test(arguments: ["softmax", "sinkhorn"], [1, 2, 4])
  func lossTermsAndGradientsOfAllParametersAgree(_ name: String, shards: Int) throws {
    let vectors = try Vectors()
    // Plain descent with a huge rate: (before - after) / rate is the gradient, without loss to rounding.
    let rate = 1e4
    let method = try method(name, "layerwise_decay: 1, patch_embed_rate: 1, freeze_last_layer: 0, teacher_momentum: 1")
    let (before, crops, masks) = try inputs(name, method, vectors)
    var plan = OptimizerPlan.constant(rate: rate)
    plan.rule = .sgd(momentum: 0, nesterov: false)
    var step = StepContext(step: 0, steps: 4, random: RandomStream(seed: 1), shards: shards, plan: plan)
    var pair = before
    let metrics = method.train(&pair, teacher: pair.teacher, crops, masks, masksInput: true, &step, "main")
    try compare(metrics, "\(name)/terms", vectors, tolerance: 1e-5)
    for (old, new) in zip(before.student.named, pair.student.named) {
      let gradient = (old.value - new.value) * Real(1 / rate)
      expectClose(
        gradient, try vectors("\(name)/gradient/\(old.name)"), tolerance: 1e-4, floor: 1e-4, "\(name): \(old.name)")
    }
    for center in ["dino_center", "ibot_center"] {
      expectClose(
        try #require(pair.tensor(center)), try vectors("\(name)/moved/\(center)"), tolerance: 1e-5, "\(name): \(center)"
      )
    }
    #expect(bits(pair.teacher) == bits(before.teacher))  // its momentum is 1 here
  }

  @Test(arguments: ["softmax", "sinkhorn"])
  func twoStepsOfAdamWWithAllRulesAgree(_ name: String) throws {
    let vectors = try Vectors()
    let method = try method(
      name,
      """
      layerwise_decay: 0.9, patch_embed_rate: 0.2, freeze_last_layer: 0.2, teacher_momentum: 0.9,
       teacher_temperature: {from: 0.04, to: 0.07, over: 0.5}
      """)
    let (before, crops, masks) = try inputs(name, method, vectors)
    var plan = OptimizerPlan.constant(rate: 0.01)
    plan.rule = .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-3)
    plan.decay = .constant(0.1)
    plan.clip = 0.05
    var step = StepContext(step: 0, steps: 4, random: RandomStream(seed: 1), plan: plan)
    var pair = before
    _ = method.train(&pair, teacher: pair.teacher, crops, masks, masksInput: true, &step, "main")
    for (old, new) in zip(before.student.named, pair.student.named) where old.name.contains("last_layer") {
      #expect(sameBits(old.value, new.value), "\(old.name) rests in the first step")
    }
    step = step.next(random: RandomStream(seed: 2))
    let metrics = method.train(&pair, teacher: pair.teacher, crops, masks, masksInput: true, &step, "main")
    try compare(metrics, "\(name)/after/terms", vectors, tolerance: 2e-5)
    for (who, old, new) in [("student", before.student, pair.student), ("teacher", before.teacher, pair.teacher)] {
      for (a, b) in zip(old.named, new.named) {
        expectClose(
          b.value - a.value, try vectors("\(name)/after/\(who)/\(a.name)"), tolerance: 2e-3, floor: 1e-4,
          "\(name), \(who): \(a.name)")
      }
    }
  }
}
