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

  public let from, to, match: String
  public let ks, ndcgs: [Int]

  public init(_ options: inout Section) throws(ReproError) {
    from = try options.string("from", default: FeatureSource.global)
    to = try options.string("to", default: "text")
    match = try options.string("match", default: Self.pair)
    ks = try options.distinct("k", default: [1, 5, 10])
    ndcgs = try options.distinct("ndcg", default: [10])
  }

  private static let pair = "pair"

  public var measurements: [MeasurementSpec] {
    ks.map { MeasurementSpec("r\($0)", unit: "1") } + ndcgs.map { MeasurementSpec("ndcg\($0)", unit: "1") }
      + Self.card.measurements
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    if match != Self.pair { _ = try data.identities(match, for: Self.card.id) }
    try data.need(2, in: .test, for: Self.card.id)
    guard match != Self.pair || from != to else {
      throw ReproError(
        .usage, at: Self.card.id, found: "'\(from)' is searched among itself with match: pair",
        expected: "two views, or a label column to match by")
    }
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    for name in [from, to] { try Tower(name, subject).check(subject, for: Self.card.id) }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let queries = try Tower(from, subject).vectors(subject, .test, for: Self.card.id)
    let gallery = from == to ? queries : try Tower(to, subject).vectors(subject, .test, for: Self.card.id)
    guard queries.shape[1] == gallery.shape[1] else {
      throw ReproError(
        .usage, at: Self.card.id, found: "'\(from)' has \(queries.shape[1]) features and '\(to)' \(gallery.shape[1])",
        expected: "vectors of one space")
    }
    let found: [RelevantRanks?]
    if match == Self.pair {
      found = relevantRanks(queries: queries, gallery: gallery) { [$0] }
    } else {
      let count = try subject.spec.identities(match, for: Self.card.id)
      let labels = try subject.labelled(.test).integers(match, below: count, for: Self.card.id)
      var members: [Int: [Int]] = [:]
      for (i, label) in labels.enumerated() { members[label, default: []].append(i) }
      let isSame = from == to
      found = relevantRanks(queries: queries, gallery: gallery, excluding: { isSame ? [$0] : [] }) { i in
        (members[labels[i]] ?? []).filter { !isSame || $0 != i }
      }
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

/// One view of samples as vectors: an output, or a text column through the method's text tower.
struct Tower {
  private let source: FeatureSource
  private let isText: Bool

  init(_ name: String, _ subject: EvaluationSubject) {
    source = FeatureSource(name)
    isText = subject.spec[field: name]?.kind == .text
  }

  func check(_ subject: EvaluationSubject, for evaluation: String) throws {
    if isText { _ = try subject.textEncoder(for: evaluation) } else { try source.check(subject, for: evaluation) }
  }

  /// `[N, D]`
  func vectors(_ subject: EvaluationSubject, _ split: Split, for evaluation: String) throws -> Tensor {
    guard isText else { return try source.vectors(subject, split, for: evaluation).x }
    let batch = try subject.samples(Array(0..<(subject.spec.sizes[split] ?? 0)), of: split)
    guard case .texts(let texts) = batch[source.name] else {
      throw ReproError(.data, at: evaluation, found: "column '\(source.name)' has no text", expected: "text")
    }
    return try subject.vectors(of: texts, for: evaluation)
  }
}

extension EvaluationSubject {
  /// The method's text tower; a usage error for a method without one.
  func textEncoder(for evaluation: String) throws(ReproError) -> any TextEncoder {
    guard let texts else {
      throw ReproError(
        .usage, at: evaluation, found: "the method reads no text", expected: "a method that is TextEmbedding",
        hint: "leave \(evaluation) out for this method")
    }
    return texts
  }

  /// Vectors of texts, `[T, D]`, a few hundred at a time; checked to be finite.
  func vectors(of texts: [String], for evaluation: String) throws -> Tensor {
    let encoder = try textEncoder(for: evaluation)
    let parts = try stride(from: 0, to: texts.count, by: 256).map { first in
      try encoder.features(of: Array(texts[first..<min(first + 256, texts.count)])).detached
    }
    let result = concat(parts)
    ReproTensor.require(
      result.rank == 2 && result.shape[0] == texts.count,
      "a text encoder gives [T, D], got \(result.shape) for \(texts.count) texts")
    guard result.nonFiniteCount == 0 else {
      throw ReproError(
        .numerical, at: evaluation, found: "\(result.nonFiniteCount) features of texts are not finite",
        hint: "did the training diverge?")
    }
    return result
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
