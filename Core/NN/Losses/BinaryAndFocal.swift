import ReproTensor

/// Binary cross entropy of logits, element by element.
///
///     loss = -w (P t log sigmoid(z) + (1 - t) log(1 - sigmoid(z)))
///
/// - Parameters:
///   - logits: any shape.
///   - targets: the same shape, probabilities t in 0 ... 1.
///   - weights: w, broadcast against the logits; 1 if nil. A constant.
///   - positiveWeight: P, the weight of the positive class, broadcast (one number for each label, say); 1 if nil.
///   - reduction: the mean over all elements by default.
/// - Returns: scalar `[]`, or the logits' shape without reduction; nats; log 2 for a logit of 0.
public func binaryCrossEntropy(
  logits: Tensor, targets: Tensor, weights: Tensor? = nil, positiveWeight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  require(
    targets.shape == logits.shape,
    "binaryCrossEntropy needs logits and targets of one shape, got \(logits.shape) and \(targets.shape)")
  // (1 - t) z + (1 + (P - 1) t) log(1 + exp(-z)) overflows for no z.
  let positive = (-logits).softplus()
  let scaled: Tensor = positiveWeight.map { positive * (($0.detached - 1) * targets + 1) } ?? positive
  let losses: Tensor = (1 - targets) * logits + scaled
  return (weights.map { losses * $0.detached } ?? losses).reduced(reduction)
}

/// The focal loss of binary logits: what is already classified well counts little.
///
///     loss = -alpha_t (1 - p_t)^gamma log p_t,   p_t = p for t = 1 and 1 - p for t = 0
///
/// - Parameters:
///   - logits: any shape.
///   - targets: the same shape, 0 or 1.
///   - gamma: >= 0; 0 is cross entropy.
///   - alpha: the weight of the positive class, 1 - alpha that of the negative; no weights if nil.
///   - reduction: the mean over all elements by default.
/// - Returns: scalar `[]`, or the logits' shape without reduction.
/// - Source: Lin et al. 2017 (arXiv 1708.02002), Eq. 5.
public func focalLoss(
  logits: Tensor, targets: Tensor, gamma: Real = 2, alpha: Real? = 0.25, reduction: Reduction = .mean
) -> Tensor {
  require(
    targets.shape == logits.shape && gamma >= 0,
    "focalLoss needs logits and targets of one shape and gamma >= 0, got \(logits.shape), \(targets.shape), \(gamma)")
  let entropy = binaryCrossEntropy(logits: logits, targets: targets, reduction: .none)
  let missed: Tensor = logits.sigmoid() * (1 - targets) + (-logits).sigmoid() * targets  // 1 - p_t
  let losses: Tensor = entropy * focused(missed, gamma)
  guard let alpha else { return losses.reduced(reduction) }
  return (losses * (targets * (2 * alpha - 1) + (1 - alpha))).reduced(reduction)
}

/// The focal loss of class logits.
///
///     loss_i = -w_{y_i} (1 - p_i)^gamma log p_i,   p_i = softmax(z_i)_{y_i}
///
/// - Parameters:
///   - logits: `[..., C]`.
///   - labels: `[...]`, each in 0 ..< C.
///   - gamma: >= 0; 0 is cross entropy.
///   - weights: `[C]`, the weights w of the classes; 1 if nil. A constant.
///   - reduction: the mean over the rows by default (not divided by the weights).
/// - Returns: scalar `[]`, or `[...]` without reduction.
/// - Source: Lin et al. 2017 (arXiv 1708.02002), Eq. 5, for several classes.
public func focalLoss(
  _ logits: Tensor, labels: IndexTensor, gamma: Real = 2, weights: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  require(gamma >= 0, "focalLoss needs gamma >= 0, got \(gamma)")
  let log = logits.logLikelihood(of: labels)
  let losses: Tensor = -(log * focused(-log.expm1(), gamma))
  return (weights.map { losses * $0.detached.gathered(labels) } ?? losses).reduced(reduction)
}

/// missed^gamma; the root of 0 would have an infinite gradient, which meets a loss of 0.
private func focused(_ missed: Tensor, _ gamma: Real) -> Tensor {
  (gamma < 1 ? maximum(missed, Tensor(.leastNormalMagnitude)) : missed).pow(gamma)
}
