import ReproTensor

/// How the weight of a convolution begins.
public enum ConvolutionInitialization: Sendable, Equatable {
  /// Uniform within 1 / sqrt(fan in), weight and bias: PyTorch's default.
  case uniform
  /// Normal with variance 2 / fan out, bias 0: torchvision's residual networks (He et al. 2015, arXiv 1502.01852, Eq. 14).
  case kaimingNormal
  /// Normal of deviation 0.02, truncated at two deviations, bias 0: ConvNeXt's.
  case truncatedNormal

  /// A weight `[a, b, ...]` of which each output sees b times the window numbers and each input reaches a times the window.
  func weight(_ shape: Shape, _ random: RandomStream) -> Tensor {
    var stream = random.child("weight")
    let window = shape.count / (shape[0] * shape[1])
    switch self {
    case .uniform:
      let bound = 1 / Real(shape[1] * window).squareRoot()
      return stream.uniform(shape, -bound, bound)
    case .kaimingNormal: return stream.normal(shape, deviation: (2 / Real(shape[0] * window)).squareRoot())
    case .truncatedNormal: return stream.truncatedNormal(shape, deviation: 0.02)
    }
  }

  func bias(_ outputs: Int, fanIn: Int, _ random: RandomStream) -> Tensor {
    guard self == .uniform else { return .zeros([outputs]) }
    var stream = random.child("bias")
    let bound = 1 / Real(fanIn).squareRoot()
    return stream.uniform([outputs], -bound, bound)
  }
}

/// Requires channels that the groups of a convolution divide.
func requireGroups(_ what: String, _ inputs: Int, _ outputs: Int, _ groups: Int) {
  require(
    inputs > 0 && outputs > 0 && groups > 0 && inputs % groups == 0 && outputs % groups == 0,
    "a \(what) of \(inputs) to \(outputs) channels cannot have \(groups) groups")
}

/// A convolution of images with learnt weight; see `conv2d`.   [B, C, H, W] -> [B, O, H', W']
public struct Conv2d: Layer {
  public var weight: Tensor  // [O, C / groups, kH, kW]
  public var bias: Tensor?  // [O]
  let stride, padding, dilation: Extent2D
  let groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Extent2D, stride: Extent2D = 1, padding: Extent2D = 0,
    dilation: Extent2D = 1, groups: Int = 1, bias: Bool = true, initialization: ConvolutionInitialization = .uniform,
    random: RandomStream
  ) {
    requireGroups("convolution", inputs, outputs, groups)
    let shape: Shape = [outputs, inputs / groups, kernel.rows, kernel.columns]
    weight = initialization.weight(shape, random)
    self.bias = bias ? initialization.bias(outputs, fanIn: shape[1] * kernel.count, random) : nil
    (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv2d(x, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}

/// A transposed convolution with learnt weight; see `convTranspose2d`.   [B, C, H, W] -> [B, O, H', W']
public struct ConvTranspose2d: Layer {
  public var weight: Tensor  // [C, O / groups, kH, kW]
  public var bias: Tensor?  // [O]
  let stride, padding, outputPadding, dilation: Extent2D
  let groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Extent2D, stride: Extent2D = 1, padding: Extent2D = 0,
    outputPadding: Extent2D = 0, dilation: Extent2D = 1, groups: Int = 1, bias: Bool = true,
    initialization: ConvolutionInitialization = .uniform, random: RandomStream
  ) {
    requireGroups("transposed convolution", inputs, outputs, groups)
    let shape: Shape = [inputs, outputs / groups, kernel.rows, kernel.columns]
    weight = initialization.weight(shape, random)
    self.bias = bias ? initialization.bias(outputs, fanIn: shape[1] * kernel.count, random) : nil
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    (self.dilation, self.groups) = (dilation, groups)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    convTranspose2d(
      x, weight, bias, stride: stride, padding: padding, outputPadding: outputPadding, dilation: dilation,
      groups: groups)
  }
}
