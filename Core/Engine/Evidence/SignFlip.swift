import ReproTensor

/// The tests, intervals and adjustments that claims are judged by. Pure functions of numbers; nothing here knows a
/// recipe.
public enum Statistics {
  /// A range of values of a mean that a test does not reject.
  public struct Interval: Sendable, Equatable {
    public var low, high: Double
    /// The share of repetitions whose interval holds the true value, as a fraction: 0.9375.
    public var confidence: Double

    public init(low: Double, high: Double, confidence: Double) {
      (self.low, self.high, self.confidence) = (low, high, confidence)
    }
  }

  /// What a claim's p-value must stay below.
  public static let level = 0.05

  /// Sums are told apart from this share of the sum of magnitudes on.
  static let tie = 1e-12

  /// More differences than these are not enumerated.
  public static let largestEnumeration = 20
}

// MARK: - The sign-flip test

extension Statistics {
  /// The exact one-sided sign-flip test of a mean against a threshold.
  ///
  ///     x_i = d_i - threshold
  ///     p   = #{ s in {-1, 1}^n : sum_i s_i x_i >= sum_i x_i } / 2^n
  ///
  /// Zeros are kept; sums that differ by less than 1e-12 of `sum |x_i|` are ties and count. Exact if the differences
  /// are symmetric about their mean under the null hypothesis.
  ///
  /// - Parameters:
  ///   - differences: one per seed, finite, 1 to 20 of them.
  ///   - threshold: in units of the differences.
  /// - Returns: p, a multiple of `2^-n`, at least `2^-n`.
  /// - Source: Fisher 1935, "The Design of Experiments", section 21.
  public static func signFlip(_ differences: [Double], above threshold: Double = 0) -> Double {
    let x = differences.map { $0 - threshold }
    let limit = tie * x.reduce(0) { $0 + $1.magnitude }
    // Turning the signs of a set S makes the sum smaller by twice the sum over S.
    let count = subsetSums(x).reduce(0) { $0 + ($1 <= limit ? 1 : 0) }
    return Double(count) / Double(1 << x.count)
  }

  /// Sums over all subsets; the set is the binary number of the index.
  static func subsetSums(_ x: [Double]) -> [Double] {
    require((1...largestEnumeration).contains(x.count), "sign flips need 1 to \(largestEnumeration) values")
    var sums = [Double](repeating: 0, count: 1 << x.count)
    for (i, value) in x.enumerated() {
      let half = 1 << i
      for set in 0..<half { sums[half + set] = sums[set] + value }
    }
    return sums
  }
}

/// All values of a mean that the sign-flip test does not reject: the test turned round.
///
/// `p(theta) = (1 + #{nonempty S : mean_S d <= theta}) / 2^n`, so the bounds are order statistics of the `2^n - 1`
/// means of subsets.
public struct SignFlipRegion: Sendable {
  private let means: [Double]
  private let sets: Int

  /// - Parameter differences: one per seed, finite, 1 to 20 of them.
  public init(_ differences: [Double]) {
    let sums = Statistics.subsetSums(differences)
    sets = sums.count
    var means: [Double] = []
    means.reserveCapacity(sets - 1)
    for set in 1..<sets { means.append(sums[set] / Double(set.nonzeroBitCount)) }
    self.means = means.sorted()
  }

  /// The largest theta below which "mean > theta" is claimed with p below the level; minus infinity if no p can be.
  public func lowerBound(level: Double = Statistics.level) -> Double {
    let rank = Int(level * Double(sets))
    return rank >= 1 ? means[rank - 1] : -.infinity
  }

  /// The smallest theta above which "mean < theta" is claimed with p below the level; infinity if no p can be.
  public func upperBound(level: Double = Statistics.level) -> Double {
    let rank = Int(level * Double(sets))
    return rank >= 1 ? means[means.count - rank] : .infinity
  }

  /// The two-sided interval of at least the given confidence, or the widest that there is.
  ///
  /// - Returns: for n = 5 [min, max] of the differences with confidence 1 - 2/32 = 0.9375.
  public func interval(confidence: Double = 0.95) -> Statistics.Interval {
    let rank = max(1, Int((1 - confidence) / 2 * Double(sets)))
    return Statistics.Interval(
      low: means[rank - 1], high: means[means.count - rank], confidence: 1 - 2 * Double(rank) / Double(sets))
  }
}
