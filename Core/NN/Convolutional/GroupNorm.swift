import ReproTensor

/// Normalisation of groups of channels of each sample, with learnt gain and bias.   [B, C, ...] -> [B, C, ...]
///
/// - Source: Wu and He 2018 (arXiv 1803.08494); names are PyTorch's.
public struct GroupNorm: Layer {
  public var weight: Tensor?  // [C], the gain; nil without affine map
  public var bias: Tensor?  // [C]
  let groups: Int
  let epsilon: Real

  public init(groups: Int, _ channels: Int, affine: Bool = true, epsilon: Real = 1e-5) {
    require(groups > 0 && channels % groups == 0, "\(groups) groups do not divide \(channels) channels")
    weight = affine ? .ones([channels]) : nil
    bias = affine ? .zeros([channels]) : nil
    (self.groups, self.epsilon) = (groups, epsilon)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight, .gain)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.groupNormalized(groups: groups, gain: weight, bias: bias, epsilon: epsilon)
  }
}

/// Normalisation of each channel of each sample.   [B, C, ...] -> [B, C, ...]
///
/// - Source: Ulyanov et al. 2016 (arXiv 1607.08022); names are PyTorch's, which has no affine map by default.
public struct InstanceNorm: Layer {
  public var weight: Tensor?  // [C], the gain; nil without affine map
  public var bias: Tensor?  // [C]
  let epsilon: Real

  public init(_ channels: Int, affine: Bool = false, epsilon: Real = 1e-5) {
    weight = affine ? .ones([channels]) : nil
    bias = affine ? .zeros([channels]) : nil
    self.epsilon = epsilon
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight, .gain)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.instanceNormalized(gain: weight, bias: bias, epsilon: epsilon)
  }
}
