import ReproConfig

/// Judges the claims of recipes from recorded results.
public struct Judge: Sendable {
  /// Who knows which way a metric improves.
  public let plugins: Plugins

  public init(_ plugins: Plugins) { self.plugins = plugins }

  /// A recipe and its golden; nil before anything was recorded.
  public struct Record: Sendable {
    public var recipe: Recipe
    public var golden: Golden?
    public init(_ recipe: Recipe, _ golden: Golden?) { (self.recipe, self.golden) = (recipe, golden) }
  }

  /// Judges the claims of one recipe as if it were the only one of its paper.
  ///
  /// - Throws: `ReproError`, domain usage: a claim names a measurement that its evaluation does not make.
  public func judge(_ recipe: Recipe, _ golden: Golden?) throws(ReproError) -> [ClaimResult] {
    try judge(paper: [Record(recipe, golden)])
  }

  /// Judges the claims of all recipes of a paper: its secondary claims are adjusted together.
  ///
  /// - Parameter paper: recipes of one paper.
  /// - Returns: recipe by recipe, the claims in the order of the files.
  public func judge(paper records: [Record]) throws(ReproError) -> [ClaimResult] {
    var results: [ClaimResult] = []
    for record in records {
      for claim in record.recipe.claims { results.append(try evidence(for: claim, in: record)) }
    }
    adjust(&results)
    return results
  }

  /// The primary claims of many papers as one family.
  public struct Catalogue: Sendable {
    /// The primary claims that were run, in their order.
    public var primaries: [ClaimResult]
    /// The false discovery rate at which each one is a discovery (Benjamini and Hochberg).
    public var q: [Double]
    /// The smallest q that each one could have reached with its seeds, the others being what they are.
    public var reachable: [Double]
  }

  /// Benjamini and Hochberg over the primary claims of a catalogue.
  ///
  /// - Parameter results: all claims of all papers.
  public static func catalogue(_ results: [ClaimResult]) -> Catalogue {
    let primaries = results.filter { $0.isPrimary && $0.verdict != .notRun }
    let p = primaries.map(\.attemptP)
    return Catalogue(
      primaries: primaries, q: Statistics.benjaminiHochberg(p),
      reachable: Statistics.smallestReachableQ(p, floors: primaries.map(\.floorP)))
  }

  // MARK: From numbers to p

  private func evidence(for claim: Claim, in record: Record) throws(ReproError) -> ClaimResult {
    let recipe = record.recipe
    var result = ClaimResult(
      paper: recipe.paper, recipe: recipe.id, claim: claim.id, statement: claim.statement, isPrimary: claim.isPrimary,
      isExploratory: claim.isExploratory, metric: claim.metric, delta: claim.delta, plannedSeeds: claim.seeds,
      comparisons: [], deciding: 0, attempts: max(claim.attempt, record.golden?.attempts ?? 1), p: 1, attemptP: 1,
      adjustedP: 1, adjustedPBelowDelta: 1, adjustedPOpposite: 1, verdict: .notRun, sentence: "", problems: [],
      smallestP: 1)
    let table = try MeasurementTable(claim, record, plugins)
    guard let results = record.golden?.results[.small] else { return result }
    let whole = table.comparisons(results, seeds: table.seeds(in: results, upTo: claim.extendTo ?? claim.seeds))
    var (p, below, opposite, smallest) = combined(whole.comparisons)
    if let more = claim.extendTo, more > claim.seeds {
      let first = table.comparisons(results, seeds: table.seeds(in: results, upTo: claim.seeds))
      let early = combined(first.comparisons)
      let hasSecond = whole.comparisons.contains { $0.differences.count > claim.seeds }
      let decided = [early.p, early.below].contains { $0 <= Statistics.firstLookLevel }
      // Whoever has decided at the first look takes no second one, whatever it would say.
      (result.comparisons, result.problems) = decided || !hasSecond ? first : whole
      p = Statistics.twoLooks(first: early.p, second: hasSecond && !decided ? p : nil)
      below = Statistics.twoLooks(first: early.below, second: hasSecond && !decided ? below : nil)
      opposite = Statistics.twoLooks(first: early.opposite, second: hasSecond && !decided ? opposite : nil)
      smallest = Statistics.twoLooks(first: early.smallest, second: hasSecond ? smallest : nil)
    } else {
      (result.comparisons, result.problems) = whole
    }
    result.deciding = result.comparisons.indices.max { result.comparisons[$0].p < result.comparisons[$1].p } ?? 0
    (result.p, result.smallestP) = (p, smallest)
    result.attemptP = Statistics.afterAttempts(p, result.attempts)
    result.adjustedP = result.attemptP
    result.adjustedPBelowDelta = Statistics.afterAttempts(below, result.attempts)
    result.adjustedPOpposite = Statistics.afterAttempts(opposite, result.attempts)
    result.verdict = .inconclusive
    return result
  }

  /// The claim holds if all its comparisons do: the largest p. It fails if one of them does, so the smallest p of
  /// "below delta" and of the opposite is paid for with the number of comparisons.
  private func combined(
    _ all: [Comparison]
  ) -> (p: Double, below: Double, opposite: Double, smallest: Double) {
    let count = Double(all.count)
    func any(_ p: KeyPath<Comparison, Double>) -> Double { min(1, count * (all.map { $0[keyPath: p] }.min() ?? 1)) }
    return (all.map(\.p).max() ?? 1, any(\.pBelowDelta), any(\.pOpposite), all.map(\.smallestP).max() ?? 1)
  }

  // MARK: From p to verdicts

  /// Adjusts the secondary claims of a paper by Holm's method and says what became of every claim.
  private func adjust(_ results: inout [ClaimResult]) {
    // A claim that was not run counts: who leaves one out must not make the others easier.
    let secondary = results.indices.filter { !results[$0].isPrimary && !results[$0].isExploratory }
    for key in [\ClaimResult.adjustedP, \.adjustedPBelowDelta, \.adjustedPOpposite] {
      let adjusted = Statistics.holm(secondary.map { results[$0][keyPath: key] })
      for (place, index) in secondary.enumerated() { results[index][keyPath: key] = adjusted[place] }
    }
    for index in results.indices {
      results[index].verdict = Judge.verdict(results[index])
      results[index].sentence = results[index].words
    }
  }

  static func verdict(_ result: ClaimResult) -> Verdict {
    if result.verdict == .notRun { return .notRun }
    if result.isExploratory { return .exploratory }
    // Fewer seeds than planned are a problem, too, so that stopping early gains nothing.
    if !result.problems.isEmpty || result.n < 5 { return .inconclusive }
    if result.adjustedP < Statistics.level {
      guard let delta = result.delta else { return .supported }
      let matters: [Comparison.Kind] = [.superiority, .largerGain, .trend, .rankCorrelation]
      let effects = result.comparisons.filter { matters.contains($0.kind) && $0.metric == result.metric }.map(\.mean)
      return effects.allSatisfy { $0 >= delta } ? .supported : .supportedSmall
    }
    if result.adjustedPOpposite < Statistics.level { return .reversed }
    return result.adjustedPBelowDelta < Statistics.level ? .notSupported : .inconclusive
  }
}
