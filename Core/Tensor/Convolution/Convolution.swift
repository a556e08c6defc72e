// Convolutions of lines, images and volumes. A convolution is bilinear; so are its two gradients, and the gradient of each of
// the three is made of the other two. Derivatives of any order follow.

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
  ConvolutionSetting(
    rank: 2, stride: Extent3D(stride, depth: 1), padding: Extent3D(padding, depth: 0),
    dilation: Extent3D(dilation, depth: 1), groups: groups
  ).convolved(x, weight, bias)
}

/// A convolution of lines (signals, sequences); see `conv2d`.
///
/// - Parameters:
///   - x: `[B, C, L]`.
///   - weight: `[O, C / groups, k]`.
///   - bias: `[O]`, or nil.
/// - Returns: `[B, O, L']` with L' = (L + 2 p - d (k - 1) - 1) / s + 1, rounded down.
public func conv1d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
  groups: Int = 1
) -> Tensor {
  ConvolutionSetting(
    rank: 1, stride: Extent3D(columns: stride, others: 1), padding: Extent3D(columns: padding, others: 0),
    dilation: Extent3D(columns: dilation, others: 1), groups: groups
  ).convolved(x, weight, bias)
}

/// A convolution of volumes or videos; see `conv2d`.
///
/// - Parameters:
///   - x: `[B, C, D, H, W]`.
///   - weight: `[O, C / groups, kD, kH, kW]`.
///   - bias: `[O]`, or nil.
/// - Returns: `[B, O, D', H', W']`.
public func conv3d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: Extent3D = 1, padding: Extent3D = 0,
  dilation: Extent3D = 1, groups: Int = 1
) -> Tensor {
  ConvolutionSetting(rank: 3, stride: stride, padding: padding, dilation: dilation, groups: groups)
    .convolved(x, weight, bias)
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
  ConvolutionSetting(
    rank: 2, stride: Extent3D(stride, depth: 1), padding: Extent3D(padding, depth: 0),
    dilation: Extent3D(dilation, depth: 1), groups: groups
  ).transposed(x, weight, bias, outputPadding: Extent3D(outputPadding, depth: 0))
}

/// The transpose of `conv1d`; see `convTranspose2d`.   x `[B, C, L]`, weight `[C, O / groups, k]`, result `[B, O, L']`
public func convTranspose1d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
  dilation: Int = 1, groups: Int = 1
) -> Tensor {
  ConvolutionSetting(
    rank: 1, stride: Extent3D(columns: stride, others: 1), padding: Extent3D(columns: padding, others: 0),
    dilation: Extent3D(columns: dilation, others: 1), groups: groups
  ).transposed(x, weight, bias, outputPadding: Extent3D(columns: outputPadding, others: 0))
}

/// The transpose of `conv3d`; see `convTranspose2d`.
///
/// x `[B, C, D, H, W]`, weight `[C, O / groups, kD, kH, kW]`, result `[B, O, D', H', W']`
public func convTranspose3d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: Extent3D = 1, padding: Extent3D = 0,
  outputPadding: Extent3D = 0, dilation: Extent3D = 1, groups: Int = 1
) -> Tensor {
  ConvolutionSetting(rank: 3, stride: stride, padding: padding, dilation: dilation, groups: groups)
    .transposed(x, weight, bias, outputPadding: outputPadding)
}

/// How the windows of a convolution over `rank` axes move, and the checks of its inputs.
private struct ConvolutionSetting {
  let rank: Int
  let stride, padding, dilation: Extent3D
  let groups: Int

  /// The last axes of a shape, one deep and one row high where it has no such axes.
  private func extent(_ shape: Shape) -> Extent3D {
    switch rank {
    case 1: Extent3D(1, 1, shape[2])
    case 2: Extent3D(1, shape[2], shape[3])
    default: Extent3D(shape[2], shape[3], shape[4])
    }
  }

  private var axes: String { ["L", "H, W", "D, H, W"][rank - 1] }
  private var kernelAxes: String { ["k", "kH, kW", "kD, kH, kW"][rank - 1] }

  private func plan(_ x: Shape, _ outputs: Int, _ weight: Shape, _ input: Extent3D, limit: Extent3D = Extent3D(.max))
    -> ConvolutionPlan
  {
    ConvolutionPlan(
      batch: x[0], groups: groups, inputs: weight[1], outputs: outputs,
      window: Window(
        rank: rank, input, kernel: extent(weight), stride: stride, padding: padding, dilation: dilation, limit: limit))
  }

  func convolved(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    require(
      x.rank == rank + 2 && weight.rank == rank + 2 && groups > 0 && x.shape[1] == weight.shape[1] * groups
        && weight.shape[0] % groups == 0 && (bias?.shape ?? [weight.shape[0]]) == [weight.shape[0]],
      "conv\(rank)d of \(groups) groups needs x [B, C, \(axes)], weight [O, C / groups, \(kernelAxes)] and bias [O], got "
        + "\(x.shape), \(weight.shape), \(bias.map { "\($0.shape)" } ?? "none")")
    return convolution(x, weight, bias, plan(x.shape, weight.shape[0] / groups, weight.shape, extent(x.shape)))
  }

  func transposed(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, outputPadding: Extent3D) -> Tensor {
    require(
      x.rank == rank + 2 && weight.rank == rank + 2 && groups > 0 && x.shape[1] == weight.shape[0]
        && weight.shape[0] % groups == 0 && (bias?.shape ?? [weight.shape[1] * groups]) == [weight.shape[1] * groups],
      "convTranspose\(rank)d of \(groups) groups needs x [B, C, \(axes)], weight [C, O / groups, \(kernelAxes)] and bias "
        + "[O], got \(x.shape), \(weight.shape), \(bias.map { "\($0.shape)" } ?? "none")")
    require(
      Extent3D.zip(outputPadding, Extent3D.zip(stride, dilation, max), { $0 >= 0 && $0 < $1 ? 1 : 0 }) == 1,
      "outputPadding \(outputPadding.text(rank)) is less than stride \(stride.text(rank)) or dilation "
        + dilation.text(rank))
    let (n, k) = (extent(x.shape), extent(weight.shape))
    func size(_ n: Int, _ k: Int, _ s: Int, _ p: Int, _ d: Int, _ extra: Int) -> Int {
      max(0, (n - 1) * s - 2 * p + d * (k - 1) + extra + 1)
    }
    let output = Extent3D(
      size(n.depth, k.depth, stride.depth, padding.depth, dilation.depth, outputPadding.depth),
      size(n.rows, k.rows, stride.rows, padding.rows, dilation.rows, outputPadding.rows),
      size(n.columns, k.columns, stride.columns, padding.columns, dilation.columns, outputPadding.columns))
    // An output padding beyond the stride leaves room for more windows than there are inputs.
    let plan = plan(x.shape, weight.shape[0] / groups, weight.shape, output, limit: n)
    let y = convolutionInputGradient(x, weight, plan)
    return bias.map { y + $0.reshaped([$0.count] + Array(repeating: 1, count: rank)) } ?? y
  }
}

private func convolution(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ plan: ConvolutionPlan) -> Tensor {
  let (x, weight) = (x.contiguous(), weight.contiguous())
  let y = plan.forward(x.detached, weight.detached, bias?.detached.contiguous())
  return y.recorded("convolution", inputs: [x, weight] + (bias.map { [$0] } ?? [])) { s in
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
  return plan.inputGradient(gy.detached, weight.detached).recorded("convolutionInputGradient", gy, weight) { s in
    (
      s.needs(0) ? convolution(s.gradient, s(weight), nil, plan) : nil,
      s.needs(1) ? convolutionWeightGradient(s.gradient, s(gy), plan) : nil
    )
  }
}

/// The gradient of a convolution with respect to its weight, linear in the input and in the output's gradient.
private func convolutionWeightGradient(_ x: Tensor, _ gy: Tensor, _ plan: ConvolutionPlan) -> Tensor {
  let (x, gy) = (x.contiguous(), gy.contiguous())
  return plan.weightGradient(x.detached, gy.detached).recorded("convolutionWeightGradient", x, gy) { s in
    (
      s.needs(0) ? convolutionInputGradient(s(gy), s.gradient, plan) : nil,
      s.needs(1) ? convolution(s(x), s.gradient, nil, plan) : nil
    )
  }
}
