import Glibc

extension Tensor {
  /// The continuous wavelet transform of real signals by Morlet's wavelet, `[..., L] -> [..., S, L, 2]`.
  ///
  ///     y[s, t] = sum_t' x[t'] conj(psi((t' - t) / s)) / sqrt(s),  psi(u) = pi^(-1/4) exp(i w u - u^2 / 2)
  ///
  /// computed by the Fourier transform, so that the signal continues as its own repetition: pad it where that matters.
  /// - Parameters:
  ///   - scales: s in samples, each > 0; the frequency of s is about w / (2 pi s) cycles a sample.
  ///   - frequency: w, dimensionless; 6 makes the wavelet's mean small enough to be left out.
  /// - Source: Torrence and Compo 1998, "A practical guide to wavelet analysis", Eq. 4 to 6 and table 1.
  public func morletTransform(scales: [Double], frequency: Double = 6) -> Tensor {
    require(
      rank >= 1 && shape[-1] > 0 && !scales.isEmpty && scales.allSatisfy { $0 > 0 },
      "morletTransform needs [..., L >= 1] and scales > 0, got \(shape), \(scales)")
    let n = shape[-1]
    // sqrt(2 pi s) pi^(-1/4) H(w_k) exp(-(s w_k - w)^2 / 2), and no negative frequencies.   [S, n / 2 + 1, 1]
    let filters = Tensor([scales.count, n / 2 + 1, 1]) { values in
      for (i, s) in scales.enumerated() {
        for k in 0...(n / 2) {
          let offset = s * 2 * Double.pi * Double(k) / Double(n) - frequency
          let height = (2 * Double.pi * s).squareRoot() * Glibc.pow(Double.pi, -0.25)
          values[i * (n / 2 + 1) + k] = k == 0 ? 0 : Real(height * Glibc.exp(-offset * offset / 2))
        }
      }
    }
    let spectrum = rfft().expandedAxis(-3) * filters
    return spectrum.padded(-2, before: 0, after: n - n / 2 - 1).ifft()
  }
}
