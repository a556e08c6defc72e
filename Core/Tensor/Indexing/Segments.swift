// Reductions over groups of rows that an index names: messages of a graph's edges to their nodes, points to their cells.

extension Tensor {
  /// How many parts go to each row, shaped to broadcast against the result along axis a.
  private func counts(_ indices: IndexTensor, _ rows: Int, _ a: Int) -> Tensor {
    var counts = [Real](repeating: 0, count: rows)
    for i in indices.values { counts[i] += 1 }
    return Tensor(Shape([rows] + [Int](repeating: 1, count: rank - a - 1)), counts)
  }

  /// The mean of the parts that go to each row, `[K, ...] -> [rows, ...]`; 0 for a row to which none goes.
  ///
  /// - Parameters:
  ///   - indices: `[K]`, the row of each part, in 0 ..< rows.
  ///   - axis: the first by default.
  public func scatteredMean(_ indices: IndexTensor, rows: Int, axis: Int = 0) -> Tensor {
    let total = scattered(indices, rows: rows, axis: axis)
    return total / maximum(counts(indices, rows, shape.resolved(axis)), Tensor(1))
  }

  /// The largest, element by element, of the parts that go to each row, `[K, ...] -> [rows, ...]`; its gradient goes to
  /// the first of equals, and a NaN stays a NaN.
  ///
  /// - Parameters:
  ///   - indices: `[K]`, the row of each part, in 0 ..< rows.
  ///   - axis: the first by default.
  ///   - empty: the value of a row to which none goes.
  public func scatteredMax(_ indices: IndexTensor, rows: Int, axis: Int = 0, empty: Real = 0) -> Tensor {
    let a = shape.resolved(axis)
    let (outer, k, inner) = shape.around(a)
    require(indices.shape == [k], "scatteredMax: \(shape) needs \(k) indices, got \(indices.shape)")
    indices.requireInside(rows, "scatteredMax", of: "0..<\(rows)")
    if k == 0 { return .full(shape.with(a, rows), empty) }
    let groups = IndexGroups(indices.values, count: rows)
    // The place of each largest element; 0 stands in for that of an empty row.
    var best = [Int](repeating: 0, count: outer * rows * inner)
    withElements { x in
      best.withUnsafeMutableBufferPointer { best in
        let best = best
        forTiles(outer * rows, max(1, tileElements / (max(1, inner) * max(1, k / max(1, rows))))) { first, count in
          for item in first..<(first + count) {
            let (o, r) = item.quotientAndRemainder(dividingBy: rows)
            for m in groups.starts[r]..<groups.starts[r + 1] {
              let place = groups.members[m]
              for i in 0..<inner {
                let top = m == groups.starts[r] ? -Real.infinity : x[(o * k + best[item * inner + i]) * inner + i]
                let value = x[(o * k + place) * inner + i]
                if m == groups.starts[r] || value > top || (value.isNaN && !top.isNaN) {
                  best[item * inner + i] = place
                }
              }
            }
          }
        }
      }
    }
    let y = takenAlong(a, IndexTensor(shape.with(a, rows), best))
    let n = counts(indices, rows, a)
    return n.values.contains(0) ? ReproTensor.select(n, y, Tensor(empty)) : y
  }

  /// The softmax over the parts that go to the same row, in the shape of the parts (the attention of a graph's edges).
  ///
  ///     y_k = exp(x_k) / sum_{j: indices_j = indices_k} exp(x_j)
  ///
  /// - Parameters:
  ///   - indices: `[K]`, the row of each part, in 0 ..< rows.
  ///   - axis: the first by default.
  /// - Source: Velickovic et al. 2018 (arXiv 1710.10903), Eq. 2.
  public func scatteredSoftmax(_ indices: IndexTensor, rows: Int, axis: Int = 0) -> Tensor {
    let top = detached.scatteredMax(indices, rows: rows, axis: axis).gathered(indices, axis: axis)
    let e = (self - top).exp()
    return e / e.scattered(indices, rows: rows, axis: axis).gathered(indices, axis: axis)
  }
}
