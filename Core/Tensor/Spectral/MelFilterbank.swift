import Glibc

/// How frequencies become mels.
public enum MelScale: Sendable {
  /// 2595 log10(1 + f / 700) (O'Shaughnessy 1987, as in HTK).
  case htk
  /// Linear below 1000 Hz, 3 mels for 200 Hz, and above with 27 mels for a factor of 6.4 (Slaney's Auditory Toolbox, 1998).
  case slaney

  /// Mels of a frequency in Hz.
  public func mels(_ frequency: Double) -> Double {
    switch self {
    case .htk: 2595 * Glibc.log10(1 + frequency / 700)
    case .slaney: frequency < 1000 ? frequency * 3 / 200 : 15 + Glibc.log(frequency / 1000) * 27 / Glibc.log(6.4)
    }
  }

  /// The frequency in Hz of mels.
  public func frequency(_ mels: Double) -> Double {
    switch self {
    case .htk: 700 * (Glibc.pow(10, mels / 2595) - 1)
    case .slaney: mels < 15 ? mels * 200 / 3 : 1000 * Glibc.exp((mels - 15) * Glibc.log(6.4) / 27)
    }
  }
}

/// Triangular filters, evenly spaced in mels, that turn power spectra into mel spectra, `[count, size / 2 + 1]`.
///
/// - Parameters:
///   - count: the number of filters.
///   - size: samples of a frame.
///   - rate: samples a second, Hz.
///   - range: from the start of the first filter to the end of the last, Hz; up to rate / 2 if nil.
///   - normalized: whether each filter has the area 1 in Hz (Slaney's) instead of the height 1.
/// - Source: the construction of librosa's `filters.mel` and torchaudio's `melscale_fbanks`.
public func melFilterbank(
  count: Int, size: Int, rate: Double, range: ClosedRange<Double>? = nil, scale: MelScale = .htk,
  normalized: Bool = false
) -> Tensor {
  let range = range ?? 0...(rate / 2)
  require(
    count > 0 && size > 0 && rate > 0 && range.lowerBound >= 0,
    "melFilterbank needs filters, samples and a rate, got \(count), \(size), \(rate) Hz, \(range) Hz")
  let (low, high) = (scale.mels(range.lowerBound), scale.mels(range.upperBound))
  let corners = (0..<(count + 2)).map { scale.frequency(low + (high - low) * Double($0) / Double(count + 1)) }
  let bins = size / 2 + 1
  return Tensor([count, bins]) { values in
    for m in 0..<count {
      let (left, middle, right) = (corners[m], corners[m + 1], corners[m + 2])
      for k in 0..<bins {
        let f = Double(k) * rate / Double(size)
        let height = Swift.max(0, Swift.min((f - left) / (middle - left), (right - f) / (right - middle)))
        values[m * bins + k] = Real(normalized ? height * 2 / (right - left) : height)
      }
    }
  }
}
