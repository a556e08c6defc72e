import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `recommendation/v1`: the method's ranking of all items for each user against the items that were held out.
///
/// A test sample is a user. Items that the user has seen in training are not ranked; users without a held-out item count in
/// `left-out` only. `hr@k` is 1 if one of the first k items was held out, `recall@k` the share of held-out items among them,
/// `coverage` the share of items that somebody is shown among the first k (the first of `k`).
///
/// Options: `output`, `[items]` for a sample, larger is better (scores); `relevant` and `seen`, label columns `[items]`, > 0 where it
/// holds (relevant, seen); `k` (10, 20).
public struct Recommendation: Evaluation {
  public static let card = EvaluationCard(
    id: "recommendation/v1", title: "Ranking of items for users",
    source:
      "Recall and NDCG over the full ranking as Wang et al. 2019 (NGCF, arXiv 1905.08108), Section 4.2; all items are "
      + "ranked, no sampled metrics (Krichene and Rendle 2020)",
    measurements: [
      MeasurementSpec("mrr", unit: "1"), MeasurementSpec("map", unit: "1"), MeasurementSpec("coverage", unit: "1"),
      MeasurementSpec("left-out", unit: "users", isHigherBetter: false, decimals: 0),
    ])

  public let output, relevant, seen: String
  public let ks: [Int]

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "scores")
    relevant = try options.string("relevant", default: "relevant")
    seen = try options.string("seen", default: "seen")
    ks = try options.distinct("k", default: [10, 20])
  }

  public var measurements: [MeasurementSpec] {
    ks.flatMap { k in ["recall\(k)", "ndcg\(k)", "hr\(k)"].map { MeasurementSpec($0, unit: "1") } }
      + Self.card.measurements
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let (a, b) = (try data.realShape(relevant, for: Self.card.id), try data.realShape(seen, for: Self.card.id))
    guard a == b, a.rank == 1 else {
      throw ReproError(
        .usage, at: Self.card.id, found: "columns '\(relevant)' and '\(seen)' have the shapes \(a) and \(b)",
        expected: "[items] both")
    }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: output, likeColumn: relevant, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var found: [RelevantRanks?] = []
    var lists: [[Int]] = []
    var items = 0
    try subject.forEachChunk(of: .test) { chunk in
      guard let scores = chunk.features.outputs[output] else { return }
      items = scores.shape[1]
      let wanted = try chunk.numbers(relevant, for: Self.card.id).values
      let known = try chunk.numbers(seen, for: Self.card.id).values
      let rows = scores.values
      for user in 0..<chunk.labels.count {
        let range = (user * items)..<((user + 1) * items)
        let row = Array(rows[range])
        let old = range.indices.filter { known[$0] > 0 }.map { $0 - range.lowerBound }
        let isOld = Set(old)
        let new = range.indices.filter { wanted[$0] > 0 }.map { $0 - range.lowerBound }.filter { !isOld.contains($0) }
        found.append(new.isEmpty ? nil : RelevantRanks(scores: row, relevant: new, excluding: old))
        let order = row.indices.filter { !isOld.contains($0) }.sorted {
          row[$0] > row[$1] || (row[$0] == row[$1] && $0 < $1)
        }
        lists.append(Array(order.prefix(ks[0])))
      }
    }
    let summary = RetrievalSummary(found)
    let perK = ks.flatMap { k in
      [
        (name: "recall\(k)", value: summary.mean { $0.recall(at: k) }), (name: "ndcg\(k)", value: summary.ndcg(at: k)),
        (name: "hr\(k)", value: summary.recall(at: k)),
      ]
    }
    return perK + [
      ("mrr", summary.meanReciprocalRank), ("map", summary.meanAveragePrecision),
      ("coverage", catalogueCoverage(lists, items: items)), ("left-out", Double(summary.leftOut)),
    ]
  }
}

/// `control/v1`: how well the method acts: a test sample is an episode that it plays while it is encoded.
///
/// `iqm` is the mean of the middle half of returns.
///
/// Options: `output`, `[2]` for a sample: the episode's return, and 1 for success or 0 (episode).
public struct Control: Evaluation {
  public static let card = EvaluationCard(
    id: "control/v1", title: "Returns and successes of episodes",
    source:
      "mean return and success rate over fixed episodes; the interquartile mean of Agarwal et al. 2021 (arXiv 2108.13264), "
      + "Section 4.3",
    measurements: [
      MeasurementSpec("return", unit: "reward"), MeasurementSpec("success", unit: "1"),
      MeasurementSpec("iqm", unit: "reward"),
    ])

  let numbers: TwoNumbers

  public init(_ options: inout Section) throws(ReproError) {
    numbers = try TwoNumbers(&options, "episode", "a return and a success")
  }

  public func check(_ data: DataSpec) throws(ReproError) { try data.need(1, in: .test, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws { try numbers.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let found = try numbers.read(subject, for: Self.card.id)
    let episodes = EpisodeSummary(returns: found.map(\.first), successes: found.map { $0.second > 0.5 })
    return [
      ("return", episodes.meanReturn), ("success", episodes.successRate), ("iqm", episodes.interquartileMean),
    ]
  }
}
