import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

/// A stem, two blocks and a head, with the names of a vision transformer.
private struct Stack: Layer {
  var patchEmbed, head: Pair
  var blocks: [Pair]
  mutating func visit(_ v: inout some LayerVisitor) {
    v("patch_embed", &patchEmbed)
    v("blocks", &blocks)
    v("head", &head)
  }
}

@Suite("Groups of parameters")
struct ParameterGroupTests {
  @Test func layerwiseDecayTrainsAsPyTorchWithAGroupForEachLayer() throws {
    let file = try VectorFile("training.h5")
    func pair(_ path: String) throws -> Pair {
      Pair(
        weight: try file.tensor("groups/before/\(path).weight"), bias: try file.tensor("groups/before/\(path).bias"))
    }
    var stack = Stack(
      patchEmbed: try pair("patch_embed"), head: try pair("head"), blocks: [try pair("blocks.0"), try pair("blocks.1")])
    let paths = stack.parameters.map(\.path)
    let given = try paths.map { try file.tensor("groups/gradients/\($0)") }
    var optimizer = Optimizer(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
    for step in 0..<20 {
      optimizer.update(
        &stack, Gradients(given.map { $0.select(0, step) }), rate: 0.05 * Real(1 + step % 3), decay: 0.2,
        scaling: .layerwise(0.5, depth: 2))
    }
    for (path, tensor) in zip(paths, stack.tensors) {
      let error = expectClose(tensor, try file.tensor("groups/after/\(path)"), tolerance: 1e-5, path)
      ProofLog.record("optimizer", "layer-wise decay", path, error)
    }
  }

  private func factors(_ scaling: ParameterScaling, _ path: String, _ role: Role) -> [Real] {
    let (rate, decay) = scaling(ParameterInfo(path: path, role: role, shape: [1], isFrozen: false))
    return [rate, decay]
  }

  @Test func layersAreFoundBelowAnyPrefixAndByWholeNames() {
    let scaling = ParameterScaling.layerwise(0.5, depth: 3)
    #expect(factors(scaling, "student.backbone.blocks.2.mlp.fc1.weight", .weight) == [0.5, 1])
    #expect(factors(scaling, "student.backbone.cls_token", .bias) == [0.0625, 0])
    #expect(factors(scaling, "blocks.0.norm1.weight", .gain) == [0.125, 0])
    #expect(factors(scaling, "norm.weight", .gain) == [1, 0])
    #expect(factors(scaling, "my_patch_embed.weight", .weight) == [1, 1], "another name that ends like a stem's")
  }

  @Test func rolesHaveFactorsOfTheirOwnAndRulesMultiply() {
    let scaling = ParameterScaling.byRole([.bias: (2, 0), .gain: (0.1, 3)])
    #expect(factors(scaling, "a", .bias) == [2, 0] && factors(scaling, "a", .weight) == [1, 1])
    #expect(factors(scaling.times(.layerwise(0.5, depth: 0)), "pos_embed", .gain) == [0.05, 0])
  }
}

@Suite("Gradients that arrive one by one")
struct GradientAccumulatorTests {
  @Test(arguments: 1...20)
  func addUpToTheBitsOfAllAtOnce(_ n: Int) {
    var stream = RandomStream(seed: UInt64(n))
    let shards = (0..<n).map { _ in Gradients([stream.normal([5]), stream.normal([2, 3], deviation: 1e3)]) }
    var accumulator = GradientAccumulator()
    for (i, shard) in shards.enumerated() {
      accumulator.add(shard)
      let expected = Gradients.sum(Array(shards[...i]))
      #expect(zip(accumulator.total.values, expected.values).allSatisfy { sameBits($0, $1) }, "after \(i + 1)")
    }
    #expect(accumulator.count == n)
  }

  @Test func aGradientThatIsNotFiniteIsNamed() {
    let layer = Pair(weight: .ones([2]), bias: .ones([1]))
    #expect(Gradients([.ones([2]), .ones([1])]).firstNonFinite(of: layer) == nil)
    #expect(Gradients([.ones([2]), .full([1], .nan)]).firstNonFinite(of: layer) == "bias")
    #expect(Gradients([Tensor([2], [1, -.infinity]), .full([1], .nan)]).firstNonFinite(of: layer) == "weight")
    #expect(layer.firstNonFinite == nil)
    #expect(Pair(weight: .ones([2]), bias: .full([1], .infinity)).firstNonFinite == "bias")
  }
}
