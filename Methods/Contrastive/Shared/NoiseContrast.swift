import ReproTensor

/// Noise-contrastive estimation: every pair is classified as drawn from the data or from noise.
///
///     P_bj = exp(s_bj) / Z;   c = k / N
///     loss = -1/B sum_b [ log( P_b0 / (P_b0 + c + e) ) + sum_{j = 1..k} log( c / (P_bj + c + e) ) ],   e = 1e-7
///
/// - Parameters:
///   - scores: `[B, k + 1]`, similarities over temperature, the positive first.
///   - normalizer: Z, a constant; see `noiseNormalizer`.
///   - count: N, samples of the data set: noise gives each the probability 1 / N.
/// - Returns: scalar `[]`, nats.
/// - Source: Gutmann and Hyvarinen 2010; Tian et al. 2019 (arXiv 1906.05849), Eq. 12 and the authors' `NCECriterion`.
func noiseContrast(_ scores: Tensor, normalizer: Real, count: Int) -> Tensor {
  require(
    scores.rank == 2 && scores.shape[1] >= 2 && normalizer > 0 && count > 0,
    "noiseContrast needs [B, k + 1], Z > 0 and N > 0, got \(scores.shape), \(normalizer), \(count)")
  let (b, k) = (scores.shape[0], scores.shape[1] - 1)
  let p = scores.exp() / normalizer
  let noise = Real(k) / Real(count)
  let both: Tensor = (p + (noise + 1e-7)).log()  // log(P + c + e)
  // log P_b0 is s_b0 - log Z: exact where P_b0 underflows.
  let positive: Tensor = scores.slice(1, 0..<1).sum() - Real(b) * Tensor(normalizer).log()
  return (both.sum() - positive - Real(b * k) * Tensor(noise).log()) / Real(b)
}

/// Z of noise-contrastive estimation, taken once from the first batch and then kept: the mean of exp(s), times N.
func noiseNormalizer(_ scores: Tensor, count: Int) -> Real { scores.detached.exp().mean().item * Real(count) }
