import ReproTensor

/// `value` going forward, `x` going backward: the straight-through estimator.
///
///     y = value,   dy / dx = 1
///
/// - Parameters:
///   - value: what is passed on, a constant of x's shape.
///   - x: what receives the gradient.
/// - Source: Bengio et al. 2013 (arXiv 1308.3432), Section 4.
public func straightThrough(_ value: Tensor, gradientTo x: Tensor) -> Tensor {
  require(value.shape == x.shape, "straight-through needs two equal shapes, got \(value.shape) and \(x.shape)")
  let constant = value.detached
  return Tensor.custom("straightThrough", [x]) { _ in
    constant
  } vjp: { g, _, _ in
    [g]
  }
}

/// The identity going forward, `-scale` times the gradient going backward, so that what lies below works against the loss.
///
/// - Source: Ganin and Lempitsky 2014 (arXiv 1409.7495), Eq. 13 and 14.
public func gradientReversed(_ x: Tensor, scale: Real = 1) -> Tensor {
  Tensor.custom("gradientReversed", [x]) {
    $0[0]
  } vjp: { g, _, _ in
    [g * -scale]
  }
}

/// A differentiable draw from categories.
///
///     y = softmax((logits + g) / temperature),   g = -log(-log u),  u ~ U(0, 1)
///
/// - Parameters:
///   - logits: `[..., K]`, unnormalised log-probabilities.
///   - temperature: > 0; towards 0 the draws become one-hot.
///   - isHard: one-hot going forward, the soft draw going backward (straight-through).
///   - random: where the draw comes from.
/// - Returns: `[..., K]`; each row sums to 1.
/// - Source: Jang et al. 2016 (arXiv 1611.01144), Eq. 2 and Section 2.2; Maddison et al. 2016 (arXiv 1611.00712).
public func gumbelSoftmax(_ logits: Tensor, temperature: Real, isHard: Bool = false, random: RandomStream) -> Tensor {
  require(temperature > 0 && logits.rank >= 1, "gumbelSoftmax needs [..., K] and temperature > 0, got \(logits.shape)")
  var stream = random
  let tiny: Real = 0x1p-24  // u = 0 may be drawn
  let u = maximum(stream.uniform(logits.shape), Tensor(tiny))
  let noise = -(-u.log()).log()
  let soft = ((logits + noise) / temperature).softmax()
  guard isHard else { return soft }
  let places = soft.argmax()
  return straightThrough(Tensor.ones(places.shape).placed(places, of: logits.shape[-1]), gradientTo: soft)
}
