import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `verification/v1`: whether two views belong together, told from the cosine of their features.
///
/// Half of the pairs are of one sample (`match: pair`) or of two samples with the same label, half of samples that do not
/// match; both are drawn at random among the samples of a split. `accuracy` uses the threshold that is best on as many
/// pairs of the training split.
///
/// Options: `from` (global); `to`, what the partner is seen by (the same as from); `match`, `pair` or a column of identities
/// or categories (instance); `pairs` (4000).
public struct PairVerification: Evaluation {
  public static let card = EvaluationCard(
    id: "verification/v1", title: "Same or different, from the cosine of frozen features",
    source: "ROC and equal error rate of verification as in Nagrani et al. 2018 (PINs, arXiv 1805.00833), Section 4.2; "
      + "accuracy at a threshold chosen on other data as in Huang et al. 2007 (LFW)",
    measurements: [
      MeasurementSpec("auc", unit: "1"), MeasurementSpec("eer", unit: "1", isHigherBetter: false),
      MeasurementSpec("accuracy", unit: "1"),
    ])

  let views: TwoViews
  public let pairs: Int

  public init(_ options: inout Section) throws(ReproError) {
    views = try TwoViews(&options, to: nil, match: "instance")
    pairs = try options.int("pairs", in: 2...10_000_000, default: 4000)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try views.check(data, [.train, .test], "compared with", for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { try views.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let (_, threshold) = try curve(subject, .train, random.child("train")).bestAccuracy
    let test = try scored(subject, .test, random.child("test"))
    let found = ScoreCurve(scores: test.scores, isPositive: test.isSame)
    let right = zip(test.scores, test.isSame).count { ($0 >= threshold) == $1 }
    return [
      ("auc", found.area ?? 0.5), ("eer", found.equalErrorRate ?? 0.5),
      ("accuracy", Double(right) / Double(test.scores.count)),
    ]
  }

  private func curve(_ subject: EvaluationSubject, _ split: Split, _ random: RandomStream) throws -> ScoreCurve {
    let (scores, isSame) = try scored(subject, split, random)
    return ScoreCurve(scores: scores, isPositive: isSame)
  }

  /// Random pairs of a split with their cosines.
  private func scored(
    _ subject: EvaluationSubject, _ split: Split, _ random: RandomStream
  ) throws -> (scores: [Double], isSame: [Bool]) {
    let (one, other) = try views.vectors(subject, split, for: Self.card.id)
    let a = one.l2Normalized()
    let b = views.isOne ? a : other.l2Normalized()
    let n = a.shape[0]
    let labels = try views.labels(subject, split, for: Self.card.id)
    let members = members(of: labels, count: (labels.max() ?? -1) + 1)
    // A partner of the same label: any of its samples, but not the very same view.
    let partners = labels.indices.map { i in members[labels[i]].filter { !views.isOne || $0 != i } }
    let starts = labels.indices.filter { !partners[$0].isEmpty }
    guard !starts.isEmpty, members.count(where: { !$0.isEmpty }) >= 2 else {
      throw ReproError(
        .data, at: Self.card.id, found: "split '\(split.rawValue)' has no pairs of both kinds by '\(views.match)'",
        expected: "samples that match and samples that do not")
    }
    var stream = random
    var (left, right, isSame): ([Int], [Int], [Bool]) = ([], [], [])
    for p in 0..<pairs {
      let i = starts[stream.integer(below: starts.count)]
      var j = 0
      if p % 2 == 0 {
        j = partners[i][stream.integer(below: partners[i].count)]
      } else {
        repeat { j = stream.integer(below: n) } while labels[j] == labels[i]
      }
      left.append(i)
      right.append(j)
      isSame.append(p % 2 == 0)
    }
    let cosines = (a.gathered(IndexTensor(left)) * b.gathered(IndexTensor(right))).sum(-1).values
    return (cosines.map { Double($0) }, isSame)
  }
}
