import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `clustering/v1`: k-means on the frozen features of the test split, compared with classes that it never saw.
///
///     acc under the best matching of clusters and classes; nmi, arithmetic mean; ari; purity
///
/// Options: `clusters`, 0 for the number of classes (0); `restarts` (10); `normalize`, features to length 1 (true); `label`
/// (label); `features` (global).
public struct Clustering: Evaluation {
  public static let card = EvaluationCard(
    id: "clustering/v1", title: "k-means on frozen features against classes",
    source:
      "Xie et al. 2016 (DEC, arXiv 1511.06335), Section 4.2 (accuracy by Hungarian matching), with NMI and ARI as in Ji "
      + "et al. 2019 (IIC, arXiv 1807.06653); Lloyd's algorithm from ten k-means++ starts",
    measurements: [
      MeasurementSpec("accuracy", unit: "1"), MeasurementSpec("nmi", unit: "1"), MeasurementSpec("ari", unit: "1"),
      MeasurementSpec("purity", unit: "1"),
    ])

  public let clusters, restarts: Int
  public let normalize: Bool
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
    clusters = try options.int("clusters", in: 0...100_000, default: 0)
    restarts = try options.int("restarts", in: 1...1000, default: 10)
    normalize = try options.bool("normalize", default: true)
    task = try ClassTask.Options(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try data.categories(task.label, for: Self.card.id)
    try data.need(max(clusters, classes.count), in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let test = try ClassTask(subject, .test, task, for: Self.card.id)
    let found = KMeans(
      normalize ? test.x.l2Normalized() : test.x, clusters: clusters > 0 ? clusters : test.classes, restarts: restarts,
      random: random.child("k-means"))
    let agreement = ClusterAgreement(truth: test.labels, clusters: found.clusters)
    return [
      ("accuracy", agreement.accuracy), ("nmi", agreement.normalizedMutualInformation),
      ("ari", agreement.adjustedRandIndex), ("purity", agreement.purity),
    ]
  }
}
