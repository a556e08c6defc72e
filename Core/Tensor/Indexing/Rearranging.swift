// The same parts in another order, or more than once.

extension Tensor {
  /// The order of the parts reversed along some axes.
  public func flipped(_ axes: Int...) -> Tensor {
    axes.reduce(self) { x, axis in x.reordered(x.shape.resolved(axis), Array((0..<x.shape[axis]).reversed())) }
  }

  /// The parts moved on by `shift` places along an axis; what leaves at the end enters at the start.
  ///
  ///     y[i] = x[(i - shift) mod n]
  public func rolled(_ axis: Int, by shift: Int) -> Tensor {
    let n = shape[axis]
    guard n > 0, shift % n != 0 else { return self }
    return reordered(shape.resolved(axis), (0..<n).map { (($0 - shift) % n + n) % n })
  }

  /// Each part repeated `count` times in place along an axis, `a b -> a a b b`.
  public func repeated(_ axis: Int, _ count: Int) -> Tensor {
    let a = shape.resolved(axis)
    require(count >= 0, "\(shape) cannot be repeated \(count) times")
    return expandedAxis(a + 1).broadcast(to: shape.inserting(count, at: a + 1))
      .reshaped(to: shape.with(a, shape[a] * count))
  }

  /// The whole repeated `count` times along an axis, `a b -> a b a b`.
  public func tiled(_ axis: Int, _ count: Int) -> Tensor {
    let a = shape.resolved(axis)
    require(count >= 0, "\(shape) cannot be tiled \(count) times")
    return expandedAxis(a).broadcast(to: shape.inserting(count, at: a)).reshaped(to: shape.with(a, shape[a] * count))
  }
}
