import Glibc

// Short-time Fourier transforms with PyTorch's conventions, mel filters, and wavelets.

/// a - b cos(2 pi i / N)
func cosineWindow(_ count: Int, periodic: Bool, _ a: Double, _ b: Double) -> Tensor {
  require(count >= 1, "a window has 1 sample or more, got \(count)")
  let n = periodic ? count : count - 1
  return Tensor(
    [count], (0..<count).map { count == 1 ? 1 : Real(a - b * Glibc.cos(2 * Double.pi * Double($0) / Double(n))) })
}

/// How a signal is cut for short-time Fourier transforms.
public struct ShortTimeOptions: Sendable {
  /// Samples of a frame; the number of frequencies is size / 2 + 1.
  public var size: Int
  /// Samples between the starts of frames.
  public var hop: Int
  /// Weights of a frame, `[n <= size]`, centred in it; ones if nil.
  public var window: Tensor?
  /// Whether frame t is centred at sample t * hop, the signal being mirrored at its ends; else it starts there.
  public var isCentered: Bool

  public init(size: Int, hop: Int? = nil, window: Tensor? = nil, isCentered: Bool = true) {
    self.size = size
    self.hop = hop ?? size / 4
    self.window = window
    self.isCentered = isCentered
  }

  /// The window with zeros on both sides, `[size]`.
  fileprivate var fullWindow: Tensor {
    guard let window else { return .ones([size]) }
    require(
      window.rank == 1 && window.shape[0] <= size,
      "a window of frames of \(size) is [n <= \(size)], got \(window.shape)")
    let before = (size - window.shape[0]) / 2
    return window.padded(0, before: before, after: size - window.shape[0] - before)
  }
}

extension Tensor {
  /// The short-time Fourier transform of real signals, `[..., L] -> [..., F, T, 2]`, F = size / 2 + 1, T = 1 + L / hop
  /// (of frames that are not centred 1 + (L - size) / hop).
  ///
  ///     y[f, t] = sum_j window_j x[t hop + j - c] exp(-2 pi i f j / size),  c = size / 2 if centred, else 0
  ///
  /// - Source: PyTorch's `torch.stft` with `onesided=True, pad_mode="reflect"`, whose numbers it gives.
  public func stft(_ options: ShortTimeOptions) -> Tensor {
    let margin = options.isCentered ? options.size / 2 : 0
    let x = padded(-1, before: margin, after: margin, .reflect)
    let frames = x.framed(size: options.size, hop: options.hop) * options.fullWindow
    let spectrum = frames.rfft()  // [..., T, F, 2]
    return spectrum.transposed(-3, -2)
  }

  /// The signal of a short-time Fourier transform, `[..., F, T, 2] -> [..., count]`: the frames' least-squares sum.
  ///
  ///     x = sum of window * frame / sum of window^2
  ///
  /// - Parameter count: samples of the signal, at most what the frames cover; all that they cover if nil.
  /// - Source: Griffin and Lim 1984, "Signal estimation from modified short-time Fourier transform", Eq. 6; the cuts are
  ///   those of `torch.istft`.
  public func istft(_ options: ShortTimeOptions, count: Int? = nil) -> Tensor {
    require(
      rank >= 3 && shape[-1] == 2 && shape[-3] == options.size / 2 + 1,
      "istft of frames of \(options.size) needs [..., \(options.size / 2 + 1), T, 2], got \(shape)")
    let (frames, window) = (shape[-2], options.fullWindow)
    let covered = (frames - 1) * options.hop + options.size
    let first = options.isCentered ? options.size / 2 : 0
    let last = count.map { first + $0 } ?? covered - first
    require(
      first <= last && last <= covered, "istft: \(frames) frames do not cover \(last - first) samples of \(shape)")
    let pieces = transposed(-3, -2).irfft(count: options.size) * window
    let total = pieces.overlapAdded(hop: options.hop, count: covered).slice(-1, first..<last)
    let squares = window.squared().broadcast(to: [frames, options.size])
    let weight = squares.overlapAdded(hop: options.hop, count: covered).slice(-1, first..<last)
    require(
      weight.detached.withElements { $0.allSatisfy { $0 > 1e-11 } },
      "istft: the windows leave samples of \(last - first) without weight")
    return total / weight
  }

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
