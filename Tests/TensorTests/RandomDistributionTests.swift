import Glibc
import TestSupport
import Testing

@testable import ReproTensor

@Suite("Distributions and independence of random streams")
struct RandomDistributionTests {
  private let root = RandomStream(seed: 90)

  /// Kolmogorov and Smirnov: sup |F_n - F| sqrt(n) exceeds 1.95 with probability 0.001.
  private func expectDistribution(_ values: [Double], _ name: String, _ cdf: (Double) -> Double) {
    let (sorted, n) = (values.sorted(), Double(values.count))
    var distance = 0.0
    for (i, x) in sorted.enumerated() {
      let f = cdf(x)
      distance = max(distance, max(Double(i + 1) / n - f, f - Double(i) / n))
    }
    #expect(distance * n.squareRoot() < 1.95, "\(name): distance \(distance)")
  }

  /// The correlation of two samples of mean 0 and variance 1; its deviation is 1 / sqrt(n) if they are independent.
  private func correlation(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / Double(min(a.count, b.count))
  }

  private func standardised(_ u: [Real]) -> [Double] { u.map { (Double($0) - 0.5) * 12.0.squareRoot() } }

  @Test func theSamplesOfAStreamAreUncorrelatedAtEveryLag() {
    var stream = root.child("lags")
    let n = 100_000
    let (u, z) = (standardised(stream.uniform([n]).values), stream.normal([n]).values.map { Double($0) })
    // 130 correlations: 4.5 deviations are exceeded by one of them with probability 0.001.
    for lag in 1...65 {
      for (name, x) in [("uniform", u), ("normal", z)] {
        let found = correlation(Array(x.dropLast(lag)), Array(x.dropFirst(lag)))
        #expect(found.magnitude < 4.5 / Double(n - lag).squareRoot(), "\(name), lag \(lag): \(found)")
      }
    }
    // Squares too: magnitudes do not come in groups.
    let squares = z.map { ($0 * $0 - 1) / 2.0.squareRoot() }
    for lag in [1, 2, 3, 4, 8, 16] {
      #expect(correlation(Array(squares.dropLast(lag)), Array(squares.dropFirst(lag))).magnitude < 4.5 / 316)
    }
  }

  @Test func neighbouringStreamsAreUncorrelatedInPairs() {
    let n = 4000
    // Neighbours by number, by name, by depth and by seed.
    var streams = (0..<20).map { root.child("sample", $0) } + (0..<10).map { root.child("view\($0)") }
    streams += [root.child("sample").child("sample"), root.child("sample", 0).child("", 0)]
    streams += (0..<8).map { RandomStream(seed: UInt64(90 + $0)) }
    let samples = streams.indices.map { i -> [Double] in
      var stream = streams[i]
      return standardised(stream.uniform([n]).values)
    }
    for i in samples.indices {
      for j in 0..<i {
        for shift in [0, 1, 4] {
          let found = correlation(Array(samples[i].dropFirst(shift)), samples[j])
          // 2340 correlations: 5 deviations.
          #expect(found.magnitude < 5 / Double(n).squareRoot(), "\(i) and \(j), shifted by \(shift): \(found)")
        }
      }
    }
  }

  /// What is drawn once for each sample of an epoch: the first number of each of many children.
  @Test func theFirstNumbersOfChildrenAreASampleOfTheirOwn() {
    let n = 50_000
    let first = (0..<n).map { i in
      var stream = root.child("sample", i)
      return stream.uniform()
    }
    expectDistribution(first, "first numbers") { $0 }
    let u = first.map { ($0 - 0.5) * 12.0.squareRoot() }
    for lag in 1...16 {
      #expect(correlation(Array(u.dropLast(lag)), Array(u.dropFirst(lag))).magnitude < 4.5 / 223, "lag \(lag)")
    }
  }

  @Test func everyBitIsSetHalfOfTheTime() {
    var stream = root.child("bits")
    let n = 40_000
    var counts = [Int](repeating: 0, count: 32)
    for _ in 0..<n {
      let word = stream.next32()
      for bit in 0..<32 { counts[bit] += Int(word >> bit & 1) }
    }
    // The deviation of a count is sqrt(n) / 2 = 100; of 32 counts one beyond 4.2 deviations has probability 0.001.
    for bit in 0..<32 { #expect((counts[bit] - n / 2).magnitude < 420, "bit \(bit): \(counts[bit])") }
  }

  @Test(arguments: [0.001, 0.1, 0.5, 0.93])
  func eventsHappenWithTheirProbability(p: Double) {
    var stream = root.child("events", Int(1000 * p))
    let n = 100_000
    let count = (0..<n).reduce(0) { sum, _ in sum + (stream.bernoulli(p) ? 1 : 0) }
    let deviation = (Double(n) * p * (1 - p)).squareRoot()
    #expect((Double(count) - Double(n) * p).magnitude < 4 * deviation, "\(count)")
  }

  @Test func uniformAndTruncatedNumbersHaveTheirMoments() {
    var stream = root.child("moments")
    let n = 200_000
    let u = stream.uniform([n], -1, 1).values.map { Double($0) }
    // E x^2 = 1/3 and E x^4 = 1/5, with variances 4/45 and 1/9 - 1/25.
    #expect((u.reduce(0) { $0 + $1 } / Double(n)).magnitude < 4 * (1.0 / 3 / Double(n)).squareRoot())
    #expect((u.reduce(0) { $0 + $1 * $1 } / Double(n) - 1.0 / 3).magnitude < 4 * (4.0 / 45 / Double(n)).squareRoot())
    #expect(
      (u.reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(n) - 0.2).magnitude < 4 * (16.0 / 225 / Double(n)).squareRoot())
    // Variance of a normal cut off at 2: 1 - 2 * 2 phi(2) / (2 Phi(2) - 1) = 0.7737.
    let t = stream.truncatedNormal([n], deviation: 1).values.map { Double($0) }
    #expect((t.reduce(0) { $0 + $1 } / Double(n)).magnitude < 4 * (0.774 / Double(n)).squareRoot())
    #expect((t.reduce(0) { $0 + $1 * $1 } / Double(n) - 0.77374).magnitude < 4 * (0.9 / Double(n)).squareRoot())
  }

  @Test func furtherDistributionsAreWhatTheyAreCalled() {
    var stream = root.child("further")
    let n = 50_000
    expectDistribution(stream.exponential([n]).values.map { Double($0) }, "exponential") { 1 - exp(-$0) }
    expectDistribution(stream.exponential([n], rate: 4).values.map { Double($0) }, "rate 4") { 1 - exp(-4 * $0) }
    expectDistribution(stream.gumbel([n]).values.map { Double($0) }, "gumbel") { exp(-exp(-$0)) }
    func many(_ draw: (inout RandomStream) -> Double) -> [Double] { (0..<n / 2).map { _ in draw(&stream) } }
    expectDistribution(many { $0.gamma(shape: 1) }, "gamma(1)") { 1 - exp(-$0) }
    expectDistribution(many { $0.gamma(shape: 3) }, "gamma(3)") { 1 - exp(-$0) * (1 + $0 + $0 * $0 / 2) }
    expectDistribution(many { $0.gamma(shape: 0.5) }, "gamma(1/2)") { erf($0.squareRoot()) }
    expectDistribution(many { $0.beta(1, 1) }, "beta(1, 1)") { $0 }
    expectDistribution(many { $0.beta(2, 2) }, "beta(2, 2)") { $0 * $0 * (3 - 2 * $0) }
    expectDistribution(many { $0.beta(1, 3) }, "beta(1, 3)") { 1 - pow(1 - $0, 3) }
    expectDistribution(many { $0.beta(0.5, 0.5) }, "beta(1/2, 1/2)") { 2 / Double.pi * asin($0.squareRoot()) }
    #expect((0..<2000).allSatisfy { _ in (0...1).contains(stream.beta(0.001, 0.001)) }, "no 0 / 0 for small shapes")
  }

  @Test func drawsDoNotChangeWithThreadsAndAreNeverInfinite() {
    var (a, b) = (root.child("same"), root.child("same"))
    #expect(sameBits(a.gumbel([30_001]), b.gumbel([30_001])))
    #expect(a.gumbel([100_000]).nonFiniteCount == 0)
    // What a uniform number of 0 becomes.
    #expect((-maximum((-(-Tensor(0)).log1p()), Tensor(0x1p-25)).log()).item < 17.4)
  }

  @Test func classesAreDrawnInProportionToTheirWeights() {
    var stream = root.child("classes")
    let (weights, n) = ([2.0, 0, 1, 5, 0], 80_000)
    var counts = [Int](repeating: 0, count: 5)
    for _ in 0..<n { counts[stream.categorical(weights)] += 1 }
    #expect(counts[1] == 0 && counts[4] == 0)
    for i in [0, 2, 3] {
      let p = weights[i] / 8
      #expect((Double(counts[i]) - p * Double(n)).magnitude < 4 * (Double(n) * p * (1 - p)).squareRoot())
    }
    #expect(stream.categorical([0, 3]) == 1 && stream.categorical([0.1]) == 0)
    // The Gumbel trick draws from the softmax of the logarithms.
    let logits = Tensor([3], [2.0, 1, 5].map { Real($0) }).log()
    let draws = (logits + stream.gumbel([20_000, 3])).argmax().values
    let third = Double(draws.filter { $0 == 2 }.count)
    #expect((third - 12_500).magnitude < 4 * (20_000 * 0.625 * 0.375).squareRoot())
  }
}

extension Mistake {
  static let distributions: [Mistake] = [
    Mistake("an exponential distribution has a rate > 0, got 0.0") {
      var stream = RandomStream(seed: 1)
      return stream.exponential([2], rate: 0)
    },
    Mistake("a gamma distribution has a shape > 0, got 0.0") {
      var stream = RandomStream(seed: 1)
      return stream.gamma(shape: 0)
    },
    Mistake("categorical needs weights that are not negative and a sum > 0, got [0.0]") {
      var stream = RandomStream(seed: 1)
      return stream.categorical([0])
    },
  ]
}
