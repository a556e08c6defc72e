import TestSupport
import Testing

@testable import ReproTensor

@Suite struct AttentionTests {
  private func draw(_ seed: UInt64, _ queries: Int, _ keys: Int, heads: Int = 2) -> [Tensor] {
    var stream = RandomStream(seed: seed)
    return [
      stream.normal([2, heads, queries, 8]), stream.normal([2, heads, keys, 8]), stream.normal([2, heads, keys, 5]),
    ]
  }

  @Test(arguments: [(1, 1), (3, 7), (128, 256), (129, 257), (300, 40), (40, 600), (257, 513)])
  func blocksGiveWhatTheFormulaGives(queries: Int, keys: Int) {
    let x = draw(1, queries, keys).map(\.tracked)
    var stream = RandomStream(seed: 2)
    for bias in [nil, stream.normal([2, queries, keys]).tracked, stream.normal([keys]).tracked] {
      for isCausal in [false, true] {
        let terms = AttentionTerms(
          bias: bias, mask: OpTable.allowed(queries, keys), isCausal: isCausal, scale: 0.4)
        let y = attention(x[0], x[1], x[2], bias: bias, mask: terms.mask, isCausal: isCausal, scale: 0.4)
        let z = matmul(terms.weights(x[0], x[1]), x[2])
        expectClose(y.detached, z.detached, tolerance: isDouble ? 1e-13 : 1e-5)
        let g = stream.normal(y.shape)
        let variables = x + (bias.map { [$0] } ?? [])
        let found = gradients(of: y, seed: g, with: variables)
        for (a, b) in zip(found, gradients(of: z, seed: g, with: variables)) {
          expectClose(a, b, tolerance: isDouble ? 1e-12 : 1e-4, floor: 0.1)
        }
      }
    }
  }

  @Test func aQueryWithoutKeysGivesZerosAndNoGradient() {
    let x = draw(3, 4, 300).map(\.tracked)
    // The mask forbids query 1, a bias of -infinity query 2.
    let mask = Tensor([4, 1], [1, 0, 1, 1])
    let bias = Tensor([4, 1], [0, 0, -.infinity, 0.5]).tracked
    for createGraph in [false, true] {
      let y = attention(x[0], x[1], x[2], bias: bias, mask: mask)
      for row in [1, 2] { #expect(y.slice(2, row..<(row + 1)).values.allSatisfy { $0 == 0 }) }
      #expect(y.slice(2, 0..<1).values.allSatisfy { $0 != 0 && $0.isFinite })
      let found = gradients(of: y, seed: .ones(y.shape), with: x + [bias], createGraph: createGraph)
      for row in [1, 2] { #expect(found[0].slice(2, row..<(row + 1)).values.allSatisfy { $0 == 0 }) }
      for gradient in found { #expect(gradient.values.allSatisfy { $0.isFinite }) }
      #expect(found[3].values[1] == 0 && found[3].values[2] == 0)
    }
    let nothing = attention(x[0], x[1], x[2], mask: Tensor(0))
    #expect(nothing.values.allSatisfy { $0 == 0 })
    #expect(
      attention(x[0], Tensor.zeros([2, 2, 0, 8]), Tensor.zeros([2, 2, 0, 5])).values == Array(repeating: 0, count: 80))
  }

  @Test func equalKeysGiveTheMeanOfTheValues() {
    let v = Tensor([1, 1, 4, 1], [1, 2, 3, 6])
    let y = attention(.ones([1, 1, 2, 3]), .ones([1, 1, 4, 3]), v)
    for value in y.values { #expect(abs(value - 3) < 1e-6) }
    let causal = attention(.ones([1, 1, 4, 3]), .ones([1, 1, 4, 3]), v, isCausal: true)
    for (a, b) in zip(causal.values, [1, 1.5, 2, 3] as [Real]) { #expect(abs(a - b) < 1e-6) }
  }

  @Test func largeScoresDoNotOverflow() {
    let x = draw(4, 5, 700)
    let y = attention(x[0] * 1000, x[1] * 1000, x[2])
    #expect(y.values.allSatisfy { $0.isFinite })
    // The largest score takes all: each result is one of the values.
    let scores = matmul(x[0], x[1].transposed()).argmax()
    for row in 0..<20 {
      let (head, key) = (row / 5, scores.values[row])
      let value = x[2].reshaped([4, 700, 5]).select(0, head).select(0, key)
      expectClose(y.reshaped([20, 5]).select(0, row), value, tolerance: 1e-5)
    }
  }

  @Test func memoryGrowsWithTheLengthAndNotWithItsSquare() async {
    // In a process of its own: the cache's counters count all tensors.
    await #expect(processExitsWith: .success) {
      let n = 4096
      var stream = RandomStream(seed: 5)
      let x = (0..<3).map { _ in stream.normal([1, 2, n, 8]).tracked }
      let before = BufferCache.shared.counters.liveBytes
      let y = attention(x[0], x[1], x[2], isCausal: true)
      _ = gradients(of: y.sum(), with: x)
      let used = BufferCache.shared.counters.peakBytes - before
      let scores = 2 * n * n * MemoryLayout<Real>.size
      require(used < scores / 8, "\(used) bytes, all scores have \(scores)")
    }
  }
}
