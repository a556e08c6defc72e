// The largest and smallest along an axis, where they are, and the logarithm of summed exponentials.

extension Tensor {
  /// Whether an axis is the last one.
  func isLast(_ axis: Int) -> Bool { shape.resolved(axis) == rank - 1 }

  /// This with an axis moved to the end.
  func movedToLast(_ axis: Int) -> Tensor {
    let a = shape.resolved(axis)
    return a == rank - 1 ? self : permuted(Array(0..<a) + Array((a + 1)..<rank) + [a])
  }

  /// What `body` makes of this with an axis moved to the end, moved back.
  func withLast(_ axis: Int, _ body: (Tensor) -> Tensor) -> Tensor {
    let a = shape.resolved(axis)
    return body(movedToLast(a)).permuted(Array(0..<a) + [rank - 1] + Array(a..<(rank - 1)))
  }

  /// The place of the largest (or smallest) along an axis: the first of equals, the first NaN if there is one.
  private func extremePlaces(_ axis: Int, largest: Bool) -> IndexTensor {
    let a = shape.resolved(axis)
    let (outer, n, inner) = shape.around(a)
    require(n > 0, "argmax of \(shape) has nothing to choose from")
    let x = detached.contiguous()
    let source = x.base
    let sign: Real = largest ? 1 : -1
    let places = [Int](unsafeUninitializedCapacity: outer * inner) { buffer, count in
      count = outer * inner
      guard let best = buffer.baseAddress else { return }
      forTiles(outer, max(1, tileElements / max(1, n * inner))) { first, blocks in
        for o in first..<(first + blocks) {
          let (block, at) = (source + o * n * inner, best + o * inner)
          for i in 0..<inner { at[i] = 0 }
          for j in 1..<n {
            for i in 0..<inner {
              let (value, top) = (block[j * inner + i] * sign, block[at[i] * inner + i] * sign)
              if value > top || (value.isNaN && !top.isNaN) { at[i] = j }
            }
          }
        }
      }
    }
    withExtendedLifetime(x) {}
    return IndexTensor(shape.dropping(a), places)
  }

  /// The places of the largest elements along an axis, the last by default; the first of equals, a NaN before all.
  public func argmax(_ axis: Int = -1) -> IndexTensor { extremePlaces(axis, largest: true) }

  /// The places of the smallest elements along an axis, the last by default; the first of equals, a NaN before all.
  public func argmin(_ axis: Int = -1) -> IndexTensor { extremePlaces(axis, largest: false) }

  private func extremes(
    _ axis: Int, keepsAxis: Bool, largest: Bool
  ) -> (values: Tensor, indices: IndexTensor) {
    let a = shape.resolved(axis)
    let places = extremePlaces(a, largest: largest)
    let kept = places.reshaped(to: shape.with(a, 1))
    let values = takenAlong(a, kept)
    return keepsAxis ? (values, kept) : (values.squeezed(a), places)
  }

  /// The largest elements along an axis, and their places; the gradient goes to the first of equals.
  public func maxWithIndices(
    _ axis: Int = -1, keepsAxis: Bool = false
  ) -> (values: Tensor, indices: IndexTensor) { extremes(axis, keepsAxis: keepsAxis, largest: true) }

  /// The smallest elements along an axis, and their places; the gradient goes to the first of equals.
  public func minWithIndices(
    _ axis: Int = -1, keepsAxis: Bool = false
  ) -> (values: Tensor, indices: IndexTensor) { extremes(axis, keepsAxis: keepsAxis, largest: false) }

  /// The largest element along an axis, the last by default; its gradient goes to the first of equals.
  public func amax(_ axis: Int = -1, keepsAxis: Bool = false) -> Tensor {
    extremes(axis, keepsAxis: keepsAxis, largest: true).values
  }

  /// The smallest element along an axis, the last by default; its gradient goes to the first of equals.
  public func amin(_ axis: Int = -1, keepsAxis: Bool = false) -> Tensor {
    extremes(axis, keepsAxis: keepsAxis, largest: false).values
  }

  /// log(sum(exp(x))) along an axis, the last by default, without overflow; -infinity for a row of -infinity.
  public func logSumExp(_ axis: Int = -1, keepsAxis: Bool = false) -> Tensor {
    let a = shape.resolved(axis)
    if keepsAxis { return logSumExp(a).expandedAxis(a) }
    if !isLast(a) { return movedToLast(a).logSumExp() }
    var top = detached.amax().expandedAxis(-1)
    top.withMutableElements { p in for i in p.indices where !p[i].isFinite { p[i] = 0 } }
    let y = ((detached - top).exp().sum(-1, keepsAxis: true).log() + top).squeezed(-1)
    return y.recorded("logSumExp", self, savesOutput: true) { s in
      // d y / d x = exp(x - y); an empty sum has y = -infinity and the gradient exp(-infinity) = 0.
      let total = ReproTensor.select(y.isEqual(Tensor(-.infinity)), Tensor(0), s.output).expandedAxis(-1)
      return s.gradient.expandedAxis(-1) * (s(self) - total).exp()
    }
  }
}
