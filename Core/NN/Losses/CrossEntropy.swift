import ReproTensor

/// Cross entropy of logits with class labels.
///
///     loss_i = -w_{y_i} log softmax(z_i)_{y_i};   mean = sum_i loss_i / sum_i w_{y_i}
///     with smoothing e:  (1 - e) loss_i - e/C sum_c w_c log softmax(z_i)_c
///
/// - Parameters:
///   - logits: `[N, C]`, or `[..., C]`.
///   - labels: `[N]`, each in 0 ..< C, or `ignored`.
///   - weights: `[C]`, the weights w of the classes, >= 0; 1 if nil. A constant.
///   - smoothing: e, 0 ..< 1: the part of the target that is spread over all classes.
///   - ignored: a label whose rows count neither in the sum nor in the mean.
///   - reduction: the mean by default; 0 if no row counts.
/// - Returns: scalar `[]`, or `[N]` without reduction; nats; log C for equal logits.
/// - Source: smoothing as Szegedy et al. 2016 (arXiv 1512.00567), Section 7; numbers as PyTorch's cross_entropy.
public func crossEntropy(
  _ logits: Tensor, labels: IndexTensor, weights: Tensor? = nil, smoothing: Real = 0, ignored: Int? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  require(
    logits.rank >= 1 && labels.shape == logits.shape.dropping(-1),
    "crossEntropy needs logits [N, C] and labels [N], got \(logits.shape) and \(labels.shape)")
  let c = logits.shape[-1]
  require(
    (weights?.shape ?? [c]) == [c] && smoothing >= 0 && smoothing < 1,
    "crossEntropy needs weights [\(c)] and smoothing in 0 ..< 1, got \(weights?.shape ?? [c]) and \(smoothing)")
  let weights = weights?.detached
  guard let ignored, labels.values.contains(ignored) else {
    if weights == nil && smoothing == 0 { return -logits.logLikelihood(of: labels).reduced(reduction) }
    return weighted(logits, labels, weights, smoothing, reduction, kept: nil)
  }
  let kept = Tensor(labels.shape, labels.values.map { $0 == ignored ? 0 : 1 })
  let known = IndexTensor(labels.shape, labels.values.map { $0 == ignored ? 0 : $0 })
  return weighted(logits, known, weights, smoothing, reduction, kept: kept)
}

/// The general case of cross entropy; `kept` is 0 where a row does not count.
private func weighted(
  _ logits: Tensor, _ labels: IndexTensor, _ weights: Tensor?, _ smoothing: Real, _ reduction: Reduction, kept: Tensor?
) -> Tensor {
  var counts = weights.map { $0.gathered(labels) } ?? .ones(labels.shape)
  if let kept { counts = counts * kept }
  /// A choice and not a product where rows are left out: their logits may be infinite.
  func masked(_ x: Tensor) -> Tensor { kept.map { select($0, x, Tensor(0)) } ?? x }
  var losses = -(masked(logits.logLikelihood(of: labels)) * counts)
  if smoothing > 0 {
    let logs = logits.logSoftmax()
    let spread = masked((weights.map { logs * $0 } ?? logs).sum(-1)) * (smoothing / Real(logits.shape[-1]))
    losses = losses * (1 - smoothing) - spread
  }
  if reduction != .mean { return losses.reduced(reduction) }
  return losses.sum() / max(counts.sum().item, .leastNormalMagnitude)
}

/// Cross entropy of logits with target distributions.
///
///     loss_i = -sum_c w_c t_ic log softmax(z_i)_c,   t smoothed to (1 - e) t + e/C
///
/// - Parameters:
///   - logits: `[..., C]`.
///   - targets: `[..., C]`, rows that sum to 1.
///   - weights: `[C]`, the weights w of the classes; 1 if nil. A constant.
///   - smoothing: e, 0 ..< 1.
///   - reduction: the mean over the rows by default.
/// - Returns: scalar `[]`, or `[...]` without reduction; nats.
public func crossEntropy(
  _ logits: Tensor, targets: Tensor, weights: Tensor? = nil, smoothing: Real = 0, reduction: Reduction = .mean
) -> Tensor {
  let c = logits.rank == 0 ? 0 : logits.shape[-1]
  require(
    logits.rank >= 1 && targets.shape == logits.shape,
    "crossEntropy needs logits and targets of one shape [..., C], got \(logits.shape) and \(targets.shape)")
  require(
    (weights?.shape ?? [c]) == [c] && smoothing >= 0 && smoothing < 1,
    "crossEntropy needs weights [\(c)] and smoothing in 0 ..< 1, got \(weights?.shape ?? [c]) and \(smoothing)")
  var t = targets
  if smoothing > 0 { t = t * (1 - smoothing) + smoothing / Real(c) }
  if let weights { t = t * weights.detached }
  return -(t * logits.logSoftmax()).sum(-1).reduced(reduction)
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

/// The divergence of Kullback and Leibler of predicted from target distributions.
///
///     KL_i = sum_k p_ik (log p_ik - log softmax(z_i / temperature)_k)
///
/// - Parameters:
///   - targets: p, `[N, K]`, rows that sum to 1; 0 log 0 counts as 0.
///   - logits: `[N, K]`.
///   - temperature: > 0.
///   - reduction: the mean over the rows by default.
/// - Returns: scalar `[]`, or `[N]` without reduction; nats; 0 where both agree.
public func klDivergence(
  targets: Tensor, logits: Tensor, temperature: Real = 1, reduction: Reduction = .mean
) -> Tensor {
  let cross = crossEntropyRows(targets: targets, logits: logits, temperature: temperature)
  return (cross - entropyRows(targets)).reduced(reduction)
}
