import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `health/v1`: what frozen features look like without any labels: whether they collapsed, how many directions they use.
///
/// `effective-rank` is the exponential of the entropy of the covariance spectrum; `deviation` the mean deviation of
/// unit-length features times sqrt(D), 1 for an even spread and 0 for one point; `variance` the mean variance of a feature
/// across samples; `dead` the share of features that hardly vary; `cosine` the mean cosine of two samples; `uniformity` the
/// log of the mean Gaussian potential.
///
/// Options: `split`, train or test (test); `features` (global).
public struct Health: Evaluation {
  public static let card = EvaluationCard(
    id: "health/v1", title: "Spread and rank of frozen features",
    source: "Roy and Vetterli 2007 (effective rank), Garrido et al. 2023 (RankMe, arXiv 2210.02885), Chen and He 2021 "
      + "(SimSiam, arXiv 2011.10566, Section 4.1), Wang and Isola 2020 (arXiv 2005.10242, Section 4.1); the covariance is "
      + "centred",
    measurements: [
      MeasurementSpec("effective-rank", unit: "directions", decimals: 1),
      MeasurementSpec("rank-me", unit: "directions", decimals: 1),
      MeasurementSpec("deviation", unit: "1"), MeasurementSpec("variance", unit: "features squared"),
      MeasurementSpec("dead", unit: "1", isHigherBetter: false),
      MeasurementSpec("cosine", unit: "1", isHigherBetter: false),
      MeasurementSpec("uniformity", unit: "nats", isHigherBetter: false),
    ])

  public let split: Split
  let features: FeatureSource

  public init(_ options: inout Section) throws(ReproError) {
    split = try options.choice("split", ["train", "test"], default: "test") == "train" ? .train : .test
    features = try FeatureSource(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) { try data.need(2, in: split, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws { try features.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let x = try features.vectors(subject, split, for: Self.card.id).x
    let signs = CollapseIndicators(x)
    return [
      ("effective-rank", effectiveRank(covarianceSpectrum(x))), ("rank-me", rankMe(x)),
      ("deviation", signs.normalizedDeviation), ("variance", signs.variance), ("dead", signs.deadDimensions),
      ("cosine", signs.meanCosine), ("uniformity", uniformity(x)),
    ]
  }
}
