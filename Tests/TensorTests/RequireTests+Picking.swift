@testable import ReproTensor

extension Mistake {
  private static let square = SparseMatrix(rows: 2, columns: 2, rowIndices: [0, 1], columnIndices: [1, 0])

  static let picking: [Mistake] = [
    Mistake("gathered: index 3 is outside of [2, 3]") { t(2, 3).gathered(IndexTensor([1, 2], [0, 3]), axis: 1) },
    Mistake("scattered: [2, 3] needs 3 indices, got [2]") { t(2, 3).scattered([0, 1], rows: 4, axis: 1) },
    Mistake("scatteredMax: [2, 3] needs 2 indices, got [1]") { t(2, 3).scatteredMax([0], rows: 4) },
    Mistake("scatteredMax: index -1 is outside of 0..<4") { t(2, 3).scatteredMax([0, -1], rows: 4) },
    Mistake("takenAlong: [2, 3] needs indices of its shape up to the extent of axis 0, got [2]") {
      t(2, 3).takenAlong(0, [0, 1])
    },
    Mistake("takenAlong: index 2 is outside of axis 0 of [2, 3]") {
      t(2, 3).takenAlong(0, IndexTensor([1, 3], [0, 1, 2]))
    },
    Mistake("scatteredAlong: [2] needs indices of its shape, got [1]") { t(2).scatteredAlong(0, [1], count: 3) },
    Mistake("scatteredAlong: index 3 is outside of 0..<3") { t(2).scatteredAlong(0, [1, 3], count: 3) },
    Mistake("padding 0 and 2 of axis 0 of [2] is too wide for the mode reflect, which allows 1") {
      t(2).padded(0, before: 0, after: 2, .reflect)
    },
    Mistake("padding 0 and 1 of axis 0 of [0] is too wide for the mode replicate, which allows 0") {
      t(0).padded(0, before: 0, after: 1, .replicate)
    },
    Mistake("padding of axes [0, 1] needs as many numbers before and after, got [1] and [1, 2]") {
      t(2, 2).padded(axes: [0, 1], before: [1], after: [1, 2])
    },
    Mistake("[2, 3] cannot be repeated -1 times") { t(2, 3).repeated(0, -1) },
    Mistake("[2, 3] cannot be tiled -1 times") { t(2, 3).tiled(0, -1) },
    Mistake("indices [2] cannot be reshaped to [3]") { IndexTensor([0, 1]).reshaped(to: [3]) },
    Mistake("oneHot: index 4 is outside of 0..<4") { IndexTensor([0, 4]).oneHot(4) },
    Mistake("lowerTriangular needs [..., M, N], got [3]") { t(3).lowerTriangular() },
    Mistake("upperTriangular needs [..., M, N], got [3]") { t(3).upperTriangular() },
    Mistake("a sparse matrix needs rows, columns and values [K], got [2], [1] and none") {
      SparseMatrix(rows: 2, columns: 2, rowIndices: [0, 1], columnIndices: [0])
    },
    Mistake("a sparse matrix needs rows, columns and values [K], got [2], [2] and [3]") {
      SparseMatrix(rows: 2, columns: 2, rowIndices: [0, 1], columnIndices: [0, 1], values: t(3))
    },
    Mistake("sparse matrix: index 2 is outside of 2 rows") {
      SparseMatrix(rows: 2, columns: 3, triplets: [(2, 0, 1)])
    },
    Mistake("sparse matrix: index 3 is outside of 3 columns") {
      SparseMatrix(rows: 2, columns: 3, triplets: [(0, 3, 1)])
    },
    Mistake("a sparse matrix of [2] elements cannot take [3]") { square.with(values: t(3)) },
    Mistake("a sparse matrix 2 x 2 cannot be scaled by [3] and [2]") { square.scaled(rows: t(3), columns: t(2)) },
    Mistake("matmul of a sparse 2 x 2 needs [C, ...], got [3, 1]") { matmul(square, t(3, 1)) },
  ]
}
