import ReproTensor

/// A convolution of volumes (or its transpose), batch normalisation and relu.
public struct VolumeBlock: Layer {
  public var conv: Conv3d?
  public var up: ConvTranspose3d?
  public var norm: BatchNorm

  /// A convolution that keeps the size; odd kernel.
  public init(_ inputs: Int, _ outputs: Int, kernel: Int, random: RandomStream) {
    conv = Conv3d(inputs, outputs, kernel: Extent3D(kernel), padding: Extent3D(kernel / 2), random: random)
    norm = BatchNorm(outputs)
  }

  /// A transposed convolution that doubles the size.
  public init(doubling inputs: Int, _ outputs: Int, random: RandomStream) {
    up = ConvTranspose3d(inputs, outputs, kernel: 2, stride: 2, random: random)
    norm = BatchNorm(outputs)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v.enter("block", nil, frozen: false)
    v("0", &conv)
    v("0", &up)
    v("1", &norm)
    v.leave()
  }

  private func mapped(_ x: Tensor) -> Tensor { conv.map { $0(x) } ?? up.map { $0(x) } ?? x }
  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    norm(mapped(x), context).relu()
  }
  public func callAsFunction(_ x: Tensor) -> Tensor { norm(mapped(x)).relu() }
}

/// A residual block of two 3 x 3 x 3 convolutions with biases.   [B, C, D, H, W] -> [B, O, D, H, W]
public struct ResidualVolumeBlock: Layer {
  public var conv1, conv2: Conv3d
  public var norm1, norm2: BatchNorm
  public var skip: Conv3d?
  public var skipNorm: BatchNorm?

  public init(_ inputs: Int, _ outputs: Int, random: RandomStream) {
    conv1 = Conv3d(inputs, outputs, kernel: 3, padding: 1, random: random.child("conv1"))
    conv2 = Conv3d(outputs, outputs, kernel: 3, padding: 1, random: random.child("conv2"))
    (norm1, norm2) = (BatchNorm(outputs), BatchNorm(outputs))
    if inputs != outputs {
      skip = Conv3d(inputs, outputs, kernel: 1, random: random.child("skip"))
      skipNorm = BatchNorm(outputs)
    }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v.enter("res_branch", nil, frozen: false)
    v("0", &conv1)
    v("1", &norm1)
    v("3", &conv2)
    v("4", &norm2)
    v.leave()
    v.enter("skip_con", nil, frozen: false)
    v("0", &skip)
    v("1", &skipNorm)
    v.leave()
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let y = norm2(conv2(norm1(conv1(x), context).relu()), context)
    guard let skip else { return (y + x).relu() }
    let own = skip(x)
    return (y + (skipNorm?(own, context) ?? own)).relu()
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let y = norm2(conv2(norm1(conv1(x)).relu()))
    guard let skip, let skipNorm else { return (y + x).relu() }
    return (y + skipNorm(skip(x))).relu()
  }
}

/// A network from volumes to volumes: an encoder and decoder of two levels with residual skips.   [B, C, D, H, W] -> [B, O, D, H, W]
///
/// Sides are multiples of 4. Names are those of the widely used PyTorch code of VoxelPose (arXiv 2004.06239).
/// - Source: Moon et al. 2017 (V2V-PoseNet, arXiv 1711.07399), Section 5.
public struct VolumetricNetwork: Layer {
  public var front: VolumeBlock
  public var frontRes: ResidualVolumeBlock
  public var encoderRes1, encoderRes2, midRes, decoderRes2, decoderRes1, skipRes1, skipRes2: ResidualVolumeBlock
  public var decoderUp2, decoderUp1: VolumeBlock
  public var outputLayer: Conv3d

  /// - Parameter width: channels of the first block, 16 in the paper; levels have 2, 4 and 8 times as many.
  public init(_ inputs: Int, _ outputs: Int, width: Int = 16, random: RandomStream) {
    func res(_ name: String, _ a: Int, _ b: Int) -> ResidualVolumeBlock {
      ResidualVolumeBlock(a, b, random: random.child(name))
    }
    let w = width
    front = VolumeBlock(inputs, w, kernel: 7, random: random.child("front"))
    frontRes = res("front_res", w, 2 * w)
    encoderRes1 = res("encoder_res1", 2 * w, 4 * w)
    encoderRes2 = res("encoder_res2", 4 * w, 8 * w)
    midRes = res("mid_res", 8 * w, 8 * w)
    decoderRes2 = res("decoder_res2", 8 * w, 8 * w)
    decoderUp2 = VolumeBlock(doubling: 8 * w, 4 * w, random: random.child("decoder_upsample2"))
    decoderRes1 = res("decoder_res1", 4 * w, 4 * w)
    decoderUp1 = VolumeBlock(doubling: 4 * w, 2 * w, random: random.child("decoder_upsample1"))
    skipRes1 = res("skip_res1", 2 * w, 2 * w)
    skipRes2 = res("skip_res2", 4 * w, 4 * w)
    outputLayer = Conv3d(2 * w, outputs, kernel: 1, random: random.child("output_layer"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v.enter("front_layers", nil, frozen: false)
    v("0", &front)
    v("1", &frontRes)
    v.leave()
    v.enter("encoder_decoder", nil, frozen: false)
    v("encoder_res1", &encoderRes1)
    v("encoder_res2", &encoderRes2)
    v("mid_res", &midRes)
    v("decoder_res2", &decoderRes2)
    v("decoder_upsample2", &decoderUp2)
    v("decoder_res1", &decoderRes1)
    v("decoder_upsample1", &decoderUp1)
    v("skip_res1", &skipRes1)
    v("skip_res2", &skipRes2)
    v.leave()
    v("output_layer", &outputLayer)
  }

  public mutating func callAsFunction(_ volume: Tensor, _ c: ForwardContext) -> Tensor {
    var x = frontRes(front(volume, c), c)
    let skip1 = skipRes1(x, c)
    x = encoderRes1(x.maxPooled3d(2), c)
    let skip2 = skipRes2(x, c)
    x = decoderRes2(midRes(encoderRes2(x.maxPooled3d(2), c), c), c)
    x = decoderRes1(decoderUp2(x, c) + skip2, c)
    return outputLayer(decoderUp1(x, c) + skip1)
  }

  public func callAsFunction(_ volume: Tensor) -> Tensor {
    var x = frontRes(front(volume))
    let skip1 = skipRes1(x)
    x = encoderRes1(x.maxPooled3d(2))
    let skip2 = skipRes2(x)
    x = decoderRes2(midRes(encoderRes2(x.maxPooled3d(2))))
    x = decoderRes1(decoderUp2(x) + skip2)
    return outputLayer(decoderUp1(x) + skip1)
  }
}
