import ReproTensor

/// A 3D convolution without bias and batch normalisation, named by their places in a sequence.
public struct NormalizedConv3d: Layer {
  public var conv: Conv3d
  public var norm: BatchNorm

  init(
    _ inputs: Int, _ outputs: Int, kernel: Extent3D, stride: Extent3D = 1, padding: Extent3D = 0, random: RandomStream
  ) {
    conv = Conv3d(
      inputs, outputs, kernel: kernel, stride: stride, padding: padding, bias: false, initialization: .kaimingNormal,
      random: random)
    norm = BatchNorm(outputs)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("0", &conv)
    v("1", &norm)
  }

  mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { norm(conv(x), context) }
  func callAsFunction(_ x: Tensor) -> Tensor { norm(conv(x)) }
}

/// A residual block of two 3 x 3 x 3 convolutions.   [B, C, T, H, W]
public struct ResidualBlock3d: Layer {
  public var conv1, conv2: NormalizedConv3d
  public var downsample: NormalizedConv3d?

  init(_ inputs: Int, _ outputs: Int, stride: Int, random: RandomStream) {
    conv1 = NormalizedConv3d(
      inputs, outputs, kernel: 3, stride: Extent3D(stride), padding: 1, random: random.child("conv1"))
    conv2 = NormalizedConv3d(outputs, outputs, kernel: 3, padding: 1, random: random.child("conv2"))
    if stride != 1 || inputs != outputs {
      downsample = NormalizedConv3d(
        inputs, outputs, kernel: 1, stride: Extent3D(stride), random: random.child("downsample"))
    }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("conv2", &conv2)
    v("downsample", &downsample)
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let y = conv2(conv1(x, context).relu(), context)
    return (y + (downsample?(x, context) ?? x)).relu()
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    (conv2(conv1(x).relu()) + (downsample.map { $0(x) } ?? x)).relu()
  }
}

/// A residual network over videos; names and layouts are those of torchvision's `r3d_18`.   [B, C, T, H, W]
///
/// - Source: Tran et al. 2017 (R3D, arXiv 1711.11248), Section 3.2 and Table 1.
public struct ResNet3D: Layer {
  public var stem: NormalizedConv3d
  public var layer1, layer2, layer3, layer4: [ResidualBlock3d]
  public var fc: Linear?

  /// - Parameters:
  ///   - blocks: of each of the four stages.
  ///   - width: channels of the first stage; each later stage has twice as many and half of the places and times.
  ///   - classes: outputs of the last linear map; nil for none.
  public init(
    blocks: [Int] = [2, 2, 2, 2], width: Int = 64, channels: Int = 3, classes: Int? = nil, random: RandomStream
  ) {
    require(blocks.count == 4 && blocks.allSatisfy { $0 > 0 }, "a residual network has four stages, got \(blocks)")
    stem = NormalizedConv3d(
      channels, width, kernel: [3, 7, 7], stride: [1, 2, 2], padding: [1, 3, 3], random: random.child("stem"))
    func stage(_ k: Int) -> [ResidualBlock3d] {
      (0..<blocks[k]).map { i in
        ResidualBlock3d(
          i > 0 || k == 0 ? width << k : width << (k - 1), width << k, stride: i == 0 && k > 0 ? 2 : 1,
          random: random.child("layer", k + 1).child("block", i))
      }
    }
    (layer1, layer2, layer3, layer4) = (stage(0), stage(1), stage(2), stage(3))
    fc = classes.map { .uniform(width * 8, $0, random: random.child("fc")) }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("stem", &stem)
    v("layer1", &layer1)
    v("layer2", &layer2)
    v("layer3", &layer3)
    v("layer4", &layer4)
    v("fc", &fc)
  }

  /// Training: logits `[B, classes]`, or pooled features `[B, D]` of a network without classes.
  public mutating func callAsFunction(_ video: Tensor, _ context: ForwardContext) -> Tensor {
    var x = stem(video, context).relu()
    func run(_ blocks: inout [ResidualBlock3d]) { for i in blocks.indices { x = blocks[i](x, context) } }
    run(&layer1)
    run(&layer2)
    run(&layer3)
    run(&layer4)
    let pooled = x.mean(axes: [2, 3, 4])
    return fc.map { $0(pooled) } ?? pooled
  }

  /// Frozen: the same with running statistics.
  public func callAsFunction(_ video: Tensor) -> Tensor {
    var x = stem(video).relu()
    for block in layer1 + layer2 + layer3 + layer4 { x = block(x) }
    let pooled = x.mean(axes: [2, 3, 4])
    return fc.map { $0(pooled) } ?? pooled
  }
}
