import ReproNN
import ReproTensor

/// How the camera moved between two pictures: [R t; 0 1] from the frame of the first camera into that of the second.
///
/// The six outputs (axis times angle, translation) are means over places, times 0.01, so that training begins near rest.
/// - Source: Godard et al. 2019 (arXiv 1806.01260), supplementary, and the authors' pose_decoder.py; for one motion, not two.
public struct PoseNetwork: Layer {
  public var encoder: StagedEncoder
  private var squeeze, conv0, conv1, conv2: Conv2d

  /// - Parameter hidden: channels of the head; 256 in the paper.
  public init(width: Int, blocks: [Int], hidden: Int, random: RandomStream) {
    encoder = StagedEncoder(channels: 6, width: width, blocks: blocks, random: random.child("encoder"))
    squeeze = Conv2d(encoder.widths[4], hidden, kernel: 1, random: random.child("squeeze"))
    conv0 = Conv2d(hidden, hidden, kernel: 3, padding: 1, random: random.child("conv", 0))
    conv1 = Conv2d(hidden, hidden, kernel: 3, padding: 1, random: random.child("conv", 1))
    conv2 = Conv2d(hidden, 6, kernel: 1, random: random.child("conv", 2))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("encoder", &encoder)
    v("squeeze", &squeeze)
    v("conv0", &conv0)
    v("conv1", &conv1)
    v("conv2", &conv2)
  }

  /// Motions `[B, 4, 4]` of pairs in the order of time, each `[B, 3, H, W]`; training.
  public mutating func callAsFunction(_ first: Tensor, _ second: Tensor, _ context: ForwardContext) -> Tensor {
    let early = encoder.early(concat([first, second], axis: 1), context)
    return motion(encoder.late(early[1], context)[2])
  }

  /// The same, frozen.
  public func callAsFunction(_ first: Tensor, _ second: Tensor) -> Tensor {
    motion(encoder.late(encoder.early(concat([first, second], axis: 1))[1])[2])
  }

  private func motion(_ map: Tensor) -> Tensor {
    let hidden = conv1(conv0(squeeze(map).relu()).relu()).relu()
    let six = conv2(hidden).mean(axes: [2, 3]) * 0.01  // [B, 6]
    return rigidMotion(rotation: six.slice(1, 0..<3).axisAngleToMatrix(), translation: six.slice(1, 3..<6))
  }
}
