import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `knn-groups/v1`: `knn/v1` inside of each group of samples, as if the others did not exist.
///
///     votes_c = sum over j in N_k(i), g_j = g_i, y_j = c of exp(s_ij / temperature)
///
/// For what is good for some classes and may be bad for the others: a curated part of the data, a domain.
///
/// Options: `group`, a column of categories (group); `groups`, which of its categories are measured; `k` (20);
/// `temperature` (0.07); `label` (label); `features`, an output or `global` (global). Gives `top1-NAME` for each group.
public struct GroupedKNN: Evaluation {
  public static let card = EvaluationCard(
    id: "knn-groups/v1", title: "Weighted k nearest neighbours inside of each group",
    source:
      "the votes of knn/v1 (Wu et al. 2018, arXiv 1805.01978, Section 3.4), gallery and queries of one group at a "
      + "time",
    measurements: [MeasurementSpec("top1-group", unit: "1")])

  public let k: Int
  public let temperature: Double
  public let group, label: String
  public let groups: [String]
  let features: FeatureSource

  public init(_ options: inout Section) throws(ReproError) {
    k = try options.int("k", in: 1...100_000, default: 20)
    temperature = try options.double("temperature", in: 0.001...1000, default: 0.07)
    group = try options.string("group", default: "group")
    label = try options.string("label", default: "label")
    groups = try options.strings("groups", default: [])
    guard !groups.isEmpty, Set(groups).count == groups.count else {
      throw ReproError(
        .usage, at: "\(options.node.mark)", found: "\(options.name).groups is \(groups)",
        expected: "different categories of the column '\(group)'")
    }
    features = try FeatureSource(&options)
  }

  public var measurements: [MeasurementSpec] { groups.map { MeasurementSpec("top1-\($0)", unit: "1") } }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.categories(label, for: Self.card.id)
    let known = try data.categories(group, for: Self.card.id)
    for name in groups where !known.contains(name) {
      throw ReproError(
        .usage, at: Self.card.id, found: "column '\(group)' has no category '\(name)'",
        expected: known.joined(separator: ", "))
    }
    try data.need(k, in: .train, for: Self.card.id, hint: "lower k or take more training samples")
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { try features.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let classes = try subject.spec.categories(label, for: Self.card.id).count
    let names = try subject.spec.categories(group, for: Self.card.id)
    let (gallery, train) = try features.vectors(subject, .train, for: Self.card.id)
    let (queries, test) = try features.vectors(subject, .test, for: Self.card.id)
    let known = try train.integers(label, below: classes, for: Self.card.id)
    let truth = try test.integers(label, below: classes, for: Self.card.id)
    let (home, away) = (
      try train.integers(group, below: names.count, for: Self.card.id),
      try test.integers(group, below: names.count, for: Self.card.id)
    )
    return try groups.map { name in
      let own = names.firstIndex(of: name) ?? 0
      let (inside, asked) = (home.indices.filter { home[$0] == own }, away.indices.filter { away[$0] == own })
      guard inside.count >= k, !asked.isEmpty else {
        throw ReproError(
          .data, at: Self.card.id, found: "\(inside.count) training and \(asked.count) test samples of '\(name)'",
          expected: "at least \(k) and 1", hint: "lower k, or take more samples")
      }
      let near = Neighbours(
        of: queries.gathered(IndexTensor(asked)), in: gallery.gathered(IndexTensor(inside)), k: k)
      let found = near.votes(k: k, labels: inside.map { known[$0] }, classes: classes, temperature: temperature)
      return ("top1-\(name)", accuracy(found, asked.map { truth[$0] }))
    }
  }
}
