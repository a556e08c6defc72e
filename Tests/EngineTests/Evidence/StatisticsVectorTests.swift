import ReproConfig
import ReproTensor
import Testing

@testable import ReproEngine

/// `Tests/Support/vectors/statistics.json`: what scipy says.
private struct Vectors {
  let json: JSONValue

  init() throws {
    // This file is <package>/Tests/EngineTests/Evidence/StatisticsVectorTests.swift.
    var tests = Substring(#filePath)
    for _ in 0..<3 { tests = tests.prefix(upTo: tests.lastIndex(of: "/") ?? tests.startIndex) }
    json = try JSONValue(path: "\(tests)/Support/vectors/statistics.json")
  }

  func cases(_ name: String) throws -> [JSONValue] {
    let cases = try json.required(name, as: \.array, at: name)
    try #require(!cases.isEmpty)
    return cases
  }
}

extension JSONValue {
  fileprivate func number(_ name: String) throws -> Double { try required(name, as: \.double, at: name) }
  fileprivate func numbers(_ name: String) throws -> [Double] {
    try required(name, as: \.array, at: name).compactMap(\.double)
  }
}

private func isClose(_ a: Double, _ b: Double, _ tolerance: Double = 1e-12) -> Bool {
  (a - b).magnitude <= tolerance * max(1, b.magnitude)
}

/// The tests of claims against scipy 1.17.
@Suite struct StatisticsVectorTests {
  @Test func theSignFlipTestAgreesWithScipysPermutationTest() throws {
    for c in try Vectors().cases("sign_flip") {
      let d = try c.numbers("d")
      #expect(try isClose(Statistics.signFlip(d, above: c.number("threshold")), c.number("p")), "\(d)")
    }
  }

  @Test func thePairedTTestAndItsIntervalAgreeWithScipy() throws {
    for c in try Vectors().cases("paired_t") {
      let d = try c.numbers("d")
      #expect(try isClose(Statistics.pairedT(d, above: c.number("threshold")), c.number("p"), 1e-11))
      let interval = Statistics.tInterval(d)
      #expect(try isClose(interval.low, c.number("low"), 1e-11) && isClose(interval.high, c.number("high"), 1e-11))
    }
  }

  @Test func pagesTrendTestAgreesWithScipysExactDistribution() throws {
    for c in try Vectors().cases("page") {
      let rows = try c.required("rows", as: \.array, at: "page").map { ($0.array ?? []).compactMap(\.double) }
      let test = Statistics.pageTrend(rows)
      #expect(try isClose(test.statistic, c.number("l")))
      #expect(try isClose(test.p, c.number("p"), 1e-11) && isClose(test.pOpposite, c.number("opposite"), 1e-11))
    }
  }

  @Test func spearmansCorrelationAgreesWithScipyTiesIncluded() throws {
    for c in try Vectors().cases("spearman") {
      let test = Statistics.spearman(try c.numbers("x"), try c.numbers("y"))
      #expect(try isClose(test.statistic, c.number("rho")) && isClose(test.p, c.number("p"), 1e-11))
    }
  }

  @Test func theIncompleteBetaFunctionHasTwelveDigits() throws {
    for c in try Vectors().cases("incomplete_beta") {
      let (x, a, b) = (try c.number("x"), try c.number("a"), try c.number("b"))
      let (found, expected) = (Statistics.incompleteBeta(x, a, b), try c.number("value"))
      #expect((found - expected).magnitude <= 1e-12 * expected, "I_\(x)(\(a), \(b)) = \(found), not \(expected)")
    }
  }

  @Test func quantilesOfTAndTheNormalAgreeWithScipy() throws {
    for c in try Vectors().cases("student") {
      let found = Statistics.studentQuantile(try c.number("probability"), freedom: try c.number("freedom"))
      #expect(try isClose(found, c.number("value"), 1e-9))
    }
    for c in try Vectors().cases("normal") {
      #expect(try isClose(Statistics.normalQuantile(c.number("probability")), c.number("value"), 1e-9))
    }
  }

  @Test func benjaminiAndHochbergsAdjustmentAgreesWithScipy() throws {
    for c in try Vectors().cases("benjamini_hochberg") {
      let (found, expected) = (Statistics.benjaminiHochberg(try c.numbers("p")), try c.numbers("q"))
      #expect(found.count == expected.count && zip(found, expected).allSatisfy { isClose($0, $1) })
    }
  }

  /// Both are drawn: a bound of 10,000 resamples has a standard error of about 2 % of the interval's width.
  @Test func theBootstrapIntervalAgreesWithScipysWithinTheErrorOfResampling() throws {
    for c in try Vectors().cases("bca") {
      let found = Statistics.bca(try c.numbers("d"), random: RandomStream(seed: 5))
      let (low, high) = (try c.number("low"), try c.number("high"))
      #expect((found.low - low).magnitude < 0.05 * (high - low) && (found.high - high).magnitude < 0.05 * (high - low))
    }
  }
}
