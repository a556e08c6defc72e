import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `logistic-probe/v1`: logistic regression to its optimum on frozen vectors; nothing about it is random but the split
/// that chooses the penalty.
///
///     L(W, b) = mean of -log softmax(W x + b)_y + 1/(2 c N) |W|^2,   x standardised
///
/// c is the first of `strengths` that is right most often on a held-out tenth of the training samples; the model that
/// is measured is fitted on all of them.
///
/// Options: `strengths` (1e-3 to 1e3, seven of them); `label` (label); `features`, an output or `global` (global).
public struct LogisticProbe: Evaluation {
  public static let card = EvaluationCard(
    id: "logistic-probe/v1", title: "Logistic regression on frozen features",
    source:
      "L-BFGS with a penalty chosen on held-out samples, as in Radford et al. 2021 (CLIP, arXiv 2103.00020), Section "
      + "3.2 and A.3, and for node features of graphs Velickovic et al. 2019 (DGI, arXiv 1809.10341), Section 4.2; seven "
      + "penalties instead of 96, features standardised; AUROC is the mean over classes, one against the rest",
    measurements: ClassTask.measurements)

  public static let standardStrengths = [1e-3, 1e-2, 0.1, 1, 10, 100, 1000]

  public let strengths: [Double]
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
    strengths = try options.positive("strengths", default: Self.standardStrengths)
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
    let head = PenalizedHead(train, strengths: strengths, random: random)
    return test.measured(head.scores(test.x))
  }
}

/// A logistic head on standardised vectors with a penalty that was chosen on held-out training samples.
struct PenalizedHead {
  let standardize: Standardizer
  let strength: Double
  let model: LinearModel

  init(_ train: ClassTask, strengths: [Double], random: RandomStream) {
    func fit(_ task: ClassTask, _ strength: Double, from start: LinearModel?) -> LinearModel {
      LogisticRegression(
        task.x, task.labels, classes: task.classes, strength: strength, iterations: 300, tolerance: 1e-4, start: start
      ).model
    }
    var best = strengths[0]
    if strengths.count > 1, train.count >= 2 {
      let (kept, held) = train.parted(random.child("held-out"))
      let standardize = Standardizer(kept.x)
      let (inputs, other) = (kept.standardized(by: standardize), held.standardized(by: standardize))
      // From the strongest penalty on, each fit starts where the last one ended.
      var scores = [Double](repeating: 0, count: strengths.count)
      var model: LinearModel?
      for i in strengths.indices.sorted(by: { strengths[$0] < strengths[$1] }) {
        model = fit(inputs, strengths[i], from: model)
        scores[i] = model.map { accuracy($0.classes(other.x), other.labels) } ?? 0
      }
      best = strengths[firstLargest(scores)]
    }
    strength = best
    standardize = Standardizer(train.x)
    model = fit(train.standardized(by: standardize), best, from: nil)
  }

  /// Logits, `[N, D] -> [N, C]`.
  func scores(_ x: Tensor) -> Tensor { model(standardize(x)) }
}

extension Section {
  /// A list of positive numbers, at least one.
  mutating func positive(_ key: String, default standard: [Double]) throws(ReproError) -> [Double] {
    let place = node[key]?.mark ?? node.mark
    let values = try doubles(key, in: 1e-12...1e12, default: standard)
    guard !values.isEmpty else {
      throw ReproError(.usage, at: "\(place)", found: "\(name).\(key) is empty", expected: "at least one number")
    }
    return values
  }
}
