import ReproTensor

/// A factor for each channel, computed from the means of all channels.   [B, C, H, W] -> [B, C, H, W]
///
///     y = x sigmoid(W_2 relu(W_1 mean(x) + b_1) + b_2)
///
/// - Source: Hu et al. 2017 (arXiv 1709.01507), Eq. 2 and 3; names are timm's.
public struct SqueezeExcitation: Layer {
  public var fc1, fc2: Conv2d

  public init(_ channels: Int, squeezed: Int, random: RandomStream) {
    fc1 = Conv2d(channels, squeezed, kernel: 1, random: random.child("fc1"))
    fc2 = Conv2d(squeezed, channels, kernel: 1, random: random.child("fc2"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("fc1", &fc1)
    v("fc2", &fc2)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x * fc2(fc1(x.mean(axes: [2, 3], keepsAxes: true)).relu()).sigmoid()
  }
}

/// A convolution without bias and batch normalisation.   [B, C, H, W] -> [B, O, H', W']
public struct NormalizedConv: Layer {
  public var conv: Conv2d
  public var bn: BatchNorm2d

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int = 1, stride: Int = 1, groups: Int = 1, random: RandomStream
  ) {
    conv = Conv2d(
      inputs, outputs, kernel: Extent2D(kernel), stride: Extent2D(stride), padding: Extent2D(kernel / 2),
      groups: groups, bias: false, initialization: .kaimingNormal, random: random.child("conv"))
    bn = BatchNorm2d(outputs)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv", &conv)
    v("bn", &bn)
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { bn(conv(x), context) }
  public func callAsFunction(_ x: Tensor) -> Tensor { bn(conv(x)) }
}

/// A residual block of a grouped convolution between two pointwise ones.   [B, C, H, W] -> [B, O, H / stride, W / stride]
///
///     y = relu(shortcut(x) + norm(pointwise(excite(relu(norm(grouped(relu(norm(pointwise(x)))))))))
///
/// - Source: Radosavovic et al. 2020 (RegNet, arXiv 2003.13678), Figure 4: the X block, with excitation the Y block; names are
///   timm's.
public struct RegNetBlock: Layer {
  public var conv1, conv2, conv3: NormalizedConv
  public var se: SqueezeExcitation?
  public var downsample: NormalizedConv?

  /// - Parameters:
  ///   - groupWidth: channels of a group; divides `outputs`.
  ///   - excitation: the squeezed width in units of `inputs`; nil for an X block.
  public init(
    _ inputs: Int, _ outputs: Int, stride: Int = 1, groupWidth: Int, excitation: Real? = 0.25, random: RandomStream
  ) {
    require(groupWidth > 0 && outputs % groupWidth == 0, "groups of \(groupWidth) do not divide \(outputs) channels")
    conv1 = NormalizedConv(inputs, outputs, random: random.child("conv1"))
    conv2 = NormalizedConv(
      outputs, outputs, kernel: 3, stride: stride, groups: outputs / groupWidth, random: random.child("conv2"))
    conv3 = NormalizedConv(outputs, outputs, random: random.child("conv3"))
    se = excitation.map {
      SqueezeExcitation(
        outputs, squeezed: max(1, Int((Real(inputs) * $0).rounded())), random: random.child("se"))
    }
    if stride != 1 || inputs != outputs {
      downsample = NormalizedConv(inputs, outputs, stride: stride, random: random.child("downsample"))
    }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("conv2", &conv2)
    v("se", &se)
    v("conv3", &conv3)
    v("downsample", &downsample)
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var y = conv2(conv1(x, context).relu(), context).relu()
    y = conv3(se.map { $0(y) } ?? y, context)
    return (y + (downsample?(x, context) ?? x)).relu()
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var y = conv2(conv1(x).relu()).relu()
    y = conv3(se.map { $0(y) } ?? y)
    return (y + (downsample.map { $0(x) } ?? x)).relu()
  }
}
