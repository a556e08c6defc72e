import Glibc
import TestSupport
import Testing

@testable import ReproTensor

@Suite("Random streams")
struct RandomStreamTests {
  private let root = RandomStream(seed: 2024)

  /// The known answers that the authors publish with Random123 (kat_vectors, philox4x32 with 10 rounds).
  @Test func philoxGivesThePublishedAnswers() {
    let answers: [(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, result: SIMD4<UInt32>)] = [
      (SIMD4(repeating: 0), SIMD2(repeating: 0), SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)),
      (
        SIMD4(repeating: 0xFFFF_FFFF), SIMD2(repeating: 0xFFFF_FFFF),
        SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
      ),
      (
        SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), SIMD2(0xA409_3822, 0x299F_31D0),
        SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
      ),
    ]
    for a in answers { #expect(RandomStream.philox(counter: a.counter, key: a.key) == a.result) }
  }

  @Test func childrenDoNotDependOnWhatWasDrawn() {
    var drawn = root
    for _ in 0..<7 { _ = drawn.next32() }
    _ = drawn.normal([100])
    #expect(drawn.child("augment", 3) == root.child("augment", 3))
    var (a, b) = (drawn.child("augment", 3), root.child("augment", 3))
    #expect((0..<20).map { _ in a.next32() } == (0..<20).map { _ in b.next32() })
  }

  @Test func everyNameAndNumberIsAStreamOfItsOwn() {
    var first: Set<UInt64> = []
    var streams = [root, RandomStream(seed: 2025), root.child(""), root.child("").child("")]
    for name in ["a", "b", "ab", "ba", "view", "view0"] {
      for i in -3..<2000 { streams.append(root.child(name, i)) }
      streams.append(root.child("a").child(name))
    }
    for var stream in streams { first.insert(stream.next64()) }
    #expect(first.count == streams.count)
    #expect(root.child("a").child("b") != root.child("b").child("a") && root.child("ab") != root.child("a").child("b"))
    #expect(root.child("a", 1).child("b", 2) != root.child("a", 2).child("b", 1))
  }

  @Test func siblingsAreUncorrelated() {
    let n = 20000
    for (a, b) in [(root.child("x", 0), root.child("x", 1)), (root, root.child("x")), (root, RandomStream(seed: 2025))]
    {
      var (p, q) = (a, b)
      let (u, v) = (p.normal([n]), q.normal([n]))
      let correlation = (u * v).mean().item
      // The mean of products of independent standard normals has the deviation 1 / sqrt(n).
      #expect(Swift.abs(correlation) < 4 / Real(n).squareRoot(), "\(correlation)")
    }
  }

  @Test func tensorsAndSingleNumbersComeFromTheSameWords() {
    var (a, b) = (root, root)
    let tensor = a.uniform([9])
    let singles = (0..<9).map { _ in
      isDouble ? Real(Double(b.next64() >> 11) * 0x1p-53) : Real(b.next32() >> 8) * 0x1p-24
    }
    #expect(tensor.values == singles)
    // A draw takes numbers by fours: 9 leave the stream where 12 single ones do.
    for _ in 9..<12 { _ = isDouble ? b.next64() : UInt64(b.next32()) }
    #expect(a.next64() == b.next64())
  }

  @Test func anElementDependsOnItsPlaceOnlyWhateverTheSizeOfTheDraw() {
    var (a, b, c) = (root, root, root)
    let (long, short) = (a.normal([40001]), b.normal([17]))
    #expect(Array(long.values.prefix(17)) == short.values)
    #expect(sameBits(long, c.normal([40001, 1]).squeezed(1)))
  }

  @Test func aDrawIsTheSameForAnyCutIntoPieces() {
    let (key, lane) = (root.key, root.lane)
    for (kernel, name) in [(kernels.uniform, "uniform"), (kernels.normal, "normal")] {
      var whole = [Real](repeating: 0, count: 1003)
      kernel(key, lane, 0, 1003, &whole)
      for piece in [1, 2, 3, 5, 16, 63, 64, 65, 500] {
        var cut: [Real] = []
        for first in stride(from: 0, to: 1003, by: piece) {
          var part = [Real](repeating: 0, count: min(piece, 1003 - first))
          kernel(key, lane, UInt64(first), part.count, &part)
          cut += part
        }
        #expect(cut == whole, "\(name) in pieces of \(piece)")
      }
    }
  }

  /// Kolmogorov and Smirnov: sup |F_n - F| sqrt(n) exceeds 1.95 with probability 0.001.
  private func expectDistribution(_ values: [Real], _ name: String, _ cdf: (Double) -> Double) {
    let (sorted, n) = (values.map { Double($0) }.sorted(), Double(values.count))
    var distance = 0.0
    for (i, x) in sorted.enumerated() {
      let f = cdf(x)
      distance = max(distance, max(Double(i + 1) / n - f, f - Double(i) / n))
    }
    #expect(distance * n.squareRoot() < 1.95, "\(name): distance \(distance)")
  }

  private func normalCDF(_ x: Double) -> Double { erfc(-x / 2.squareRoot()) / 2 }

  @Test func distributionsAreWhatTheyAreCalled() {
    var stream = root.child("distributions")
    let n = 100_000
    expectDistribution(stream.uniform([n]).values, "uniform") { $0 }
    expectDistribution(stream.uniform([n], -3, 5).values, "uniform in [-3, 5)") { ($0 + 3) / 8 }
    expectDistribution((0..<n).map { _ in Real(stream.uniform()) }, "single uniform") { $0 }
    expectDistribution(stream.normal([n]).values, "normal") { normalCDF($0) }
    expectDistribution(stream.normal([n], deviation: 2, mean: -1).values, "normal(-1, 2)") { normalCDF(($0 + 1) / 2) }
    let (low, high) = (normalCDF(-2), normalCDF(2))
    expectDistribution(stream.truncatedNormal([n], deviation: 0.02).values, "truncated normal") {
      (normalCDF($0 / 0.02) - low) / (high - low)
    }
  }

  @Test func momentsOfNormalsAreTheirs() {
    var stream = root.child("moments")
    let n = 200_000
    let z = stream.normal([n])
    // Deviations of the sample moments: 1, sqrt(2), sqrt(15), sqrt(96) over sqrt(n).
    for (power, expected, deviation) in [(1, 0, 1), (2, 1, 1.42), (3, 0, 3.9), (4, 3, 9.8)] as [(Int, Double, Double)] {
      let moment = z.values.reduce(0.0) { $0 + Glibc.pow(Double($1), Double(power)) } / Double(n)
      #expect(Swift.abs(moment - expected) < 4 * deviation / Double(n).squareRoot(), "moment \(power): \(moment)")
    }
    // Pairs of Box and Muller are independent.
    let pairs = z.reshaped([-1, 2])
    #expect(Swift.abs((pairs.select(1, 0) * pairs.select(1, 1)).mean().item) < 4 / Real(n / 2).squareRoot())
  }

  @Test func boundsAreKept() {
    var stream = root.child("bounds")
    let t = stream.truncatedNormal([200_000], deviation: 3).values
    #expect(t.allSatisfy { $0 >= -6 && $0 <= 6 } && t.contains { $0 > 5.9 } && t.contains { $0 < -5.9 })
    // [1, 2): u close to 1 would round up to 2.
    let u = stream.uniform([200_000], 1, 2).values
    #expect(u.allSatisfy { $0 >= 1 && $0 < 2 })
    #expect(min(Real(1) + Real(1).nextDown, Real(2).nextDown) < 2)
    #expect((0..<1000).allSatisfy { _ in (3..<4).contains(stream.uniform(3, 4)) })
    #expect(stream.uniform([3], 5, 5).values == [5, 5, 5])
    #expect((0..<1000).allSatisfy { _ in stream.integer(below: 1) == 0 })
    #expect((0..<1000).allSatisfy { _ in (0..<0xFFFF_FFFF).contains(stream.integer(below: 0xFFFF_FFFF)) })
    #expect((0..<100).allSatisfy { _ in !stream.bernoulli(0) && stream.bernoulli(1) })
  }

  @Test func aSecondTruncatedDrawDoesNotRepeatWhatTheFirstRedrew() {
    var stream = root.child("truncated")
    let n = 50_000
    var plain = stream
    let (first, second) = (
      stream.truncatedNormal([n], deviation: 1).values, stream.truncatedNormal([n], deviation: 1).values
    )
    let (a, b) = (plain.normal([n]).values, plain.normal([n]).values)
    let both = (0..<n).filter { Swift.abs(a[$0]) > 2 && Swift.abs(b[$0]) > 2 }
    #expect(both.count > 50, "places that both draws had to redraw")
    #expect(both.allSatisfy { first[$0] != second[$0] })
    #expect((0..<n).allSatisfy { Swift.abs(a[$0]) > 2 || first[$0] == a[$0] }, "what is inside is kept")
  }

  /// Chi-square with k degrees of freedom exceeds this with probability 0.001 (Wilson and Hilferty).
  private func chiSquareLimit(_ k: Double) -> Double {
    let t = 1 - 2 / (9 * k) + 3.09 * (2 / (9 * k)).squareRoot()
    return k * t * t * t
  }

  private func chiSquare(_ counts: [Int]) -> Double {
    let expected = Double(counts.reduce(0, +)) / Double(counts.count)
    return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
  }

  @Test func permutationsAreAllEquallyLikely() {
    var stream = root.child("permutations")
    var counts: [[Int]: Int] = [:]
    for _ in 0..<24_000 { counts[stream.permutation(4), default: 0] += 1 }
    #expect(counts.count == 24)
    #expect(chiSquare(Array(counts.values)) < chiSquareLimit(23))
    // Every element is at every place equally often.
    var places = [Int](repeating: 0, count: 11 * 11)
    for _ in 0..<11_000 { for (i, x) in stream.permutation(11).enumerated() { places[11 * i + x] += 1 } }
    #expect(chiSquare(places) < chiSquareLimit(100))
    #expect(stream.permutation(1000).sorted() == Array(0..<1000))
    #expect(stream.permutation(0) == [] && stream.permutation(1) == [0])
    var letters = ["a", "b", "c"]
    stream.shuffle(&letters)
    #expect(letters.sorted() == ["a", "b", "c"])
  }

  @Test(arguments: [2, 3, 7, 100])
  func integersAreEquallyLikely(_ bound: Int) {
    var stream = root.child("integers", bound)
    var counts = [Int](repeating: 0, count: bound)
    for _ in 0..<(1000 * bound) { counts[stream.integer(below: bound)] += 1 }
    #expect(chiSquare(counts) < chiSquareLimit(Double(bound - 1)))
  }

  @Test func rejectionRemovesTheBiasOfALargeBound() {
    // Of 2^32 words, 3 * 2^30 as bound: without rejection a third of the results would come twice as often.
    var stream = root.child("bias")
    let bound = 3 << 30
    var counts = [Int](repeating: 0, count: 3)
    for _ in 0..<30_000 { counts[stream.integer(below: bound) % 3] += 1 }
    #expect(chiSquare(counts) < chiSquareLimit(2))
    var halves = [Int](repeating: 0, count: 3)
    for _ in 0..<30_000 { halves[stream.integer(below: bound) >> 30] += 1 }
    #expect(chiSquare(halves) < chiSquareLimit(2))
  }

  @Test func equalityIsAboutTheNumbersThatCome() {
    var (a, b) = (root, root)
    #expect(a == b)
    for _ in 0..<4 { _ = a.next32() }
    #expect(a != b)
    b.position = 4
    #expect(a == b && a.next32() == b.next32())
  }
}
