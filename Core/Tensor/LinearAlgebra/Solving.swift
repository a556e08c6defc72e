import Glibc

// Linear systems, inverses and determinants by the LU decomposition, and the pseudo-inverse by singular values.

/// The solution X of A X = B.
///
/// A matrix with an element that is not finite gives NaN.
/// - Parameters:
///   - a: `[..., N, N]`, regular: LAPACK finds a pivot of exactly 0 otherwise, and the program stops; where data may cause
///     that, use `solveIfRegular`.
///   - b: `[..., N, K]`; the leading axes broadcast.
/// - Returns: `[..., N, K]`.
public func solve(_ a: Tensor, _ b: Tensor) -> Tensor {
  let (x, failures) = attemptedSolution(a, b)
  failures.require("solve", a.shape, "is singular")
  return x
}

/// The solution of A X = B as `solve` gives it, or nil if a matrix is singular.
public func solveIfRegular(_ a: Tensor, _ b: Tensor) -> Tensor? {
  let (x, failures) = attemptedSolution(a, b)
  return failures.first == nil ? x : nil
}

/// Two batches of matrices with their leading axes broadcast to one shape.
private func aligned(_ a: Tensor, _ b: Tensor, _ op: StaticString) -> (Tensor, Tensor) {
  guard a.rank >= 2, b.rank >= 2, a.shape[-1] == a.shape[-2], b.shape[-2] == a.shape[-1],
    let lead = Shape.broadcast(Shape(a.shape.array.dropLast(2)), Shape(b.shape.array.dropLast(2)))
  else { requirementFailed("\(op) needs [..., N, N] and [..., N, K], got \(a.shape) and \(b.shape)") }
  return (
    a.broadcast(to: Shape(lead.array + a.shape.array.suffix(2))),
    b.broadcast(to: Shape(lead.array + b.shape.array.suffix(2)))
  )
}

private func attemptedSolution(_ first: Tensor, _ second: Tensor) -> (Tensor, Failures) {
  let (a, b) = aligned(first, second, "solve")
  let (batch, n, k) = (MatrixBatch(square: a, "solve"), a.shape[-1], b.shape[-1])
  let (p, q) = (a.detached.contiguous(), b.detached.contiguous())
  let y = Tensor(uninitialized: b.shape)
  let (matrices, rights, target, failures) = (p.base, q.base, y.base, Failures(batch.count))
  batch.forEach(work: n * (n + k), integers: n) { i, lu, pivots in
    let (from, right, to, columns) = (matrices + i * n * n, rights + i * n * k, target + i * n * k, lu + n * n)
    if n * k == 0 { return }
    guard MatrixBatch.isFinite(n * n, from) else { return kernels.fill(n * k, .nan, to) }
    lu.update(from: from, count: n * n)  // by columns: A^T
    kernels.transpose(n, k, right, k, columns, n)
    failures[i] = LAPACK.lu(n, lu, pivots)
    if failures[i] == 0 { failures[i] = LAPACK.solveTransposed(n, k, lu, pivots, columns) }
    kernels.transpose(k, n, columns, n, to, k)
  }
  withExtendedLifetime((p, q)) {}
  if failures.first != nil { return (y, failures) }
  let x = y.recorded("solve", a, b, savesOutput: true) { s in
    let gb = solve(s(a).transposed(), s.gradient)
    return (s.needs(0) ? -matmul(gb, s.output.transposed()) : nil, s.needs(1) ? gb : nil)
  }
  return (x, failures)
}

/// The solution X of A X = B (or of A^T X = B) for a triangular A; its other triangle is not looked at.
///
/// - Parameters:
///   - a: `[..., N, N]`; a 0 on the diagonal gives infinities or NaN.
///   - b: `[..., N, K]`; the leading axes broadcast.
///   - upper: which triangle.
///   - transposed: whether the matrix of the system is the transpose of that triangle.
public func solveTriangular(_ a: Tensor, _ b: Tensor, upper: Bool, transposed: Bool = false) -> Tensor {
  let (a, b) = aligned(a, b, "solveTriangular")
  let (batch, n, k) = (MatrixBatch(square: a, "solveTriangular"), a.shape[-1], b.shape[-1])
  let p = a.detached.contiguous()
  let y = b.detached.copied()
  let (matrices, target) = (p.base, y.base)
  batch.forEach(work: 0) { i, _, _ in
    if n * k == 0 { return }
    LAPACK.solveTriangular(n, k, matrices + i * n * n, upper: upper, transposed: transposed, target + i * n * k)
  }
  withExtendedLifetime(p) {}
  return y.recorded("solveTriangular", a, b, savesOutput: true) { s in
    let gb = solveTriangular(s(a), s.gradient, upper: upper, transposed: !transposed)
    var ga: Tensor?
    if s.needs(0) {
      let full =
        transposed ? matmul(s.output, gb.transposed()) : matmul(gb, s.output.transposed())
      let lower = Tensor.lowerTriangle(n, diagonal: 1)
      ga = -(full * (upper ? lower.transposed() : lower))
    }
    return (ga, s.needs(1) ? gb : nil)
  }
}

/// The X of least Frobenius norm among those that minimise |A X - B|, for any shape and rank of A.
///
/// - Parameters:
///   - a: `[..., M, N]`.
///   - b: `[..., M, K]`; the leading axes broadcast.
///   - tolerance: see `pseudoInverse`.
/// - Returns: `[..., N, K]`.
public func leastSquares(_ a: Tensor, _ b: Tensor, tolerance: Real? = nil) -> Tensor {
  require(
    a.rank >= 2 && b.rank >= 2 && a.shape[-2] == b.shape[-2],
    "leastSquares needs [..., M, N] and [..., M, K], got \(a.shape) and \(b.shape)")
  return matmul(a.pseudoInverse(tolerance: tolerance), b)
}

extension Tensor {
  /// The inverse of each matrix, `[..., N, N]`; a singular one stops the program, see `inverseIfRegular`.
  public func inverse() -> Tensor {
    let (y, failures) = attemptedInverse()
    failures.require("inverse", shape, "is singular")
    return y
  }

  /// The inverse of each matrix, or nil if one is singular: has a pivot of exactly 0.
  public func inverseIfRegular() -> Tensor? {
    let (y, failures) = attemptedInverse()
    return failures.first == nil ? y : nil
  }

  private func attemptedInverse() -> (Tensor, Failures) {
    let batch = MatrixBatch(square: self, "inverse")
    let n = batch.rows
    let y = detached.copied()
    let (target, failures) = (y.base, Failures(batch.count))
    batch.forEach(work: 64 * n, integers: n) { i, work, pivots in
      let a = target + i * n * n
      if n == 0 { return }
      guard MatrixBatch.isFinite(n * n, a) else { return kernels.fill(n * n, .nan, a) }
      failures[i] = LAPACK.lu(n, a, pivots)
      if failures[i] == 0 { failures[i] = LAPACK.inverse(n, a, pivots, work) }
    }
    if failures.first != nil { return (y, failures) }
    let x = y.recorded("inverse", self, savesOutput: true) { s in
      let transposed = s.output.transposed()
      return -matmul(matmul(transposed, s.gradient), transposed)
    }
    return (x, failures)
  }

  /// The determinant of each matrix, `[..., N, N] -> [...]`; 1 for N = 0.
  ///
  /// Its gradient is the matrix of cofactors, of a singular matrix too; a second derivative needs regular matrices.
  public func determinant() -> Tensor {
    let batch = MatrixBatch(square: self, "determinant")
    let (y, _, _) = factorized(batch, "determinant")
    return y.recorded("determinant", self, savesOutput: true) { s in
      let g = s.gradient.expandedAxis(-1).expandedAxis(-1)
      if !s.createGraph, y.withElements({ $0.contains(0) }) { return g * self.detached.cofactors(batch) }
      return g * s.output.expandedAxis(-1).expandedAxis(-1) * s(self).inverse().transposed()
    }
  }

  /// det(U) det(V) U diag(prod_{j != i} s_j) V^T, which needs no inverse.
  private func cofactors(_ batch: MatrixBatch) -> Tensor {
    let (u, s, vt) = svd()
    let n = batch.rows
    let products = s.withElements { p in
      Tensor(s.shape) { out in
        for i in 0..<out.count {
          let first = i - i % n
          out[i] = (first..<(first + n)).reduce(1) { $1 == i ? $0 : $0 * p[$1] }
        }
      }
    }
    let sign: Tensor = u.determinant() * vt.determinant()
    return matmul(u * products.expandedAxis(-2), vt) * sign.expandedAxis(-1).expandedAxis(-1)
  }

  /// The sign of the determinant and the logarithm of its magnitude, which neither overflow nor underflow.
  ///
  /// - Returns: both `[...]`; 0 and -infinity for a singular matrix. The sign has no gradient; that of the logarithm is
  ///   A^-T and needs a regular matrix.
  public func signAndLogDeterminant() -> (sign: Tensor, log: Tensor) {
    let batch = MatrixBatch(square: self, "logDeterminant")
    let (_, sign, log) = factorized(batch, "logDeterminant")
    let recorded = log.recorded("logDeterminant", self) { s in
      s.gradient.expandedAxis(-1).expandedAxis(-1) * s(self).inverse().transposed()
    }
    return (sign, recorded)
  }

  /// log(det A), `[..., N, N] -> [...]`; NaN where the determinant is negative.
  public func logDeterminant() -> Tensor {
    let (sign, log) = signAndLogDeterminant()
    return log + sign.log()
  }

  /// Determinant, its sign, and the logarithm of its magnitude, without history.
  private func factorized(_ batch: MatrixBatch, _ op: StaticString) -> (Tensor, Tensor, Tensor) {
    let n = batch.rows
    let x = detached.contiguous()
    let parts = (0..<3).map { _ in Tensor(uninitialized: batch.shape()) }
    let (source, value, sign, log) = (x.base, parts[0].base, parts[1].base, parts[2].base)
    batch.forEach(work: n * n, integers: n) { i, lu, pivots in
      lu.update(from: source + i * n * n, count: n * n)
      let isFinite = n == 0 || MatrixBatch.isFinite(n * n, lu)
      if n > 0, isFinite { _ = LAPACK.lu(n, lu, pivots) }
      // In Double, so that the range of the product is that of its result.
      var (product, signs, logarithm) = (1.0, 1.0, 0.0)
      for j in 0..<n {
        let pivot = Double(lu[j * n + j]) * (isFinite && Int(pivots[j]) != j + 1 ? -1 : 1)
        product *= pivot
        signs *= pivot > 0 ? 1 : pivot < 0 ? -1 : 0
        logarithm += Glibc.log(pivot.magnitude)
      }
      value[i] = isFinite ? Real(product) : .nan
      sign[i] = isFinite ? Real(signs) : .nan
      log[i] = isFinite ? Real(logarithm) : .nan
    }
    withExtendedLifetime((x, parts)) {}
    return (parts[0], parts[1], parts[2])
  }

  /// The pseudo-inverse of Moore and Penrose, `[..., M, N] -> [..., N, M]`.
  ///
  /// - Parameter tolerance: singular values up to this part of the largest one count as 0; max(M, N) units of the last
  ///   place if nil.
  /// - Source: Golub and Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
  ///   variables separate", Eq. 4.12: a derivative at constant rank.
  public func pseudoInverse(tolerance: Real? = nil) -> Tensor {
    let batch = MatrixBatch(self, "pseudoInverse")
    let limit = tolerance ?? Real(Swift.max(batch.rows, batch.columns)) * Real.ulpOfOne
    let (u, s, vt) = detached.svd()
    let k = s.shape[-1]
    let inverted = s.withElements { p in
      Tensor(s.shape) { out in
        // Of each matrix the first value is the largest; NaN stays what it is.
        for i in 0..<out.count { out[i] = p[i] <= limit * p[i - i % k] ? 0 : 1 / p[i] }
      }
    }
    let y = matmul(vt.transposed() * inverted.expandedAxis(-2), u.transposed())
    return y.recorded("pseudoInverse", self, savesOutput: true) { s in
      let (a, p, g) = (s(self), s.output, s.gradient)
      let (pt, gt) = (p.transposed(), g.transposed())
      let outside: Tensor = Tensor.identity(batch.rows) - matmul(a, p)
      let kernel: Tensor = Tensor.identity(batch.columns) - matmul(p, a)
      let first = matmul(matmul(pt, g), pt)
      let second = matmul(matmul(outside, gt), matmul(p, pt))
      let third = matmul(matmul(matmul(pt, p), gt), kernel)
      return second + third - first
    }
  }
}
