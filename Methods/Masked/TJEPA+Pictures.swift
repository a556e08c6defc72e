import ReproData
import ReproEngine
import ReproTensor

extension TJEPA: PictureSource {
  /// Which column tells which: the predictor is given one column and asked for all others.
  public func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    let rows = state.schema.rows(of: try context.inputs(500))
    let (count, first) = (state.schema.count, options.registers)
    guard rows.count >= 8 else { return [] }
    let whole = state.target(rows)  // [B, R + C, D]
    let spread = (0..<count).map { whole.select(1, first + $0).variance(0).mean().item }
    var shares = [[Double]](repeating: [Double](repeating: 1, count: count), count: count)
    for given in 0..<count {
      let seen = Array(0..<first) + [first + given]
      let asked = (0..<count).filter { $0 != given }
      let predicted = state.student.predictions(
        rows, IndexTensor([rows.count, seen.count], (0..<rows.count).flatMap { _ in seen }),
        IndexTensor([rows.count, 1, asked.count], (0..<rows.count).flatMap { _ in asked.map { $0 + first } }))
      for (place, column) in asked.enumerated() {
        let error = (predicted.select(2, place).reshaped([rows.count, -1]) - whole.select(1, first + column))
          .squared().mean().item
        // The variance is what predicting the mean would leave; worse than that is shown as nothing.
        shares[given][column] = max(0, 1 - Double(error) / max(Double(spread[column]), 1e-12))
      }
    }
    let names = state.schema.names
    let best = (0..<count).compactMap { column in
      (0..<count).filter { $0 != column }.map { shares[$0][column] }.max()
    }
    let mean = best.reduce(0, +) / Double(max(1, best.count))
    return [
      Picture(
        "columns", title: "Which column tells which",
        alternative: "A matrix of \(count) columns: in the mean, the most telling other column explains "
          + "\((mean * 100).rounded() / 100) of what the target encoder says about a column.",
        caption:
          "The predictor is given the column of the row and nothing else. Shown is the share of the variance over rows "
          + "of the target encoder's token of each other column that it predicts; the diagonal is 1 by definition.",
        .matrix(
          Picture.Matrix(
            rowAxis: "given", columnAxis: "predicted", rows: names, columns: names, values: shares,
            unit: "share of the variance")))
    ]
  }
}
