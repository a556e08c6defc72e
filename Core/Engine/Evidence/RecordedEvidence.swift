import ReproConfig
import ReproData

/// Everything that was recorded for a paper, read and judged without running anything.
public struct RecordedEvidence: Sendable {
  /// A recipe with what is known about it.
  public struct Item: Sendable {
    public var entry: RecipeCatalog.Entry
    public var recipe: Recipe?
    public var golden: Golden?
    /// Of the small results.
    public var staleness: Staleness
    /// The recipe's claims in the order of the file.
    public var claims: [ClaimResult]
    /// Why the recipe or its golden cannot be read, or a claim cannot be judged.
    public var problem: ReproError?
  }

  public var items: [Item]
  public var claims: [ClaimResult] { items.flatMap(\.claims) }

  /// Reads the recipes and goldens of one paper. What cannot be read stands in `problem`, and its claims count as not
  /// run.
  ///
  /// - Parameters:
  ///   - entries: recipes of one paper.
  ///   - replacing: a golden that stands for the file of its recipe, as before it is written.
  public init(
    _ entries: [RecipeCatalog.Entry], in catalogue: RecipeCatalog, plugins: Plugins, replacing fresh: Golden? = nil
  ) {
    items = entries.map { entry in
      var item = Item(entry: entry, recipe: nil, golden: nil, staleness: .notRecorded, claims: [], problem: nil)
      do {
        let recipe = try catalogue.recipe(at: entry, checkingCells: false)
        item.recipe = recipe
        if let fresh, fresh.recipe == entry.recipe {
          item.golden = fresh
        } else if SafeFile.exists(entry.golden) {
          item.golden = try Golden(path: entry.golden)
        }
        item.staleness = try Staleness(of: recipe, item.golden)
        // A claim on a measurement that does not exist must not silence the other recipes of the paper.
        try plugins.checkClaims(of: recipe)
      } catch let error as ReproError {
        item.problem = error
      } catch {
        item.problem = ReproError(.data, at: entry.golden, found: "\(error)")
      }
      return item
    }
    let whole = items.indices.filter { items[$0].recipe != nil && items[$0].problem?.domain != .usage }
    let records = whole.compactMap { i in items[i].recipe.map { Judge.Record($0, items[i].golden) } }
    guard let results = try? Judge(plugins).judge(paper: records) else { return }
    for i in whole { items[i].claims = results.filter { $0.recipe == items[i].entry.recipe } }
  }

  /// All papers of a catalogue, paper by paper.
  public static func papers(of catalogue: RecipeCatalog, plugins: Plugins) -> [RecordedEvidence] {
    var papers: [String] = []
    for entry in catalogue.entries where !papers.contains(entry.paper) { papers.append(entry.paper) }
    return papers.map { paper in
      RecordedEvidence(catalogue.entries.filter { $0.paper == paper }, in: catalogue, plugins: plugins)
    }
  }
}

/// One line of `verify --recorded`: what was looked at, and whether it still holds.
public struct EvidenceCheck: Sendable, Equatable {
  public var recipe: String
  /// `tiny`, `small`, a claim's id, or `sanity of ARM`.
  public var subject: String
  public var isGood: Bool
  /// `holds: SUPPORTED`, `LOST: ...`, `STALE: ...`, `MISSING: ...`, `DRIFTED: ...`
  public var outcome: String
}

extension EvidenceCheck {
  /// Claims that recorded results support and a rerun does not, both judged now.
  public static func lost(from recorded: Golden, to rerun: Golden, _ recipe: Recipe, _ judge: Judge) -> [EvidenceCheck]
  {
    guard let before = try? judge.judge(recipe, recorded), let after = try? judge.judge(recipe, rerun) else {
      return []
    }
    return zip(before, after).map { old, new in
      let isLost = old.verdict.isSupported && !new.verdict.isSupported
      let now = new.verdictWithP
      return EvidenceCheck(
        recipe: recipe.id, subject: new.claim, isGood: !isLost,
        outcome: isLost ? "LOST: \(now), recorded \(old.verdict.rawValue)" : "holds: \(now)")
    }
  }
}

extension RecordedEvidence.Item {
  /// What the recorded results of the recipe still say.
  public func checks(_ registry: Registry.Entry?) -> [EvidenceCheck] {
    var checks: [EvidenceCheck] = []
    func say(_ subject: String, _ isGood: Bool, _ outcome: String) {
      checks.append(EvidenceCheck(recipe: entry.recipe, subject: subject, isGood: isGood, outcome: outcome))
    }
    if let problem {
      say("-", false, "UNREADABLE: \(problem)")
      return checks
    }
    guard let recipe else { return checks }
    let run = "repro run \(entry.recipe) --scale"
    if let tiny = golden?.results[.tiny] {
      let expected = recipe.arms.count
      let arms = recipe.arms.count { arm in tiny.cells.contains { $0.arm == arm.name } }
      say("tiny", arms == expected, arms == expected ? "recorded" : "MISSING: \(arms) of \(expected) arms are recorded")
    } else {
      say("tiny", false, "MISSING: no golden; record one: \(run) tiny --record --because TEXT")
    }
    guard recipe.scales.contains(.small) else { return checks }
    guard let small = golden?.results[.small] else {
      say("small", false, "MISSING: not recorded; \(run) small --record --because TEXT")
      return checks
    }
    say("small", !staleness.isStale, staleness.words)
    for claim in claims {
      let (isGood, outcome) = verdict(claim, small.verdicts.first { $0.claim == claim.claim }, registry)
      say(claim.claim, isGood, outcome)
    }
    for floor in recipe.sanity {
      let values = small.cells.filter { $0.arm == floor.arm }.map { $0.value(floor.metric) ?? .nan }
      let mean = Statistics.mean(values)
      let holds = mean >= floor.atLeast ?? -.infinity && mean <= floor.atMost ?? .infinity
      let bound = floor.atLeast.map { "at least \($0)" } ?? floor.atMost.map { "at most \($0)" } ?? ""
      let found = "\(floor.metric) is \(Statistics.text(mean)), \(bound)"
      say("sanity of \(floor.arm)", holds, holds ? "holds: \(found)" : "BROKEN: \(found) is expected")
    }
    return checks
  }

  private func verdict(
    _ claim: ClaimResult, _ recorded: Golden.Judged?, _ registry: Registry.Entry?
  ) -> (isGood: Bool, outcome: String) {
    let now = claim.verdictWithP
    if claim.isPrimary, registry?.status == .reproduced, !claim.verdict.isSupported {
      return (false, "LOST: \(now); registry.yaml says 'reproduced'")
    }
    guard let recorded else { return (true, "\(now); recorded without a verdict") }
    if recorded.verdict.isSupported && !claim.verdict.isSupported {
      return (false, "LOST: \(now), recorded \(recorded.verdict.rawValue)")
    }
    if (recorded.p - claim.attemptP).magnitude > 1e-9 {
      return (
        false,
        "DRIFTED: p = \(Statistics.pText(claim.attemptP)), recorded \(Statistics.pText(recorded.p)) from the same numbers"
      )
    }
    return (true, "holds: \(now)")
  }
}
