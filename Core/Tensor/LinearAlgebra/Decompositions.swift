// Singular values, eigenvalues of symmetric matrices, QR: each a single recorded op whose result holds all factors side by
// side, so that the derivative sees the gradients of all of them at once.

extension Tensor {
  /// The thin singular value decomposition, A = U diag(s) V^T.
  ///
  /// Signs are fixed: of each column of U the first entry that has at least 0.9 of the largest magnitude is positive, so
  /// that results are comparable. Only functions that do not depend on signs have a meaning beyond that. Derivatives of U
  /// and V need singular values that differ; where two are equal (or one is 0), the part of the derivative that is not
  /// defined counts as 0. A matrix with an element that is not finite gives NaN.
  /// - Returns: with k = min(M, N): u `[..., M, k]`, s `[..., k]`, descending and not negative, vt `[..., k, N]`.
  /// - Source: LAPACK's gesdd; derivative by Townsend 2016, "Differentiating the singular value decomposition".
  public func svd() -> (u: Tensor, s: Tensor, vt: Tensor) {
    let batch = MatrixBatch(self, "svd")
    let packed = packedSVD(batch)
    return SVDParts(packed, batch).factors
  }

  /// The singular values alone, descending; `[..., M, N] -> [..., min(M, N)]`.
  public func singularValues() -> Tensor { svd().s }

  private func packedSVD(_ batch: MatrixBatch) -> Tensor {
    let (m, n, k) = (batch.rows, batch.columns, Swift.min(batch.rows, batch.columns))
    let x = contiguous()
    let y = Tensor(uninitialized: batch.shape(m * k + k + k * n))
    let (source, target, failures) = (x.base, y.base, Failures(batch.count))
    let room = LAPACK.workOfSVD(n, m)
    batch.forEach(work: k == 0 ? 0 : room + m * n, integers: 8 * k) { i, work, integers in
      let (from, to, copy) = (source + i * m * n, target + i * (m * k + k + k * n), work + room)
      if k == 0 { return }
      guard MatrixBatch.isFinite(m * n, from) else { return kernels.fill(m * k + k + k * n, .nan, to) }
      copy.update(from: from, count: m * n)
      // The same memory read by columns is A^T = V diag(s) U^T, whose factors read by rows are V^T and U.
      let (u, s, vt) = (to, to + m * k, to + m * k + k)
      failures[i] = LAPACK.svd(n, m, copy, s, vt, u, work, integers)
      for j in 0..<k where isNegative(m, u + j, step: k) {
        for r in 0..<m { u[r * k + j] = -u[r * k + j] }
        for c in 0..<n { vt[j * n + c] = -vt[j * n + c] }
      }
    }
    withExtendedLifetime(x) {}
    failures.require("svd", shape, "did not converge")
    return y.recorded("svd", x, savesOutput: true) { s in
      let (u, values, vt) = SVDParts(s.output, batch).factors
      let (gu, gs, gvt) = SVDParts(s.gradient, batch).factors
      let (row, column) = (values.expandedAxis(-2), values.expandedAxis(-1))
      // 1 / (s_j^2 - s_i^2)
      let f: Tensor = ((row - column) * (row + column)).reciprocalOrZero()
      let (projectedU, projectedV) = (matmul(u.transposed(), gu), matmul(vt, gvt.transposed()))
      let left: Tensor = (projectedU - projectedU.transposed()) * f * row
      let right: Tensor = column * ((projectedV - projectedV.transposed()) * f)
      let middle: Tensor = left + right + Tensor.identity(k) * gs.expandedAxis(-2)
      var g = matmul(matmul(u, middle), vt)
      // What the columns of U and V leave of the space.
      if m > k { g = g + matmul((gu - matmul(u, projectedU)) * row.reciprocalOrZero(), vt) }
      if n > k {
        let rest: Tensor = gvt - matmul(matmul(gvt, vt.transposed()), vt)
        g = g + matmul(u, rest * column.reciprocalOrZero())
      }
      return g
    }
  }

  /// The eigenvalues and eigenvectors of the symmetric part of a matrix, (A + A^T) / 2 = V diag(w) V^T.
  ///
  /// Signs are fixed: of each eigenvector the first entry that has at least 0.9 of the largest magnitude is positive.
  /// Derivatives of V need eigenvalues that differ; where two are equal, the part that is not defined counts as 0. A matrix
  /// with an element that is not finite gives NaN.
  /// - Returns: values `[..., N]`, ascending; vectors `[..., N, N]`, one a column.
  /// - Source: LAPACK's syevd; derivative by Giles 2008, "Collected matrix derivative results", section 3.1.
  public func eigh() -> (values: Tensor, vectors: Tensor) {
    let batch = MatrixBatch(square: self, "eigh")
    let n = batch.rows
    let packed = symmetricPart().packedEigh(batch)
    let vectors = packed.slice(-1, n..<(n + n * n)).reshaped(to: batch.shape(n, n)).transposed()
    return (packed.slice(-1, 0..<n), vectors)
  }

  /// Eigenvalues and the rows of V^T, for a symmetric matrix.
  private func packedEigh(_ batch: MatrixBatch) -> Tensor {
    let n = batch.rows
    let x = contiguous()
    let y = Tensor(uninitialized: batch.shape(n + n * n))
    let (source, target, failures) = (x.base, y.base, Failures(batch.count))
    batch.forEach(work: LAPACK.workOfEigh(n), integers: 3 + 5 * n) { i, work, integers in
      let (from, values, vectors) = (source + i * n * n, target + i * (n + n * n), target + i * (n + n * n) + n)
      if n == 0 { return }
      guard MatrixBatch.isFinite(n * n, from) else { return kernels.fill(n + n * n, .nan, values) }
      vectors.update(from: from, count: n * n)
      failures[i] = LAPACK.eigh(n, vectors, values, work, integers)
      for j in 0..<n where isNegative(n, vectors + j * n, step: 1) {
        for c in 0..<n { vectors[j * n + c] = -vectors[j * n + c] }
      }
    }
    withExtendedLifetime(x) {}
    failures.require("eigh", shape, "did not converge")
    return y.recorded("eigh", x, savesOutput: true) { s in
      let values = s.output.slice(-1, 0..<n)
      let vt = s.output.slice(-1, n..<(n + n * n)).reshaped(to: batch.shape(n, n))
      let gvt = s.gradient.slice(-1, n..<(n + n * n)).reshaped(to: batch.shape(n, n))
      let f: Tensor = (values.expandedAxis(-2) - values.expandedAxis(-1)).reciprocalOrZero()
      let middle: Tensor =
        matmul(vt, gvt.transposed()) * f + Tensor.identity(n) * s.gradient.slice(-1, 0..<n).expandedAxis(-2)
      return matmul(matmul(vt.transposed(), middle), vt)
    }
  }

  /// The thin QR decomposition, A = Q R, with a diagonal of R that is not negative: unique if the first k columns of A are
  /// independent, and differentiable there only.
  ///
  /// - Returns: with k = min(M, N): q `[..., M, k]` with orthonormal columns, r `[..., k, N]`, 0 below its diagonal.
  /// - Source: LAPACK's geqrf and orgqr; derivative by Seeger et al. 2017 (arXiv 1710.08717), section 4.3 on LQ.
  public func qr() -> (q: Tensor, r: Tensor) {
    let batch = MatrixBatch(self, "qr")
    let (m, n) = (batch.rows, batch.columns)
    if m < n {
      // A = [X Y]: X = Q U has a derivative of its own, and R = [U, Q^T Y].
      let (q, u) = slice(-1, 0..<m).qr()
      return (q, concat([u, matmul(q.transposed(), slice(-1, m..<n))], axis: -1))
    }
    let packed = packedQR(batch)
    return (
      packed.slice(-1, 0..<(m * n)).reshaped(to: batch.shape(m, n)),
      packed.slice(-1, (m * n)..<(m * n + n * n)).reshaped(to: batch.shape(n, n))
    )
  }

  private func packedQR(_ batch: MatrixBatch) -> Tensor {
    let (m, n) = (batch.rows, batch.columns)
    let x = contiguous()
    let y = Tensor(uninitialized: batch.shape(m * n + n * n))
    let (source, target, failures) = (x.base, y.base, Failures(batch.count))
    batch.forEach(work: 65 * n + m * n) { i, work, _ in
      let (from, q) = (source + i * m * n, target + i * (m * n + n * n))
      let (r, a) = (q + m * n, work + 65 * n)
      if m * n == 0 { return }
      guard MatrixBatch.isFinite(m * n, from) else { return kernels.fill(m * n + n * n, .nan, q) }
      kernels.transpose(m, n, from, n, a, m)
      failures[i] = LAPACK.qr(m, n, a, work) { a in
        for row in 0..<n { for column in 0..<n { r[row * n + column] = row <= column ? a[column * m + row] : 0 } }
      }
      kernels.transpose(n, m, a, m, q, n)
      for j in 0..<n where r[j * n + j] < 0 {
        for c in j..<n { r[j * n + c] = -r[j * n + c] }
        for row in 0..<m { q[row * n + j] = -q[row * n + j] }
      }
    }
    withExtendedLifetime(x) {}
    failures.require("qr", shape, "has an illegal argument")
    return y.recorded("qr", x, savesOutput: true) { s in
      func parts(_ packed: Tensor) -> (Tensor, Tensor) {
        (
          packed.slice(-1, 0..<(m * n)).reshaped(to: batch.shape(m, n)),
          packed.slice(-1, (m * n)..<(m * n + n * n)).reshaped(to: batch.shape(n, n))
        )
      }
      let ((q, r), (gq, gr)) = (parts(s.output), parts(s.gradient))
      let upper = Tensor.lowerTriangle(n, diagonal: 1).transposed()
      let inner: Tensor = matmul(r, (gr * upper).transposed()) - matmul(gq.transposed(), q)
      // The lower triangle, and the same above the diagonal.
      let below: Tensor = inner * Tensor.lowerTriangle(n, diagonal: 0)
      let mirrored: Tensor = below + below.transposed() + inner * Tensor.identity(n)
      let total: Tensor = gq + matmul(q, mirrored)
      return solveTriangular(r, total.transposed(), upper: true).transposed()
    }
  }
}

/// The three factors in one row of elements for each matrix: u, s, vt.
private struct SVDParts {
  let factors: (Tensor, Tensor, Tensor)
  init(_ packed: Tensor, _ batch: MatrixBatch) {
    let (m, n, k) = (batch.rows, batch.columns, min(batch.rows, batch.columns))
    let end = m * k + k + k * n
    factors = (
      packed.slice(-1, 0..<(m * k)).reshaped(to: batch.shape(m, k)), packed.slice(-1, (m * k)..<(m * k + k)),
      packed.slice(-1, (m * k + k)..<end).reshaped(to: batch.shape(k, n))
    )
  }
}

/// Whether a vector is to be turned: the first of its entries of at least 0.9 of the largest magnitude is negative.
///
/// Not simply the largest entry: two of exactly equal magnitude are common, and rounding would choose between them.
private func isNegative(_ n: Int, _ x: UnsafePointer<Real>, step: Int) -> Bool {
  var largest: Real = 0
  for i in 0..<n { largest = max(largest, x[i * step].magnitude) }
  for i in 0..<n where x[i * step].magnitude >= 0.9 * largest { return x[i * step] < 0 }
  return false
}
