import ReproConfig

extension Plugins {
  /// What a metric of a claim measures: unit, direction, decimals.
  ///
  /// - Throws: `ReproError`, domain usage, with the place where the recipe names a measurement that does not exist.
  public func measurement(_ metric: MetricName, in cell: ResolvedRecipe) throws(ReproError) -> MeasurementSpec {
    guard let plan = cell.evaluations.first(where: { $0.name == metric.evaluation }) else {
      throw ReproError(
        .usage, at: "\(metric.mark)",
        found: "\(metric) names an evaluation that scale \(cell.scale.rawValue) does not run")
    }
    let specs = try makeEvaluation(plan).measurements
    if let spec = specs.first(where: { $0.name == metric.measurement }) { return spec }
    let known = specs.map(\.name)
    throw ReproError(
      .usage, at: "\(metric.mark)", found: "\(plan.type) has no measurement '\(clipped(metric.measurement))'",
      hint: suggestion(for: metric.measurement, among: known) ?? "it measures \(known.joined(separator: ", "))")
  }

  /// Checks that all metrics of a recipe's claims and sanity floors are measured by their evaluations.
  public func checkClaims(of recipe: Recipe) throws(ReproError) {
    guard recipe.scales.contains(.small) else { return }
    let cell = try recipe.resolve(scale: .small, arm: recipe.arms[0].name)
    for metric in recipe.claims.flatMap(\.metrics) + recipe.sanity.map(\.metric) {
      _ = try measurement(metric, in: cell)
    }
  }
}

/// The numbers of a claim's arms, seed by seed, and the comparisons that the claim asks for.
struct MeasurementTable {
  private let claim: Claim
  private let specs: [MetricName: MeasurementSpec]
  private let planned: [UInt64]

  init(_ claim: Claim, _ record: Judge.Record, _ plugins: Plugins) throws(ReproError) {
    self.claim = claim
    let cell = try record.recipe.resolve(scale: .small, arm: record.recipe.arms[0].name)
    var specs: [MetricName: MeasurementSpec] = [:]
    for metric in claim.metrics { specs[metric] = try plugins.measurement(metric, in: cell) }
    (self.specs, planned) = (specs, cell.seeds)
  }

  /// The seeds that are judged: the planned ones, or those of results that were recorded under another plan (which are
  /// stale). Seeds for development never are.
  func seeds(in results: Golden.Results, upTo count: Int) -> [UInt64] {
    var recorded: [UInt64] = []
    for cell in results.cells where !recorded.contains(cell.seed) && cell.seed < Recipe.firstDevelopmentSeed {
      recorded.append(cell.seed)
    }
    let isPlanned = planned.contains { recorded.contains($0) }
    return Array((isPlanned ? planned + recorded.filter { !planned.contains($0) } : recorded).prefix(count))
  }

  /// - Returns: every comparison that must hold, and what is wrong with the runs.
  func comparisons(_ results: Golden.Results, seeds: [UInt64]) -> (comparisons: [Comparison], problems: [String]) {
    var problems: [String] = []
    for arm in claim.arms {
      let cells = seeds.map { seed in results.cells.first { $0.arm == arm && $0.seed == seed } }
      let missing = zip(seeds, cells).filter { $0.1 == nil }.map { "\($0.0)" }
      if !missing.isEmpty { problems.append("\(arm) was not run with seed \(missing.joined(separator: ", "))") }
      let lost = zip(seeds, cells).filter { _, cell in
        cell.map { cell in claim.metrics.contains { !MeasurementTable.isMeasured($0, cell) } } ?? false
      }
      if !lost.isEmpty {
        problems.append("\(arm) diverged with seed \(lost.map { "\($0.0)" }.joined(separator: ", "))")
      }
    }
    if seeds.count < claim.seeds { problems.append("\(seeds.count) of \(claim.seeds) planned seeds were recorded") }
    return (tests(results, seeds), problems)
  }

  private static func isMeasured(_ metric: MetricName, _ cell: Golden.Cell) -> Bool {
    cell.status == .finished && cell.value(metric)?.isFinite == true
  }

  private func tests(_ results: Golden.Results, _ seeds: [UInt64]) -> [Comparison] {
    switch claim.form {
    case .superiority(let better, let than, let margin, let rule):
      let gains = than.map { pair(.superiority, better, $0, claim.metric, margin, results, seeds) }
      guard let rule else { return gains }
      return gains + than.map { pair(.nonInferiority, better, $0, rule.metric, rule.margin, results, seeds) }
    case .nonInferiority(let better, let than, let margin):
      return [pair(.nonInferiority, better, than, claim.metric, margin, results, seeds)]
    case .equivalence(let better, let than, let margin):
      return [pair(.equivalence, better, than, claim.metric, margin, results, seeds)]
    case .largerGain(let gain, let other, let margin):
      let arms = claim.arms.map { values($0, claim.metric, results, seeds) }
      func value(_ arm: String, _ seed: UInt64) -> Double? {
        arms.first { $0.arm == arm }?.values.first { $0.seed == seed }?.value
      }
      let sign = sign(of: claim.metric)
      let found = seeds.compactMap { seed -> (UInt64, Double)? in
        guard let a = value(gain.better, seed), let b = value(gain.than, seed), let c = value(other.better, seed),
          let d = value(other.than, seed)
        else { return nil }
        return (seed, sign * ((a - b) - (c - d)))
      }
      let label = "(\(gain.better) - \(gain.than)) - (\(other.better) - \(other.than))"
      return [
        Comparison(
          .largerGain, label, of: scale(claim.metric), margin: margin, seeds: found.map(\.0),
          differences: found.map(\.1), arms: arms)
      ]
    case .trend(let levels): return [trend(levels, results, seeds)]
    case .rankCorrelation(let names, let other): return [correlation(names, other, results, seeds)]
    }
  }

  private func pair(
    _ kind: Comparison.Kind, _ better: String, _ than: String, _ metric: MetricName, _ margin: Double,
    _ results: Golden.Results, _ seeds: [UInt64]
  ) -> Comparison {
    let arms = [better, than].map { values($0, metric, results, seeds) }
    let sign = sign(of: metric)
    let found = rows(arms, seeds).map { (seed: $0.seed, difference: sign * ($0.values[0] - $0.values[1])) }
    return Comparison(
      kind, "\(better) - \(than)", of: scale(metric), margin: margin, seeds: found.map(\.seed),
      differences: found.map(\.difference), arms: arms)
  }

  private func trend(_ levels: [String], _ results: Golden.Results, _ seeds: [UInt64]) -> Comparison {
    let arms = levels.map { values($0, claim.metric, results, seeds) }
    let sign = sign(of: claim.metric)
    let rows = rows(arms, seeds).map { (seed: $0.seed, values: $0.values.map { sign * $0 }) }
    let test =
      rows.isEmpty
      ? Statistics.RankTest(statistic: 0, p: 1, pOpposite: 1, smallest: 1) : Statistics.pageTrend(rows.map(\.values))
    return Comparison(
      ranks: test, .trend, "\(levels[levels.count - 1]) - \(levels[0])", of: scale(claim.metric),
      seeds: rows.map(\.seed), differences: rows.map { $0.values[levels.count - 1] - $0.values[0] }, arms: arms)
  }

  private func correlation(
    _ names: [String], _ other: MetricName, _ results: Golden.Results, _ seeds: [UInt64]
  ) -> Comparison {
    let (mine, theirs) = (sign(of: claim.metric), sign(of: other))
    let arms = names.map { values($0, claim.metric, results, seeds) }
    let x = rows(arms, seeds)
    let y = rows(names.map { values($0, other, results, seeds) }, seeds)
    let pairs = x.compactMap { row in
      y.first { $0.seed == row.seed }.map { found in
        (seed: row.seed, x: row.values.map { mine * $0 }, y: found.values.map { theirs * $0 })
      }
    }
    let test =
      pairs.isEmpty
      ? Statistics.RankTest(statistic: 0, p: 1, pOpposite: 1, smallest: 1)
      : Statistics.rankCorrelation(pairs.map { (x: $0.x, y: $0.y) })
    var scale = scale(claim.metric)
    (scale.spec.unit, scale.spec.decimals) = ("rank correlation", 3)
    return Comparison(
      ranks: test, .rankCorrelation, "rho with \(other)", of: scale, seeds: pairs.map(\.seed),
      differences: pairs.map { Statistics.rho($0.x, $0.y) }, arms: arms)
  }

  // MARK: Values

  private func spec(_ metric: MetricName) -> MeasurementSpec {
    specs[metric] ?? MeasurementSpec(metric.measurement, unit: "")
  }

  private func sign(of metric: MetricName) -> Double { spec(metric).isHigherBetter ? 1 : -1 }

  private func scale(_ metric: MetricName) -> Comparison.Scale {
    Comparison.Scale(metric: metric, spec: spec(metric), delta: metric == claim.metric ? claim.delta : nil)
  }

  private func values(
    _ arm: String, _ metric: MetricName, _ results: Golden.Results, _ seeds: [UInt64]
  ) -> Comparison.ArmValues {
    Comparison.ArmValues(
      arm: arm,
      values: seeds.compactMap { seed in
        guard let cell = results.cells.first(where: { $0.arm == arm && $0.seed == seed }) else { return nil }
        let isMeasured = MeasurementTable.isMeasured(metric, cell)
        guard let value = isMeasured ? cell.value(metric) : worst(metric, results) else { return nil }
        return Comparison.SeedValue(seed: seed, value: value, diverged: !isMeasured)
      })
  }

  /// The value of a run that diverged: the worst of any arm and seed, and where more is better not above zero, which is
  /// the worst that accuracies and overlaps can be.
  private func worst(_ metric: MetricName, _ results: Golden.Results) -> Double? {
    let all = results.cells.filter { MeasurementTable.isMeasured(metric, $0) }.compactMap { $0.value(metric) }
    return spec(metric).isHigherBetter ? all.min().map { min(0, $0) } : all.max()
  }

  /// The seeds for which every arm has a value.
  private func rows(_ arms: [Comparison.ArmValues], _ seeds: [UInt64]) -> [(seed: UInt64, values: [Double])] {
    seeds.compactMap { seed in
      let values = arms.compactMap { arm in arm.values.first { $0.seed == seed }?.value }
      return values.count == arms.count ? (seed, values) : nil
    }
  }
}
