// Joining tensors, and picking one element of each row.

/// Tensors joined along an axis; all other extents agree.
public func concat(_ parts: [Tensor], axis: Int = 0) -> Tensor {
  guard let first = parts.first else { requirementFailed("concat needs at least one tensor") }
  let a = first.shape.resolved(axis)
  var shape = first.shape
  for part in parts.dropFirst() {
    var same = part.shape
    require(same.rank == shape.rank, "concat: ranks of \(parts.map(\.shape)) differ")
    same[a] = first.shape[a]
    require(same == first.shape, "concat along axis \(a): shapes \(parts.map(\.shape)) do not agree")
    shape[a] += part.shape[a]
  }
  if parts.count == 1 { return first }
  let y = Tensor(uninitialized: shape)
  let (outer, wide, inner) = shape.around(a)
  var at = 0
  for part in parts {
    let x = part.detached.contiguous()
    let (source, target, width, place) = (x.base, y.base, part.shape[a] * inner, at)
    forTiles(outer, max(1, tileElements / max(width, 1))) { from, n in
      for i in from..<(from + n) {
        (target + i * wide * inner + place).update(from: source + i * width, count: width)
      }
    }
    withExtendedLifetime(x) {}
    at += width
  }
  let extents = parts.map { $0.shape[a] }  // all of the parts that the derivative needs
  return y.recorded("concat", inputs: parts) { s in
    var from = 0
    return extents.enumerated().map { i, extent in
      defer { from += extent }
      return s.needs(i) ? s.gradient.slice(a, from..<(from + extent)) : nil
    }
  }
}

/// Tensors of one shape joined along a new axis.
public func stack(_ parts: [Tensor], axis: Int = 0) -> Tensor {
  concat(parts.map { $0.expandedAxis(axis) }, axis: axis)
}

extension Tensor {
  /// One element of each row of the last axis, `[..., C]` with indices `[...]` -> `[...]`.
  public func picked(_ indices: IndexTensor) -> Tensor {
    let c = shape[-1]
    require(
      indices.shape == shape.dropping(-1), "picked: \(shape) needs indices \(shape.dropping(-1)), got \(indices.shape)")
    let y = withElements { p in
      Tensor(indices.shape) { out in
        for (row, i) in indices.values.enumerated() {
          require(i >= 0 && i < c, "picked: index \(i) is outside of the last axis of \(shape)")
          out[row] = p[row * c + i]
        }
      }
    }
    return y.recorded("picked", self) { s in s.gradient.placed(indices, of: c) }
  }

  /// Each element put at its place of a new last axis of zeros, `[...] -> [..., count]`: the reverse of `picked`.
  public func placed(_ indices: IndexTensor, of count: Int) -> Tensor {
    require(indices.shape == shape, "placed: \(shape) needs indices of its shape, got \(indices.shape)")
    let y = Tensor.zeros(shape.appending(count))
    let target = y.base
    withElements { p in
      for (row, i) in indices.values.enumerated() {
        require(i >= 0 && i < count, "placed: index \(i) is outside of 0..<\(count)")
        target[row * count + i] = p[row]
      }
    }
    return y.recorded("placed", self) { s in s.gradient.picked(indices) }
  }

  /// The diagonal of the last two axes replaced by a constant.
  public func fillingDiagonal(_ value: Real) -> Tensor {
    let n = shape[-1]
    require(rank >= 2 && shape[-2] == n, "fillingDiagonal needs [..., N, N], got \(shape)")
    let y = copied()
    let target = y.base
    for plane in 0..<(count / max(n * n, 1)) { for i in 0..<n { target[plane * n * n + i * (n + 1)] = value } }
    return y.recorded("fillingDiagonal", self) { s in s.gradient.fillingDiagonal(0) }
  }
}
