// Ops that only look at the same memory in another way: no element is moved.

extension Tensor {
  private func view(shape: Shape, strides: Shape, offset: Int) -> Tensor {
    Tensor(viewing: self, shape: shape, strides: strides, offset: offset)
  }

  /// The same elements in row-major order under another shape; one extent may be -1. Copies only if the elements have gaps.
  public func reshaped(_ shape: [Int]) -> Tensor {
    var extents = shape
    if let hole = extents.firstIndex(of: -1) {
      let rest = extents.reduce(1) { $0 * ($1 == -1 ? 1 : $1) }
      require(rest > 0 && count % rest == 0, "\(self.shape) cannot be reshaped to \(shape)")
      extents[hole] = count / rest
    }
    return reshaped(to: Shape(extents))
  }

  /// The same elements in row-major order under another shape.
  public func reshaped(to shape: Shape) -> Tensor {
    require(shape.count == count, "\(self.shape) has \(count) elements and cannot be reshaped to \(shape)")
    if shape == self.shape { return self }
    let x = contiguous()
    let old = self.shape
    return x.view(shape: shape, strides: shape.rowMajorStrides, offset: x.offset)
      .recorded("reshaped", x) { s in s.gradient.reshaped(to: old) }
  }

  /// The axes from `first` to `last` joined to one.
  public func flattened(from first: Int = 0, through last: Int = -1) -> Tensor {
    let a = shape.resolved(first)
    let b = shape.resolved(last)
    require(a <= b, "cannot flatten axes \(first) through \(last) of \(shape)")
    let all = shape.array
    return reshaped(to: Shape(all[..<a] + [all[a...b].reduce(1, *)] + all[(b + 1)...]))
  }

  /// Axis k of the result is axis `order[k]` of this one.
  public func permuted(_ order: [Int]) -> Tensor {
    let axes = order.map { shape.resolved($0) }
    require(axes.sorted() == Array(0..<rank), "\(order) is not an order of the axes of \(shape)")
    var inverse = axes
    for (to, from) in axes.enumerated() { inverse[from] = to }
    return view(shape: Shape(axes.map { shape[$0] }), strides: Shape(axes.map { strides[$0] }), offset: offset)
      .recorded("permuted", self) { [inverse] s in s.gradient.permuted(inverse) }
  }

  /// Two axes exchanged; the last two by default.
  public func transposed(_ a: Int = -2, _ b: Int = -1) -> Tensor {
    var order = Array(0..<rank)
    order.swapAt(shape.resolved(a), shape.resolved(b))
    return permuted(order)
  }

  /// The elements `range` along an axis.
  public func slice(_ axis: Int, _ range: Range<Int>) -> Tensor {
    let a = shape.resolved(axis)
    require(
      range.lowerBound >= 0 && range.upperBound <= shape[a], "slice \(range) of axis \(axis) is outside of \(shape)")
    if range.count == shape[a] { return self }
    let old = shape
    var extents = shape
    extents[a] = range.count
    return view(shape: extents, strides: strides, offset: offset + range.lowerBound * strides[a])
      .recorded("slice", self) { s in s.gradient.padded(a, before: range.lowerBound, after: old[a] - range.upperBound) }
  }

  /// Equal parts along the first axis, as views.
  public func split(_ parts: Int) -> [Tensor] {
    require(parts > 0 && shape[0] % parts == 0, "split: \(shape) cannot be cut into \(parts) equal parts")
    let n = shape[0] / parts
    return (0..<parts).map { slice(0, $0 * n..<($0 + 1) * n) }
  }

  /// The part at one place of an axis, without that axis.
  public func select(_ axis: Int, _ index: Int) -> Tensor { slice(axis, index..<(index + 1)).squeezed(axis) }

  /// Without an axis of extent 1.
  public func squeezed(_ axis: Int) -> Tensor {
    let a = shape.resolved(axis)
    require(shape[a] == 1, "axis \(axis) of \(shape) is not 1 and cannot be squeezed")
    return view(shape: shape.dropping(a), strides: strides.dropping(a), offset: offset)
      .recorded("squeezed", self) { s in s.gradient.expandedAxis(a) }
  }

  /// With a new axis of extent 1 before `axis`; -1 appends.
  public func expandedAxis(_ axis: Int) -> Tensor {
    let a = axis < 0 ? axis + rank + 1 : axis
    return view(shape: shape.inserting(1, at: a), strides: strides.inserting(0, at: a), offset: offset)
      .recorded("expandedAxis", self) { s in s.gradient.squeezed(a) }
  }

  /// Repeated without a copy to a shape to which it broadcasts.
  public func broadcast(to shape: Shape) -> Tensor {
    if shape == self.shape { return self }
    let old = self.shape
    return view(shape: shape, strides: broadcastStrides(to: shape), offset: offset)
      .recorded("broadcast", self) { s in s.gradient.summed(to: old) }
  }

  /// Strides under which this tensor looks like one of the broadcast shape.
  func broadcastStrides(to shape: Shape) -> Shape {
    require(
      Shape.broadcast(self.shape, shape) == shape, "\(self.shape) does not broadcast to \(shape)")
    var result = shape
    for i in 0..<shape.rank {
      let own = i - (shape.rank - rank)
      result[i] = own >= 0 && self.shape[own] != 1 ? strides[own] : 0
    }
    return result
  }

  /// The sum over the axes along which `shape` was broadcast to this shape: the derivative of broadcasting.
  func summed(to shape: Shape) -> Tensor {
    if shape == self.shape { return self }
    var x = self
    if rank > shape.rank { x = x.flattened(from: 0, through: rank - shape.rank - 1).sum(0) }
    for axis in 0..<shape.rank where shape[axis] == 1 && x.shape[axis] != 1 { x = x.sum(axis, keepsAxis: true) }
    return x
  }
}
