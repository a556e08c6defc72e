import ReproTensor

/// The mean and the logarithm of the variance of a Gaussian with independent components, `[..., D]` each.
public struct DiagonalGaussian: Sendable {
  public var mean: Tensor
  public var logVariance: Tensor

  public init(mean: Tensor, logVariance: Tensor) {
    require(
      mean.shape == logVariance.shape && mean.rank >= 1,
      "a Gaussian needs two [..., D], got \(mean.shape) and \(logVariance.shape)")
    (self.mean, self.logVariance) = (mean, logVariance)
  }

  /// A draw through which gradients reach mean and variance, `mean + exp(logVariance / 2) epsilon`.
  ///
  /// - Source: Kingma and Welling 2013 (arXiv 1312.6114), Section 2.4.
  public func sample(_ random: RandomStream) -> Tensor {
    var stream = random
    return mean + (logVariance * 0.5).exp() * stream.normal(mean.shape)
  }

  /// The divergence from the standard normal, summed over components, `[...]`, nats.
  ///
  ///     KL = -1/2 sum_d (1 + log var_d - mean_d^2 - var_d)
  ///
  /// - Source: Kingma and Welling 2013 (arXiv 1312.6114), Appendix B.
  public func divergenceFromStandard() -> Tensor {
    let inside: Tensor = mean.squared() + logVariance.exp() - logVariance - 1
    return inside.sum(-1) * 0.5
  }

  /// KL(self || other), summed over components, `[...]`, nats.
  ///
  ///     KL = 1/2 sum_d (log var'_d - log var_d + (var_d + (mean_d - mean'_d)^2) / var'_d - 1)
  public func divergence(from other: DiagonalGaussian) -> Tensor {
    let inverse = (-other.logVariance).exp()
    let spread: Tensor = (logVariance - other.logVariance).exp() + (mean - other.mean).squared() * inverse
    let inside: Tensor = other.logVariance - logVariance + spread - 1
    return inside.sum(-1) * 0.5
  }

  /// The log-density of x, summed over components, `[...]`, nats.
  public func logDensity(_ x: Tensor) -> Tensor {
    let logTwoPi: Real = 1.837877066409345483560659472811
    let inside: Tensor = (x - mean).squared() * (-logVariance).exp() + logVariance + logTwoPi
    return inside.sum(-1) * -0.5
  }
}

/// Two affine maps that read a Gaussian from features.   [..., D] -> mean and log variance [..., K]
public struct GaussianHead: Layer {
  public var mean, logVariance: Linear

  public init(_ inputs: Int, _ latents: Int, random: RandomStream) {
    mean = .uniform(inputs, latents, random: random.child("fc_mu"))
    logVariance = .uniform(inputs, latents, random: random.child("fc_var"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("fc_mu", &mean)
    v("fc_var", &logVariance)
  }

  public func callAsFunction(_ x: Tensor) -> DiagonalGaussian {
    DiagonalGaussian(mean: mean(x), logVariance: logVariance(x))
  }
}
