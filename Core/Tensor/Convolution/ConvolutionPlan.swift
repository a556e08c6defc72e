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

  /// The loops of one way to compute it.
  private enum Loops {
    case depthwise(DepthwiseConvolution)
    case winograd(WinogradPlan)
    case lowered(LoweredConvolution)
  }

  private var loops: Loops {
    // A channel by itself: a matrix of patches would have nothing to share.
    if inputs == 1 && outputs <= 4 && groups > 1 { return .depthwise(DepthwiseConvolution(self)) }
    if let plan = WinogradPlan(batch: batch, groups: groups, inputs: inputs, outputs: outputs, window: window) {
      return .winograd(plan)
    }
    return .lowered(LoweredConvolution(self))
  }

  /// y = conv(x, w) + bias, of constants that lie row by row.
  func forward(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    switch loops {
    case .depthwise(let way): way.forward(x, weight, bias)
    case .winograd(let way): way.forward(x, weight, bias)
    case .lowered(let way): way.forward(x, weight, bias)
    }
  }

  /// The gradient with respect to x.
  func inputGradient(_ gy: Tensor, _ weight: Tensor) -> Tensor {
    switch loops {
    case .depthwise(let way): way.inputGradient(gy, weight)
    case .winograd(let way): way.inputGradient(gy, weight)
    case .lowered(let way): way.inputGradient(gy, weight)
    }
  }

  /// The gradient with respect to the weight.
  func weightGradient(_ x: Tensor, _ gy: Tensor) -> Tensor {
    switch loops {
    case .depthwise(let way): way.weightGradient(x, gy)
    case .winograd(let way): way.weightGradient(x, gy)
    case .lowered(let way): way.weightGradient(x, gy)
    }
  }
}
