import ReproTensor

extension Statistics {
  /// The BCa bootstrap interval of the mean: bias-corrected and accelerated.
  ///
  /// Too narrow for few values (at n = 5 a nominal 95 % covers 82.5 %), so that claims show it from twenty seeds on
  /// only.
  ///
  /// - Parameters:
  ///   - values: two or more, not all equal.
  ///   - resamples: how many samples are drawn with replacement.
  ///   - random: where they come from.
  /// - Returns: the interval; the mean itself twice if the values are all equal.
  /// - Source: Efron 1987, "Better bootstrap confidence intervals"; the acceleration from the jackknife.
  public static func bca(
    _ values: [Double], confidence: Double = 0.95, resamples: Int = 10_000, random: RandomStream
  ) -> Interval {
    require(values.count >= 2 && resamples >= 100, "BCa needs two values or more and a hundred resamples")
    let centre = mean(values)
    let sumOfSquares: Double = values.reduce(0) { $0 + ($1 - centre) * ($1 - centre) }
    guard sumOfSquares > 0 else { return Interval(low: centre, high: centre, confidence: confidence) }
    var stream = random
    var means = [Double](repeating: 0, count: resamples)
    for b in 0..<resamples {
      var sum = 0.0
      for _ in values { sum += values[stream.integer(below: values.count)] }
      means[b] = sum / Double(values.count)
    }
    means.sort()
    let below: Double = means.reduce(0) { $0 + ($1 < centre ? 1 : $1 == centre ? 0.5 : 0) }
    let bias = normalQuantile(min(max(below, 0.5), Double(resamples) - 0.5) / Double(resamples))
    // The jackknife's means differ from the mean by (mean - x_i) / (n - 1); the factor cancels but for its sign.
    let cubes: Double = values.reduce(0) { $0 + ($1 - centre) * ($1 - centre) * ($1 - centre) }
    let acceleration: Double = cubes / (6 * sumOfSquares * sumOfSquares.squareRoot())
    func bound(_ probability: Double) -> Double {
      let z: Double = bias + normalQuantile(probability)
      let corrected = normalCDF(bias + z / (1 - acceleration * z))
      return means[min(resamples - 1, max(0, Int(corrected * Double(resamples))))]
    }
    return Interval(low: bound((1 - confidence) / 2), high: bound((1 + confidence) / 2), confidence: confidence)
  }
}
