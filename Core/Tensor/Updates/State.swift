// Tensors that are state: memory banks, running statistics, replay memories.

extension Tensor {
  /// Whether both are views of the same elements of one buffer, so that neither has been changed since the other was copied.
  public func sharesMemory(with other: Tensor) -> Bool {
    storage === other.storage && offset == other.offset && shape == other.shape && strides == other.strides
  }

  /// Overwrites rows of a constant in place, `self[first + i] = rows[i]`, `[N, ...]` and `[K, ...]`; not differentiable.
  public mutating func replaceRows(from first: Int, by rows: Tensor) {
    require(
      rows.rank == rank && rank >= 1 && rows.shape.dropping(0) == shape.dropping(0) && first >= 0
        && first + rows.shape[0] <= shape[0],
      "rows \(rows.shape) do not fit into \(shape) from row \(first) on")
    let width = shape[0] == 0 ? 0 : count / shape[0]
    rows.withElements { source in
      withMutableElements { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        (to + first * width).update(from: from, count: source.count)
      }
    }
  }
}
