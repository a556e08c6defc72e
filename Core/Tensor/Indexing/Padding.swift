// Padding along axes.

/// What stands beyond the edges of a padded tensor; for the line `a b c d`, padded by 2 on both sides:
public enum PaddingMode: Sendable, Equatable {
  /// A number, `v v a b c d v v`.
  case constant(Real)
  /// The line mirrored at its outermost elements, `c b a b c d c b`; less than the extent on each side.
  case reflect
  /// The outermost elements repeated, `a a a b c d d d`.
  case replicate
  /// The line repeated, `c d a b c d a b`; at most the extent on each side.
  case circular
}

extension Tensor {
  /// Elements added before and after along an axis, zeros by default.
  public func padded(_ axis: Int, before: Int, after: Int, _ mode: PaddingMode = .constant(0)) -> Tensor {
    let a = shape.resolved(axis)
    require(before >= 0 && after >= 0, "padding of \(shape) is not negative, got \(before) and \(after)")
    if before == 0 && after == 0 { return self }
    let n = shape[a]
    if case .constant(let value) = mode { return paddedByConstant(a, before, after, value) }
    let most = mode == .reflect ? n - 1 : mode == .circular ? n : n == 0 ? 0 : Int.max
    require(
      max(before, after) <= most,
      "padding \(before) and \(after) of axis \(a) of \(shape) is too wide for the mode \(mode), which allows \(most)")
    let places = (-before..<(n + after)).map { i in
      switch mode {
      case .reflect: i < 0 ? -i : i < n ? i : 2 * (n - 1) - i
      case .circular: (i + n) % n
      default: min(max(i, 0), n - 1)
      }
    }
    return gathered(IndexTensor(places), axis: a)
  }

  /// Elements added before and after along several axes, one axis after the other, zeros by default.
  ///
  /// - Parameters:
  ///   - axes: different axes.
  ///   - before, after: one number for each axis.
  public func padded(
    axes: [Int], before: [Int], after: [Int], _ mode: PaddingMode = .constant(0)
  ) -> Tensor {
    require(
      before.count == axes.count && after.count == axes.count,
      "padding of axes \(axes) needs as many numbers before and after, got \(before) and \(after)")
    var x = self
    for (i, axis) in axes.enumerated() { x = x.padded(axis, before: before[i], after: after[i], mode) }
    return x
  }

  private func paddedByConstant(_ a: Int, _ before: Int, _ after: Int, _ value: Real) -> Tensor {
    let (outer, n, inner) = shape.around(a)
    let wide = n + before + after
    let y = Tensor(uninitialized: shape.with(a, wide))
    let x = detached.contiguous()
    let (source, target) = (x.base, y.base)
    forTiles(outer, max(1, tileElements / max(wide * inner, 1))) { first, count in
      for i in first..<(first + count) {
        let row = target + i * wide * inner
        kernels.fill(before * inner, value, row)
        (row + before * inner).update(from: source + i * n * inner, count: n * inner)
        kernels.fill(after * inner, value, row + (before + n) * inner)
      }
    }
    withExtendedLifetime(x) {}
    return y.recorded("padded", self) { s in s.gradient.slice(a, before..<(before + n)) }
  }
}
