// Resampling of grids. Linear interpolation is linear in the samples: one product with a constant matrix for each axis,
// whose derivative is the product with the transposed matrix.

/// How the samples of a line of `count` are weighted to give a line of `newCount`.   [newCount, count]
///
///     p_i = max(0, (i + 1/2) count / newCount - 1/2),  f = frac p_i;   y_i = (1 - f) x[floor p_i] + f x[floor p_i + 1]
///
/// Samples stand at the middles of equal cells; beyond the outermost middles the line continues as a constant.
private func interpolationMatrix(from count: Int, to newCount: Int) -> Tensor {
  Tensor([newCount, count]) { weights in
    weights.update(repeating: 0)
    for i in 0..<newCount {
      let place = max(0, (Double(i) + 0.5) * Double(count) / Double(newCount) - 0.5)
      let low = min(Int(place), count - 1)
      let fraction = place - Double(low)
      weights[i * count + low] += Real(1 - fraction)
      weights[i * count + min(low + 1, count - 1)] += Real(fraction)
    }
  }
}

extension Tensor {
  /// One axis resampled by linear interpolation to `count` samples; see `resizedBilinearly`.
  public func resizedLinearly(_ axis: Int, to count: Int) -> Tensor {
    let a = shape.resolved(axis)
    let n = shape[a]
    require(n > 0 && count > 0, "axis \(axis) of \(shape) cannot be resized to \(count)")
    if n == count { return self }
    let weights = interpolationMatrix(from: n, to: count)
    let outer = shape.array[..<a].reduce(1, *)
    let inner = shape.array[(a + 1)...].reduce(1, *)
    var extents = shape
    extents[a] = count
    if inner == 1 { return matmul(reshaped([outer, n]), weights.transposed()).reshaped(to: extents) }
    return matmul(weights, reshaped([outer, n, inner])).reshaped(to: extents)
  }

  /// Two axes resampled by bilinear interpolation, without smoothing when they shrink.
  ///
  /// - Parameters:
  ///   - rows, columns: the new extents, at least 1.
  ///   - axes: which axes they are: the last two of `[B, C, H, W]`, or (1, 2) of `[B, H, W, C]`.
  /// - Returns: this tensor with the two extents exchanged.
  /// - Source: cell-centred sampling as in PyTorch's `interpolate` with `align_corners=False`, whose numbers it gives.
  public func resizedBilinearly(rows: Int, columns: Int, axes: (Int, Int) = (-2, -1)) -> Tensor {
    resizedLinearly(axes.0, to: rows).resizedLinearly(axes.1, to: columns)
  }
}
