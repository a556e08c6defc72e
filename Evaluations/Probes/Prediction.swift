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

  public let output, label: String

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "logits")
    label = try options.string("label", default: "label")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.categories(label, for: Self.card.id)
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    let classes = try subject.spec.categories(label, for: Self.card.id).count
    let shape = try subject.shape(ofOutput: output, for: Self.card.id)
    guard shape.count == classes || (shape.count == 1 && classes == 2) else {
      throw ReproError(
        .usage, at: Self.card.id,
        found: "output '\(output)' has \(shape.count) scores, column '\(label)' \(classes) classes",
        expected: "a score for each class, or one for two classes")
    }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let (scores, labels) = try logits(subject, .test, output: output, label: label, for: Self.card.id)
    return ClassTask.measured(scores, labels, classes: scores.shape[1])
  }
}

/// The method's scores of classes, `[N, C]`, and the classes; one score of two classes stands against 0.
func logits(
  _ subject: EvaluationSubject, _ split: Split, output: String, label: String, for evaluation: String
) throws -> (scores: Tensor, labels: [Int]) {
  let classes = try subject.spec.categories(label, for: evaluation).count
  let (x, samples) = try FeatureSource(output).vectors(subject, split, for: evaluation)
  let labels = try samples.integers(label, below: classes, for: evaluation)
  return (x.shape[1] == 1 && classes == 2 ? concat([.zeros(x.shape), x], axis: 1) : x, labels)
}
