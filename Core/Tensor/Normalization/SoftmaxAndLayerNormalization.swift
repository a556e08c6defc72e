// Softmax and layer normalisation: fused rows, with the same formula in ops for when the derivative is recorded.

extension Tensor {
  /// A row-wise kernel applied to tiles of rows of the last axis.
  private func rowwise(_ body: (_ rows: Int, _ x: UnsafePointer<Real>, _ y: UnsafeMutablePointer<Real>) -> Void)
    -> Tensor
  {
    let x = contiguous()
    let y = Tensor(uninitialized: shape)
    let (source, target, n) = (x.base, y.base, shape[-1])
    forTiles(count / max(n, 1), max(1, tileElements / max(n, 1))) { first, rows in
      body(rows, source + first * n, target + first * n)
    }
    withExtendedLifetime(x) {}
    return y
  }

  /// A row-wise kernel of two inputs of this shape.
  private func rowwise(
    with other: Tensor,
    _ body: (_ rows: Int, _ x: UnsafePointer<Real>, _ z: UnsafePointer<Real>, _ y: UnsafeMutablePointer<Real>) -> Void
  ) -> Tensor {
    let z = other.contiguous()
    let (second, n) = (z.base, shape[-1])
    let x = contiguous()
    let y = Tensor(uninitialized: shape)
    let (source, target) = (x.base, y.base)
    forTiles(count / max(n, 1), max(1, tileElements / max(n, 1))) { first, rows in
      body(rows, source + first * n, second + first * n, target + first * n)
    }
    withExtendedLifetime((x, z)) {}
    return y
  }

  /// softmax(scale * x) along an axis, the last by default.
  public func softmax(_ axis: Int = -1, scale: Real = 1) -> Tensor {
    if !isLast(axis) { return withLast(axis) { $0.softmax(scale: scale) } }
    let n = shape[-1]
    return rowwise { rows, x, y in kernels.softmax(rows, n, scale, x, y) }
      .recorded("softmax", self, savesOutput: true) { s in
        let (g, y) = (s.gradient, s.output)
        if s.createGraph { return (g - (g * y).sum(-1, keepsAxis: true)) * y * scale }
        return y.rowwise(with: g) { rows, y, g, gx in kernels.softmaxBackward(rows, n, scale, y, g, gx) }
      }
  }

  /// log(softmax(x)) along an axis, the last by default.
  public func logSoftmax(_ axis: Int = -1) -> Tensor {
    if !isLast(axis) { return withLast(axis) { $0.logSoftmax() } }
    let n = shape[-1]
    return rowwise { rows, x, y in kernels.logSoftmax(rows, n, x, y) }
      .recorded("logSoftmax", self, savesOutput: true) { s in
        let (g, y) = (s.gradient, s.output)
        if s.createGraph { return g - y.exp() * g.sum(-1, keepsAxis: true) }
        return y.rowwise(with: g) { rows, y, g, gx in kernels.logSoftmaxBackward(rows, n, y, g, gx) }
      }
  }

  /// x / max(|x|_2, epsilon) along an axis, the last by default.
  public func l2Normalized(_ axis: Int = -1, epsilon: Real = 1e-12) -> Tensor {
    // The limit is taken under the root: a row of zeros then has the gradient 1 / epsilon and not 0 / 0.
    self / maximum(squared().sum(axis, keepsAxis: true), Tensor(epsilon * epsilon)).sqrt()
  }

  /// Layer normalisation of the last axes, `y = (x - mean) / sqrt(variance + epsilon) * gain + bias`.
  ///
  /// - Parameters:
  ///   - gain, bias: in the shape of the last `axes` axes, `[D]` if it is one; 1 and 0 if nil.
  ///   - axes: how many of the last axes are normalised together.
  ///   - epsilon: > 0; the variance is divided by the number of elements.
  ///   - thenGelu: gives GELU(y); without a gradient it is applied to rows that still lie in the cache.
  /// - Source: Ba et al. 2016 (arXiv 1607.06450), Eq. 3 and 4.
  public func layerNormalized(
    gain: Tensor? = nil, bias: Tensor? = nil, axes: Int = 1, epsilon: Real = 1e-6, thenGelu: Bool = false
  ) -> Tensor {
    require(axes >= 1 && axes <= rank, "layerNormalized over \(axes) axes needs as many, got \(shape)")
    let last = Shape(shape.array.suffix(axes))
    require(
      (gain?.shape ?? last) == last && (bias?.shape ?? last) == last,
      "layerNormalized of \(shape) needs gain and bias \(last), got \(gain?.shape ?? last) and \(bias?.shape ?? last)")
    let d = last.count
    if axes > 1 {
      return reshaped(to: Shape(shape.array.dropLast(axes) + [d]))
        .layerNormalized(gain: gain?.flattened(), bias: bias?.flattened(), epsilon: epsilon, thenGelu: thenGelu)
        .reshaped(to: shape)
    }
    if thenGelu, isTracked || gain?.isTracked ?? false || bias?.isTracked ?? false {
      return layerNormalized(gain: gain, bias: bias, epsilon: epsilon).gelu()
    }
    let rows = count / max(d, 1)
    let x = contiguous()
    let (w, b) = (gain?.detached.contiguous(), bias?.detached.contiguous())
    let (y, mean, rstd) = (
      Tensor(uninitialized: shape), Tensor(uninitialized: [rows, 1]), Tensor(uninitialized: [rows, 1])
    )
    let (px, py, pm, pr) = (x.base, y.base, mean.base, rstd.base)
    forTiles(rows, max(1, tileElements / max(d, 1))) { first, n in
      kernels.layerNorm(n, d, epsilon, px + first * d, w?.base, b?.base, py + first * d, pm + first, pr + first)
      if thenGelu { kernels.gelu(n * d, py + first * d, py + first * d) }
    }
    withExtendedLifetime((w, b)) {}
    return y.recorded("layerNorm", inputs: [x] + [gain, bias].compactMap { $0 }) { s in
      let parts =
        s.createGraph
        ? layerNormDerivative(s.gradient, s(x), gain.map { s($0) }, epsilon)
        : fusedLayerNormDerivative(s.gradient, x.detached, w, mean, rstd)
      return [parts[0]] + (gain == nil ? [] : [parts[1]]) + (bias == nil ? [] : [parts[2]])
    }
  }
}

/// The derivative of layer normalisation in ops, statistics included: of the input, of the gain, of the bias.
private func layerNormDerivative(_ g: Tensor, _ x: Tensor, _ gain: Tensor?, _ epsilon: Real) -> [Tensor?] {
  let d = x.shape[-1]
  let centred: Tensor = x - x.mean(-1, keepsAxis: true)
  let rstd = (centred.squared().mean(-1, keepsAxis: true) + epsilon).rsqrt()
  let normal: Tensor = centred * rstd
  let gn: Tensor = gain.map { g * $0 } ?? g
  let projected: Tensor = normal * (gn * normal).mean(-1, keepsAxis: true)
  let gx: Tensor = (gn - gn.mean(-1, keepsAxis: true) - projected) * rstd
  return [gx, (g * normal).summed(to: [d]), g.summed(to: [d])]
}

private func fusedLayerNormDerivative(_ g: Tensor, _ x: Tensor, _ gain: Tensor?, _ mean: Tensor, _ rstd: Tensor)
  -> [Tensor?]
{
  let d = x.shape[-1]
  let rows = x.count / max(d, 1)
  let grad = g.contiguous()
  let tile = max(1, tileElements / max(d, 1))
  let tiles = (rows + tile - 1) / tile
  let gx = Tensor(uninitialized: x.shape)
  let partial = Tensor.zeros([2, tiles, d])
  let (px, pg, pgx, pm, pr, pp) = (x.base, grad.base, gx.base, mean.base, rstd.base, partial.base)
  forTiles(rows, tile) { first, n in
    let i = first / tile
    kernels.layerNormBackward(
      n, d, px + first * d, gain?.base, pm + first, pr + first, pg + first * d, pgx + first * d, pp + i * d,
      pp + (tiles + i) * d)
  }
  withExtendedLifetime((grad, gain, x, mean, rstd)) {}
  let sums = partial.sum(1)  // [2, D]
  return [gx, sums.select(0, 0), sums.select(0, 1)]
}
