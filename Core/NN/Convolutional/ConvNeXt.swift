import ReproTensor

/// A block of depthwise convolution and a pointwise bottleneck turned inside out.   [B, C, H, W] -> [B, C, H, W]
///
///     y = x + gamma W_2 gelu(W_1 norm(depthwise(x)))
///
/// - Source: Liu et al. 2022 (ConvNeXt, arXiv 2201.03545), Section 2.6 and Figure 4; names are timm's.
public struct ConvNeXtBlock: Layer {
  public var convDW: Conv2d
  public var norm: LayerNorm
  public var mlp: MLP
  public var gamma: Tensor?  // [C]
  let dropPath: Real

  /// - Parameters:
  ///   - channels: C.
  ///   - kernel: odd side of the depthwise convolution.
  ///   - layerScale: initial gamma; nil for none.
  ///   - dropPath: rate of stochastic depth.
  public init(
    _ channels: Int, kernel: Int = 7, expansion: Int = 4, layerScale: Real? = 1e-6, dropPath: Real = 0,
    random: RandomStream
  ) {
    require(kernel % 2 == 1, "a depthwise convolution that keeps sizes has an odd kernel, got \(kernel)")
    convDW = Conv2d(
      channels, channels, kernel: Extent2D(kernel), padding: Extent2D(kernel / 2), groups: channels,
      initialization: .truncatedNormal, random: random.child("conv_dw"))
    norm = LayerNorm(channels, epsilon: 1e-6)
    mlp = MLP(channels, hidden: expansion * channels, random: random.child("mlp"))
    gamma = layerScale.map { .full([channels], $0) }
    self.dropPath = dropPath
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("gamma", &gamma, .gain)
    v("conv_dw", &convDW)
    v("norm", &norm)
    v("mlp", &mlp)
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext? = nil) -> Tensor {
    residual(x, rate: dropPath, context) {
      let y = mlp(norm(convDW($0).permuted([0, 2, 3, 1])))  // [B, H, W, C]
      return (gamma.map { y * $0 } ?? y).permuted([0, 3, 1, 2])
    }
  }
}

/// Layer normalisation of the channels of an image.   [B, C, H, W] -> [B, C, H, W]
public struct LayerNorm2d: Layer {
  public var norm: LayerNorm
  public init(_ channels: Int, epsilon: Real = 1e-6) { norm = LayerNorm(channels, epsilon: epsilon) }
  public mutating func visit(_ v: inout some LayerVisitor) { norm.visit(&v) }
  public func callAsFunction(_ x: Tensor) -> Tensor { norm(x.permuted([0, 2, 3, 1])).permuted([0, 3, 1, 2]) }
}

/// A norm and a strided convolution, named by their places in a sequence.
public struct ConvNeXtDownsample: Layer {
  public var norm: LayerNorm2d
  public var conv: Conv2d

  init(_ inputs: Int, _ outputs: Int, random: RandomStream) {
    norm = LayerNorm2d(inputs)
    conv = Conv2d(
      inputs, outputs, kernel: 2, stride: 2, initialization: .truncatedNormal, random: random.child("conv"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("0", &norm)
    v("1", &conv)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { conv(norm(x)) }
}

/// Blocks of one resolution, behind a downsampling where it is not the first.
public struct ConvNeXtStage: Layer {
  public var downsample: ConvNeXtDownsample?
  public var blocks: [ConvNeXtBlock]

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("downsample", &downsample)
    v("blocks", &blocks)
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext? = nil) -> Tensor {
    var y = downsample.map { $0(x) } ?? x
    for (i, block) in blocks.enumerated() { y = block(y, context?.child("blocks", i)) }
    return y
  }
}

/// What a ConvNeXt is made of; the defaults are ConvNeXt-T.
public struct ConvNeXtConfiguration: Sendable, Equatable {
  public var depths = [3, 3, 9, 3]
  public var widths = [96, 192, 384, 768]
  /// Side and stride of the first convolution.
  public var stem = 4
  public var channels = 3
  public var kernel = 7
  public var layerScale: Real? = 1e-6
  /// Stochastic depth of the last block; it rises linearly from 0.
  public var dropPath: Real = 0
  public init() {}
}

/// A convolutional network with the blocks of a transformer; names are timm's.
///
/// - Source: Liu et al. 2022 (arXiv 2201.03545).
public struct ConvNeXt: Layer {
  public var stemConv: Conv2d
  public var stemNorm: LayerNorm2d
  public var stages: [ConvNeXtStage]
  /// Of the pooled features.
  public var norm: LayerNorm

  public init(_ c: ConvNeXtConfiguration = ConvNeXtConfiguration(), random: RandomStream) {
    require(
      c.depths.count == c.widths.count && !c.depths.isEmpty && c.stem > 0,
      "a ConvNeXt has a width for each stage, got \(c.depths) and \(c.widths)")
    stemConv = Conv2d(
      c.channels, c.widths[0], kernel: Extent2D(c.stem), stride: Extent2D(c.stem), initialization: .truncatedNormal,
      random: random.child("stem"))
    stemNorm = LayerNorm2d(c.widths[0])
    let total = c.depths.reduce(0, +)
    var made = 0
    var found: [ConvNeXtStage] = []
    for (k, depth) in c.depths.enumerated() {
      let own = random.child("stages", k)
      let blocks = (0..<depth).map { i in
        ConvNeXtBlock(
          c.widths[k], kernel: c.kernel, layerScale: c.layerScale,
          dropPath: total > 1 ? c.dropPath * Real(made + i) / Real(total - 1) : c.dropPath,
          random: own.child("blocks", i))
      }
      made += depth
      found.append(
        ConvNeXtStage(
          downsample: k == 0 ? nil : ConvNeXtDownsample(c.widths[k - 1], c.widths[k], random: own.child("downsample")),
          blocks: blocks))
    }
    stages = found
    norm = LayerNorm(c.widths[c.widths.count - 1], epsilon: 1e-6)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v.enter("stem", nil, frozen: false)
    v("0", &stemConv)
    v("1", &stemNorm)
    v.leave()
    v("stages", &stages)
    v.enter("head", nil, frozen: false)
    v("norm", &norm)
    v.leave()
  }

  /// The map of each stage, `[B, C_k, H_k, W_k]`, fine to coarse.   images [B, C, H, W]
  public func maps(_ images: Tensor, _ context: ForwardContext? = nil) -> [Tensor] {
    var x = stemNorm(stemConv(images))
    return stages.enumerated().map { k, stage in
      x = stage(x, context?.child("stages", k))
      return x
    }
  }

  /// Pooled and normalised features, `[B, D]`.   images [B, C, H, W]
  public func callAsFunction(_ images: Tensor, _ context: ForwardContext? = nil) -> Tensor {
    guard let last = maps(images, context).last else { requirementFailed("a ConvNeXt has at least one stage") }
    return norm(last.globalAveragePooled())
  }
}
