import ArgumentParser
import Glibc
import ReproConfig
import ReproData
import ReproEngine

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Runs recipes again and compares them with what was recorded.",
    discussion: """
      Bits are compared where the fingerprints agree, numbers within the tolerance otherwise. --recorded runs nothing: it \
      judges all recorded results again and says what is stale. Exit 1 on drift, a lost claim, a stale or missing record.
      """)

  @Argument(help: "Recipes (default: all).") var recipes: [String] = []
  @Option(help: "tiny, or small: hours for many recipes; judges the claims of the rerun, too.") var scale: Scale = .tiny
  @Option(help: "Allowed difference: tolerance * max(1, |golden|).") var tolerance = 1e-3
  @Flag(help: "Run nothing: check and judge what is recorded.") var recorded = false
  @Option(help: "Threads of each run.") var threads: Int?
  @Option(help: "Runs at the same time (default: one for each core).") var jobs: Int?
  @Flag(help: "Print the outcomes as JSON.") var json = false
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    if !(tolerance >= 0 && tolerance.isFinite) { throw ValidationError("--tolerance must be a number >= 0") }
    if scale == .paper { throw ValidationError("--scale paper is not verified; run it and record it") }
    if recorded && scale != .tiny { throw ValidationError("--recorded looks at all scales: leave out --scale") }
  }

  func run() throws {
    Signals.install()
    let catalogue = try Program.catalogue(extraRoots: shared.roots)
    let entries = recipes.isEmpty ? catalogue.entries : try recipes.map { try catalogue.entry(named: $0) }
    if recorded { return try verifyRecorded(entries, catalogue) }
    var table = TextTable(["recipe", "arm", "seed", "outcome"])
    var rows: [JSONValue] = []
    var good = true
    func add(_ recipe: String, _ arm: String, _ seed: String, _ isGood: Bool, _ outcome: String) {
      good = good && isGood
      table.add([recipe, arm, seed, outcome])
      rows.append([
        "recipe": .string(recipe), "arm": .string(arm), "seed": .string(seed), "good": .bool(isGood),
        "outcome": .string(outcome),
      ])
    }
    for entry in entries {
      // One recipe that cannot be read keeps nobody from verifying the others.
      do {
        let recipe = try catalogue.recipe(at: entry)
        guard recipe.scales.contains(scale) else { continue }
        let (results, claims) = try verify(entry, recipe)
        for result in results {
          add(entry.recipe, result.arm, "\(result.seed)", result.outcome.isGood, VerifyCommand.words(result.outcome))
        }
        for check in claims { add(entry.recipe, check.subject, "-", check.isGood, check.outcome) }
      } catch let error as ReproError where error.domain != .interrupted && entries.count > 1 {
        add(entry.recipe, "-", "-", false, "FAILED: \(error)")
      }
    }
    try print(table, rows, clipping: [3])
    if !good { throw ExitCode(1) }
  }

  private func print(_ table: TextTable, _ rows: [JSONValue], clipping: [Int]) throws {
    if json {
      Terminal.line(try JSONValue.array(rows).text(pretty: true))
    } else {
      for line in table.lines(width: Terminal.tableWidth, clipping: clipping) { Terminal.line(line) }
    }
  }

  // MARK: Without running anything

  private func verifyRecorded(_ entries: [RecipeCatalog.Entry], _ catalogue: RecipeCatalog) throws {
    var registry: [Registry.Entry] = []
    for root in try [Program.root()] + shared.roots {
      let path = root + "/registry.yaml"
      registry += try Registry(path: path, displayed: RecipeCatalog.displayed(path)).entries
    }
    var table = TextTable(["recipe", "what", "outcome"])
    var rows: [JSONValue] = []
    var bad = 0
    var claims: [ClaimResult] = []
    for paper in Set(entries.map(\.paper)).sorted() {
      // All recipes of the paper: its secondary claims are adjusted together.
      let evidence = RecordedEvidence(
        catalogue.entries.filter { $0.paper == paper }, in: catalogue, plugins: Program.plugins)
      claims += evidence.claims
      for item in evidence.items where entries.contains(item.entry) {
        for check in item.checks(registry.first { $0.id == paper }) {
          bad += check.isGood ? 0 : 1
          table.add([check.recipe, check.subject, check.outcome])
          rows.append([
            "recipe": .string(check.recipe), "subject": .string(check.subject), "good": .bool(check.isGood),
            "outcome": .string(check.outcome),
          ])
        }
      }
    }
    try print(table, rows, clipping: [2])
    if recipes.isEmpty && !json { printFamily(Judge.catalogue(claims)) }
    if bad > 0 {
      if !json { Terminal.error("\(counted(bad, "line")) of \(rows.count) do not hold") }
      throw ExitCode(1)
    }
  }

  /// The primary claims of all papers as one family.
  private func printFamily(_ family: Judge.Catalogue) {
    if family.primaries.isEmpty { return }
    var table = TextTable(["primary claim", "p", "q", "smallest q", "verdict"], rightAligned: [1, 2, 3])
    for (claim, (q, reachable)) in zip(family.primaries, zip(family.q, family.reachable)) {
      table.add([
        "\(claim.paper): \(claim.claim)", Statistics.pText(claim.attemptP), Statistics.pText(q),
        Statistics.pText(reachable), claim.verdict.rawValue,
      ])
    }
    Terminal.line(
      "\n\(counted(family.primaries.count, "primary claim")) as one family (Benjamini and Hochberg); the smallest q is what "
        + "this number of seeds could reach")
    for line in table.lines(width: Terminal.tableWidth, clipping: [0]) { Terminal.line(line) }
  }

  // MARK: Runs

  /// The cells of a rerun, and at scale small what it says about the claims.
  private func verify(
    _ entry: RecipeCatalog.Entry, _ recipe: Recipe
  ) throws -> (results: [Verification], claims: [EvidenceCheck]) {
    let golden = SafeFile.exists(entry.golden) ? try Golden(path: entry.golden) : nil
    guard let golden, let results = golden.results[scale] else {
      let record = "repro run \(entry.recipe) --scale \(scale.rawValue) --record --because TEXT"
      return ([Verification(arm: "-", seed: 0, outcome: .missing("no golden; record one: \(record)"))], [])
    }
    return try TemporaryFolder.with { folder in
      let jobs = jobs ?? Program.cores
      let sweep = Sweep(
        recipe: recipe, scale: scale, arms: recipe.arms.map(\.name), seeds: nil, overrides: [], out: folder, jobs: jobs,
        threads: threads ?? max(1, Program.cores / jobs), extraRoots: shared.roots)
      let (records, failures) = try sweep.run()
      if Interruption.isRequested.load(ordering: .relaxed) {
        throw ReproError(.interrupted, at: entry.recipe, found: "stopped before it was verified")
      }
      var outcomes = Verification.compare(records, with: results, tolerance: tolerance)
      for failure in failures {
        outcomes.removeAll { $0.arm == failure.cell.arm && $0.seed == failure.cell.seed }
        outcomes.append(
          Verification(arm: failure.cell.arm, seed: failure.cell.seed, outcome: .missing(failure.text)))
      }
      guard scale == .small, !records.isEmpty else { return (outcomes, []) }
      var rerun = golden
      rerun.record(records, because: "", commit: "", tiny: results.tinySHA256, attempt: golden.attempts)
      return (outcomes, EvidenceCheck.lost(from: golden, to: rerun, recipe, Judge(Program.plugins)))
    }
  }

  static func words(_ outcome: Verification.Outcome) -> String {
    switch outcome {
    case .sameBits: "same bits"
    case .within(let largest, let because): "within tolerance, largest difference \(largest) (\(because))"
    case .drifted(let metric, let golden, let now, let allowed):
      "DRIFTED: \(metric) golden \(golden), now \(now), difference \(abs(now - golden)), allowed \(allowed)"
    case .missing(let text): "MISSING: \(text)"
    }
  }
}

/// A private folder that is gone afterwards.
enum TemporaryFolder {
  static func with<R>(_ body: (String) throws -> R) throws -> R {
    var template = Array(((ProcessEnvironment.variable("TMPDIR") ?? "/tmp") + "/repro-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      throw ReproError(.data, found: "cannot make a temporary folder: \(String(cString: strerror(errno)))")
    }
    let path = template.withUnsafeBufferPointer { p in p.baseAddress.map { String(cString: $0) } ?? "" }
    defer { removeTree(path) }
    return try body(path)
  }
}

/// Removes a folder with all that is in it.
func removeTree(_ path: String) {
  for name in SafeFile.list(path) {
    let inner = "\(path)/\(name)"
    // A link is removed itself, never what it points to.
    if unlink(inner) != 0 { removeTree(inner) }
  }
  rmdir(path)
}
