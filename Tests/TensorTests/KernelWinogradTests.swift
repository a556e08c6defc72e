import ReproKernels
import Testing

@Suite("Kernels of 3 x 3 convolutions")
struct KernelWinogradTests {
  /// The transforms' matrices (Lavin and Gray 2015, Eq. 8).
  private static let b: [[Double]] = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]  // B^T
  private static let g: [[Double]] = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]
  private static let a: [[Double]] = [[1, 1, 1, 0], [0, 1, -1, -1]]  // A^T

  private static func transposed(_ m: [[Double]]) -> [[Double]] { m[0].indices.map { j in m.map { $0[j] } } }

  /// left x left^T of a square given row by row.
  private static func around(_ left: [[Double]], _ x: [Double]) -> [Double] {
    let n = left[0].count
    return left.flatMap { p in
      left.map { q in
        (0..<n).reduce(0.0) { sum, i in sum + (0..<n).reduce(0.0) { $0 + p[i] * x[i * n + $1] * q[$1] } }
      }
    }
  }

  /// Whole numbers, so that every transform is exact.
  private func whole<S: KernelScalar>(_ n: Int, seed: UInt64) -> [S] {
    (normals(n, 8, seed: seed) as [S]).map { $0.rounded() }
  }

  @Test func transformsAreThoseOfThePaper() {
    func check<S: KernelScalar>(_: S.Type) {
      let n = 32
      for isa in availableISAs {
        let k = S.kernels(isa)
        func places(_ count: Int, _ seed: UInt64) -> [S] { whole(count * n, seed: seed) }
        func channel(_ x: [S], _ count: Int, _ i: Int) -> [Double] { (0..<count).map { Double(x[$0 * n + i]) } }

        let d = places(16, 1)
        let v: [S] = filled(16 * n) { v in
          d.withUnsafeBufferPointer { d in
            let seen = (0..<16).compactMap { place in d.baseAddress.map { $0 + place * n } }
            seen.withUnsafeBufferPointer { if let p = $0.baseAddress { k.winogradInput(n, p, v, n) } }
          }
        }
        for i in 0..<n { #expect(channel(v, 16, i) == Self.around(Self.b, channel(d, 16, i))) }

        let y: [S] = filled(4 * n) { y in
          let made = (0..<4).map { y + $0 * n }
          made.withUnsafeBufferPointer { if let p = $0.baseAddress { k.winogradOutput(n, d, n, p) } }
        }
        for i in 0..<n { #expect(channel(y, 4, i) == Self.around(Self.a, channel(d, 16, i))) }

        // Panels of 16 of the two vectors of channels, one after the other in memory.
        let m: [S] = filled(16 * n) { m in
          y.withUnsafeBufferPointer { y in
            let seen = (0..<4).compactMap { place in y.baseAddress.map { $0 + place * n } }
            seen.withUnsafeBufferPointer { if let p = $0.baseAddress { k.winogradGradient(n, p, m, n, 16, 16) } }
          }
        }
        for i in 0..<n {
          #expect(channel(m, 16, i) == Self.around(Self.transposed(Self.a), channel(y, 4, i)))
        }

        let windows = Array(places(9, 2))
        let u: [S] = filled(16 * 16) { k.winogradWeight(windows, n, $0, 16) }
        let turned: [S] = filled(16 * 16) { u in
          windows.withUnsafeBufferPointer { if let w = $0.baseAddress { k.winogradWeight(w + 8 * n, -n, u, 16) } }
        }
        for i in 0..<16 {
          let window = channel(windows, 9, i)
          #expect((0..<16).map { Double(u[$0 * 16 + i]) } == Self.around(Self.g, window))
          #expect((0..<16).map { Double(turned[$0 * 16 + i]) } == Self.around(Self.g, window.reversed()))
        }

        let back: [S] = filled(9 * 16) { k.winogradWeightGradient(d, n, $0, 16) }
        for i in 0..<16 {
          let want = Self.around(Self.transposed(Self.g), channel(d, 16, i))
          #expect((0..<9).map { Double(back[$0 * 16 + i]) } == want)
        }
      }
    }
    check(Float.self)
    check(Double.self)
  }

  @Test(arguments: [16, 32]) func panelsAreSummedInOrderWithOneRoundingEach(_ width: Int) {
    func check<S: KernelScalar>(_: S.Type) {
      for (rows, depth) in [(1, 1), (3, 5), (8, 64), (17, 3), (31, 40), (5, 0)] {
        for isTransposed in [false, true] {
          let a: [S] = normals(rows * depth + 1, seed: 3)
          let b: [S] = normals(depth * width + 1, seed: 4)
          let (row, step) = isTransposed ? (1, rows) : (depth, 1)
          for accumulates in [false, true] {
            let start: [S] = normals(rows * width, seed: 5)
            var want = start
            for r in 0..<rows {
              for c in 0..<width {
                var sum: S = accumulates ? start[r * width + c] : 0
                for d in 0..<depth { sum = sum.addingProduct(a[r * row + d * step], b[d * width + c]) }
                want[r * width + c] = sum
              }
            }
            for isa in availableISAs {
              let got: [S] = filled(rows * width) { c in
                for i in 0..<(rows * width) { c[i] = start[i] }
                S.kernels(isa).multiplyPanel(rows, depth, a, row, step, b, width, c, width, accumulates ? 1 : 0)
              }
              #expect(got.map(\.bits) == want.map(\.bits), "\(S.self) \(isa) \(rows) x \(depth)")
            }
          }
        }
      }
    }
    check(Float.self)
    check(Double.self)
  }
}
