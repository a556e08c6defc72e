import Foundation
import ReproConfig
import TestSupport
import Testing

/// Somebody who types commands: the program as it was built beside the tests, with an environment of its own.
struct Person {
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String

    /// What the program wrote on stderr, without the lines that tell how far runs are.
    var complaint: String {
      errors.split(separator: "\n").filter { $0.hasPrefix("repro: ") }.joined(separator: "\n")
    }
  }

  /// The folder in which the commands are typed.
  let here: String
  var environment: [String: String] = [:]

  /// The program: SwiftPM puts it beside the program that runs the tests.
  static let program: String = {
    let runner = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    return runner.deletingLastPathComponent().appendingPathComponent("repro").path
  }()

  /// The repository.
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  init(here: String, root: String? = nil) {
    self.here = here
    environment["REPRO_ROOT"] = root ?? Person.repository
    environment["REPRO_CACHE"] = here + "/cache"
  }

  /// Starts the program without waiting for it.
  func start(_ arguments: [String], output: String, errors: String, program: String? = nil) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program ?? Person.program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: here)
    // Nothing of the tests' own environment that the program reads.
    var all = ProcessInfo.processInfo.environment.filter { name, _ in
      !name.hasPrefix("REPRO_") && !name.hasPrefix("OPENBLAS_") && name != "NO_COLOR"
    }
    all.merge(environment) { $1 }
    process.environment = all
    for file in [output, errors] { FileManager.default.createFile(atPath: file, contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Types a command and waits for its end.
  func types(_ arguments: String..., program: String? = nil) throws -> Outcome {
    try types(arguments, program: program)
  }

  func types(_ arguments: [String], program: String? = nil) throws -> Outcome {
    let name = "\(here)/said-\(UUID().uuidString)"
    defer { for end in [".out", ".err"] { try? FileManager.default.removeItem(atPath: name + end) } }
    let process = try start(arguments, output: name + ".out", errors: name + ".err", program: program)
    process.waitUntilExit()
    // A crash is reported as its signal, as shells do.
    let status =
      process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
    return Outcome(status: status, output: try text(name + ".out"), errors: try text(name + ".err"))
  }

  /// Types a command of the shell, for what needs pipes and terminals.
  func types(shell line: String) throws -> Outcome { try types(["-c", line], program: "/bin/sh") }

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }
}

/// Runs `body` with somebody in a new empty folder.
func withPerson<R>(_ body: (Person) throws -> R) throws -> R {
  try withTemporaryFolder { try body(Person(here: RealPath.of($0))) }
}

enum RealPath {
  static func of(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
}

/// Writes a text file and the folders above it.
func write(_ text: String, to path: String) throws {
  try FileManager.default.createDirectory(
    at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
  try text.write(toFile: path, atomically: false, encoding: .utf8)
}

func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

/// The sequence that begins every colour and cursor command.
let escape = "\u{1B}"

/// A repository of its own with one recipe, small enough to train in a second.
struct Workshop {
  let person: Person
  var root: String { person.here }
  static let place = "Reproductions/dinov2/probe.yaml"

  static let recipe = """
    recipe: probe
    paper: dinov2
    method:
      type: dinov2
      patch: 8
      width: 32
      depth: 1
      heads: 2
      prototypes: 64
      head: {hidden: 32, bottleneck: 16}
      crops: {global: {size: 16}, local: {size: 8, count: 2}}
    data: {provider: scenes-objects, size: 16}
    stages:
      - {name: pretrain, optimizer: {type: adamw, lr: 0.001}}
    scales:
      tiny: {train: 64, test: 32, pretrain.steps: 40, batch: 16, seeds: 2}
    arms:
      method: {}
      random: {pretrain.steps: 0}
    evaluate: [{type: knn/v1, k: 5}]

    """

  /// - Parameter change: makes the recipe's text what the test is about.
  init(_ person: Person, _ change: (String) -> String = { $0 }) throws {
    self.person = Person(here: person.here, root: person.here)
    try write(
      "- {id: dinov2, family: distillation, type: DINOv2, recipes: [probe], status: recorded}\n",
      to: root + "/registry.yaml")
    try write(change(Self.recipe), to: "\(root)/\(Self.place)")
  }
}

func withWorkshop<R>(_ change: (String) -> String = { $0 }, _ body: (Workshop) throws -> R) throws -> R {
  try withPerson { try body(try Workshop($0, change)) }
}
