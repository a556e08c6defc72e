import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// ManyDepth: depth from a picture and the ones before it, learnt from video alone.
///
///     L        = 1/S sum over scales of  L_p + L_consistency + 1e-3 / 2^s L_smooth                       (Eq. 7)
///     L_p      = sum(M r) / sum(M),   r = min over t-1, t+1 of pe(I_t, I_{n->t})                          (Eq. 2)
///     L_consistency = mean( (1 - M) |D_t - D~_t| )                                                       (Eq. 6)
///     M        = volume observed and max((D_cv - D~) / D~, (D~ - D_cv) / D_cv) < 1, not augmented        (Eq. 4, 5)
///
/// D_t: the multi-frame network with a cost volume of I_{t-1}; D~_t: the single-frame teacher, trained by Monodepth2's loss
/// together with the pose network; D_cv: the depth of least cost. Neither teacher nor poses feel the multi-frame loss.
///
/// Stages: in `warm-up` only teacher and poses are trained, in `frozen` only the multi-frame network (whose optimizer
/// begins anew, as the authors' does), in all others both. Without `multi_frame` the method is Monodepth2 and trains it in
/// every stage.
/// - Source: Watson et al. 2021 (arXiv 2104.14540) and the authors' code; deviations in Reproductions/manydepth/NOTES.md.
public struct ManyDepth: MethodPlugin {
  public static let card = MethodCard(
    id: "manydepth", title: "The Temporal Opportunist: Self-Supervised Multi-Frame Monocular Depth", year: 2021,
    arxiv: "2104.14540", family: .geometric)

  let options: ManyDepthOptions

  public init(_ section: inout Section) throws(ReproError) { options = try ManyDepthOptions(&section) }

  /// The teacher with the network that says how the camera moved: Monodepth2.
  struct SingleFrameModel: Layer {
    var depth: SingleFrameNetwork
    var pose: PoseNetwork?  // nil where motions are given

    mutating func visit(_ v: inout some LayerVisitor) {
      v("depth", &depth)
      v("pose", &pose)
    }
  }

  public struct State: Layer {
    var single: SingleFrameModel
    var multi: MultiFrameNetwork?
    var bins: DepthBins

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("single", &single)
      v("multi", &multi)
      v("bins", &bins)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    try options.check(data)
    func network(_ random: RandomStream) -> SingleFrameNetwork {
      let encoder = StagedEncoder(width: options.width, blocks: options.blocks, random: random.child("encoder"))
      let (width, finest, scales) = options.decoder
      let decoder = DisparityDecoder(
        encoder.widths, width: width, finest: finest, scales: scales, random: random.child("decoder"))
      return SingleFrameNetwork(encoder: encoder, decoder: decoder)
    }
    let multi = network(random.child("multi"))
    return State(
      single: SingleFrameModel(
        depth: network(random.child("single")),
        pose: options.poses == .given
          ? nil
          : PoseNetwork(
            width: options.width, blocks: options.blocks, hidden: options.poseHidden, random: random.child("pose"))),
      multi: options.hasMultiFrame
        ? MultiFrameNetwork(
          encoder: multi.encoder, decoder: multi.decoder, planes: options.planes, matching: options.matching,
          random: random.child("multi")) : nil,
      bins: DepthBins(near: options.bins.near, far: options.bins.far, rate: options.bins.rate))
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let sample = ClipSample(
      training: try context.batch(), offsets: -options.lookups...1, flip: options.flip, colour: options.colour,
      unit: options.unit, random: context.random.child("clips"))
    let scene = Reprojection(sample, sources: [-1, 1], range: options.range)
    var metrics: Metrics = [:]
    let isFrozen = context.stage == "frozen" && options.hasMultiFrame
    let trained = isFrozen ? nil : trainedTeacher(&state.single, sample, scene, context, &metrics)
    if var multi = state.multi, context.stage != "warm-up" {
      state.multi = nil  // the only reference, so that updates happen in place
      defer { state.multi = multi }
      if options.inherits, context.stage != "frozen", context.step == 0 { multi.inherit(state.single.depth) }
      let teacher = trained?.outputs ?? frozenTeacher(state.single, sample, context)
      let gradients = trainedMulti(&multi, state, sample, scene, teacher, context, &metrics)
      metrics["gradient"] = context.update(&multi, gradients, optimizer: "multi")
    }
    if let trained {
      let norm = context.update(&state.single, trained.gradients, optimizer: "single")
      metrics["gradient"] = max(metrics["gradient"] ?? 0, norm)
      state.bins.follow(scene.depth(trained.outputs.disparities[0]), least: options.range.lowerBound)
    }
    metrics["near"] = state.bins.limits.values[0]
    metrics["far"] = state.bins.limits.values[1]
    metrics["loss"] = (metrics["single"] ?? 0) + (metrics["multi"] ?? 0)
    return metrics.leading("loss")
  }

  /// Depth of the middle frame, `[B, H, W]` in the networks' unit: `depth` from it and the frames before it, `static-depth`
  /// from copies of itself in their place, `single-depth` by the teacher alone.
  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let sample = ClipSample(middleOf: batch, offsets: -options.lookups...0, unit: options.unit)
    let image = sample.frame(0)
    let single = fullDepth(state.single.depth(image), like: image)
    guard let multi = state.multi else {
      let map = state.single.depth.encoder.late(state.single.depth.encoder.early(image)[1])[2]
      return Features(
        global: map.globalAveragePooled(),
        outputs: ["depth": single, "static-depth": single, "single-depth": single])
    }
    let moved = frozenOutput(state, multi, sample, isStatic: false)
    let still = frozenOutput(state, multi, sample, isStatic: true)
    return Features(
      global: moved.coarsest.globalAveragePooled(),
      outputs: [
        "depth": fullDepth(moved.disparities, like: image), "static-depth": fullDepth(still.disparities, like: image),
        "single-depth": single,
      ])
  }

  // MARK: frozen

  private func fullDepth(_ disparities: [Tensor], like image: Tensor) -> Tensor {
    depthOfDisparity(disparities[0].resized(to: [image.shape[2], image.shape[3]]), options.range).squeezed(1)
  }

  /// One pass for the middle frame of each clip; `isStatic` puts it in the place of the earlier ones too.
  func frozenOutput(
    _ state: State, _ multi: MultiFrameNetwork, _ sample: ClipSample, isStatic: Bool
  ) -> MultiFrameNetwork.Output {
    let image = sample.frame(0)
    let motions: [Tensor]
    if isStatic {
      let rest = Tensor.zeros([image.shape[0], 6]).rigidExponential()
      let step = state.single.pose.map { $0(image, image).rigidInverse() } ?? rest
      motions = (1..<options.lookups).reduce([step]) { chain, _ in chain + [matmul(step, chain[chain.count - 1])] }
    } else {
      let first = state.single.pose.map { $0(sample.frame(-1), image).rigidInverse() }
      motions = pastMotions(sample, first, state.single)
    }
    let lookups = motions.enumerated().map { k, motion in
      Lookup(features: multi.compared(isStatic ? image : sample.frame(-1 - k)), motion: motion)
    }
    let planes = state.bins.planes(options.planes, inverse: options.hasInversePlanes)
    return multi(image, lookups, sample.intrinsics, planes)
  }
}
