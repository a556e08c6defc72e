import ReproConfig
import Testing

@testable import ReproEngine

/// Verdicts, form by form and rule by rule.
@Suite struct JudgeTests {
  private let base = [0.50, 0.52, 0.48, 0.51, 0.49, 0.53, 0.47, 0.50]
  private let gains = [0.03, 0.02, 0.04, 0.01, 0.05, 0.02, 0.03, 0.04]
  private let superiority = "id: x, primary: true, metric: two-way.top1, form: superiority, better: a, than: b"

  private func plus(_ gains: [Double], factor: Double = 1) -> [Double?] {
    zip(base, gains).map { $0 + factor * $1 }
  }

  private func one(_ recipe: Recipe, _ golden: Golden?) throws -> ClaimResult {
    try #require(try judge.judge(recipe, golden).first)
  }

  @Test func eightWinsOfEightAreSupported() throws {
    let result = try one(
      judgedRecipe(superiority + ", delta: 0.01"), judgedGolden(top1: [("a", plus(gains)), ("b", base)]))
    #expect(result.verdict == .supported && result.p == 1.0 / 256 && result.n == 8 && result.attempts == 1)
    #expect((result.mean - 0.03).magnitude < 1e-12)
    #expect((result.deviation - 0.0130930734141595).magnitude < 1e-12)
    let interval = try #require(result.interval)
    #expect(interval.confidence == 0.953125 && interval.low > 0.01 && interval.high < 0.05)
    #expect((try #require(result.smallestDetectable) - 0.998 * result.deviation).magnitude < 1e-12)
    #expect(result.decisive?.label == "a - b" && result.decisive?.arms.map(\.arm) == ["a", "b"])
    #expect(
      result.sentence.hasPrefix(
        "8 seeds, a - b of two-way.top1: mean 0.030, interval 0.020 to 0.040 (95.31 %); p = 0.0039"))
  }

  @Test func aSmallerEffectThanWouldMatterIsSupportedAndSmall() throws {
    let golden = judgedGolden(top1: [("a", plus(gains)), ("b", base)])
    let result = try one(judgedRecipe(superiority + ", delta: 0.04"), golden)
    #expect(result.verdict == .supportedSmall && result.sentence.contains("below the 0.040 that would matter"))
    #expect(try one(judgedRecipe(superiority), golden).verdict == .supported)
  }

  @Test func anEffectThatCannotMatterIsNotSupportedAndTheOppositeIsReversed() throws {
    // Around zero: neither direction is shown, and 0.1 is excluded.
    let around = plus([0.03, -0.02, 0.04, -0.03, 0.01, -0.02, 0.02, -0.01])
    let none = try one(judgedRecipe(superiority + ", delta: 0.1"), judgedGolden(top1: [("a", around), ("b", base)]))
    #expect(none.verdict == .notSupported && none.adjustedPBelowDelta == 1.0 / 256)
    #expect(
      try one(judgedRecipe(superiority + ", delta: 0.01"), judgedGolden(top1: [("a", around), ("b", base)])).verdict
        == .inconclusive)
    let reversed = judgedGolden(top1: [("a", plus(gains, factor: -1)), ("b", base)])
    #expect(try one(judgedRecipe(superiority + ", delta: 0.01"), reversed).verdict == .reversed)
    #expect(try one(judgedRecipe(superiority), reversed).verdict == .reversed)
  }

  @Test func aMarginMustBeBeaten() throws {
    let golden = judgedGolden(top1: [("a", plus(gains)), ("b", base)])
    #expect(try one(judgedRecipe(superiority + ", margin: 0.005"), golden).verdict == .supported)
    let large = try one(judgedRecipe(superiority + ", margin: 0.06"), golden)
    #expect(large.verdict == .notSupported, "below the margin, but not beaten by it")
  }

  @Test func whereLessIsBetterTheDifferenceTurnsRound() throws {
    let claim = "id: x, primary: true, metric: two-way.error, form: superiority, better: a, than: b"
    let values = plus(gains)
    let golden = judgedGolden(top1: [("a", base), ("b", base)], error: [("a", base), ("b", values)])
    let result = try one(judgedRecipe(claim), golden)
    #expect(result.verdict == .supported && (result.mean - 0.03).magnitude < 1e-12)
  }

  @Test func fiveSeedsMustAllWinAndThePageSaysSo() throws {
    let five = judgedGolden(top1: [("a", Array(plus(gains).prefix(5))), ("b", Array(base.prefix(5)))])
    let result = try one(judgedRecipe(superiority + ", n: 5", seeds: "5"), five)
    #expect(result.verdict == .supported && result.p == 1.0 / 32)
    #expect(result.sentence.contains("all five seeds must win"))
    #expect(result.interval?.confidence == 0.9375)
    var lost = Array(plus(gains).prefix(5))
    lost[2] = base[2] - 0.001
    let four = judgedGolden(top1: [("a", lost), ("b", Array(base.prefix(5)))])
    #expect(try one(judgedRecipe(superiority + ", n: 5", seeds: "5"), four).verdict == .inconclusive)
  }

  @Test func missingSeedsAreInconclusiveHoweverClearTheRestIs() throws {
    let golden = judgedGolden(top1: [("a", Array(plus(gains).prefix(7))), ("b", base)])
    let result = try one(judgedRecipe(superiority), golden)
    #expect(result.verdict == .inconclusive && result.n == 7)
    #expect(result.problems == ["a was not run with seed 7"])
    let four = judgedGolden(top1: [("a", Array(plus(gains).prefix(4))), ("b", Array(base.prefix(4)))])
    #expect(try one(judgedRecipe(superiority), four).problems.first == "a was not run with seed 4, 5, 6, 7")
  }

  @Test func aDivergedSeedStaysWithTheWorstValueAndDecidesNothing() throws {
    var values: [Double?] = plus(gains)
    values[3] = nil
    let result = try one(judgedRecipe(superiority), judgedGolden(top1: [("a", values), ("b", base)]))
    #expect(result.verdict == .inconclusive && result.n == 8, "a diverged seed is not dropped")
    #expect(result.differences[3] == 0 - base[3], "accuracy's worst is zero")
    #expect(result.decisive?.arms[0].values[3].diverged == true)
    #expect(result.problems == ["a diverged with seed 3"])
    // Where less is better, the worst is the largest that anybody had.
    let claim = "id: x, primary: true, metric: two-way.error, form: superiority, better: a, than: b"
    let errors = judgedGolden(top1: [("a", values), ("b", base)], error: [("a", values), ("b", base)])
    let up = try one(judgedRecipe(claim), errors)
    let largest = (values.compactMap { $0 } + base).max() ?? 0
    #expect(up.decisive?.arms[0].values[3].value == largest)
  }

  @Test func aMeasurementThatIsNoNumberCountsAsDiverged() throws {
    var values: [Double?] = plus(gains)
    values[0] = .nan
    let result = try one(judgedRecipe(superiority), judgedGolden(top1: [("a", values), ("b", base)]))
    #expect(result.verdict == .inconclusive && result.problems == ["a diverged with seed 0"])
    #expect(result.differences.allSatisfy { $0.isFinite })
  }

  // MARK: Forms

  @Test func beatingTwoRivalsNeedsBothAndReportsTheLargerP() throws {
    var close = plus(gains)
    close[0] = base[0] - 0.001
    let claim = "id: x, primary: true, metric: two-way.top1, form: superiority, better: a, than: [b, c]"
    let rival = zip(plus(gains), close).map { a, c in (a ?? 0) - ((c ?? 0) - 0.5) }
    let golden = judgedGolden(top1: [("a", plus(gains)), ("b", base), ("c", rival)])
    let result = try one(judgedRecipe(claim), golden)
    let alone = result.comparisons.map(\.p)
    #expect(alone.count == 2 && result.p == alone.max() && result.deciding == (alone[0] > alone[1] ? 0 : 1))
    let weak = judgedGolden(top1: [("a", plus(gains)), ("b", base), ("c", plus(gains))])
    #expect(try one(judgedRecipe(claim), weak).verdict == .inconclusive)
  }

  @Test func helpingOneMetricMustNotHurtTheOther() throws {
    let claim = superiority + ", without_hurting: {metric: two-way.error, margin: 0.01}"
    func result(_ hurt: Double) throws -> ClaimResult {
      let golden = judgedGolden(
        top1: [("a", plus(gains)), ("b", base)], error: [("a", base.map { $0 + hurt }), ("b", base)])
      return try one(judgedRecipe(claim), golden)
    }
    #expect(try result(0.005).verdict == .supported)
    #expect(try result(0.005).comparisons.map(\.kind) == [.superiority, .nonInferiority])
    #expect(try result(0.02).verdict == .reversed, "it hurts by more than the margin in every seed")
    #expect(try result(0.02).deciding == 1)
  }

  @Test func noWorseAndTheSameHaveTheirMargins() throws {
    let losses = plus(gains, factor: -0.1)  // about 0.003 below
    let golden = judgedGolden(top1: [("a", losses), ("b", base)])
    let noWorse = "id: x, primary: true, metric: two-way.top1, form: non-inferiority, better: a, than: b, margin: "
    #expect(try one(judgedRecipe(noWorse + "0.01"), golden).verdict == .supported)
    #expect(try one(judgedRecipe(noWorse + "0.0005"), golden).verdict == .reversed)
    let same = "id: x, primary: true, metric: two-way.top1, form: equivalence, better: a, than: b, margin: "
    #expect(try one(judgedRecipe(same + "0.01"), golden).verdict == .supported)
    let apart = try one(judgedRecipe(same + "0.0005"), golden)
    #expect(apart.verdict == .notSupported && apart.adjustedPBelowDelta == 2.0 / 256)
  }

  @Test func aTrendIsTestedByPageAndItsSizeByTheEnds() throws {
    let claim = "id: x, primary: true, metric: two-way.top1, form: trend, levels: [a, b, c], delta: 0.03"
    let up = judgedGolden(top1: [("a", base), ("b", plus(gains)), ("c", plus(gains, factor: 2))])
    let result = try one(judgedRecipe(claim), up)
    #expect(result.verdict == .supported && result.p < 1e-5 && result.decisive?.rankStatistic == 8 * 14)
    #expect((result.mean - 0.06).magnitude < 1e-12)
    let down = judgedGolden(top1: [("c", base), ("b", plus(gains)), ("a", plus(gains, factor: 2))])
    #expect(try one(judgedRecipe(claim), down).verdict == .reversed)
  }

  @Test func aLargerGainIsTheDifferenceOfTwoDifferences() throws {
    let claim =
      "id: x, primary: true, metric: two-way.top1, form: larger-gain, better: a, than: b, compared_with: {better: c, than: d}"
    let golden = judgedGolden(
      top1: [("a", plus(gains, factor: 3)), ("b", base), ("c", plus(gains)), ("d", base)])
    let result = try one(judgedRecipe(claim), golden)
    #expect(result.verdict == .supported && (result.mean - 0.06).magnitude < 1e-12)
  }

  @Test func aRankCorrelationOrdersTheArmsBySeed() throws {
    let claim =
      "id: x, primary: true, metric: two-way.top1, form: rank-correlation, arms: [a, b, c, d], with: two-way.error"
    let levels = [0.0, 1, 2, 3].map { plus(gains, factor: $0) }
    let names = ["a", "b", "c", "d"]
    let falling = judgedGolden(
      top1: zip(names, levels).map { ($0, $1) }, error: zip(names, levels.reversed()).map { ($0, $1) })
    // Less error goes with more accuracy: both are better.
    let result = try one(judgedRecipe(claim), falling)
    #expect(result.verdict == .supported && result.decisive?.rankStatistic == 1)
    let rising = judgedGolden(top1: zip(names, levels).map { ($0, $1) }, error: zip(names, levels).map { ($0, $1) })
    #expect(try one(judgedRecipe(claim), rising).verdict == .reversed)
  }

  // MARK: Many looks and claims

  @Test func attemptsMultiplyTheP() throws {
    var golden = judgedGolden(top1: [("a", plus(gains)), ("b", base)])
    golden.history[0].attempt = 3
    let result = try one(judgedRecipe(superiority), golden)
    #expect(
      result.attempts == 3 && result.p == 1.0 / 256 && result.adjustedP == 3.0 / 256 && result.floorP == 3.0 / 256)
    golden.history[0].attempt = 13
    #expect(try one(judgedRecipe(superiority), golden).verdict == .inconclusive)
  }

  @Test func secondaryClaimsAreAdjustedTogetherAndThePrimaryIsNot() throws {
    let second = "metric: two-way.top1, form: superiority, better: a, than: "
    let recipe = try judgedRecipe(superiority, "id: y, \(second)c", "id: z, \(second)d")
    var lost = plus(gains)
    lost[3] = base[3] - 0.001
    let c = zip(plus(gains), lost).map { a, l in (a ?? 0) - ((l ?? 0) - 0.5) }
    let golden = judgedGolden(top1: [("a", plus(gains)), ("b", base), ("c", c), ("d", base)])
    let results = try judge.judge(recipe, golden)
    #expect(results[0].adjustedP == results[0].p)
    let holm = Statistics.holm([results[1].p, results[2].p])
    #expect(results.dropFirst().map(\.adjustedP) == holm && holm != [results[1].p, results[2].p])
    // A claim of another recipe of the paper that was never run makes the others no easier.
    let other = Judge.Record(try judgedRecipe("id: w, \(second)b", id: "other"), nil)
    let all = try judge.judge(paper: [Judge.Record(recipe, golden), other])
    #expect(all.map(\.verdict).last == .notRun)
    #expect(all[2].adjustedP == min(1, 3 * all[2].p))
  }

  @Test func whatTheResultsSuggestedGetsNoVerdict() throws {
    let recipe = try judgedRecipe(
      superiority, "id: y, exploratory: true, metric: two-way.top1, form: superiority, better: a, than: c")
    let golden = judgedGolden(top1: [("a", plus(gains)), ("b", base), ("c", base)])
    let results = try judge.judge(recipe, golden)
    #expect(results[1].verdict == .exploratory && results[1].p == 1.0 / 256)
  }

  @Test func theSmallestPossiblePIsThatOfTheTestAndNotOfSigns() throws {
    let (up, levels) = ([0.0, 1, 2].map { plus(gains, factor: $0) }, [0.0, 1, 2, 3].map { plus(gains, factor: $0) })
    let trend = try one(
      judgedRecipe("id: x, primary: true, metric: two-way.top1, form: trend, levels: [a, b, c]"),
      judgedGolden(top1: zip(["a", "b", "c"], up).map { ($0, $1) }))
    // 6 orders of three levels in each of eight seeds; every seed is in the best one.
    #expect((trend.floorP * 1_679_616 - 1).magnitude < 1e-12 && trend.p == trend.floorP)
    let claim =
      "id: x, primary: true, metric: two-way.top1, form: rank-correlation, arms: [a, b, c, d], with: two-way.error"
    let names = ["a", "b", "c", "d"]
    var golden = judgedGolden(
      top1: zip(names, levels).map { ($0, $1) }, error: zip(names, levels.reversed()).map { ($0, $1) })
    let correlation = try one(judgedRecipe(claim), golden)
    #expect((correlation.floorP * 110_075_314_176 - 1).magnitude < 1e-12 && correlation.p == correlation.floorP)
    golden.history[0].attempt = 2
    #expect((try one(judgedRecipe(claim), golden).floorP * 55_037_657_088 - 1).magnitude < 1e-12)
    // Two arms that never differ halve the orders that do.
    let tied = judgedGolden(top1: [("a", base), ("b", base), ("c", plus(gains))])
    let half = try one(judgedRecipe("id: x, primary: true, metric: two-way.top1, form: trend, levels: [a, b, c]"), tied)
    #expect((half.floorP * 6561 - 1).magnitude < 1e-12 && half.p == half.floorP)
    #expect(try one(judgedRecipe(claim), nil).floorP == 1)
  }

  @Test func aPlanOfTwoLooksPaysForTheSecond() throws {
    let claim = superiority + ", n: 5, extend_to: 10"
    let many = (0..<10).map { 0.5 + 0.001 * Double($0) }
    func result(_ gains: [Double], count: Int) throws -> ClaimResult {
      let golden = judgedGolden(
        top1: [("a", zip(many, gains).map { $0 + $1 }.prefix(count).map { $0 }), ("b", Array(many.prefix(count)))])
      return try one(judgedRecipe(claim, seeds: "5"), golden)
    }
    let wins = Array(repeating: 0.02, count: 10).enumerated().map { $1 + 0.001 * Double($0) }
    #expect(try result(wins, count: 5).verdict == .supported)
    // Decided at the first look: the second one is not looked at.
    #expect(try result(wins, count: 10).n == 5)
    var lost = wins
    lost[1] = -0.001
    #expect(try result(lost, count: 5).verdict == .inconclusive)
    let second = try result(lost, count: 10)
    #expect(second.n == 10 && second.p == 1.0 / 32 + 2.0 / 1024 && second.verdict == .supported)
    #expect(second.floorP == 1.0 / 32, "no result of ten seeds is surer than that of the first five")
  }

  @Test func developmentSeedsNeverEnterAClaim() throws {
    let golden = judgedGolden(top1: [("a", plus(gains)), ("b", base)], firstSeed: 1000)
    let result = try one(judgedRecipe(superiority), golden)
    #expect(result.n == 0 && result.verdict == .inconclusive)
  }

  @Test func withoutResultsTheClaimIsNotRun() throws {
    let result = try one(judgedRecipe(superiority), nil)
    #expect(result.verdict == .notRun && result.p == 1 && result.sentence == "The small scale has not been recorded.")
  }

  @Test func primariesOfTheCatalogueShareAFalseDiscoveryRate() throws {
    let golden = judgedGolden(top1: [("a", plus(gains)), ("b", base)])
    let results = try judge.judge(judgedRecipe(superiority), golden)
    let catalogue = Judge.catalogue(results + results)
    #expect(catalogue.q == [1.0 / 256, 1.0 / 256] && catalogue.reachable == catalogue.q)
    #expect(Judge.catalogue([]).q.isEmpty)
  }

  // MARK: Bad input

  @Test func aClaimOnAMeasurementThatDoesNotExistIsNamedWithItsPlace() throws {
    let recipe = try judgedRecipe("id: x, primary: true, metric: two-way.topp1, form: superiority, better: a, than: b")
    let error = #expect(throws: ReproError.self) { try judgePlugins.checkClaims(of: recipe) }
    #expect(
      error?.description
        == "judged.yaml:11:36: two-way/v1 has no measurement 'topp1'; did you mean 'top1'?")
    #expect(throws: ReproError.self) { try judge.judge(recipe, nil) }
  }
}
