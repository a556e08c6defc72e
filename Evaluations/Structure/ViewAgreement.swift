import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `view-agreement/v1`: how alike two views of the same samples are in feature space.
///
///     alignment = mean |u - v|^2 of unit-length features of a sample;   cka, linear, needs no common space
///     cosine-gap = mean cosine of two views of one sample - mean cosine of views of different samples
///
/// `alignment` and `cosine-gap` are 0 where the views have different numbers of features.
///
/// Options: `from` (global); `to`, an output.
public struct ViewAgreement: Evaluation {
  public static let card = EvaluationCard(
    id: "view-agreement/v1", title: "Agreement of two views in feature space",
    source:
      "Wang and Isola 2020 (arXiv 2005.10242), Section 4.1.1; Kornblith et al. 2019 (arXiv 1905.00414), Eq. 3 with "
      + "linear kernels",
    measurements: [
      MeasurementSpec("alignment", unit: "squared distance", isHigherBetter: false), MeasurementSpec("cka", unit: "1"),
      MeasurementSpec("cosine-gap", unit: "1"),
    ])

  let from, to: FeatureSource

  public init(_ options: inout Section) throws(ReproError) {
    from = try FeatureSource(&options, "from")
    to = FeatureSource(try options.string("to"))
  }

  public func check(_ data: DataSpec) throws(ReproError) { try data.need(2, in: .test, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try from.check(subject, for: Self.card.id)
    try to.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let a = try from.vectors(subject, .test, for: Self.card.id).x
    let b = try to.vectors(subject, .test, for: Self.card.id).x
    let cka = linearCKA(a, b)
    guard a.shape == b.shape else { return [("alignment", 0), ("cka", cka), ("cosine-gap", 0)] }
    let (u, v) = (a.l2Normalized(), b.l2Normalized())
    let own = (u * v).sum(-1).values.reduce(0.0) { $0 + Double($1) }
    // sum over all pairs of <u_i, v_j> = <sum u, sum v>
    let all = zip(u.sum(0).values, v.sum(0).values).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let n = Double(a.shape[0])
    return [
      ("alignment", alignment(a, b)), ("cka", cka), ("cosine-gap", own / n - (all - own) / (n * (n - 1))),
    ]
  }
}
