import ReproTensor
import TestSupport

/// The rows of picking, scattering, padding and rearranging by index, and of sparse matrices.
extension OpTable {
  private static let distinct: [Layout] = [.rows, .turned, .window]
  private static let withRows: [[Shape]] = [[[1]], [[4]], [[3, 2]], [[2, 1, 3]], [[3, 0]]]
  private static let large: [[Shape]] = [[[301, 133]], [[3, 20011]]]
  private static let blocks: [[Shape]] = [[[2, 3, 4]], [[1, 5, 1]], [[2, 1, 3]], [[0, 3, 2]]]
  private static let largeBlocks: [[Shape]] = [[[30, 41, 33]], [[2, 7, 2003]]]

  /// An index for each element of a shape, below n, in no order.
  static func scramble(_ shape: Shape, below n: Int) -> IndexTensor {
    IndexTensor(shape, (0..<shape.count).map { ($0 * 7 + $0 / 3 + 1) % n })
  }

  /// The sparse matrix of 4 x n whose k-th element stands in row 7k + 1 mod 3 and column 5k + 2 mod n: row 3 is empty.
  static func sparse(_ values: Tensor, columns n: Int) -> SparseMatrix {
    let k = values.count
    return SparseMatrix(
      rows: 4, columns: n, rowIndices: IndexTensor((0..<k).map { ($0 * 7 + 1) % 3 }),
      columnIndices: IndexTensor((0..<k).map { ($0 * 5 + 2) % n }), values: values)
  }

  static let picking: [Op] = [
    Op("gathered(last axis)", withRows.dropLast() + [[[0, 2]]], large: large) {
      $0[0].gathered(places($0[0].shape[-1] + 2, below: $0[0].shape[-1]), axis: -1)
    },
    Op("gathered(middle)", blocks, large: largeBlocks) {
      $0[0].gathered(places($0[0].shape[1] * 2, below: $0[0].shape[1]), axis: 1)
    },
    Op("gathered(table)", withRows, large: large) { $0[0].gathered(scramble([2, 3], below: $0[0].shape[0])) },
    Op("gathered(table, middle)", blocks, large: largeBlocks) {
      $0[0].gathered(scramble([3, 2], below: $0[0].shape[1]), axis: 1)
    },
    Op("scattered(last axis)", withRows, large: large) {
      $0[0].scattered(places($0[0].shape[-1], below: 3), rows: 4, axis: -1)
    },
    Op("scattered(middle)", blocks, large: largeBlocks) {
      $0[0].scattered(places($0[0].shape[1], below: 3), rows: 4, axis: 1)
    },
    Op("takenAlong", withRows, large: large) {
      let shape = $0[0].shape.inserting(2, at: 0).dropping(1)
      return $0[0].takenAlong(0, scramble(shape, below: $0[0].shape[0]))
    },
    Op("takenAlong(middle)", blocks, large: largeBlocks) { x in
      let s = x[0].shape
      return x[0].takenAlong(1, scramble([s[0], s[1] + 1, s[2]], below: s[1]))
    },
    Op("scatteredAlong", withRows, large: large) {
      $0[0].scatteredAlong(0, scramble($0[0].shape, below: 3), count: 4)
    },
    Op("scatteredAlong(middle)", blocks, large: largeBlocks) {
      $0[0].scatteredAlong(-2, scramble($0[0].shape, below: 3), count: 4)
    },
    Op("scatteredMean", withRows + [[[0, 2]]], large: large) {
      $0[0].scatteredMean(places($0[0].shape[0], below: 3), rows: 4)
    },
    Op("scatteredMean(middle)", blocks, large: largeBlocks) {
      $0[0].scatteredMean(places($0[0].shape[1], below: 3), rows: 4, axis: 1)
    },
    Op("scatteredMax", withRows + [[[0, 2]]], large: large, .apart(0.1), layouts: distinct) {
      $0[0].scatteredMax(places($0[0].shape[0], below: 3), rows: 4, empty: -3)
    },
    Op("scatteredMax(middle)", blocks, large: largeBlocks, .apart(0.1), layouts: distinct) {
      $0[0].scatteredMax(places($0[0].shape[1], below: 2), rows: 2, axis: 1)
    },
    Op("scatteredSoftmax", withRows + [[[0, 2]]], large: large) {
      $0[0].scatteredSoftmax(places($0[0].shape[0], below: 3), rows: 4)
    },
    Op("scatteredSoftmax(last axis)", blocks, large: largeBlocks) {
      $0[0].scatteredSoftmax(places($0[0].shape[-1], below: 2), rows: 2, axis: -1)
    },
    Op(
      "matmul(sparse)", [[[7], [3, 2]], [[1], [1]], [[5], [2, 1, 3]], [[0], [2, 2]], [[9], [4, 0]]],
      large: [[[2000], [500, 37]], [[40000], [700]]]
    ) { matmul(sparse($0[0], columns: $0[1].shape[0]), $0[1]) },
    Op(
      "matmul(sparse, transposed)", [[[7], [4, 2]], [[1], [4]], [[0], [4, 2]]],
      large: [[[2000], [4, 4099]]]
    ) { matmul(sparse($0[0], columns: 5).transposed, $0[1]) },
    Op("dense", [[[7]], [[1]], [[0]]], large: [[[20011]]]) { sparse($0[0], columns: 5).dense() },
    Op("rowSums", [[[7]], [[1]], [[0]]], large: [[[20011]]]) { sparse($0[0], columns: 5).rowSums() },
    Op("dense(scaled)", [[[7], [4], [5]], [[1], [4], [5]]], large: [[[20011], [4], [5]]]) {
      sparse($0[0], columns: 5).scaled(rows: $0[1], columns: $0[2]).dense()
    },
    Op("flipped", oneSmall.filter { $0[0].rank > 0 }, large: large) { $0[0].flipped(0) },
    Op("flipped(axes)", blocks, large: largeBlocks) { $0[0].flipped(-1, 1) },
    Op("rolled", oneSmall.filter { $0[0].rank > 0 }, large: large) { $0[0].rolled(0, by: 2) },
    Op("rolled(back)", blocks, large: largeBlocks) { $0[0].rolled(-2, by: -4).rolled(-1, by: 1) },
    Op("repeated", withRows, large: large) { $0[0].repeated(0, 3) },
    Op("repeated(last axis)", blocks, large: largeBlocks) { $0[0].repeated(-1, 2) },
    Op("tiled", withRows, large: large) { $0[0].tiled(0, 3) },
    Op("tiled(last axis)", blocks, large: largeBlocks) { $0[0].tiled(-1, 2) },
    Op("lowerTriangular", [[[1, 1]], [[3, 4]], [[2, 4, 3]], [[0, 2]]], large: [[[181, 181]]]) {
      $0[0].lowerTriangular()
    },
    Op("lowerTriangular(diagonal)", [[[1, 1]], [[3, 4]], [[2, 4, 3]]], large: [[[181, 181]]]) {
      $0[0].lowerTriangular(diagonal: -1)
    },
    Op("upperTriangular", [[[1, 1]], [[3, 4]], [[2, 4, 3]], [[0, 2]]], large: [[[181, 181]]]) {
      $0[0].upperTriangular(diagonal: 1)
    },
    Op("padded(value)", withRows, large: large) { $0[0].padded(0, before: 1, after: 2, .constant(1.5)) },
    Op("padded(reflect)", [[[3]], [[4]], [[3, 2]], [[3, 0]]], large: large) {
      $0[0].padded(0, before: 2, after: 1, .reflect)
    },
    Op("padded(replicate)", withRows, large: large) { $0[0].padded(0, before: 2, after: 3, .replicate) },
    Op("padded(circular)", [[[3]], [[4]], [[3, 2]], [[3, 0]]], large: large) {
      $0[0].padded(0, before: 3, after: 1, .circular)
    },
    Op("padded(axes)", [[[2, 3]], [[2, 2, 4]], [[2, 5]]], large: largeBlocks) {
      $0[0].padded(axes: [-2, -1], before: [1, 0], after: [1, 2])
    },
    Op("padded(axes, reflect)", [[[2, 3]], [[2, 2, 4]], [[0, 2, 5]]], large: largeBlocks) {
      $0[0].padded(axes: [-2, -1], before: [1, 0], after: [1, 2], .reflect)
    },
    Op("padded(axes, replicate)", [[[2, 3]], [[2, 2, 4]], [[1, 1]]], large: largeBlocks) {
      $0[0].padded(axes: [-1, -2], before: [1, 0], after: [4, 2], .replicate)
    },
  ]
}
