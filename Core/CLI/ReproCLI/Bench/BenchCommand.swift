import ArgumentParser
import Glibc
import ReproConfig
import ReproEngine
import ReproTensor

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Times training steps, single ops, the renderer, augmentations and checkpoints.",
    discussion: """
      Each workload runs in a process of its own, so that its peak memory is its own, and warms up first. \
      Tests/Benchmarks/compare.sh measures the same workloads in PyTorch beside it.
      """)

  @Argument(help: "Workloads of 'repro bench --list' (default: all).") var workloads: [String] = []
  @Option(help: "Threads (default: all cores).") var threads: Int?
  @Option(help: "Timed steps (default: the workload's own number).") var steps: Int?
  @Flag(help: "Print one JSON object a line.") var json = false
  @Flag(help: "Say where the time of the timed steps went, op by op.") var profile = false
  @Flag(help: "Print the names of the workloads.") var list = false
  @Flag(help: .hidden) var worker = false
  @Option(help: "Instruction set of the kernels and of OpenBLAS: portable, avx2 or avx512 (default: the best).")
  var isa: String?

  func validate() throws {
    if let threads, !(1...256).contains(threads) { throw ValidationError("--threads must be 1 to 256, got \(threads)") }
    if let steps, !(1...100_000).contains(steps) { throw ValidationError("--steps must be 1 to 100000, got \(steps)") }
  }

  func run() throws {
    let chosen = try workloads.isEmpty ? Workload.all : workloads.map(Self.workload)
    if list { return printList(chosen) }
    if worker { return try work(chosen) }
    var results: [BenchResult] = []
    for workload in chosen {
      let result = try measure(workload)
      if json { Terminal.line(try result.json.text()) }
      results.append(result)
    }
    if !json { printTable(results) }
  }

  static func workload(named name: String) throws(ReproError) -> Workload {
    if let found = Workload.all.first(where: { $0.name == name }) { return found }
    let names = Workload.all.map(\.name)
    throw ReproError(
      .usage, found: "unknown workload '\(clipped(name))'",
      hint: suggestions(for: name, among: names) ?? "there are \(names.joined(separator: ", "))")
  }

  private func printList(_ workloads: [Workload]) {
    var table = TextTable(["workload", "one step is"])
    for workload in workloads { table.add([workload.name, workload.summary]) }
    for line in table.lines(width: Terminal.tableWidth, clipping: [1]) { Terminal.line(line) }
  }

  private func printTable(_ results: [BenchResult]) {
    var table = TextTable(BenchResult.header, rightAligned: BenchResult.rightAligned)
    for result in results { table.add(result.row) }
    for line in table.lines(width: Terminal.tableWidth, dropping: [3, 1]) { Terminal.line(line) }
    for result in results {
      guard let rows = result.profile else { continue }
      Terminal.line("\n\(result.workload), \(counted(result.steps, "step"))")
      for line in ProfileTable(rows: rows).lines(width: Terminal.tableWidth) { Terminal.line(line) }
    }
  }

  /// Measures one workload in a child process.
  private func measure(_ workload: Workload) throws -> BenchResult {
    var arguments = ["bench", workload.name, "--worker", "--threads", "\(threads ?? Program.cores)"]
    if let steps { arguments += ["--steps", "\(steps)"] }
    if profile { arguments.append("--profile") }
    if let isa { arguments += ["--isa", isa] }
    if Terminal.isInteractive, !json { Terminal.write("\(workload.name)...\r") }
    var result: BenchResult?
    var failure: String?
    var code: Int32 = 0
    try ProcessPool(executable: "/proc/self/exe", concurrent: 1).run(
      [ProcessPool.Job(arguments: arguments)], onStart: { _ in },
      onLine: { _, line in
        guard let json = try? JSONValue(parsing: line, file: "bench") else { return Terminal.line(line) }
        if let text = json["failure"]?.string { failure = text } else { result = try? BenchResult(json) }
      }, onEnd: { code = $1 }, mayContinue: { !Interruption.isRequested.load(ordering: .relaxed) })
    if let result, code == 0 { return result }
    throw ReproError(
      code == 3 || code <= 1 ? .data : code == 2 ? .usage : .numerical, at: "workload \(workload.name)",
      found: failure ?? Sweep.Failure.text(code))
  }

  /// One workload, in this process.
  private func work(_ workloads: [Workload]) throws {
    ThreadPool.shared.threads = threads ?? Program.cores
    try BenchFolder.make()
    defer { BenchFolder.remove() }
    do {
      for workload in workloads {
        Terminal.line(try BenchResult(workload, steps: steps, profiles: profile).json.text())
      }
    } catch let error as ReproError {
      Terminal.line(try JSONValue.object([JSONValue.Member("failure", .string("\(error)"))]).text())
      throw ExitCode(error.exitCode)
    }
  }
}
