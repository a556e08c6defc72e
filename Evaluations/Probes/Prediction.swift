import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `prediction/v1`: the method's own answers to a question of classes, with nothing trained.
///
/// The output gives a score for each class, or for two classes one number, the score of the second against 0.
///
/// Options: `output` (logits); `label` (label).
public struct Prediction: Evaluation {
  public static let card = EvaluationCard(
    id: "prediction/v1", title: "Classes as the method itself predicts them",
    source:
      "accuracy of a method's own head: supervised baselines, pretext tasks with known answers such as audio-visual "
      + "correspondence (Arandjelovic and Zisserman 2017, arXiv 1705.08168, Section 4.1)",
    measurements: ClassTask.measurements)

  let own: ClassScores

  public init(_ options: inout Section) throws(ReproError) { own = try ClassScores(&options, output: "logits") }

  public func check(_ data: DataSpec) throws(ReproError) { try own.check(data, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws {
    let (shape, classes) = try own.shape(subject, for: Self.card.id)
    guard shape.count == classes || (shape.count == 1 && classes == 2) else {
      throw ReproError(
        .usage, at: Self.card.id,
        found: "output '\(own.output)' has \(shape.count) scores, column '\(own.label)' \(classes) classes",
        expected: "a score for each class, or one for two classes")
    }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let (scores, labels) = try own.read(subject, .test, for: Self.card.id)
    return ClassTask.measured(scores, labels, classes: scores.shape[1])
  }
}

/// The method's own scores of classes, beside the classes.
struct ClassScores: Sendable {
  let output, label: String

  /// Options `output` and `label` (label).
  init(_ options: inout Section, output: String) throws(ReproError) {
    self.output = try options.string("output", default: output)
    label = try options.string("label", default: "label")
  }

  func check(_ data: DataSpec, for evaluation: String) throws(ReproError) {
    _ = try data.categories(label, for: evaluation)
    try data.need(1, in: .test, for: evaluation)
  }

  /// What one sample has, and how many classes there are.
  func shape(_ subject: EvaluationSubject, for evaluation: String) throws -> (scores: Shape, classes: Int) {
    let classes = try subject.spec.categories(label, for: evaluation).count
    return (try subject.shape(ofOutput: output, for: evaluation), classes)
  }

  /// Scores `[N, C]` and classes of a split; one score of two classes stands against 0.
  func read(
    _ subject: EvaluationSubject, _ split: Split, for evaluation: String
  ) throws -> (scores: Tensor, labels: [Int]) {
    let classes = try subject.spec.categories(label, for: evaluation).count
    let (x, samples) = try FeatureSource(output).vectors(subject, split, for: evaluation)
    let labels = try samples.integers(label, below: classes, for: evaluation)
    return (x.shape[1] == 1 && classes == 2 ? concat([.zeros(x.shape), x], axis: 1) : x, labels)
  }
}
