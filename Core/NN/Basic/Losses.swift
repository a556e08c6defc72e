import ReproTensor

/// Cross entropy of logits with class labels, averaged over the rows.
///
///     loss = -mean_i log softmax(z_i)[y_i]
///
/// - Parameters:
///   - logits: `[N, C]`.
///   - labels: `[N]`, each in 0 ..< C.
/// - Returns: scalar `[]`, nats; log C for equal logits.
public func crossEntropy(_ logits: Tensor, labels: IndexTensor) -> Tensor {
  require(
    logits.rank == 2 && labels.shape == [logits.shape[0]],
    "crossEntropy needs logits [N, C] and labels [N], got \(logits.shape) and \(labels.shape)")
  return -logits.logSoftmax().picked(labels).mean()
}

/// Cross entropy of each row of logits with a target distribution.
///
///     H_i = -sum_k p_ik log softmax(z_i / temperature)_k
///
/// - Parameters:
///   - targets: `[N, K]`, rows that sum to 1 (any positive weights are allowed: H is linear in them).
///   - logits: `[N, K]`.
///   - temperature: > 0.
/// - Returns: `[N]`, nats.
public func crossEntropyRows(targets: Tensor, logits: Tensor, temperature: Real = 1) -> Tensor {
  require(
    logits.rank == 2 && targets.shape == logits.shape && temperature > 0,
    "crossEntropyRows needs two [N, K] and temperature > 0, got \(targets.shape), \(logits.shape), \(temperature)")
  return -(targets * (logits / temperature).logSoftmax()).sum(-1)
}

/// The entropy of each row of a distribution, `[N, K] -> [N]`, nats; 0 log 0 counts as 0.
public func entropyRows(_ p: Tensor) -> Tensor { -(p * maximum(p, Tensor(1e-30)).log()).sum(-1) }
