// Sums, means and variances. Long sums are cut into fixed chunks that are added in a fixed order.

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

  /// The sum of the squares of all elements, without history: the bits of `squared().sum()`, in one pass.
  public var sumOfSquares: Real {
    let x = contiguous()
    let source = x.base
    defer { withExtendedLifetime(x) {} }
    let chunks = (count + tileElements - 1) / tileElements
    guard chunks > 1 else { return kernels.sumSquares(count, source) }
    let partial = Tensor(uninitialized: [chunks])
    let parts = partial.base
    forTiles(count) { first, n in parts[first / tileElements] = kernels.sumSquares(n, source + first) }
    return withExtendedLifetime(partial) { kernels.sum(chunks, parts) }
  }

  /// The sum along one axis.
  public func sum(_ axis: Int, keepsAxis: Bool = false) -> Tensor {
    let a = shape.resolved(axis)
    let old = shape
    let total = summedAxis(a)
    let kept = old.with(a, 1)
    return (keepsAxis ? total.reshaped(to: kept) : total).recorded("sum", self) { s in
      s.gradient.reshaped(to: kept).broadcast(to: old)
    }
  }

  /// The sum over several axes, all of which disappear (or become 1).
  public func sum(axes: [Int], keepsAxes: Bool = false) -> Tensor {
    let resolved = axes.map { shape.resolved($0) }
    require(Set(resolved).count == axes.count, "a sum over axes \(axes) of \(shape) names one of them twice")
    var x = self
    for a in resolved.sorted(by: >) { x = x.sum(a, keepsAxis: keepsAxes) }
    return x
  }

  /// The mean of all elements, `[]`; NaN if there are none.
  public func mean() -> Tensor { sum() / Real(count) }

  /// The mean along one axis.
  public func mean(_ axis: Int, keepsAxis: Bool = false) -> Tensor {
    sum(axis, keepsAxis: keepsAxis) / Real(shape[axis])
  }

  /// The mean over several axes together, all of which disappear (or become 1).
  public func mean(axes: [Int], keepsAxes: Bool = false) -> Tensor {
    sum(axes: axes, keepsAxes: keepsAxes) / Real(axes.reduce(1) { $0 * shape[$1] })
  }

  /// The variance along an axis, divided by n (`unbiased`: by n - 1).
  public func variance(_ axis: Int, keepsAxis: Bool = false, unbiased: Bool = false) -> Tensor {
    variance(axes: [axis], keepsAxes: keepsAxis, unbiased: unbiased)
  }

  /// The variance over several axes together, divided by the number n of elements (`unbiased`: by n - 1).
  public func variance(axes: [Int], keepsAxes: Bool = false, unbiased: Bool = false) -> Tensor {
    let n = axes.reduce(1) { $0 * shape[$1] }
    let centred: Tensor = self - mean(axes: axes, keepsAxes: true)
    return centred.squared().sum(axes: axes, keepsAxes: keepsAxes) / Real(unbiased ? n - 1 : n)
  }

  /// The root of the variance along an axis plus `epsilon`, which keeps the gradient finite where all are equal.
  public func standardDeviation(
    _ axis: Int, keepsAxis: Bool = false, unbiased: Bool = false, epsilon: Real = 0
  ) -> Tensor {
    let v = variance(axis, keepsAxis: keepsAxis, unbiased: unbiased)
    return (epsilon == 0 ? v : v + epsilon).sqrt()
  }

  /// Sum along axis a of [outer, n, inner], without history.
  private func summedAxis(_ a: Int) -> Tensor {
    let x = contiguous()
    let (outer, n, inner) = shape.around(a)
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
}
