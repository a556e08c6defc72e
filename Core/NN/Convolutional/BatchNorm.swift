import ReproTensor

public typealias BatchNorm1d = BatchNorm
public typealias BatchNorm2d = BatchNorm

/// Batch normalisation of axis 1, for vectors, sequences and images.   [B, C, ...] -> [B, C, ...]
///
///     training:  y = (x - mean_c) / sqrt(variance_c + epsilon) * weight_c + bias_c,  statistics of what is passed in
///                running := (1 - momentum) running + momentum statistic,  with the variance divided by n - 1
///     frozen:    the same with the running statistics
///
/// The two modes are two calls: `norm(x, context)` changes the running statistics and needs a `var`; `norm(x)` does not.
/// Where a batch is cut into micro-shards, each shard has its own statistics, and the running ones become their mean.
/// - Source: Ioffe and Szegedy 2015 (arXiv 1502.03167); momentum, epsilon and names are PyTorch's.
public struct BatchNorm: Layer {
  public var weight: Tensor?  // [C], the gain; nil without affine map
  public var bias: Tensor?  // [C]
  public var runningMean: Tensor  // [C]
  public var runningVariance: Tensor  // [C]
  /// Training calls so far.
  public private(set) var batches = 0
  let momentum, epsilon: Real

  public init(_ channels: Int, affine: Bool = true, momentum: Real = 0.1, epsilon: Real = 1e-5) {
    weight = affine ? .ones([channels]) : nil
    bias = affine ? .zeros([channels]) : nil
    runningMean = .zeros([channels])
    runningVariance = .ones([channels])
    (self.momentum, self.epsilon) = (momentum, epsilon)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight, .gain)
    v("bias", &bias, .bias)
    v("running_mean", &runningMean, .buffer)
    v("running_var", &runningVariance, .buffer)
    v.integer("num_batches_tracked", &batches)
  }

  /// Training: statistics of this batch, which the running ones follow.
  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let n = x.count / max(runningMean.count, 1)  // elements of a channel
    require(n > 1, "batch normalisation needs more than one element of each channel to train, got \(x.shape)")
    let channels = runningMean.shape
    let (y, mean, variance) = x.batchNormalized(
      gain: weight ?? .ones(channels), bias: bias ?? .zeros(channels), epsilon: epsilon)
    runningMean.average(with: mean, rate: 1 - momentum)
    runningVariance.average(with: variance * (Real(n) / Real(n - 1)), rate: 1 - momentum)
    batches += 1
    return y
  }

  /// Frozen: an affine map of each channel by the running statistics.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    require(
      x.rank >= 2 && x.shape[1] == runningMean.count,
      "batch normalisation of \(runningMean.count) channels needs [B, C, ...], got \(x.shape)")
    let rstd = (runningVariance + epsilon).rsqrt()
    let scale = weight.map { $0 * rstd } ?? rstd
    let shift = (bias ?? Tensor(0)) - runningMean * scale
    let extents = [x.shape[1]] + Array(repeating: 1, count: x.rank - 2)
    return x * scale.reshaped(extents) + shift.reshaped(extents)
  }
}
