import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

@Suite("Layers over time and space")
struct TemporalTests {
  private func sequence(_ shape: Shape) -> Tensor {
    var stream = RandomStream(seed: 3)
    return stream.normal(shape)
  }

  /// x with something else from step `from` on.
  private func changed(_ x: Tensor, from: Int) -> Tensor {
    concat([x.slice(2, 0..<from), x.slice(2, from..<x.shape[2]) * -2 + 1], axis: 2)
  }

  @Test func aCausalNetworkDoesNotSeeTheFutureAndReachesTheWholePast() {
    let network = TemporalNetwork([2, 3, 3], random: RandomStream(seed: 1))
    let x = sequence([1, 2, 16])
    for t in [1, 7, 12] {
      let (a, b) = (network(x), network(changed(x, from: t)))
      #expect(sameBits(a.slice(2, 0..<t), b.slice(2, 0..<t)), "steps before \(t)")
      #expect(!sameBits(a.slice(2, t..<16), b.slice(2, t..<16)))
    }
    // Kernel 3 twice at dilations 1 and 2: an output sees 12 steps back.
    let v = x.tracked
    let g = gradients(of: network(v).select(2, 15).sum(), with: [v])[0].abs().sum(1).squeezed(0).values
    #expect((0..<3).allSatisfy { g[$0] == 0 } && g[3...].contains { $0 > 0 })
  }

  @Test func whatIsBehindTheEndOfASequenceDoesNotMatter() {
    let network = TemporalNetwork([2, 3, 3], isCausal: false, random: RandomStream(seed: 1))
    let mask = Tensor([1, 10], (0..<10).map { $0 < 6 ? 1 : 0 })
    let x = sequence([1, 2, 10])
    let y = network(x, mask: mask)
    #expect(sameBits(y, network(changed(x, from: 6), mask: mask)))
    #expect(y.slice(2, 6..<10).values.allSatisfy { $0 == 0 })
    // And it is what the short sequence gives by itself.
    expectClose(y.slice(2, 0..<6), network(x.slice(2, 0..<6)), tolerance: 1e-6)
  }

  @Test func deformableAttentionBeginsOnAStarAroundItsReference() {
    let layer = DeformableAttention(8, heads: 4, levels: 1, points: 2, random: RandomStream(seed: 1))
    let bias = layer.samplingOffsets.bias?.reshaped(to: [4, 2, 2]) ?? Tensor(0)
    let expected: [Real] = [1, 0, 2, 0, 0, 1, 0, 2, -1, 0, -2, 0, 0, -1, 0, -2]
    expectClose(bias, Tensor([4, 2, 2], expected), tolerance: 1e-6)
    #expect(layer.samplingOffsets.weight.values.allSatisfy { $0 == 0 })
  }

  @Test func scatteringOfAConstantIsTheConstantAndNothingElse() {
    let transform = Scattering(rows: 8, columns: 16, scales: 2, angles: 3)
    let y = transform(.full([1, 1, 8, 16], 2))
    #expect(transform.paths == 1 + 6 + 9 && y.shape == [1, 1, 16, 2, 4])
    expectClose(y.slice(2, 0..<1), .full([1, 1, 1, 2, 4], 2), tolerance: 1e-5)
    #expect(y.slice(2, 1..<16).abs().values.allSatisfy { $0 < 1e-4 }, "wavelets have no mean")
  }
}
