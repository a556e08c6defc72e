// Steps, which have no derivative of use, and gradients that are not those of the value, on purpose.

extension Tensor {
  /// -1, 0 or 1; a constant.
  public func sign() -> Tensor { detached.mapped(kernels.sign) }

  /// The largest whole number that is not larger; a constant.
  public func floor() -> Tensor { detached.mapped(kernels.floor) }

  /// The nearest whole number, the even one of two; a constant.
  public func rounded() -> Tensor { detached.mapped(kernels.round) }

  /// The straight-through estimator: has the value of `other`, and passes its gradient to this unchanged.
  ///
  /// - Parameter other: in this tensor's shape: what a step, a code book or a sampler made of it.
  /// - Source: Bengio et al. 2013 (arXiv 1308.3432), Section 3.1.
  public func straightThrough(to other: Tensor) -> Tensor {
    require(other.shape == shape, "straightThrough needs two tensors of one shape, got \(shape) and \(other.shape)")
    return Tensor.custom("straight-through", [self], forward: { _ in other.detached }) { g, _, _ in [g] }
  }

  /// Has this value, and passes its gradient on times -`strength`.
  ///
  /// - Parameter strength: lambda, the weight of the adversary; usually ramped up from 0 to 1.
  /// - Source: Ganin and Lempitsky 2015 (arXiv 1409.7495), Eq. 9 and 10.
  public func gradientReversed(_ strength: Real = 1) -> Tensor {
    Tensor.custom("gradient reversal", [self], forward: { $0[0] }) { g, _, _ in [g * -strength] }
  }
}
