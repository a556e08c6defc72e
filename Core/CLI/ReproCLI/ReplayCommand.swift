import ArgumentParser
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Runs a finished run again from its record alone, and compares the bits.",
    discussion: "Needs nothing of the recipe's file, which may have changed since. Exit 1 if the numbers differ.")

  @Argument(help: ArgumentHelp("The folder of a run, or its record.json.", valueName: "run")) var place: String
  @Option(help: "Allowed difference where bits cannot agree: tolerance * max(1, |recorded|).") var tolerance = 1e-3
  @Option(help: "The checkpoint that the run started from, if it did.") var weights: String?
  @Option(help: "Threads. The results do not depend on it.") var threads: Int?
  @Option(help: "Keep the replay in this folder.") var out: String?
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    if !(tolerance >= 0 && tolerance.isFinite) { throw ValidationError("--tolerance must be a number >= 0") }
    if let threads, !(1...256).contains(threads) { throw ValidationError("--threads must be 1 to 256, got \(threads)") }
  }

  func run() throws {
    Signals.install()
    let stored = try StoredRun(place)
    let resolved = try stored.recipe()
    try checkIdentity(stored, resolved)
    ThreadPool.shared.threads = threads ?? Program.cores
    let record = try out.map { try replay(stored, resolved, in: $0) }
    let again = try record ?? TemporaryFolder.with { try replay(stored, resolved, in: $0) }
    // The checker of goldens compares two records as well.
    var golden = Golden(recipe: resolved.recipe)
    golden.record([stored.record], because: "", commit: "")
    guard let results = golden.results[resolved.scale] else { return }
    for result in Verification.compare([again], with: results, tolerance: tolerance) {
      Terminal.line("\(result.arm)-\(result.seed): \(VerifyCommand.words(result.outcome))")
      if !result.outcome.isGood { throw ExitCode(1) }
    }
  }

  private func checkIdentity(_ stored: StoredRun, _ resolved: ResolvedRecipe) throws {
    let hash = SHA256.hex(of: resolved.canonical)
    if weights == nil, hash != stored.record.recipeSHA256 {
      throw ReproError(
        .usage, at: place, found: "the run did not start from this recipe alone",
        hint: "if it started from a checkpoint, name it: --weights FILE")
    }
  }

  private func replay(_ stored: StoredRun, _ resolved: ResolvedRecipe, in out: String) throws -> RunRecord {
    let old = stored.record
    guard !SafeFile.isFolder("\(out)/\(old.cell.folder)") else {
      // A finished run would be found there, and nothing run again.
      throw ReproError(.usage, at: "\(out)/\(old.cell.folder)", found: "a run is there", hint: "choose another --out")
    }
    let data = Program.dataRoot(seed: old.cell.seed)
    var runner = CellRunner(
      plugins: Program.plugins, recipe: resolved, seed: old.cell.seed, planSHA256: old.planSHA256,
      folder: "\(out)/\(old.cell.folder)", commit: Program.commit(try Program.root()), dataCache: data.cache,
      mirror: data.mirror, notices: Program.notices)
    runner.initialWeights = weights
    let name = "\(old.cell.arm)-\(old.cell.seed)"
    var last = 0.0
    return try runner.run { progress in
      let time = Signals.seconds()
      guard time - last > 2 || progress.step == progress.steps else { return }
      last = time
      Terminal.write(ProgressLine(name, progress).text(width: nil, nameWidth: name.count) + "\n")
    }
  }
}
