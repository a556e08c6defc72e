import ReproTensor
import Testing

@testable import ReproEngine

/// The tests of claims against enumeration by hand and against their definitions.
@Suite struct StatisticsTests {
  /// All signs, one by one, as the definition says.
  private func enumerated(_ d: [Double], above threshold: Double) -> Double {
    let x = d.map { $0 - threshold }
    let observed = x.reduce(0, +)
    let tie = 2e-12 * x.reduce(0) { $0 + abs($1) }
    var count = 0
    func visit(_ i: Int, _ sum: Double) {
      if i == x.count {
        count += sum >= observed - tie ? 1 : 0
      } else {
        visit(i + 1, sum + x[i])
        visit(i + 1, sum - x[i])
      }
    }
    visit(0, 0)
    return Double(count) / Double(1 << x.count)
  }

  private func sample(_ n: Int, _ index: Int, shift: Double = 0.5) -> [Double] {
    var stream = RandomStream(seed: 11).child("sample", index)
    return (0..<n).map { _ in stream.normalDouble() + shift }
  }

  @Test func fiveDifferencesGiveTheSharesThatAreCountedByHand() {
    // All positive: only the observed signs are as large.
    #expect(Statistics.signFlip([1, 2, 3, 4, 5]) == 1.0 / 32)
    // The smallest one lost: its own flip is larger, and so are no others.
    #expect(Statistics.signFlip([-1, 2, 3, 4, 5]) == 2.0 / 32)
    // The second smallest lost: {}, {-2}, {-2, 1} turned are as large, and {1} alone is not.
    #expect(Statistics.signFlip([1, -2, 3, 4, 5]) == 3.0 / 32)
    // A zero is kept: both of its signs tie.
    #expect(Statistics.signFlip([0, 2, 3, 4, 5]) == 2.0 / 32)
    #expect(Statistics.signFlip([0, 0, 0, 0, 0]) == 1)
    #expect(Statistics.signFlip([-1, -2, -3, -4, -5]) == 1)
    // Against a margin that one of them does not beat.
    #expect(Statistics.signFlip([1, 2, 3, 4, 5], above: 1.2) == 2.0 / 32)
  }

  @Test func theTestEqualsTheEnumerationOfItsDefinition() {
    for index in 0..<60 {
      let n = [1, 2, 5, 5, 5, 6, 8, 10][index % 8]
      let d = sample(n, index).map { index % 3 == 0 ? ($0 * 4).rounded() / 4 : $0 }
      #expect(Statistics.signFlip(d, above: 0.25) == enumerated(d, above: 0.25), "\(d)")
    }
  }

  @Test func sumsThatDifferByRoundingAloneAreTies() {
    // 0.1 + 0.2 is not 0.3 in binary, and must count as if it were.
    #expect(Statistics.signFlip([0.1, 0.2, -0.3, 0.5, 0.7]) == Statistics.signFlip([1, 2, -3, 5, 7]))
  }

  @Test func atFiveSeedsTheIntervalIsTheRangeOfTheDifferences() {
    let d = sample(5, 1)
    let interval = SignFlipRegion(d).interval()
    #expect(interval.low == d.min() && interval.high == d.max() && interval.confidence == 0.9375)
  }

  @Test func theIntervalHoldsExactlyTheMeansThatTheTestDoesNotReject() {
    for (index, n) in [5, 6, 8, 10, 12].enumerated() {
      let d = sample(n, 100 + index)
      let region = SignFlipRegion(d)
      let interval = region.interval()
      let tail = (1 - interval.confidence) / 2
      for step in -40...140 {
        let theta = Double(step) * 0.0251 - 0.5
        let up = Statistics.signFlip(d, above: theta)
        let down = Statistics.signFlip(d.map { -$0 }, above: -theta)
        let isInside = up > tail && down > tail
        #expect(isInside == (theta >= interval.low && theta <= interval.high), "n = \(n), theta = \(theta)")
        // The one-sided bounds belong to the verdict's own test.
        #expect((up < Statistics.level) == (theta < region.lowerBound()))
        #expect((down < Statistics.level) == (theta > region.upperBound()))
      }
    }
  }

  @Test func belowFiveSeedsNothingCanBeClaimed() {
    #expect(SignFlipRegion([1, 2, 3, 4]).lowerBound() == -.infinity)
    #expect(SignFlipRegion([1, 2, 3, 4, 5]).lowerBound() == 1)
  }

  @Test func theConfidencesAreThoseOfTheRules() {
    let confidences = [5, 8, 10, 20].map { SignFlipRegion(sample($0, $0)).interval().confidence }
    let expected: [Double] = [0.9375, 0.953125, 0.951171875, 0.9500007629394531]
    #expect(confidences == expected)
    #expect(confidences.dropFirst().allSatisfy { $0 >= 0.95 && $0 < 0.954 })
  }

  // MARK: Ranks

  private func permutations(_ count: Int) -> [[Int]] {
    if count == 0 { return [[]] }
    return permutations(count - 1).flatMap { shorter in
      (0..<count).map { place in Array(shorter[..<place]) + [count - 1] + Array(shorter[place...]) }
    }
  }

  @Test func equalValuesShareTheMeanOfTheirRanks() {
    #expect(Statistics.doubledRanks([0.3, 0.1 + 0.2, 0.1, 0.9]) == [5, 5, 2, 8])
    #expect(Statistics.doubledRanks([7, 7, 7]) == [4, 4, 4])
  }

  @Test func thePermutationDistributionEqualsTheEnumerationOfAllOrdersTiesIncluded() {
    for (a, b) in [
      ([1, 2, 3, 4], [2, 4, 6, 8]), ([2, 5, 5, 8], [3, 3, 6, 8]), ([1, 2, 3, 4, 5], [3, 3, 6, 10, 8]),
    ] {
      let orders = permutations(a.count)
      var counts: [Int: Int] = [:]
      for order in orders { counts[zip(a, order.map { b[$0] }).reduce(0) { $0 + $1.0 * $1.1 }, default: 0] += 1 }
      let found = Statistics.permutationSums(a, b)
      #expect((found.reduce(0, +) - 1).magnitude < 1e-12)
      for sum in found.indices {
        #expect((found[sum] - Double(counts[sum] ?? 0) / Double(orders.count)).magnitude < 1e-12)
      }
    }
  }

  @Test func aTrendInEverySeedHasTheSmallestP() {
    // Three levels have six orders: (1/6)^5 for five seeds.
    let test = Statistics.pageTrend(Array(repeating: [0.1, 0.2, 0.3], count: 5))
    #expect((test.p - 1 / 7776.0).magnitude < 1e-15 && (test.pOpposite - 1).magnitude < 1e-12)
    #expect(test.statistic == 5 * (1 + 4 + 9))
    #expect(Statistics.pageTrend(Array(repeating: [1, 1, 1], count: 5)).p == 1)
  }

  @Test func theSmallestPOfRanksIsThatOfTheBestOfAllTheirOrders() {
    // Every order within every seed, counted one by one.
    func smallest(_ rows: [[Double]]) -> Double {
      var sums = [0]
      for row in rows {
        let ranks = Statistics.doubledRanks(row)
        let own = permutations(row.count).map { order in order.enumerated().reduce(0) { $0 + ($1.0 + 1) * ranks[$1.1] }
        }
        sums = sums.flatMap { sum in own.map { sum + $0 } }
      }
      return Double(sums.count { $0 == sums.max() }) / Double(sums.count)
    }
    for rows in [
      [[0.3, 0.1, 0.2], [0.1, 0.3, 0.2]], [[0.1, 0.1, 0.2], [0.3, 0.2, 0.1]], [[1, 4, 2, 4], [2, 2, 2, 1]],
      [[1, 1, 1], [2, 2, 2]],
    ] {
      let test = Statistics.pageTrend(rows)
      #expect((test.smallest - smallest(rows)).magnitude < 1e-14 && test.p >= test.smallest)
    }
    #expect((smallest([[0.3, 0.1, 0.2], [0.1, 0.3, 0.2]]) - 1 / 36.0).magnitude < 1e-15)
    // Ties in either list leave fewer orders that differ: of [1, 1, 2] and [1, 2, 3] two in six are best.
    #expect((Statistics.rankCorrelation([([5, 5, 7], [3, 1, 2])]).smallest - 1 / 3.0).magnitude < 1e-15)
  }

  @Test func correlationOverSeedsIsTestedWithinThem() {
    // Four arms in the same order in two seeds: (1/24)^2.
    let test = Statistics.rankCorrelation([([1, 2, 3, 4], [5, 6, 7, 8]), ([4, 3, 2, 1], [1, 0, -1, -2])])
    #expect(test.statistic == 1 && (test.p - 1 / 576.0).magnitude < 1e-15)
  }

  // MARK: Adjustments

  @Test func holmsAdjustmentIsTheOneWorkedByHand() {
    // Sorted: .01 x 4, .02 x 3, .03 x 2 (raised to the one before), .5.
    let adjusted = Statistics.holm([0.02, 0.5, 0.01, 0.03])
    for (found, expected) in zip(adjusted, [0.06, 0.5, 0.04, 0.06]) { #expect((found - expected).magnitude < 1e-15) }
    #expect(Statistics.holm([]) == [] && Statistics.holm([0.7, 0.8]) == [1, 1])
  }

  @Test func attemptsMultiplyAndStopAtOne() {
    #expect(Statistics.afterAttempts(1.0 / 256, 3) == 3.0 / 256)
    #expect(Statistics.afterAttempts(0.4, 3) == 1)
  }

  @Test func theSecondLookHasWhatTheFirstOneLeft() {
    #expect(Statistics.twoLooks(first: 1.0 / 32, second: 0.9) == 1.0 / 32, "the first look decided")
    #expect(Statistics.twoLooks(first: 2.0 / 32, second: nil) == 2.0 / 32)
    // 19/1024 is the largest p of ten seeds that is at most 0.01875.
    #expect(Statistics.twoLooks(first: 2.0 / 32, second: 19.0 / 1024) < 0.05)
    #expect(Statistics.twoLooks(first: 2.0 / 32, second: 20.0 / 1024) > 0.05)
    #expect(Statistics.secondLookLevel == 0.01875)
  }

  @Test func withFiveSeedsTheFloorHidesEverythingUntilMostClaimsSitOnIt() {
    // 62.5 % of all claims at 1/32: q = 0.05 is reached; one claim less, and nothing is a discovery.
    func best(_ atFloor: Int, _ floor: Double) -> Double {
      let p = Array(repeating: floor, count: atFloor) + Array(repeating: 1.0, count: 1000 - atFloor)
      return Statistics.benjaminiHochberg(p).min() ?? 1
    }
    #expect(best(625, 1.0 / 32) <= 0.05 && best(624, 1.0 / 32) > 0.05)
    #expect(best(79, 1.0 / 256) <= 0.05 && best(78, 1.0 / 256) > 0.05)  // 7.8 %
    #expect(best(20, 1.0 / 1024) <= 0.05 && best(19, 1.0 / 1024) > 0.05)  // 2 %
  }

  @Test func theSmallestReachableQIsThatOfTheFloor() {
    let reachable = Statistics.smallestReachableQ([0.5, 0.001, 0.2], floors: [1.0 / 32, 1.0 / 256, 1.0 / 256])
    // 1/32 beside 0.001 and 0.2: second of three.
    #expect((reachable[0] - 3.0 / 32 / 2).magnitude < 1e-15)
    #expect((reachable[1] - 0.003).magnitude < 1e-15)
    #expect((reachable[2] - 3.0 / 256 / 2).magnitude < 1e-15)
  }

  @Test func numbersArePrintedWithThreeDigitsThatSaySomething() {
    #expect(Statistics.text(0.01234) == "0.012" && Statistics.text(-0.0001234) == "-0.00012")
    #expect(Statistics.text(12.3456, decimals: 1) == "12.3" && Statistics.text(0) == "0.000")
    #expect(Statistics.pText(1.0 / 256) == "0.0039" && Statistics.pText(1e-6) == "< 0.0001")
    #expect(SignFlipRegion([1, 2, 3, 4, 5]).interval().text() == "1.000 to 5.000 (93.75 %)")
  }
}

extension RandomStream {
  /// A standard normal in Double, by Box and Muller.
  mutating func normalDouble() -> Double {
    // uniform() may be 0, whose logarithm is not finite.
    let radius: Double = (-2 * logarithm(1 - uniform())).squareRoot()
    return radius * cosine(2 * Double.pi * uniform())
  }
}
