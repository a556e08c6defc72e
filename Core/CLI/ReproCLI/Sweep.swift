import Glibc
import ReproConfig
import ReproData
import ReproEngine

/// Runs the cells of a recipe (arms times seeds) as processes of their own, with one shared view of their progress.
///
/// Finished cells are found by the hash of their recipe and not run again; a failed cell does not stop the others.
struct Sweep {
  let recipe: Recipe
  var scale: Scale
  var arms: [String]
  var seeds: [UInt64]?
  var overrides: [String]
  /// The folder of all runs.
  let out: String
  var jobs: Int
  var threads: Int
  let extraRoots: [String]
  /// A checkpoint that the runs start from.
  var weights: String?
  /// Seconds between two checkpoints; nil for the runner's own.
  var checkpointSeconds: Double?
  /// What each run may take.
  var memory: MemoryBudget?
  /// Whether each run writes where its time went.
  var profiles = false
  /// Every how many steps one is computed twice; 0 for never.
  var recomputesEvery = 0
  /// Which code runs here: runs of other code are not found again.
  var code = CodeStamp(executable: CodeStamp.currentExecutable)
  /// Whether runs of other code are taken as they are.
  var keepsOtherCode = false

  struct Failure {
    let cell: CellID
    let text: String
    let code: Int32

    /// The exit code of the program: a process that somebody killed was interrupted, one that crashed was not.
    var exitCode: Int32 {
      if code <= 128 { return code }
      return [SIGKILL, SIGTERM, SIGINT, SIGHUP].contains(code - 128) ? 130 : 4
    }

    /// What is said about a process that ended without a word.
    static func text(_ code: Int32) -> String {
      switch code - 128 {
      case SIGKILL: "killed (is the memory full?)"
      case 1...: "ended by signal \(code - 128), \(String(cString: strsignal(code - 128)).lowercased())"
      default: "ended with code \(code)"
      }
    }
  }

  /// All cells in the order of the table: arm by arm, seed by seed.
  func cells() throws -> [(id: CellID, recipe: ResolvedRecipe)] {
    var all: [(CellID, ResolvedRecipe)] = []
    for arm in arms {
      let resolved = try recipe.resolve(scale: scale, arm: arm, overrides: overrides)
      for seed in seeds ?? resolved.seeds {
        all.append((CellID(recipe: recipe.id, scale: scale, arm: arm, seed: seed), resolved))
      }
    }
    return all
  }

  /// Refuses what can be known to be wrong before anything is said or written.
  func check() throws {
    let cells = try cells()
    for (_, resolved) in cells { try Program.plugins.check(resolved) }
    try Program.plugins.checkClaims(of: recipe)
    if let weights { _ = try SafeFile.size(weights) }
    let root = try Program.root()
    try openData(cells.filter { id, resolved in try runner(id, resolved, root: root).finishedRecord() == nil })
  }

  /// Runs what is not finished. Returns all records and the failures.
  ///
  /// - Parameter isQuiet: whether runs that are finished already are passed over in silence.
  func run(isQuiet: Bool = false) throws -> (records: [RunRecord], failures: [Failure]) {
    let cells = try cells()
    for key in Set(cells.flatMap(\.recipe.shadowed)).sorted() {
      Terminal.error("--set \(key): some arms set it themselves and keep their value")
    }
    let root = try Program.root()
    func runner(_ index: Int) throws -> CellRunner {
      try self.runner(cells[index].id, cells[index].recipe, root: root)
    }
    let waiting = try cells.indices.filter { try runner($0).finishedRecord() == nil }
    var failures: [Failure] = []
    if isQuiet && waiting.isEmpty { return (try cells.indices.compactMap { try runner($0).finishedRecord() }, []) }
    if isQuiet { Terminal.write("the bits of the code: \(counted(waiting.count, "run")) at scale \(scale.rawValue)\n") }
    let board = ProgressBoard(cells: cells.map(\.id), waiting: waiting)
    let pool = ProcessPool(executable: "/proc/self/exe", concurrent: jobs)
    let work = waiting.map { ProcessPool.Job(arguments: workerArguments(cells[$0].id)) }
    var said: [Int: String] = [:]
    try pool.run(
      work, onStart: { board.start(waiting[$0]) },
      onLine: { job, line in
        switch WorkerMessage(line) {
        case .progress(let p): board.update(waiting[job], p)
        case .notice(let text): board.say(text)
        case .failure(let text): said[job] = text
        case nil: board.say(line)
        }
      },
      onEnd: { job, code in
        if code != 0 {
          failures.append(Failure(cell: cells[waiting[job]].id, text: said[job] ?? Failure.text(code), code: code))
        }
        board.end(waiting[job], failed: code != 0)
      },
      mayContinue: {
        !Interruption.isRequested.load(ordering: .relaxed) && !failures.contains { $0.code == 130 || $0.code == 2 }
      })
    board.close()
    var records: [RunRecord] = []
    for index in cells.indices { if let record = try runner(index).finishedRecord() { records.append(record) } }
    return (records, failures)
  }

  /// The runner of one cell.
  func runner(
    _ id: CellID, _ resolved: ResolvedRecipe, root: String, notices: Notices = Program.notices
  ) throws -> CellRunner {
    var runner = try Program.runner(recipe, resolved, id, out: out, root: root, notices: notices)
    runner.initialWeights = weights
    if let checkpointSeconds { runner.checkpointInterval = checkpointSeconds }
    runner.profiles = profiles
    runner.recomputesEvery = recomputesEvery
    runner.memory = memory
    (runner.code, runner.keepsOtherCode) = (code, keepsOtherCode)
    return runner
  }

  /// Opens every data set that the runs need, once: what is missing is said before anything starts, and a cache is
  /// decoded by one process instead of by all.
  private func openData(_ cells: [(id: CellID, recipe: ResolvedRecipe)]) throws {
    // What published weights can be measured by is told when they are read.
    if let weights, try StartingWeights.arePublished(weights) { return }
    var seen: Set<String> = []
    for (id, recipe) in cells where seen.insert(recipe.data.type + " " + recipe.data.options.canonical).inserted {
      try Program.plugins.checkData(of: recipe, root: Program.dataRoot(seed: id.seed))
    }
  }

  private func workerArguments(_ cell: CellID) -> [String] {
    var words = ["run", cell.recipe, "--scale", cell.scale.rawValue, "--arms", cell.arm, "--seeds", "\(cell.seed)"]
    words += ["--threads", "\(threads)", "--out", out, "--worker"]
    for override in overrides { words += ["--set", override] }
    for root in extraRoots { words += ["--root", root] }
    if let weights { words += ["--weights", weights] }
    if let checkpointSeconds { words += ["--checkpoint-seconds", "\(checkpointSeconds)"] }
    if profiles { words.append("--profile") }
    if recomputesEvery > 0 { words += ["--paranoid", "\(recomputesEvery)"] }
    if !code.tiny.isEmpty { words += ["--tiny-sha256", code.tiny] }
    if keepsOtherCode { words.append("--keep") }
    switch memory {
    case .limit(let mebibytes): words += ["--max-memory", "\(mebibytes)MiB"]
    case .share(let mebibytes): words += ["--memory-share", "\(mebibytes)"]
    case nil: break
    }
    return words
  }
}

extension Program {
  /// The runner of one cell.
  static func runner(
    _ recipe: Recipe, _ resolved: ResolvedRecipe, _ cell: CellID, out: String, root: String, notices: Notices = notices
  ) throws -> CellRunner {
    let data = dataRoot()
    return CellRunner(
      plugins: plugins, recipe: resolved, seed: cell.seed, planSHA256: SHA256.hex(of: try recipe.plan()),
      folder: "\(out)/\(cell.folder)", commit: commit(root), dataCache: data.cache, mirror: data.mirror,
      notices: notices)
  }
}

/// What a worker tells its parent, one JSON object a line.
enum WorkerMessage {
  case progress(CellProgress)
  case notice(String)
  case failure(String)

  init?(_ line: String) {
    guard let json = try? JSONValue(parsing: line, file: "worker") else { return nil }
    if let text = json["notice"]?.string {
      self = .notice(text)
    } else if let text = json["failure"]?.string {
      self = .failure(text)
    } else if let stage = json["stage"]?.string, let step = json["step"]?.int, let steps = json["steps"]?.int {
      var metrics: Metrics = [:]
      for member in json["metrics"]?.members ?? [] {
        if let value = member.value.double { metrics.append(member.name, value) }
      }
      self = .progress(
        CellProgress(
          stage: stage, step: step, steps: steps, metrics: metrics, samplesPerSecond: json["rate"]?.double ?? 0,
          secondsLeft: json["left"]?.double ?? 0))
    } else {
      return nil
    }
  }

  /// Prints the message for the parent; without a parent there is nobody to run for, so the run saves and stops.
  func send() {
    let json: JSONValue
    switch self {
    case .notice(let text): json = ["notice": .string(text)]
    case .failure(let text): json = ["failure": .string(text)]
    case .progress(let p):
      let metrics = p.metrics.items.filter { $0.value.isFinite }.map { JSONValue.Member($0.name, .double($0.value)) }
      json = [
        "stage": .string(p.stage), "step": .int(p.step), "steps": .int(p.steps), "rate": .double(p.samplesPerSecond),
        "left": .double(p.secondsLeft), "metrics": .object(metrics),
      ]
    }
    if let text = try? json.text(), !Terminal.reaches(text) { Interruption.isRequested.store(true, ordering: .relaxed) }
  }
}
