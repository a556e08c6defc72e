import ReproTensor

/// What a quantiser makes of vectors.
public struct Quantized: Sendable {
  /// The nearest code of each vector, `[..., D]`; its gradient goes to the vector (straight-through).
  public var codes: Tensor
  /// The numbers of the codes, `[...]`.
  public var indices: IndexTensor
  /// What training adds to its loss, `[]`.
  public var loss: Tensor
  /// exp of the entropy of the codes' use, in 1...K.
  public var perplexity: Real
}

/// Vectors rounded to the nearest of K learnt codes, which follow by gradient.   [..., D] -> [..., D]
///
///     k = argmin_j |z - e_j|^2;   loss = mean |sg(z) - e_k|^2 + commitment mean |z - sg(e_k)|^2
///
/// - Source: van den Oord et al. 2017 (VQ-VAE, arXiv 1711.00937), Eq. 2 and 3.
public struct VectorQuantizer: Layer {
  public var embedding: Embedding  // [K, D]
  let commitment: Real

  /// - Parameters:
  ///   - codes: K; they begin uniform within 1 / K.
  ///   - commitment: beta of Eq. 3, >= 0.
  public init(_ codes: Int, _ width: Int, commitment: Real = 0.25, random: RandomStream) {
    embedding = Embedding(codes, width, random: random.child("embedding"))
    var stream = random.child("codes")
    embedding.weight = stream.uniform([codes, width], -1 / Real(codes), 1 / Real(codes))
    self.commitment = commitment
  }

  public mutating func visit(_ v: inout some LayerVisitor) { v("embedding", &embedding) }

  public func callAsFunction(_ x: Tensor) -> Quantized {
    let indices = nearestCodes(x, embedding.weight)
    let codes = embedding(indices)
    let pull: Tensor = (codes - x.detached).squared().mean()
    let commit: Tensor = (x - codes.detached).squared().mean()
    return Quantized(
      codes: x.straightThrough(to: codes), indices: indices, loss: pull + commit * commitment,
      perplexity: perplexity(indices, of: embedding.weight.shape[0]))
  }
}

/// Vectors rounded to the nearest of K codes that follow the means of what they stand for.   [..., D] -> [..., D]
///
///     n_k := decay n_k + (1 - decay) count_k;   m_k := decay m_k + (1 - decay) sum of the vectors of k
///     e_k = m_k / n'_k,   n'_k = (n_k + epsilon) / (n + K epsilon) n,   n = sum_k n_k
///     loss = commitment mean |z - sg(e_k)|^2
///
/// Codes are buffers: no gradient reaches them. A training call uses the codes before it moves them.
/// - Source: van den Oord et al. 2017 (arXiv 1711.00937), Appendix A.1; the smoothing of counts is that of the authors' code.
public struct MovingVectorQuantizer: Layer {
  public var codes: Tensor  // [K, D]
  /// Smoothed counts and sums.
  public var counts: Tensor  // [K]
  public var sums: Tensor  // [K, D]
  let commitment, decay, epsilon: Real

  public init(
    _ codes: Int, _ width: Int, commitment: Real = 0.25, decay: Real = 0.99, epsilon: Real = 1e-5,
    random: RandomStream
  ) {
    require(
      codes > 0 && width > 0 && decay >= 0 && decay < 1,
      "a quantiser needs codes and decay in [0, 1), got \(codes) of \(width) and \(decay)")
    var stream = random.child("codes")
    self.codes = stream.normal([codes, width])
    counts = .zeros([codes])
    sums = self.codes
    (self.commitment, self.decay, self.epsilon) = (commitment, decay, epsilon)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("embedding", &codes, .buffer)
    v("cluster_size", &counts, .buffer)
    v("ema_w", &sums, .buffer)
  }

  /// Training: the codes follow afterwards.
  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Quantized {
    let result = self(x)
    let (k, d) = (codes.shape[0], codes.shape[1])
    let rows = x.detached.reshaped([-1, d])
    let places = IndexTensor(result.indices.values)
    counts.average(with: Tensor.ones([rows.shape[0]]).scattered(places, rows: k), rate: decay)
    sums.average(with: rows.scattered(places, rows: k), rate: decay)
    let n = counts.sum()
    let smoothed: Tensor = (counts + epsilon) / (n + Real(k) * epsilon) * n
    codes = sums / smoothed.expandedAxis(-1)
    return result
  }

  /// Frozen: the codes stay.
  public func callAsFunction(_ x: Tensor) -> Quantized {
    let indices = nearestCodes(x, codes)
    let found = codes.gathered(IndexTensor(indices.values)).reshaped(to: x.shape)
    return Quantized(
      codes: x.straightThrough(to: found), indices: indices,
      loss: (x - found).squared().mean() * commitment, perplexity: perplexity(indices, of: codes.shape[0]))
  }
}

/// The number of the code nearest to each vector, the first of equals.   [..., D] and [K, D] -> [...]
private func nearestCodes(_ x: Tensor, _ codes: Tensor) -> IndexTensor {
  require(
    x.rank >= 1 && x.shape[-1] == codes.shape[1], "codes \(codes.shape) need vectors [..., D], got \(x.shape)")
  let rows = x.detached.reshaped([-1, codes.shape[1]])
  let e = codes.detached
  // |z - e|^2 without |z|^2, which is the same for all codes.
  let scores: Tensor = matmul(rows, e.transposed()) * 2 - e.squared().sum(1)
  return IndexTensor(x.shape.dropping(-1), scores.argmax().values)
}

private func perplexity(_ indices: IndexTensor, of codes: Int) -> Real {
  let share = Tensor.ones([indices.count]).scattered(IndexTensor(indices.values), rows: codes) / Real(indices.count)
  return entropyRows(share.expandedAxis(0)).exp().item
}
