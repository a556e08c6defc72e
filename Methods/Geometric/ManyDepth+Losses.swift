import ReproEngine
import ReproNN
import ReproTensor

// The two losses of a step: Monodepth2's for teacher and poses, the masked one for the multi-frame network.

extension ManyDepth {
  // MARK: the teacher

  /// What the multi-frame network is told: constants.
  struct TeacherOutputs {
    var disparities: [Tensor]  // fine to coarse
    var motions: [Int: Tensor]  // from the target, [B, 4, 4]
  }

  /// Motions from the target into the frames before and after it. Pairs are seen in the order of time.
  private func motions(_ model: inout SingleFrameModel, _ sample: ClipSample, _ context: ForwardContext) -> [Tensor] {
    guard model.pose != nil else { return [-1, 1].compactMap { sample.motions[$0] } }
    let before = model.pose?(sample.view(-1), sample.view(0), context)
    let after = model.pose?(sample.view(0), sample.view(1), context)
    return [before?.rigidInverse(), after].compactMap { $0 }
  }

  /// Monodepth2's loss with the gradient of teacher and poses.
  func trainedTeacher(
    _ model: inout SingleFrameModel, _ sample: ClipSample, _ scene: Reprojection, _ context: StepContext,
    _ metrics: inout Metrics
  ) -> (outputs: TeacherOutputs, gradients: Gradients) {
    let forward = ForwardContext(random: context.random.child("single"))
    var outputs = TeacherOutputs(disparities: [], motions: [:])
    let (value, gradients) = context.valueAndGradients(of: &model, samples: scene.identity.shape[0]) { model, rows in
      let part = sample.rows(rows)
      return model.depth(part.view(0), forward) + motions(&model, part, forward)
    } loss: { z in
      let (disparities, motions) = (Array(z.dropLast(2)), Array(z.suffix(2)))
      outputs.disparities = disparities.map(\.detached)
      outputs.motions = [-1: motions[0].detached, 1: motions[1].detached]
      return teacherLoss(disparities, motions, scene, ties: context.random)
    }
    metrics["single"] = value.item
    return (outputs, gradients)
  }

  /// Monodepth2's loss, a mean over scales, fine to coarse.
  ///
  ///     sum(mu r) / sum(mu) + smoothness,   mu = r < min over sources of pe(I_t, I_s)
  func teacherLoss(_ disparities: [Tensor], _ motions: [Tensor], _ scene: Reprojection, ties: RandomStream) -> Tensor {
    var total = Tensor(0)
    for (k, disparity) in disparities.enumerated() {
      let r = scene.error(depth: scene.depth(disparity), motions: motions)
      // Pixels that do not change, or move with the camera, teach nothing; noise breaks ties.
      var stream = ties.child("ties", k)
      let rest: Tensor = scene.identity + stream.normal(scene.identity.shape, deviation: 1e-5)
      total = total + maskedMean(r, r.isLess(rest)) + smoothness(disparity, scene, k)
    }
    return total / Real(disparities.count)
  }

  /// The teacher once it is frozen.
  func frozenTeacher(_ model: SingleFrameModel, _ sample: ClipSample, _ context: StepContext) -> TeacherOutputs {
    let count = sample.intrinsics.shape[0]
    let disparities = context.gather(count) { model.depth(sample.rows($0).view(0)) }
    guard let pose = model.pose else { return TeacherOutputs(disparities: disparities, motions: sample.motions) }
    let motions = context.gather(count) { rows -> [Tensor] in
      let part = sample.rows(rows)
      return [pose(part.view(-1), part.view(0)).rigidInverse(), pose(part.view(0), part.view(1))]
    }
    return TeacherOutputs(disparities: disparities, motions: [-1: motions[0], 1: motions[1]])
  }

  private func smoothness(_ disparity: Tensor, _ scene: Reprojection, _ k: Int) -> Tensor {
    let weight = options.smoothness / Real(1 << (options.decoder.finest + k))
    return edgeAwareSmoothness(disparity, scene.image(like: disparity)) * weight
  }

  // MARK: the multi-frame network

  /// Frames that the volume looks at, and which samples were changed on purpose.
  private func lookupViews(_ sample: ClipSample, _ teacher: TeacherOutputs, _ state: State, _ random: RandomStream)
    -> (views: [Tensor], motions: [Tensor], isAugmented: Tensor)
  {
    let count = sample.intrinsics.shape[0]
    var (still, present) = ([Real](repeating: 0, count: count), [Real](repeating: 1, count: count))
    for i in 0..<count {
      var stream = random.child("augment", i)
      let draw = stream.uniform()
      if draw < options.augmentation.still {
        still[i] = 1
      } else if draw < options.augmentation.still + options.augmentation.missing {
        present[i] = 0
      }
    }
    let isStill = Tensor([count, 1, 1, 1], still)
    let isPresent = Tensor([count, 1, 1], present)
    let chain = pastMotions(sample, teacher.motions[-1], state.single)
    return (
      // A camera at rest sees the picture itself, with its own colours; the predicted motion stays.
      (1...options.lookups).map { select(isStill, sample.frame(0), sample.view(-$0)) },
      // A missing frame is known by a motion of zeros.
      chain.map { $0 * isPresent }, Tensor([count, 1, 1, 1], zip(still, present).map { $0 + 1 - $1 })
    )
  }

  /// Motions from the target into the earlier frames, nearest first; those beyond the first are chained, without gradient.
  func pastMotions(_ sample: ClipSample, _ first: Tensor?, _ model: SingleFrameModel) -> [Tensor] {
    guard let pose = model.pose, let first else { return (1...options.lookups).compactMap { sample.motions[-$0] } }
    var chain = [first]
    for n in stride(from: 2, through: options.lookups, by: 1) {
      chain.append(matmul(pose(sample.view(-n), sample.view(1 - n)).rigidInverse(), chain[n - 2]))
    }
    return chain
  }

  func trainedMulti(
    _ multi: inout MultiFrameNetwork, _ state: State, _ sample: ClipSample, _ scene: Reprojection,
    _ teacher: TeacherOutputs, _ context: StepContext, _ metrics: inout Metrics
  ) -> Gradients {
    let count = scene.identity.shape[0]
    let forward = ForwardContext(random: context.random.child("multi"))
    let (views, pastMotions, isAugmented) = lookupViews(sample, teacher, state, context.random)
    let planes = state.bins.planes(options.planes, inverse: options.hasInversePlanes)
    let features = views.map { view in
      context.gather(count) { rows in
        var copy = multi  // batch statistics, as in training; the running ones follow the current frames only
        return copy.compared(view.slice(0, rows), forward)
      }
    }
    let teacherDepths = teacher.disparities.map { scene.depth($0) }
    let motions = [-1, 1].compactMap { teacher.motions[$0] }
    var report: [(String, Real)] = []
    let (value, gradients) = context.valueAndGradients(of: &multi, samples: count) { network, rows in
      let lookups = zip(features, pastMotions).map { Lookup(features: $0.slice(0, rows), motion: $1.slice(0, rows)) }
      let part = sample.rows(rows)
      let output = network(part.view(0), lookups, part.intrinsics, planes, forward)
      return output.disparities + [output.volume.lowest, output.volume.isObserved]
    } loss: { z in
      let mask = reliability(lowest: z[z.count - 2], observed: z[z.count - 1], teacherDepths[0], isAugmented)
      let (loss, consistency) = multiLoss(Array(z.dropLast(2)), mask, teacherDepths, motions, scene)
      report = [("consistency", consistency), ("trusted", mask.mean().item)]
      return loss
    }
    metrics["multi"] = value.item
    for (name, number) in report { metrics[name] = number }
    return gradients
  }

  /// The loss of the multi-frame network (Eq. 7), a mean over scales, and its part that imitates the teacher.
  ///
  /// - Parameters:
  ///   - mask: M, `[B, 1, H, W]`.
  ///   - teacherDepths: of every scale, at full resolution.
  func multiLoss(
    _ disparities: [Tensor], _ mask: Tensor, _ teacherDepths: [Tensor], _ motions: [Tensor], _ scene: Reprojection
  ) -> (loss: Tensor, consistency: Real) {
    var (total, agreement) = (Tensor(0), Real(0))
    for (k, disparity) in disparities.enumerated() {
      let depth = scene.depth(disparity)
      let r = scene.error(depth: depth, motions: motions)
      let consistency = ((1 - mask) * (depth - teacherDepths[k]).abs()).mean()
      agreement += consistency.item
      total = total + maskedMean(r, mask) + consistency + smoothness(disparity, scene, k)
    }
    return (total / Real(disparities.count), agreement / Real(disparities.count))
  }

  /// M at full resolution, `[B, 1, H, W]`: where the volume is trusted. Maps are enlarged by nearest neighbours.
  ///
  /// Without `consistency` only augmented samples are taught by the teacher, as with the authors' `disable_motion_masking`.
  func reliability(lowest: Tensor, observed: Tensor, _ teacher: Tensor, _ isAugmented: Tensor) -> Tensor {
    let whole = Tensor.ones(teacher.shape) * (1 - isAugmented)
    guard options.hasConsistency else { return whole }
    func full(_ x: Tensor) -> Tensor { x.resized(to: [teacher.shape[2], teacher.shape[3]], .nearest) }
    let volume = full(lowest)
    let near: Tensor = ((volume - teacher) / teacher).isLess(Tensor(1))
    let far: Tensor = ((teacher - volume) / volume).isLess(Tensor(1))
    return whole * full(observed) * near * far
  }
}
