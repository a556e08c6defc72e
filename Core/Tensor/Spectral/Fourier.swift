// Discrete Fourier transforms of any length. Complex numbers are a last axis of 2, (real, imaginary), as in PyTorch's
// `view_as_real`. The transforms are linear; the derivative of each is its adjoint, another of them.

extension Tensor {
  /// The discrete Fourier transform along an axis of a complex tensor, `[..., N, ..., 2]`, of any length N.
  ///
  ///     y_k = sum_j x_j exp(-2 pi i j k / N)
  ///
  /// - Parameter axis: counted among the axes before the last; -1 is the one beside it. Two calls make a transform of images.
  public func fft(_ axis: Int = -1) -> Tensor { alongComplexAxis("fft", axis) { $0.fourier(sign: -1) } }

  /// The inverse of `fft`, x_j = 1/N sum_k y_k exp(2 pi i j k / N).
  public func ifft(_ axis: Int = -1) -> Tensor {
    alongComplexAxis("ifft", axis) { $0.fourier(sign: 1) / Real($0.shape[-2]) }
  }

  /// The transform of real numbers along the last axis, `[..., N] -> [..., N / 2 + 1, 2]`: the frequencies that are not
  /// conjugates of others.
  public func rfft() -> Tensor {
    require(rank >= 1 && shape[-1] > 0, "rfft needs [..., N >= 1], got \(shape)")
    return halfSpectrum()
  }

  /// The inverse of `rfft`, `[..., K, 2] -> [..., count]`, K = count / 2 + 1. Imaginary parts that a real signal cannot have
  /// (of frequency 0, and of the last one for an even count) are not looked at.
  public func irfft(count: Int) -> Tensor {
    require(
      rank >= 2 && shape[-1] == 2 && count > 0 && shape[-2] == count / 2 + 1,
      "irfft to \(count) needs [..., \(count / 2 + 1), 2], got \(shape)")
    // Each frequency stands for its conjugate, too.
    let weights = (0...(count / 2)).map { $0 == 0 || 2 * $0 == count ? 1 / Real(count) : 2 / Real(count) }
    return (self * Tensor([count / 2 + 1, 1], weights)).realSum(count)
  }

  /// The magnitudes of complex numbers, `[..., 2] -> [...]`; the gradient at 0 is that of `epsilon` added under the root.
  public func complexMagnitude(epsilon: Real = 0) -> Tensor {
    require(rank >= 1 && shape[-1] == 2, "complexMagnitude needs [..., 2], got \(shape)")
    let power = squared().sum(-1)
    return epsilon == 0 ? power.sqrt() : (power + epsilon).sqrt()
  }

  /// The products of complex numbers, `[..., 2]` with broadcasting.
  public func complexProduct(_ other: Tensor) -> Tensor {
    require(
      rank >= 1 && other.rank >= 1 && shape[-1] == 2 && other.shape[-1] == 2,
      "complexProduct needs two [..., 2], got \(shape) and \(other.shape)")
    let (a, b) = (slice(-1, 0..<1), slice(-1, 1..<2))
    let (c, d) = (other.slice(-1, 0..<1), other.slice(-1, 1..<2))
    let real: Tensor = a * c - b * d
    return concat([real, a * d + b * c], axis: -1)
  }

  /// `body` applied with the given axis beside the last.
  private func alongComplexAxis(_ op: StaticString, _ axis: Int, _ body: (Tensor) -> Tensor) -> Tensor {
    require(rank >= 2 && shape[-1] == 2, "\(op) needs complex numbers [..., N, 2], got \(shape)")
    let a = shape.dropping(-1).resolved(axis)
    require(shape[a] > 0, "\(op) of no numbers: axis \(axis) of \(shape)")
    return a == rank - 2 ? body(self) : body(transposed(a, -2)).transposed(a, -2)
  }

  /// y_k = sum_j x_j exp(sign 2 pi i j k / N) over the axis beside the last; the adjoint has the other sign.
  private func fourier(sign: Int) -> Tensor {
    let plan = FourierPlan(shape[-2], sign: sign)
    let y = detached.copied()
    let (target, width) = (y.base, 2 * plan.n)
    forTransforms(plan, count / width) { i, work in plan.transform(target + i * width, work) }
    return y.recorded("fft", self) { s in s.gradient.fourier(sign: -sign) }
  }

  /// The first N / 2 + 1 frequencies of real rows; the adjoint is `realSum`.
  private func halfSpectrum() -> Tensor {
    let (n, k) = (shape[-1], shape[-1] / 2 + 1)
    let plan = FourierPlan(n, sign: -1)
    let x = contiguous()
    let y = Tensor(uninitialized: Shape(shape.array.dropLast() + [k, 2]))
    let (source, target) = (x.base, y.base)
    forTransforms(plan, count / n, extra: 2 * n) { i, work in
      let (row, rest) = (work, work + 2 * n)
      for j in 0..<n { (row[2 * j], row[2 * j + 1]) = (source[i * n + j], 0) }
      plan.transform(row, rest)
      (target + 2 * i * k).update(from: row, count: 2 * k)
    }
    withExtendedLifetime(x) {}
    return y.recorded("rfft", self) { s in s.gradient.realSum(n) }
  }

  /// x_j = Re sum_k y_k exp(2 pi i j k / n) over the given frequencies only, `[..., K, 2] -> [..., n]`; the adjoint is
  /// `halfSpectrum`.
  private func realSum(_ n: Int) -> Tensor {
    let k = shape[-2]
    let plan = FourierPlan(n, sign: 1)
    let x = contiguous()
    let y = Tensor(uninitialized: Shape(shape.array.dropLast(2) + [n]))
    let (source, target) = (x.base, y.base)
    forTransforms(plan, count / (2 * k), extra: 2 * n) { i, work in
      let (row, rest) = (work, work + 2 * n)
      row.update(from: source + 2 * i * k, count: 2 * k)
      kernels.fill(2 * (n - k), 0, row + 2 * k)
      plan.transform(row, rest)
      for j in 0..<n { target[i * n + j] = row[2 * j] }
    }
    withExtendedLifetime(x) {}
    return y.recorded("realSum", self) { s in s.gradient.halfSpectrum() }
  }
}

/// Runs `body(i, work)` for each of `count` transforms, in tiles, with room for the plan and `extra` elements before it.
private func forTransforms(
  _ plan: FourierPlan, _ count: Int, extra: Int = 0, _ body: (Int, UnsafeMutablePointer<Real>) -> Void
) {
  forTiles(count, max(1, 100_000 / plan.cost)) { first, n in
    let work = Tensor(uninitialized: [plan.workCount + extra])
    for i in first..<(first + n) { body(i, work.base) }
    withExtendedLifetime(work) {}
  }
}
