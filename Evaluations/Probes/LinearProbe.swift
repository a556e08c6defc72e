import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// `linear-probe/v1`: a linear classifier on frozen global features.
///
///     p = softmax(W (x - mean) / deviation + b);   loss = mean of -log p_label;   SGD, momentum 0.9, cosine to 0
///
/// A head for each learning rate is trained on nine tenths of the training samples, all heads on the same batches; the
/// rate whose head is right most often on the other tenth (drawn at random, class by class; the first listed of equals)
/// trains the head that is measured, on all training samples. The test split is read once, after that.
///
/// Options: `epochs` (50); `batch` (256); `rates`, learning rates for batches of 256, scaled with the batch (the 13 of
/// DINOv2, 1e-5 to 0.1); `label`, the column (label); `features`, an output or `global` (global).
public struct LinearProbe: Evaluation {
  public static let card = EvaluationCard(
    id: "linear-probe/v1", title: "Linear classifier on frozen global features",
    source:
      "Oquab et al. 2023 (DINOv2, arXiv 2304.07193), Section 7.1 and the authors' code: SGD with momentum 0.9, no "
      + "decay, cosine, 13 learning rates side by side, scaled by batch / 256. We choose the rate on held-out training "
      + "samples (they: on the set that is reported), standardise features, use one layer's features without "
      + "augmentation, and count epochs of a small set",
    measurements: [MeasurementSpec("top1", unit: "1")])

  /// The learning rates of DINOv2.
  public static let standardRates = [
    1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1,
  ]

  public let epochs: Int
  public let batch: Int
  public let rates: [Double]
  /// Column of the classes.
  public let label: String
  let features: FeatureSource

  public init(_ options: inout Section) throws(ReproError) {
    epochs = try options.int("epochs", in: 1...100_000, default: 50)
    batch = try options.int("batch", in: 1...1_000_000, default: 256)
    rates = try options.rates(default: Self.standardRates)
    label = try options.string("label", default: "label")
    features = try FeatureSource(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.categories(label, for: Self.card.id)
    try data.need(2, in: .train, for: Self.card.id)
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { try features.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let classes = try subject.spec.categories(label, for: Self.card.id).count
    let probe = try fit(subject, classes: classes, random: random)
    let (x, test) = try features.vectors(subject, .test, for: Self.card.id)
    let truth = try test.integers(label, below: classes, for: Self.card.id)
    return [("top1", accuracy(probe.predictions(x)[0], truth))]
  }

  /// What training gives: the standardiser and the heads (one, unless several rates are compared).
  struct Fitted {
    var standardize: Standardizer
    var heads: LinearHeads

    /// Classes of samples, for each head.
    func predictions(_ x: Tensor) -> [[Int]] {
      let best = heads.predictions(heads(standardize(x))).values
      let n = heads.rates.count
      return (0..<n).map { r in stride(from: r, to: best.count, by: n).map { best[$0] } }
    }
  }

  /// The head that is measured; reads the training split only.
  func fit(_ subject: EvaluationSubject, classes: Int, random: RandomStream) throws -> Fitted {
    let (x, train) = try features.vectors(subject, .train, for: Self.card.id)
    let labels = try train.integers(label, below: classes, for: Self.card.id)
    guard rates.count > 1 else { return fit(x, labels, rates, classes, random.child("final")) }
    let (kept, held) = parted(labels, classes: classes, random: random.child("held-out"))
    let sweep = fit(x.gathered(IndexTensor(kept)), kept.map { labels[$0] }, rates, classes, random.child("sweep"))
    let truth = held.map { labels[$0] }
    let scores = sweep.predictions(x.gathered(IndexTensor(held))).map { accuracy($0, truth) }
    return fit(x, labels, [rates[firstLargest(scores)]], classes, random.child("final"))
  }

  private func fit(_ x: Tensor, _ labels: [Int], _ rates: [Double], _ classes: Int, _ random: RandomStream) -> Fitted {
    let standardize = Standardizer(x)
    let inputs = standardize(x)
    var epochs = Epochs(count: labels.count, batch: batch, random: random.child("order"))
    let scale = Double(epochs.batch) / 256
    var heads = LinearHeads(
      rates: rates.map { $0 * scale }, inputs: x.shape[1], classes: classes, rule: .sgd(momentum: 0.9, nesterov: false),
      random: random.child("head"))
    let schedule = Schedule(from: 1, to: 0)
    let steps = self.epochs * epochs.steps
    for step in 0..<steps {
      let samples = epochs.samples(ofStep: step)
      heads.step(
        inputs.gathered(IndexTensor(samples)), samples.map { labels[$0] },
        factor: schedule(Double(step) / Double(steps)))
    }
    return Fitted(standardize: standardize, heads: heads)
  }
}

/// A tenth of the samples of each class, drawn at random; at least one of each class that has two, and one in all.
func heldOut(_ labels: [Int], classes: Int, random: RandomStream) -> [Int] {
  require(labels.count >= 2, "holding samples out needs at least 2, got \(labels.count)")
  var held: [Int] = []
  for (c, own) in members(of: labels, count: classes).enumerated() where own.count >= 2 {
    var stream = random.child("class", c)
    let order = stream.permutation(own.count)
    held += order.prefix(max(1, (own.count + 5) / 10)).map { own[$0] }
  }
  return held.isEmpty ? [0] : held.sorted()
}

/// The places of the samples that are trained on and of those held out to choose by, both in the order of the data.
func parted(_ labels: [Int], classes: Int, random: RandomStream) -> (kept: [Int], held: [Int]) {
  let held = heldOut(labels, classes: classes, random: random)
  let isHeld = Set(held)
  return (labels.indices.filter { !isHeld.contains($0) }, held)
}

/// The place of the largest score, the first of equals; scores that are not numbers never win.
func firstLargest(_ scores: [Double]) -> Int {
  var best = 0
  for (i, score) in scores.enumerated() where score > scores[best] || (scores[best].isNaN && !score.isNaN) { best = i }
  return best
}

extension Section {
  /// Learning rates to choose from: a list of positive numbers.
  mutating func rates(default standard: [Double]) throws(ReproError) -> [Double] {
    let place = node["rates"]?.mark ?? node.mark
    let rates = try doubles("rates", in: 1e-12...1e6, default: standard)
    guard !rates.isEmpty else {
      throw ReproError(.usage, at: "\(place)", found: "\(name).rates is empty", expected: "at least one learning rate")
    }
    return rates
  }
}
