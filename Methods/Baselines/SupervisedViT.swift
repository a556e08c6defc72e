import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// A vision transformer trained on labels: the sanity floor and the reference point of self-supervised recipes.
///
///     loss = -mean log softmax(W cls + b)[label]
///
/// The backbone, the crops' colours and the budget are those of the arm that it stands beside.
/// - Source: Dosovitskiy et al. 2020 (arXiv 2010.11929), Section 3.1.
public struct SupervisedViT: FineTunable {
  public static let card = MethodCard(
    id: "supervised", title: "Supervised vision transformer", year: 2020, arxiv: "2010.11929", family: .baseline,
    isSupervised: true)

  let patch, width, depth, heads, registers: Int
  let layerScale, dropPath, deviation: Real
  let scale: [Double]
  let colour: Double

  public init(_ s: inout Section) throws(ReproError) {
    patch = try s.int("patch", in: 1...64)
    width = try s.int("width", in: 1...8192)
    depth = try s.int("depth", in: 1...100)
    heads = try s.int("heads", in: 1...128)
    registers = try s.int("registers", in: 0...64, default: 0)
    layerScale = Real(try s.double("layer_scale", in: 0...10, default: 0))
    dropPath = Real(try s.double("drop_path", in: 0...0.9, default: 0))
    deviation = Real(try s.double("init_deviation", in: 0.0001...1, default: 0.02))
    (scale, colour) =
      try s.section("supervised") { inner throws(ReproError) in
        (
          try inner.doubles("scale", count: 2, in: 0.01...1, default: [0.32, 1]),
          try inner.double("colour", in: 0...2, default: 1)
        )
      } ?? ([0.32, 1], 1)
    guard width % heads == 0, scale[0] <= scale[1] else {
      throw ReproError(
        .usage, at: "\(s.node.mark)", found: "width \(width), heads \(heads), scale \(scale)",
        expected: "heads that divide the width and an ascending scale")
    }
  }

  public struct State: Layer {
    var backbone: VisionTransformer
    var head: Linear

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("backbone", &backbone)
      v("head", &head)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    guard case .image(let side, _, let channels) = data[field: "image"]?.kind,
      case .category(let classes) = data[field: "label"]?.kind
    else {
      throw ReproError(
        .usage, found: "the data set has the columns \(data.fields.map(\.name).joined(separator: ", "))",
        expected: "an image and a category 'label'")
    }
    guard side % patch == 0 else {
      throw ReproError(.usage, at: "method.patch", found: "\(patch) does not divide images of \(side) pixels")
    }
    var c = ViTConfiguration(
      imageSize: side, patch: patch, channels: channels, width: width, depth: depth, heads: heads)
    c.registers = registers
    c.layerScale = layerScale > 0 ? layerScale : nil
    c.dropPath = dropPath
    c.deviation = deviation
    return State(
      backbone: VisionTransformer(c, random: random.child("backbone")),
      head: Linear(width, classes.count, random: random.child("head")))
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let batch = try context.batch()
    let images = batch.images()
    let labels = batch.integers()
    var policy = ViewPolicy(size: images.height, scale: scale[0]...scale[1])
    policy.jitter = ViewPolicy.Jitter(
      probability: 0.8, brightness: 0.4 * colour, contrast: 0.4 * colour, saturation: 0.2 * colour,
      hue: min(0.1 * colour, 0.5))
    let views = policy.views(of: images, random: context.random.child("views"))
    let drop = ForwardContext(random: context.random.child("drop"))
    var accuracy: Real = 0
    let (loss, gradients) = context.valueAndGradients(of: &state, samples: labels.count) { model, rows in
      model.head(model.backbone(views.slice(0, rows), drop.child("rows", rows.lowerBound)).classToken)
    } loss: { (logits: Tensor) in
      accuracy = Real(zip(logits.argmax().values, labels).count { $0 == $1 }) / Real(labels.count)
      return crossEntropy(logits, labels: IndexTensor(labels))
    }
    let norm = context.update(&state, gradients)
    return ["loss": loss.item, "accuracy": accuracy, "gradient": norm]
  }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let images = batch.images().normalizedTensor
    let output = state.backbone(images)
    let side = images.shape[2] / patch
    return Features(global: output.classToken, dense: output.patches.reshaped([images.shape[0], side, side, width]))
  }

  /// The backbone without its head.
  public func network(of state: State) -> VisionTransformer { state.backbone }

  public func embedding(
    _ network: inout VisionTransformer, of batch: Batch, context: ForwardContext?
  ) throws -> Tensor { network(batch.images().normalizedTensor, context).classToken }
}
