import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `continual/v1`: what a learner of one task after the other knows at the end, and what it forgot on the way.
///
///     a_tk = accuracy on the test samples of task k after training on tasks 0 ... t
///     accuracy = mean_k a_Tk;   incremental = mean_t mean_{k <= t} a_tk
///     forgetting = mean_{k < T} (max_{k <= t < T} a_tk - a_Tk);   backward-transfer = mean_{k < T} (a_Tk - a_kk)
///
/// Tasks are the classes in their order, cut into as many equal groups as the output has tasks. The method keeps what it
/// would have answered after each task. Nobody tells it the task of a sample; `task-accuracy` is the final accuracy of one
/// that is told and chooses among its classes.
///
/// Options: `output`, `[tasks, classes]` for a sample: scores after each task (task-logits); `label` (label).
public struct ClassIncremental: Evaluation {
  public static let card = EvaluationCard(
    id: "continual/v1", title: "Class-incremental learning: accuracy and forgetting",
    source:
      "van de Ven and Tolias 2019 (arXiv 1904.07734), class- and task-incremental; Rebuffi et al. 2017 (iCaRL, arXiv "
      + "1611.07725), Section 4; Chaudhry et al. 2018 (arXiv 1801.10112), Eq. 3; Lopez-Paz and Ranzato 2017 (arXiv "
      + "1706.08840), Eq. 3",
    measurements: [
      MeasurementSpec("accuracy", unit: "1"), MeasurementSpec("incremental", unit: "1"),
      MeasurementSpec("forgetting", unit: "1", isHigherBetter: false), MeasurementSpec("backward-transfer", unit: "1"),
      MeasurementSpec("task-accuracy", unit: "1"),
    ])

  let own: ClassScores

  public init(_ options: inout Section) throws(ReproError) { own = try ClassScores(&options, output: "task-logits") }

  public func check(_ data: DataSpec) throws(ReproError) { try own.check(data, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws {
    let (_, classes) = try own.shape(subject, for: Self.card.id)
    let layout = "[tasks, \(classes)], tasks of equally many classes"
    try subject.require(output: own.output, layout, for: Self.card.id) {
      $0.rank == 2 && $0[1] == classes && $0[0] > 0 && classes % $0[0] == 0
    }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let (shape, classes) = try own.shape(subject, for: Self.card.id)
    let tasks = shape[0]
    let perTask = classes / tasks
    var counts = [Int](repeating: 0, count: tasks)
    var right = [[Int]](repeating: counts, count: tasks)
    var rightWhenTold = 0
    try subject.forEachChunk(of: .test) { chunk in
      guard let scores = chunk.features.outputs[own.output] else {
        throw subject.lacks("output '\(own.output)'", Self.card.id)
      }
      let labels = try chunk.integers(own.label, below: classes, for: Self.card.id)
      let (found, all) = (scores.argmax().values, scores.values)  // [N, tasks], [N, tasks, classes]
      for (i, truth) in labels.enumerated() {
        let task = truth / perTask
        counts[task] += 1
        for t in 0..<tasks where found[i * tasks + t] == truth { right[t][task] += 1 }
        let last = (i * tasks + tasks - 1) * classes
        let told = (task * perTask..<(task + 1) * perTask).reduce(task * perTask) {
          all[last + $1] > all[last + $0] ? $1 : $0
        }
        if told == truth { rightWhenTold += 1 }
      }
    }
    if let empty = counts.firstIndex(of: 0) {
      throw ReproError(
        .data, at: Self.card.id, found: "no test sample is of task \(empty)",
        expected: "samples of classes \(empty * perTask) to \((empty + 1) * perTask - 1)")
    }
    let learner = ContinualLearning(
      accuracy: right.map { row in zip(row, counts).map { Double($0) / Double($1) } })
    return [
      ("accuracy", learner.finalAccuracy), ("incremental", learner.incrementalAccuracy),
      ("forgetting", learner.forgetting), ("backward-transfer", learner.backwardTransfer),
      ("task-accuracy", Double(rightWhenTold) / Double(counts.reduce(0, +))),
    ]
  }
}
