import ReproConfig
import ReproData
import ReproEngine

/// What happens around a sweep whose results may become a golden: the bits of the tiny scale before it, the rules of
/// looking at evaluation seeds, the verdicts, and the golden itself.
struct Recorder {
  let entry: RecipeCatalog.Entry
  let catalogue: RecipeCatalog
  let recipe: Recipe
  let scale: Scale
  /// The folder of all runs.
  let out: String
  let provenBug: String?
  private let golden: Golden?

  init(
    entry: RecipeCatalog.Entry, catalogue: RecipeCatalog, recipe: Recipe, scale: Scale, out: String, provenBug: String?
  ) throws {
    (self.entry, self.catalogue, self.recipe, self.scale) = (entry, catalogue, recipe, scale)
    (self.out, self.provenBug) = (out, provenBug)
    golden = SafeFile.exists(entry.golden) ? try Golden(path: entry.golden) : nil
  }

  /// Runs the tiny scale, unless this program has done so before, and returns its bits: the fingerprint of the code
  /// that the sweep runs.
  ///
  /// - Parameter mustHold: whether the bits must be those of the tiny golden, as for results that are recorded.
  func tinyBits(like sweep: Sweep, mustHold: Bool) throws -> String {
    var tiny = sweep
    (tiny.scale, tiny.arms, tiny.seeds, tiny.overrides, tiny.weights) = (.tiny, recipe.arms.map(\.name), nil, [], nil)
    (tiny.profiles, tiny.keepsOtherCode, tiny.code.tiny) = (false, false, "")
    tiny.jobs = min(Program.cores, try tiny.cells().count)
    tiny.threads = max(1, Program.cores / tiny.jobs)
    let (records, failures) = try tiny.run(isQuiet: true)
    if let failure = failures.first {
      let found = "the tiny scale fails: \(failure.cell.arm)-\(failure.cell.seed): \(failure.text)"
      if mustHold || failure.code == 130 {
        throw ReproError(failure.code == 130 ? .interrupted : .verification, at: entry.recipe, found: found)
      }
      Terminal.error("\(entry.recipe): \(found); the runs will not remember the bits of their code")
      return ""
    }
    var fresh = Golden(recipe: entry.recipe)
    fresh.record(records, because: "", commit: "")
    let bits = fresh.results[.tiny]?.bitsSHA256 ?? ""
    if mustHold { try compareTiny(records, bits) }
    return bits
  }

  private func compareTiny(_ records: [RunRecord], _ bits: String) throws {
    let record = "repro run \(entry.recipe) --scale tiny --record --because TEXT"
    guard let tiny = golden?.results[.tiny] else {
      throw ReproError(
        .verification, at: entry.recipe, found: "the tiny scale is not recorded", hint: "record it first: \(record)")
    }
    if tiny.bitsSHA256 == bits { return }
    let results = Verification.compare(records, with: tiny, tolerance: 1e-3)
    if let moved = results.first(where: { !$0.outcome.isGood || tiny.fingerprint == .current }) {
      throw ReproError(
        .verification, at: entry.recipe,
        found: "the tiny scale is no longer what was recorded: \(moved.arm)-\(moved.seed): "
          + VerifyCommand.words(moved.outcome), hint: "record it first: \(record)")
    }
    Terminal.error("\(entry.recipe): the tiny golden is of another machine; it agrees within tolerance, not in bits")
  }

  /// The look at evaluation seeds that the sweep is; nil for sweeps that judge nothing.
  ///
  /// - Parameters:
  ///   - isPlanned: whether the recipe runs as it stands in its file.
  ///   - mustBeAllowed: whether a look that the rules forbid ends the program before it is taken; else it is said only.
  func look(of sweep: Sweep, isPlanned: Bool, mustBeAllowed: Bool) throws -> Look? {
    guard scale == .small, !recipe.claims.isEmpty else { return nil }
    // A part of the arms is a look at the plan of all of them.
    var whole = sweep
    whole.arms = recipe.arms.map(\.name)
    let look = Look(
      planSHA256: SHA256.hex(of: try recipe.plan()), tinySHA256: identity(of: sweep.code.tiny),
      cells: try whole.cells())
    if look.seeds.isEmpty { return nil }
    guard isPlanned else {
      Terminal.error("changed options are tried on seeds 1000 to 1009 (--seeds 1000-1009): seeds below judge claims")
      return nil
    }
    do {
      _ = try ledger().attempt(for: look, after: golden, provenBug: provenBug)
    } catch {
      if mustBeAllowed { throw error }
      Terminal.error("\(error)")
    }
    return look
  }

  /// The bits that stand for the code: those of the golden, if they were made on another machine.
  private func identity(of bits: String) -> String {
    golden?.results[.tiny].map { $0.fingerprint == .current ? bits : $0.bitsSHA256 } ?? bits
  }

  private func ledger() throws -> LookLedger {
    let folder = "\(out)/\(recipe.id)/\(scale.rawValue)"
    try SafeFile.makeFolder(folder)
    return try LookLedger(folder: folder)
  }

  /// Remembers that somebody has seen these results.
  func note(_ look: Look) throws {
    let lock = try RunLock("\(out)/\(recipe.id)/\(scale.rawValue)/looks") {}
    var ledger = try ledger()
    try ledger.add(look)
    _ = consume lock
  }

  /// What the records say about the claims; empty where they judge nothing.
  func claimLines(_ records: [RunRecord], _ look: Look?) throws -> [String] {
    guard let look, !records.isEmpty else { return [] }
    var judged = golden ?? Golden(recipe: entry.recipe)
    let attempt = (try? ledger().attempt(for: look, after: golden, provenBug: provenBug ?? "any"))?.number ?? 1
    judged.record(records, because: "", commit: "", tiny: look.tinySHA256, attempt: attempt)
    return ["", Terminal.bold("Claims")] + claims(judged).flatMap { ClaimLines(result: $0).lines.map { "  " + $0 } }
  }

  /// The claims of this recipe with these results, adjusted for those of the paper's other recipes as they are recorded.
  private func claims(_ results: Golden) -> [ClaimResult] {
    let paper = RecordedEvidence(
      catalogue.entries.filter { $0.paper == entry.paper }, in: catalogue, plugins: Program.plugins, replacing: results)
    return paper.items.first { $0.entry.recipe == entry.recipe }?.claims ?? []
  }

  /// Writes the golden and prints what moved.
  ///
  /// - Parameter look: what `look(of:)` said; nil for sweeps that judge nothing.
  func record(_ records: [RunRecord], because: String, _ look: Look?) throws {
    let commit = Program.commit(try Program.root())
    let folder = entry.folder + "/golden"
    try SafeFile.makeFolder(folder)
    let lock = try FolderLock(folder)
    // Another command may have recorded another scale since this one began.
    var fresh = SafeFile.exists(entry.golden) ? try Golden(path: entry.golden) : Golden(recipe: entry.recipe)
    if let old = fresh.results[scale] {
      for change in Verification.compare(records, with: old, tolerance: 0) where change.outcome != .sameBits {
        Terminal.line("\(change.arm)-\(change.seed): \(VerifyCommand.words(change.outcome))")
      }
    }
    if scale == .tiny {
      let before = fresh.results[.tiny]?.bitsSHA256
      fresh.record(records, because: because, commit: commit)
      try fresh.write(entry.golden)
      if before != nil, before != fresh.results[.tiny]?.bitsSHA256, fresh.results[.small] != nil {
        Terminal.line("the bits moved: the recorded small scale is STALE until it is recorded again")
      }
    } else {
      try recordLarge(records, because, commit, look, &fresh)
    }
    _ = consume lock
    Terminal.line("recorded \(records.count) runs in \(entry.golden)")
  }

  private func recordLarge(
    _ records: [RunRecord], _ because: String, _ commit: String, _ look: Look?, _ fresh: inout Golden
  ) throws {
    let tiny = fresh.results[.tiny]?.bitsSHA256 ?? ""
    guard let look else {
      fresh.record(records, because: because, commit: commit, tiny: tiny)
      return try fresh.write(entry.golden)
    }
    var ledger = try ledger()
    let (number, unrecorded) = try ledger.attempt(for: look, after: fresh, provenBug: provenBug)
    fresh.recordLooks(unrecorded, before: number, commit: commit)
    fresh.record(records, because: because, commit: commit, tiny: tiny, attempt: number, provenBug: provenBug)
    fresh.recordVerdicts(claims(fresh))
    try fresh.write(entry.golden)
    try ledger.clear()
    if number > 1 { Terminal.line("this is look \(number) at evaluation seeds: p-values are multiplied by \(number)") }
  }
}

/// A judged claim in a few lines for people.
struct ClaimLines {
  let result: ClaimResult

  var lines: [String] {
    let kind = result.isPrimary ? " (primary)" : result.isExploratory ? " (exploratory)" : ""
    return ["\(result.claim)\(kind): \(Terminal.bold(result.verdict.rawValue))", "  \(result.sentence)"]
  }
}
