import ReproTensor

/// What a residual network is made of.
public struct ResNetConfiguration: Sendable, Equatable {
  public enum Stem: String, Sendable, CaseIterable {
    /// 3 x 3 at full resolution, for images of about 32 x 32.
    case cifar
    /// 7 x 7 with stride 2 and a max pool with stride 2.
    case imageNet = "imagenet"
  }
  /// Blocks of each of the four stages.
  public var blocks: [Int]
  /// Whether a block is 1 x 1, 3 x 3, 1 x 1 with four times the channels, instead of two 3 x 3.
  public var isBottleneck: Bool
  /// Channels of the first stage; each later stage has twice as many.
  public var width = 64
  public var stem = Stem.imageNet
  /// Channels of the image.
  public var channels = 3
  /// Outputs of the last linear map; nil for none.
  public var classes: Int?
  /// Whether the last norm of each block begins at gain 0, so that the network begins as its stem (Goyal et al. 2017,
  /// arXiv 1706.02677, Section 5.1).
  public var zeroInitialized = false
  /// Whether training recomputes each block in the derivative instead of keeping its activations.
  public var checkpoints = false

  public init(blocks: [Int], isBottleneck: Bool) {
    require(blocks.count == 4 && blocks.allSatisfy { $0 > 0 }, "a residual network has four stages, got \(blocks)")
    (self.blocks, self.isBottleneck) = (blocks, isBottleneck)
  }

  public static let resnet18 = ResNetConfiguration(blocks: [2, 2, 2, 2], isBottleneck: false)
  public static let resnet34 = ResNetConfiguration(blocks: [3, 4, 6, 3], isBottleneck: false)
  public static let resnet50 = ResNetConfiguration(blocks: [3, 4, 6, 3], isBottleneck: true)

  /// Channels of the last stage.
  public var outputs: Int { width * 8 * (isBottleneck ? 4 : 1) }
}

/// A convolution without bias, then batch normalisation, named by their places in a sequence.
public struct Downsample: Layer {
  public var conv: Conv2d
  public var norm: BatchNorm2d

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("0", &conv)
    v("1", &norm)
  }

  mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { norm(conv(x), context) }
  func callAsFunction(_ x: Tensor) -> Tensor { norm(conv(x)) }
}

/// A residual block, basic (two convolutions) or bottleneck (three).
///
///     y = relu(shortcut(x) + norm(conv(... relu(norm(conv(x))))))
public struct ResidualBlock: Layer {
  public var conv1, conv2: Conv2d
  public var bn1, bn2: BatchNorm2d
  /// Present in bottleneck blocks.
  public var conv3: Conv2d?
  public var bn3: BatchNorm2d?
  /// Present where the shortcut changes its shape.
  public var downsample: Downsample?

  init(_ inputs: Int, width: Int, stride: Int, _ c: ResNetConfiguration, _ random: RandomStream) {
    func conv(_ name: String, _ a: Int, _ b: Int, kernel: Int, stride: Int = 1) -> Conv2d {
      Conv2d(
        a, b, kernel: Extent2D(kernel), stride: Extent2D(stride), padding: Extent2D(kernel / 2), bias: false,
        initialization: .kaimingNormal, random: random.child(name))
    }
    let outputs = c.isBottleneck ? 4 * width : width
    (bn1, bn2) = (BatchNorm2d(width), BatchNorm2d(width))
    if c.isBottleneck {
      conv1 = conv("conv1", inputs, width, kernel: 1)
      conv2 = conv("conv2", width, width, kernel: 3, stride: stride)  // torchvision's place for the stride
      conv3 = conv("conv3", width, outputs, kernel: 1)
      bn3 = BatchNorm2d(outputs)
    } else {
      conv1 = conv("conv1", inputs, width, kernel: 3, stride: stride)
      conv2 = conv("conv2", width, width, kernel: 3)
    }
    if c.zeroInitialized {
      if c.isBottleneck { bn3?.weight = .zeros([outputs]) } else { bn2.weight = .zeros([outputs]) }
    }
    if stride != 1 || inputs != outputs {
      downsample = Downsample(
        conv: conv("downsample", inputs, outputs, kernel: 1, stride: stride), norm: BatchNorm2d(outputs))
    }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("bn1", &bn1)
    v("conv2", &conv2)
    v("bn2", &bn2)
    v("conv3", &conv3)
    v("bn3", &bn3)
    v("downsample", &downsample)
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var y = bn1(conv1(x), context).relu()
    y = bn2(conv2(y), context)
    if let conv3 { y = bn3?(conv3(y.relu()), context) ?? y }
    let shortcut = downsample?(x, context) ?? x
    return (y + shortcut).relu()
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var y = bn1(conv1(x)).relu()
    y = bn2(conv2(y))
    if let conv3, let bn3 { y = bn3(conv3(y.relu())) }
    return (y + (downsample?(x) ?? x)).relu()
  }
}

/// What a residual network says about images.
public struct ResNetOutput: Sendable {
  /// The mean of the last map over its places, `[B, D]`.
  public var pooled: Tensor
  /// The output of each stage, `[B, C, H, W]`, fine to coarse.
  public var maps: [Tensor]
}

/// A residual network; names, layouts and initialisation are torchvision's, so that its weights load by name.
///
/// - Source: He et al. 2015 (arXiv 1512.03385).
public struct ResNet: Layer {
  public var conv1: Conv2d
  public var bn1: BatchNorm2d
  public var layer1, layer2, layer3, layer4: [ResidualBlock]
  public var fc: Linear?
  public let configuration: ResNetConfiguration

  public init(_ c: ResNetConfiguration, random: RandomStream) {
    configuration = c
    let isLarge = c.stem == .imageNet
    conv1 = Conv2d(
      c.channels, c.width, kernel: isLarge ? 7 : 3, stride: isLarge ? 2 : 1, padding: isLarge ? 3 : 1, bias: false,
      initialization: .kaimingNormal, random: random.child("conv1"))
    bn1 = BatchNorm2d(c.width)
    func stage(_ k: Int) -> [ResidualBlock] {
      let (width, expansion) = (c.width << k, c.isBottleneck ? 4 : 1)
      return (0..<c.blocks[k]).map { i in
        let inputs = i > 0 ? width * expansion : k == 0 ? c.width : width / 2 * expansion
        return ResidualBlock(
          inputs, width: width, stride: i == 0 && k > 0 ? 2 : 1, c, random.child("layer", k + 1).child("block", i))
      }
    }
    (layer1, layer2, layer3, layer4) = (stage(0), stage(1), stage(2), stage(3))
    fc = c.classes.map { .uniform(c.outputs, $0, random: random.child("fc")) }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("bn1", &bn1)
    v("layer1", &layer1)
    v("layer2", &layer2)
    v("layer3", &layer3)
    v("layer4", &layer4)
    v("fc", &fc)
  }

  /// Training: batch statistics, which the running ones follow.   images [B, C, H, W]
  public mutating func features(_ images: Tensor, _ context: ForwardContext) -> ResNetOutput {
    var x = pooledStem(bn1(conv1(images), context).relu())
    let recomputes = configuration.checkpoints
    func run(_ blocks: inout [ResidualBlock]) -> Tensor {
      for i in blocks.indices {
        x = recomputes ? checkpointed(&blocks[i], x) { block, x in block(x, context) } : blocks[i](x, context)
      }
      return x
    }
    let maps = [run(&layer1), run(&layer2), run(&layer3), run(&layer4)]
    return ResNetOutput(pooled: x.globalAveragePooled(), maps: maps)
  }

  /// Frozen: running statistics.   images [B, C, H, W]
  public func features(_ images: Tensor) -> ResNetOutput {
    var x = pooledStem(bn1(conv1(images)).relu())
    let maps = [layer1, layer2, layer3, layer4].map { blocks in
      for block in blocks { x = block(x) }
      return x
    }
    return ResNetOutput(pooled: x.globalAveragePooled(), maps: maps)
  }

  /// Logits `[B, classes]`, or the pooled features `[B, D]` of a network without classes; training.
  public mutating func callAsFunction(_ images: Tensor, _ context: ForwardContext) -> Tensor {
    let pooled = features(images, context).pooled
    return fc.map { $0(pooled) } ?? pooled
  }

  /// Logits `[B, classes]`, or the pooled features `[B, D]` of a network without classes; frozen.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    let pooled = features(images).pooled
    return fc.map { $0(pooled) } ?? pooled
  }

  private func pooledStem(_ x: Tensor) -> Tensor {
    configuration.stem == .imageNet ? x.maxPooled(3, stride: 2, padding: 1) : x
  }
}
