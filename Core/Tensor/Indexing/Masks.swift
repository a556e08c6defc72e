// Constant patterns: labels as vectors, triangles, causal masks.

extension IndexTensor {
  /// The same indices under another shape.
  public func reshaped(to shape: Shape) -> IndexTensor {
    require(shape.count == count, "indices \(self.shape) cannot be reshaped to \(shape)")
    return IndexTensor(shape, values)
  }

  /// Each index as a vector with a 1 at its place, `[...] -> [..., count]`; a constant.
  ///
  /// - Parameter count: the number of classes; every index is in 0 ..< count.
  public func oneHot(_ count: Int) -> Tensor {
    requireInside(count, "oneHot", of: "0..<\(count)")
    let y = Tensor.zeros(shape.appending(count))
    let target = y.base
    for (row, i) in values.enumerated() { target[row * count + i] = 1 }
    return y
  }
}

extension Tensor {
  /// 1 where column <= row + diagonal, else 0, `[rows, columns]`; a constant.
  public static func triangular(_ rows: Int, _ columns: Int, diagonal: Int = 0) -> Tensor {
    Tensor([rows, columns]) { p in
      for r in 0..<rows { for c in 0..<columns { p[r * columns + c] = c <= r + diagonal ? 1 : 0 } }
    }
  }

  /// What is added to the logits of causal attention, `[n, n]`: 0 where key <= query, else -infinity; a constant.
  public static func causalMask(_ n: Int) -> Tensor {
    ReproTensor.select(triangular(n, n), Tensor(0), Tensor(-.infinity))
  }

  /// The last two axes with zeros above a diagonal: kept is column <= row + diagonal.
  public func lowerTriangular(diagonal: Int = 0) -> Tensor {
    require(rank >= 2, "lowerTriangular needs [..., M, N], got \(shape)")
    // A choice and not a product: what is dropped may be infinite.
    return ReproTensor.select(.triangular(shape[-2], shape[-1], diagonal: diagonal), self, Tensor(0))
  }

  /// The last two axes with zeros below a diagonal: kept is column >= row + diagonal.
  public func upperTriangular(diagonal: Int = 0) -> Tensor {
    require(rank >= 2, "upperTriangular needs [..., M, N], got \(shape)")
    return ReproTensor.select(.triangular(shape[-2], shape[-1], diagonal: diagonal - 1), Tensor(0), self)
  }
}
