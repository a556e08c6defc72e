import TestSupport
import Testing

@testable import ReproTensor

@Suite("Linear algebra")
struct LinearAlgebraTests {
  private let tolerance = isDouble ? 1e-12 : 1e-5
  private let shapes: [Shape] = [[1, 1], [5, 5], [7, 3], [3, 7], [4, 6, 2], [2, 3, 4, 4], [40, 33], [33, 40]]

  private func draw(_ shape: Shape, _ name: String = "matrix") -> Tensor {
    var stream = RandomStream(seed: 31).child(name).child("\(shape)")
    return stream.normal(shape)
  }

  private func expectOrthonormalColumns(_ q: Tensor, _ label: String) {
    let product = matmul(q.transposed(), q)
    expectClose(product, Tensor.identity(q.shape[-1]).broadcast(to: product.shape), tolerance: tolerance, label)
  }

  /// The first entry of at least 0.9 of the largest magnitude of each column is positive.
  private func expectSigns(_ columns: Tensor) {
    let (m, k) = (columns.shape[-2], columns.shape[-1])
    let values = columns.values
    for matrix in 0..<(columns.count / (m * k)) {
      for j in 0..<k {
        let column = (0..<m).map { values[matrix * m * k + $0 * k + j] }
        let largest = column.map(\.magnitude).max() ?? 0
        #expect((column.first { $0.magnitude >= 0.9 * largest } ?? 0) > 0)
      }
    }
  }

  @Test func singularValuesAndVectorsGiveTheMatrixBack() {
    for shape in shapes {
      let a = draw(shape)
      let (u, s, vt) = a.svd()
      expectClose(matmul(u * s.expandedAxis(-2), vt), a, tolerance: tolerance, "svd \(shape)")
      expectOrthonormalColumns(u, "u of \(shape)")
      expectOrthonormalColumns(vt.transposed(), "v of \(shape)")
      expectSigns(u)
      let k = s.shape[-1]
      let values = s.values
      #expect(values.indices.allSatisfy { values[$0] >= 0 && ($0 % k == 0 || values[$0 - 1] >= values[$0]) })
      #expect(sameBits(s, a.singularValues()))
    }
  }

  @Test func eigenvectorsDiagonaliseTheSymmetricPart() {
    for shape in shapes where shape[-1] == shape[-2] {
      let a = draw(shape)
      let (w, v) = a.eigh()
      expectClose(
        matmul(v * w.expandedAxis(-2), v.transposed()), (a + a.transposed()) * 0.5, tolerance: tolerance, "\(shape)")
      expectOrthonormalColumns(v, "\(shape)")
      expectSigns(v)
      let (values, n) = (w.values, w.shape[-1])
      #expect(values.indices.allSatisfy { $0 % n == 0 || values[$0 - 1] <= values[$0] })
    }
  }

  @Test func orthonormalColumnsTimesATriangleGiveTheMatrixBack() {
    for shape in shapes {
      let a = draw(shape)
      let (q, r) = a.qr()
      expectClose(matmul(q, r), a, tolerance: tolerance, "qr \(shape)")
      expectOrthonormalColumns(q, "q of \(shape)")
      let (rows, columns) = (r.shape[-2], r.shape[-1])
      for (i, x) in r.values.enumerated() {
        let (row, column) = (i / columns % rows, i % columns)
        if row > column { #expect(x == 0) }
        if row == column { #expect(x >= 0) }
      }
    }
  }

  @Test func triangularFactorsSquareToTheMatrix() {
    for n in [1, 2, 5, 40] {
      let x = draw([3, n, n])
      let a: Tensor = matmul(x, x.transposed()) + Tensor.identity(n)
      let l = a.cholesky()
      expectClose(matmul(l, l.transposed()), a, tolerance: tolerance, "\(n)")
      for (i, x) in l.values.enumerated() where i % n > i / n % n { #expect(x == 0) }
      let b = draw([3, n, 2], "right")
      expectClose(matmul(a, l.choleskySolve(b)), b, tolerance: 30 * tolerance, "\(n)")
    }
  }

  @Test func solutionsAndInversesFulfilTheirEquations() {
    for n in [1, 2, 5, 40] {
      let a: Tensor = draw([3, n, n]) + Tensor.identity(n) * Real(n)
      let b = draw([3, n, 4], "right")
      expectClose(matmul(a, solve(a, b)), b, tolerance: tolerance, "\(n)")
      expectClose(
        matmul(a, a.inverse()), Tensor.identity(n).broadcast(to: a.shape), tolerance: tolerance, "\(n)")
      expectClose(a.transposed().inverse(), a.inverse().transposed(), tolerance: tolerance, "\(n)")
      for (upper, transposed) in [(false, false), (false, true), (true, false), (true, true)] {
        let mask = Tensor.lowerTriangle(n, diagonal: 1)
        let triangle: Tensor = a * (upper ? mask.transposed() : mask)
        let system = transposed ? triangle.transposed() : triangle
        let x = solveTriangular(a, b, upper: upper, transposed: transposed)
        expectClose(matmul(system, x), b, tolerance: tolerance, "\(n) \(upper) \(transposed)")
      }
    }
  }

  /// Moore and Penrose's four equations, of full and of lower rank.
  @Test func pseudoInversesFulfilTheFourEquations() {
    let low = matmul(draw([6, 2]), draw([2, 4], "right"))
    for a in [draw([5, 3]), draw([3, 5]), draw([2, 4, 4]), low, low.transposed(), Tensor.zeros([3, 2])] {
      let p = a.pseudoInverse(tolerance: 1e-4)
      let (ap, pa) = (matmul(a, p), matmul(p, a))
      expectClose(matmul(ap, a), a, tolerance: tolerance)
      expectClose(matmul(pa, p), p, tolerance: tolerance)
      expectClose(ap.transposed(), ap, tolerance: tolerance)
      expectClose(pa.transposed(), pa, tolerance: tolerance)
    }
  }

  @Test func leastSquaresLeavesAResidualOrthogonalToTheColumnsAndHasTheLeastNorm() {
    let (a, b) = (draw([9, 4]), draw([9, 2], "right"))
    let x = leastSquares(a, b)
    #expect(relativeError(matmul(a.transposed(), matmul(a, x) - b), Tensor.zeros([4, 2]), floor: 1) < 10 * tolerance)
    // More unknowns than equations: every equation holds, and x lies in the row space.
    let wide = draw([3, 7], "wide")
    let y = leastSquares(wide, b.slice(0, 0..<3))
    expectClose(matmul(wide, y), b.slice(0, 0..<3), tolerance: tolerance)
    expectClose(matmul(matmul(wide.pseudoInverse(), wide), y), y, tolerance: 10 * tolerance)
  }

  @Test func determinantsAreThoseOfTheExpansion() {
    func expanded(_ a: [[Double]]) -> Double {
      if a.isEmpty { return 1 }
      return a.indices.reduce(0) { sum, j in
        let minor = a.dropFirst().map { row in row.indices.filter { $0 != j }.map { row[$0] } }
        return sum + (j % 2 == 0 ? 1 : -1) * a[0][j] * expanded(minor)
      }
    }
    for n in 0...5 {
      let a = draw([4, n, n])
      let (values, d, log) = (a.values, a.determinant().values, a.signAndLogDeterminant())
      for i in 0..<4 {
        let rows = (0..<n).map { r in (0..<n).map { Double(values[i * n * n + r * n + $0]) } }
        let exact = expanded(rows)
        #expect((Double(d[i]) - exact).magnitude < 10 * tolerance * max(1, exact.magnitude))
        #expect(Double(log.sign.values[i]) == (exact < 0 ? -1 : 1))
        #expect((Double(log.log.values[i]) - Double(Tensor(Real(exact.magnitude)).log().item)).magnitude < 1e-3)
      }
    }
    // 10^-150 is no number of single precision; its logarithm is.
    let small: Tensor = Tensor.identity(150) * 0.1
    #expect((Double(small.logDeterminant().item) + 150 * 2.302585092994046).magnitude < 1e-3)
    #expect((-Tensor.identity(3)).logDeterminant().item.isNaN)
    #expect(Tensor.zeros([2, 2]).logDeterminant().item == -.infinity)
  }

  @Test func aSingularMatrixHasADeterminantWhoseGradientIsTheMatrixOfCofactors() {
    let zero = Tensor([3, 3], [1, 2, 3, 2, 4, 6, 1, 2, 4]).tracked
    #expect(zero.determinant().item == 0)
    let expected = Tensor([3, 3], [4, -2, 0, -2, 1, 0, 0, 0, 0])
    expectClose(gradients(of: zero.determinant(), with: [zero])[0], expected, tolerance: tolerance)
    // Of rank 1 all cofactors vanish, but for the rounding of products of two singular values of up to 13.
    let one = Tensor([3, 3], [1, 2, 3, 2, 4, 6, 4, 8, 12]).tracked
    expectClose(
      gradients(of: one.determinant(), with: [one])[0], Tensor.zeros([3, 3]), tolerance: tolerance, floor: 13 * 13)
  }

  @Test func equalSingularValuesGiveZeroWhereTheDerivativeIsNotDefined() {
    let a = Tensor.identity(3).tracked
    let (u, s, vt) = a.svd()
    // U V^T is the identity near the identity's multiples; the sum of the singular values is the trace.
    let g = gradients(of: s.sum() + matmul(u, vt).sum(), with: [a])[0]
    #expect(g.nonFiniteCount == 0)
    let w = Tensor.identity(3).tracked
    expectClose(gradients(of: w.eigh().values.sum(), with: [w])[0], Tensor.identity(3), tolerance: tolerance)
  }

  @Test func aMatrixThatIsNotFiniteGivesNaNAndLeavesItsNeighboursAlone() {
    var a: Tensor = draw([3, 4, 4]) * 0.1 + Tensor.identity(4)
    a.withMutableElements { $0[16 + 5] = .nan }
    let good = a.select(0, 2)
    let b = draw([3, 4, 2], "right")
    let results: [(Tensor, Tensor)] = [
      (a.singularValues(), good.singularValues()), (a.eigh().vectors, good.eigh().vectors), (a.qr().q, good.qr().q),
      (a.cholesky(), good.cholesky()), (solve(a, b), solve(good, b.select(0, 2))), (a.inverse(), good.inverse()),
      (a.determinant(), good.determinant()), (a.logDeterminant(), good.logDeterminant()),
      (a.pseudoInverse(), good.pseudoInverse()),
    ]
    for (k, (all, one)) in results.enumerated() {
      #expect(sameBits(all.select(0, 2), one), "\(k)")
      #expect(all.select(0, 1).values.contains { $0.isNaN }, "\(k)")
    }
  }

  @Test func whatDataMayBreakHasAFormThatGivesNil() {
    let singular = Tensor([2, 2], [1, 2, 2, 4])
    #expect(solveIfRegular(singular, Tensor.ones([2, 1]))?.shape == nil)
    #expect(singular.inverseIfRegular()?.shape == nil)
    #expect(Tensor([2, 2], [1, 2, 2, 1]).choleskyIfPositiveDefinite()?.shape == nil)
    #expect(Tensor.identity(2).inverseIfRegular()?.shape == [2, 2])
  }
}

extension Mistake {
  static let linearAlgebra: [Mistake] = [
    Mistake("svd needs matrices [..., M, N], got [3]") { t(3).svd() },
    Mistake("cholesky needs square matrices [..., N, N], got [2, 3]") { t(2, 3).cholesky() },
    Mistake("solve needs [..., N, N] and [..., N, K], got [2, 3] and [2, 1]") { solve(t(2, 3), t(2, 1)) },
    Mistake("solveTriangular needs [..., N, N] and [..., N, K], got [2, 2] and [3, 1]") {
      solveTriangular(t(2, 2), t(3, 1), upper: true)
    },
    Mistake("leastSquares needs [..., M, N] and [..., M, K], got [2, 3] and [3, 1]") { leastSquares(t(2, 3), t(3, 1)) },
    Mistake("solve: matrix 1 of [2, 1, 1] is singular (LAPACK info 1)") {
      solve(Tensor([2, 1, 1], [1, 0]), t(2, 1, 1))
    },
    Mistake("inverse: matrix 0 of [2, 2] is singular (LAPACK info 2)") { Tensor([2, 2], [1, 2, 2, 4]).inverse() },
    Mistake("cholesky: matrix 0 of [2, 2] is not positive definite (LAPACK info 2)") {
      Tensor([2, 2], [1, 2, 2, 1]).cholesky()
    },
  ]
}
