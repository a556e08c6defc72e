// Sums, means and extremes. Long sums are cut into fixed chunks that are added in a fixed order.

/// Rows that one partial sum covers.
private let chunkRows = 256

extension Tensor {
  /// The sum of all elements, `[]`.
  public func sum() -> Tensor {
    let x = contiguous()
    let source = x.base
    let chunks = max(1, (count + tileElements - 1) / tileElements)
    let partial = Tensor(uninitialized: [chunks])
    let parts = partial.base
    forTiles(count) { first, n in parts[first / tileElements] = kernels.sum(n, source + first) }
    if count == 0 { parts[0] = 0 }
    withExtendedLifetime(x) {}
    let old = shape
    return Tensor(withExtendedLifetime(partial) { kernels.sum(chunks, parts) })
      .recorded("sum", self) { s in s.gradient.broadcast(to: old) }
  }

  /// The sum along one axis.
  public func sum(_ axis: Int, keepsAxis: Bool = false) -> Tensor {
    let a = shape.resolved(axis)
    let old = shape
    let total = summedAxis(a)
    let kept = old.dropping(a).inserting(1, at: a)
    return (keepsAxis ? total.reshaped(to: kept) : total).recorded("sum", self) { s in
      s.gradient.reshaped(to: kept).broadcast(to: old)
    }
  }

  /// The sum over several axes, all of which disappear (or become 1).
  public func sum(axes: [Int], keepsAxes: Bool = false) -> Tensor {
    var x = self
    for a in axes.map({ shape.resolved($0) }).sorted(by: >) { x = x.sum(a, keepsAxis: keepsAxes) }
    return x
  }

  public func mean() -> Tensor { sum() / Real(count) }
  public func mean(_ axis: Int, keepsAxis: Bool = false) -> Tensor {
    sum(axis, keepsAxis: keepsAxis) / Real(shape[axis])
  }
  public func mean(axes: [Int], keepsAxes: Bool = false) -> Tensor {
    sum(axes: axes, keepsAxes: keepsAxes) / Real(axes.reduce(1) { $0 * shape[$1] })
  }

  /// The variance along an axis, divided by n (`unbiased`: by n - 1).
  public func variance(_ axis: Int, keepsAxis: Bool = false, unbiased: Bool = false) -> Tensor {
    let n = shape[axis]
    let centred: Tensor = self - mean(axis, keepsAxis: true)
    return centred.squared().sum(axis, keepsAxis: keepsAxis) / Real(unbiased ? n - 1 : n)
  }

  /// Sum along axis a of [outer, n, inner], without history.
  private func summedAxis(_ a: Int) -> Tensor {
    let x = contiguous()
    let n = shape[a]
    let inner = shape.array[(a + 1)...].reduce(1, *)
    let outer = shape.array[..<a].reduce(1, *)
    let y = Tensor(uninitialized: shape.dropping(a))
    let (source, target) = (x.base, y.base)
    defer { withExtendedLifetime(x) {} }
    if n * inner == 0 { return Tensor.zeros(y.shape) }
    if inner == 1 {
      forTiles(outer, max(1, tileElements / n)) { first, count in
        for i in first..<(first + count) { target[i] = kernels.sum(n, source + i * n) }
      }
    } else if outer > 1 || n <= chunkRows {
      forTiles(outer, max(1, tileElements / (n * inner))) { first, count in
        for i in first..<(first + count) { kernels.sumRows(n, inner, source + i * n * inner, target + i * inner, 0) }
      }
    } else {
      let chunks = (n + chunkRows - 1) / chunkRows
      let partial = Tensor(uninitialized: [chunks, inner])
      let parts = partial.base
      ThreadPool.shared.forEach(chunks) { c in
        let rows = min(chunkRows, n - c * chunkRows)
        kernels.sumRows(rows, inner, source + c * chunkRows * inner, parts + c * inner, 0)
      }
      kernels.sumRows(chunks, inner, parts, target, 0)
      withExtendedLifetime(partial) {}
    }
    return y
  }

  /// The places of the largest elements along the last axis; the first of equals.
  public func argmax() -> IndexTensor {
    let n = shape[-1]
    require(n > 0, "argmax of \(shape) has nothing to choose from")
    let best = withElements { p in
      (0..<(count / n)).map { row in
        var at = 0
        for c in 1..<n where p[row * n + c] > p[row * n + at] { at = c }
        return at
      }
    }
    return IndexTensor(shape.dropping(-1), best)
  }

  /// The largest element along the last axis; its gradient goes to the first of equals.
  public func amax() -> Tensor { picked(argmax()) }

  /// The smallest element along the last axis; its gradient goes to the first of equals.
  public func amin() -> Tensor { -((-self).amax()) }

  /// log(sum(exp(x))) along the last axis, without overflow; -infinity for a row of -infinity.
  public func logSumExp() -> Tensor {
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
