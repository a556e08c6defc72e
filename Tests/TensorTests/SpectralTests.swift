import Glibc
import TestSupport
import Testing

@testable import ReproTensor

@Suite("Spectra")
struct SpectralTests {
  private let tolerance = isDouble ? 1e-12 : 2e-6

  private func draw(_ shape: Shape, _ name: String = "x") -> Tensor {
    var stream = RandomStream(seed: 51).child(name)
    return stream.normal(shape)
  }

  /// The definition, in Double.
  private func transform(_ x: Tensor, sign: Double) -> Tensor {
    let (n, values) = (x.shape[-2], x.values.map { Double($0) })
    return Tensor(x.shape) { out in
      for row in 0..<(x.count / (2 * n)) {
        for k in 0..<n {
          var (re, im) = (0.0, 0.0)
          for j in 0..<n {
            let angle = sign * 2 * .pi * Double(j * k % n) / Double(n)
            let (a, b) = (values[2 * (row * n + j)], values[2 * (row * n + j) + 1])
            re += a * cos(angle) - b * sin(angle)
            im += a * sin(angle) + b * cos(angle)
          }
          out[2 * (row * n + k)] = Real(re)
          out[2 * (row * n + k) + 1] = Real(im)
        }
      }
    }
  }

  @Test func everyLengthUpTo130IsTheDefiningSum() {
    for n in 1...130 {
      let x = draw([2, n, 2], "\(n)")
      expectClose(x.fft(), transform(x, sign: -1), tolerance: 2 * tolerance, "\(n)")
      expectClose(x.ifft() * Real(n), transform(x, sign: 1), tolerance: 2 * tolerance, "\(n)")
      let r = x.select(-1, 0)
      let full = stack([r, Tensor.zeros(r.shape)], axis: -1).fft()
      expectClose(r.rfft(), full.slice(-2, 0..<(n / 2 + 1)), tolerance: tolerance, "\(n)")
      expectClose(r.rfft().irfft(count: n), r, tolerance: tolerance, "\(n)")
    }
  }

  @Test(arguments: [997, 1024, 1500, 4096, 5040, 10007])
  func longTransformsComeBackAndKeepTheirEnergy(n: Int) {
    let x = draw([n, 2])
    let y = x.fft()
    expectClose(y.ifft(), x, tolerance: tolerance, floor: 1)
    // Parseval: sum |y|^2 = n sum |x|^2.
    let (a, b) = (Double(y.squared().sum().item), Double(x.squared().sum().item) * Double(n))
    #expect((a / b - 1).magnitude < 10 * tolerance)
    // One wave is one frequency.
    let wave = Tensor(
      [n, 2],
      (0..<(2 * n)).map { i in
        let angle = 2 * Double.pi * Double(i / 2 * 3 % n) / Double(n)
        return Real(i % 2 == 0 ? cos(angle) : sin(angle))
      })
    let peak = Tensor([n, 2], (0..<(2 * n)).map { $0 == 6 ? Real(n) : 0 })
    expectClose(wave.fft(), peak, tolerance: tolerance)
  }

  @Test func imagesAreTransformedAxisByAxis() {
    let x = draw([3, 4, 5, 2])
    let y = x.fft().fft(-2)
    let columns = transform(x.transposed(1, 2).contiguous(), sign: -1).transposed(1, 2)
    expectClose(y, transform(columns.contiguous(), sign: -1), tolerance: tolerance)
    expectClose(y.ifft(-2).ifft(), x, tolerance: tolerance)
  }

  @Test func framesAreCutWhereTheyShouldBeAndSumBack() {
    let x = Tensor([7], (0..<7).map { Real($0) })
    #expect(x.framed(size: 3, hop: 2).values == [0, 1, 2, 2, 3, 4, 4, 5, 6])
    #expect(x.framed(size: 3, hop: 2).overlapAdded(hop: 2, count: 8).values == [0, 1, 4, 3, 8, 5, 6, 0])
  }

  @Test func signalsComeBackFromTheirShortTimeTransform() {
    let x = draw([2, 100])
    for (size, hop, width, centred) in [(16, 4, 16, true), (15, 4, 11, true), (16, 8, 16, true), (8, 8, 8, false)] {
      // Hann's window begins with 0: without centring its first sample could not be restored.
      let window = centred ? hannWindow(width) : hammingWindow(width)
      let options = ShortTimeOptions(size: size, hop: hop, window: window, isCentered: centred)
      let y = x.stft(options)
      let length = centred ? 100 + size / 2 * 2 : 100
      #expect(y.shape == [2, size / 2 + 1, 1 + (length - size) / hop, 2])
      let n = Swift.min(100, (y.shape[-2] - 1) * hop + (centred ? 0 : size))
      expectClose(y.istft(options, count: n), x.slice(-1, 0..<n), tolerance: 2 * tolerance)
    }
    #expect(ShortTimeOptions(size: 16).hop == 4)
  }

  @Test func melFiltersAndWindowsAreThoseOfTheReferences() throws {
    let file = try VectorFile("mel_filters.h5")
    let filters: [(String, Tensor)] = [
      ("htk", melFilterbank(count: 8, size: 64, rate: 16000)),
      ("htk-range", melFilterbank(count: 5, size: 50, rate: 8000, range: 120...3000)),
      ("slaney", melFilterbank(count: 10, size: 128, rate: 22050, scale: .slaney, normalized: true)),
      ("slaney-height", melFilterbank(count: 6, size: 64, rate: 16000, range: 300...7000, scale: .slaney)),
    ]
    for (name, filter) in filters { expectClose(filter, try file.tensor(name), tolerance: 1e-6, floor: 1e-4, name) }
    for n in [1, 2, 7, 8] {
      for (kind, periodic) in [("periodic", true), ("symmetric", false)] {
        expectClose(hannWindow(n, periodic: periodic), try file.tensor("hann-\(kind)-\(n)"), tolerance: 1e-6)
        expectClose(hammingWindow(n, periodic: periodic), try file.tensor("hamming-\(kind)-\(n)"), tolerance: 1e-6)
      }
    }
  }

  @Test func melsAndFrequenciesAreInverse() {
    for scale in [MelScale.htk, .slaney] {
      for f in [0, 10, 440, 999, 1000, 1001, 4000, 20000] as [Double] {
        #expect((scale.frequency(scale.mels(f)) - f).magnitude < 1e-9 * max(1, f))
      }
    }
    #expect((MelScale.htk.mels(1000) - 999.9855).magnitude < 1e-3)
    #expect((MelScale.slaney.mels(1000) - 15).magnitude < 1e-12 && (MelScale.slaney.mels(6400) - 42).magnitude < 1e-12)
  }

  /// The wavelet summed over the signal and its repetitions, without any transform.
  @Test func waveletCoefficientsAreTheDefiningSum() {
    let n = 40
    let (x, scales) = (draw([n]), [4.0, 6.5])
    let found = x.morletTransform(scales: scales).values
    let values = x.values.map { Double($0) }
    for (i, s) in scales.enumerated() {
      for t in [0, 7, 39] {
        var (re, im) = (0.0, 0.0)
        for k in -3 * n..<4 * n {
          let u = Double(k - t) / s
          let height = pow(Double.pi, -0.25) * exp(-u * u / 2) / s.squareRoot()
          let sample = values[((k % n) + n) % n]
          re += sample * height * cos(6 * u)
          im -= sample * height * sin(6 * u)
        }
        // The filter leaves out negative frequencies and those beyond the highest: less than exp(-18) of its height.
        let at = 2 * (i * n + t)
        #expect((Double(found[at]) - re).magnitude < 1e-5 && (Double(found[at + 1]) - im).magnitude < 1e-5)
      }
    }
  }
}

extension Mistake {
  static let spectral: [Mistake] = [
    Mistake("fft needs complex numbers [..., N, 2], got [4, 3]") { t(4, 3).fft() },
    Mistake("fft of no numbers: axis -1 of [0, 2]") { t(0, 2).fft() },
    Mistake("rfft needs [..., N >= 1], got [3, 0]") { t(3, 0).rfft() },
    Mistake("irfft to 6 needs [..., 4, 2], got [3, 2]") { t(3, 2).irfft(count: 6) },
    Mistake("complexMagnitude needs [..., 2], got [3]") { t(3).complexMagnitude() },
    Mistake("complexProduct needs two [..., 2], got [2] and [3]") { t(2).complexProduct(t(3)) },
    Mistake("framed needs [..., L >= size] and a hop of 1 or more, got [3], size 4, hop 1") {
      t(3).framed(size: 4, hop: 1)
    },
    Mistake("overlapAdded needs [..., T, size] and a hop of 1 or more, got [3, 4], hop 0") {
      t(3, 4).overlapAdded(hop: 0, count: 4)
    },
    Mistake("a window has 1 sample or more, got 0") { hannWindow(0) },
    Mistake("a window of frames of 4 is [n <= 4], got [5]") { t(9).stft(ShortTimeOptions(size: 4, window: t(5))) },
    Mistake("istft of frames of 8 needs [..., 5, T, 2], got [4, 3, 2]") { t(4, 3, 2).istft(ShortTimeOptions(size: 8)) },
    Mistake("istft: 3 frames do not cover 20 samples of [5, 3, 2]") {
      t(5, 3, 2).istft(ShortTimeOptions(size: 8), count: 20)
    },
    Mistake("istft: the windows leave samples of 12 without weight") {
      t(5, 3, 2).istft(ShortTimeOptions(size: 8, window: hannWindow(8), isCentered: false))
    },
    Mistake("morletTransform needs [..., L >= 1] and scales > 0, got [4], [0.0]") { t(4).morletTransform(scales: [0]) },
    Mistake("melFilterbank needs filters, samples and a rate, got 0, 8, 16.0 Hz, 0.0...8.0 Hz") {
      melFilterbank(count: 0, size: 8, rate: 16)
    },
  ]
}
