import ReproTensor

/// Sines and cosines of a point in octaves, `[N, D] -> [N, D (1 + 2 frequencies)]`.
///
///     e(x) = [x, sin(2^0 x), cos(2^0 x), ..., sin(2^{k-1} x), cos(2^{k-1} x)]
///
/// - Source: Mildenhall et al. 2020 (NeRF, arXiv 2003.08934), Eq. 4; without its factor pi, and with x itself, as its code.
public func positionalEncoding(_ x: Tensor, frequencies: Int) -> Tensor {
  require(frequencies >= 0 && frequencies <= 20, "positional encoding has 0 to 20 octaves, got \(frequencies)")
  if frequencies == 0 { return x }
  var parts = [x]
  for k in 0..<frequencies {
    let scaled = x * Real(1 << k)
    parts += [scaled.sin(), scaled.cos()]
  }
  return concat(parts, axis: x.rank - 1)
}
