import Glibc
import ReproTensor

/// Pearson's correlation; -1 to 1, nil for fewer than two pairs or where either side is constant.
///
///     r = sum (a - mean a)(b - mean b) / sqrt(sum (a - mean a)^2 sum (b - mean b)^2)
public func pearson(_ a: [Double], _ b: [Double]) -> Double? {
  require(a.count == b.count, "a correlation needs pairs, got \(a.count) and \(b.count) numbers")
  guard a.count >= 2 else { return nil }
  let n = Double(a.count)
  let (ma, mb) = (a.reduce(0, +) / n, b.reduce(0, +) / n)
  var (ab, aa, bb) = (0.0, 0.0, 0.0)
  for (x, y) in zip(a, b) {
    ab += (x - ma) * (y - mb)
    aa += (x - ma) * (x - ma)
    bb += (y - mb) * (y - mb)
  }
  guard aa > 0, bb > 0 else { return nil }
  return max(-1, min(1, ab / aa.squareRoot() / bb.squareRoot()))
}

/// Ranks from 1, equal numbers sharing the mean of theirs.
public func averageRanks(_ values: [Double]) -> [Double] {
  let order = values.indices.sorted { values[$0] < values[$1] }
  var ranks = [Double](repeating: 0, count: values.count)
  var first = 0
  while first < order.count {
    var end = first + 1
    while end < order.count, values[order[end]] == values[order[first]] { end += 1 }
    for i in order[first..<end] { ranks[i] = Double(first + end + 1) / 2 }
    first = end
  }
  return ranks
}

/// Spearman's rank correlation, Pearson's of average ranks; -1 to 1, nil as `pearson`.
///
/// - Source: Spearman 1904; the measure of semantic textual similarity (Agirre et al. 2012; SentEval).
public func spearman(_ a: [Double], _ b: [Double]) -> Double? { pearson(averageRanks(a), averageRanks(b)) }

/// Kendall's tau-b, (concordant - discordant) pairs / sqrt(pairs untied in a, pairs untied in b); -1 to 1, nil where
/// either side is constant. All pairs are looked at.
public func kendall(_ a: [Double], _ b: [Double]) -> Double? {
  require(a.count == b.count, "a correlation needs pairs, got \(a.count) and \(b.count) numbers")
  var (sum, untiedA, untiedB) = (0, 0, 0)
  for i in a.indices {
    for j in 0..<i {
      let (x, y) = (sign(a[i], a[j]), sign(b[i], b[j]))
      sum += x * y
      untiedA += x * x
      untiedB += y * y
    }
  }
  guard untiedA > 0, untiedB > 0 else { return nil }
  return Double(sum) / (Double(untiedA).squareRoot() * Double(untiedB).squareRoot())
}

private func sign(_ x: Double, _ y: Double) -> Int { x > y ? 1 : x < y ? -1 : 0 }

/// How far predictions of real numbers are off.
public struct RegressionErrors: Sendable, Equatable {
  /// Mean squared and mean absolute error, in the targets' unit (squared).
  public var meanSquared, meanAbsolute: Double
  /// 1 - sum of squared errors / sum of squares about the mean, averaged over outputs; at most 1, 0 for the mean. An
  /// output whose target is constant counts 1 if it is met and 0 else, as in scikit-learn.
  public var r2: Double
  public var rootMeanSquared: Double { meanSquared.squareRoot() }

  /// - Parameters: predicted, truth: `[N, K]`, N >= 1.
  public init(predicted: Tensor, truth: Tensor) {
    require(
      predicted.shape == truth.shape && truth.rank == 2 && truth.shape[0] >= 1,
      "regression errors need two [N, K], got \(predicted.shape) and \(truth.shape)")
    let (n, k) = (truth.shape[0], truth.shape[1])
    var (squared, absolute) = (0.0, 0.0)
    var total = 0.0
    predicted.withElements { p in
      truth.withElements { t in
        for c in 0..<k {
          let mean = (0..<n).reduce(0.0) { $0 + Double(t[$1 * k + c]) } / Double(n)
          var (residual, spread) = (0.0, 0.0)
          for i in 0..<n {
            let d = Double(p[i * k + c]) - Double(t[i * k + c])
            residual += d * d
            absolute += abs(d)
            spread += (Double(t[i * k + c]) - mean) * (Double(t[i * k + c]) - mean)
          }
          squared += residual
          total += spread > 0 ? 1 - residual / spread : residual == 0 ? 1 : 0
        }
      }
    }
    meanSquared = squared / Double(n * k)
    meanAbsolute = absolute / Double(n * k)
    r2 = total / Double(k)
  }
}
