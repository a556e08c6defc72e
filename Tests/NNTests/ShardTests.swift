import ReproNN
import ReproTensor
import TestSupport
import Testing

/// A small encoder with a buffer that every pass writes.
private struct Encoder: Layer {
  var mlp: MLP
  var norm: LayerNorm
  var seen: Tensor

  init(_ random: RandomStream) {
    mlp = MLP(6, hidden: 10, random: random)
    norm = LayerNorm(6)
    seen = .zeros([1])
    // Larger than the usual initialisation, so that gradients are not tiny.
    var stream = random.child("scale")
    mlp.fc1.weight = stream.normal([10, 6], deviation: 0.7)
    mlp.fc2.weight = stream.normal([6, 10], deviation: 0.7)
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("mlp", &mlp)
    v("norm", &norm)
    v("seen", &seen, .buffer)
  }

  mutating func callAsFunction(_ x: Tensor) -> Tensor {
    seen = seen + x.detached.sum().reshaped([1])
    return norm(mlp(x) + x)
  }
}

@Suite("Gradients of sharded batches")
struct ShardTests {
  private let encoder = Encoder(RandomStream(seed: 1))
  private let batch: Tensor

  init() {
    var stream = RandomStream(seed: 2)
    batch = stream.normal([12, 6])
  }

  /// A loss in which all samples meet: a contrast of every sample with every other.
  private func loss(_ z: [Tensor]) -> Tensor {
    let a = z[0].l2Normalized()
    let scores = matmul(a, a.transposed()).fillingDiagonal(-.infinity) * 3
    let n = a.shape[0]
    return crossEntropy(scores, labels: IndexTensor((0..<n).map { $0 ^ 1 })) + (z[1] * z[1]).mean()
  }

  private func run(_ borders: [Int], recomputes: Bool) -> (value: Tensor, gradients: Gradients, layer: Tensor) {
    var layer = encoder
    let result = shardedValueAndGradients(of: &layer, shards: borders.count - 1, recomputes: recomputes) {
      layer, shard in
      let x = batch.slice(0, borders[shard]..<borders[shard + 1])
      let z = layer(x)
      return [z, z.slice(1, 0..<2) * x.slice(1, 1..<3)]
    } loss: {
      loss($0)
    }
    return (result.value, result.gradients, layer.seen)
  }

  static let cuts: [[Int]] = [[0, 12], [0, 6, 12], [0, 3, 6, 9, 12], [0, 1, 5, 12], Array(0...12)]

  @Test(arguments: cuts)
  func recomputingGivesTheBitsOfAllAtOnce(_ borders: [Int]) {
    let (once, twice) = (run(borders, recomputes: false), run(borders, recomputes: true))
    #expect(sameBits(once.value, twice.value))
    #expect(once.gradients.values.count == 6)
    for (a, b) in zip(once.gradients.values, twice.gradients.values) { #expect(sameBits(a, b)) }
    #expect(sameBits(once.layer, twice.layer), "the buffers that the layer keeps")
  }

  @Test(arguments: cuts)
  func shardsGiveTheGradientsOfTheWholeBatch(_ borders: [Int]) {
    var layer = encoder
    let whole = valueAndGradients(of: &layer) { l in
      let z = l(batch)
      return loss([z, z.slice(1, 0..<2) * batch.slice(1, 1..<3)])
    }
    let cut = run(borders, recomputes: true)
    expectClose(cut.value, whole.value, tolerance: 1e-5)
    for (a, b) in zip(cut.gradients.values, whole.gradients.values) {
      let error = expectClose(a, b, tolerance: 1e-5)
      ProofLog.record("shards", "against the whole batch", "\(borders)", error)
    }
  }

  @Test func buffersAreTheMeanOverShardsThatAllStartFromTheLayers() {
    // Every shard adds its sum to a buffer of 0.
    expectClose(run([0, 3, 6, 9, 12], recomputes: false).layer, batch.sum().reshaped([1]) / 4, tolerance: 1e-5)
  }

  @Test func gradientsOfShardsDoNotDependOnTheNumberOfThreads() {
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    ThreadPool.shared.threads = 1
    let expected = run([0, 3, 6, 9, 12], recomputes: false)
    ThreadPool.shared.threads = 3
    let found = run([0, 3, 6, 9, 12], recomputes: false)
    for (a, b) in zip(found.gradients.values, expected.gradients.values) { #expect(sameBits(a, b)) }
  }
}

@Suite("Stochastic depth")
struct StochasticDepthTests {
  private func context(_ i: Int) -> ForwardContext { ForwardContext(random: RandomStream(seed: 9).child("step", i)) }

  @Test func withoutAContextOrARateItIsThePlainResidual() {
    let x = Tensor([2, 1], [1, 2])
    #expect(residual(x, rate: 0.5, nil) { $0 * 10 }.values == [11, 22])
    #expect(residual(x, rate: 0, context(0)) { $0 * 10 }.values == [11, 22])
  }

  @Test func atSmallRatesEachSampleIsDroppedAloneAndTheExpectationIsTheBranch() {
    let (n, rate) = (4000, Real(0.1))
    var kept = 0
    for step in 0..<5 {
      let y = residual(Tensor.zeros([n, 1]), rate: rate, context(step)) { $0 + 1 }.values
      #expect(y.allSatisfy { $0 == 0 || $0 == 1 / (1 - rate) })
      kept += y.count { $0 != 0 }
    }
    // 20000 draws of probability 0.9: the deviation of the count is 42.
    #expect(abs(kept - 18000) < 4 * 42, "kept \(kept) of 20000")
  }

  @Test func atLargeRatesTheBranchSeesASubsetScaledToKeepTheSum() {
    var counts = [Int](repeating: 0, count: 10)
    for step in 0..<2000 {
      var seen: Shape = []
      let y = residual(Tensor.zeros([10, 3]), rate: 0.45, context(step)) { branch in
        seen = branch.shape
        return branch + 1
      }
      #expect(seen == [5, 3], "floor(10 * 0.55) samples are computed")
      let rows = y.select(1, 0).values
      #expect(rows.allSatisfy { $0 == 0 || $0 == 2 } && rows.count { $0 == 2 } == 5)
      for i in 0..<10 where rows[i] != 0 { counts[i] += 1 }
    }
    // Each sample is kept with probability 1/2: the deviation of a count is 22.
    #expect(counts.allSatisfy { abs($0 - 1000) < 4 * 22 }, "\(counts)")
  }

  @Test func gradientsOfDroppedSamplesAreThoseOfTheIdentity() {
    let x = Tensor.ones([10, 2]).tracked
    let y = residual(x, rate: 0.45, context(3)) { $0 * 3 }
    let gradient = gradients(of: y.sum(), with: [x])[0].select(1, 0).values
    let rows = y.select(1, 0).values
    for i in 0..<10 { #expect(gradient[i] == (rows[i] == 1 ? 1 : 7)) }
  }
}
