import COpenBLAS

/// LAPACK in the width of `Real`: each call handles one column-major matrix on the calling thread.
///
/// A row-major matrix is the transpose of the column-major one in the same memory; the callers make use of that instead of
/// moving elements. A returned number other than 0 is LAPACK's `info`.
enum LAPACK {
  typealias Elements = UnsafeMutablePointer<Real>

  /// a [m, n] = u diag(s) vt; `work` holds `workOfSVD(m, n)` elements, `integers` 8 min(m, n).
  static func svd(
    _ m: Int, _ n: Int, _ a: Elements, _ s: Elements, _ u: Elements, _ vt: Elements, _ work: Elements,
    _ integers: UnsafeMutablePointer<Int32>
  ) -> Int {
    let room = Int32(workOfSVD(m, n))
    #if DoubleReal
      return Int(repro_gesdd_f64(Int32(m), Int32(n), a, s, u, vt, work, room, integers))
    #else
      return Int(repro_gesdd_f32(Int32(m), Int32(n), a, s, u, vt, work, room, integers))
    #endif
  }

  /// What gesdd asks for with thin factors: 4 k^2 + 7 k + max(m, n), and room for blocks of 32 columns.
  static func workOfSVD(_ m: Int, _ n: Int) -> Int {
    let k = min(m, n)
    return 5 * k * k + 9 * k + max(m, n) + 64 * (m + n + 1)
  }

  /// The upper triangle of a [n, n]; a becomes the eigenvectors, one a column.
  static func eigh(
    _ n: Int, _ a: Elements, _ values: Elements, _ work: Elements, _ integers: UnsafeMutablePointer<Int32>
  ) -> Int {
    let (room, integerRoom) = (Int32(workOfEigh(n)), Int32(3 + 5 * n))
    #if DoubleReal
      return Int(repro_syevd_f64(Int32(n), a, values, work, room, integers, integerRoom))
    #else
      return Int(repro_syevd_f32(Int32(n), a, values, work, room, integers, integerRoom))
    #endif
  }

  /// What syevd asks for: 1 + 6 n + 2 n^2, and room for blocks of 32 columns.
  static func workOfEigh(_ n: Int) -> Int { 1 + 6 * n + 2 * n * n + 66 * n }

  /// The orthonormal columns q of a [m, n], m >= n, in place of a, after `upper(a)` has taken r from its upper triangle.
  /// `work` holds 65 n elements: tau and blocks of 64 columns.
  static func qr(_ m: Int, _ n: Int, _ a: Elements, _ work: Elements, upper: (Elements) -> Void) -> Int {
    let (tau, rest, room) = (work, work + n, Int32(64 * n))
    #if DoubleReal
      let info = repro_geqrf_f64(Int32(m), Int32(n), a, tau, rest, room)
    #else
      let info = repro_geqrf_f32(Int32(m), Int32(n), a, tau, rest, room)
    #endif
    if info != 0 { return Int(info) }
    upper(a)
    #if DoubleReal
      return Int(repro_orgqr_f64(Int32(m), Int32(n), a, tau, rest, room))
    #else
      return Int(repro_orgqr_f32(Int32(m), Int32(n), a, tau, rest, room))
    #endif
  }

  /// The upper triangle of a [n, n] becomes u with u^T u = a; info i > 0: the leading minor of order i is not positive.
  static func cholesky(_ n: Int, _ a: Elements) -> Int {
    #if DoubleReal
      return Int(repro_potrf_f64(Int32(n), a))
    #else
      return Int(repro_potrf_f32(Int32(n), a))
    #endif
  }

  /// a [n, n] becomes its factors l and u; info i > 0: u_ii is 0.
  static func lu(_ n: Int, _ a: Elements, _ pivots: UnsafeMutablePointer<Int32>) -> Int {
    #if DoubleReal
      return Int(repro_getrf_f64(Int32(n), a, pivots))
    #else
      return Int(repro_getrf_f32(Int32(n), a, pivots))
    #endif
  }

  /// b [n, k] becomes x with a^T x = b.
  static func solveTransposed(
    _ n: Int, _ k: Int, _ lu: Elements, _ pivots: UnsafeMutablePointer<Int32>, _ b: Elements
  ) -> Int {
    #if DoubleReal
      return Int(repro_getrs_transposed_f64(Int32(n), Int32(k), lu, pivots, b))
    #else
      return Int(repro_getrs_transposed_f32(Int32(n), Int32(k), lu, pivots, b))
    #endif
  }

  /// The factors become the inverse; `work` holds 64 n elements.
  static func inverse(_ n: Int, _ lu: Elements, _ pivots: UnsafeMutablePointer<Int32>, _ work: Elements) -> Int {
    #if DoubleReal
      return Int(repro_getri_f64(Int32(n), lu, pivots, work, Int32(64 * n)))
    #else
      return Int(repro_getri_f32(Int32(n), lu, pivots, work, Int32(64 * n)))
    #endif
  }

  /// b [n, k], row-major, becomes x with op(a) x = b for a triangular, row-major a [n, n]; the other triangle is not read.
  static func solveTriangular(_ n: Int, _ k: Int, _ a: Elements, upper: Bool, transposed: Bool, _ b: Elements) {
    let (triangle, operation) = (upper ? CblasUpper : CblasLower, transposed ? CblasTrans : CblasNoTrans)
    let (rows, columns) = (blasint(n), blasint(k))
    #if DoubleReal
      cblas_dtrsm(
        CblasRowMajor, CblasLeft, triangle, operation, CblasNonUnit, rows, columns, 1, a, rows, b, columns)
    #else
      cblas_strsm(
        CblasRowMajor, CblasLeft, triangle, operation, CblasNonUnit, rows, columns, 1, a, rows, b, columns)
    #endif
  }
}

/// The matrices of a batch `[..., M, N]`, worked on one by one in tiles whose size depends on the shape only.
struct MatrixBatch {
  let rows, columns, count: Int
  let lead: [Int]

  /// Requires two axes at least.
  init(_ x: Tensor, _ op: StaticString) {
    require(x.rank >= 2, "\(op) needs matrices [..., M, N], got \(x.shape)")
    (rows, columns) = (x.shape[-2], x.shape[-1])
    lead = x.shape.array.dropLast(2).map { $0 }
    count = lead.reduce(1, *)
  }

  /// The same of square matrices.
  init(square x: Tensor, _ op: StaticString) {
    require(x.rank >= 2 && x.shape[-2] == x.shape[-1], "\(op) needs square matrices [..., N, N], got \(x.shape)")
    self.init(x, op)
  }

  /// A shape for each matrix.
  func shape(_ extents: Int...) -> Shape { Shape(lead + extents) }

  /// Runs `body(i, work, integers)` for each matrix, with that many elements of room; about k^3 operations each.
  func forEach(
    work: Int, integers: Int = 0, _ body: (Int, LAPACK.Elements, UnsafeMutablePointer<Int32>) -> Void
  ) {
    let cost = max(rows, 1) * max(columns, 1) * (min(rows, columns) + 4)
    forTiles(count, max(1, 200_000 / cost)) { first, n in
      let room = Tensor(uninitialized: [max(work, 1)])
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(integers, 1)) { buffer in
        guard let places = buffer.baseAddress else { return }
        for i in first..<(first + n) { body(i, room.base, places) }
      }
      withExtendedLifetime(room) {}
    }
  }

  /// Whether all of these elements are finite: LAPACK is not asked about others, the answer is NaN.
  static func isFinite(_ count: Int, _ x: UnsafePointer<Real>) -> Bool { kernels.nonFinite(count, x) == 0 }
}
