// Whole parts picked or added by index along an axis. Scattering adds in the order of the indices, whatever the number of
// threads: each target belongs to one tile.

extension Shape {
  /// A row-major array seen around an axis, `[outer, extent, inner]`.
  func around(_ axis: Int) -> (outer: Int, extent: Int, inner: Int) {
    let a = resolved(axis)
    var (outer, inner) = (1, 1)
    for i in 0..<a { outer *= self[i] }
    for i in stride(from: a + 1, to: rank, by: 1) { inner *= self[i] }
    return (outer, self[a], inner)
  }

  /// This shape with another extent along an axis.
  func with(_ axis: Int, _ extent: Int) -> Shape {
    var s = self
    s[axis] = extent
    return s
  }
}

extension IndexTensor {
  /// Stops unless every index is in 0..<n.
  func requireInside(_ n: Int, _ op: StaticString, of what: @autoclosure () -> String) {
    for i in values where i < 0 || i >= n { requirementFailed("\(op): index \(i) is outside of \(what())") }
  }
}

/// The places of a list of indices, grouped by index and in their order within a group: a stable counting sort.
struct IndexGroups: Sendable {
  /// Where each group starts in `members`, and the end.
  let starts: [Int]
  let members: [Int]

  /// - Parameter indices: each in 0..<count.
  init(_ indices: [Int], count: Int) {
    var starts = [Int](repeating: 0, count: count + 1)
    for i in indices { starts[i + 1] += 1 }
    for i in 0..<count { starts[i + 1] += starts[i] }
    var next = starts
    var members = [Int](repeating: 0, count: indices.count)
    for (place, i) in indices.enumerated() {
      members[next[i]] = place
      next[i] += 1
    }
    (self.starts, self.members) = (starts, members)
  }
}

extension Tensor {
  /// y[o, j, i] = x[o, places[j], i] around an axis, without history.
  private func copiedParts(_ axis: Int, _ places: [Int]) -> Tensor {
    let x = detached.contiguous()
    let (_, n, inner) = shape.around(axis)
    let k = places.count
    let y = Tensor(uninitialized: shape.with(axis, k))
    let (source, target) = (x.base, y.base)
    if y.count == 0 { return y }
    places.withUnsafeBufferPointer { places in
      forTiles(y.count / inner, max(1, tileElements / inner)) { first, count in
        var (o, j) = first.quotientAndRemainder(dividingBy: k)
        for item in first..<(first + count) {
          let from = source + (o * n + places[j]) * inner
          if inner == 1 { target[item] = from[0] } else { (target + item * inner).update(from: from, count: inner) }
          j += 1
          if j == k { (o, j) = (o + 1, 0) }
        }
      }
    }
    withExtendedLifetime(x) {}
    return y
  }

  /// Part j along an axis is part `order[j]` of this; `order` is a permutation.
  func reordered(_ axis: Int, _ order: [Int]) -> Tensor {
    copiedParts(axis, order).recorded("reordered", self) { s in
      var inverse = order
      for (to, from) in order.enumerated() { inverse[from] = to }
      return s.gradient.reordered(axis, inverse)
    }
  }

  /// The parts at the given places of an axis, whose extent the shape of the indices replaces:
  /// `[N, ...]` with indices `[K]` gives `[K, ...]`, a table `[N, D]` with tokens `[B, T]` gives `[B, T, D]`.
  ///
  /// - Parameters:
  ///   - indices: of any shape, each in 0 ..< extent; a place may come more than once.
  ///   - axis: the first by default.
  public func gathered(_ indices: IndexTensor, axis: Int = 0) -> Tensor {
    let a = shape.resolved(axis)
    let n = shape[a]
    indices.requireInside(n, "gathered", of: "\(shape)")
    let flat = IndexTensor(indices.values)
    let y = copiedParts(a, indices.values).recorded("gathered", self) { s in
      s.gradient.scattered(flat, rows: n, axis: a)
    }
    if indices.shape.rank == 1 { return y }
    return y.reshaped([Int](shape.array[..<a]) + indices.shape.array + [Int](shape.array[(a + 1)...]))
  }

  /// Part i along an axis added to part `indices[i]` of a zero tensor with `rows` parts, `[K, ...] -> [rows, ...]`.
  ///
  /// - Parameters:
  ///   - indices: `[K]`, each in 0 ..< rows; parts with equal indices are added in their order.
  ///   - axis: the first by default.
  public func scattered(_ indices: IndexTensor, rows: Int, axis: Int = 0) -> Tensor {
    let a = shape.resolved(axis)
    let (_, k, inner) = shape.around(a)
    require(indices.shape == [k], "scattered: \(shape) needs \(k) indices, got \(indices.shape)")
    indices.requireInside(rows, "scattered", of: "0..<\(rows)")
    let groups = IndexGroups(indices.values, count: rows)
    let x = detached.contiguous()
    let y = Tensor(uninitialized: shape.with(a, rows))
    let (source, target) = (x.base, y.base)
    groups.starts.withUnsafeBufferPointer { starts in
      groups.members.withUnsafeBufferPointer { members in
        let work = max(1, inner) * max(1, k / max(1, rows))
        forTiles(y.count / max(inner, 1), max(1, tileElements / work)) { first, count in
          for item in first..<(first + count) {
            let (o, r) = item.quotientAndRemainder(dividingBy: rows)
            let to = target + item * inner
            kernels.fill(inner, 0, to)
            for m in starts[r]..<starts[r + 1] {
              let from = source + (o * k + members[m]) * inner
              if inner == 1 { to[0] += from[0] } else { kernels.axpy(inner, 1, from, to) }
            }
          }
        }
      }
    }
    withExtendedLifetime(x) {}
    return y.recorded("scattered", self) { s in s.gradient.gathered(indices, axis: a) }
  }

  /// One element for each index, taken along an axis:   y[o, j, i] = x[o, indices[o, j, i], i]
  ///
  /// - Parameter indices: of this tensor's shape up to the extent of the axis, each in 0 ..< extent.
  /// - Returns: in the shape of the indices (numpy's take_along_axis).
  public func takenAlong(_ axis: Int, _ indices: IndexTensor) -> Tensor {
    let a = shape.resolved(axis)
    let (_, n, inner) = shape.around(a)
    let k = requireAlong(a, indices, "takenAlong")
    indices.requireInside(n, "takenAlong", of: "axis \(a) of \(shape)")
    let x = detached.contiguous()
    let y = Tensor(uninitialized: indices.shape)
    let (source, target) = (x.base, y.base)
    indices.values.withUnsafeBufferPointer { places in
      forTiles(y.count / max(inner, 1), max(1, tileElements / max(inner, 1))) { first, count in
        for item in first..<(first + count) {
          let from = source + (item / k) * n * inner
          for at in (item * inner)..<((item + 1) * inner) { target[at] = from[places[at] * inner + at - item * inner] }
        }
      }
    }
    withExtendedLifetime(x) {}
    return y.recorded("takenAlong", self) { s in s.gradient.scatteredAlong(a, indices, count: n) }
  }

  /// Each element added at its place along an axis of zeros:   y[o, indices[o, j, i], i] += x[o, j, i]
  ///
  /// The reverse of `takenAlong`; elements that meet are added in their order.
  /// - Parameters:
  ///   - indices: of this tensor's shape, each in 0 ..< count.
  ///   - count: the extent of the axis in the result.
  public func scatteredAlong(_ axis: Int, _ indices: IndexTensor, count: Int) -> Tensor {
    let a = shape.resolved(axis)
    let (outer, k, inner) = shape.around(a)
    require(indices.shape == shape, "scatteredAlong: \(shape) needs indices of its shape, got \(indices.shape)")
    indices.requireInside(count, "scatteredAlong", of: "0..<\(count)")
    let x = detached.contiguous()
    let y = Tensor.zeros(shape.with(a, count))
    let (source, target) = (x.base, y.base)
    let width = 512  // columns of one tile: all elements that meet are in one
    let parts = (inner + width - 1) / width
    indices.values.withUnsafeBufferPointer { places in
      forTiles(outer * parts, max(1, tileElements / max(1, k * min(inner, width)))) { first, items in
        for item in first..<(first + items) {
          let (o, part) = item.quotientAndRemainder(dividingBy: parts)
          for j in 0..<k {
            for i in (part * width)..<min(inner, (part + 1) * width) {
              let at = (o * k + j) * inner + i
              target[(o * count + places[at]) * inner + i] += source[at]
            }
          }
        }
      }
    }
    withExtendedLifetime(x) {}
    return y.recorded("scatteredAlong", self) { s in s.gradient.takenAlong(a, indices) }
  }

  /// The extent of indices along the axis, which may differ; all other extents must agree.
  private func requireAlong(_ a: Int, _ indices: IndexTensor, _ op: StaticString) -> Int {
    require(
      indices.shape.rank == rank && indices.shape == shape.with(a, indices.shape[a]),
      "\(op): \(shape) needs indices of its shape up to the extent of axis \(a), got \(indices.shape)")
    return indices.shape[a]
  }
}
