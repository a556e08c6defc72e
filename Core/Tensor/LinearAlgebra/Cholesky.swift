// The Cholesky decomposition of positive definite matrices, and what is solved with it.

extension Tensor {
  /// The lower triangular L with positive diagonal of (A + A^T) / 2 = L L^T.
  ///
  /// A matrix with an element that is not finite gives NaN; one that is not positive definite stops the program, see
  /// `choleskyIfPositiveDefinite`.
  /// - Returns: `[..., N, N]`, 0 above the diagonal.
  /// - Source: LAPACK's potrf; derivative by Murray 2016 (arXiv 1602.07527), Eq. 10.
  public func cholesky() -> Tensor {
    let (y, failures) = attemptedCholesky()
    failures.require("cholesky", shape, "is not positive definite")
    return y
  }

  /// The factors as `cholesky` gives them, or nil if a matrix is not positive definite.
  public func choleskyIfPositiveDefinite() -> Tensor? {
    let (y, failures) = attemptedCholesky()
    return failures.first == nil ? y : nil
  }

  private func attemptedCholesky() -> (Tensor, Failures) {
    let batch = MatrixBatch(square: self, "cholesky")
    let n = batch.rows
    let symmetric = symmetricPart()
    let y = symmetric.detached.copied()
    let (target, failures) = (y.base, Failures(batch.count))
    batch.forEach(work: 0) { i, _, _ in
      let a = target + i * n * n
      if n == 0 { return }
      guard MatrixBatch.isFinite(n * n, a) else { return kernels.fill(n * n, .nan, a) }
      // Upper triangle by columns: the lower one by rows.
      failures[i] = LAPACK.cholesky(n, a)
      for row in 0..<n { kernels.fill(n - row - 1, 0, a + row * n + row + 1) }
    }
    if failures.first != nil { return (y, failures) }
    let factor = y.recorded("cholesky", symmetric, savesOutput: true) { s in
      let l = s.output
      // P = Phi(L^T g): the lower triangle with half of the diagonal; the gradient is L^-T P L^-1.
      let g: Tensor = s.gradient * Tensor.lowerTriangle(n, diagonal: 1)
      let p: Tensor = matmul(l.transposed(), g) * Tensor.lowerTriangle(n, diagonal: 0.5)
      let half = solveTriangular(l, p, upper: false, transposed: true)
      return solveTriangular(l, half.transposed(), upper: false, transposed: true)
    }
    return (factor, failures)
  }

  /// The solution X of L L^T X = B for this lower triangular L, `[..., N, N]` and `[..., N, K]`.
  public func choleskySolve(_ b: Tensor) -> Tensor {
    solveTriangular(self, solveTriangular(self, b, upper: false), upper: false, transposed: true)
  }
}
