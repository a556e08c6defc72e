import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// The encoders of views trained on labels: the upper bound and sanity floor of recipes that learn from views.
///
///     label: loss = -mean log softmax(W mean_p [f_1(p), ..., f_M(p)] + b)[label]
///     mask:  loss = -mean over pixels, classes of m log softmax(upsample(W f_1(p) + b)), m: the cropped map of classes
///
/// Views, crops, encoders and budget are those of the arm that it stands beside.
/// - Source: the supervised rows of Tian et al. 2019 (arXiv 1906.05849), Section 4.
public struct SupervisedViews: MethodPlugin {
  public static let card = MethodCard(
    id: "supervised-views", title: "Supervised encoders of views", year: 2020, arxiv: "1906.05849", family: .baseline,
    isSupervised: true)

  let views: SceneViews
  let size: ViewEncoderSize
  /// Whether pixels are classified instead of pictures; from the first view alone.
  let isDense: Bool

  public init(_ s: inout Section) throws(ReproError) {
    views = try SceneViews(&s)
    size = try ViewEncoderSize(&s)
    isDense = try s.choice("target", ["label", "mask"], default: "label") == "mask"
  }

  public struct State: Layer {
    var encoders: [ViewEncoder]
    var head: Linear

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("encoders", &encoders)
      v("head", &head)
    }
  }

  private var seen: [SceneView] { isDense ? Array(views.kinds.prefix(1)) : views.kinds }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    let column = isDense ? "mask" : "label"
    let classes: Int
    switch data[field: column]?.kind {
    case .category(let names)? where !isDense: classes = names.count
    case .labelMap(_, _, let names)? where isDense: classes = names.count
    default:
      throw ReproError(
        .usage, at: "method.target", found: "the data set has the columns \(data.fields.map(\.name))",
        expected: "\(isDense ? "a map of classes" : "a category") '\(column)'")
    }
    return State(
      encoders: seen.enumerated().map { i, kind in
        ViewEncoder(size, channels: kind.channels, random: random.child("encoder", i))
      },
      head: Linear(seen.count * size.channels, classes, random: random.child("head")))
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let batch = try context.batch()
    let random = context.random.child("crops")
    let crops = try views.crops(of: batch, random: random)
    let forward = ForwardContext(random: context.random.child("forward"))
    let classes = state.head.weight.shape[0]
    let (loss, gradients) = context.valueAndGradients(of: &state, samples: batch.count) { model, rows in
      let places = (0..<seen.count).map { model.encoders[$0].places(crops[$0].slice(0, rows), forward) }
      if isDense { return model.head(places[0].permuted([0, 2, 3, 1])) }
      return model.head(concat(places, axis: 1).globalAveragePooled())
    } loss: { (logits: Tensor) in
      guard isDense else { return crossEntropy(logits, labels: IndexTensor(batch.integers())) }
      let masks = batch.images("mask")
      // The crop of each class's own map: shares of the classes in every pixel of the crop.
      let maps = Tensor(
        [masks.count, masks.height, masks.width, classes],
        filling: { target in
          for i in target.indices { target[i] = 0 }
          for (i, label) in masks.bytes.enumerated() { target[i * classes + min(Int(label), classes - 1)] = 1 }
        })
      let cut = AlignedCrops(
        count: batch.count, height: masks.height, width: masks.width, size: views.size, scale: views.scale,
        flip: views.flip, random: random.child("view", 0))
      let targets = cut.planes(of: maps).permuted([0, 2, 3, 1])
      return crossEntropy(
        logits.resizedBilinearly(rows: views.size, columns: views.size, axes: (1, 2)), targets: targets)
    }
    return ["loss": loss.item, "gradient": context.update(&state, gradients)]
  }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let whole = try views.whole(batch)
    let places = concat(seen.indices.map { state.encoders[$0].places(whole[$0]) }, axis: 1)
    return Features(global: places.globalAveragePooled(), dense: places.permuted([0, 2, 3, 1]))
  }
}
