import Glibc
import ReproTensor

extension Statistics {
  /// The distribution function of the standard normal.
  public static func normalCDF(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

  /// The value below which a standard normal falls with the given probability.
  ///
  /// - Parameter probability: in [0, 1]; the ends give infinities.
  public static func normalQuantile(_ probability: Double) -> Double {
    require((0...1).contains(probability), "a probability lies in [0, 1], got \(probability)")
    if probability <= 0 { return -.infinity }
    if probability >= 1 { return .infinity }
    return quantile(of: probability, normalCDF)
  }

  /// The regularised incomplete beta function `I_x(a, b)`, to about 14 digits.
  ///
  /// - Parameters:
  ///   - x: in [0, 1].
  ///   - a, b: > 0.
  /// - Source: DLMF 8.17.22, the continued fraction, evaluated by Lentz's method.
  public static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    require((0...1).contains(x) && a > 0 && b > 0, "incompleteBeta needs x in [0, 1], a > 0, b > 0")
    if x == 0 || x == 1 { return x }
    // The fraction converges fast below the mean; the other side is its mirror image.
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let logFront: Double = logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x)
    let tiny = 1e-300
    var c = 1.0
    var d: Double = 1 - (a + b) * x / (a + 1)
    d = 1 / (d.magnitude < tiny ? tiny : d)
    var fraction = d
    for step in 1...500 {
      let m = Double(step)
      let even: Double = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      let odd: Double = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      var change = 1.0
      for term in [even, odd] {
        d = 1 + term * d
        d = 1 / (d.magnitude < tiny ? tiny : d)
        c = 1 + term / c
        if c.magnitude < tiny { c = tiny }
        change = d * c
        fraction *= change
      }
      if (change - 1).magnitude < 1e-16 { break }
    }
    return exp(logFront) * fraction / a
  }

  private static func logGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
  }

  /// The distribution function of Student's t.
  ///
  /// - Parameter freedom: degrees of freedom, > 0.
  public static func studentCDF(_ t: Double, freedom: Double) -> Double {
    if t.isInfinite { return t > 0 ? 1 : 0 }
    let square: Double = t * t
    if square < freedom {
      // Near the middle the distance from one half is what can be computed without loss.
      let half: Double = 0.5 * incompleteBeta(square / (freedom + square), 0.5, freedom / 2)
      return t > 0 ? 0.5 + half : 0.5 - half
    }
    let tail: Double = 0.5 * incompleteBeta(freedom / (freedom + square), freedom / 2, 0.5)
    return t > 0 ? 1 - tail : tail
  }

  /// The value below which Student's t falls with the given probability in (0, 1).
  public static func studentQuantile(_ probability: Double, freedom: Double) -> Double {
    require(probability > 0 && probability < 1, "a quantile of t needs a probability in (0, 1), got \(probability)")
    return quantile(of: probability) { studentCDF($0, freedom: freedom) }
  }

  /// Halves an interval until it holds one number only.
  private static func quantile(of probability: Double, _ cdf: (Double) -> Double) -> Double {
    var (low, high) = (-1.0, 1.0)
    while cdf(low) > probability { low *= 2 }
    while cdf(high) < probability { high *= 2 }
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if middle <= low || middle >= high { break }
      if cdf(middle) < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

// MARK: - Moments and the paired t test

extension Statistics {
  /// The arithmetic mean; NaN of nothing.
  public static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  /// The standard deviation with n - 1; NaN below two values.
  public static func deviation(_ values: [Double]) -> Double {
    let centre = mean(values)
    let squares: Double = values.reduce(0) { $0 + ($1 - centre) * ($1 - centre) }
    return values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : .nan
  }

  /// The paired t test, one-sided: `t = (mean d - threshold) / (sd / sqrt n)` with n - 1 degrees of freedom.
  ///
  /// - Returns: p. Differences without spread give 0, 0.5 or 1.
  public static func pairedT(_ differences: [Double], above threshold: Double = 0) -> Double {
    require(differences.count >= 2, "a t test needs two differences or more")
    let error: Double = deviation(differences) / Double(differences.count).squareRoot()
    let excess: Double = mean(differences) - threshold
    if error == 0 { return excess > 0 ? 0 : excess < 0 ? 1 : 0.5 }
    return studentCDF(-excess / error, freedom: Double(differences.count - 1))
  }

  /// The paired t interval of the mean: a check of how much the other interval depends on its assumptions.
  public static func tInterval(_ differences: [Double], confidence: Double = 0.95) -> Interval {
    require(differences.count >= 2, "a t interval needs two differences or more")
    let factor = studentQuantile((1 + confidence) / 2, freedom: Double(differences.count - 1))
    let half: Double = factor * deviation(differences) / Double(differences.count).squareRoot()
    let centre = mean(differences)
    return Interval(low: centre - half, high: centre + half, confidence: confidence)
  }
}
