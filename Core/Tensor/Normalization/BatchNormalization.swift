// Batch normalisation: fused over the planes of a channel, with the same derivative in ops for when it is recorded.

extension Tensor {
  /// Normalisation of every channel by its own mean and variance over all other axes, then a learnt gain and bias.
  ///
  ///     y = (x - mean_c) / sqrt(variance_c + epsilon) * gain_c + bias_c
  ///
  /// - Parameters:
  ///   - gain, bias: `[C]`.
  ///   - epsilon: > 0.
  /// - Returns: the output in the shape of this tensor, `[B, C, ...]`, and the mean and the variance (divided by the number
  ///   of elements of a channel), `[C]`, as constants. The derivative runs through the statistics.
  /// - Source: Ioffe and Szegedy 2015 (arXiv 1502.03167), Algorithm 1.
  public func batchNormalized(
    gain: Tensor, bias: Tensor, epsilon: Real = 1e-5
  ) -> (output: Tensor, mean: Tensor, variance: Tensor) {
    require(
      rank >= 2 && gain.shape == [shape[1]] && bias.shape == [shape[1]],
      "batchNormalized needs x [B, C, ...], gain and bias [C], got \(shape), \(gain.shape) and \(bias.shape)")
    require(count > 0, "a batch \(shape) without elements has no statistics")
    if rank == 2 {  // columns become planes
      let r = normalizedPlanes(transposed().expandedAxis(0), gain, bias, epsilon)
      return (r.output.squeezed(0).transposed(), r.mean, r.variance)
    }
    let r = normalizedPlanes(flattened(from: 2), gain, bias, epsilon)
    return (r.output.reshaped(to: shape), r.mean, r.variance)
  }
}

/// The same for `[B, C, P]`.
private func normalizedPlanes(
  _ x: Tensor, _ gain: Tensor, _ bias: Tensor, _ epsilon: Real
) -> (output: Tensor, mean: Tensor, variance: Tensor) {
  let x = x.contiguous()
  let channels = ChannelLoop(x.shape)
  let (w, b) = (gain.detached.contiguous(), bias.detached.contiguous())
  let y = Tensor(uninitialized: x.shape)
  let (mean, variance) = (Tensor(uninitialized: [channels.count]), Tensor(uninitialized: [channels.count]))
  let rstd = Tensor(uninitialized: [channels.count])
  let (px, py, pw, pb) = (x.base, y.base, w.base, b.base)
  let (pm, pv, pr) = (mean.base, variance.base, rstd.base)
  channels.forEach { c, _ in
    // Planes are added in Double, in the order of the batch.
    var total = 0.0
    channels.planes(c) { total += Double(kernels.sum(channels.plane, px + $0)) }
    let m = Real(total / Double(channels.elements))
    var squares = 0.0
    channels.planes(c) { at in
      kernels.affine(channels.plane, 1, px + at, -m, py + at)
      squares += Double(kernels.dot(channels.plane, py + at, py + at))
    }
    (pm[c], pv[c]) = (m, Real(squares / Double(channels.elements)))
    pr[c] = 1 / (pv[c] + epsilon).squareRoot()
    channels.planes(c) { kernels.affine(channels.plane, pw[c] * pr[c], py + $0, pb[c], py + $0) }
  }
  withExtendedLifetime((w, b, rstd)) {}
  let output = y.recorded("batchNorm", inputs: [x, gain, bias]) { s in
    s.createGraph
      ? batchNormDerivative(s.gradient, s(x), s(gain), epsilon)
      : fusedBatchNormDerivative(s.gradient.contiguous(), x.detached, w, mean, rstd, channels)
  }
  return (output, mean, variance)
}

/// The planes of each channel of `[B, C, P]`.
private struct ChannelLoop: Sendable {
  let batch, count, plane: Int

  init(_ shape: Shape) { (batch, count, plane) = (shape[0], shape[1], shape[2]) }

  /// Elements of one channel.
  var elements: Int { batch * plane }

  /// Runs `body(channel, scratch)` for every channel, tiles of channels in parallel; scratch holds one plane.
  func forEach(_ body: (Int, UnsafeMutablePointer<Real>) -> Void) {
    forTiles(count, max(1, tileElements / max(elements, 1))) { first, n in
      let scratch = Tensor(uninitialized: [plane])
      for c in first..<(first + n) { body(c, scratch.base) }
      withExtendedLifetime(scratch) {}
    }
  }

  /// The offset of every plane of a channel, in the order of the batch.
  @inline(__always)
  func planes(_ channel: Int, _ body: (Int) -> Void) {
    for b in 0..<batch { body((b * count + channel) * plane) }
  }
}

/// The derivative in ops, through the statistics.
///
///     n = (x - mean) rstd;   gx = gain rstd (g - mean(g) - n mean(g n));   ggain = sum(g n);   gbias = sum(g)
private func batchNormDerivative(_ g: Tensor, _ x: Tensor, _ gain: Tensor, _ epsilon: Real) -> [Tensor?] {
  func mean(_ t: Tensor) -> Tensor { t.mean(axes: [0, 2], keepsAxes: true) }
  let centred: Tensor = x - mean(x)
  let rstd = (mean(centred.squared()) + epsilon).rsqrt()  // [1, C, 1]
  let normal: Tensor = centred * rstd
  let gn: Tensor = g * normal
  let residue: Tensor = g - mean(g) - normal * mean(gn)
  return [residue * (gain.expandedAxis(1) * rstd), gn.sum(axes: [0, 2]), g.sum(axes: [0, 2])]
}

private func fusedBatchNormDerivative(
  _ g: Tensor, _ x: Tensor, _ gain: Tensor, _ mean: Tensor, _ rstd: Tensor, _ channels: ChannelLoop
) -> [Tensor?] {
  let gx = Tensor(uninitialized: x.shape)
  let (ggain, gbias) = (Tensor(uninitialized: gain.shape), Tensor(uninitialized: gain.shape))
  let (px, pg, pgx, pw, pm, pr) = (x.base, g.base, gx.base, gain.base, mean.base, rstd.base)
  let (pgw, pgb) = (ggain.base, gbias.base)
  channels.forEach { c, scratch in
    var (sum, product) = (0.0, 0.0)
    channels.planes(c) { at in
      sum += Double(kernels.sum(channels.plane, pg + at))
      kernels.affine(channels.plane, 1, px + at, -pm[c], scratch)
      product += Double(kernels.dot(channels.plane, pg + at, scratch))
    }
    (pgb[c], pgw[c]) = (Real(sum), Real(product) * pr[c])
    let scale = pw[c] * pr[c]
    let n = Real(channels.elements)
    channels.planes(c) { at in
      kernels.affine(channels.plane, 1, px + at, -pm[c], scratch)
      kernels.blend(channels.plane, scale, pg + at, -scale * pr[c] * pgw[c] / n, scratch, pgx + at)
      kernels.affine(channels.plane, 1, pgx + at, -scale * pgb[c] / n, pgx + at)
    }
  }
  withExtendedLifetime((g, x, gain, mean, rstd)) {}
  return [gx, ggain, gbias]
}
