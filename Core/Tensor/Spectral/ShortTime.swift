// Short-time Fourier transforms with PyTorch's conventions.

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
}
