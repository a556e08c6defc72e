import ReproTensor
import TestSupport

/// The rows of decompositions, linear systems and determinants. Of factors with free signs, functions that do not depend on
/// the signs are compared.
extension OpTable {
  /// 0.2 x + diag(1.5, 3, 4.5, ...): singular values and eigenvalues that differ, and a good condition.
  private static func spread(_ x: Tensor) -> Tensor {
    let (m, n) = (x.shape[-2], x.shape[-1])
    let diagonal = Tensor([m, n]) { values in
      for i in values.indices { values[i] = i / n == i % n ? 1.5 * Real(i % n + 1) : 0 }
    }
    return x * 0.2 + diagonal
  }

  /// 0.2 x x^T + diag(1.5, 3, 4.5, ...), positive definite.
  private static func positive(_ x: Tensor) -> Tensor {
    matmul(x, x.transposed()) * 0.2 + spread(Tensor.zeros([x.shape[-2], x.shape[-2]]))
  }

  private static let square: [[Shape]] = [
    [[1, 1]], [[3, 3]], [[2, 4, 4]], [[2, 1, 2, 2]], [[0, 3, 3]], [[2, 0, 0]],
  ]
  private static let largeSquare: [[Shape]] = [[[401, 7, 7]], [[3, 81, 81]]]
  private static let anyShape: [[Shape]] = [
    [[1, 1]], [[3, 3]], [[4, 2]], [[2, 4]], [[2, 3, 2]], [[5, 1]], [[1, 3]], [[0, 2, 3]], [[3, 0]],
  ]
  private static let largeAny: [[Shape]] = [[[401, 7, 6]], [[3, 60, 95]]]
  private static let systems: [[Shape]] = [
    [[1, 1], [1, 1]], [[3, 3], [3, 2]], [[2, 4, 4], [2, 4, 1]], [[3, 3], [2, 3, 2]], [[2, 1, 2, 2], [3, 2, 1]],
    [[2, 2], [2, 0]], [[0, 3, 3], [3, 2]],
  ]
  private static let largeSystems: [[Shape]] = [[[401, 7, 7], [401, 7, 3]], [[3, 81, 81], [3, 81, 5]]]

  static let linearAlgebra: [Op] = [
    Op("singularValues", anyShape, large: largeAny) { spread($0[0]).singularValues() },
    Op("svd(U s^2 V^T)", anyShape, large: largeAny) {
      let (u, s, vt) = spread($0[0]).svd()
      return matmul(u * s.squared().expandedAxis(-2), vt)
    },
    Op("svd(polar factor)", anyShape, large: largeAny) {
      let (u, _, vt) = spread($0[0]).svd()
      return matmul(u, vt)
    },
    Op("svd(weighted left vectors)", anyShape, large: largeAny) {
      let (u, s, _) = spread($0[0]).svd()
      return matmul(u * ramp(s.shape[-1]), u.transposed())
    },
    // Vectors of close singular values, as equal rows have them, turn too fast for the step of the quotients in Float.
    Op(
      "svd(weighted right vectors)", anyShape, large: largeAny,
      layouts: isDouble ? Layout.allCases : [.rows, .turned, .window]
    ) {
      let (_, s, vt) = spread($0[0]).svd()
      return matmul(vt.transposed() * ramp(s.shape[-1]), vt)
    },
    Op("eigh(values)", square, large: largeSquare) { spread($0[0]).eigh().values },
    Op("eigh(logarithm)", square, large: largeSquare) {
      let (w, v) = positive($0[0]).eigh()
      return matmul(v * w.log().expandedAxis(-2), v.transposed())
    },
    // As above: an eigenvector of close values turns too fast.
    Op(
      "eigh(weighted vectors)", square, large: largeSquare,
      layouts: isDouble ? Layout.allCases : [.rows, .turned, .window]
    ) {
      let (_, v) = spread($0[0]).eigh()
      return matmul(v * ramp(v.shape[-1]), v.transposed())
    },
    Op("qr(q)", anyShape, large: largeAny) { spread($0[0]).qr().q },
    Op("qr(r)", anyShape, large: largeAny) { spread($0[0]).qr().r },
    Op("cholesky", square, large: largeSquare) { positive($0[0]).cholesky() },
    Op("cholesky(not symmetric)", square, large: largeSquare) { spread($0[0]).cholesky() },
    Op("choleskyIfPositiveDefinite", square, large: largeSquare) {
      positive($0[0]).choleskyIfPositiveDefinite() ?? Tensor(.nan)
    },
    Op("choleskySolve", systems, large: largeSystems) { spread($0[0]).choleskySolve($0[1]) },
    Op("solve", systems, large: largeSystems) { solve(spread($0[0]), $0[1]) },
    Op("solveIfRegular", systems, large: largeSystems) { solveIfRegular(spread($0[0]), $0[1]) ?? Tensor(.nan) },
    Op("solveTriangular(lower)", systems, large: largeSystems) {
      solveTriangular(spread($0[0]), $0[1], upper: false)
    },
    Op("solveTriangular(upper, transposed)", systems, large: largeSystems) {
      solveTriangular(spread($0[0]), $0[1], upper: true, transposed: true)
    },
    Op(
      "leastSquares", [[[3, 3], [3, 2]], [[4, 2], [4, 1]], [[2, 4], [2, 2]], [[2, 3, 2], [3, 1]]],
      large: [
        [[401, 7, 6], [401, 7, 2]]
      ]
    ) { leastSquares(spread($0[0]), $0[1]) },
    Op("inverse", square, large: largeSquare) { spread($0[0]).inverse() },
    Op("inverseIfRegular", square, large: largeSquare) { spread($0[0]).inverseIfRegular() ?? Tensor(.nan) },
    Op("determinant", square, large: [[[401, 7, 7]], [[3, 79, 79]]]) { (spread($0[0]) * 0.5).determinant() },
    Op("logDeterminant", square, large: largeSquare) { spread($0[0]).logDeterminant() },
    Op("pseudoInverse", anyShape, large: largeAny) { spread($0[0]).pseudoInverse() },
    Op(
      "pseudoInverse(low rank)", [[[4, 2], [2, 3]], [[2, 3, 1], [1, 4]]], large: [[[1401, 4, 2], [2, 3]]],
      layouts: [.rows, .turned, .window]
    ) { matmul(spread($0[0]), spread($0[1])).pseudoInverse(tolerance: 1e-3) },
  ]

  /// 1, 2, 3, ...   [n]
  private static func ramp(_ n: Int) -> Tensor { Tensor([n], (0..<n).map { Real($0 + 1) }) }
}
