import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `knn-plain/v1`: the most frequent class among the nearest training samples, every neighbour with one vote.
///
/// Near is a large cosine, or a small Euclidean distance. Of equally near samples the earlier counts, of equally frequent
/// classes the first.
///
/// Options: `k`, a number or a list of them, the first one being `top1` (5); `distance`, cosine or euclidean (cosine); `label`
/// (label); `features` (global).
public struct PlainKNN: Evaluation {
  public static let card = EvaluationCard(
    id: "knn-plain/v1", title: "k nearest neighbours with equal votes on frozen features",
    source: "Fix and Hodges 1951; as scikit-learn's KNeighborsClassifier with uniform weights",
    measurements: [MeasurementSpec("top1", unit: "1")])

  public let ks: [Int]
  public let isCosine: Bool
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
    ks =
      options.isList("k")
      ? try options.distinct("k", default: [5]) : [try options.int("k", in: 1...100_000, default: 5)]
    isCosine = try options.choice("distance", ["cosine", "euclidean"], default: "cosine") == "cosine"
    task = try ClassTask.Options(&options)
  }

  public var measurements: [MeasurementSpec] {
    Self.card.measurements + ks.dropFirst().map { MeasurementSpec("top1-k\($0)", unit: "1") }
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try task.check(data, train: ks.max() ?? 1, hint: "lower k or take more training samples", for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let (train, test) = try task.read(subject, for: Self.card.id)
    let k = ks.max() ?? 1
    let places =
      isCosine
      ? Neighbours(of: test.x, in: train.x, k: k).places : nearestNeighbours(test.x, among: train.x, count: k).values
    return zip(measurements, ks).map { measurement, own in
      let predicted = test.labels.indices.map { i in
        var votes = [Int](repeating: 0, count: train.classes)
        for j in (i * k)..<(i * k + own) { votes[train.labels[places[j]]] += 1 }
        return votes.indices.reduce(0) { votes[$1] > votes[$0] ? $1 : $0 }
      }
      return (measurement.name, accuracy(predicted, test.labels))
    }
  }
}

extension Section {
  /// Whether a key's value is a list.
  func isList(_ key: String) -> Bool {
    if case .sequence = node[key]?.content { true } else { false }
  }
}
