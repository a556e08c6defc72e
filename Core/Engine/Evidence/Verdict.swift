/// What is said about a claim after the runs that were planned for it.
public enum Verdict: String, Sendable, CaseIterable {
  /// p < 0.05 and the effect is at least as large as the one that would matter.
  case supported = "SUPPORTED"
  /// p < 0.05, and the effect is smaller than the one that would matter.
  case supportedSmall = "SUPPORTED, small"
  /// An effect as large as the one that would matter is rejected.
  case notSupported = "NOT SUPPORTED"
  /// NOT SUPPORTED, and the opposite claim has p < 0.05.
  case reversed = "NOT SUPPORTED, REVERSED"
  /// Everything else: too few seeds, a missing or diverged run, or numbers that exclude neither.
  case inconclusive = "INCONCLUSIVE"
  /// Suggested by the results: numbers, but no verdict.
  case exploratory = "exploratory"
  /// The small scale has not been recorded.
  case notRun = "not run"

  /// SUPPORTED, small or not.
  public var isSupported: Bool { self == .supported || self == .supportedSmall }
}

/// One paired comparison of a claim: its differences, one per seed, and everything that is computed from them.
public struct Comparison: Sendable, Equatable {
  public enum Kind: String, Sendable {
    /// mean d > margin
    case superiority
    /// mean d > -margin
    case nonInferiority = "non-inferiority"
    /// -margin < mean d < margin
    case equivalence
    /// Page's trend over levels; d is the last level minus the first.
    case trend
    /// The difference of two differences > margin.
    case largerGain = "larger-gain"
    /// Two metrics order the arms alike; d is Spearman's rho of a seed.
    case rankCorrelation = "rank-correlation"
  }

  public var kind: Kind
  /// `method - no-koleo`
  public var label: String
  public var metric: MetricName
  public var unit: String
  /// Decimals that people are shown.
  public var decimals: Int
  /// The seeds of `differences`, in their order.
  public var seeds: [UInt64]
  /// One paired difference per seed, in units of the metric; positive is in the direction of the claim.
  public var differences: [Double]
  /// As in the claim, >= 0.
  public var margin: Double
  /// What the mean must exceed: the margin, or minus the margin for "no worse" and "same".
  public var threshold: Double
  /// Of the differences; NaN without any. The deviation is the sample's, NaN for one seed.
  public var mean, deviation: Double
  /// Of the claim's test; 1 without differences.
  public var p: Double
  /// The smallest p that the claim's test can give with so many differences: `2^-n`; of a test of ranks that of their best
  /// order. 1 without differences.
  public var smallestP: Double
  /// Of the opposite claim.
  public var pOpposite: Double
  /// Of "the effect is below the one that would matter".
  public var pBelowDelta: Double
  /// Of the paired t test of the same null hypothesis, beside the exact one; nil below two seeds and for tests of
  /// ranks.
  public var tP: Double?
  /// Inverts the sign-flip test, both sides: [min, max] and 93.75 % at n = 5, about 95 % from n = 8 on; nil without
  /// differences.
  public var interval: Statistics.Interval?
  /// Inverts the verdict's own one-sided test at 0.05: above `threshold` exactly when p < 0.05. Minus infinity below n
  /// = 5.
  public var lowerBound: Double
  /// The other side of the same; what "same" and "below delta" are judged by.
  public var upperBound: Double
  /// The paired t interval, a check of sensitivity; nil below two seeds.
  public var tInterval: Statistics.Interval?
  /// The BCa bootstrap interval; nil below twenty seeds.
  public var bca: Statistics.Interval?
  /// The smallest true effect that this test finds in four of five repetitions, in units of the metric, from this
  /// deviation; nil where it is not known (fewer than five seeds, tests of ranks).
  public var smallestDetectable: Double?
  /// Page's L or the mean rho; nil for the other kinds.
  public var rankStatistic: Double?
  /// The values behind the differences, arm by arm in the order of the claim; for a guard those of its metric.
  public var arms: [ArmValues]

  /// One arm's values of the metric.
  public struct ArmValues: Sendable, Equatable {
    public var arm: String
    public var values: [SeedValue]
    /// Over the seeds, a diverged one counted with the worst value; NaN without any.
    public var mean: Double { Statistics.mean(values.map(\.value)) }
    public var deviation: Double { Statistics.deviation(values.map(\.value)) }
  }

  public struct SeedValue: Sendable, Equatable {
    public var seed: UInt64
    /// What counts: the measurement, or the worst value of the metric if the run diverged.
    public var value: Double
    public var diverged: Bool
  }
}

/// A claim, judged.
public struct ClaimResult: Sendable, Equatable {
  public var paper, recipe: String
  /// The claim's id and its sentence, which may be empty.
  public var claim, statement: String
  public var isPrimary, isExploratory: Bool
  public var metric: MetricName
  /// The smallest effect that would matter, in units of the metric; nil if the plan names none.
  public var delta: Double?
  /// Seeds that the plan asks for.
  public var plannedSeeds: Int
  /// Every comparison that must hold: one for each rival, and the guard's. Empty before the small scale is recorded.
  public var comparisons: [Comparison]
  /// The index of the comparison with the largest p, which decides; 0 if there is none.
  public var deciding: Int
  /// Looks at evaluation seeds so far, >= 1; repeats after a proven bug count too.
  public var attempts: Int
  /// p of the whole claim: the largest of its comparisons, of one look or of both.
  public var p: Double
  /// `min(1, attempts * p)`.
  public var attemptP: Double
  /// What the verdict is made of: `attemptP` of a primary claim, Holm-adjusted within the paper for the others.
  public var adjustedP: Double
  /// The same of "the effect is below the one that would matter" and of the opposite claim.
  public var adjustedPBelowDelta, adjustedPOpposite: Double
  public var verdict: Verdict
  /// Why the verdict is what it is, in one sentence.
  public var sentence: String
  /// What went wrong with the runs, one clause each: missing seeds, diverged runs; empty for whole results.
  public var problems: [String]

  /// What decides; nil before the small scale is recorded.
  public var decisive: Comparison? { comparisons.indices.contains(deciding) ? comparisons[deciding] : nil }
  /// Seeds with a difference in every comparison.
  public var n: Int { comparisons.map(\.differences.count).min() ?? 0 }
  /// Of the deciding comparison.
  public var differences: [Double] { decisive?.differences ?? [] }
  public var mean: Double { decisive?.mean ?? .nan }
  public var deviation: Double { decisive?.deviation ?? .nan }
  public var interval: Statistics.Interval? { decisive?.interval }
  public var tInterval: Statistics.Interval? { decisive?.tInterval }
  public var smallestDetectable: Double? { decisive?.smallestDetectable }
  /// The smallest p that all tests of the plan together could have given with these seeds, before attempts are paid for.
  public var smallestP: Double
  /// The smallest p that the claim could have reached with these seeds and attempts.
  public var floorP: Double { min(1, Double(attempts) * smallestP) }

  /// What every exact test here assumes.
  public static let assumption =
    "The sign-flip test is exact if the paired differences are symmetric about their mean when the claim is false, as they "
    + "are if the seeds treat the arms alike; with a strongly skewed law its error can reach 0.10 at n = 5."
}
