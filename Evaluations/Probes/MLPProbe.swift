import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// `mlp-probe/v1`: a small network on frozen vectors.
///
///     logits = W2 relu(W1 x + b1) + b2,   x standardised;   cross entropy, AdamW, cosine to 0
///
/// A head for each learning rate is trained on nine tenths of the training samples; the rate that is right most often on
/// the other tenth (the first of equals) trains the head that is measured, on all of them.
///
/// Options: `hidden` (256); `layers`, hidden ones (1); `epochs` (30); `batch` (256); `rates` (3e-4, 1e-3, 3e-3); `decay`
/// (1e-4); `dropout` (0.1); `label` (label); `features` (global).
public struct MLPProbe: Evaluation {
  public static let card = EvaluationCard(
    id: "mlp-probe/v1", title: "Small network on frozen features",
    source:
      "a multilayer perceptron on frozen features as for tables in Gorishniy et al. 2021 (arXiv 2106.11959), Section 3 "
      + "and Thimonier et al. 2024 (T-JEPA, arXiv 2410.05016); width and training are ours",
    measurements: ClassTask.measurements)

  public let hidden, layers, epochs, batch: Int
  public let rates: [Double]
  public let decay, dropout: Double
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
    hidden = try options.int("hidden", in: 1...65_536, default: 256)
    layers = try options.int("layers", in: 1...16, default: 1)
    epochs = try options.int("epochs", in: 1...100_000, default: 30)
    batch = try options.int("batch", in: 1...1_000_000, default: 256)
    rates = try options.rates(default: [3e-4, 1e-3, 3e-3])
    decay = try options.double("decay", in: 0...10, default: 1e-4)
    dropout = try options.double("dropout", in: 0...0.95, default: 0.1)
    task = try ClassTask.Options(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try task.check(data, train: 2, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let (train, test) = try task.read(subject, for: Self.card.id)
    var rate = rates[0]
    if rates.count > 1 {
      let (kept, held) = train.parted(random.child("held-out"))
      let scores = rates.map { rate in
        accuracy(fitted(kept, rate, random.child("sweep"))(held.x).argmax().values, held.labels)
      }
      rate = rates[firstLargest(scores)]
    }
    let head = fitted(train, rate, random.child("final"))
    return test.measured(head(test.x))
  }

  /// A trained head as a function of vectors that are not standardised yet.
  private func fitted(_ train: ClassTask, _ rate: Double, _ random: RandomStream) -> (Tensor) -> Tensor {
    let standardize = Standardizer(train.x)
    let inputs = standardize(train.x)
    let widths = [train.x.shape[1]] + [Int](repeating: hidden, count: layers) + [train.classes]
    var head = Perceptron(widths, dropout: Real(dropout), random: random.child("head"))
    var optimizer = Optimizer(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), for: head)
    var epochs = Epochs(count: train.count, batch: batch, random: random.child("order"))
    let steps = self.epochs * epochs.steps
    let schedule = Schedule(from: 1, to: 0)
    for step in 0..<steps {
      let samples = epochs.samples(ofStep: step)
      let x = inputs.gathered(IndexTensor(samples))
      let labels = IndexTensor(samples.map { train.labels[$0] })
      let stream = random.child("dropout", step)
      let (_, gradients) = valueAndGradients(of: &head) { crossEntropy($0(x, random: stream), labels: labels) }
      optimizer.update(
        &head, gradients, rate: Real(rate * schedule(Double(step) / Double(steps))), decay: Real(decay))
    }
    return { [head] in head(standardize($0)) }
  }
}

/// Affine maps with ReLU between them and dropout before all but the first.
struct Perceptron: Layer {
  private var layers: [Linear]
  private let dropout: Real

  /// - Parameter widths: of the inputs, the hidden layers and the outputs.
  init(_ widths: [Int], dropout: Real, random: RandomStream) {
    layers = zip(widths, widths.dropFirst()).enumerated().map { i, width in
      // He et al. 2015: variance 2 / inputs keeps the size of activations under ReLU.
      Linear(width.0, width.1, deviation: (2 / Real(width.0)).squareRoot(), random: random.child("layer", i))
    }
    self.dropout = dropout
  }

  mutating func visit(_ v: inout some LayerVisitor) { v("layers", &layers) }

  /// - Parameter random: of dropout; nil for the frozen pass.
  func callAsFunction(_ x: Tensor, random: RandomStream? = nil) -> Tensor {
    var y = layers[0](x)
    for (i, layer) in layers.enumerated().dropFirst() {
      y = y.relu()
      if let random, dropout > 0 {
        var stream = random.child("layer", i)
        y = y * (Tensor(dropout).isLess(stream.uniform(y.shape), orEqual: true) / (1 - dropout))
      }
      y = layer(y)
    }
    return y
  }
}
