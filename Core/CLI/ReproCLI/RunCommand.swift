import ArgumentParser
import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

extension Scale: ExpressibleByArgument {}

/// Options that several commands share.
struct SharedOptions: ParsableArguments {
  @Option(name: .customLong("root"), parsing: .singleValue, help: "A further folder with Reproductions/ (repeatable).")
  var roots: [String] = []

  @Option(help: "Instruction set of the kernels and of OpenBLAS: portable, avx2 or avx512 (default: the best).")
  var isa: String?
}

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Trains and evaluates a recipe: all arms and seeds, resumed where they were left.",
    discussion: "Everything is kept below runs/. Ctrl-C saves; the same command goes on.")

  @Argument(help: "A recipe of 'repro list'.") var recipe: String
  @Option(help: "tiny (seconds), small (minutes; judges the claims) or paper.") var scale: Scale = .small
  @Option(help: "Seeds, as 0,1,2 or 0-7 (default: the recipe's).") var seeds: String?
  @Option(help: "Arms, separated by commas (default: all).") var arms: String?
  @Option(help: "Threads of each run (default: cores / jobs). The results do not depend on it.") var threads: Int?
  @Option(help: "Runs at the same time.") var jobs = 1
  @Option(name: .customLong("set"), parsing: .singleValue, help: "Override of the recipe, key=value (repeatable).")
  var overrides: [String] = []
  @Option(help: "Another data provider, or options of it: NAME or KEY=VALUE.") var data: String?
  @Option(help: "The folder of all runs.") var out = "runs"
  @Flag(help: "Write the results into the recipe's golden file; needs --because.") var record = false
  @Option(help: "Why the golden numbers move.") var because: String?
  @Flag(help: "Print the results as JSON.") var json = false
  @Flag(help: .hidden) var worker = false
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    if let threads, !(1...256).contains(threads) { throw ValidationError("--threads must be 1 to 256, got \(threads)") }
    if !(1...64).contains(jobs) { throw ValidationError("--jobs must be 1 to 64, got \(jobs)") }
    if record && because == nil { throw ValidationError("--record needs --because TEXT: why do the numbers move?") }
    if record && (seeds != nil || arms != nil || !overrides.isEmpty || data != nil) {
      throw ValidationError("--record takes the whole recipe: leave out --seeds, --arms, --set and --data")
    }
  }

  func run() throws {
    Signals.install()
    let catalogue = try Program.catalogue(extraRoots: shared.roots)
    let entry = try catalogue.entry(named: recipe)
    let recipe = try catalogue.recipe(at: entry)
    var overrides = overrides
    if let data { overrides.append(data.contains("=") ? "data.\(data)" : "data.provider=\(data)") }
    let arms = try arms?.split(separator: ",").map { try recipe.arm(named: String($0)).name } ?? recipe.arms.map(\.name)
    let sweep = Sweep(
      recipe: recipe, scale: scale, arms: arms, seeds: try seeds.map(parseSeeds), overrides: overrides, out: out, jobs: jobs,
      threads: threads ?? max(1, Program.cores / jobs), extraRoots: shared.roots)
    if worker { return try work(sweep) }
    try SafeFile.makeFolder(out)
    let (records, failures) = try sweep.run()
    if json {
      Terminal.line(try JSONValue.array(records.map(\.json)).text(pretty: true))
    } else {
      for line in ResultTable(recipe: recipe, records: records).lines { Terminal.line(line) }
      Terminal.line("\nRuns, records and checkpoints: \(out)/\(recipe.id)/\(scale.rawValue)/")
    }
    for failure in failures { Terminal.error("\(failure.cell.arm)-\(failure.cell.seed): \(failure.text)") }
    if Interruption.isRequested.load(ordering: .relaxed) || failures.contains(where: { $0.code == 130 }) {
      Terminal.error("interrupted; everything is saved, the same command goes on")
      throw ExitCode(130)
    }
    if let first = failures.first { throw ExitCode(first.code <= 128 ? first.code : 4) }
    if records.contains(where: { $0.status == .diverged }) { throw ExitCode(4) }
    if record { try recordGolden(records, entry) }
  }

  /// One cell, in this process.
  private func work(_ sweep: Sweep) throws {
    ThreadPool.shared.threads = sweep.threads
    do {
      for (id, resolved) in try sweep.cells() {
        let runner = try Program.runner(
          sweep.recipe, resolved, id, out: out, root: try Program.root(), notices: Notices { WorkerMessage.notice($0).send() })
        var last = 0.0
        _ = try runner.run { progress in
          let time = Signals.seconds()
          guard time - last > 0.2 || progress.step == progress.steps else { return }
          last = time
          WorkerMessage.progress(progress).send()
        }
      }
    } catch let error as ReproError {
      WorkerMessage.failure("\(error)").send()
      throw ExitCode(error.exitCode)
    }
  }

  private func recordGolden(_ records: [RunRecord], _ entry: RecipeCatalog.Entry) throws {
    var golden = SafeFile.exists(entry.golden) ? try Golden(path: entry.golden) : Golden(recipe: entry.recipe)
    if let old = golden.results[scale] {
      let changes = Verification.compare(records, with: old, tolerance: 0)
      for change in changes where change.outcome != .sameBits {
        Terminal.line("\(change.arm)-\(change.seed): \(VerifyCommand.words(change.outcome))")
      }
    }
    golden.record(records, because: because ?? "", commit: Program.commit(try Program.root()))
    try golden.write(entry.golden)
    Terminal.line("recorded \(records.count) runs in \(entry.golden)")
  }
}

/// `0,1,2`, `0-7` or a mixture.
func parseSeeds(_ text: String) throws -> [UInt64] {
  var seeds: [UInt64] = []
  for part in text.split(separator: ",") {
    let ends = part.split(separator: "-", maxSplits: 1).map { UInt64($0) }
    guard let low = ends.first ?? nil, let high = ends.last ?? nil, low <= high, high - low < 1000 else {
      throw ReproError(.usage, at: "--seeds \(text)", found: "'\(part)' names no seeds", expected: "numbers like 0,1,2 or 0-7")
    }
    seeds += Array(low...high)
  }
  guard !seeds.isEmpty, Set(seeds).count == seeds.count else {
    throw ReproError(.usage, at: "--seeds \(text)", found: "the list is empty or names a seed twice")
  }
  return seeds
}

/// Ctrl-C and SIGTERM ask the runs to save and stop.
enum Signals {
  static func install() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { _ in Interruption.isRequested.store(true, ordering: .relaxed) }
    }
    signal(SIGPIPE, SIG_IGN)
  }

  /// Seconds of a clock that never goes back.
  static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
