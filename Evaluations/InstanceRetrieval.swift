import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `retrieval/v1`: other views of the same individual, found among the test samples by cosine similarity.
///
///     AP_i = 1/R_i sum over relevant j of precision(rank of j);   map = mean of AP_i
///     r1 = mean of [the first of the ranking is relevant]
///
/// Every test sample is a query; its gallery is all other test samples, relevant are those with the query's identity.
/// Equal similarities rank by index. Queries without a relevant sample have no AP: they stay out of both means, and
/// `left-out` says how many they were.
///
/// Option: `label`, a column of identities or categories (instance).
public struct InstanceRetrieval: Evaluation {
  public static let card = EvaluationCard(
    id: "retrieval/v1", title: "Retrieval of other views of the same individual by frozen global features",
    source: "mean average precision as in Philbin et al. 2007 and Radenovic et al. 2018 (arXiv 1803.11285), by cosine "
      + "similarity as in Oquab et al. 2023 (DINOv2, arXiv 2304.07193), Section 7.3; AP is the mean of the precisions "
      + "at the relevant ranks, not the trapezoid rule of those benchmarks",
    measurements: [
      MeasurementSpec("map", unit: "1"), MeasurementSpec("r1", unit: "1"),
      MeasurementSpec("left-out", unit: "queries", isHigherBetter: false, decimals: 0),
    ])

  /// Column that says who is who.
  public let label: String

  public init(_ options: inout Section) throws(ReproError) {
    label = try options.string("label", default: "instance")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.identities(label, for: Self.card.id)
    try data.need(2, in: .test, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let count = try subject.spec.identities(label, for: Self.card.id)
    let test = try subject.labelled(.test)
    let identity = try test.integers(label, below: count, for: Self.card.id)
    let found = rankings(of: test.features.global, identity).compactMap { $0 }
    guard !found.isEmpty else {
      throw ReproError(
        .data, at: Self.card.id, found: "no two of \(identity.count) test samples have the same '\(label)'",
        expected: "several views of each individual", hint: "take more test samples, or fewer individuals")
    }
    let n = Double(found.count)
    return [
      ("map", found.reduce(0) { $0 + $1.averagePrecision } / n),
      ("r1", Double(found.count { $0.startsRelevant }) / n),
      ("left-out", Double(identity.count - found.count)),
    ]
  }
}

/// How well one query's gallery is ranked.
struct Ranking {
  var averagePrecision: Double
  /// Whether the most similar sample is a relevant one.
  var startsRelevant: Bool

  /// - Parameters:
  ///   - scores: similarity of each sample to the query.
  ///   - relevant: the relevant samples, without the query, at least one.
  ///   - query: the sample that is left out of the gallery.
  init(scores: UnsafeBufferPointer<Real>, relevant: [Int], query: Int) {
    // Only the ranks of the relevant samples matter: sort those, then count which of them every other sample precedes.
    func precedes(_ i: Int, _ j: Int) -> Bool { scores[i] > scores[j] || (scores[i] == scores[j] && i < j) }
    let order = relevant.sorted(by: precedes)
    var between = [Int](repeating: 0, count: order.count + 1)  // others between relevant sample r - 1 and r
    var isRelevant = [Bool](repeating: false, count: scores.count)
    for i in order { isRelevant[i] = true }
    for i in scores.indices where i != query && !isRelevant[i] {
      var (low, high) = (0, order.count)  // the first relevant sample that i precedes
      while low < high {
        let middle = (low + high) / 2
        if precedes(i, order[middle]) { high = middle } else { low = middle + 1 }
      }
      between[low] += 1
    }
    var (others, sum) = (0, 0.0)
    for r in order.indices {
      others += between[r]
      sum += Double(r + 1) / Double(r + 1 + others)
    }
    averagePrecision = sum / Double(order.count)
    startsRelevant = between[0] == 0
  }
}

/// The ranking of every sample's gallery, all other samples; nil for a sample whose identity nobody shares.
func rankings(of features: Tensor, _ identity: [Int]) -> [Ranking?] {
  var members: [Int: [Int]] = [:]
  for (i, id) in identity.enumerated() { members[id, default: []].append(i) }
  let relevant = identity.enumerated().map { i, id in (members[id] ?? []).filter { $0 != i } }
  var result = [Ranking?](repeating: nil, count: identity.count)
  result.withUnsafeMutableBufferPointer { result in
    guard let result = result.baseAddress else { return }
    forEachSimilarityRow(features, features) { i, row in
      if !relevant[i].isEmpty { result[i] = Ranking(scores: row, relevant: relevant[i], query: i) }
    }
  }
  return result
}
