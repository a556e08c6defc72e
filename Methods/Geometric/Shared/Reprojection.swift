import ReproTensor

/// What a batch is judged by: the target, its neighbours, and how pictures of other cameras explain it.
struct Reprojection {
  let target: PhotometricTarget
  /// Frames before and after, as they are, `[B, 3, H, W]`.
  let sources: [Tensor]
  let intrinsics: Tensor
  let range: ClosedRange<Real>
  /// min over sources of pe(I_s, I_t): what a camera at rest would explain, `[B, 1, H, W]`.
  let identity: Tensor

  /// - Parameters:
  ///   - target: `[B, 3, H, W]`.
  ///   - range: nearest and farthest depth, in the networks' unit.
  init(target image: Tensor, sources: [Tensor], intrinsics: Tensor, range: ClosedRange<Real>) {
    target = PhotometricTarget(image)
    (self.sources, self.intrinsics, self.range) = (sources, intrinsics, range)
    identity = target.leastError(of: sources)
  }

  init(_ sample: ClipSample, sources offsets: [Int], range: ClosedRange<Real>) {
    self.init(
      target: sample.frame(0), sources: offsets.map { sample.frame($0) }, intrinsics: sample.intrinsics, range: range)
  }

  /// Depth at full resolution from a disparity of any, `[B, 1, H, W]`.
  func depth(_ disparity: Tensor) -> Tensor {
    let image = target.image.shape
    let full = disparity.resized(to: [image[2], image[3]])
    return depthOfDisparity(full, range)
  }

  /// r = min over sources of pe(I_{s->t}, I_t), `[B, 1, H, W]`.
  ///
  /// - Parameter motions: from the target into each source, `[B, 4, 4]`.
  func error(depth: Tensor, motions: [Tensor]) -> Tensor {
    target.leastError(
      of: zip(sources, motions).map { warped($0, depth: depth, intrinsics: intrinsics, motion: $1) })
  }

  /// The target at the resolution of a disparity: means of squares of pixels.
  func image(like disparity: Tensor) -> Tensor {
    let factor = target.image.shape[3] / disparity.shape[3]
    return factor == 1 ? target.image : target.image.averagePooled(Extent2D(factor))
  }
}
