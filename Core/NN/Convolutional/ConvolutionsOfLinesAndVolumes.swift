import ReproTensor

/// A convolution of sequences with learnt weight; see `conv1d`.   [B, C, L] -> [B, O, L']
public struct Conv1d: Layer {
  public var weight: Tensor  // [O, C / groups, k]
  public var bias: Tensor?  // [O]
  let stride, padding, dilation, groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
    bias: Bool = true, initialization: ConvolutionInitialization = .uniform, random: RandomStream
  ) {
    requireGroups("convolution", inputs, outputs, groups)
    weight = initialization.weight([outputs, inputs / groups, kernel], random)
    self.bias = bias ? initialization.bias(outputs, fanIn: inputs / groups * kernel, random) : nil
    (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv1d(x, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}

/// A convolution of volumes or videos with learnt weight; see `conv3d`.   [B, C, D, H, W] -> [B, O, D', H', W']
public struct Conv3d: Layer {
  public var weight: Tensor  // [O, C / groups, kD, kH, kW]
  public var bias: Tensor?  // [O]
  let stride, padding, dilation: Extent3D
  let groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Extent3D, stride: Extent3D = 1, padding: Extent3D = 0,
    dilation: Extent3D = 1, groups: Int = 1, bias: Bool = true, initialization: ConvolutionInitialization = .uniform,
    random: RandomStream
  ) {
    requireGroups("convolution", inputs, outputs, groups)
    weight = initialization.weight([outputs, inputs / groups, kernel.depth, kernel.rows, kernel.columns], random)
    self.bias = bias ? initialization.bias(outputs, fanIn: inputs / groups * kernel.count, random) : nil
    (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv3d(x, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}

/// A transposed convolution of sequences; see `convTranspose1d`.   [B, C, L] -> [B, O, L']
public struct ConvTranspose1d: Layer {
  public var weight: Tensor  // [C, O / groups, k]
  public var bias: Tensor?  // [O]
  let stride, padding, outputPadding, dilation, groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true, random: RandomStream
  ) {
    requireGroups("transposed convolution", inputs, outputs, groups)
    let initialization = ConvolutionInitialization.uniform
    weight = initialization.weight([inputs, outputs / groups, kernel], random)
    self.bias = bias ? initialization.bias(outputs, fanIn: outputs / groups * kernel, random) : nil
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    (self.dilation, self.groups) = (dilation, groups)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    convTranspose1d(
      x, weight, bias, stride: stride, padding: padding, outputPadding: outputPadding, dilation: dilation,
      groups: groups)
  }
}

/// A transposed convolution of volumes; see `convTranspose3d`.   [B, C, D, H, W] -> [B, O, D', H', W']
public struct ConvTranspose3d: Layer {
  public var weight: Tensor  // [C, O / groups, kD, kH, kW]
  public var bias: Tensor?  // [O]
  let stride, padding, outputPadding, dilation: Extent3D
  let groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Extent3D, stride: Extent3D = 1, padding: Extent3D = 0,
    outputPadding: Extent3D = 0, dilation: Extent3D = 1, groups: Int = 1, bias: Bool = true, random: RandomStream
  ) {
    requireGroups("transposed convolution", inputs, outputs, groups)
    let initialization = ConvolutionInitialization.uniform
    weight = initialization.weight([inputs, outputs / groups, kernel.depth, kernel.rows, kernel.columns], random)
    self.bias = bias ? initialization.bias(outputs, fanIn: outputs / groups * kernel.count, random) : nil
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    (self.dilation, self.groups) = (dilation, groups)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    convTranspose3d(
      x, weight, bias, stride: stride, padding: padding, outputPadding: outputPadding, dilation: dilation,
      groups: groups)
  }
}
