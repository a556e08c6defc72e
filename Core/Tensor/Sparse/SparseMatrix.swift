/// A matrix of which only some elements are stored, row by row (CSR): adjacency, incidence, interpolation.
///
/// The stored values are a tensor and may be tracked: products are differentiable by them, too. Elements that share a
/// place count as their sum.
public struct SparseMatrix: Sendable {
  public let rows: Int
  public let columns: Int
  /// The stored elements, `[K]`, by ascending row, then column.
  public let values: Tensor
  private let places: SparsePlaces
  /// The places of the transposed matrix, and where its elements are in this one.
  private let mirror: SparsePlaces
  private let order: [Int]
  private let inverse: [Int]

  private init(
    rows: Int, columns: Int, values: Tensor, places: SparsePlaces, mirror: SparsePlaces, order: [Int], inverse: [Int]
  ) {
    (self.rows, self.columns, self.values) = (rows, columns, values)
    (self.places, self.mirror, self.order, self.inverse) = (places, mirror, order, inverse)
  }

  /// A matrix from its elements in any order.
  ///
  /// - Parameters:
  ///   - rowIndices, columnIndices: `[K]`, in 0 ..< rows and 0 ..< columns.
  ///   - values: `[K]`; all 1 if nil.
  public init(
    rows: Int, columns: Int, rowIndices: IndexTensor, columnIndices: IndexTensor, values: Tensor? = nil
  ) {
    let n = rowIndices.count
    require(
      rowIndices.shape == [n] && columnIndices.shape == [n] && (values?.shape ?? [n]) == [n],
      "a sparse matrix needs rows, columns and values [K], got \(rowIndices.shape), \(columnIndices.shape) and "
        + "\(values.map { "\($0.shape)" } ?? "none")")
    rowIndices.requireInside(rows, "sparse matrix", of: "\(rows) rows")
    columnIndices.requireInside(columns, "sparse matrix", of: "\(columns) columns")
    let byColumn = IndexGroups(columnIndices.values, count: columns).members
    let byRow = IndexGroups(byColumn.map { rowIndices.values[$0] }, count: rows)
    let first = byRow.members.map { byColumn[$0] }
    let row = first.map { rowIndices.values[$0] }
    let column = first.map { columnIndices.values[$0] }
    let turned = IndexGroups(column, count: columns)
    var inverse = turned.members
    for (to, from) in turned.members.enumerated() { inverse[from] = to }
    self.init(
      rows: rows, columns: columns, values: (values ?? .ones([n])).reordered(0, first),
      places: SparsePlaces(starts: byRow.starts, row: row, column: column),
      mirror: SparsePlaces(
        starts: turned.starts, row: turned.members.map { column[$0] }, column: turned.members.map { row[$0] }),
      order: turned.members, inverse: inverse)
  }

  /// A matrix from (row, column, value) in any order.
  public init(rows: Int, columns: Int, triplets: [(row: Int, column: Int, value: Real)]) {
    self.init(
      rows: rows, columns: columns, rowIndices: IndexTensor(triplets.map(\.row)),
      columnIndices: IndexTensor(triplets.map(\.column)), values: Tensor([triplets.count], triplets.map(\.value)))
  }

  /// The row of each stored element, `[K]`, ascending.
  public var rowIndices: IndexTensor { IndexTensor(places.row) }
  /// The column of each stored element, `[K]`.
  public var columnIndices: IndexTensor { IndexTensor(places.column) }

  /// Rows and columns exchanged.
  public var transposed: SparseMatrix {
    SparseMatrix(
      rows: columns, columns: rows, values: values.reordered(0, order), places: mirror, mirror: places, order: inverse,
      inverse: order)
  }

  /// The same places with other values, `[K]`, in the order of `values`.
  public func with(values: Tensor) -> SparseMatrix {
    require(
      values.shape == self.values.shape, "a sparse matrix of \(self.values.shape) elements cannot take \(values.shape)")
    return SparseMatrix(
      rows: rows, columns: columns, values: values, places: places, mirror: mirror, order: order, inverse: inverse)
  }

  /// diag(r) A diag(c), for vectors r `[rows]` and c `[columns]`: normalised adjacency with r = c = degree^(-1/2).
  public func scaled(rows r: Tensor, columns c: Tensor) -> SparseMatrix {
    require(
      r.shape == [rows] && c.shape == [columns],
      "a sparse matrix \(rows) x \(columns) cannot be scaled by \(r.shape) and \(c.shape)")
    return with(values: values * r.gathered(rowIndices) * c.gathered(columnIndices))
  }

  /// The sum of each row, `[rows]`: the degrees of an adjacency.
  public func rowSums() -> Tensor { values.scattered(rowIndices, rows: rows) }

  /// The matrix with all its zeros, `[rows, columns]`.
  public func dense() -> Tensor {
    let flat = IndexTensor(zip(places.row, places.column).map { $0 * columns + $1 })
    return values.scattered(flat, rows: rows * columns).reshaped(to: [rows, columns])
  }

  /// A x without history, x being `[columns, ...]`.
  fileprivate func product(_ x: Tensor) -> Tensor {
    let (x, v) = (x.detached.contiguous(), values.detached.contiguous())
    let y = Tensor(uninitialized: x.shape.with(0, rows))
    let width = y.count / max(rows, 1)
    let (source, weights, target) = (x.base, v.base, y.base)
    places.starts.withUnsafeBufferPointer { starts in
      places.column.withUnsafeBufferPointer { column in
        let work = max(1, width) * max(1, column.count / max(rows, 1))
        forTiles(rows, max(1, tileElements / work)) { first, count in
          for r in first..<(first + count) {
            let to = target + r * width
            kernels.fill(width, 0, to)
            for k in starts[r]..<starts[r + 1] { kernels.axpy(width, weights[k], source + column[k] * width, to) }
          }
        }
      }
    }
    withExtendedLifetime((x, v)) {}
    return y
  }
}

/// Where elements are stored: the row and column of each, and where each row starts.
private struct SparsePlaces: Sendable {
  let starts, row, column: [Int]
}

/// The product of a sparse matrix with a dense one, `[R, C] [C, ...] -> [R, ...]`; differentiable by both.
///
///     y_r = sum over the stored elements k of row r of values_k x[column_k]
public func matmul(_ a: SparseMatrix, _ x: Tensor) -> Tensor {
  require(
    x.rank >= 1 && x.shape[0] == a.columns, "matmul of a sparse \(a.rows) x \(a.columns) needs [C, ...], got \(x.shape)"
  )
  return a.product(x).recorded("sparse matmul", a.values, x) { s in
    let g = s.gradient
    var gradientOfValues: Tensor?
    if s.needs(0) {
      let products: Tensor = g.gathered(a.rowIndices) * s(x).gathered(a.columnIndices)
      gradientOfValues = x.rank == 1 ? products : products.flattened(from: 1).sum(-1)
    }
    return (gradientOfValues, s.needs(1) ? matmul(a.with(values: s(a.values)).transposed, g) : nil)
  }
}
