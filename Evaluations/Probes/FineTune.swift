import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// `fine-tune/v1`: the whole network trained further with labels, from the method's weights.
///
///     logits = W f(x) + b;   loss = mean cross entropy;   AdamW, linear warm-up over a tenth, cosine to 0
///
/// Every step sees its images flipped with probability 1/2 and shifted by up to an eighth of their side (`augment`). With
/// several `rates` the one that is right most often on a held-out tenth of the training samples is taken; the network that
/// is measured trains on all of them. Low-label training is `per-class` samples of each class with as many steps.
///
/// Options: `steps` (500); `batch` (64); `rates` (5e-4); `decay` (0.05); `per-class`, labelled samples of each class, 0 for
/// all (0); `augment` (true); `label` (label).
public struct FineTune: Evaluation {
  public static let card = EvaluationCard(
    id: "fine-tune/v1", title: "Fine-tuning of the whole network",
    source:
      "end-to-end fine-tuning as in Bao et al. 2022 (BEiT, arXiv 2106.08254), Section 3.1 and He et al. 2022 (MAE, arXiv "
      + "2111.06377), Appendix A.1: AdamW, decay 0.05, warm-up, cosine; without layer-wise rates, mixup, label smoothing "
      + "and RandAugment; budget counted in steps",
    measurements: ClassTask.measurements)

  public let steps, batch, perClass: Int
  public let rates: [Double]
  public let decay: Double
  public let augment: Bool
  public let label: String

  public init(_ options: inout Section) throws(ReproError) {
    steps = try options.int("steps", in: 1...10_000_000, default: 500)
    batch = try options.int("batch", in: 1...100_000, default: 64)
    perClass = try options.int("per-class", in: 0...10_000_000, default: 0)
    rates = try options.rates(default: [5e-4])
    decay = try options.double("decay", in: 0...10, default: 0.05)
    augment = try options.bool("augment", default: true)
    label = try options.string("label", default: "label")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try data.categories(label, for: Self.card.id)
    try data.need(max(2, perClass * classes.count), in: .train, for: Self.card.id, hint: "lower per-class")
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    guard subject.trainable != nil else {
      throw ReproError(
        .usage, at: Self.card.id, found: "the method offers no network that can be trained further",
        expected: "a method that is FineTunable", hint: "leave \(Self.card.id) out for this method")
    }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    guard let encoder = subject.trainable else { return [] }
    return try measure(subject, encoder, random)
  }

  private func measure<E: TrainableEncoder>(
    _ subject: EvaluationSubject, _ encoder: E, _ random: RandomStream
  ) throws -> [(name: String, value: Double)] {
    let classes = try subject.spec.categories(label, for: Self.card.id).count
    var train = try LabelledInputs(subject, .train, label: label, classes: classes, for: Self.card.id)
    if perClass > 0 {
      train = train.rows(drawn(perClass, ofEach: classes, train.labels, random: random.child("labels")))
    }
    var rate = rates[0]
    if rates.count > 1 {
      let places = parted(train.labels, classes: classes, random: random.child("held-out"))
      let (kept, other) = (train.rows(places.kept), train.rows(places.held))
      let scores = try rates.map { rate in
        let network = try trained(encoder, kept, rate, random.child("sweep"))
        return accuracy(try logits(network, encoder, other).argmax().values, other.labels)
      }
      rate = rates[firstLargest(scores)]
    }
    let network = try trained(encoder, train, rate, random.child("final"))
    let test = try LabelledInputs(subject, .test, label: label, classes: classes, for: Self.card.id)
    return ClassTask.measured(try logits(network, encoder, test), test.labels, classes: classes)
  }

  private func trained<E: TrainableEncoder>(
    _ encoder: E, _ train: LabelledInputs, _ rate: Double, _ random: RandomStream
  ) throws -> WithHead<E.Network> {
    var base = encoder.network
    let width = try encoder.embedding(&base, of: train.rows([0]).inputs, context: nil).shape[1]
    var model = WithHead(
      network: encoder.network, head: Linear(width, train.classes, deviation: 0.01, random: random.child("head")))
    var optimizer = Optimizer(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), for: model)
    var epochs = Epochs(count: train.labels.count, batch: batch, random: random.child("order"))
    for step in 0..<steps {
      var part = train.rows(epochs.samples(ofStep: step))
      let stream = random.child("step", step)
      if augment { part.inputs = flippedAndShifted(part.inputs, random: stream.child("augment")) }
      let labels = IndexTensor(part.labels)
      let (_, gradients) = try valueAndGradients(of: &model) { model in
        let x = try encoder.embedding(
          &model.network, of: part.inputs, context: ForwardContext(random: stream.child("forward")))
        return crossEntropy(model.head(x), labels: labels)
      }
      let progress = Double(step) / Double(steps)
      let warm = min(1, (progress + 1 / Double(steps)) / 0.1)
      optimizer.update(
        &model, gradients, rate: Real(rate * warm * Schedule(from: 1, to: 0)(progress)), decay: Real(decay))
    }
    return model
  }

  /// Logits of the frozen network, chunk by chunk.
  private func logits<E: TrainableEncoder>(
    _ model: WithHead<E.Network>, _ encoder: E, _ data: LabelledInputs
  ) throws -> Tensor {
    var network = model.network
    return concat(
      try stride(from: 0, to: data.labels.count, by: 256).map { first in
        let part = data.rows(Array(first..<min(first + 256, data.labels.count)))
        return model.head(try encoder.embedding(&network, of: part.inputs, context: nil)).detached
      })
  }
}

/// A network with a linear head.
private struct WithHead<Network: Layer>: Layer {
  var network: Network
  var head: Linear
  mutating func visit(_ v: inout some LayerVisitor) {
    v("network", &network)
    v("head", &head)
  }
}

/// What an encoder may see of samples, with their classes.
struct LabelledInputs {
  var inputs: Batch
  let labels: [Int]
  let classes: Int

  init(
    _ subject: EvaluationSubject, _ split: Split, label: String, classes: Int, for evaluation: String, limit: Int? = nil
  ) throws {
    let count = min(subject.spec.sizes[split] ?? 0, limit ?? .max)
    let all = try subject.samples(Array(0..<count), of: split)
    self.init(
      inputs: subject.inputs(of: all), labels: try all.integers(label, below: classes, for: evaluation),
      classes: classes)
  }

  private init(inputs: Batch, labels: [Int], classes: Int) {
    (self.inputs, self.labels, self.classes) = (inputs, labels, classes)
  }

  func rows(_ places: [Int]) -> LabelledInputs {
    LabelledInputs(
      inputs: Batch(
        indices: places.map { inputs.indices[$0] },
        columns: inputs.columns.map { name, values in (name, values.rows(places)) }),
      labels: places.map { labels[$0] }, classes: classes)
  }

}

/// Every image flipped with probability 1/2 and shifted by up to an eighth of its sides, black coming in from outside; all
/// frames of a sample alike. Other columns stay.
func flippedAndShifted(_ batch: Batch, random: RandomStream) -> Batch {
  let moves = (0..<batch.count).map { i -> (flips: Bool, down: Double, right: Double) in
    var stream = random.child("sample", i)
    return (stream.bernoulli(0.5), stream.uniform(-1, 1), stream.uniform(-1, 1))
  }
  let columns = batch.columns.map { name, values -> (name: String, values: Column) in
    guard case .images(let images) = values else { return (name, values) }
    var bytes = [UInt8](repeating: 0, count: images.bytes.count)
    let (height, width, channels) = (images.height, images.width, images.channels)
    for i in 0..<images.count {
      let down = Int((moves[i].down * Double(height / 8)).rounded())
      let right = Int((moves[i].right * Double(width / 8)).rounded())
      for t in 0..<images.frames {
        let start = i * images.sampleSize + t * height * width * channels
        for r in max(0, down)..<min(height, height + down) {
          for c in max(0, right)..<min(width, width + right) {
            let from = moves[i].flips ? width - 1 - (c - right) : c - right
            for k in 0..<channels {
              bytes[start + (r * width + c) * channels + k] =
                images.bytes[start + ((r - down) * width + from) * channels + k]
            }
          }
        }
      }
    }
    return (
      name,
      .images(
        ImageBatch(
          count: images.count, frames: images.frames, height: height, width: width, channels: channels, bytes: bytes))
    )
  }
  return Batch(indices: batch.indices, columns: columns)
}
