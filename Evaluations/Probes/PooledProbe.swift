import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `pooled-probe/v1`: logistic regression on splits of its own, drawn from all labelled samples of all splits.
///
/// Each draw takes `per-class` samples of every class for training and measures on all the others, so that the
/// answer does not hang on one published split. The penalty is fixed; features are standardised by the draw's training
/// samples. `top1` and its relatives are means over draws, `spread` the deviation of top1 between draws.
///
/// Only for encoders that saw no labels, or the draws test on what was trained on. Options: `per-class` (20); `draws`
/// (10); `strength`, the inverse penalty (1); `label` (label); `features` (global).
public struct PooledProbe: Evaluation {
  public static let card = EvaluationCard(
    id: "pooled-probe/v1", title: "Logistic regression on random splits",
    source:
      "random splits with few labels a class as in Shchur et al. 2018 (arXiv 1811.05868), Section 3; ours measures "
      + "frozen features and takes all other labelled samples for the test",
    measurements: ClassTask.measurements + [MeasurementSpec("spread", unit: "1", isHigherBetter: false)])

  public let perClass, draws: Int
  public let strength: Double
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
    perClass = try options.int("per-class", in: 1...1_000_000, default: 20)
    draws = try options.int("draws", in: 1...1000, default: 10)
    strength = try options.double("strength", in: 1e-9...1e9, default: 1)
    task = try ClassTask.Options(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try data.categories(task.label, for: Self.card.id)
    let all = Split.allCases.reduce(0) { $0 + (data.sizes[$1] ?? 0) }
    guard all > perClass * classes.count else {
      throw ReproError(
        .usage, at: Self.card.id, found: "\(all) samples in all splits",
        expected: "more than \(perClass) of each of \(classes.count) classes", hint: "lower per-class")
    }
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let splits = Split.allCases.filter { (subject.spec.sizes[$0] ?? 0) > 0 }
    let pool = ClassTask(joining: try splits.map { try ClassTask(subject, $0, task, for: Self.card.id) })
    let found = try (0..<draws).map { draw in
      let (train, test) = try parts(of: pool, random.child("draw", draw))
      return test.measured(PenalizedHead(train, strengths: [strength], random: random).scores(test.x))
    }
    let means = ClassTask.measurements.enumerated().map { k, spec in
      (name: spec.name, value: found.reduce(0) { $0 + $1[k].value } / Double(draws))
    }
    return means + [("spread", deviation(found.map { $0[0].value }))]
  }

  /// `per-class` samples of each class, and all others.
  func parts(of pool: ClassTask, _ random: RandomStream) throws -> (train: ClassTask, test: ClassTask) {
    var members = [[Int]](repeating: [], count: pool.classes)
    for (i, label) in pool.labels.enumerated() { members[label].append(i) }
    var isTaken = [Bool](repeating: false, count: pool.count)
    for (c, own) in members.enumerated() {
      guard own.count >= perClass else {
        throw ReproError(
          .data, at: Self.card.id, found: "\(own.count) samples of class \(c)", expected: "at least \(perClass)",
          hint: "lower per-class")
      }
      var stream = random.child("class", c)
      for place in stream.permutation(own.count).prefix(perClass) { isTaken[own[place]] = true }
    }
    let places = Array(0..<pool.count)
    return (pool.rows(places.filter { isTaken[$0] }), pool.rows(places.filter { !isTaken[$0] }))
  }
}
