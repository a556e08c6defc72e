import ReproNN
import ReproTensor

/// How a teacher's logits become targets that do not collapse.
public enum Centering: String, Sendable, CaseIterable {
  /// Subtract a moving average of the logits, then sharpen with a softmax.
  case softmax
  /// Three iterations of Sinkhorn and Knopp: every prototype is used equally over the batch.
  case sinkhorn
}

/// Sinkhorn-Knopp assignments of a batch to prototypes: rows sum to 1, columns are pushed towards equal use.
///
///     Q = exp(g / temperature);  repeat: columns of Q to sum 1/K, rows to sum 1/B;  result B Q
///
/// - Parameters:
///   - logits: `[B, K]`, the whole batch: samples meet here.
///   - temperature: > 0.
/// - Returns: `[B, K]`, no gradient.
/// - Source: Caron et al. 2020 (SwAV, arXiv 2006.09882), Section 3.1; DINOv2 runs 3 iterations. The largest logit is
///   subtracted first, which changes nothing but keeps exp finite.
public func sinkhornKnopp(_ logits: Tensor, temperature: Real, iterations: Int = 3) -> Tensor {
  require(
    logits.rank == 2 && temperature > 0 && iterations >= 1,
    "sinkhornKnopp needs [B, K], temperature > 0, iterations >= 1, got \(logits.shape), \(temperature), \(iterations)")
  let (b, k) = (Real(logits.shape[0]), Real(logits.shape[1]))
  let g = logits.detached / temperature
  var q = (g - g.reshaped([-1]).amax()).exp()
  // A prototype that underflowed everywhere keeps its zero column instead of becoming 0 / 0.
  let tiny = Tensor(1e-30)
  q = q / maximum(q.sum(), tiny)
  for _ in 0..<iterations {
    q = q / maximum(q.sum(0, keepsAxis: true), tiny) / k
    q = q / maximum(q.sum(1, keepsAxis: true), tiny) / b
  }
  return q * b
}

/// Softmax of centred logits, `softmax((g - center) / temperature)`; no gradient.
///
/// - Source: Caron et al. 2021 (DINO, arXiv 2104.14294), Section 3.1.
public func centredSoftmax(_ logits: Tensor, center: Tensor, temperature: Real) -> Tensor {
  (logits.detached - center).softmax(scale: 1 / temperature)
}

/// The next centre, `m center + (1 - m) mean of the batch's logits` (DINO, Eq. 4); used from the next step on.
public func movedCenter(_ center: Tensor, towards logits: Tensor, momentum: Real = 0.9) -> Tensor {
  center * momentum + logits.detached.mean(0, keepsAxis: true) * (1 - momentum)
}

/// KoLeo: the differential entropy of the batch by nearest neighbours, to be minimised.
///
///     loss = -1/n sum_i log( |x_i - x_nn(i) + e| + e ),  x L2-normalised, e = 1e-8
///
/// nn(i) is the nearest other row by inner product; the gradient flows into x_i and into its neighbour.
/// - Parameter x: `[n, D]`, n >= 2: one view of the samples of a batch, never two views of one sample.
/// - Returns: scalar `[]`, nats.
/// - Source: Sablayrolles et al. 2018 (arXiv 1806.03198), Eq. 2; as in DINOv2 (arXiv 2304.07193, Section 4).
public func koleo(_ x: Tensor) -> Tensor {
  require(x.rank == 2 && x.shape[0] >= 2, "koleo needs [n >= 2, D], got \(x.shape)")
  let z = x.l2Normalized(epsilon: 1e-8)
  let nearest = matmul(z.detached, z.detached.transposed()).fillingDiagonal(-1).argmax()
  let distance = ((z - z.gathered(nearest)) + 1e-8).squared().sum(-1).sqrt()
  return -(distance + 1e-8).log().mean()
}
