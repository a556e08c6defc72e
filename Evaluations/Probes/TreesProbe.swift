import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `trees-probe/v1`: gradient-boosted trees on frozen vectors, of all labels or of few.
///
/// With `per-class` each draw takes so many training samples of every class, and `top1` and its relatives are means over
/// draws, `spread` the deviation of top1 between them. Nothing else is random.
///
/// Options: `per-class` (0: all training samples, once); `draws` (10); `rounds` (100); `rate` (0.1); `depth` (4); `bins`
/// (64); `penalty` (0); `least-samples` of a leaf (20); `label` (label); `features` (global).
public struct TreesProbe: Evaluation {
  public static let card = EvaluationCard(
    id: "trees-probe/v1", title: "Gradient-boosted trees on frozen features",
    source: "Friedman 2001; Chen and Guestrin 2016 (arXiv 1603.02754); defaults near those of scikit-learn's "
      + "HistGradientBoostingClassifier: the depth is limited instead of the number of leaves",
    measurements: ClassTask.measurements + [MeasurementSpec("spread", unit: "1", isHigherBetter: false)])

  public let perClass, draws: Int
  public let options: GradientBoosting.Options
  let task: ClassTask.Options

  public init(_ s: inout Section) throws(ReproError) {
    perClass = try s.int("per-class", in: 0...1_000_000, default: 0)
    draws = try s.int("draws", in: 1...1000, default: 10)
    var options = GradientBoosting.Options()
    options.rounds = try s.int("rounds", in: 1...10_000, default: 100)
    options.rate = try s.double("rate", in: 1e-6...10, default: 0.1)
    options.depth = try s.int("depth", in: 1...30, default: 4)
    options.bins = try s.int("bins", in: 2...255, default: 64)
    options.penalty = try s.double("penalty", in: 0...1e6, default: 0)
    options.leastSamples = try s.int("least-samples", in: 1...1_000_000, default: 20)
    self.options = options
    task = try ClassTask.Options(&s)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try data.categories(task.label, for: Self.card.id)
    try data.need(
      max(2, perClass * classes.count), in: .train, for: Self.card.id,
      hint: "lower per-class or take more training samples")
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let train = try ClassTask(subject, .train, task, for: Self.card.id)
    let test = try ClassTask(subject, .test, task, for: Self.card.id)
    let found = (0..<(perClass == 0 ? 1 : draws)).map { draw in
      let part = perClass == 0 ? train : train.drawn(perClass: perClass, random: random.child("draw", draw))
      let model = GradientBoosting(part.x, part.labels, classes: part.classes, options: options)
      return test.measured(model.scores(test.x))
    }
    let means = ClassTask.measurements.enumerated().map { k, spec in
      (name: spec.name, value: found.reduce(0) { $0 + $1[k].value } / Double(found.count))
    }
    return means + [("spread", deviation(found.map { $0[0].value }))]
  }
}
