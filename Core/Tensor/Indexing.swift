// Joining, padding and picking by index. Scattering adds in the order of the indices, whatever the number of threads.

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
  let inner = shape.array[(a + 1)...].reduce(1, *)
  let outer = shape.array[..<a].reduce(1, *)
  var at = 0
  for part in parts {
    let x = part.detached.contiguous()
    let (source, target, width, place) = (x.base, y.base, part.shape[a] * inner, at)
    forTiles(outer, max(1, tileElements / max(width, 1))) { from, n in
      for i in from..<(from + n) {
        (target + i * shape[a] * inner + place).update(from: source + i * width, count: width)
      }
    }
    withExtendedLifetime(x) {}
    at += width
  }
  return y.recorded("concat", inputs: parts) { s in
    var from = 0
    return parts.enumerated().map { i, part in
      defer { from += part.shape[a] }
      return s.needs(i) ? s.gradient.slice(a, from..<(from + part.shape[a])) : nil
    }
  }
}

/// Tensors of one shape joined along a new axis.
public func stack(_ parts: [Tensor], axis: Int = 0) -> Tensor {
  concat(parts.map { $0.expandedAxis(axis) }, axis: axis)
}

extension Tensor {
  /// Zeros added before and after along an axis.
  public func padded(_ axis: Int, before: Int, after: Int) -> Tensor {
    let a = shape.resolved(axis)
    require(before >= 0 && after >= 0, "padding of \(shape) is not negative, got \(before) and \(after)")
    if before == 0 && after == 0 { return self }
    let n = shape[a]
    var wide = shape
    wide[a] = n + before + after
    let y = Tensor(uninitialized: wide)
    let x = contiguous()
    let inner = shape.array[(a + 1)...].reduce(1, *)
    let outer = shape.array[..<a].reduce(1, *)
    let (source, target) = (x.base, y.base)
    forTiles(outer, max(1, tileElements / max(wide[a] * inner, 1))) { first, count in
      for i in first..<(first + count) {
        let row = target + i * wide[a] * inner
        kernels.fill(before * inner, 0, row)
        (row + before * inner).update(from: source + i * n * inner, count: n * inner)
        kernels.fill(after * inner, 0, row + (before + n) * inner)
      }
    }
    withExtendedLifetime(x) {}
    return y.recorded("padded", self) { s in s.gradient.slice(a, before..<(before + n)) }
  }

  /// The parts at the given places of the first axis, `[N, ...] -> [K, ...]`.
  public func gathered(_ indices: IndexTensor) -> Tensor {
    let n = shape[0]
    let width = count / max(n, 1)
    require(indices.shape.rank == 1, "gathered needs a vector of indices, got \(indices.shape)")
    for i in indices.values { require(i >= 0 && i < n, "gathered: index \(i) is outside of \(shape)") }
    let x = contiguous()
    let y = Tensor(uninitialized: Shape([indices.count] + shape.array.dropFirst()))
    let (source, target, places) = (x.base, y.base, indices.values)
    forTiles(places.count, max(1, tileElements / max(width, 1))) { first, count in
      for i in first..<(first + count) { (target + i * width).update(from: source + places[i] * width, count: width) }
    }
    withExtendedLifetime(x) {}
    return y.recorded("gathered", self) { s in s.gradient.scattered(indices, rows: n) }
  }

  /// Row i added to row `indices[i]` of a zero tensor of `rows` rows, `[K, ...] -> [rows, ...]`.
  public func scattered(_ indices: IndexTensor, rows: Int) -> Tensor {
    require(
      indices.shape == [shape[0]], "scattered: \(shape) needs \(shape[0]) indices, got \(indices.shape)")
    for i in indices.values { require(i >= 0 && i < rows, "scattered: index \(i) is outside of 0..<\(rows)") }
    let width = count / max(shape[0], 1)
    let x = contiguous()
    let y = Tensor.zeros(Shape([rows] + shape.array.dropFirst()))
    let (source, target) = (x.base, y.base)
    for (i, to) in indices.values.enumerated() { kernels.axpy(width, 1, source + i * width, target + to * width) }
    withExtendedLifetime(x) {}
    return y.recorded("scattered", self) { s in s.gradient.gathered(indices) }
  }

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
