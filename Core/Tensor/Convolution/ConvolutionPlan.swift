// Which loops compute the three products of a convolution. Each way gives the same numbers up to rounding, and which one is
// taken depends on sizes only.

/// Sizes of one convolution.
struct ConvolutionPlan: Sendable {
  let batch, groups: Int
  /// Channels of one group.
  let inputs, outputs: Int
  let window: Window

  var inputShape: Shape { Shape([batch, groups * inputs] + window.inputAxes) }
  var outputShape: Shape { Shape([batch, groups * outputs] + window.outputAxes) }
  var weightShape: Shape { Shape([groups * outputs, inputs] + window.kernelAxes) }

  /// Whether each channel is convolved by itself: a matrix of patches would have nothing to share.
  private var isDepthwise: Bool { inputs == 1 && outputs <= 4 && groups > 1 }

  /// y = conv(x, w) + bias, of constants that lie row by row.
  func forward(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    isDepthwise
      ? DepthwiseConvolution(self).forward(x, weight, bias) : LoweredConvolution(self).forward(x, weight, bias)
  }

  /// The gradient with respect to x.
  func inputGradient(_ gy: Tensor, _ weight: Tensor) -> Tensor {
    isDepthwise
      ? DepthwiseConvolution(self).inputGradient(gy, weight) : LoweredConvolution(self).inputGradient(gy, weight)
  }

  /// The gradient with respect to the weight.
  func weightGradient(_ x: Tensor, _ gy: Tensor) -> Tensor {
    isDepthwise ? DepthwiseConvolution(self).weightGradient(x, gy) : LoweredConvolution(self).weightGradient(x, gy)
  }
}
