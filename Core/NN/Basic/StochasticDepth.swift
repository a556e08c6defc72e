import ReproTensor

/// x plus a residual branch that is skipped at random for whole samples: stochastic depth.
///
///     y_i = x_i + keep_i / (1 - rate) * f(x_i)
///
/// Up to rate 0.1 each sample is dropped by itself; above, a random subset of max(1, floor((1 - rate) B)) samples is
/// computed and scaled by B / |subset|, which saves the work of the rest.
/// - Source: Huang et al. 2016 (arXiv 1603.09382); the subset form is DINOv2's (arXiv 2304.07193, Section 5).
public func residual(
  _ x: Tensor, rate: Real, _ context: ForwardContext?, _ branch: (Tensor) -> Tensor
) -> Tensor {
  guard rate > 0, let context else { return x + branch(x) }
  var stream = context.random
  let n = x.shape[0]
  if rate <= 0.1 {
    let keep = (0..<n).map { _ in stream.bernoulli(1 - Double(rate)) ? 1 / (1 - rate) : Real(0) }
    return x + branch(x) * Tensor(Shape([n] + Array(repeating: 1, count: x.rank - 1)), keep)
  }
  let kept = max(1, Int(Real(n) * (1 - rate)))
  let subset = IndexTensor(Array(stream.permutation(n)[..<kept]))
  return x + (branch(x.gathered(subset)) * (Real(n) / Real(kept))).scattered(subset, rows: n)
}
