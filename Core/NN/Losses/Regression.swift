import ReproTensor

private func requireOneShape(_ name: String, _ a: Tensor, _ b: Tensor) {
  require(a.shape == b.shape, "\(name) needs two tensors of one shape, got \(a.shape) and \(b.shape)")
}

/// The squared error, element by element; the mean over all by default.
public func squaredError(_ predictions: Tensor, _ targets: Tensor, reduction: Reduction = .mean) -> Tensor {
  requireOneShape("squaredError", predictions, targets)
  return (predictions - targets).squared().reduced(reduction)
}

/// The absolute error, element by element; the mean over all by default. The gradient of an error of 0 is 0.
public func absoluteError(_ predictions: Tensor, _ targets: Tensor, reduction: Reduction = .mean) -> Tensor {
  requireOneShape("absoluteError", predictions, targets)
  return (predictions - targets).abs().reduced(reduction)
}

/// Huber's loss, element by element: squared for small errors, linear for large ones.
///
///     loss = e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2)
///
/// - Parameters:
///   - delta: > 0, in the unit of the predictions.
///   - reduction: the mean over all by default.
/// - Source: Huber 1964, Section 4.
public func huberLoss(
  _ predictions: Tensor, _ targets: Tensor, delta: Real = 1, reduction: Reduction = .mean
) -> Tensor {
  requireOneShape("huberLoss", predictions, targets)
  require(delta > 0, "huberLoss needs delta > 0, got \(delta)")
  let error: Tensor = predictions - targets
  let limited = error.clamped(-delta, delta)
  return (limited * (error - limited * 0.5)).reduced(reduction)
}

/// Huber's loss divided by its threshold: |e| - beta/2 for large errors.
///
/// - Parameters:
///   - beta: > 0, in the unit of the predictions.
///   - reduction: the mean over all by default.
/// - Source: Girshick 2015 (arXiv 1504.08083), Eq. 3, where beta is 1.
public func smoothL1(
  _ predictions: Tensor, _ targets: Tensor, beta: Real = 1, reduction: Reduction = .mean
) -> Tensor {
  huberLoss(predictions, targets, delta: beta, reduction: reduction) / beta
}

/// One minus the cosine of rows, `[..., D] [..., D]`; the mean over the rows by default.
///
/// - Returns: in 0 ... 2; its gradient is that of the negative cosine of BYOL and SimSiam.
public func cosineLoss(_ a: Tensor, _ b: Tensor, reduction: Reduction = .mean) -> Tensor {
  (1 - cosineSimilarity(a, b)).reduced(reduction)
}
