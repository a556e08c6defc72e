import ReproTensor

/// Two convolutions, each with batch normalisation and relu.   [B, C, H, W] -> [B, O, H, W]
public struct DoubleConv: Layer {
  public var conv1, conv2: Conv2d
  public var bn1, bn2: BatchNorm2d

  /// - Parameter middle: channels between the two; those of the output if nil.
  public init(_ inputs: Int, _ outputs: Int, middle: Int? = nil, random: RandomStream) {
    let middle = middle ?? outputs
    conv1 = Conv2d(inputs, middle, kernel: 3, padding: 1, bias: false, random: random.child("conv1"))
    conv2 = Conv2d(middle, outputs, kernel: 3, padding: 1, bias: false, random: random.child("conv2"))
    (bn1, bn2) = (BatchNorm2d(middle), BatchNorm2d(outputs))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v.enter("double_conv", nil, frozen: false)
    v("0", &conv1)
    v("1", &bn1)
    v("3", &conv2)
    v("4", &bn2)
    v.leave()
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    bn2(conv2(bn1(conv1(x), context).relu()), context).relu()
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { bn2(conv2(bn1(conv1(x)).relu())).relu() }
}

/// One step up: a transposed convolution, the map of the same size from the way down, two convolutions.
public struct UNetUp: Layer {
  public var up: ConvTranspose2d
  public var conv: DoubleConv

  init(_ inputs: Int, skip: Int, _ outputs: Int, random: RandomStream) {
    up = ConvTranspose2d(inputs, inputs / 2, kernel: 2, stride: 2, random: random.child("up"))
    conv = DoubleConv(inputs / 2 + skip, outputs, random: random.child("conv"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("up", &up)
    v("conv", &conv)
  }

  mutating func callAsFunction(_ x: Tensor, _ skip: Tensor, _ context: ForwardContext) -> Tensor {
    conv(joined(x, skip), context)
  }

  func callAsFunction(_ x: Tensor, _ skip: Tensor) -> Tensor { conv(joined(x, skip)) }

  /// The map from the way down, then what comes from below, padded to its size.
  private func joined(_ x: Tensor, _ skip: Tensor) -> Tensor {
    var y = up(x)
    for axis in [2, 3] {
      let missing = skip.shape[axis] - y.shape[axis]
      y = y.padded(axis, before: missing / 2, after: missing - missing / 2)
    }
    return concat([skip, y], axis: 1)
  }
}

/// What a U-Net is made of.
public struct UNetConfiguration: Sendable, Equatable {
  public var channels = 3
  /// Channels at full resolution; each level below has twice as many.
  public var width = 64
  /// How often the resolution is halved.
  public var levels = 4
  public var outputs = 1
  public init() {}
}

/// A network that maps images to images through a ladder of resolutions.   [B, C, H, W] -> [B, outputs, H, W]
///
/// Convolutions are padded and normalised by batch, which the paper's were not: the form in common use. Sides may be any that
/// survive `levels` halvings, rounded down.
/// - Source: Ronneberger et al. 2015 (arXiv 1505.04597), Figure 1.
public struct UNet: Layer {
  public var inc: DoubleConv
  public var down: [DoubleConv]
  public var up: [UNetUp]
  public var outc: Conv2d

  public init(_ c: UNetConfiguration, random: RandomStream) {
    require(c.levels >= 1 && c.width > 0 && c.width << c.levels > 0, "a U-Net has levels and channels, got \(c)")
    inc = DoubleConv(c.channels, c.width, random: random.child("inc"))
    down = (0..<c.levels).map { DoubleConv(c.width << $0, c.width << ($0 + 1), random: random.child("down", $0)) }
    up = (0..<c.levels).map { k in
      let level = c.levels - 1 - k
      return UNetUp(c.width << (level + 1), skip: c.width << level, c.width << level, random: random.child("up", k))
    }
    outc = Conv2d(c.width, c.outputs, kernel: 1, random: random.child("outc"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("inc", &inc)
    v("down", &down)
    v("up", &up)
    v("outc", &outc)
  }

  /// Training: batch statistics, which the running ones follow.
  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var maps = [inc(x, context)]
    for i in down.indices { maps.append(down[i](maps[i].maxPooled(2), context)) }
    var y = maps.removeLast()
    for i in up.indices { y = up[i](y, maps.removeLast(), context) }
    return outc(y)
  }

  /// Frozen: running statistics.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var maps = [inc(x)]
    for i in down.indices { maps.append(down[i](maps[i].maxPooled(2))) }
    var y = maps.removeLast()
    for i in up.indices { y = up[i](y, maps.removeLast()) }
    return outc(y)
  }
}
