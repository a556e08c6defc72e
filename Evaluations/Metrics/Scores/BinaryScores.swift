import ReproTensor

/// How a score separates positives from negatives, at every threshold; samples with equal scores fall together.
public struct ScoreCurve: Sendable {
  /// One operating point: what has at least this score is called positive.
  public struct Point: Sendable {
    public var threshold: Double
    /// Positives and negatives that are called positive.
    public var hits, falseAlarms: Int
  }

  /// Thresholds descending; the first calls nothing positive, the last everything.
  public let points: [Point]
  public let positives, negatives: Int

  /// - Parameters:
  ///   - scores: any order, finite or infinite, never NaN; larger means positive.
  ///   - isPositive: the truth of each.
  public init(scores: [Double], isPositive: [Bool]) {
    require(
      scores.count == isPositive.count && !scores.contains(where: \.isNaN),
      "a score curve needs a truth for each score and no NaN, got \(scores.count) and \(isPositive.count)")
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    var points = [Point(threshold: .infinity, hits: 0, falseAlarms: 0)]
    var (hits, alarms) = (0, 0)
    for (rank, i) in order.enumerated() {
      if isPositive[i] { hits += 1 } else { alarms += 1 }
      if rank + 1 == order.count || scores[order[rank + 1]] != scores[i] {
        points.append(Point(threshold: scores[i], hits: hits, falseAlarms: alarms))
      }
    }
    (self.points, positives, negatives) = (points, hits, alarms)
  }

  private func truePositiveRate(_ p: Point) -> Double { Double(p.hits) / Double(positives) }
  private func falsePositiveRate(_ p: Point) -> Double { Double(p.falseAlarms) / Double(negatives) }

  /// Area under the ROC curve: the chance that a positive scores higher than a negative, equal scores counting half.
  ///
  ///     AUROC = 1/(P N) sum_{p, n} [s_p > s_n] + 1/2 [s_p = s_n]
  ///
  /// - Returns: 0 to 1, 0.5 by chance; nil without positives or without negatives.
  /// - Source: Hanley and McNeil 1982 (Mann and Whitney's U); trapezoids over the curve as scikit-learn.
  public var area: Double? {
    guard positives > 0, negatives > 0 else { return nil }
    var twice = 0.0
    for (a, b) in zip(points, points.dropFirst()) {
      twice += Double(b.falseAlarms - a.falseAlarms) * Double(a.hits + b.hits)
    }
    return twice / 2 / Double(positives) / Double(negatives)
  }

  /// Average precision, the step integral of precision over recall.
  ///
  ///     AP = sum_t (R_t - R_{t-1}) P_t
  ///
  /// - Returns: 0 to 1, by chance the share of positives; nil without positives.
  /// - Source: Manning et al. 2008, Section 8.4; no interpolation, as scikit-learn's average_precision_score.
  public var averagePrecision: Double? {
    guard positives > 0 else { return nil }
    var sum = 0.0
    for (a, b) in zip(points, points.dropFirst()) {
      sum += Double(b.hits - a.hits) * Double(b.hits) / Double(b.hits + b.falseAlarms)
    }
    return sum / Double(positives)
  }

  /// Equal error rate: where the share of false alarms equals that of misses, linear between operating points.
  ///
  /// - Returns: 0 to 1, lower is better, 0.5 by chance; nil without positives or without negatives.
  public var equalErrorRate: Double? {
    guard positives > 0, negatives > 0 else { return nil }
    for (a, b) in zip(points, points.dropFirst()) {
      // f(x) = false alarms - misses grows from -1 to 1 along the curve.
      let (fa, fb) = (falsePositiveRate(a), falsePositiveRate(b))
      let (da, db) = (fa - (1 - truePositiveRate(a)), fb - (1 - truePositiveRate(b)))
      if db >= 0 { return db == da ? fb : fa + (fb - fa) * (-da / (db - da)) }
    }
    return nil
  }

  /// The least share of false alarms among thresholds that find at least a share of the positives.
  ///
  /// - Parameter rate: 0.95 for FPR95 (Hendrycks and Gimpel 2017, arXiv 1610.02136).
  /// - Returns: 0 to 1, lower is better; nil without positives or without negatives.
  public func falsePositiveRate(atTruePositiveRate rate: Double) -> Double? {
    guard positives > 0, negatives > 0 else { return nil }
    return points.first { truePositiveRate($0) >= rate }.map(falsePositiveRate)
  }

  /// The largest share of right decisions that a threshold reaches, and that threshold (the highest of equals): for a
  /// threshold that is chosen on one set and used on another.
  public var bestAccuracy: (accuracy: Double, threshold: Double) {
    let total = Double(max(1, positives + negatives))
    var best = (accuracy: Double(negatives) / total, threshold: Double.infinity)
    for p in points {
      let value = Double(p.hits + negatives - p.falseAlarms) / total
      if value > best.accuracy { best = (value, p.threshold) }
    }
    return best
  }
}

/// The mean over classes of a one-against-rest measure of scores, over the classes where it exists.
///
/// - Parameters:
///   - scores: `[N, C]`, larger means the class.
///   - isMember: `isMember(i, c)` says whether sample i belongs to class c; several classes may apply.
///   - measure: `\.area` for the macro AUROC, `\.averagePrecision` for mAP.
/// - Returns: nil if no class has a value.
public func meanOverClasses(
  of scores: Tensor, _ measure: (ScoreCurve) -> Double?, isMember: (_ sample: Int, _ label: Int) -> Bool
) -> Double? {
  require(scores.rank == 2, "meanOverClasses needs scores [N, C], got \(scores.shape)")
  let (n, classes) = (scores.shape[0], scores.shape[1])
  let all = scores.values
  let values = (0..<classes).compactMap { c in
    measure(
      ScoreCurve(scores: (0..<n).map { Double(all[$0 * classes + c]) }, isPositive: (0..<n).map { isMember($0, c) }))
  }
  return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}
