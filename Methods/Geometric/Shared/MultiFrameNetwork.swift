import ReproNN
import ReproTensor

/// Depth from a picture and earlier ones: theta_depth, a cost volume between the second and the third stage of the encoder.
///
///     F_t -> concat(F_t, masked volume) -> 3 x 3 convolution, ReLU -> stages 2 to 4 -> decoder with F_t's maps
///
/// - Source: Watson et al. 2021 (arXiv 2104.14540), Section 3.2 and Figure 2.
struct MultiFrameNetwork: Layer {
  /// Which features are compared, and with which the volume goes on.
  enum Matching: String, CaseIterable, Sendable {
    /// Those of the first stage, at a quarter of the resolution, as in the paper.
    case quarter
    /// Those of the stem, at a half, everything one stage earlier: a quarter of a small picture is too coarse to tell how far
    /// things are.
    ///
    ///     F_t -> concat(F_t, masked volume) -> 3 x 3 convolution, ReLU -> stages 1 to 4 -> decoder with F_t
    case half

    var factor: Int { self == .half ? 2 : 4 }
  }

  var encoder: StagedEncoder
  var reduce: Conv2d
  var decoder: DisparityDecoder
  let matching: Matching

  init(
    encoder: StagedEncoder, decoder: DisparityDecoder, planes: Int, matching: Matching = .quarter, random: RandomStream
  ) {
    (self.encoder, self.decoder, self.matching) = (encoder, decoder, matching)
    let width = encoder.widths[1]
    reduce = Conv2d(width + planes, width, kernel: 3, padding: 1, random: random.child("reduce"))
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("encoder", &encoder)
    v("reduce", &reduce)
    v("decoder", &decoder)
  }

  /// Takes the weights of a trained single-frame network; what is missing begins as the identity of the features, with a
  /// volume that does not matter yet.
  mutating func inherit(_ teacher: SingleFrameNetwork) {
    (encoder, decoder) = (teacher.encoder, teacher.decoder)
    let shape = reduce.weight.shape  // [W, W + P, 3, 3]
    reduce.weight = Tensor(shape) { p in
      for i in p.indices { p[i] = 0 }
      for c in 0..<shape[0] { p[(c * shape[1] + c) * 9 + 4] = 1 }
    }
    reduce.bias = .zeros([shape[0]])
  }

  /// What a pass gives: disparities, fine to coarse, the volume, and the coarsest map.
  typealias Output = (disparities: [Tensor], volume: CostVolume, coarsest: Tensor)

  /// Training. `lookups` hold features of this network, constants.
  ///
  /// - Parameters:
  ///   - image: `[B, 3, H, W]`.
  ///   - intrinsics: of the full resolution.
  mutating func callAsFunction(
    _ image: Tensor, _ lookups: [Lookup], _ intrinsics: Tensor, _ planes: [Real], _ context: ForwardContext
  ) -> Output {
    switch matching {
    case .quarter:
      let early = encoder.early(image, context)
      let volume = volume(early[1], lookups, intrinsics, planes)
      let late = encoder.late(fused(early[1], volume), context)
      return (decoder(early + late), volume, late[2])
    case .half:
      let stem = encoder.stem(image, context)
      let volume = volume(stem, lookups, intrinsics, planes)
      let first = encoder.first(fused(stem, volume), context)
      let late = encoder.late(first, context)
      return (decoder([stem, first] + late), volume, late[2])
    }
  }

  /// Frozen.
  func callAsFunction(_ image: Tensor, _ lookups: [Lookup], _ intrinsics: Tensor, _ planes: [Real]) -> Output {
    switch matching {
    case .quarter:
      let early = encoder.early(image)
      let volume = volume(early[1], lookups, intrinsics, planes)
      let late = encoder.late(fused(early[1], volume))
      return (decoder(early + late), volume, late[2])
    case .half:
      let stem = encoder.stem(image)
      let volume = volume(stem, lookups, intrinsics, planes)
      let first = encoder.first(fused(stem, volume))
      let late = encoder.late(first)
      return (decoder([stem, first] + late), volume, late[2])
    }
  }

  /// The features of an earlier picture that are compared; training.
  mutating func compared(_ image: Tensor, _ context: ForwardContext) -> Tensor {
    matching == .half ? encoder.stem(image, context) : encoder.early(image, context)[1]
  }

  /// The same, frozen.
  func compared(_ image: Tensor) -> Tensor {
    matching == .half ? encoder.stem(image) : encoder.early(image)[1]
  }

  /// The whole volume is without gradient, the current features in it too.
  private func volume(_ current: Tensor, _ lookups: [Lookup], _ intrinsics: Tensor, _ planes: [Real]) -> CostVolume {
    planeSweep(
      current.detached, lookups, intrinsics: coarseIntrinsics(intrinsics, factor: matching.factor), planes: planes)
  }

  private func fused(_ features: Tensor, _ volume: CostVolume) -> Tensor {
    reduce(concat([features, volume.masked], axis: 1)).relu()
  }
}
