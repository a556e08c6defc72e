import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// SLIP: CLIP on pairs of images and captions, and SimCLR on the same images, with one image encoder f.
///
///     L      = w_clip L_clip + w_ssl L_ssl                              (Section 3, Algorithm 1)
///     L_clip = [ CE(exp(s) I T^T) + CE(exp(s) T I^T) ] / 2,   I = normalise(f(x_c) W_I), T = normalise(g(t) W_T)
///     L_ssl  = NT-Xent(h(f(a_1)), h(f(a_2)); temperature)
///
/// x_c is a light crop; a_1 and a_2 are two strong views. The head h reads what the backbone says before the projection
/// W_I. A step passes three images of each sample through f. Weights make the rivals: w_ssl = 0 is CLIP, with
/// `clip_views: 3` it is CLIP with as many passes through f as SLIP; w_clip = 0 is SimCLR, whose text tower then stays as
/// it was initialised.
/// - Source: Mu et al. 2021 (arXiv 2112.12750) and the authors' code; deviations in Reproductions/slip/NOTES.md.
public struct SLIP: MethodPlugin {
  public static let card = MethodCard(
    id: "slip", title: "SLIP: Self-supervision meets Language-Image Pre-training", year: 2022, arxiv: "2112.12750",
    family: .multimodal)

  let options: SLIPOptions

  public init(_ section: inout Section) throws(ReproError) { options = try SLIPOptions(&section) }

  public struct State: Layer {
    var visual: ImageEncoder  // f
    var imageProjection: Tensor  // W_I, [D, E]
    var text: CLIPTextTower  // g and W_T
    var logitScale: Tensor  // s, []
    var imageMLP: BatchNormMLP?  // h

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("visual", &visual)
      v("image_projection", &imageProjection)
      v("text", &text)
      v("logit_scale", &logitScale, .bias)
      v("image_mlp", &imageMLP)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    let c = options.clip
    var stream = random.child("image_projection")
    let width = options.encoder.width
    return State(
      visual: try options.encoder.make(size: options.size, data, random: random.child("visual")),
      imageProjection: stream.normal([width, c.embedding], deviation: 1 / Real(width).squareRoot()),
      text: CLIPTextTower(authorsInitialization: c, random: random.child("text")),
      logitScale: Tensor(2.6592600369327779),  // log(1 / 0.07)
      imageMLP: options.weights.ssl > 0
        ? BatchNormMLP(width, options.head, random: random.child("image_mlp")) : nil)
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let batch = try context.batch()
    let images = batch.images()
    let views = options.views(of: images, random: context.random.child("views"))
    let tokens =
      options.weights.clip > 0
      ? try options.words.tokens(of: batch, columns: options.captions, random: context.random.child("captions")) : nil
    return train(&state, views, tokens, &context)
  }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let (global, dense) = state.visual.features(batch.images().normalizedTensor)
    return Features(global: global, dense: dense, outputs: ["image": matmul(global, state.imageProjection)])
  }

  // MARK: one step

  /// One update. Samples meet in `loss` alone, and in the batch norm of the head, whose statistics are a shard's.
  ///
  /// - Parameters:
  ///   - views: the light views, then the strong ones, each `[B, C, S, S]`.
  ///   - tokens: of the captions, `[B, L]`; nil without the loss on captions.
  func train(
    _ state: inout State, _ views: SLIPOptions.Views, _ tokens: IndexTensor?, _ context: inout StepContext
  ) -> Metrics {
    var metrics: Metrics = [:]
    let (value, gradients) = context.valueAndGradients(of: &state, samples: views.count) { state, rows in
      outputs(&state, views.rows(rows), tokens?.rows(rows))
    } loss: { z in
      loss(SLIPOutputs(z, lights: views.lights.count, hasText: tokens != nil), &metrics)
    }
    metrics["loss"] = value.item
    // The authors decay whatever has two axes or more, learnt places among it.
    metrics["gradient"] = context.update(
      &state, gradients, scaling: ParameterScaling { (1, $0.shape.rank >= 2 ? 1 : 0) })
    state.logitScale = state.logitScale.clamped(0, 4.6052)  // 1 <= exp(s) <= 100
    if tokens != nil { metrics["scale"] = state.logitScale.exp().item }
    return metrics.leading("loss")
  }

  /// What a shard gives, in the order of `SLIPOutputs`; all its views pass through the backbone together.
  func outputs(_ state: inout State, _ views: SLIPOptions.Views, _ tokens: IndexTensor?) -> [Tensor] {
    let all = views.lights + views.strong
    let features = state.visual(concat(all)).split(all.count)  // [n, D] each
    var z: [Tensor] = []
    if let tokens {
      z += features.prefix(views.lights.count).map { matmul($0, state.imageProjection).l2Normalized() }
      z += [state.text(tokens).l2Normalized(), state.logitScale.broadcast(to: [views.count, 1])]
    }
    for h in features.suffix(views.strong.count) {
      // The head reads the backbone's own features, one view after the other: each has its own statistics.
      if let y = state.imageMLP?.training(h) { z.append(y) }
    }
    return z
  }

  /// The two terms over the whole batch.
  func loss(_ z: SLIPOutputs, _ metrics: inout Metrics) -> Tensor {
    var total = Tensor(0)
    if let text = z.text {
      let terms = z.images.map {
        imageTextContrast($0, text, logScale: z.logScale, gathersGradients: options.gathersGradients)
      }
      let clip = terms.dropFirst().reduce(terms[0].loss) { $0 + $1.loss } / Real(terms.count)
      metrics["clip"] = clip.item
      metrics["clip-accuracy"] = shareOnDiagonal(terms[0].logits)
      total = total + clip * options.weights.clip
    }
    if let (a, b) = z.strong {
      let ssl = ntXent(a, b, temperature: options.temperature)
      metrics["ssl"] = ssl.item
      metrics["ssl-accuracy"] = shareOnDiagonal(matmul(a.l2Normalized(), b.l2Normalized().transposed()))
      total = total + ssl * options.weights.ssl
    }
    return total
  }
}

extension SLIP: TextEmbedding {
  public func embed(_ state: State, texts: [String]) throws -> Tensor { state.text(options.words.tokens(of: texts)) }
}

extension SLIP: FineTunable {
  public func network(of state: State) -> ImageEncoder { state.visual }

  public func embedding(_ network: inout ImageEncoder, of batch: Batch, context: ForwardContext?) throws -> Tensor {
    network(batch.images().normalizedTensor, context)
  }
}

/// A step's outputs over the whole batch.
struct SLIPOutputs {
  let images: [Tensor]  // of each light view, [B, E], normalised
  let text: Tensor?  // [B, E], normalised
  let logScale: Tensor  // s, [1, 1]
  let strong: (Tensor, Tensor)?  // [B, K] of both strong views

  init(_ z: [Tensor], lights: Int, hasText: Bool) {
    images = hasText ? Array(z.prefix(lights)) : []
    text = hasText ? z[lights] : nil
    // Every row holds the same s; the first stands for all, so that no mean rounds it.
    logScale = hasText ? z[lights + 1].slice(0, 0..<1) : Tensor.zeros([1, 1])
    let rest = hasText ? Array(z.dropFirst(lights + 2)) : z
    strong = rest.count == 2 ? (rest[0], rest[1]) : nil
  }
}
