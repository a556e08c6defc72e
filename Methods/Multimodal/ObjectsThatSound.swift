import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproScenes
import ReproTensor

/// Objects that Sound: pictures and sounds of one clip belong together, those of two clips do not. Nothing else is
/// learnt from, and yet the embeddings of both become aligned (AVE-Net), and places show where a sound comes from
/// (AVOL-Net).
///
///     loss = 1/2B sum_i [ -log sigmoid(score(picture_i, sound_i)) - log sigmoid(-score(picture_i, sound_(i + r))) ]
///
/// Every clip of a batch is in one pair that corresponds and in one that does not, its sound moved on by r clips, so
/// both kinds are equally frequent in every batch. `network` chooses who scores: AVE-Net's distance, L3-Net's fused
/// features, AVOL-Net's best place; see `AudioVisualNetwork`. The stage `align` of one step fits L3-Net's features to
/// each other by canonical correlation, the paper's baseline L3-Net + CCA. `positives` names the column of the sounds of
/// corresponding pairs: where it differs from that of the others in a way that has nothing to do with what is heard,
/// training finds that out (the paper's cautionary tale).
/// - Source: Arandjelovic and Zisserman 2018 (arXiv 1712.06651); deviations: Reproductions/objects-that-sound/NOTES.md
public struct ObjectsThatSound: MethodPlugin, FineTunable {
  public static let card = MethodCard(
    id: "objects-that-sound", title: "Objects that Sound", year: 2018, arxiv: "1712.06651", family: .multimodal)

  let options: ObjectsThatSoundOptions

  public init(_ section: inout Section) throws(ReproError) { options = try ObjectsThatSoundOptions(&section) }

  public struct State: Layer {
    var network: AudioVisualNetwork
    var alignment: CanonicalCorrelation?  // L3-Net

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("network", &network)
      v("alignment", &alignment)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    let clips = try SoundingClips(data, options)
    let network = AudioVisualNetwork(options, channels: clips.channels, random: random.child("network"))
    guard options.network == .l3Net else { return State(network: network, alignment: nil) }
    let width = network.vision.width
    guard options.cca.dimensions <= width else {
      throw ReproError(
        .usage, at: "method.cca.dimensions", found: "\(options.cca.dimensions) directions of \(width) features")
    }
    return State(
      network: network, alignment: CanonicalCorrelation((width, width), dimensions: options.cca.dimensions))
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    if context.stage == "align" { return try align(&state, context) }
    let batch = try context.batch()
    let frames = batch.images("video").lastFrames
    let pictures = options.views(frames.height).views(of: frames, random: context.random.child("views"))
    let together = options.spectrogram(batch.reals(options.positives))
    // Where both kinds of pairs hear the same recordings, each is heard once.
    let apart = options.negatives == options.positives ? nil : options.spectrogram(batch.reals(options.negatives))
    let n = batch.count / context.shards
    let shift = Self.partnerShift(n, context.random.child("partners"))
    let drop = ForwardContext(random: context.random.child("pass"))
    var metrics: Metrics = [:]
    let (value, gradients) = context.valueAndGradients(of: &state.network, samples: batch.count) { network, rows in
      var sounds = [together.slice(0, rows)]
      if let apart { sounds.append(apart.slice(0, rows)) }
      let map = network.vision(pictures.slice(0, rows), drop)
      let seen = network.seen(network.sights(map))
      let heard = network.heard(network.audio(concat(sounds), drop).globalMaxPooled()).split(sounds.count)
      let others = heard[sounds.count - 1].rolled(0, by: shift)
      return [network.pooled(network.scores(seen, heard[0])), network.pooled(network.scores(seen, others))]
    } loss: { scores in
      loss(together: scores[0], apart: scores[1], &metrics)
    }
    metrics["loss"] = value.item
    metrics["gradient"] = context.update(&state.network, gradients)
    return metrics.leading("loss")
  }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let network = state.network
    let pictures = batch.images("video").lastFrames.normalizedTensor
    let maps = network.vision(pictures)
    let sounds = network.audio(options.spectrogram(batch.reals("sound"))).globalMaxPooled()
    let (n, rows, columns) = (maps.shape[0], maps.shape[2], maps.shape[3])
    let heard = network.heard(sounds)
    let places = network.scores(network.seen(AudioVisualNetwork.places(maps)), heard)
    let map =
      switch options.map {
      case .learnt: places.reshaped([n, rows, columns])
      case .centre: PlainMaps.centre(n, rows: rows, columns: columns)
      case .salient: PlainMaps.salience(pictures, rows: rows, columns: columns)
      }
    let sights = network.seen(network.sights(maps))
    let (visual, audio) = (sights.amax(1), heard)
    return Features(
      global: visual,
      outputs: [
        "visual": state.alignment?.first(visual) ?? visual, "audio": state.alignment?.second(audio) ?? audio,
        "visual-plain": visual, "audio-plain": audio,
        "correspondence": network.pooled(network.scores(sights, heard)),
        "map": map,
      ])
  }

  // MARK: further training of the half that sees

  public func network(of state: State) -> AudioVisualNetwork { state.network }

  public func embedding(_ network: inout AudioVisualNetwork, of batch: Batch, context: ForwardContext?) throws -> Tensor
  {
    let pictures = batch.images("video").lastFrames.normalizedTensor
    let map = context.map { network.vision(pictures, $0) } ?? network.vision(pictures)
    return network.seen(network.sights(map)).amax(1)
  }

  // MARK: pieces

  /// By how many places the sounds of n clips move on to their partners that do not correspond: never by none.
  static func partnerShift(_ n: Int, _ random: RandomStream) -> Int {
    require(n > 1, "a pair that does not correspond needs another clip, got shards of \(n)")
    var stream = random
    return 1 + stream.integer(below: n - 1)
  }

  /// Logistic regression of both kinds of pairs, as often the one as the other.
  func loss(together: Tensor, apart: Tensor, _ metrics: inout Metrics) -> Tensor {
    metrics["accuracy"] =
      (Real(together.values.count { $0 > 0 }) + Real(apart.values.count { $0 <= 0 })) / Real(2 * together.count)
    metrics["together"] = together.mean().item
    metrics["apart"] = apart.mean().item
    let logits = concat([together, apart])
    let targets = concat([Tensor.ones(together.shape), Tensor.zeros(apart.shape)])
    return binaryCrossEntropy(logits: logits, targets: targets)
  }

  /// L3-Net + CCA: both features of all training clips, fitted to each other.
  private func align(_ state: inout State, _ context: StepContext) throws -> Metrics {
    guard var alignment = state.alignment, let data = context.data else {
      throw ReproError(
        .usage, at: "stages", found: "the stage 'align' with network \(options.network.rawValue)",
        expected: "network l3-net", hint: "align.steps: 0")
    }
    let all = try data.all()
    var (seen, heard): ([Tensor], [Tensor]) = ([], [])
    for first in stride(from: 0, to: all.count, by: 256) {
      let rows = Array(first..<min(first + 256, all.count))
      let part = Batch(indices: rows, columns: all.columns.map { name, values in (name, values.rows(rows)) })
      let outputs = try embed(state, part).outputs
      guard let visual = outputs["visual-plain"], let audio = outputs["audio-plain"] else { continue }
      seen.append(visual)
      heard.append(audio)
    }
    let cca = options.cca
    alignment.fit(concat(seen), concat(heard), regularization: cca.regularization, power: cca.power)
    state.alignment = alignment
    return ["loss": -alignment.correlations.mean().item, "best": alignment.correlations.values[0]]
  }
}

extension ImageBatch {
  /// The last frame of each sample: by then everything is at rest, so that only what is heard tells what sounds.
  var lastFrames: ImageBatch {
    if frames == 1 { return separated }
    return separated.rows((0..<count).map { $0 * frames + frames - 1 })
  }
}
