import ReproConfig
import ReproData
import ReproEngine

/// One line of the catalogue: a recipe with its main claim, what the paper reports and what was measured here.
struct CatalogueRow {
  let entry: Registry.Entry
  /// The method's page; nil if the program was compiled without it.
  let card: MethodCard?
  /// nil for a paper without recipes.
  let recipe: RecipeCatalog.Entry?
  /// The primary claim, else the first one.
  private(set) var claim: Claim?
  /// The paper's number for this claim.
  private(set) var reported: Reported?
  /// nil if the small scale has not been recorded.
  private(set) var measured: Measured?
  /// What became of the claim.
  private(set) var result: ClaimResult?
  /// Whether the recorded small scale still belongs to the code.
  private(set) var staleness = Staleness.notRecorded
  /// Why the recipe or its golden cannot be read.
  private(set) var problem: ReproError?

  /// Means over the seeds of the arms that a claim compares, at small scale.
  struct Measured {
    /// In the order of `Claim.arms`; nil for an arm in which a seed diverged or was not run.
    let means: [(arm: String, mean: Double?)]
    let seeds: Int
  }

  /// - Parameter item: what was recorded for the recipe; nil for a paper without recipes. Whether every arm resolves is
  ///   for `show`, `run` and the tests to find out: a list of hundreds stays quick.
  init(_ entry: Registry.Entry, _ item: RecordedEvidence.Item?, _ plugins: Plugins) {
    self.entry = entry
    recipe = item?.entry
    card = plugins.methods.first { $0.card.id == entry.id }?.card
    guard let item else { return }
    (problem, staleness) = (item.problem, item.staleness)
    guard let content = item.recipe else { return }
    claim = content.claims.first(where: \.isPrimary) ?? content.claims.first
    guard let claim else { return }
    reported = content.reported.first { $0.claim == claim.id }
    result = item.claims.first { $0.claim == claim.id }
    measured = item.golden?.results[.small].map { Measured(claim, $0) }
  }

  /// The rows of one paper, one for each recipe; one without a recipe if it has none.
  static func of(_ paper: CataloguePapers.Paper, in catalogue: RecipeCatalog, _ plugins: Plugins) -> [CatalogueRow] {
    if paper.recipes.isEmpty { return [CatalogueRow(paper.entry, nil, plugins)] }
    let evidence = RecordedEvidence(paper.recipes, in: catalogue, plugins: plugins)
    return evidence.items.map { CatalogueRow(paper.entry, $0, plugins) }
  }

  /// All rows: paper by paper as in the registries, recipe by recipe.
  ///
  /// - Returns: the rows, and what is wrong with the registries without keeping anybody from reading them.
  static func all(roots: [String], plugins: Plugins) throws(ReproError) -> (
    rows: [CatalogueRow], problems: [ReproError]
  ) {
    let all = try CataloguePapers(roots: roots)
    let rows = all.papers.flatMap { of($0, in: all.catalogue, plugins) }
    return (rows, all.problems + rows.compactMap(\.problem))
  }
}

/// The papers of all registries, with the recipes that stand in their folders.
struct CataloguePapers {
  struct Paper {
    let entry: Registry.Entry
    let recipes: [RecipeCatalog.Entry]
    /// The registry that names it.
    let registry: String
  }

  let catalogue: RecipeCatalog
  private(set) var papers: [Paper] = []
  /// What is wrong with the registries without keeping anybody from reading them.
  private(set) var problems: [ReproError] = []

  init(roots: [String]) throws(ReproError) {
    catalogue = try RecipeCatalog(roots: roots)
    var seen: Set<String> = []
    for root in roots where seen.insert(root).inserted {
      let path = root + "/registry.yaml"
      let registry = try Registry(path: path, displayed: RecipeCatalog.displayed(path))
      let files = catalogue.entries.filter { $0.root == RecipeCatalog.resolved(root) }
      do throws(ReproError) { try registry.check(recipes: files) } catch { problems.append(error) }
      papers += registry.entries.map { entry in
        Paper(entry: entry, recipes: files.filter { $0.paper == entry.id }, registry: path)
      }
    }
  }
}

extension CatalogueRow.Measured {
  init(_ claim: Claim, _ golden: Golden.Results) {
    var fewest = Int.max
    means = claim.arms.map { arm in
      let cells = golden.cells.filter { $0.arm == arm }
      let values = cells.compactMap { cell in
        cell.measurements.first { $0.name == "\(claim.metric)" }.map(\.value)
      }
      fewest = min(fewest, values.count)
      guard !values.isEmpty, values.count == cells.count else { return (arm, nil) }
      return (arm, values.reduce(0, +) / Double(values.count))
    }
    seeds = means.isEmpty ? 0 : fewest
  }
}

// MARK: - In words

extension CatalogueRow {
  var year: String { card.map { "\($0.year)" } ?? "-" }

  /// `0.471 vs 0.442`; a star for numbers that nobody has looked up.
  var reportedText: String {
    guard let reported, let value = reported.value else { return "-" }
    let unit = reported.unit.map { " \($0)" } ?? ""
    let rival = reported.baselineValue.map { " vs \($0)\(unit)" } ?? ""
    return "\(value)\(unit)\(rival)" + (reported.isVerified ? "" : "*")
  }

  /// `0.312 vs 0.287`, or `not run`.
  var measuredText: String {
    guard let claim, let measured else { return "not run" }
    func text(_ value: Double?) -> String { value.map { decimals($0, 3) } ?? "diverged" }
    let values = measured.means.map(\.mean)
    switch claim.form {
    case .trend, .rankCorrelation: return values.map(text).joined(separator: ", ")
    case .largerGain(let gain, let other, _):
      func mean(_ arm: String) -> Double? { measured.means.first { $0.arm == arm }?.mean }
      func difference(_ gain: Claim.Gain) -> Double? {
        mean(gain.better).flatMap { a in mean(gain.than).map { a - $0 } }
      }
      return "gain \(text(difference(gain))) vs \(text(difference(other)))"
    default: return text(values.first ?? nil) + " vs " + values.dropFirst().map(text).joined(separator: ", ")
    }
  }

  /// `SUPPORTED`, `NOT SUPPORTED, STALE`, or a dash without a claim or results.
  var verdictText: String {
    guard let result, result.verdict != .notRun else { return "-" }
    return result.verdict.rawValue + (staleness.isStale ? ", STALE" : "")
  }

  /// Says what the star means, under a table of which a `reportedText` has one.
  static func footnote(_ reported: [String]) -> String? {
    reported.contains { $0.hasSuffix("*") } ? "* from memory, not looked up in the paper" : nil
  }

  var json: JSONValue {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    var object: JSONValue = [
      "paper": .string(entry.id), "title": text(card?.title), "year": card.map { .int($0.year) } ?? .null,
      "arxiv": text(entry.arxiv.isEmpty ? nil : entry.arxiv), "family": .string(entry.family.rawValue),
      "type": .string(entry.type), "recipe": text(recipe?.recipe), "status": .string(entry.status.rawValue),
      "why": text(entry.why.isEmpty ? nil : entry.why),
    ]
    object["claim"] =
      claim.map {
        [
          "id": .string($0.id), "statement": .string($0.statement), "metric": .string("\($0.metric)"),
          "primary": .bool($0.isPrimary),
        ]
      } ?? .null
    object["reported"] = reported?.json ?? .null
    object["measured"] =
      measured.map { m in
        [
          "seeds": .int(m.seeds),
          "arms": .array(m.means.map { ["arm": .string($0.arm), "mean": $0.mean.map { .double($0) } ?? .null] }),
        ]
      } ?? .null
    object["verdict"] = text(result.flatMap { $0.verdict == .notRun ? nil : $0.verdict.rawValue })
    object["stale"] = .bool(staleness.isStale)
    if let problem { object["problem"] = .string("\(problem)") }
    return object
  }
}
