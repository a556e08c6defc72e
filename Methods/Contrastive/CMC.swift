import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// Contrastive multiview coding: an encoder for each view of a scene, trained so that views of one scene agree and views
/// of two scenes do not.
///
///     z_m = f_m(v_m) / |f_m(v_m)|;   h(v_i, v_j) = exp(z_i . z_j / tau)
///     L(V_i -> V_j) = -E log [ h(v_i^1, v_j^1) / sum_{b = 1..k+1} h(v_i^1, v_j^b) ]           (Section 3.2)
///     L(V_i, V_j) = L(V_i -> V_j) + L(V_j -> V_i)
///     core view: sum_{j > 1} L(V_1, V_j);   full graph: sum_{i < j} L(V_i, V_j)               (Section 3.4)
///
/// v_j^1 and the negatives are rows of a memory bank of view j: features of earlier epochs, averaged; one draw of rows
/// serves all directions. `objective: nce` replaces the softmax by Eq. 12, whose Z is fixed by the first batch. A single view
/// is contrasted with its own past (instance discrimination). `objective: predict` is the paper's rival: the core view's
/// features of places are decoded into the other views.
/// - Source: Tian et al. 2019 (arXiv 1906.05849) and the authors' code; deviations in Reproductions/cmc/NOTES.md.
public struct CMC: MethodPlugin {
  public static let card = MethodCard(
    id: "cmc", title: "Contrastive Multiview Coding", year: 2020, arxiv: "1906.05849", family: .contrastive)

  let options: CMCOptions

  public init(_ section: inout Section) throws(ReproError) { options = try CMCOptions(&section) }

  /// What is trained: an encoder for each view, or one for all; decoders of the predictive rival.
  public struct Model: Layer {
    var encoders: [ViewEncoder]
    var decoders: [ViewDecoder]

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("encoders", &encoders)
      v("decoders", &decoders)
    }
  }

  public struct State: Layer {
    var model: Model
    /// One for each view; none where negatives are those of the batch.
    var banks: [MemoryBank]
    /// Z of each direction, -1 before the first batch.
    var normalizers: Tensor

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("model", &model)
      v("banks", &banks)
      v("normalizers", &normalizers, .buffer)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    let kinds = options.views.kinds
    let own = options.isContrastive ? (options.isShared ? Array(kinds.prefix(1)) : kinds) : Array(kinds.prefix(1))
    let encoders = own.enumerated().map { i, kind in
      ViewEncoder(options.encoder, channels: kind.channels, random: random.child("encoder", i))
    }
    let decoders =
      options.isContrastive
      ? []
      : kinds.dropFirst().enumerated().map { i, kind in
        ViewDecoder(
          options.encoder.channels, width: options.prediction.width, channels: kind.channels,
          random: random.child("decoder", i))
      }
    let count = data.sizes[.train] ?? 0
    let hasBanks = options.isContrastive && options.negatives == .bank
    guard !hasBanks || count > 0 else {
      throw ReproError(.data, found: "no training samples", expected: "one or more for the memory bank")
    }
    return State(
      model: Model(encoders: encoders, decoders: decoders),
      banks: hasBanks
        ? kinds.indices.map {
          MemoryBank(count: count, width: options.encoder.outputs, random: random.child("bank", $0))
        } : [],
      normalizers: .full([options.directions.count], -1))
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let batch = try context.batch()
    let views = try options.views.crops(of: batch, random: context.random.child("crops"))
    return options.isContrastive
      ? contrast(&state, views, samples: batch.indices, &context) : predict(&state.model, views, &context)
  }

  /// The features of places of the core view, or of all views side by side, and their means.
  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let views = try options.views.whole(batch)
    let seen = options.representation == .core ? 1 : min(views.count, state.model.encoders.count)
    var outputs: [String: Tensor] = [:]
    var places: [Tensor] = []
    for (i, name) in options.views.names.enumerated() where options.isContrastive || i == 0 {
      let encoder = state.model.encoders[options.encoder(of: i)]
      let found = encoder.places(views[i])
      outputs[name] = encoder.head(found)
      if i < seen { places.append(found) }
    }
    let joined = concat(places, axis: 1)  // [B, D, h, w]
    return Features(global: joined.globalAveragePooled(), dense: joined.permuted([0, 2, 3, 1]), outputs: outputs)
  }

  // MARK: contrast

  /// One update of encoders and banks. Samples meet in `loss` only, and in the banks.
  ///
  /// - Parameters:
  ///   - views: `[B, C_v, H, W]` each.
  ///   - samples: rows of the samples in the banks.
  func contrast(
    _ state: inout State, _ views: [Tensor], samples: [Int], _ context: inout StepContext
  ) -> Metrics {
    let rows = contrastedRows(
      samples, negatives: options.drawn, of: max(state.banks.first?.rows.shape[0] ?? 1, 1),
      random: context.random.child("negatives"))
    let forward = ForwardContext(random: context.random.child("forward"))
    let banks = state.banks
    var (normalizers, metrics, fresh): ([Real], Metrics, [Tensor]) = (state.normalizers.values, [:], [])
    let (value, gradients) = context.valueAndGradients(of: &state.model, samples: samples.count) { model, shard in
      views.indices.map { m in model.encoders[options.encoder(of: m)](views[m].slice(0, shard), forward) }
    } loss: { z in
      fresh = z.map(\.detached)
      return loss(z, banks, rows, &normalizers, &metrics)
    }
    metrics["loss"] = value.item
    metrics["gradient"] = context.update(&state.model, gradients, scaling: options.scaling)
    state.normalizers = Tensor([normalizers.count], normalizers)
    // Scores were taken before: a feature never meets itself in the bank.
    for m in state.banks.indices { state.banks[m].update(samples, with: fresh[m], momentum: options.momentum) }
    return metrics.leading("loss")
  }

  /// The sum (or mean) over pairs of views of both directions of the softmax or of Eq. 12.
  ///
  /// - Parameters:
  ///   - z: unit features of each view, `[B, D]`.
  ///   - rows: rows of the banks for each sample, the own one first, `[B, k + 1]`.
  ///   - normalizers: Z of each direction; estimated here where it is negative.
  func loss(
    _ z: [Tensor], _ banks: [MemoryBank], _ rows: IndexTensor, _ normalizers: inout [Real], _ metrics: inout Metrics
  ) -> Tensor {
    var total = Tensor(0)
    var information: Real = 0
    let directions = options.directions
    for (place, (anchor, other)) in directions.enumerated() {
      guard options.negatives == .bank else {
        let s = matmul(z[anchor], z[other].transposed()) / options.temperature  // [B, B]
        let term = crossEntropy(s, labels: IndexTensor(Array(0..<s.shape[0])))
        information += Tensor(Real(max(s.shape[1] - 1, 1))).log().item - term.item
        total = total + term
        continue
      }
      let s = banks[other].scores(z[anchor], rows, temperature: options.temperature)
      if options.objective == .nce {
        let count = banks[other].rows.shape[0]
        if normalizers[place] < 0 { normalizers[place] = noiseNormalizer(s, count: count) }
        total = total + noiseContrast(s, normalizer: normalizers[place], count: count)
      } else {
        let term = crossEntropy(s, labels: IndexTensor([Int](repeating: 0, count: s.shape[0])))
        information += Tensor(Real(options.drawn)).log().item - term.item
        total = total + term
      }
    }
    // I(V_i; V_j) >= log k - L(V_i -> V_j), Section 3.2; the mean over directions, nats.
    if options.objective == .infonce { metrics["information"] = information / Real(directions.count) }
    return options.pairScale == .mean ? total / Real(options.pairs.count) : total
  }

  // MARK: prediction

  /// One update of the rival: the core view's features of places say what the other views look like.
  ///
  ///     loss = sum_{j > 1} mean | g_j(f_1(v_1)) - v_j |      (or its square)
  func predict(_ model: inout Model, _ views: [Tensor], _ context: inout StepContext) -> Metrics {
    let forward = ForwardContext(random: context.random.child("forward"))
    let (value, gradients) = context.valueAndGradients(of: &model, samples: views[0].shape[0]) { model, shard in
      let places = model.encoders[0].places(views[0].slice(0, shard), forward)
      return model.decoders.indices.map { model.decoders[$0](places, forward) }
    } loss: { said in
      var total = Tensor(0)
      for (j, guess) in said.enumerated() {
        let target = views[j + 1].resized(to: [guess.shape[2], guess.shape[3]], antialiased: true)
        let error = guess - target
        total = total + (options.prediction.distance == .l1 ? error.abs() : error.squared()).mean()
      }
      return options.pairScale == .mean ? total / Real(said.count) : total
    }
    return ["loss": value.item, "gradient": context.update(&model, gradients, scaling: options.scaling)]
  }
}
