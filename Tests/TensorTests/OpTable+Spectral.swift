import ReproTensor
import TestSupport

/// The rows of Fourier transforms and what is made of them. Lengths: 1, small primes, products, primes that take the chirp.
extension OpTable {
  private static let complex: [[Shape]] = [
    [[1, 2]], [[2, 2]], [[3, 2]], [[4, 2]], [[2, 12, 2]], [[13, 2]], [[17, 2]], [[1, 3, 30, 2]], [[2, 19, 2]],
    [[0, 3, 2]],
  ]
  private static let largeComplex: [[Shape]] = [[[7, 2048, 2]], [[5, 2002, 2]], [[3, 4099, 2]]]
  private static let real: [[Shape]] = [[[1]], [[2]], [[7]], [[2, 12]], [[17]], [[2, 3, 10]], [[0, 4]]]
  private static let largeReal: [[Shape]] = [[[7, 4096]], [[5, 4003]]]
  private static let half: [[Shape]] = [[[2, 2]], [[3, 5, 2]], [[9, 2]], [[0, 4, 2]]]
  private static let hann = ShortTimeOptions(size: 8, hop: 2, window: hannWindow(8))
  private static let short = ShortTimeOptions(size: 10, hop: 3, window: hammingWindow(7), isCentered: false)

  static let spectral: [Op] = [
    Op("fft", complex, large: largeComplex) { $0[0].fft() },
    Op("fft(axis)", [[[3, 2, 2]], [[5, 1, 2]], [[2, 4, 3, 2]], [[17, 2, 2]]], large: [[[200, 90, 2]]]) {
      $0[0].fft(-2)
    },
    Op("ifft", complex, large: largeComplex) { $0[0].ifft() },
    Op("rfft", real, large: largeReal) { $0[0].rfft() },
    Op("irfft(even)", half, large: [[[7, 2049, 2]]]) { $0[0].irfft(count: 2 * ($0[0].shape[-2] - 1)) },
    Op("irfft(odd)", half + [[[1, 2]]], large: [[[7, 2002, 2]]]) { $0[0].irfft(count: 2 * $0[0].shape[-2] - 1) },
    Op("complexMagnitude", [[[2]], [[3, 2]], [[2, 1, 2]], [[0, 2]]], large: [[[20011, 2]]], .positive) {
      $0[0].complexMagnitude()
    },
    Op("complexMagnitude(epsilon)", [[[2]], [[3, 2]]], large: [[[20011, 2]]]) { $0[0].complexMagnitude(epsilon: 0.5) },
    Op("complexProduct", [[[2], [2]], [[3, 2], [2]], [[4, 1, 2], [1, 3, 2]]], large: [[[20011, 2], [2]]]) {
      $0[0].complexProduct($0[1])
    },
    Op("framed", [[[5]], [[2, 8]], [[2, 1, 9]], [[0, 6]]], large: [[[3, 10007]]]) { $0[0].framed(size: 4, hop: 2) },
    Op("framed(gaps)", [[[5]], [[2, 8]]], large: [[[3, 20007]]]) { $0[0].framed(size: 2, hop: 3) },
    Op("overlapAdded", [[[1, 4]], [[3, 4]], [[2, 2, 5]], [[0, 3]], [[0, 2, 3]]], large: [[[3, 2001, 5]]]) {
      $0[0].overlapAdded(hop: 2, count: 9)
    },
    Op("overlapAdded(cut)", [[[4, 4]], [[2, 3, 5]]], large: [[[3, 2001, 5]]]) { $0[0].overlapAdded(hop: 2, count: 5) },
    Op("stft", [[[9]], [[2, 16]], [[2, 1, 21]]], large: [[[3, 6007]]]) { $0[0].stft(hann) },
    Op("stft(not centred)", [[[10]], [[2, 16]]], large: [[[3, 6007]]]) { $0[0].stft(short) },
    Op("istft", [[[5, 3, 2]], [[2, 5, 6, 2]]], large: [[[2, 5, 2001, 2]]]) { $0[0].istft(hann) },
    Op("istft(count)", [[[5, 6, 2]], [[2, 5, 8, 2]]], large: [[[2, 5, 2001, 2]]]) { $0[0].istft(hann, count: 9) },
    Op("morletTransform", [[[1]], [[9]], [[2, 16]]], large: [[[3, 4001]]]) {
      $0[0].morletTransform(scales: [1, 1.7, 4], frequency: 5)
    },
  ]
}
