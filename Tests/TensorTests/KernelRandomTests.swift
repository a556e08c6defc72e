import Glibc
import ReproKernels
import Testing

@testable import ReproTensor

@Suite struct KernelRandomTests {
  /// Random123's kat_vectors, philox4x32 10 (Salmon et al. 2011).
  @Test func philoxGivesThePublishedKnownAnswers() {
    #expect(
      RandomStream.philox(counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
        == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
    #expect(
      RandomStream.philox(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
        == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
    #expect(
      RandomStream.philox(
        counter: SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), key: SIMD2(0xA409_3822, 0x299F_31D0))
        == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
  }

  @Test func uniformKernelsGiveTheFirstKnownAnswerAtCounterZero() {
    for isa in availableISAs {
      let words: [UInt32] = [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]
      let single = filled(4) { Float.kernels(isa).uniform(0, 0, 0, 4, $0) }
      #expect(single == words.map { Float($0 >> 8) * 0x1p-24 })
      let double = filled(2) { Double.kernels(isa).uniform(0, 0, 0, 2, $0) }
      let pairs: [UInt64] = [0xE169_C58D_6627_E8D5, 0x9B00_DBD8_BC57_AC4C]
      #expect(double == pairs.map { Double($0 >> 11) * 0x1p-53 })
    }
  }

  /// Word `position % 4` of block `position / 4`, by the scalar Philox that the known answers vouch for.
  private func word(_ key: UInt64, _ lane: UInt64, _ block: UInt64, _ index: Int) -> UInt32 {
    let low = { UInt32(truncatingIfNeeded: $0 as UInt64) }
    return RandomStream.philox(
      counter: SIMD4(low(block), low(block >> 32), low(lane), low(lane >> 32)), key: SIMD2(low(key), low(key >> 32)))[
        index]
  }

  private func single(_ key: UInt64, _ lane: UInt64, _ i: UInt64) -> Float {
    Float(word(key, lane, i / 4, Int(i % 4)) >> 8) * 0x1p-24
  }

  private func double(_ key: UInt64, _ lane: UInt64, _ i: UInt64) -> Double {
    let pair = 2 * Int(i % 2)
    let bits = UInt64(word(key, lane, i / 2, pair)) | UInt64(word(key, lane, i / 2, pair + 1)) << 32
    return Double(bits >> 11) * 0x1p-53
  }

  /// Keys with all bits in use; starts odd and even, across the carry into the counter's second word, and at its end.
  private let places: [(key: UInt64, lane: UInt64, first: UInt64)] = [
    (0x299F_31D0_A409_3822, 0x0370_7344_1319_8A2E, 0), (0x299F_31D0_A409_3822, 0x0370_7344_1319_8A2E, 1),
    (.max, .max, 7), (1, 2, (1 << 34) - 70), (3, 4, (1 << 33) - 35), (5, 6, .max - 2000),
  ]

  @Test func uniformKernelsAreTheWordsOfTheScalarPhilox() {
    for isa in availableISAs {
      let (s, d) = (Float.kernels(isa), Double.kernels(isa))
      for (key, lane, first) in places {
        for n in awkwardLengths {
          let x = filled(n) { s.uniform(key, lane, first, n, $0) }
          #expect(x == (0..<n).map { single(key, lane, first + UInt64($0)) })
          let y = filled(n) { d.uniform(key, lane, first, n, $0) }
          #expect(y == (0..<n).map { double(key, lane, first + UInt64($0)) })
        }
      }
    }
  }

  @Test func doubleUniformsAreThoseOfTheStream() {
    var stream = RandomStream(seed: 5).child("kernel", 3)
    let y = filled(100) { Double.kernels(repro_best_isa()).uniform(stream.key, stream.lane, 0, 100, $0) }
    #expect(y == (0..<100).map { _ in stream.uniform() })
  }

  @Test func normalKernelsAreBoxAndMullerOnPairsOfUniforms() {
    for isa in availableISAs {
      for (key, lane, first) in places {
        for n in [0, 1, 2, 3, 64, 65, 200] {
          let x = filled(n) { Float.kernels(isa).normal(key, lane, first, n, $0) }
          let y = filled(n) { Double.kernels(isa).normal(key, lane, first, n, $0) }
          for k in 0..<n {
            let i = first + UInt64(k)
            let pair = i & ~1
            let want = boxMuller(Double(single(key, lane, pair)), Double(single(key, lane, pair + 1)), i & 1 == 0)
            #expect(abs(Double(x[k]) - want.value) <= 4e-7 * want.radius + 1e-12)
            let exact = boxMuller(double(key, lane, pair), double(key, lane, pair + 1), i & 1 == 0)
            #expect(abs(y[k] - exact.value) <= 2e-15 * exact.radius)
          }
        }
      }
    }
  }

  private func boxMuller(_ u1: Double, _ u2: Double, _ even: Bool) -> (value: Double, radius: Double) {
    let radius = (-2 * log(1 - u1)).squareRoot()
    return (radius * (even ? cos(2 * .pi * u2) : sin(2 * .pi * u2)), radius)
  }

  @Test func everyNumberIsAFunctionOfItsIndexAlone() {
    for isa in availableISAs {
      let k = Float.kernels(isa)
      for draw in [k.uniform, k.normal] {
        let whole = filled(300) { draw(11, 12, 0, 300, $0) }
        for first in [0, 1, 2, 3, 5, 62, 63, 64, 65, 127] {
          for n in [1, 2, 3, 61, 64, 66, 130] {
            #expect(filled(n) { draw(11, 12, UInt64(first), n, $0) } == Array(whole[first..<first + n]))
          }
        }
      }
    }
  }

  /// The bounds are five standard errors of a million numbers.
  @Test func aMillionNumbersHaveTheMomentsOfTheirDistribution() {
    let n = 1_000_000
    let k = Float.kernels(repro_best_isa())
    let u = filled(n) { k.uniform(21, 22, 0, n, $0) }.map { Double($0) }
    #expect(u.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(mean(u, power: 1) - 1.0 / 2) < 5 * 0.2887 / 1000)
    #expect(abs(mean(u, power: 2) - 1.0 / 3) < 5 * 0.2981 / 1000)
    let z = filled(n) { k.normal(21, 23, 0, n, $0) }.map { Double($0) }
    #expect(z.allSatisfy { $0.isFinite })
    #expect(abs(mean(z, power: 1)) < 5 * 1.0 / 1000)
    #expect(abs(mean(z, power: 2) - 1) < 5 * 1.4142 / 1000)
    #expect(abs(mean(z, power: 3)) < 5 * 3.8730 / 1000)
    #expect(abs(mean(z, power: 4) - 3) < 5 * 9.7980 / 1000)
    let beyond = Double(z.filter { abs($0) > 3 }.count)
    #expect(abs(beyond - 2699.8) < 5 * 51.9)
    var together = 0.0
    for i in stride(from: 0, to: n, by: 2) { together += z[i] * z[i + 1] }
    #expect(abs(together / Double(n / 2)) < 5 * 1.4142 / 1000)
  }

  private func mean(_ x: [Double], power: Int) -> Double {
    x.reduce(0) { $0 + pow($1, Double(power)) } / Double(x.count)
  }
}
