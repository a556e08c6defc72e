// Running sums and products along an axis, and the linear recurrence of which both are cases. Each line is added up in its
// order, in double precision.

/// Columns of one tile: neighbours in memory that run along the axis together.
private let tileColumns = 64

extension Tensor {
  /// h_t = a_t h_{t-1} + b_t along an axis, h_{-1} = 0 (`reversed`: from the end); a is 1 if nil. Without history.
  fileprivate static func scan(_ a: Tensor?, _ b: Tensor, _ axis: Int, reversed: Bool) -> Tensor {
    let (outer, n, inner) = b.shape.around(axis)
    let (p, q) = (a?.detached.contiguous(), b.detached.contiguous())
    let y = Tensor(uninitialized: b.shape)
    let (factors, terms, target) = (p?.base, q.base, y.base)
    let parts = (inner + tileColumns - 1) / tileColumns
    forTiles(outer * parts, max(1, tileElements / max(1, n * min(inner, tileColumns)))) { first, items in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: tileColumns) { h in
        for item in first..<(first + items) {
          let (o, part) = item.quotientAndRemainder(dividingBy: parts)
          let from = part * tileColumns
          let width = min(inner - from, tileColumns)
          for i in 0..<width { h[i] = 0 }
          for step in 0..<n {
            let row = (o * n + (reversed ? n - 1 - step : step)) * inner + from
            for i in 0..<width {
              let kept = factors.map { Double($0[row + i]) * h[i] } ?? h[i]
              h[i] = kept + Double(terms[row + i])
              target[row + i] = Real(h[i])
            }
          }
        }
      }
    }
    withExtendedLifetime((p, q)) {}
    return y
  }

  /// Moved by one place along an axis, towards the end or the start; a zero enters.
  fileprivate func shifted(_ axis: Int, forward: Bool) -> Tensor {
    let n = shape[axis]
    if n == 0 { return self }
    return forward
      ? slice(axis, 0..<(n - 1)).padded(axis, before: 1, after: 0)
      : slice(axis, 1..<n).padded(axis, before: 0, after: 1)
  }

  /// The running sum along an axis:   y_t = x_0 + ... + x_t   (`reversed`: y_t = x_t + ... + x_{n-1})
  public func cumulativeSum(_ axis: Int, reversed: Bool = false) -> Tensor {
    let a = shape.resolved(axis)
    return Tensor.scan(nil, self, a, reversed: reversed).recorded("cumulativeSum", self) { s in
      s.gradient.cumulativeSum(a, reversed: !reversed)
    }
  }

  /// The running product along an axis:   y_t = x_0 * ... * x_t
  ///
  /// Its gradient is exact where factors are 0, too: it divides by none.
  public func cumulativeProduct(_ axis: Int) -> Tensor {
    let a = shape.resolved(axis)
    let n = shape[a]
    if n == 0 { return self }
    return linearRecurrence(self, slice(a, 0..<1).padded(a, before: 0, after: n - 1), axis: a)
  }

  /// The product along an axis, 1 if the axis is empty; the gradient is exact where factors are 0, too.
  public func product(_ axis: Int, keepsAxis: Bool = false) -> Tensor {
    let a = shape.resolved(axis)
    let n = shape[a]
    let y = n == 0 ? Tensor.ones(shape.with(a, 1)) : cumulativeProduct(a).slice(a, (n - 1)..<n)
    return keepsAxis ? y : y.squeezed(a)
  }
}

/// A first-order linear recurrence along an axis: moving averages, discounted returns, state-space models.
///
///     h_t = a_t h_{t-1} + b_t,   h_{-1} = 0      (`reversed`: h_t = a_t h_{t+1} + b_t,   h_n = 0)
///
/// - Parameters:
///   - a: the factors, of any sign; that of the first step meets 0.
///   - b: the terms, in the shape of a.
/// - Returns: h, in the shape of a. Its derivative is the recurrence that runs the other way.
public func linearRecurrence(_ a: Tensor, _ b: Tensor, axis: Int, reversed: Bool = false) -> Tensor {
  require(a.shape == b.shape, "linearRecurrence needs factors and terms of one shape, got \(a.shape) and \(b.shape)")
  let k = a.shape.resolved(axis)
  let h = Tensor.scan(a, b, k, reversed: reversed)
  return h.recorded("linearRecurrence", a, b, savesOutput: true) { s in
    // lambda_t = g_t + a_{t+1} lambda_{t+1} is the gradient by b_t, and lambda_t h_{t-1} that by a_t.
    let lambda = linearRecurrence(
      s(a).shifted(k, forward: reversed), s.gradient, axis: k, reversed: !reversed)
    return (
      s.needs(0) ? lambda * s.output.shifted(k, forward: !reversed) : nil, s.needs(1) ? lambda : nil
    )
  }
}
