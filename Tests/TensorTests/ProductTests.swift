import TestSupport
import Testing

@testable import ReproTensor

/// Products that are cut into parts, and activations that overwrite what nobody else sees.
@Suite struct ProductTests {
  /// m, n, k of every way of cutting.
  private static let sizes = [
    (3, 5, 7), (160, 150, 300), (1000, 96, 100), (1000, 161, 97), (96, 1000, 100), (161, 1000, 97), (24, 40, 7001),
    (96, 96, 2049), (7, 900, 4000),
  ]

  @Test func theSizesAboveAreCutInEveryWay() {
    var kinds: Set<String> = []
    for (m, n, k) in Self.sizes {
      switch ProductCut(m, n, k) {
      case .whole: kinds.insert("whole")
      case .rows(let rows):
        kinds.insert("rows")
        #expect(rows % 16 == 0 && rows < m)
      case .columns(let columns):
        kinds.insert("columns")
        #expect(columns % 16 == 0 && columns < n)
      case .terms(let terms, let parts):
        kinds.insert("terms")
        #expect(terms % 16 == 0 && terms * (parts - 1) < k && terms * parts >= k)
      }
    }
    #expect(kinds == ["whole", "rows", "columns", "terms"])
  }

  @Test func everyPartOfAProductIsThereOnceHoweverItIsCutAndHoweverTheMatricesLie() {
    for (m, n, k) in Self.sizes {
      // Small whole numbers: every order of summation gives the same bits.
      let a = Tensor([m, k], (0..<m * k).map { Real(($0 * 7 + $0 / k) % 5 - 2) })
      let b = Tensor([k, n], (0..<k * n).map { Real(($0 * 3 + $0 / n) % 7 - 3) })
      let expected = plain(a, b)
      #expect(matmul(a, b).values == expected, "\(m) x \(n) x \(k)")
      let (at, bt) = (a.transposed().copied().transposed(), b.transposed().copied().transposed())
      #expect(matmul(at, b).values == expected && matmul(a, bt).values == expected && matmul(at, bt).values == expected)
      let bias = Tensor([n], (0..<n).map { Real($0 % 11) })
      let shifted = expected.indices.map { expected[$0] + Real($0 % n % 11) }
      #expect(linear(a, b.transposed().copied(), bias).values == shifted)
      #expect(linear(at, b.transposed(), bias).values == shifted)
    }
  }

  private func plain(_ a: Tensor, _ b: Tensor) -> [Real] {
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    var y = [Real](repeating: 0, count: m * n)
    let (x, w) = (a.values, b.values)
    for i in 0..<m { for l in 0..<k { for j in 0..<n { y[i * n + j] += x[i * k + l] * w[l * n + j] } } }
    return y
  }

  @Test func feedForwardIsItsCompositionToTheLastBits() {
    var stream = RandomStream(seed: 4)
    for (rows, width, hidden) in [(3, 5, 7), (1100, 24, 96), (40, 300, 700)] {
      let x = stream.normal([rows, width])
      let (w1, b1) = (stream.normal([hidden, width], deviation: 0.2), stream.normal([hidden]))
      let (w2, b2) = (stream.normal([width, hidden], deviation: 0.2), stream.normal([width]))
      let fused = [x, w1, b1, w2, b2].map(\.tracked), composed = fused.map { $0.detached.tracked }
      let y = feedForward(fused[0], fused[1], fused[2], fused[3], fused[4])
      let z = linear(linear(composed[0], composed[1], composed[2]).gelu(), composed[3], composed[4])
      #expect(sameBits(y.detached, z.detached))
      let seed = stream.normal(y.shape)
      for (g, h) in zip(gradients(of: y, seed: seed, with: fused), gradients(of: z, seed: seed, with: composed)) {
        expectClose(g, h, tolerance: isDouble ? 1e-13 : 2e-6, "\(rows) x \(width) x \(hidden)")
      }
    }
  }

  @Test func anActivationOverwritesATemporaryAndNothingElse() {
    var stream = RandomStream(seed: 5)
    let x = stream.normal([3, 50])
    func check(_ name: String, _ f: (consuming Tensor) -> Tensor) {
      let kept = x.copied()
      let expected = f(kept)
      #expect(sameBits(kept, x), "\(name) changed a tensor that is still used")
      let alias = kept
      #expect(sameBits(f(alias), expected) && sameBits(kept, x), "\(name) of a second name")
      #expect(sameBits(f(kept.transposed()), f(x.transposed().copied())), "\(name) of a view")
      #expect(sameBits(f(x.copied()), expected), "\(name) of a temporary")
      let tracked = x.copied().tracked
      #expect(sameBits(f(tracked).detached, expected) && sameBits(tracked.detached, x), "\(name) of a variable")
    }
    check("gelu") { $0.gelu() }
    check("relu") { $0.relu() }
    check("silu") { $0.silu() }
    let temporary = x.copied()
    let place = temporary.base
    let y = (consume temporary).gelu()
    #expect(y.base == place, "a temporary needs no second buffer")
  }
}
