import ReproConfig
import ReproData

/// A look at the evaluation seeds of a recipe's small scale: with which plan, options and code, at which seeds.
public struct Look: Sendable, Equatable {
  public var planSHA256: String
  /// The bits of the tiny scale; empty if they are not known.
  public var tinySHA256: String
  /// Each arm's resolved recipe.
  public var recipes: [Golden.Digest]
  public var seeds: [UInt64]

  public init(planSHA256: String, tinySHA256: String, recipes: [Golden.Digest], seeds: [UInt64]) {
    (self.planSHA256, self.tinySHA256, self.recipes, self.seeds) = (planSHA256, tinySHA256, recipes, seeds)
  }

  /// The look of a sweep over cells; seeds for development are none.
  public init(planSHA256: String, tinySHA256: String, cells: [(id: CellID, recipe: ResolvedRecipe)]) {
    self.init(planSHA256: planSHA256, tinySHA256: tinySHA256, recipes: [], seeds: [])
    for (id, recipe) in cells {
      if !recipes.contains(where: { $0.name == id.arm }) {
        recipes.append(Golden.Digest(name: id.arm, sha256: SHA256.hex(of: recipe.canonical)))
      }
      if !seeds.contains(id.seed) && id.seed < Recipe.firstDevelopmentSeed { seeds.append(id.seed) }
    }
  }

  /// Whether plan, options and code are the same, so that looking again shows nothing new.
  public func isRepeated(by other: Look) -> Bool {
    !tinySHA256.isEmpty && planSHA256 == other.planSHA256 && tinySHA256 == other.tinySHA256 && recipes == other.recipes
  }
}

extension Golden {
  /// What the recorded small results looked at; nil without any.
  public var recordedLook: Look? {
    results[.small].map { results in
      Look(
        planSHA256: results.planSHA256, tinySHA256: results.tinySHA256, recipes: results.recipes,
        seeds: history.last { $0.scale == .small }?.seeds ?? [])
    }
  }
}

extension Golden {
  /// Writes looks that were taken and not recorded into the history, before the one that is.
  ///
  /// - Parameter number: the number of the look that is recorded.
  public mutating func recordLooks(_ looks: [Look], before number: Int, commit: String) {
    for (place, look) in looks.enumerated() {
      history.append(
        Event(
          scale: .small, because: "looked at and not recorded", commit: commit,
          attempt: number - looks.count + place, seeds: look.seeds))
    }
  }

  /// Keeps what the recorded small results say about the claims, so that a lost one is noticed.
  public mutating func recordVerdicts(_ claims: [ClaimResult]) {
    results[.small]?.verdicts = claims.map { Judged(claim: $0.claim, verdict: $0.verdict, p: $0.attemptP) }
  }
}

/// The looks at evaluation seeds that were taken with these runs and are not in a golden yet: `looks.json`.
///
/// Who looks, changes something and looks at the same seeds again chooses among results. So a changed plan, recipe or
/// code takes seeds that nobody has looked at, or shows a test of the bug that it repairs; and every look counts.
public struct LookLedger: Sendable {
  public let path: String
  public private(set) var looks: [Look]

  /// Reads the ledger of a recipe's runs.
  ///
  /// - Parameter folder: where the runs of the scale are.
  /// - Throws: `ReproError`, domain data: edited or damaged.
  public init(folder: String) throws {
    path = folder + "/looks.json"
    looks = []
    guard SafeFile.exists(path) else { return }
    let json = try JSONValue(path: path)
    try json.checkSeal(at: path, hint: "looks that are not recorded must stay countable")
    for item in try json.required("looks", as: \.array, at: path) { looks.append(try Look(item, at: path)) }
  }

  /// Adds a look, unless it repeats one that stands there; a later look of the same kind may have seen more seeds.
  public mutating func add(_ look: Look) throws {
    if let at = looks.firstIndex(where: { $0 == look || $0.isRepeated(by: look) }) {
      let more = look.seeds.filter { !looks[at].seeds.contains($0) }
      if more.isEmpty { return }
      looks[at].seeds += more
    } else {
      looks.append(look)
    }
    try write()
  }

  /// Forgets all looks: a golden has taken them over.
  public mutating func clear() throws {
    looks = []
    try write()
  }

  /// Which look a new one is, and the looks before it that no golden has.
  ///
  /// - Parameters:
  ///   - look: what is to be recorded.
  ///   - golden: the recipe's golden so far.
  ///   - provenBug: the test, committed with the repair, that failed before it; nil if nothing of that kind is claimed.
  /// - Returns: the number of the look, from 1, and those that were taken since the golden and not recorded.
  /// - Throws: `ReproError`, domain usage: something changed, and the seeds have been looked at before.
  public func attempt(
    for look: Look, after golden: Golden?, provenBug: String?
  ) throws(ReproError) -> (number: Int, unrecorded: [Look]) {
    let recorded = golden?.recordedLook
    let unrecorded = looks.filter { other in
      !other.isRepeated(by: look) && !(recorded.map { $0.isRepeated(by: other) } ?? false)
    }
    if let recorded, recorded.isRepeated(by: look), unrecorded.isEmpty { return (golden?.attempts ?? 1, []) }
    var used: [UInt64] = unrecorded.flatMap(\.seeds)
    for event in golden?.history ?? [] where event.scale == .small { used += event.seeds }
    let again = look.seeds.filter { used.contains($0) }
    if provenBug == nil, !again.isEmpty {
      let first = 1 + (used + look.seeds).reduce(0) { $1 < Recipe.firstDevelopmentSeed ? max($0, $1) : $0 }
      let next = (0..<UInt64(look.seeds.count)).map { "\(first + $0)" }.joined(separator: ", ")
      throw ReproError(
        .usage, at: "seeds",
        found: "\(listed(again)) were looked at before, and \(change(recorded, look)) changed since",
        expected: "the next block of unused seeds",
        hint: "set seeds: [\(next)] in scales.small; or, if a bug was repaired, name the test that shows it: "
          + "--proven-bug TEST")
    }
    let before = golden?.history.contains { $0.scale == .small } == true ? golden?.attempts ?? 1 : 0
    return (before + unrecorded.count + 1, unrecorded)
  }

  private func change(_ recorded: Look?, _ look: Look) -> String {
    let earlier = recorded ?? looks.first { !$0.isRepeated(by: look) }
    guard let earlier else { return "something" }
    if earlier.planSHA256 != look.planSHA256 { return "the plan" }
    return earlier.recipes != look.recipes && !earlier.recipes.isEmpty ? "the recipe" : "the code"
  }

  private func listed(_ seeds: [UInt64]) -> String { seeds.map { "\($0)" }.joined(separator: ", ") }

  private func write() throws {
    let json: JSONValue = ["looks": .array(looks.map(\.json))]
    try SafeFile.write(path, text: try json.sealed().text(pretty: true))
  }
}

extension Look {
  fileprivate init(_ json: JSONValue, at path: String) throws(ReproError) {
    planSHA256 = try json.required("plan_sha256", as: \.string, at: path)
    tinySHA256 = try json.required("tiny_sha256", as: \.string, at: path)
    recipes = try json.required("recipe_sha256", as: \.members, at: path).map {
      Golden.Digest(name: $0.name, sha256: $0.value.string ?? "")
    }
    seeds = try json.required("seeds", as: \.array, at: path).compactMap { $0.int.map { UInt64(max(0, $0)) } }
  }

  fileprivate var json: JSONValue {
    [
      "plan_sha256": .string(planSHA256), "tiny_sha256": .string(tinySHA256),
      "recipe_sha256": .object(recipes.map { JSONValue.Member($0.name, .string($0.sha256)) }),
      "seeds": .array(seeds.map { .int(Int($0)) }),
    ]
  }
}
