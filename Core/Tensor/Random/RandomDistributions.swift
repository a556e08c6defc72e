import Glibc

// Further distributions, made of uniform and normal numbers.

extension RandomStream {
  /// Exponential with the given rate, density rate * exp(-rate x), by inversion.
  public mutating func exponential(_ shape: Shape, rate: Real = 1) -> Tensor {
    require(rate > 0, "an exponential distribution has a rate > 0, got \(rate)")
    return (-(-uniform(shape)).log1p()) / rate
  }

  /// Standard Gumbel, -log(E) of an exponential E: the largest of logits + Gumbel falls on class i with the probability
  /// softmax(logits)_i (Gumbel 1954). Limited to 17.3, which it exceeds once in 3e7 draws: a uniform number may be 0.
  public mutating func gumbel(_ shape: Shape) -> Tensor {
    -maximum(exponential(shape), Tensor(0x1p-25)).log()
  }

  /// The logarithm of a number of the gamma distribution, density x^(shape - 1) exp(-x) / Gamma(shape): itself it might
  /// underflow.
  ///
  /// - Source: Marsaglia and Tsang 2000, "A simple method for generating gamma variables"; for shape < 1 their last remark,
  ///   G(shape) = G(shape + 1) u^(1 / shape).
  public mutating func logGamma(shape: Double) -> Double {
    require(shape > 0 && shape.isFinite, "a gamma distribution has a shape > 0, got \(shape)")
    if shape < 1 { return logGamma(shape: shape + 1) + Glibc.log1p(-uniform()) / shape }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = Double(standardNormal())
      let root = 1 + c * x
      if root <= 0 { continue }
      let v = root * root * root
      if Glibc.log1p(-uniform()) < 0.5 * x * x + d * (1 - v + Glibc.log(v)) { return Glibc.log(d * v) }
    }
  }

  /// A number of the gamma distribution of scale 1; see `logGamma`.
  public mutating func gamma(shape: Double) -> Double { Glibc.exp(logGamma(shape: shape)) }

  /// A number of the beta distribution, density in proportion to x^(a - 1) (1 - x)^(b - 1), in [0, 1]; as mixup needs it.
  public mutating func beta(_ a: Double, _ b: Double) -> Double {
    let first = logGamma(shape: a)
    return 1 / (1 + Glibc.exp(logGamma(shape: b) - first))
  }

  /// A class drawn in proportion to its weight.
  ///
  /// - Parameter weights: not negative, finite, at least one > 0; they need not sum to 1.
  public mutating func categorical(_ weights: [Double]) -> Int {
    let total = weights.reduce(0, +)
    require(
      weights.allSatisfy { $0 >= 0 } && total > 0 && total.isFinite,
      "categorical needs weights that are not negative and a sum > 0, got \(weights)")
    var rest = uniform() * total
    for (i, weight) in weights.enumerated() {
      if rest < weight { return i }
      rest -= weight
    }
    // Rounding may leave a little beyond the last.
    return weights.lastIndex { $0 > 0 } ?? 0
  }
}
