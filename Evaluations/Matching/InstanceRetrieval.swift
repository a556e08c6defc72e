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
/// Options: `label`, a column of identities or categories (instance); `features`, an output or `global` (global).
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
  let features: FeatureSource

  public init(_ options: inout Section) throws(ReproError) {
    label = try options.string("label", default: "instance")
    features = try FeatureSource(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.identities(label, for: Self.card.id)
    try data.need(2, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { try features.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let count = try subject.spec.identities(label, for: Self.card.id)
    let (x, test) = try features.vectors(subject, .test, for: Self.card.id)
    let identity = try test.integers(label, below: count, for: Self.card.id)
    let found = RetrievalSummary(rankings(of: x, identity))
    guard found.queries > 0 else {
      throw ReproError(
        .data, at: Self.card.id, found: "no two of \(identity.count) test samples have the same '\(label)'",
        expected: "several views of each individual", hint: "take more test samples, or fewer individuals")
    }
    return [
      ("map", found.meanAveragePrecision), ("r1", found.recall(at: 1)), ("left-out", Double(found.leftOut)),
    ]
  }
}

/// The ranking of every sample's gallery, all other samples; nil for a sample whose identity nobody shares.
func rankings(of features: Tensor, _ identity: [Int]) -> [RelevantRanks?] {
  let members = members(of: identity, count: (identity.max() ?? -1) + 1)
  return relevantRanks(queries: features, gallery: features, excluding: { [$0] }) { i in
    members[identity[i]].filter { $0 != i }
  }
}
