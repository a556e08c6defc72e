import Glibc
import ReproTensor
import Testing

@testable import ReproEngine

func logarithm(_ x: Double) -> Double { log(x) }
func cosine(_ x: Double) -> Double { cos(x) }

/// Error and power of the rules under laws that hold their assumptions and that do not. The streams are fixed, so that
/// each number is always the same; the allowed differences are four standard errors of the simulation.
@Suite struct SimulationTests {
  private enum Law: String {
    case normal
    /// Student's t with three degrees of freedom: symmetric, heavy tails.
    case t3
    /// 1 - Exp: mean zero, skewed to the left.
    case skewed

    /// One value of mean zero.
    func draw(_ stream: inout RandomStream) -> Double {
      switch self {
      case .normal: return stream.normalDouble()
      case .t3:
        let z = stream.normalDouble()
        let chi: Double = (0..<3).reduce(0.0) { sum, _ in
          let x = stream.normalDouble()
          return sum + x * x
        }
        return z / (chi / 3).squareRoot()
      case .skewed: return 1 + log(1 - stream.uniform())
      }
    }
  }

  private func samples(_ law: Law, _ n: Int, _ count: Int, shift: Double = 0) -> [[Double]] {
    let root = RandomStream(seed: 2024).child(law.rawValue, n)
    return (0..<count).map { index in
      var stream = root.child("sample", index)
      return (0..<n).map { _ in law.draw(&stream) + shift }
    }
  }

  /// How often a claim succeeds.
  private func rate(_ samples: [[Double]], _ test: ([Double]) -> Bool) -> Double {
    Double(samples.count(where: test)) / Double(samples.count)
  }

  private func expect(
    _ found: Double, _ expected: Double, of count: Int, rounding: Double = 0.005,
    _ sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error: Double = (expected * (1 - expected) / Double(count)).squareRoot()
    #expect(abs(found - expected) <= 4 * error + rounding, "\(found), not \(expected)", sourceLocation: sourceLocation)
  }

  private func isSignificant(_ d: [Double]) -> Bool { Statistics.signFlip(d) < 0.05 }

  @Test func thePowerIsThatOfTheRules() {
    // (n, mean / sd, power)
    for (n, effect, power) in [
      (5, 1.0, 0.42), (5, 1.5, 0.71), (5, 1.71, 0.80), (6, 1.25, 0.80), (8, 1.0, 0.80), (10, 0.75, 0.71),
      (10, 1.0, 0.89),
    ] {
      let count = n == 10 ? 4000 : 10_000
      expect(rate(samples(.normal, n, count, shift: effect), isSignificant), power, of: count)
    }
  }

  @Test(arguments: [5, 6, 7, 8, 9, 10]) func theDetectableEffectIsFoundFourTimesOutOfFive(n: Int) throws {
    let effect = try #require(Statistics.detectableEffect(n))
    expect(rate(samples(.normal, n, 3000, shift: effect), isSignificant), 0.8, of: 3000)
  }

  @Test func theErrorIsTheExactOneUnderSymmetryWhateverTheTails() {
    for law in [Law.normal, .t3] {
      expect(rate(samples(law, 5, 10_000), isSignificant), 1.0 / 32, of: 10_000, rounding: 0)
      expect(rate(samples(law, 8, 6000), isSignificant), 12.0 / 256, of: 6000, rounding: 0)
      expect(rate(samples(law, 10, 4000), isSignificant), 51.0 / 1024, of: 4000, rounding: 0)
    }
  }

  @Test func aLeftSkewedLawDoublesTheError() {
    expect(rate(samples(.skewed, 5, 10_000), isSignificant), 0.10, of: 10_000)
    expect(rate(samples(.skewed, 10, 4000), isSignificant), 0.135, of: 4000)
  }

  @Test func theInvertedTestCoversWhatItPromises() {
    for (n, count) in [(5, 3000), (8, 1500)] {
      let all = samples(.normal, n, count)
      let promised = SignFlipRegion(all[0]).interval().confidence
      let covered = rate(all) { d in
        let interval = SignFlipRegion(d).interval()
        return interval.low <= 0 && interval.high >= 0
      }
      expect(covered, promised, of: count, rounding: 0)
    }
  }

  @Test func thePairedTIntervalCoversNormalDifferencesAndLessOfSkewedOnes() {
    for (law, n, coverage) in [
      (Law.normal, 5, 0.95), (.normal, 8, 0.95), (.normal, 10, 0.95), (.skewed, 5, 0.885), (.skewed, 8, 0.895),
      (.skewed, 10, 0.905),
    ] {
      let factor = Statistics.studentQuantile(0.975, freedom: Double(n - 1))
      let covered = rate(samples(law, n, 6000)) { d in
        let error: Double = Statistics.deviation(d) / Double(n).squareRoot()
        return abs(Statistics.mean(d)) <= factor * error
      }
      expect(covered, coverage, of: 6000, rounding: 0.01)
    }
  }

  @Test func theBootstrapIntervalIsTooNarrowForFewSeeds() {
    for (n, coverage) in [(5, 0.825), (8, 0.88), (10, 0.90)] {
      var above = 0
      let all = samples(.normal, n, 800)
      let covered = rate(all) { d in
        let interval = Statistics.bca(d, resamples: 500, random: RandomStream(seed: 3).child("bca", n))
        if interval.low > 0 { above += 1 }
        return interval.low <= 0 && interval.high >= 0
      }
      expect(covered, coverage, of: all.count, rounding: 0.01)
      // A nominal 2.5 % that is nearly a tenth.
      if n == 5 { expect(Double(above) / Double(all.count), 0.095, of: all.count, rounding: 0.01) }
    }
  }

  @Test func goingOnAfterALookCostsErrorUnlessItIsPaidFor() {
    let all = samples(.normal, 10, 5000)
    let naive = rate(all) { isSignificant(Array($0[..<5])) || isSignificant($0) }
    expect(naive, 0.070, of: all.count)
    let planned = rate(all) { d in
      let first = Statistics.signFlip(Array(d[..<5]))
      return Statistics.twoLooks(first: first, second: Statistics.signFlip(d)) < 0.05
    }
    expect(planned, 0.044, of: all.count)
  }

  @Test func pagesTestHoldsItsLevelAndFindsATrend() {
    func trend(_ slope: Double, _ law: Law) -> Double {
      let root = RandomStream(seed: 7).child("trend")
      let count = 600
      let found = (0..<count).count { index in
        var stream = root.child(law.rawValue, index)
        let rows = (0..<8).map { _ in (0..<3).map { Double($0) * slope + law.draw(&stream) } }
        return Statistics.pageTrend(rows).p < 0.05
      }
      return Double(found) / Double(count)
    }
    // Ranks do not care for the law: the levels are exchangeable within a seed.
    for law in [Law.normal, .t3, .skewed] { #expect(trend(0, law) < 0.05 + 0.036) }
    #expect(trend(1, .normal) > 0.9)
  }
}
