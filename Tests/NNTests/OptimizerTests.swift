import ReproNN
import ReproTensor
import TestSupport
import Testing

/// A decayed weight and a bias that is not.
struct Pair: Layer {
  var weight: Tensor
  var bias: Tensor
  mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }
}

@Suite("Optimizers")
struct OptimizerTests {
  static let rules: [String: Optimizer.Rule] = [
    "adamw": .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8),
    "adamw-fast": .adamW(beta1: 0.8, beta2: 0.95, epsilon: 1e-3),
    "sgd": .sgd(momentum: 0, nesterov: false),
    "sgd-momentum": .sgd(momentum: 0.9, nesterov: false),
    "sgd-nesterov": .sgd(momentum: 0.9, nesterov: true),
    "adam": .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8),
    "adam-fast": .adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-3),
    "lars": .lars(momentum: 0.9, trust: 0.001),
    "lars-fast": .lars(momentum: 0.5, trust: 0.3),
    "lamb": .lamb(beta1: 0.9, beta2: 0.999, epsilon: 1e-6),
    "lamb-fast": .lamb(beta1: 0.7, beta2: 0.9, epsilon: 1e-3),
  ]

  /// Names of rules, some with "-clipped" (norm 2) or "-limited" (value 0.7), in the two files that hold them.
  static func vectors() throws -> [(file: String, group: String, name: String)] {
    try VectorFile("optimizers.h5").names().map { ("optimizers.h5", $0, $0) }
      + VectorFile("training.h5").names("rules").map { ("training.h5", "rules/\($0)", $0) }
  }

  @Test(arguments: try vectors().indices)
  func agreeWithPyTorchOverTwentySteps(_ i: Int) throws {
    let (fileName, group, name) = try Self.vectors()[i]
    let file = try VectorFile(fileName)
    let (clips, limits) = (name.hasSuffix("-clipped"), name.hasSuffix("-limited"))
    let rule = try #require(Self.rules[clips || limits ? String(name.dropLast(8)) : name])
    var layer = Pair(weight: try file.tensor("\(group)/weight"), bias: try file.tensor("\(group)/bias"))
    let given = (weight: try file.tensor("\(group)/weight gradient"), bias: try file.tensor("\(group)/bias gradient"))
    let after = (weight: try file.tensor("\(group)/after/weight"), bias: try file.tensor("\(group)/after/bias"))
    var optimizer = Optimizer(rule)
    #expect(given.weight.shape[0] == 20)
    var worst = 0.0
    for step in 0..<20 {
      var gradients = Gradients([given.weight.select(0, step), given.bias.select(0, step)])
      if clips { _ = gradients.clip(to: 2) }
      if limits { gradients.clip(toValue: 0.7) }
      optimizer.update(&layer, gradients, rate: 0.05 * Real(1 + step % 3), decay: 0.3)
      for (own, other) in [(layer.weight, after.weight), (layer.bias, after.bias)] {
        worst = max(worst, expectClose(own, other.select(0, step), tolerance: 1e-5, "\(name) after step \(step)"))
      }
    }
    #expect(optimizer.step == 20)
    ProofLog.record("optimizer", name, "20 steps", worst)
  }

  @Test func everyRuleHasVectors() throws {
    let names = Set(try Self.vectors().map(\.name))
    #expect(Self.rules.keys.allSatisfy { names.contains($0) && names.contains("\($0)-clipped") })
    #expect(names.contains("sgd-momentum-limited") && names.contains("adamw-limited"))
  }

  private func pair(_ seed: UInt64) -> Pair {
    var stream = RandomStream(seed: seed)
    return Pair(weight: stream.normal([4, 3]), bias: stream.normal([3]))
  }

  private func address(_ x: Tensor) -> UInt { x.withElements { UInt(bitPattern: $0.baseAddress) } }

  @Test(arguments: rules.keys.sorted())
  func updatesInPlaceWithoutTouchingACopy(_ name: String) throws {
    var layer = pair(1)
    let gradients = Gradients(pair(2).tensors)
    var optimizer = Optimizer(try #require(Self.rules[name]))
    let before = [address(layer.weight), address(layer.bias)]
    optimizer.update(&layer, gradients, rate: 0.1, decay: 0.1)
    #expect([address(layer.weight), address(layer.bias)] == before, "nobody else sees the buffers: no copy is made")

    let copy = layer
    let values = copy.tensors.map(\.values)
    let state = optimizer
    optimizer.update(&layer, gradients, rate: 0.1, decay: 0.1)
    #expect(copy.tensors.map(\.values) == values, "the copy keeps its values")
    #expect(layer.weight.values != values[0] && layer.bias.values != values[1])

    // A copy of the optimizer's state is a state of its own, too.
    var (again, replayed) = (state, copy)
    again.update(&replayed, gradients, rate: 0.1, decay: 0.1)
    #expect(zip(replayed.tensors, layer.tensors).allSatisfy { sameBits($0, $1) })
  }

  @Test func frozenPartsAndBuffersAreLeftAlone() {
    struct Whole: Layer {
      var frozen: Pair
      var trained: Pair
      var statistics: Tensor
      mutating func visit(_ v: inout some LayerVisitor) {
        v("frozen", &frozen, frozen: true)
        v("trained", &trained)
        v("statistics", &statistics, .buffer)
      }
    }
    var whole = Whole(frozen: pair(1), trained: pair(2), statistics: .ones([2]))
    let (value, gradients) = valueAndGradients(of: &whole) { w in
      (w.frozen.weight * w.trained.weight).sum() + (w.trained.bias * w.frozen.bias).sum() + w.statistics.sum()
    }
    #expect(gradients.values.count == 2)
    #expect(sameBits(gradients.values[0], pair(1).weight) && sameBits(gradients.values[1], pair(1).bias))
    #expect(!value.isTracked && whole.tensors.allSatisfy { !$0.isTracked })
    var optimizer = Optimizer(.sgd(momentum: 0, nesterov: false))
    optimizer.update(&whole, gradients, rate: 0.5)
    #expect(sameBits(whole.frozen.weight, pair(1).weight) && sameBits(whole.frozen.bias, pair(1).bias))
    #expect(sameBits(whole.statistics, .ones([2])))
    expectClose(whole.trained.weight, pair(2).weight - pair(1).weight * 0.5, tolerance: 1e-6)
  }

  @Test func scalingGivesEachParameterItsOwnRateAndDecay() {
    var layer = pair(3)
    let zero = Gradients(layer.tensors.map { .zeros($0.shape) })
    var optimizer = Optimizer(.sgd(momentum: 0, nesterov: false))
    let scaling = ParameterScaling { $0.path == "bias" ? (2, 3) : (1, 0) }
    optimizer.update(&layer, zero, rate: 0.1, decay: 0.5, scaling: scaling)
    #expect(sameBits(layer.weight, pair(3).weight), "no decay of the weight")
    expectClose(layer.bias, pair(3).bias * (1 - 0.2 * 1.5), tolerance: 1e-6)
  }

  @Test func clippingScalesToTheLimitAndTellsTheNormBefore() {
    var gradients = Gradients([Tensor([2], [3, 0]), Tensor([1], [4])])
    #expect(gradients.norm == 5)
    #expect(gradients.clip(to: 10) == 5)
    #expect(
      gradients.values[0].values == [3, 0] && gradients.values[1].values == [4], "within the limit nothing changes")
    #expect(gradients.clip(to: 1) == 5)
    expectClose(gradients.values[0], Tensor([2], [0.6, 0]), tolerance: 1e-6)
    expectClose(gradients.values[1], Tensor([1], [0.8]), tolerance: 1e-6)
  }

  @Test func clippingByGroupsLimitsEachGroupAlone() {
    var gradients = Gradients([Tensor([4, 3], [3] + Array(repeating: 0, count: 11)), Tensor([3], [0.5, 0, 0])])
    let largest = gradients.clip(to: 1, layer: pair(1)) { $0.path }
    #expect(largest == 3)
    expectClose(gradients.values[0].sum(), Tensor(1), tolerance: 1e-6)
    #expect(gradients.values[1].values == [0.5, 0, 0])
  }

  @Test func sumsOfShardsAreAFixedTree() {
    // In Float, (big + 1) - big depends on the order: the tree is ((0+1)+(2+3))+4.
    let big: Real = isDouble ? 0x1p53 : 0x1p24
    let parts = [big, 1, -big, 1, 1].map { Gradients([Tensor($0)]) }
    #expect(Gradients.sum(parts).values[0].item == ((big + 1) + (-big + 1)) + 1)
  }
}
