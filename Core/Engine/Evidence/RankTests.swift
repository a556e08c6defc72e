import ReproTensor

extension Statistics {
  /// Ranks from 1, equal values sharing the mean of theirs, all times two so that they are whole.
  ///
  /// Values are equal from a difference of 1e-12 of the largest magnitude down.
  public static func doubledRanks(_ values: [Double]) -> [Int] {
    let limit: Double = tie * (values.map(\.magnitude).max() ?? 0)
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var ranks = [Int](repeating: 0, count: values.count)
    var first = 0
    while first < order.count {
      var last = first
      while last + 1 < order.count, values[order[last + 1]] - values[order[last]] <= limit { last += 1 }
      for place in first...last { ranks[order[place]] = first + last + 2 }
      first = last + 1
    }
    return ranks
  }

  /// The distribution of `sum_j a_j b_{pi(j)}` over all permutations pi, each with the same probability.
  ///
  /// Dynamic programming over the sets of b that are already placed: `2^k` sets instead of `k!` orders.
  ///
  /// - Parameters:
  ///   - a, b: whole numbers >= 0, as many of one as of the other, at most 12.
  /// - Returns: the probability of each sum, by the sum.
  static func permutationSums(_ a: [Int], _ b: [Int]) -> [Double] {
    require(a.count == b.count && (1...12).contains(a.count), "permutations of \(a.count) and \(b.count) values")
    let k = a.count
    let largest = zip(a.sorted(), b.sorted()).reduce(0) { $0 + $1.0 * $1.1 }
    var byset = [[Double]](repeating: [], count: 1 << k)
    byset[0] = [Double](repeating: 0, count: largest + 1)
    byset[0][0] = 1
    for set in 1..<(1 << k) {
      let placed = set.nonzeroBitCount
      var sums = [Double](repeating: 0, count: largest + 1)
      for j in 0..<k where set & (1 << j) != 0 {
        // The last of the placed values meets a's last place.
        let term = a[placed - 1] * b[j]
        let before = byset[set ^ (1 << j)]
        for s in 0...(largest - min(term, largest)) where before[s] > 0 { sums[s + term] += before[s] / Double(placed) }
      }
      byset[set] = sums
    }
    return byset[(1 << k) - 1]
  }

  /// The distribution of the sum of two independent whole numbers.
  static func convolved(_ p: [Double], _ q: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: p.count + q.count - 1)
    for (i, x) in p.enumerated() where x > 0 { for (j, y) in q.enumerated() where y > 0 { result[i + j] += x * y } }
    return result
  }

  /// What a test of ranks within seeds found.
  public struct RankTest: Sendable, Equatable {
    /// Page's L, or the mean of Spearman's rho.
    public var statistic: Double
    /// Of a trend, or correlation, upwards.
    public var p: Double
    /// Of one downwards.
    public var pOpposite: Double
    /// The smallest p that these ranks can give, in whatever order they come: without ties `1 / (k!)^n` for n seeds of k
    /// values; 0 where p is not exact.
    public var smallest: Double
  }

  /// Page's test of a trend over ordered levels, exact: the levels are permuted within each seed.
  ///
  ///     L = sum_i sum_j j R_ij,   R_ij the rank of level j in seed i (mean ranks for ties)
  ///
  /// - Parameter rows: one row for each seed, its values from the first level to the last, 3 to 12 of them.
  /// - Returns: L and the exact one-sided p-values; 1 for all-equal values.
  /// - Source: Page 1963, "Ordered hypotheses for multiple treatments", with the exact null distribution.
  public static func pageTrend(_ rows: [[Double]]) -> RankTest {
    let result = rankSum(rows.map { row in (Array(1...row.count), doubledRanks(row)) })
    return RankTest(
      statistic: Double(result.sum) / 2, p: result.p, pOpposite: result.pOpposite, smallest: result.smallest)
  }

  /// Whether two measurements order the arms alike: the mean over seeds of Spearman's rho, tested by permutations
  /// within seeds.
  ///
  /// - Parameter rows: for each seed the two measurements of every arm, 3 to 12 arms.
  /// - Returns: the mean rho (0 for a seed without spread) and the exact one-sided p-values.
  public static func rankCorrelation(_ rows: [(x: [Double], y: [Double])]) -> RankTest {
    let result = rankSum(rows.map { (doubledRanks($0.x), doubledRanks($0.y)) })
    return RankTest(
      statistic: mean(rows.map { rho($0.x, $0.y) }), p: result.p, pOpposite: result.pOpposite,
      smallest: result.smallest)
  }

  /// Spearman's rank correlation of two lists: the correlation of their ranks; 0 if one of them has no spread.
  public static func rho(_ x: [Double], _ y: [Double]) -> Double {
    require(x.count == y.count && x.count >= 2, "a correlation needs two lists of one length")
    let (a, b) = (doubledRanks(x).map(Double.init), doubledRanks(y).map(Double.init))
    let (ma, mb) = (mean(a), mean(b))
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for (u, v) in zip(a, b) {
      ab += (u - ma) * (v - mb)
      aa += (u - ma) * (u - ma)
      bb += (v - mb) * (v - mb)
    }
    return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : 0
  }

  /// Spearman's rank correlation and its one-sided p-value: exact up to twelve pairs, else by Student's t.
  public static func spearman(_ x: [Double], _ y: [Double]) -> RankTest {
    require(x.count == y.count && x.count >= 3, "a rank correlation needs three pairs or more")
    if x.count <= 12 { return rankCorrelation([(x, y)]) }
    let r = rho(x, y)
    let freedom = Double(x.count - 2)
    let t: Double = r.magnitude >= 1 ? r * .infinity : r * (freedom / (1 - r * r)).squareRoot()
    return RankTest(
      statistic: r, p: studentCDF(-t, freedom: freedom), pOpposite: studentCDF(t, freedom: freedom), smallest: 0)
  }

  /// `S = sum_i sum_j a_ij b_ij` and the shares of permutations within the rows whose sum is as large, as small, and as
  /// large as any.
  private static func rankSum(
    _ rows: [(a: [Int], b: [Int])]
  ) -> (sum: Int, p: Double, pOpposite: Double, smallest: Double) {
    require(!rows.isEmpty && rows.allSatisfy { $0.a.count >= 3 }, "a test of ranks needs three values or more a row")
    var distribution = [1.0]
    var sum = 0
    // Rows without ties all have the same ranks, and the order of the ranks does not matter.
    var last: (a: [Int], b: [Int], sums: [Double]) = ([], [], [])
    for row in rows {
      let (a, b) = (row.a.sorted(), row.b.sorted())
      if last.a != a || last.b != b { last = (a, b, permutationSums(a, b)) }
      distribution = convolved(distribution, last.sums)
      sum += zip(row.a, row.b).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let upper = distribution[sum...].reduce(0, +)
    let lower = distribution[...sum].reduce(0, +)
    // The last sum is that of rows in which both lists rise together.
    return (sum, min(1, upper), min(1, lower), min(1, distribution[distribution.count - 1]))
  }
}
