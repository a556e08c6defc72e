import ReproTensor

extension Statistics {
  /// A p-value after several attempts: `min(1, k p)`.
  ///
  /// - Parameter attempts: looks at evaluation seeds so far, >= 1.
  public static func afterAttempts(_ p: Double, _ attempts: Int) -> Double {
    require(attempts >= 1, "attempts are counted from 1, got \(attempts)")
    return min(1, Double(attempts) * p)
  }

  /// Holm's step-down adjustment: the i-th smallest becomes `max_{j <= i} (m - j + 1) p_(j)`, at most 1.
  ///
  /// - Returns: adjusted p-values in the order of `p`; comparing them with a level controls the family-wise error.
  /// - Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
  public static func holm(_ p: [Double]) -> [Double] {
    var adjusted = p
    var running = 0.0
    for (place, index) in ascending(p).enumerated() {
      running = max(running, min(1, Double(p.count - place) * p[index]))
      adjusted[index] = running
    }
    return adjusted
  }

  /// Benjamini and Hochberg's adjustment: the i-th smallest becomes `min_{j >= i} m p_(j) / j`, at most 1.
  ///
  /// - Returns: the smallest false discovery rate q at which each is a discovery, in the order of `p`.
  /// - Source: Benjamini and Hochberg 1995, "Controlling the false discovery rate".
  public static func benjaminiHochberg(_ p: [Double]) -> [Double] {
    var adjusted = p
    var running = 1.0
    for (place, index) in ascending(p).enumerated().reversed() {
      running = min(running, Double(p.count) * p[index] / Double(place + 1))
      adjusted[index] = running
    }
    return adjusted
  }

  /// The smallest q that each claim could have reached with its number of seeds while all others stay as they are.
  ///
  /// A test of n differences knows no p below `2^-n`: a q above the level may be a floor and not a failure.
  ///
  /// - Parameters:
  ///   - p: as they were found.
  ///   - floors: the smallest p of each test, times its attempts.
  public static func smallestReachableQ(_ p: [Double], floors: [Double]) -> [Double] {
    require(p.count == floors.count, "\(p.count) p-values and \(floors.count) floors")
    return p.indices.map { i in
      var others = p
      others[i] = min(p[i], floors[i])
      return benjaminiHochberg(others)[i]
    }
  }

  private static func ascending(_ p: [Double]) -> [Int] { p.indices.sorted { (p[$0], $0) < (p[$1], $1) } }
}

// MARK: - Two looks

extension Statistics {
  /// The level of the first look at five seeds, and what is left for the second one at ten.
  public static let firstLookLevel = 1.0 / 32
  public static let secondLookLevel = 0.01875

  /// The p-value of a plan that looks at five differences, and at ten if the first look did not decide.
  ///
  /// With p_5 = 1/32 the first look decides. Otherwise the second one has 0.05 - 1/32 = 0.01875 left, which is the same
  /// as comparing `1/32 + p_10` with 0.05: what is returned may always be compared with 0.05.
  ///
  /// - Parameters:
  ///   - first: p of the first look.
  ///   - second: p of all differences of both looks; nil if there was no second look.
  /// - Returns: an upper bound of the probability of as much evidence under the null hypothesis.
  public static func twoLooks(first: Double, second: Double?) -> Double {
    guard first > firstLookLevel, let second else { return first }
    return min(1, firstLookLevel + second)
  }
}
