import ReproTensor

// Diffusions over a graph: matrices that join nodes that are far apart, too; made once for a graph.

extension Graph {
  /// Personalised PageRank between all nodes, `[nodes, nodes]`: the places of a walk that ends with probability alpha at
  /// every step.
  ///
  ///     S = alpha (I - (1 - alpha) D^(-1/2) (A + I) D^(-1/2))^(-1),   D the degrees of A + I
  ///
  /// - Parameters:
  ///   - alpha: in (0, 1]; 1 gives the identity.
  /// - Returns: symmetric for undirected graphs, no element below 0.
  /// - Source: Klicpera et al. 2019 (PPNP, arXiv 1810.05997), Eq. 1 and 2; Hassani and Khasahmadi 2020 (arXiv 2006.05582),
  ///   Eq. 3.
  public func pageRankDiffusion(alpha: Real) -> Tensor {
    require(alpha > 0 && alpha <= 1, "PageRank ends with a probability in (0, 1], got \(alpha)")
    let stay = Tensor.zeros([nodes, nodes]).fillingDiagonal(1)
    let system: Tensor = stay - normalizedAdjacency.dense() * (1 - alpha)
    return system.inverse() * alpha
  }

  /// The heat kernel between all nodes, `[nodes, nodes]`: where heat is after some time.
  ///
  ///     S = exp(t A D^(-1) - t I) = exp(-t) sum_k t^k / k! (A D^(-1))^k
  ///
  /// The exponential is that of a matrix. A node without edges keeps its heat. Columns sum to 1.
  /// - Parameter time: t >= 0.
  /// - Source: Klicpera et al. 2019 (GDC, arXiv 1911.05485), Eq. 1; Hassani and Khasahmadi 2020, Eq. 2.
  public func heatDiffusion(time: Real) -> Tensor {
    require(time >= 0 && time <= 50, "heat flows for a time in 0...50, got \(time)")
    let share = degreePower(adjacency.transposed.rowSums(), -1)  // of what leaves a node
    let alone = share.values.enumerated().filter { $0.element == 0 }.map(\.offset)
    let carried = (weights ?? .ones([sources.count])) * share.gathered(sources)
    let walk = SparseMatrix(
      rows: nodes, columns: nodes, rowIndices: IndexTensor(targets.values + alone),
      columnIndices: IndexTensor(sources.values + alone), values: concat([carried, .ones([alone.count])]))
    // Every term is positive: nothing cancels.
    var term = Tensor.zeros([nodes, nodes]).fillingDiagonal(1) * Tensor(-time).exp()
    var sum = term
    var size = Tensor(-time).exp().item
    var k: Real = 0
    while k < time || size > 1e-9 {
      k += 1
      term = matmul(walk, term) * (time / k)
      size *= time / k
      sum += term
    }
    return sum
  }
}

extension SparseMatrix {
  /// The elements of a matrix `[R, C]` that are at least `threshold`.
  public init(_ dense: Tensor, atLeast threshold: Real) {
    require(
      dense.rank == 2 && threshold > 0, "a threshold above 0 makes a matrix sparse, got \(threshold), \(dense.shape)")
    let columns = dense.shape[1]
    let found = dense.withElements { values in
      values.indices.filter { values[$0] >= threshold }.map {
        (row: $0 / columns, column: $0 % columns, value: values[$0])
      }
    }
    self.init(rows: dense.shape[0], columns: columns, triplets: found)
  }

  /// The largest elements of each row of a matrix `[R, C]`, of equals the first ones, and those above 0 only.
  public init(_ dense: Tensor, largestPerRow count: Int) {
    require(dense.rank == 2 && count >= 1, "a matrix keeps at least 1 element a row, got \(count), \(dense.shape)")
    let columns = dense.shape[1]
    let kept = min(count, columns)
    let top = dense.topK(kept)
    let values = top.values.values
    let found = top.indices.values.enumerated().filter { values[$0.offset] > 0 }.map { place, column in
      (row: place / kept, column: column, value: values[place])
    }
    self.init(rows: dense.shape[0], columns: columns, triplets: found)
  }

  /// The rows and columns of neighbouring numbers, `[range.count, range.count]`.
  public func window(_ range: Range<Int>) -> SparseMatrix {
    require(
      range.lowerBound >= 0 && range.upperBound <= min(rows, columns), "\(range) is outside of \(rows) x \(columns)")
    let (rowOf, columnOf) = (rowIndices.values, columnIndices.values)
    let kept = rowOf.indices.filter { range.contains(rowOf[$0]) && range.contains(columnOf[$0]) }
    return SparseMatrix(
      rows: range.count, columns: range.count,
      rowIndices: IndexTensor(kept.map { rowOf[$0] - range.lowerBound }),
      columnIndices: IndexTensor(kept.map { columnOf[$0] - range.lowerBound }),
      values: kept.isEmpty ? .zeros([0]) : values.gathered(IndexTensor(kept)))
  }
}
