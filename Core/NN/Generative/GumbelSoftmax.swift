import ReproTensor

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
  return soft.straightThrough(to: places.oneHot(logits.shape[-1]))
}
