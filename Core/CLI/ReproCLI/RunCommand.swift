import ArgumentParser
import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

extension Scale: ExpressibleByArgument {}

/// A size of memory on the command line: `800MiB`, `4GiB`.
struct MemorySize: ExpressibleByArgument {
  let mebibytes: Int

  init?(argument: String) {
    for (unit, factor) in [("MiB", 1), ("GiB", 1024)] where argument.hasSuffix(unit) {
      guard let count = Double(argument.dropLast(unit.count)), count > 0, count < 1e6 else { return nil }
      mebibytes = max(1, Int(count * Double(factor)))
      return
    }
    return nil
  }
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
  @Option(help: "Runs at the same time (default: one for each core; 1 at scale paper).") var jobs: Int?
  @Option(help: "Stop a run whose first step needs more, as 800MiB or 4GiB (default: warn if it is more than is free).")
  var maxMemory: MemorySize?
  @Option(name: .customLong("set"), parsing: .singleValue, help: "Override of the recipe, key=value (repeatable).")
  var overrides: [String] = []
  @Option(help: "Another data provider, or options of it: NAME, NAME=PATH or KEY=VALUE.") var data: String?
  @Option(help: "A checkpoint whose parameters the runs start from, or published weights, which are evaluated.")
  var weights: String?
  @Option(help: "The folder of all runs.") var out = "runs"
  @Flag(help: "Write the results into the recipe's golden file; needs --because.") var record = false
  @Option(help: "Why the golden numbers move.") var because: String?
  @Option(help: "With --record: the test that shows the repaired bug, so that the same seeds may be looked at again.")
  var provenBug: String?
  @Flag(help: "The second look of a plan that has one: all seeds of extend_to.") var extend = false
  @Flag(help: "Take runs that another build of the program made as they are (not with --record).") var keep = false
  @Flag(help: "Print the results as JSON.") var json = false
  @Flag(help: "Say where the time of each op went; also profile.json beside each run's timing.json.") var profile =
    false
  @Option(help: "Compute every so many-th step twice and stop where the bits differ: faults of memory, hidden state.")
  var paranoid: Int?
  @Flag(help: .hidden) var worker = false
  @Option(help: .hidden) var checkpointSeconds: Double?
  @Option(help: .hidden) var memoryShare: Int?
  @Option(name: .customLong("tiny-sha256"), help: .hidden) var tinySHA256: String?
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    if let threads, !(1...256).contains(threads) { throw ValidationError("--threads must be 1 to 256, got \(threads)") }
    if let jobs, !(1...64).contains(jobs) { throw ValidationError("--jobs must be 1 to 64, got \(jobs)") }
    if let paranoid, paranoid < 1 { throw ValidationError("--paranoid must be 1 or more, got \(paranoid)") }
    if record && (because ?? "").isEmpty {
      throw ValidationError("--record needs --because TEXT: why do the numbers move?")
    }
    if !record && because != nil { throw ValidationError("--because goes with --record only") }
    if record && keep { throw ValidationError("--record takes runs of this program only: leave out --keep") }
    if !record && provenBug != nil { throw ValidationError("--proven-bug goes with --record only") }
    if extend && (seeds != nil || scale != .small) {
      throw ValidationError("--extend names the seeds of the second look at scale small: leave out --seeds")
    }
    if record && (seeds != nil || arms != nil || !overrides.isEmpty || data != nil || weights != nil) {
      throw ValidationError("--record takes the whole recipe: leave out --seeds, --arms, --set, --data and --weights")
    }
  }

  func run() throws {
    Signals.install(isWorker: worker)
    let catalogue = try Program.catalogue(extraRoots: shared.roots)
    let entry = try catalogue.entry(named: recipe)
    let recipe = try catalogue.recipe(at: entry)
    var overrides = overrides
    if let data { overrides += Program.dataOverrides(data) }
    // Published weights are measured as they are: arms and seeds that differ in their training would all be the same.
    let isPublished = try weights.map { try StartingWeights.arePublished($0) } ?? false
    let every = isPublished ? Array(recipe.arms.prefix(1)) : recipe.arms
    let arms = try arms?.split(separator: ",").map { try recipe.arm(named: String($0)).name } ?? every.map(\.name)
    var sweep = Sweep(
      recipe: recipe, scale: scale, arms: arms,
      seeds: try seeds.map(parseSeeds) ?? (isPublished ? [0] : extendedSeeds(recipe)), overrides: overrides, out: out,
      jobs: 1,
      threads: 1, extraRoots: shared.roots, weights: weights, checkpointSeconds: checkpointSeconds, profiles: profile)
    sweep.jobs = try jobs ?? (scale == .paper ? 1 : min(Program.cores, sweep.cells().count, 64))
    sweep.threads = threads ?? max(1, Program.cores / sweep.jobs)
    sweep.memory = maxMemory.map { .limit($0.mebibytes) } ?? .share(memoryShare ?? Memory.available / sweep.jobs)
    sweep.keepsOtherCode = keep
    sweep.recomputesEvery = paranoid ?? 0
    sweep.code.tiny = tinySHA256 ?? ""
    if worker { return try work(sweep) }
    try sweep.check()
    try makeOutFolder()
    let recorder = try Recorder(
      entry: entry, catalogue: catalogue, recipe: recipe, scale: scale, out: out, provenBug: provenBug)
    // Published weights are not trained by this code: its bits say nothing about them.
    if scale != .tiny, !isPublished { sweep.code.tiny = try recorder.tinyBits(like: sweep, mustHold: record) }
    let isPlanned = overrides.isEmpty && weights == nil
    let look = try recorder.look(of: sweep, isPlanned: isPlanned, mustBeAllowed: record)
    try announce(sweep)
    let (records, failures) = try sweep.run()
    if profile { try printProfile(records) }
    if let look, !records.isEmpty { try recorder.note(look) }
    try report(recipe, records, failures, try recorder.claimLines(records, look))
    if isPublished && !json {
      for line in ReportedLines(recipe: recipe, records: records).lines { Terminal.line(line) }
    }
    if record { try recorder.record(records, because: because ?? "", look) }
    // Diverged runs are results and are recorded like others; still, somebody should look.
    if records.contains(where: { $0.status == .diverged }) { throw ExitCode(4) }
  }

  private func extendedSeeds(_ recipe: Recipe) throws -> [UInt64]? {
    guard extend else { return nil }
    guard let count = recipe.claims.compactMap(\.extendTo).max() else {
      throw ReproError(
        .usage, at: recipe.node.mark.file, found: "no claim plans a second look", hint: "it would be 'extend_to: 10'")
    }
    let seeds = try recipe.resolve(scale: scale, arm: recipe.arms[0].name).seeds
    let next = (seeds.max() ?? 0) + 1
    return seeds + (0..<UInt64(max(0, count - seeds.count))).map { next + $0 }
  }

  private func makeOutFolder() throws {
    do { try SafeFile.makeFolder(out) } catch var error as ReproError {
      error.hint = "choose another folder with --out"
      throw error
    }
  }

  private func announce(_ sweep: Sweep) throws {
    let seeds = try sweep.cells().filter { $0.id.arm == sweep.arms.first }.count
    let width = "\(sweep.jobs) at a time, \(counted(sweep.threads, "thread")) each"
    Terminal.write(
      "\(sweep.recipe.id) at scale \(scale.rawValue): \(counted(sweep.arms.count, "arm")) x \(counted(seeds, "seed")), \(width)\n"
    )
  }

  /// The profiles of all runs together; a run that was finished before has none of this time, and maybe none at all.
  private func printProfile(_ records: [RunRecord]) throws {
    let files = records.map { "\(out)/\($0.cell.folder)/\(ProfileFile.name)" }.filter(SafeFile.exists)
    let rows = ProfileFile.sum(try files.map { try ProfileFile.rows(JSONValue(path: $0), at: $0) })
    if rows.isEmpty {
      return Terminal.error("no profile: every run was finished before; remove its folder to run it again")
    }
    // Beside the results, never among them: stdout may be JSON.
    for line in ProfileTable(rows: rows).lines(width: json ? nil : Terminal.tableWidth) {
      if json { Terminal.write(line + "\n") } else { Terminal.line(line) }
    }
  }

  /// Prints what came out, and ends the program if something went wrong.
  private func report(
    _ recipe: Recipe, _ records: [RunRecord], _ failures: [Sweep.Failure], _ claims: [String]
  ) throws {
    if json {
      Terminal.line(try JSONValue.array(records.map { try $0.sealed() }).text(pretty: true))
    } else if !records.isEmpty {
      Terminal.line()
      for line in ResultTable(recipe: recipe, records: records).lines(width: Terminal.tableWidth) {
        Terminal.line(line)
      }
      for line in claims { Terminal.line(line) }
      Terminal.line("\nRecords, checkpoints and metrics: \(out)/\(recipe.id)/\(scale.rawValue)/")
    }
    // The same mistake in every run is said once.
    var said: [String] = []
    for failure in failures where failure.code != 130 && !said.contains(failure.text) {
      said.append(failure.text)
      let others = failures.count { $0.text == failure.text } - 1
      let more = others > 0 ? " and \(counted(others, "other run"))" : ""
      Terminal.error("\(failure.cell.arm)-\(failure.cell.seed)\(more): \(failure.text)")
    }
    if Interruption.isRequested.load(ordering: .relaxed) || failures.contains(where: { $0.exitCode == 130 }) {
      Terminal.error("interrupted; the same command goes on from the saved state")
      throw ExitCode(130)
    }
    if let first = failures.first { throw ExitCode(first.exitCode) }
  }

  /// One cell, in this process.
  private func work(_ sweep: Sweep) throws {
    ThreadPool.shared.threads = sweep.threads
    do {
      for (id, resolved) in try sweep.cells() {
        let notices = Notices { WorkerMessage.notice($0).send() }
        let runner = try sweep.runner(id, resolved, root: try Program.root(), notices: notices)
        let lock = try RunLock(runner.folder) {
          notices("\(id.arm)-\(id.seed): another process works on this run; waiting for it")
        }
        var last = 0.0
        _ = try runner.run { progress in
          let time = Signals.seconds()
          guard time - last > 0.2 || progress.step == progress.steps else { return }
          last = time
          WorkerMessage.progress(progress).send()
        }
        _ = consume lock
      }
    } catch let error as ReproError {
      WorkerMessage.failure("\(error)").send()
      throw ExitCode(error.exitCode)
    }
  }
}

/// `0,1,2`, `0-7` or a mixture.
func parseSeeds(_ text: String) throws -> [UInt64] {
  var seeds: [UInt64] = []
  for part in text.split(separator: ",") {
    let ends = part.split(separator: "-", maxSplits: 1).map { UInt64($0) }
    guard let low = ends.first ?? nil, let high = ends.last ?? nil, low <= high, high - low < 1000 else {
      throw ReproError(
        .usage, at: "--seeds \(text)", found: "'\(part)' names no seeds", expected: "numbers like 0,1,2 or 0-7")
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
  /// - Parameter isWorker: a worker hears of one Ctrl-C twice, from the terminal and from its parent; for the parent
  ///   the second one means that nobody wants to wait.
  static func install(isWorker: Bool = false) {
    // Whoever starts a program from a thread that blocks signals hands the block on to it.
    var ours = sigset_t()
    sigemptyset(&ours)
    for number in [SIGINT, SIGTERM] { sigaddset(&ours, number) }
    pthread_sigmask(SIG_UNBLOCK, &ours, nil)
    for number in [SIGINT, SIGTERM] {
      if isWorker {
        signal(number) { _ in Interruption.isRequested.store(true, ordering: .relaxed) }
      } else {
        signal(number) { _ in
          if Interruption.isRequested.exchange(true, ordering: .relaxed) { _exit(130) }
        }
      }
    }
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)  // a file that may not grow is an error of its write
  }

  /// Seconds of a clock that never goes back.
  static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
