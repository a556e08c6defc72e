import ReproData
import ReproNN
import ReproTensor

/// A network that sees and hears: what it thinks of a picture, of a sound, and of the two together.
///
/// All three networks of the paper are one: a score for a feature of a place beside the feature of a sound. AVE-Net and
/// L3-Net pool the places first, so that a picture has one; AVOL-Net pools the scores.
///
///     AVE-Net:   v = h_v(x) / |h_v(x)|, a = h_a(y) / |h_a(y)|, d = |v - a|,  z = W d + b           (fc3, 1 -> 2)
///     L3-Net:    z = fc2(ReLU(fc1([x, y])))
///     AVOL-Net:  s = <h_v(x), h_a(y)>,  z = w s + b                                                 (conv7, 1 -> 1)
///
/// x is the picture's feature, y that of the sound after global max pooling, h two affine maps with a ReLU between
/// them. The score is the logit of the softmax over z, or z itself.
public struct AudioVisualNetwork: Layer {
  public var vision, audio: ConvolutionalSubnet
  public var visionHead, audioHead: DenseNetwork?  // h_v, h_a
  public var fusion: DenseNetwork?  // L3-Net
  public var decision: Linear?
  private let kind: ObjectsThatSoundOptions.Network
  private let normalizes: Bool
  private let pooling: ObjectsThatSoundOptions.Pooling

  init(_ options: ObjectsThatSoundOptions, channels: Int, random: RandomStream) {
    func subnet(_ channels: Int, _ stride: Int, _ pools: Int, _ name: String) -> ConvolutionalSubnet {
      ConvolutionalSubnet(
        channels, widths: options.widths, convolutions: options.convolutions, stride: stride, pools: pools,
        random: random.child(name))
    }
    vision = subnet(channels, options.strides.picture, options.pools.picture, "vision")
    audio = subnet(1, options.strides.sound, options.pools.sound, "audio")
    (kind, normalizes, pooling) = (options.network, options.normalizes, options.pooling)
    let widths = [vision.width, options.hidden, options.embedding]
    guard kind != .l3Net else {
      fusion = DenseNetwork([2 * vision.width, options.hidden, 2], random: random.child("fusion"))
      return
    }
    let activation: Activation = kind == .avolNet && !options.isNonlinear ? .identity : .relu
    visionHead = DenseNetwork(widths, activation: activation, random: random.child("vision_head"))
    audioHead = DenseNetwork(widths, random: random.child("audio_head"))
    let (slope, offset) = options.decision
    if kind == .aveNet {
      // Two classes, (apart, together): their difference is slope * d + offset.
      decision = Linear(
        weight: Tensor([2, 1], [-slope / 2, slope / 2]), bias: Tensor([2], [-offset / 2, offset / 2]))
    } else {
      // s starts small: places count as unlikely, so that only the best ones matter.
      decision = Linear(weight: Tensor([1, 1], [1]), bias: Tensor([1], [0]))
    }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("vision", &vision)
    v("audio", &audio)
    v("vision_head", &visionHead)
    v("audio_head", &audioHead)
    v("fusion", &fusion)
    v("decision", &decision)
  }

  /// Features of places, `[n, P, D]`, of maps `[n, D, h, w]`.
  static func places(_ map: Tensor) -> Tensor { map.flattened(from: 2, through: 3).transposed(1, 2) }

  /// What is compared with a sound: the pooled feature, `[n, 1, D]`, or those of all places.
  func sights(_ map: Tensor) -> Tensor {
    kind == .avolNet ? Self.places(map) : map.globalMaxPooled().expandedAxis(1)
  }

  /// Features of places in the space of the score, `[n, P, D] -> [n, P, E]`.
  func seen(_ places: Tensor) -> Tensor { projected(places, visionHead) }

  /// The feature of a sound in the space of the score, `[n, D] -> [n, E]`.
  func heard(_ pooled: Tensor) -> Tensor { projected(pooled, audioHead) }

  private func projected(_ x: Tensor, _ head: DenseNetwork?) -> Tensor {
    guard let head else { return x }
    let y = head(x)
    return kind == .aveNet && normalizes ? y.l2Normalized() : y
  }

  /// The score of every place of each picture with its sound, `[n, P, E]` and `[n, E]` to logits `[n, P]`.
  func scores(_ seen: Tensor, _ heard: Tensor) -> Tensor {
    let (n, places) = (seen.shape[0], seen.shape[1])
    let partner = heard.expandedAxis(1)  // [n, 1, E]
    let z: Tensor
    if let fusion {
      let both = concat([seen, partner.broadcast(to: [n, places, heard.shape[1]])], axis: -1)
      z = fusion(both)
    } else if let decision, kind == .aveNet {
      // The root has no slope at 0: equal embeddings would give gradients that are no numbers.
      let distance = ((seen - partner).squared().sum(-1, keepsAxis: true) + 1e-8).sqrt()
      z = decision(distance)
    } else if let decision {
      z = decision((seen * partner).sum(-1, keepsAxis: true))
    } else {
      requirementFailed("a network of kind \(kind) lacks its last layer")
    }
    return (z.shape[-1] == 2 ? z.slice(-1, 1..<2) - z.slice(-1, 0..<1) : z).reshaped([n, places])
  }

  /// One score for each pair, `[n, P] -> [n]`.
  func pooled(_ scores: Tensor) -> Tensor {
    // The sigmoid rises, so the largest probability is that of the largest score.
    pooling == .max || kind != .avolNet ? scores.amax() : scores.mean(-1)
  }
}
