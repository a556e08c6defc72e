// Normalisation by groups of channels, by planes, and of weights: made of layer normalisation and arithmetic.

extension Tensor {
  /// Normalisation of groups of neighbouring channels, each sample by itself, then a learnt gain and bias of each channel.
  ///
  ///     y = (x - mean_bg) / sqrt(variance_bg + epsilon) * gain_c + bias_c
  ///
  /// - Parameters:
  ///   - groups: divides C; 1 normalises a whole sample, C each plane.
  ///   - gain, bias: `[C]`; 1 and 0 if nil.
  ///   - epsilon: > 0; the variance is divided by the number of elements of a group.
  /// - Returns: the shape of this tensor, `[B, C, ...]`.
  /// - Source: Wu and He 2018 (arXiv 1803.08494), Eq. 1, 2, 6 and 7.
  public func groupNormalized(
    groups: Int, gain: Tensor? = nil, bias: Tensor? = nil, epsilon: Real = 1e-5
  ) -> Tensor {
    require(
      rank >= 2 && groups > 0 && shape[1] % groups == 0
        && [gain, bias].allSatisfy { ($0?.shape ?? [shape[1]]) == [shape[1]] },
      "groupNormalized of \(groups) groups needs x [B, C, ...], gain and bias [C], got \(shape), "
        + "\(gain.map { "\($0.shape)" } ?? "none") and \(bias.map { "\($0.shape)" } ?? "none")")
    if count == 0 { return self }
    let c = shape[1]
    var y = reshaped(to: [shape[0] * groups, count / (shape[0] * groups)]).layerNormalized(epsilon: epsilon)
      .reshaped(to: shape)
    let channels = Shape([c] + Array(repeating: 1, count: rank - 2))
    if let gain { y = y * gain.reshaped(to: channels) }
    if let bias { y = y + bias.reshaped(to: channels) }
    return y
  }

  /// Normalisation of each channel of each sample, then a learnt gain and bias of each channel; see `groupNormalized`.
  ///
  /// - Source: Ulyanov et al. 2016 (arXiv 1607.08022), Eq. 3.
  public func instanceNormalized(gain: Tensor? = nil, bias: Tensor? = nil, epsilon: Real = 1e-5) -> Tensor {
    require(rank >= 3, "instanceNormalized needs x [B, C, ...] with planes, got \(shape)")
    return groupNormalized(groups: max(shape[1], 1), gain: gain, bias: bias, epsilon: epsilon)
  }
}

/// A weight given by its direction and its length.
///
///     w_o = gain_o v_o / |v_o|
///
/// - Parameters:
///   - v: the direction, of any shape; no part is zero.
///   - gain: one length for each place of `axis`, `[O]`.
///   - axis: the outputs: 0 for linear maps and convolutions, 1 for transposed convolutions.
/// - Returns: the shape of v.
/// - Source: Salimans and Kingma 2016 (arXiv 1602.07868), Eq. 2.
public func weightNormalized(_ v: Tensor, gain: Tensor, axis: Int = 0) -> Tensor {
  let a = v.shape.resolved(axis)
  require(
    gain.shape == [v.shape[a]],
    "weightNormalized of \(v.shape) along axis \(a) needs a gain [\(v.shape[a])], got \(gain.shape)")
  let others = (0..<v.rank).filter { $0 != a }
  let length = v.squared().sum(axes: others, keepsAxes: true).sqrt()
  return v * (gain.reshaped(to: length.shape) / length)
}
