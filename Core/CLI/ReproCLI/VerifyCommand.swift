import ArgumentParser
import Glibc
import ReproConfig
import ReproData
import ReproEngine

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Runs the tiny scale of recipes again and compares it with their goldens.",
    discussion:
      "Bits are compared where the fingerprints agree, numbers within the tolerance otherwise. Exit 1 on drift.")

  @Argument(help: "Recipes (default: all).") var recipes: [String] = []
  @Option(help: "Allowed difference: tolerance * max(1, |golden|).") var tolerance = 1e-3
  @Option(help: "Threads of each run.") var threads: Int?
  @Option(help: "Runs at the same time (default: one for each core).") var jobs: Int?
  @Flag(help: "Print the outcomes as JSON.") var json = false
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    if !(tolerance >= 0 && tolerance.isFinite) { throw ValidationError("--tolerance must be a number >= 0") }
  }

  func run() throws {
    Signals.install()
    let catalogue = try Program.catalogue(extraRoots: shared.roots)
    let entries = recipes.isEmpty ? catalogue.entries : try recipes.map { try catalogue.entry(named: $0) }
    var table = TextTable(["recipe", "arm", "seed", "outcome"])
    var rows: [JSONValue] = []
    var good = true
    for entry in entries {
      for result in try verify(entry, catalogue.recipe(at: entry)) {
        good = good && result.outcome.isGood
        table.add([entry.recipe, result.arm, "\(result.seed)", VerifyCommand.words(result.outcome)])
        rows.append([
          "recipe": .string(entry.recipe), "arm": .string(result.arm), "seed": .string("\(result.seed)"),
          "good": .bool(result.outcome.isGood), "outcome": .string(VerifyCommand.words(result.outcome)),
        ])
      }
    }
    if json {
      Terminal.line(try JSONValue.array(rows).text(pretty: true))
    } else {
      for line in table.lines(width: Terminal.tableWidth, clipping: [3]) { Terminal.line(line) }
    }
    if !good { throw ExitCode(1) }
  }

  private func verify(_ entry: RecipeCatalog.Entry, _ recipe: Recipe) throws -> [Verification] {
    guard SafeFile.exists(entry.golden), let golden = try Golden(path: entry.golden).results[.tiny] else {
      return [
        Verification(
          arm: "-", seed: 0,
          outcome: .missing("no golden; record one: repro run \(entry.recipe) --scale tiny --record --because TEXT"))
      ]
    }
    return try TemporaryFolder.with { folder in
      let jobs = jobs ?? Program.cores
      let sweep = Sweep(
        recipe: recipe, scale: .tiny, arms: recipe.arms.map(\.name), seeds: nil, overrides: [], out: folder, jobs: jobs,
        threads: threads ?? max(1, Program.cores / jobs), extraRoots: shared.roots)
      let (records, failures) = try sweep.run()
      if Interruption.isRequested.load(ordering: .relaxed) {
        throw ReproError(.interrupted, at: entry.recipe, found: "stopped before it was verified")
      }
      if let failure = failures.first {
        return [Verification(arm: failure.cell.arm, seed: failure.cell.seed, outcome: .missing(failure.text))]
      }
      return Verification.compare(records, with: golden, tolerance: tolerance)
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
    defer { remove(path) }
    return try body(path)
  }

  private static func remove(_ path: String) {
    for name in SafeFile.list(path) {
      let inner = "\(path)/\(name)"
      // A link is removed itself, never what it points to.
      if unlink(inner) != 0 { remove(inner) }
    }
    rmdir(path)
  }
}
