import ReproConfig
import ReproTensor

/// Waveforms as pictures of frequency and time: the input of networks that hear.
///
///     s(f, t) = (log(sum_k filter_fk |STFT_kt|^2 + floor) - log(floor)) / range - 1
///
/// With no filters the frequencies themselves are shown, as the L3 and AVE networks do. Frames lie inside of the
/// signal, under Hann's window.
/// - Source: log spectrograms of Arandjelovic and Zisserman 2018 (arXiv 1712.06651), Section 3; mel filters as in
///   `melFilterbank`. The floor, in the power of the recording's noise, takes the place of their logarithm's epsilon.
struct LogMel: Sendable {
  /// Samples of a frame and between frames.
  let window, hop: Int
  let filters: Tensor?  // [mels, window / 2 + 1]
  let rows: Int
  private let weights: Tensor  // [window]
  private let floor, range: Real

  /// Options `window` (samples, 256), `hop` (160), `mels` (32; 0 shows all frequencies), `rate` (8000 Hz), `floor`
  /// (1e-3).
  init(_ options: inout Section) throws(ReproError) {
    window = try options.int("window", in: 8...16_384, default: 256)
    hop = try options.int("hop", in: 1...16_384, default: 160)
    let mels = try options.int("mels", in: 0...512, default: 32)
    let rate = try options.double("rate", in: 100...192_000, default: 8000)
    floor = Real(try options.double("floor", in: 1e-12...1, default: 1e-3))
    filters = mels == 0 ? nil : melFilterbank(count: mels, size: window, rate: rate)
    rows = mels == 0 ? window / 2 + 1 : mels
    weights = hannWindow(window)
    // From the floor to a full-scale tone, sum(window) / 2 high, the picture goes from -1 to 1.
    let loudest = (weights.sum().item / 2) * (weights.sum().item / 2)
    range = (Tensor(loudest) / floor + 1).log().item / 2
  }

  /// Frames that `count` samples have.
  func columns(of count: Int) -> Int { 1 + (count - window) / hop }

  /// Spectrograms `[N, 1, rows, T]` of waveforms `[N, S]`, about -1 (silence) to 1.
  func callAsFunction(_ waves: Tensor) -> Tensor {
    let spectrum = waves.stft(ShortTimeOptions(size: window, hop: hop, window: weights, isCentered: false))
    var power = spectrum.squared().sum(-1)  // [N, F, T]
    if let filters { power = matmul(filters, power) }
    return (((power / floor + 1).log() / range) - 1).expandedAxis(1)
  }
}
