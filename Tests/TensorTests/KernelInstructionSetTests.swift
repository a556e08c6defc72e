import ReproKernels
import Testing

@testable import ReproTensor

/// The promise of the kernels: the same bits from every instruction set.
@Suite struct KernelInstructionSetTests {
  private static let best = repro_best_isa().rawValue

  @Test(.enabled(if: best >= REPRO_ISA_AVX2.rawValue, "this processor has no AVX2"))
  func portableAndAVX2GiveTheSameBits() {
    compare(REPRO_ISA_PORTABLE, REPRO_ISA_AVX2, Float.self)
    compare(REPRO_ISA_PORTABLE, REPRO_ISA_AVX2, Double.self)
  }

  @Test(.enabled(if: best >= REPRO_ISA_AVX512.rawValue, "this processor has no AVX-512"))
  func portableAndAVX512GiveTheSameBits() {
    compare(REPRO_ISA_PORTABLE, REPRO_ISA_AVX512, Float.self)
    compare(REPRO_ISA_PORTABLE, REPRO_ISA_AVX512, Double.self)
  }

  @Test func theTablesOfAllInstructionSetsAreDifferentCode() {
    let tables = availableISAs.map { repro_kernels_for_f32($0) }
    #expect(Set(tables).count == availableISAs.count)
  }

  private func compare<S: KernelScalar>(_ a: repro_isa, _ b: repro_isa, _: S.Type) {
    for n in [1, 16, 17, 67, 1003] {
      let (first, second) = (outputs(S.kernels(a), n), outputs(S.kernels(b), n))
      #expect(first.map(\.0) == second.map(\.0))
      for ((name, x), (_, y)) in zip(first, second) {
        let different = zip(x, y).enumerated().first { $1.0.bits != $1.1.bits && !($1.0.isNaN && $1.1.isNaN) }
        #expect(different == nil, "\(name), n = \(n), \(S.self): \(String(describing: different))")
      }
    }
  }

  /// Every bit pattern is as likely as any other: all magnitudes, infinities, NaN, denormals.
  private func wild<S: KernelScalar>(_ n: Int, _ seed: UInt64) -> [S] {
    var stream = RandomStream(seed: seed)
    return (0..<n).map { _ in S(bits: stream.next64()) }
  }

  /// What every kernel makes of tame and of wild numbers.
  private func outputs<S: KernelScalar>(_ k: KernelSet<S>, _ n: Int) -> [(String, [S])] {
    var all: [(String, [S])] = []
    func keep(_ name: String, _ kernel: (UnsafeMutablePointer<S>) -> Void, count: Int) {
      all.append((name, filled(count, by: kernel)))
    }
    for tame in [true, false] {
      let a: [S] = tame ? normals(n, 3, seed: 41) : wild(n, 42)
      let b: [S] = tame ? normals(n, 2, seed: 43) : wild(n, 44)
      let c: [S] = tame ? normals(n, 1, seed: 45) : wild(n, 46)
      for (name, kernel) in k.unary.sorted(by: { $0.key < $1.key }) { keep(name, { kernel(n, a, $0) }, count: n) }
      for (name, kernel) in k.binary.sorted(by: { $0.key < $1.key }) {
        for (sa, sb) in [(1, 1), (1, 0), (0, 1)] { keep(name, { kernel(n, a, sa, b, sb, $0) }, count: n) }
      }
      keep("select", { k.select(n, a.map { $0 > 0 ? 1 : 0 }, 1, b, 1, c, 1, $0) }, count: n)
      keep("affine", { k.affine(n, 1.1, a, 0.7, $0) }, count: n)
      keep("blend", { k.blend(n, 0.9, a, 0.1, b, $0) }, count: n)
      keep(
        "axpy",
        {
          $0.update(from: b, count: n); k.axpy(n, 0.3, a, $0)
        }, count: n)
      let reduced = [
        k.sum(n, a), k.sumSquares(n, a), k.dot(n, a, b), k.max(n, a), k.min(n, a), S(k.nonFinite(n, a)),
      ]
      all.append(("reductions", reduced))
      for rows in [1, 3] where rows <= n {
        let cols = n / rows
        rowOutputs(k, rows, cols, a, b, c).forEach { all.append($0) }
      }
    }
    keep("fill", { k.fill(n, 0.1, $0) }, count: n)
    keep("uniform", { k.uniform(51, 52, 53, n, $0) }, count: n)
    keep("normal", { k.normal(51, 52, 53, n, $0) }, count: n)
    let bytes = (0..<n).map { UInt8(truncatingIfNeeded: $0 * 91) }
    keep("fromBytes", { k.fromBytes(n, 0.017, bytes, -0.4, $0) }, count: n)
    return all
  }

  private func rowOutputs<S: KernelScalar>(
    _ k: KernelSet<S>, _ rows: Int, _ cols: Int, _ a: [S], _ b: [S], _ c: [S]
  ) -> [(String, [S])] {
    let n = rows * cols
    var (mean, rstd) = ([S](repeating: 0, count: rows), [S](repeating: 0, count: rows))
    var (ggain, gbias, h) = (Array(b[..<cols]), Array(a[..<cols]), [S](repeating: 0, count: n))
    var (p, m, v) = (Array(a[..<n]), Array(b[..<n]), c[..<n].map { abs($0) })
    var all: [(String, [S])] = []
    func keep(_ name: String, count: Int, _ kernel: (UnsafeMutablePointer<S>) -> Void) {
      all.append((name, filled(count, by: kernel)))
    }
    keep("softmax", count: n) { k.softmax(rows, cols, 0.35, a, $0) }
    keep("softmaxBackward", count: n) { k.softmaxBackward(rows, cols, 0.35, a, b, $0) }
    keep("logSoftmax", count: n) { k.logSoftmax(rows, cols, a, $0) }
    keep("logSoftmaxBackward", count: n) { k.logSoftmaxBackward(rows, cols, a, b, $0) }
    keep("sumRows", count: cols) {
      $0.update(from: b, count: cols); k.sumRows(rows, cols, a, $0, 1)
    }
    keep("layerNorm", count: n) { k.layerNorm(rows, cols, 1e-5, a, b, c, $0, &mean, &rstd) }
    keep("layerNorm without bias", count: n) { k.layerNorm(rows, cols, 1e-5, a, b, nil, $0, &mean, &rstd) }
    keep("layerNormBackward", count: n) {
      k.layerNormBackward(rows, cols, a, b, mean, rstd, c, $0, &ggain, &gbias)
    }
    keep("biasAdd", count: n) { k.biasAdd(rows, cols, a, b, $0) }
    keep("biasGelu", count: n) { k.biasGelu(rows, cols, a, b, &h, $0) }
    var both = [S](repeating: 0, count: n)
    keep("geluBoth", count: n) { k.geluBoth(n, a, b, $0, &both) }
    k.adamw(n, &p, a, &m, &v, 1e-3, 0.9, 0.999, 1e-8, 0.05, 1.1e-3, 1.2)
    keep("transpose", count: n) { k.transpose(rows, cols, a, cols, $0, rows) }
    keep("gatherStrided", count: cols) { k.gatherStrided(cols, a, rows, $0) }
    return all + [
      ("statistics", mean + rstd), ("parameter gradients", ggain + gbias), ("biased", h), ("gelu of both", both),
      ("adamw", p + m + v),
    ]
  }
}
