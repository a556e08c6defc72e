import ReproNN
import ReproTensor

/// The convolutional half of L3-Net and its successors: stages of 3x3 convolutions with batch normalisation and ReLU, a
/// 2x2 max pooling between stages.   [B, C, H, W] -> [B, D, h, w]
///
/// The same shape serves pictures and spectrograms; only the first convolution may have a stride.
/// - Source: Arandjelovic and Zisserman 2017 (L3-Net, arXiv 1705.08168), Figure 2, and 2018 (arXiv 1712.06651),
///   Figure 2.
public struct ConvolutionalSubnet: Layer {
  /// A convolution without bias and its normalisation.
  public struct Block: Layer {
    public var conv: Conv2d
    public var norm: BatchNorm2d
    public mutating func visit(_ v: inout some LayerVisitor) {
      v("conv", &conv)
      v("norm", &norm)
    }
  }

  public var blocks: [Block]
  /// Blocks before which the map is pooled.
  private let pooled: Set<Int>
  /// Channels of the last stage.
  public let width: Int

  /// - Parameters:
  ///   - channels: of the input.
  ///   - widths: channels of each stage; the paper has 64, 128, 256, 512.
  ///   - convolutions: of each stage; the paper has 2.
  ///   - stride: of the first convolution; the paper has 2.
  ///   - pools: after how many of the first stages the map is pooled; after all but the last if nil, as in the paper.
  public init(_ channels: Int, widths: [Int], convolutions: Int, stride: Int, pools: Int? = nil, random: RandomStream) {
    require(
      !widths.isEmpty && convolutions > 0, "a subnet has a stage and a convolution, got \(widths), \(convolutions)")
    var (blocks, pooled, before) = ([Block](), Set<Int>(), channels)
    for (stage, width) in widths.enumerated() {
      if stage > 0 && stage <= pools ?? widths.count { pooled.insert(blocks.count) }
      for _ in 0..<convolutions {
        blocks.append(
          Block(
            conv: Conv2d(
              before, width, kernel: 3, stride: Extent2D(blocks.isEmpty ? stride : 1), padding: 1, bias: false,
              initialization: .kaimingNormal, random: random.child("blocks", blocks.count)),
            norm: BatchNorm2d(width)))
        before = width
      }
    }
    (self.blocks, self.pooled, width) = (blocks, pooled, before)
  }

  public mutating func visit(_ v: inout some LayerVisitor) { v("blocks", &blocks) }

  /// Training: statistics of this batch.
  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var h = x
    for i in blocks.indices {
      if pooled.contains(i) { h = h.maxPooled(2) }
      h = blocks[i].norm(blocks[i].conv(h), context).relu()
    }
    return h
  }

  /// Frozen: running statistics.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var h = x
    for i in blocks.indices {
      if pooled.contains(i) { h = h.maxPooled(2) }
      h = blocks[i].norm(blocks[i].conv(h)).relu()
    }
    return h
  }
}
