// Resampling of grids to another size. All of it is linear in the samples and one axis at a time, so that the derivative is
// the transposed map.

/// How the value between samples is found.
public enum Interpolation: Sendable, CaseIterable {
  /// The sample in whose cell the place lies.
  case nearest
  /// Straight lines between neighbours: bilinear on two axes, trilinear on three.
  case linear
  /// Cubic convolution of four neighbours (Keys 1981, "Cubic convolution interpolation", Eq. 15; a = -0.75, or -0.5 when
  /// antialiased, as in PyTorch).
  case cubic
}

/// The cubic convolution kernel.
///
///     (a + 2) |t|^3 - (a + 3) |t|^2 + 1 for |t| < 1;   a |t|^3 - 5 a |t|^2 + 8 a |t| - 4 a for |t| < 2;   else 0
package func cubicKernel(_ t: Double, _ a: Double) -> Double {
  let t = t.magnitude
  if t < 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0
}

/// The place of sample i of `m` among `n` samples: the middles of cells meet, or the outermost samples do.
private func samplePlace(_ i: Int, _ n: Int, _ m: Int, _ alignsCorners: Bool) -> Double {
  if alignsCorners { return m > 1 ? Double(i) * Double(n - 1) / Double(m - 1) : 0 }
  return (Double(i) + 0.5) * Double(n) / Double(m) - 0.5
}

/// How a line of `n` samples becomes one of `m`.
private func resizeMap(_ n: Int, _ m: Int, _ mode: Interpolation, _ alignsCorners: Bool) -> AxisMap {
  AxisMap(from: n, to: m) { i in
    let place = samplePlace(i, n, m, alignsCorners)
    switch mode {
    case .nearest: return [(min(i * n / m, n - 1), 1)]
    case .linear:
      let inside = max(0, place)
      let low = min(Int(inside), n - 1)
      let fraction = inside - Double(low)
      return low + 1 < n ? [(low, 1 - fraction), (low + 1, fraction)] : [(low, 1)]
    case .cubic:
      let low = Int(place.rounded(.down))
      return (-1...2).map { k in
        (min(max(low + k, 0), n - 1), cubicKernel(place - Double(low + k), -0.75))
      }
    }
  }
}

/// The same with the kernel as wide as a cell of the result, so that nothing is skipped when a line shrinks.
///
///     weight_ij ~ kernel((j + 1/2 - (i + 1/2) s) / max(s, 1)),   s = n / m,   normalised over j
private func smoothResizeMap(_ n: Int, _ m: Int, _ mode: Interpolation) -> AxisMap {
  let scale = Double(n) / Double(m)
  let width = max(scale, 1)
  let support = (mode == .linear ? 1 : 2) * width
  return AxisMap(from: n, to: m) { i in
    let centre = (Double(i) + 0.5) * scale
    let first = max(Int(centre - support + 0.5), 0)
    let last = min(Int(centre + support + 0.5), n)
    let weights = (first..<last).map { j in
      let t = (Double(j) + 0.5 - centre) / width
      return mode == .linear ? max(0, 1 - t.magnitude) : cubicKernel(t, -0.5)
    }
    let total = weights.reduce(0, +)
    return weights.enumerated().map { (first + $0, $1 / total) }
  }
}

extension Tensor {
  /// One axis resampled to `count` samples.
  ///
  /// - Parameters:
  ///   - count: at least 1.
  ///   - mode: see `Interpolation`; beyond the outermost samples a line continues as a constant.
  ///   - alignsCorners: whether the first and last samples stay in place; otherwise samples are middles of equal cells that
  ///     fill the same length. Without meaning for `.nearest`.
  ///   - antialiased: whether the kernel widens when the line shrinks, so that the result is a mean of all samples
  ///     (`.linear` and `.cubic`, without `alignsCorners`).
  /// - Source: places and weights as in PyTorch's `interpolate`, whose numbers it gives; exact where PyTorch's `nearest`
  ///   rounds its scale.
  public func resized(
    _ axis: Int, to count: Int, _ mode: Interpolation = .linear, alignsCorners: Bool = false, antialiased: Bool = false
  ) -> Tensor {
    let a = shape.resolved(axis)
    let n = shape[a]
    require(n > 0 && count > 0, "axis \(axis) of \(shape) cannot be resized to \(count)")
    require(
      !antialiased || (!alignsCorners && mode != .nearest), "antialiased resizing is linear or cubic and between cells")
    if n == count { return self }
    return resampled(
      a, antialiased ? smoothResizeMap(n, count, mode) : resizeMap(n, count, mode, alignsCorners))
  }

  /// The last axes resampled to new extents; see `resized(_:to:)` for one axis.
  ///
  /// - Parameter extents: one for each of the last axes: `[L]`, `[H, W]`, `[D, H, W]`.
  /// - Returns: this tensor with the last extents exchanged: bilinear, bicubic, trilinear by the number of axes.
  public func resized(
    to extents: [Int], _ mode: Interpolation = .linear, alignsCorners: Bool = false, antialiased: Bool = false
  ) -> Tensor {
    require(extents.count <= rank, "\(shape) has not the \(extents.count) axes that are resized to \(extents)")
    var y = self
    for (k, n) in extents.enumerated() {
      y = y.resized(
        rank - extents.count + k, to: n, mode, alignsCorners: alignsCorners, antialiased: antialiased)
    }
    return y
  }

  /// One axis resampled by linear interpolation between middles of cells; see `resized`.
  public func resizedLinearly(_ axis: Int, to count: Int) -> Tensor { resized(axis, to: count) }

  /// Two axes resampled by bilinear interpolation between middles of cells, without smoothing when they shrink.
  ///
  /// - Parameters:
  ///   - rows, columns: the new extents, at least 1.
  ///   - axes: which axes they are: the last two of `[B, C, H, W]`, or (1, 2) of `[B, H, W, C]`.
  public func resizedBilinearly(rows: Int, columns: Int, axes: (Int, Int) = (-2, -1)) -> Tensor {
    resized(axes.0, to: rows).resized(axes.1, to: columns)
  }
}
