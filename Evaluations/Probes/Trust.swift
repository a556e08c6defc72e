import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `calibration/v1`: whether the probabilities of the method's own logits mean what they say.
///
///     ece = sum over bins of n_b/N |accuracy_b - confidence_b|, 15 bins of equal width
///
/// `scaled-ece` is the same after the logits were divided by the temperature that makes the training labels most likely (the
/// validation labels where there are any).
///
/// Options: `output` (logits); `label` (label); `bins` (15).
public struct CalibrationProtocol: Evaluation {
  public static let card = EvaluationCard(
    id: "calibration/v1", title: "Calibration of predicted probabilities",
    source: "Guo et al. 2017 (arXiv 1706.04599), Eq. 3 to 5 and Section 4.2; Brier 1950",
    measurements: [
      MeasurementSpec("ece", unit: "1", isHigherBetter: false),
      MeasurementSpec("mce", unit: "1", isHigherBetter: false),
      MeasurementSpec("brier", unit: "1", isHigherBetter: false),
      MeasurementSpec("nll", unit: "nats", isHigherBetter: false),
      MeasurementSpec("scaled-ece", unit: "1", isHigherBetter: false),
    ])

  let own: ClassScores
  public let bins: Int

  public init(_ options: inout Section) throws(ReproError) {
    own = try ClassScores(&options, output: "logits")
    bins = try options.int("bins", in: 1...100_000, default: 15)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try own.check(data, for: Self.card.id)
    try data.need(1, in: .train, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    _ = try own.shape(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let known: Split = (subject.spec.sizes[.validation] ?? 0) > 0 ? .validation : .train
    let (seen, seenLabels) = try own.read(subject, known, for: Self.card.id)
    let temperature = calibratingTemperature(seen, seenLabels)
    let (scores, labels) = try own.read(subject, .test, for: Self.card.id)
    func calibration(_ probabilities: Tensor) -> Calibration {
      let best = probabilities.argmax().values
      return Calibration(
        confidences: probabilities.amax().values.map { Double($0) }, isRight: zip(best, labels).map { $0 == $1 },
        bins: bins)
    }
    let plain = calibration(scores.softmax())
    return [
      ("ece", plain.expectedError), ("mce", plain.maximumError), ("brier", brierScore(scores.softmax(), labels)),
      ("nll", negativeLogLikelihood(scores, labels)),
      ("scaled-ece", calibration((scores / Real(temperature)).softmax()).expectedError),
    ]
  }
}

/// `novelty/v1`: whether samples of classes that the training split does not show are told from those of known ones.
///
/// The test split has both; `known` names the classes that count as known. Scores need training features only: the cosine
/// with the k-th nearest training sample, or minus the Mahalanobis distance to the nearest class mean (training labels of
/// known classes), or the method's own logits.
///
/// Options: `known`, names of classes; `score`, neighbour, mahalanobis, probability, logit or energy (neighbour); `k` (10);
/// `output`, for the last three (logits); `label` (label); `features` (global).
public struct Novelty: Evaluation {
  public static let card = EvaluationCard(
    id: "novelty/v1", title: "Detection of unknown classes",
    source:
      "Hendrycks and Gimpel 2017 (arXiv 1610.02136): AUROC and false positives at 95 % recall of known samples; Sun et al. "
      + "2022 (arXiv 2204.06507), Lee et al. 2018 (arXiv 1807.03888), Liu et al. 2020 (arXiv 2010.03759)",
    measurements: [
      MeasurementSpec("auroc", unit: "1"), MeasurementSpec("fpr95", unit: "1", isHigherBetter: false),
      MeasurementSpec("ap", unit: "1"),
    ])

  private static let scores = ["neighbour", "mahalanobis"] + InDistributionScore.allCases.map(\.rawValue)

  public let known: [String]
  public let score, output: String
  public let k: Int
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
    known = try options.strings("known")
    score = try options.choice("score", Self.scores, default: "neighbour")
    output = try options.string("output", default: "logits")
    k = try options.int("k", in: 1...100_000, default: 10)
    task = try ClassTask.Options(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try data.categories(task.label, for: Self.card.id)
    for name in known where !classes.contains(name) {
      throw ReproError(
        .usage, at: Self.card.id, found: "column '\(task.label)' has no class '\(name)'",
        expected: classes.map { "'\($0)'" }.joined(separator: ", "))
    }
    try data.need(1, in: .train, for: Self.card.id)
    try data.need(2, in: .test, for: Self.card.id)
  }

  private var usesLogits: Bool { InDistributionScore(rawValue: score) != nil }

  public func check(encoderOf subject: EvaluationSubject) throws {
    if usesLogits { _ = try subject.shape(ofOutput: output, for: Self.card.id) }
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let classes = try subject.spec.categories(task.label, for: Self.card.id)
    let test = try ClassTask(subject, .test, task, for: Self.card.id)
    let isKnown = test.labels.map { known.contains(classes[$0]) }
    let curve = ScoreCurve(scores: try scores(subject, test), isPositive: isKnown)
    guard let area = curve.area, let alarms = curve.falsePositiveRate(atTruePositiveRate: 0.95),
      let precision = curve.averagePrecision
    else {
      throw ReproError(
        .data, at: Self.card.id, found: "the test split has \(isKnown.count { $0 }) known samples of \(isKnown.count)",
        expected: "known and unknown ones")
    }
    return [("auroc", area), ("fpr95", alarms), ("ap", precision)]
  }

  private func scores(_ subject: EvaluationSubject, _ test: ClassTask) throws -> [Double] {
    if let rule = InDistributionScore(rawValue: score) {
      return rule(try FeatureSource(output).vectors(subject, .test, for: Self.card.id).x)
    }
    let classes = try subject.spec.categories(task.label, for: Self.card.id)
    let all = try ClassTask(subject, .train, task, for: Self.card.id)
    let train = all.rows(all.labels.indices.filter { known.contains(classes[all.labels[$0]]) })
    guard train.count >= max(2, k) else {
      throw ReproError(
        .data, at: Self.card.id, found: "the training split has \(train.count) samples of known classes",
        expected: "at least \(max(2, k))", hint: "lower k or name more classes")
    }
    if score == "neighbour" { return neighbourScores(test.x, train: train.x, k: k) }
    return MahalanobisScore(train: train.x, labels: train.labels, classes: train.classes)(test.x)
  }
}

/// `robustness/v1`: how much of a logistic probe survives when the test pictures are disturbed.
///
/// The head is that of `logistic-probe/v1` on clean training features. The test images get Gaussian noise, blur, lower
/// contrast, more light, and a grey square, each at `severities` strengths; `accuracy` is the mean over all, `drop` the share of
/// the clean accuracy that is lost, `worst` the least of the five.
///
/// Options: `severities` (3); `limit`, test samples (1000); `label` (label).
public struct RobustnessProtocol: Evaluation {
  public static let card = EvaluationCard(
    id: "robustness/v1", title: "A linear probe under disturbed pictures",
    source:
      "in the manner of Hendrycks and Dietterich 2019 (ImageNet-C, arXiv 1903.12261), Section 4, with five disturbances "
      + "of our own strengths: the numbers compare with no published ones",
    measurements: [
      MeasurementSpec("clean", unit: "1"), MeasurementSpec("accuracy", unit: "1"), MeasurementSpec("worst", unit: "1"),
      MeasurementSpec("drop", unit: "1", isHigherBetter: false),
    ])

  public let severities, limit: Int
  public let label: String

  public init(_ options: inout Section) throws(ReproError) {
    severities = try options.int("severities", in: 1...10, default: 3)
    limit = try options.int("limit", in: 1...10_000_000, default: 1000)
    label = try options.string("label", default: "label")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.categories(label, for: Self.card.id)
    guard data.fields.contains(where: { field in !field.isLabel && field.kind.isPicture }) else {
      throw ReproError(
        .usage, at: Self.card.id, found: "the data set has no input images", expected: "a column of images")
    }
    try data.need(2, in: .train, for: Self.card.id)
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let options = ClassTask.Options(label: label, features: FeatureSource(FeatureSource.global))
    let train = try ClassTask(subject, .train, options, for: Self.card.id)
    let head = PenalizedHead(train, strengths: LogisticProbe.standardStrengths, random: random)
    let count = min(limit, subject.spec.sizes[.test] ?? 0)
    let test = try LabelledInputs(
      subject, .test, label: label, classes: train.classes, for: Self.card.id, limit: count)
    func share(_ inputs: Batch) throws -> Double {
      accuracy(head.model.classes(head.standardize(try subject.globalFeatures(of: inputs))), test.labels)
    }
    let clean = try share(test.inputs)
    let disturbed = try Disturbance.allCases.map { kind in
      try (1...severities).map { severity in
        try share(
          kind.applied(
            to: test.inputs, strength: Double(severity) / Double(severities),
            random: random.child(kind.rawValue, severity)))
      }
    }
    let found = Robustness(clean: clean, disturbed: disturbed)
    let worst = disturbed.map { $0.reduce(0, +) / Double($0.count) }.min() ?? 0
    return [("clean", clean), ("accuracy", found.meanAccuracy), ("worst", worst), ("drop", found.relativeDrop)]
  }
}

extension FieldKind {
  /// Whether samples are pictures, one or several.
  var isPicture: Bool {
    switch self {
    case .image, .frames: true
    default: false
    }
  }
}
