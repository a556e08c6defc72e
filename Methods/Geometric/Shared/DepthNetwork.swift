import ReproNN
import ReproTensor

/// A residual encoder cut into its stem and stages, so that something can be done between them.
///
/// Channels in [0, 1] are normalised by (x - 0.45) / 0.225, as Monodepth2 does.
public struct StagedEncoder: Layer {
  public var network: ResNet

  /// - Parameters:
  ///   - channels: of the pictures; two pictures of three channels are stacked to six.
  ///   - width: channels of the stem and the first stage; 64 in the paper.
  ///   - blocks: of the four stages; [2, 2, 2, 2] in the paper.
  public init(channels: Int = 3, width: Int, blocks: [Int], random: RandomStream) {
    var c = ResNetConfiguration(blocks: blocks, isBottleneck: false)
    (c.channels, c.width) = (channels, width)
    network = ResNet(c, random: random)
  }

  public mutating func visit(_ v: inout some LayerVisitor) { v("network", &network) }

  /// Channels of the five maps, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the resolution.
  public var widths: [Int] {
    let w = network.configuration.width
    return [w, w, 2 * w, 4 * w, 8 * w]
  }

  /// The maps at 1/2 and 1/4 of the resolution; training.   [B, C, H, W] -> [B, W, H / 2, W / 2], [B, W, H / 4, W / 4]
  public mutating func early(_ images: Tensor, _ context: ForwardContext) -> [Tensor] {
    let stem = stem(images, context)
    return [stem, first(stem, context)]
  }

  /// The same, frozen.
  public func early(_ images: Tensor) -> [Tensor] {
    let stem = stem(images)
    return [stem, first(stem)]
  }

  /// The map at 1/2 of the resolution; training.
  mutating func stem(_ images: Tensor, _ context: ForwardContext) -> Tensor {
    network.bn1(network.conv1(normalized(images)), context).relu()
  }

  /// The same, frozen.
  func stem(_ images: Tensor) -> Tensor { network.bn1(network.conv1(normalized(images))).relu() }

  /// The map at 1/4 of the resolution, from that at 1/2; training.
  mutating func first(_ stem: Tensor, _ context: ForwardContext) -> Tensor {
    var x = stem.maxPooled(3, stride: 2, padding: 1)
    for i in network.layer1.indices { x = network.layer1[i](x, context) }
    return x
  }

  /// The same, frozen.
  func first(_ stem: Tensor) -> Tensor {
    network.layer1.reduce(stem.maxPooled(3, stride: 2, padding: 1)) { $1($0) }
  }

  /// The maps at 1/8, 1/16 and 1/32 of the resolution, from that at 1/4; training.
  public mutating func late(_ map: Tensor, _ context: ForwardContext) -> [Tensor] {
    var (x, maps) = (map, [Tensor]())
    func run(_ blocks: inout [ResidualBlock]) {
      for i in blocks.indices { x = blocks[i](x, context) }
      maps.append(x)
    }
    run(&network.layer2)
    run(&network.layer3)
    run(&network.layer4)
    return maps
  }

  /// The same, frozen.
  public func late(_ map: Tensor) -> [Tensor] {
    var x = map
    return [network.layer2, network.layer3, network.layer4].map { blocks in
      x = blocks.reduce(x) { $1($0) }
      return x
    }
  }

  private func normalized(_ images: Tensor) -> Tensor { (images - 0.45) / 0.225 }
}

/// A 3 x 3 convolution of a map with mirrored borders.
struct MirroredConvolution: Layer {
  var conv: Conv2d

  init(_ inputs: Int, _ outputs: Int, random: RandomStream) {
    conv = Conv2d(inputs, outputs, kernel: 3, random: random)
  }

  mutating func visit(_ v: inout some LayerVisitor) { v("conv", &conv) }

  func callAsFunction(_ x: Tensor) -> Tensor {
    conv(mirrored(x))
  }
}

/// Maps of an encoder to disparities in (0, 1) at several resolutions: Monodepth2's decoder.
///
/// Level i (4 to `finest`): a convolution, twice the resolution by nearest neighbours, the encoder's map of that resolution,
/// a convolution; ELU after each; heads with a sigmoid.
/// - Source: Godard et al. 2019 (arXiv 1806.01260), supplementary Table 5, and the authors' depth_decoder.py.
public struct DisparityDecoder: Layer {
  private var before, after, heads: [MirroredConvolution]
  private let finest: Int

  /// - Parameters:
  ///   - encoder: channels of its five maps.
  ///   - width: channels at full resolution, doubled at each level below; 16 in the paper.
  ///   - finest: the resolution of the finest disparity is 1 / 2^finest; 0 in the paper.
  ///   - scales: how many disparities, each of half the resolution of the one before; 4 in the paper.
  public init(_ encoder: [Int], width: Int, finest: Int, scales: Int, random: RandomStream) {
    require(
      encoder.count == 5 && finest >= 0 && scales >= 1 && finest + scales <= 5,
      "a decoder of five maps has scales finest..<finest + scales within 0..<5, got \(finest), \(scales)")
    self.finest = finest
    func channels(_ level: Int) -> Int { width << level }
    let levels = Array(stride(from: 4, through: finest, by: -1))
    before = levels.map { i in
      MirroredConvolution(i == 4 ? encoder[4] : channels(i + 1), channels(i), random: random.child("before", i))
    }
    after = levels.map { i in
      MirroredConvolution(channels(i) + (i > 0 ? encoder[i - 1] : 0), channels(i), random: random.child("after", i))
    }
    heads = (finest..<finest + scales).map { MirroredConvolution(channels($0), 1, random: random.child("head", $0)) }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("before", &before)
    v("after", &after)
    v("heads", &heads)
  }

  /// Disparities, fine to coarse, `[B, 1, H / 2^s, W / 2^s]` for s = finest, finest + 1, ...
  public func callAsFunction(_ maps: [Tensor]) -> [Tensor] {
    var x = maps[4]
    var found: [Tensor] = []
    for k in before.indices {
      let i = 4 - k
      x = before[k](x).elu()
      x = x.resized(to: [2 * x.shape[2], 2 * x.shape[3]], .nearest)
      if i > 0 { x = concat([x, maps[i - 1]], axis: 1) }
      x = after[k](x).elu()
      if i - finest < heads.count { found.append(heads[i - finest](x).sigmoid()) }
    }
    return found.reversed()
  }
}

/// Depth from a single picture: the teacher (theta_consistency), Monodepth2's network.
public struct SingleFrameNetwork: Layer {
  public var encoder: StagedEncoder
  public var decoder: DisparityDecoder

  public init(encoder: StagedEncoder, decoder: DisparityDecoder) { (self.encoder, self.decoder) = (encoder, decoder) }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("encoder", &encoder)
    v("decoder", &decoder)
  }

  /// Disparities, fine to coarse; training.   [B, 3, H, W]
  public mutating func callAsFunction(_ images: Tensor, _ context: ForwardContext) -> [Tensor] {
    let early = encoder.early(images, context)
    return decoder(early + encoder.late(early[1], context))
  }

  /// The same, frozen.
  public func callAsFunction(_ images: Tensor) -> [Tensor] {
    let early = encoder.early(images)
    return decoder(early + encoder.late(early[1]))
  }
}
