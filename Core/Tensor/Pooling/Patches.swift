// Patches of images as columns of a matrix, back again, and channels as pixels.

extension Tensor {
  /// What a sliding window sees, as columns (im2col).
  ///
  ///     y[b, (c, u, v), (i, j)] = x[b, c, i s - p + u d, j s - p + v d],   0 outside
  ///
  /// - Parameters:
  ///   - kernel: rows and columns of the window.
  ///   - stride, padding, dilation: as of a convolution.
  /// - Returns: `[B, C kH kW, H' W']` of `[B, C, H, W]`.
  public func unfolded(
    _ kernel: Extent2D, stride: Extent2D = 1, padding: Extent2D = 0, dilation: Extent2D = 1
  ) -> Tensor {
    require(rank == 4, "unfolded needs [B, C, H, W], got \(shape)")
    return patches(
      Window(
        Extent2D(shape[2], shape[3]), kernel: kernel, stride: stride, padding: padding, dilation: dilation))
  }

  /// Columns added back to the places of images from which `unfolded` has taken them: its transpose.
  ///
  /// - Parameters:
  ///   - extent: rows and columns of the images.
  ///   - kernel, stride, padding, dilation: those of `unfolded`.
  /// - Returns: `[B, C, H, W]` of `[B, C kH kW, H' W']`.
  public func folded(
    to extent: Extent2D, _ kernel: Extent2D, stride: Extent2D = 1, padding: Extent2D = 0, dilation: Extent2D = 1
  ) -> Tensor {
    let w = Window(extent, kernel: kernel, stride: stride, padding: padding, dilation: dilation)
    require(
      rank == 3 && shape[1] % kernel.count == 0 && shape[2] == w.output.count,
      "folded needs [B, C * \(kernel.count), \(w.output.count)] for images of \(extent), got \(shape)")
    return sums(of: w)
  }

  private func patches(_ w: Window) -> Tensor {
    let (planes, k, n) = (shape[0] * shape[1], w.kernel.count, w.output.count)
    let x = contiguous()
    let y = Tensor(uninitialized: [shape[0], shape[1] * k, n])
    let (px, py) = (x.base, y.base)
    forTiles(planes, max(1, tileElements / (k * n))) { first, count in
      w.unfold(px + first * w.input.count, channels: count, 0..<n, into: py + first * k * n, leading: n)
    }
    withExtendedLifetime(x) {}
    return y.recorded("unfolded", self) { s in s.gradient.sums(of: w) }
  }

  private func sums(of w: Window) -> Tensor {
    let (k, n) = (w.kernel.count, w.output.count)
    let y = Tensor.zeros([shape[0], shape[1] / k, w.input.rows, w.input.columns])
    let x = contiguous()
    let (px, py) = (x.base, y.base)
    forTiles(y.shape[0] * y.shape[1], max(1, tileElements / (k * n))) { first, count in
      let scratch = Tensor(uninitialized: [k * n])  // folding destroys what it reads
      for plane in first..<(first + count) {
        scratch.base.update(from: px + plane * k * n, count: k * n)
        w.fold(scratch.base, leading: n, channels: 1, 0..<n, addingTo: py + plane * w.input.count)
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime(x) {}
    return y.recorded("folded", self) { s in s.gradient.patches(w) }
  }

  /// Channels as pixels: `[..., C r^2, H, W] -> [..., C, H r, W r]` (depth to space).
  ///
  ///     y[c, i r + u, j r + v] = x[(c, u, v), i, j]
  ///
  /// - Source: Shi et al. 2016 (ESPCN, arXiv 1609.05158), Eq. 4; channels in PyTorch's order.
  public func pixelShuffled(_ factor: Int) -> Tensor {
    require(
      rank >= 3 && factor > 0 && shape[-3] % (factor * factor) == 0,
      "pixelShuffled by \(factor) needs [..., C * \(factor)^2, H, W], got \(shape)")
    let (lead, c, h, w) = (
      shape.array.dropLast(3).reduce(1, *), shape[-3] / (factor * factor), shape[-2], shape[-1]
    )
    return reshaped(to: [lead, c, factor, factor, h, w]).permuted([0, 1, 4, 2, 5, 3])
      .reshaped(to: Shape(shape.array.dropLast(3) + [c, h * factor, w * factor]))
  }

  /// Pixels as channels: `[..., C, H r, W r] -> [..., C r^2, H, W]`, the inverse of `pixelShuffled` (space to depth).
  public func pixelUnshuffled(_ factor: Int) -> Tensor {
    require(
      rank >= 3 && factor > 0 && shape[-2] % factor == 0 && shape[-1] % factor == 0,
      "pixelUnshuffled by \(factor) needs [..., C, H * \(factor), W * \(factor)], got \(shape)")
    let (lead, c, h, w) = (
      shape.array.dropLast(3).reduce(1, *), shape[-3], shape[-2] / factor, shape[-1] / factor
    )
    return reshaped(to: [lead, c, h, factor, w, factor]).permuted([0, 1, 3, 5, 2, 4])
      .reshaped(to: Shape(shape.array.dropLast(3) + [c * factor * factor, h, w]))
  }
}
