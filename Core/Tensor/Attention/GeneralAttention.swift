/// Softmax attention of queries on keys, whose values are averaged; queries and keys may be different sequences.
///
///     S = scale q k^T + bias;   out = softmax(S over the allowed keys) v
///
/// A query none of whose keys is allowed gives zeros, and no gradient. Scores are computed block by block and never kept, so
/// that memory grows with the length of the sequences and not with its square; the backward pass computes them again.
/// - Parameters:
///   - q: queries, `[B, H, N, d]`; d > 0. Heads side by side, `[B, N, H, d]` permuted, are read in place.
///   - k: keys, `[B, H, M, d]`.
///   - v: values, `[B, H, M, e]`; e > 0.
///   - bias: added to the scores, broadcasts to `[B, H, N, M]`; -infinity forbids a key. Differentiable.
///   - mask: not 0 where a key is allowed, broadcasts to `[B, H, N, M]`; all are if nil.
///   - isCausal: query i is allowed the keys 0...i only.
///   - scale: factor of the products; 1 / sqrt(d) if nil.
/// - Returns: `[B, H, N, e]`, in memory as `[B, N, H, e]`: joining the heads costs nothing.
/// - Source: Vaswani et al. 2017 (arXiv 1706.03762), Eq. 1; in blocks as Dao et al. 2022 (FlashAttention, arXiv 2205.14135),
///   Algorithms 1 and 4.
public func attention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, bias: Tensor? = nil, mask: Tensor? = nil, isCausal: Bool = false,
  scale: Real? = nil
) -> Tensor {
  require(
    q.rank == 4 && k.rank == 4 && v.rank == 4 && q.shape.array[..<2] == k.shape.array[..<2]
      && k.shape.array[..<3] == v.shape.array[..<3] && q.shape[3] == k.shape[3] && q.shape[3] > 0 && v.shape[3] > 0,
    "attention needs q [B, H, N, d > 0], k [B, H, M, d] and v [B, H, M, e > 0], got \(q.shape), \(k.shape), \(v.shape)")
  let scores: Shape = [q.shape[0], q.shape[1], q.shape[2], k.shape[2]]
  for part in [bias, mask].compactMap({ $0 }) {
    require(
      Shape.broadcast(part.shape, scores) == scores,
      "attention: bias and mask broadcast to the scores \(scores), got \(part.shape)")
  }
  if scores.count == 0 { return .zeros([scores[0], scores[1], scores[2], v.shape[3]]) }
  let terms = AttentionTerms(
    bias: bias, mask: mask, isCausal: isCausal, scale: scale ?? 1 / Real(q.shape[3]).squareRoot())
  let blocks = BlockedAttention(q, k, v, terms)
  let (out, logSums) = blocks.forward()
  return out.recorded("attention", inputs: [q, k, v] + (bias.map { [$0] } ?? []), savesOutput: true) { s in
    if s.createGraph {
      return attentionDerivative(s.gradient, s(q), s(k), s(v), terms.with(bias: bias.map { s($0) }))
    }
    return blocks.backward(s.gradient, s.output, logSums, wantsBias: bias != nil && s.needs(3))
  }
}

/// What is done to the products of queries and keys before the softmax.
struct AttentionTerms {
  let bias, mask: Tensor?
  let isCausal: Bool
  let scale: Real

  func with(bias: Tensor?) -> AttentionTerms {
    AttentionTerms(bias: bias, mask: mask, isCausal: isCausal, scale: scale)
  }

  /// 1 where a key is allowed, else 0, up to broadcasting; nil if all are.
  private func allowed(_ queries: Int, _ keys: Int) -> Tensor? {
    var parts: [Tensor] = []
    if let mask { parts.append(1 - mask.isEqual(Tensor(0))) }
    if let bias { parts.append(1 - bias.isEqual(Tensor(-.infinity))) }
    if isCausal {
      parts.append(Tensor([queries, keys], (0..<queries * keys).map { $0 % keys <= $0 / keys ? 1 : 0 }))
    }
    guard let first = parts.first else { return nil }
    return parts.dropFirst().reduce(first) { $0 * $1 }
  }

  /// The weights of the keys in ops that can be differentiated as often as one likes.   [B, H, N, M]
  func weights(_ q: Tensor, _ k: Tensor) -> Tensor {
    var scores: Tensor = matmul(q, k.transposed()) * scale
    if let bias { scores = scores + bias }
    guard let allowed = allowed(q.shape[2], k.shape[2]) else { return scores.softmax() }
    // A row without keys gets equal scores instead of -infinities, whose softmax is NaN, and loses its weights afterwards.
    let hasKeys = allowed.amax().expandedAxis(-1)
    let forbidden = select(hasKeys, Tensor(-.infinity), Tensor(0))
    return select(allowed, scores, forbidden).softmax() * allowed
  }
}

/// The weights that `attention` gives the keys, `[B, H, N, M]`, for those who change them before the values are averaged
/// (dropout); the parameters are those of `attention`. Differentiable to any order; memory grows with N M.
package func attentionWeights(
  _ q: Tensor, _ k: Tensor, bias: Tensor? = nil, mask: Tensor? = nil, isCausal: Bool = false
) -> Tensor {
  AttentionTerms(bias: bias, mask: mask, isCausal: isCausal, scale: 1 / Real(q.shape[-1]).squareRoot()).weights(q, k)
}

/// The derivatives with respect to queries, keys, values and bias, as a recorded computation.
///
///     gv = P^T g;   gS = P (g v^T - sum_M(P g v^T));   gq = scale gS k;   gk = scale gS^T q;   gbias = gS
private func attentionDerivative(_ g: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ terms: AttentionTerms)
  -> [Tensor?]
{
  let weights = terms.weights(q, k)  // [B, H, N, M]
  let gw = matmul(g, v.transposed())
  let gs: Tensor = (gw - (gw * weights).sum(-1, keepsAxis: true)) * weights
  let scaled: Tensor = gs * terms.scale
  let parts = [matmul(scaled, k), matmul(scaled.transposed(), q), matmul(weights.transposed(), g)]
  return parts + (terms.bias.map { [gs.summed(to: $0.shape)] } ?? [])
}
