import ReproTensor

/// The triplet loss of rows.
///
///     loss_i = max(0, |a_i - p_i| - |a_i - n_i| + margin)
///
/// - Parameters:
///   - anchors, positives, negatives: `[N, D]`.
///   - margin: in the unit of the features.
///   - reduction: the mean over the rows by default.
/// - Source: Schroff et al. 2015 (arXiv 1503.03832), Eq. 3, there with squared distances.
public func tripletLoss(
  anchors: Tensor, positives: Tensor, negatives: Tensor, margin: Real = 1, reduction: Reduction = .mean
) -> Tensor {
  require(
    anchors.rank >= 1 && positives.shape == anchors.shape && negatives.shape == anchors.shape,
    "tripletLoss needs three [N, D], got \(anchors.shape), \(positives.shape) and \(negatives.shape)")
  let difference: Tensor = (anchors - positives).norm() - (anchors - negatives).norm()
  return (difference + margin).relu().reduced(reduction)
}

/// InfoNCE among the rows of a batch: the key of row i is the positive of query i and a negative of all others.
///
///     loss = -mean_i log( exp(s_ii) / sum_j exp(s_ij) ),   s_ij = cos(q_i, k_j) / temperature
///
/// - Parameters:
///   - queries, keys: `[N, D]`, not normalised.
///   - temperature: dimensionless, > 0.
/// - Returns: scalar `[]`, nats; log N when all cosines are equal. CLIP's loss is the mean over both directions.
/// - Source: van den Oord et al. 2018 (arXiv 1807.03748), Eq. 4; Radford et al. 2021 (arXiv 2103.00020), Figure 3.
public func infoNCE(_ queries: Tensor, keys: Tensor, temperature: Real) -> Tensor {
  require(
    queries.rank == 2 && keys.shape == queries.shape && temperature > 0,
    "infoNCE needs two [N, D] and temperature > 0, got \(queries.shape), \(keys.shape), \(temperature)")
  let s = cosineSimilarities(queries, keys) / temperature
  return crossEntropy(s, labels: IndexTensor(Array(0..<queries.shape[0])))
}

/// InfoNCE with a positive of its own for each query and negatives that all share (a memory bank).
///
///     loss = -mean_i log( exp(q_i p_i / t) / (exp(q_i p_i / t) + sum_j exp(q_i n_j / t)) ),   all rows normalised
///
/// - Parameters:
///   - queries, positives: `[N, D]`, not normalised.
///   - negatives: `[K, D]`, not normalised.
///   - temperature: t, dimensionless, > 0.
/// - Returns: scalar `[]`, nats.
/// - Source: He et al. 2020 (MoCo, arXiv 1911.05722), Eq. 1.
public func infoNCE(_ queries: Tensor, positives: Tensor, negatives: Tensor, temperature: Real) -> Tensor {
  require(
    queries.rank == 2 && positives.shape == queries.shape && negatives.rank == 2
      && negatives.shape[1] == queries.shape[1] && temperature > 0,
    "infoNCE needs queries and positives [N, D], negatives [K, D] and temperature > 0, got \(queries.shape), "
      + "\(positives.shape), \(negatives.shape), \(temperature)")
  let own = cosineSimilarity(queries, positives).expandedAxis(-1)  // [N, 1]
  let others = cosineSimilarities(queries, negatives)  // [N, K]
  let s = concat([own, others], axis: 1) / temperature
  return crossEntropy(s, labels: IndexTensor([Int](repeating: 0, count: queries.shape[0])))
}

/// NT-Xent, the normalised temperature-scaled cross entropy of two views.
///
///     s_ij = cos(z_i, z_j) / temperature
///     loss = mean_i [ log( sum_{k != i} exp(s_ik) ) - s_{i,p(i)} ]
///
/// - Parameters:
///   - a, b: projections of the two views, `[N, D]`, not normalised; row i of both shows the same sample. N >= 2.
///   - temperature: dimensionless, > 0; the paper uses 0.1 to 1.
/// - Returns: scalar `[]`, nats; log(2N - 1) when all projections are equal.
/// - Source: Chen et al. 2020 (arXiv 2002.05709), Eq. 1 and Algorithm 1. The paper interleaves the views, we stack them.
public func ntXent(_ a: Tensor, _ b: Tensor, temperature: Real) -> Tensor {
  require(
    a.shape == b.shape && a.rank == 2 && a.shape[0] >= 2 && temperature > 0,
    "ntXent needs two [N >= 2, D] and temperature > 0, got \(a.shape), \(b.shape), \(temperature)")
  let n = a.shape[0]
  let z = concat([a, b]).l2Normalized()  // [2N, D]
  let s = (matmul(z, z.transposed()) / temperature)  // [2N, 2N]
    .fillingDiagonal(-.infinity)  // a sample is not its own negative
  return crossEntropy(s, labels: IndexTensor((0..<(2 * n)).map { ($0 + n) % (2 * n) }))
}
