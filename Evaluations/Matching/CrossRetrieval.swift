import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `cross-retrieval/v1`: samples found by one of their views in a gallery of another, by cosine similarity.
///
/// Queries and gallery are the test samples, seen as `from` and as `to`: `global`, an output of the method, or a text column
/// that the method's text tower reads. Relevant is the same sample (`match: pair`) or every sample with the same value of
/// a label column. Where both views are the same, the query itself is not in the gallery. Equal similarities rank by
/// index; queries without anything relevant count in `left-out` only.
///
///     r@k: share of queries with a relevant item among the first k;   ndcg@k: gain 1 for every relevant item
///
/// Options: `from` (global); `to` (text); `match`, `pair` or a column of identities or categories (pair); `k` (1, 5, 10);
/// `ndcg` (10).
public struct CrossRetrieval: Evaluation {
  public static let card = EvaluationCard(
    id: "cross-retrieval/v1", title: "Retrieval between views or modalities by frozen features",
    source:
      "R@k and median rank of Karpathy and Fei-Fei 2015 (arXiv 1412.2306), Section 4.2; nDCG of Jarvelin and Kekalainen "
      + "2002 with relevance 1 for the same label, as Arandjelovic and Zisserman 2018 (arXiv 1712.06651), Section 3.1 with "
      + "k = 30 (their grading of relevance is not stated)",
    measurements: [
      MeasurementSpec("map", unit: "1"), MeasurementSpec("mrr", unit: "1"),
      MeasurementSpec("median-rank", unit: "rank", isHigherBetter: false, decimals: 1),
      MeasurementSpec("left-out", unit: "queries", isHigherBetter: false, decimals: 0),
    ])

  let views: TwoViews
  public let ks, ndcgs: [Int]

  public init(_ options: inout Section) throws(ReproError) {
    views = try TwoViews(&options, to: "text", match: TwoViews.pair)
    ks = try options.distinct("k", default: [1, 5, 10])
    ndcgs = try options.distinct("ndcg", default: [10])
  }

  public var measurements: [MeasurementSpec] {
    ks.map { MeasurementSpec("r\($0)", unit: "1") } + ndcgs.map { MeasurementSpec("ndcg\($0)", unit: "1") }
      + Self.card.measurements
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try views.check(data, [.test], "searched among", for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { try views.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let (queries, gallery) = try views.vectors(subject, .test, for: Self.card.id)
    let labels = try views.labels(subject, .test, for: Self.card.id)
    let members = members(of: labels, count: (labels.max() ?? -1) + 1)
    let isSame = views.isOne
    let found = relevantRanks(queries: queries, gallery: gallery, excluding: { isSame ? [$0] : [] }) { i in
      members[labels[i]].filter { !isSame || $0 != i }
    }
    let summary = RetrievalSummary(found)
    return zip(ks, measurements).map { ($1.name, summary.recall(at: $0)) }
      + zip(ndcgs, measurements.dropFirst(ks.count)).map { ($1.name, summary.ndcg(at: $0)) }
      + [
        ("map", summary.meanAveragePrecision), ("mrr", summary.meanReciprocalRank),
        ("median-rank", summary.medianRank), ("left-out", Double(summary.leftOut)),
      ]
  }
}

extension Section {
  /// A list of different numbers from 1, at least one.
  mutating func distinct(_ key: String, default standard: [Int]) throws(ReproError) -> [Int] {
    let place = node[key]?.mark ?? node.mark
    let values = try ints(key, in: 1...1_000_000, default: standard)
    guard !values.isEmpty, Set(values).count == values.count else {
      throw ReproError(
        .usage, at: "\(place)", found: "\(name).\(key) is \(values)", expected: "different numbers, at least one")
    }
    return values
  }
}
