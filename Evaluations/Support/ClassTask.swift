import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// A classification task on frozen vectors: what most probes read.
struct ClassTask {
  /// Column of the classes, and where the vectors come from.
  struct Options: Sendable {
    let label: String
    let features: FeatureSource
    init(label: String, features: FeatureSource) { (self.label, self.features) = (label, features) }
    init(_ options: inout Section) throws(ReproError) {
      label = try options.string("label", default: "label")
      features = try FeatureSource(&options)
    }

    /// Refuses data without classes, or with fewer training samples than the protocol can work with.
    func check(
      _ data: DataSpec, train: Int, hint: String? = nil, for evaluation: String
    ) throws(ReproError) {
      _ = try data.categories(label, for: evaluation)
      try data.need(train, in: .train, for: evaluation, hint: hint)
      try data.need(1, in: .test, for: evaluation)
    }

    /// What a head is trained with, and what it is measured with.
    func read(_ subject: EvaluationSubject, for evaluation: String) throws -> (train: ClassTask, test: ClassTask) {
      (try ClassTask(subject, .train, self, for: evaluation), try ClassTask(subject, .test, self, for: evaluation))
    }
  }

  let classes: Int
  let x: Tensor  // [N, D]
  let labels: [Int]

  init(_ subject: EvaluationSubject, _ split: Split, _ options: Options, for evaluation: String) throws {
    classes = try subject.spec.categories(options.label, for: evaluation).count
    let (x, samples) = try options.features.vectors(subject, split, for: evaluation)
    self.x = x
    labels = try samples.integers(options.label, below: classes, for: evaluation)
  }

  /// The samples of several tasks of the same classes, one after the other.
  init(joining tasks: [ClassTask]) {
    self.init(classes: tasks[0].classes, x: concat(tasks.map(\.x)), labels: tasks.flatMap(\.labels))
  }

  init(classes: Int, x: Tensor, labels: [Int]) { (self.classes, self.x, self.labels) = (classes, x, labels) }

  var count: Int { labels.count }

  func rows(_ places: [Int]) -> ClassTask {
    ClassTask(classes: classes, x: x.gathered(IndexTensor(places)), labels: places.map { labels[$0] })
  }

  /// Nine tenths and the tenth that is held out to choose by.
  func parted(_ random: RandomStream) -> (kept: ClassTask, held: ClassTask) {
    let (kept, held) = Evaluations.parted(labels, classes: classes, random: random)
    return (rows(kept), rows(held))
  }

  /// A number of samples of each class (all of a class that has fewer), drawn at random, in the order of the data.
  func drawn(perClass count: Int, random: RandomStream) -> ClassTask {
    rows(Evaluations.drawn(count, ofEach: classes, labels, random: random))
  }

  func standardized(by standardize: Standardizer) -> ClassTask {
    ClassTask(classes: classes, x: standardize(x), labels: labels)
  }

  /// What scores `[N, C]` say about these samples.
  func measured(_ scores: Tensor) -> [(name: String, value: Double)] {
    Self.measured(scores, labels, classes: classes)
  }

  /// What scores `[N, C]` say about samples: `top1`, `class-accuracy`, `macro-f1`, `auroc`, and `mcc`, the measures of GLUE
  /// (accuracy, F1, Matthews' correlation) among them.
  static func measured(_ scores: Tensor, _ labels: [Int], classes: Int) -> [(name: String, value: Double)] {
    let predicted = scores.argmax().values
    let confusion = Confusion(truth: labels, predicted: predicted, classes: classes)
    // Only the order counts: of two classes the difference of their scores, else the probability of each.
    let ordered = classes == 2 ? scores - scores.flipped(1) : scores.softmax()
    let auroc = meanOverClasses(of: ordered, \.area) { labels[$0] == $1 }
    return [
      ("top1", accuracy(predicted, labels)), ("class-accuracy", confusion.meanClassAccuracy),
      ("macro-f1", confusion.meanF1()), ("auroc", auroc ?? 0.5), ("mcc", confusion.matthews),
    ]
  }

  /// The cards' entries of `measured`.
  static let measurements = [
    MeasurementSpec("top1", unit: "1"), MeasurementSpec("class-accuracy", unit: "1"),
    MeasurementSpec("macro-f1", unit: "1"), MeasurementSpec("auroc", unit: "1"), MeasurementSpec("mcc", unit: "1"),
  ]
}

/// Places of a number of samples of each class (all of a class that has fewer), drawn at random, in the order of the data.
func drawn(_ count: Int, ofEach classes: Int, _ labels: [Int], random: RandomStream) -> [Int] {
  members(of: labels, count: classes).enumerated().flatMap { c, own -> [Int] in
    var stream = random.child("class", c)
    return stream.permutation(own.count).prefix(count).map { own[$0] }
  }.sorted()
}
