// Convolutions of images. A convolution is bilinear; so are its two gradients, and the gradient of each of the three is made
// of the other two. Derivatives of any order follow.

/// A convolution of images (as everyone calls the cross-correlation).
///
///     y[b, o, i, j] = bias[o] + sum_{c, u, v} weight[o, c, u, v] x[b, c, i s - p + u d, j s - p + v d]
///
/// with stride s, padding p by zeros and dilation d; with groups, output channel o sees the input channels of its group only.
/// - Parameters:
///   - x: `[B, C, H, W]`.
///   - weight: `[O, C / groups, kH, kW]`, PyTorch's layout.
///   - bias: `[O]`, or nil.
/// - Returns: `[B, O, H', W']` with H' = (H + 2 p - d (kH - 1) - 1) / s + 1, rounded down.
public func conv2d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: Extent2D = 1, padding: Extent2D = 0,
  dilation: Extent2D = 1, groups: Int = 1
) -> Tensor {
  require(
    x.rank == 4 && weight.rank == 4 && groups > 0 && x.shape[1] == weight.shape[1] * groups
      && weight.shape[0] % groups == 0 && (bias?.shape ?? [weight.shape[0]]) == [weight.shape[0]],
    "conv2d of \(groups) groups needs x [B, C, H, W], weight [O, C / groups, kH, kW] and bias [O], got \(x.shape), "
      + "\(weight.shape), \(bias.map { "\($0.shape)" } ?? "none")")
  let plan = ConvolutionPlan(
    batch: x.shape[0], groups: groups, inputs: weight.shape[1], outputs: weight.shape[0] / groups,
    window: Window(
      Extent2D(x.shape[2], x.shape[3]), kernel: Extent2D(weight.shape[2], weight.shape[3]), stride: stride,
      padding: padding, dilation: dilation))
  return convolution(x, weight, bias, plan)
}

/// The transpose of `conv2d`: every input place paints a weighted window ("deconvolution", upsampling by the stride).
///
/// - Parameters:
///   - x: `[B, C, H, W]`.
///   - weight: `[C, O / groups, kH, kW]`, PyTorch's layout.
///   - bias: `[O]`, or nil.
///   - outputPadding: rows and columns added at the end, less than the stride: several sizes lead to the same H.
/// - Returns: `[B, O, H', W']` with H' = (H - 1) s - 2 p + d (kH - 1) + outputPadding + 1.
public func convTranspose2d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: Extent2D = 1, padding: Extent2D = 0,
  outputPadding: Extent2D = 0, dilation: Extent2D = 1, groups: Int = 1
) -> Tensor {
  require(
    x.rank == 4 && weight.rank == 4 && groups > 0 && x.shape[1] == weight.shape[0] && weight.shape[0] % groups == 0
      && (bias?.shape ?? [weight.shape[1] * groups]) == [weight.shape[1] * groups],
    "convTranspose2d of \(groups) groups needs x [B, C, H, W], weight [C, O / groups, kH, kW] and bias [O], got "
      + "\(x.shape), \(weight.shape), \(bias.map { "\($0.shape)" } ?? "none")")
  require(
    outputPadding.rows < max(stride.rows, dilation.rows)
      && outputPadding.columns < max(stride.columns, dilation.columns),
    "outputPadding \(outputPadding) is less than stride \(stride) or dilation \(dilation)")
  func extent(_ n: Int, _ k: Int, _ s: Int, _ p: Int, _ d: Int, _ extra: Int) -> Int {
    (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
  }
  let window = Window(
    Extent2D(
      extent(x.shape[2], weight.shape[2], stride.rows, padding.rows, dilation.rows, outputPadding.rows),
      extent(x.shape[3], weight.shape[3], stride.columns, padding.columns, dilation.columns, outputPadding.columns)),
    kernel: Extent2D(weight.shape[2], weight.shape[3]), stride: stride, padding: padding, dilation: dilation)
  let plan = ConvolutionPlan(
    batch: x.shape[0], groups: groups, inputs: weight.shape[1], outputs: weight.shape[0] / groups, window: window)
  let y = convolutionInputGradient(x, weight, plan)
  return bias.map { y + $0.reshaped([$0.count, 1, 1]) } ?? y
}

private func convolution(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ plan: ConvolutionPlan) -> Tensor {
  let (x, weight) = (x.contiguous(), weight.contiguous())
  let y = plan.forward(x.detached, weight.detached, bias?.detached.contiguous())
  return y.recorded("conv2d", inputs: [x, weight] + (bias.map { [$0] } ?? [])) { s in
    let g = s.gradient
    var parts = [
      s.needs(0) ? convolutionInputGradient(g, s(weight), plan) : nil,
      s.needs(1) ? convolutionWeightGradient(s(x), g, plan) : nil,
    ]
    if bias != nil { parts.append(s.needs(2) ? g.flattened(from: 2).sum(2).sum(0) : nil) }
    return parts
  }
}

/// The gradient of a convolution with respect to its input, linear in the output's gradient and in the weight.
private func convolutionInputGradient(_ gy: Tensor, _ weight: Tensor, _ plan: ConvolutionPlan) -> Tensor {
  let (gy, weight) = (gy.contiguous(), weight.contiguous())
  return plan.inputGradient(gy.detached, weight.detached).recorded("conv2dInputGradient", gy, weight) { s in
    (
      s.needs(0) ? convolution(s.gradient, s(weight), nil, plan) : nil,
      s.needs(1) ? convolutionWeightGradient(s.gradient, s(gy), plan) : nil
    )
  }
}

/// The gradient of a convolution with respect to its weight, linear in the input and in the output's gradient.
private func convolutionWeightGradient(_ x: Tensor, _ gy: Tensor, _ plan: ConvolutionPlan) -> Tensor {
  let (x, gy) = (x.contiguous(), gy.contiguous())
  return plan.weightGradient(x.detached, gy.detached).recorded("conv2dWeightGradient", x, gy) { s in
    (
      s.needs(0) ? convolutionInputGradient(s(gy), s.gradient, plan) : nil,
      s.needs(1) ? convolution(s(x), s.gradient, nil, plan) : nil
    )
  }
}
