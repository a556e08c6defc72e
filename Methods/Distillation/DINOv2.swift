import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// DINOv2: a student matches its own moving average, on whole images (DINO), on masked patches (iBOT), spread out by KoLeo.
///
///     loss = w_dino L_DINO + w_ibot L_iBOT + w_koleo (KoLeo(crop 1) + KoLeo(crop 2))
///     L_DINO = [ sum_{local l, global g} H(p_g, s_l) + H(p_2, s_1) + H(p_1, s_2) ] / (2 locals + 2)
///     L_iBOT = 1 / (2B) sum_images 1/|mask| sum_{t in mask} H(p_t, s_t),   H(p, s) = -sum_k p_k log softmax(s / 0.1)_k
///
/// The teacher sees two global crops; the student sees them with masked patches, and small local crops. Masks stay where
/// w_ibot is 0, as the authors' do; `mask: {probability: 0}` switches them off. With `distill` a larger teacher is trained
/// by the stage `teacher` and then frozen; the student sees everything then: no masks, no stochastic depth, and all patches
/// are matched (Section 5).
/// - Source: Oquab et al. 2023 (arXiv 2304.07193) and the authors' code; deviations in Reproductions/dinov2/NOTES.md.
public struct DINOv2: FineTunable {
  public static let card = MethodCard(
    id: "dinov2", title: "DINOv2: Learning Robust Visual Features without Supervision", year: 2023, arxiv: "2304.07193",
    family: .distillation)

  let options: DINOv2Options

  public init(_ section: inout Section) throws(ReproError) { options = try DINOv2Options(&section) }

  public struct State: Layer {
    var model: SelfDistillationPair
    var large: SelfDistillationPair?  // what to distil from
    var retriever: SelfDistillationPair?  // what the pool is curated with
    var chosen: ChosenSamples?

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("model", &model)
      v("large", &large)
      v("retriever", &retriever)
      v("chosen", &chosen)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    let image = try data.image()
    var vit = try options.vit(options.size, image)
    if options.distill != nil { vit.dropPath = 0 }  // a student of a frozen teacher skips no blocks
    let large = try options.distill.map { try options.vit($0, image) }
    return State(
      model: SelfDistillationPair(vit, options.heads, random: random.child("model")),
      large: large.map { SelfDistillationPair($0, options.heads, random: random.child("large")) },
      retriever: options.curation.map { _ in
        SelfDistillationPair(vit, options.heads, random: random.child("retriever"))
      },
      chosen: options.curation.map { ChosenSamples(size: $0.size, random: random.child("chosen")) })
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let images = try self.images(of: &state, context)
    let crops = options.crops(at: context.stage).crops(of: images, random: context.random.child("crops"))
    if context.stage == "retriever", var retriever = state.retriever {
      state.retriever = nil  // the only reference, so that updates happen in place
      defer { state.retriever = retriever }
      return selfDistill(&retriever, crops, &context, "retriever")
    }
    guard var large = state.large else {
      var metrics = selfDistill(&state.model, crops, &context, "main")
      if let chosen = state.chosen { metrics["wanted"] = chosen.wanted.item }
      return metrics
    }
    if context.stage == "teacher" {
      state.large = nil  // the only reference, so that updates happen in place
      defer { state.large = large }
      return selfDistill(&large, crops, &context, "large")
    }
    let patches = BlockMasks(allPatchesOf: 2 * crops.count, patches: patchCount(crops))
    return train(&state.model, teacher: large.teacher, crops, patches, masksInput: false, &context, "main")
  }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let images = batch.images().normalizedTensor
    let backbone = state.model.teacher.backbone
    let output = backbone(images)
    let (rows, columns) = (images.shape[2] / options.patch, images.shape[3] / options.patch)
    return Features(
      global: output.classToken, dense: output.patches.reshaped([images.shape[0], rows, columns, options.size.width]))
  }

  /// The average's backbone, whose features `embed` gives.
  public func network(of state: State) -> VisionTransformer { state.model.teacher.backbone }

  public func embedding(
    _ network: inout VisionTransformer, of batch: Batch, context: ForwardContext?
  ) throws -> Tensor { network(batch.images().normalizedTensor, context).classToken }

  // MARK: one step

  private func patchCount(_ crops: MultiCrop.Crops) -> Int {
    let side = crops.globals[0].shape[2] / options.patch
    return side * side
  }

  private func selfDistill(
    _ pair: inout SelfDistillationPair, _ crops: MultiCrop.Crops, _ context: inout StepContext, _ name: String
  ) -> Metrics {
    let side = crops.globals[0].shape[2] / options.patch
    let masks = BlockMasks(
      images: 2 * crops.count, rows: side, columns: side, probability: options.maskProbability,
      ratio: options.maskRatio, random: context.random.child("masks"))
    return train(&pair, teacher: pair.teacher, crops, masks, masksInput: true, &context, name)
  }

  /// One update of the student and of its average. Images meet in the targets and in `loss` only.
  ///
  /// - Parameters:
  ///   - pair: student, its average, and the centres that targets are made with.
  ///   - teacher: who makes the targets: the average, or the frozen larger network.
  ///   - masks: patches of the global crops that are matched, first crops before second ones.
  ///   - masksInput: whether the student sees the mask token in their places.
  ///   - name: the optimizer's.
  func train(
    _ pair: inout SelfDistillationPair, teacher: SelfDistillationNetwork, _ crops: MultiCrop.Crops, _ masks: BlockMasks,
    masksInput: Bool, _ context: inout StepContext, _ name: String
  ) -> Metrics {
    let parts = (0..<context.shards).map { CropShard(crops, masks, context.rows(ofShard: $0, count: crops.count)) }
    let usesPatches = options.weights.ibot > 0
    let temperature = Real(options.teacherTemperature(context.progress))
    func part(_ rows: Range<Int>) -> CropShard { parts[rows.lowerBound / rows.count] }
    let outputs = context.gather(crops.count) { teacher.targets(of: part($0), usesPatches: usesPatches) }
    let cls = concat([outputs[0], outputs[1]])  // [2B, K]
    // [masked, K]; on small grids it can happen that nothing is masked.
    let patches = usesPatches && outputs[2].shape[0] > 0 ? outputs[2] : nil
    let target = options.assign(cls, pair.dinoCenter, temperature).split(2)
    let patchTarget = patches.map { options.assign($0, pair.ibotCenter, temperature) }
    if options.centering == .softmax {
      pair.dinoCenter = movedCenter(pair.dinoCenter, towards: cls)
      if let patches { pair.ibotCenter = movedCenter(pair.ibotCenter, towards: patches) }
    }

    var metrics: Metrics = [:]
    let drop = ForwardContext(random: context.random.child("drop"))
    let (value, gradients) = context.valueAndGradients(of: &pair.student, samples: crops.count) { student, rows in
      student.outputs(
        of: part(rows), masksInput: masksInput, usesPatches: usesPatches, drop.child("rows", rows.lowerBound))
    } loss: { z in
      loss(StudentOutputs(z), target, patchTarget, parts, &metrics)
    }
    metrics["loss"] = value.item
    let scaling = options.scaling(context.progress, depth: pair.student.backbone.blocks.count)
    metrics["gradient"] = context.update(
      &pair.student, gradients, optimizer: name, scaling: scaling, clipGroup: { String($0.path.prefix { $0 != "." }) })
    pair.teacher.average(with: pair.student, rate: Real(options.teacherMomentum(context.progress)))
    metrics["target-entropy"] = entropyRows(concat(target)).mean().item
    metrics["usage-entropy"] = entropyRows(concat(target).mean(0, keepsAxis: true)).mean().item
    return metrics.leading("loss")
  }

  /// The three terms, over the whole batch.
  func loss(
    _ z: StudentOutputs, _ target: [Tensor], _ patchTarget: Tensor?, _ parts: [CropShard], _ metrics: inout Metrics
  ) -> Tensor {
    let terms = Real(2 * (parts[0].locals.count) + 2)
    var dino: Tensor =
      crossEntropyRows(targets: target[1], logits: z.first, temperature: options.studentTemperature).mean()
      + crossEntropyRows(targets: target[0], logits: z.second, temperature: options.studentTemperature).mean()
    if let locals = z.locals {
      // H is linear in the target, so both global targets of an image are added first.
      let both = (target[0] + target[1]).gathered(IndexTensor(parts.flatMap(\.rowsOfLocals)))  // [L B, K]
      dino =
        dino + crossEntropyRows(targets: both, logits: locals, temperature: options.studentTemperature).sum()
        / Real(target[0].shape[0])
    }
    dino = dino / terms
    metrics["dino"] = dino.item
    var total: Tensor = dino * options.weights.dino
    if options.weights.ibot > 0 { metrics["ibot"] = 0 }
    if let patchTarget, let patches = z.patches {
      let rows = crossEntropyRows(targets: patchTarget, logits: patches, temperature: options.studentTemperature)
      let ibot = (rows * concat(parts.map(\.weights))).sum() / Real(2 * target[0].shape[0])
      metrics["ibot"] = ibot.item
      total = total + ibot * options.weights.ibot
    }
    if options.weights.koleo > 0 {
      let spread = koleo(z.firstToken) + koleo(z.secondToken)
      metrics["koleo"] = spread.item
      total = total + spread * options.weights.koleo
    }
    return total
  }
}
