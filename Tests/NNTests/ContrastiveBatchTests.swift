import ReproNN
import ReproTensor
import TestSupport
import Testing

/// Two encoders whose outputs are contrasted, and the temperature that both share.
private struct TwoTowers: Layer {
  var image, text: MLP
  var scale: Tensor
  mutating func visit(_ v: inout some LayerVisitor) {
    v("image", &image)
    v("text", &text)
    v("logit_scale", &scale, .gain)
  }
}

@Suite("Large contrastive batches in chunks")
struct ContrastiveBatchTests {
  private let towers: TwoTowers
  private let images, texts: Tensor

  init() {
    let random = RandomStream(seed: 3)
    towers = TwoTowers(
      image: MLP(6, hidden: 12, deviation: 0.5, random: random.child("image")),
      text: MLP(6, hidden: 8, deviation: 0.5, random: random.child("text")), scale: .full([1], 1.5))
    var stream = random.child("data")
    (images, texts) = (stream.normal([24, 6]), stream.normal([24, 6]))
  }

  /// CLIP's loss; the scale is a parameter, so it passes through `encode` like everything that has a gradient.
  private func loss(_ z: [Tensor]) -> Tensor {
    let n = z[0].shape[0]
    let scores: Tensor = matmul(z[0].l2Normalized(), z[1].l2Normalized().transposed()) * z[2]  // [N, N], scale [N, 1]
    let labels = IndexTensor(Array(0..<n))
    return (crossEntropy(scores, labels: labels) + crossEntropy(scores.transposed(), labels: labels)) * 0.5
  }

  private func encode(_ t: TwoTowers, _ rows: Range<Int>, _ random: RandomStream) -> [Tensor] {
    // Noise is drawn for each sample, so that a chunk sees what the whole batch would.
    let noise = stack(
      rows.map { i in
        var stream = random.child("sample", i)
        return stream.normal([6], deviation: 0.1)
      })
    let one = Tensor.ones([rows.count, 1])
    return [t.image(images.slice(0, rows) + noise), t.text(texts.slice(0, rows)), one * t.scale.exp()]
  }

  @Test(arguments: [1, 2, 3, 8, 24])
  func haveTheLossAndGradientsOfTheWholeBatch(_ chunks: Int) {
    let random = RandomStream(seed: 8)
    var (whole, cut) = (towers, towers)
    let expected = valueAndGradients(of: &whole) { loss(encode($0, 0..<24, random)) }
    let n = 24 / chunks
    let found = shardedValueAndGradients(of: &cut, shards: chunks, recomputes: true) { t, chunk in
      encode(t, chunk * n..<(chunk + 1) * n, random)
    } loss: {
      loss($0)
    }
    expectClose(found.value, expected.value, tolerance: 1e-5)
    #expect(found.gradients.values.count == 9)
    for (info, (a, b)) in zip(towers.parameters, zip(found.gradients.values, expected.gradients.values)) {
      let error = expectClose(a, b, tolerance: 1e-5, info.path)
      ProofLog.record("cached gradients", "\(chunks) chunks", info.path, error)
    }
    #expect(expected.gradients.norm > 0.1)
  }

  @Test func keepNoMoreThanOneChunksGraph() async {
    await #expect(processExitsWith: .success) {
      func peak(_ recomputes: Bool) -> Int {
        let random = RandomStream(seed: 1)
        var mlp = MLP(8, hidden: 128, random: random)
        var stream = random.child("x")
        let x = stream.normal([4096, 8])
        BufferCache.shared.release()
        let before = BufferCache.shared.counters
        var live = 0
        _ = shardedValueAndGradients(of: &mlp, shards: 16, recomputes: recomputes) { m, shard in
          let z = m(x.slice(0, shard * 256..<(shard + 1) * 256))
          live = max(live, BufferCache.shared.counters.liveBytes - before.liveBytes)
          return [z]
        } loss: {
          $0[0].squared().mean()
        }
        return live
      }
      let (all, one) = (peak(false), peak(true))
      // Activations of all 16 chunks are 2 x 4096 x 128 numbers; outputs of all are 4096 x 8.
      #expect(one * 3 < all, "\(one) bytes in chunks, \(all) at once")
    }
  }
}
