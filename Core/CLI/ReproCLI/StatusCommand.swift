import ArgumentParser
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "What runs, what is done and what is left below the folder of all runs.")

  @Argument(help: "Recipes (default: all that were run).") var recipes: [String] = []
  @Option(help: "The folder of all runs.") var out = "runs"
  @Flag(help: "Print the status as JSON.") var json = false
  @OptionGroup var places: RootOptions

  func run() throws {
    let catalogue = try Program.catalogue(extraRoots: places.roots)
    for name in recipes { _ = try catalogue.entry(named: name) }
    let runs = RunPlace.all(in: out).filter { !$0.isOld && (recipes.isEmpty || recipes.contains($0.recipe)) }
    // Of many runs all the time goes into reading records and computing their checksums.
    ThreadPool.shared.threads = max(1, min(Program.cores, runs.count / 64))
    var looks = [Look?](repeating: nil, count: runs.count)
    looks.withUnsafeMutableBufferPointer { looks in
      ThreadPool.shared.forEach(runs.count) { looks[$0] = Look(runs[$0]) }
    }
    var rows: [Row] = []
    for (run, look) in zip(runs, looks) {
      if rows.last?.recipe != run.recipe || rows.last?.scale != run.scale {
        rows.append(Row(recipe: run.recipe, scale: run.scale, planned: planned(run, catalogue)))
      }
      if let look { rows[rows.count - 1].add(run, look) }
    }
    if json { return Terminal.line(try JSONValue.array(rows.map(\.json)).text(pretty: true)) }
    if rows.isEmpty { return Terminal.line("no runs in \(out)/") }
    var table = TextTable(
      ["recipe", "scale", "done", "planned", "running", "stopped", "diverged"], rightAligned: [2, 3, 4, 5, 6])
    for row in rows {
      table.add([
        row.recipe, row.scale, "\(row.done)", row.planned.map { "\($0)" } ?? "?", "\(row.running.count)",
        "\(row.stopped.count)", "\(row.diverged.count)",
      ])
    }
    for line in table.lines(width: Terminal.tableWidth, dropping: [6], clipping: [0]) { Terminal.line(line) }
    for row in rows {
      for (word, names) in [
        ("running", row.running), ("stopped", row.stopped), ("diverged", row.diverged), ("damaged", row.damaged),
        ("warned", row.warned),
      ] {
        for name in names { Terminal.line("\(word): \(row.recipe) \(row.scale) \(name)") }
      }
    }
  }

  /// The cells of the recipe as its file says now; nil for one that is gone or has no such scale.
  private func planned(_ run: RunPlace, _ catalogue: RecipeCatalog) -> Int? {
    guard let entry = catalogue.entries.first(where: { $0.recipe == run.recipe }),
      let scale = Scale(rawValue: run.scale),
      let recipe = try? catalogue.recipe(at: entry),
      let cell = try? recipe.resolve(scale: scale, arm: recipe.arms[0].name)
    else { return nil }
    return recipe.arms.count * cell.seeds.count
  }

  /// What stands in a run's folder.
  private struct Look {
    let state: RunPlace.State
    let findings: [HealthFinding]

    init(_ run: RunPlace) {
      state = run.state
      findings = (try? HealthJournal(folder: run.folder))?.findings ?? []
    }
  }

  private struct Row {
    let recipe, scale: String
    let planned: Int?
    var done = 0
    /// Each with where it is.
    var running: [String] = []
    var stopped: [String] = []
    var diverged: [String] = []
    var damaged: [String] = []
    /// What the monitors said.
    var warned: [String] = []

    init(recipe: String, scale: String, planned: Int?) {
      (self.recipe, self.scale, self.planned) = (recipe, scale, planned)
    }

    mutating func add(_ run: RunPlace, _ look: Look) {
      // Looked up for those that are shown: most of many runs are finished.
      func named() -> String { run.name + (run.lastStep.map { " at \($0)" } ?? "") }
      switch look.state {
      case .running: running.append(named())
      case .stopped: stopped.append(named())
      case .finished(let status):
        done += 1
        if status == .diverged { diverged.append(named()) }
      case .damaged(let error): damaged.append("\(run.name): \(error)")
      }
      for finding in look.findings {
        warned.append("\(run.name), \(finding.stage), step \(finding.step): \(finding.text)")
      }
    }

    var json: JSONValue {
      func list(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
      return [
        "recipe": .string(recipe), "scale": .string(scale), "planned": planned.map { .int($0) } ?? .null,
        "done": .int(done), "running": list(running), "stopped": list(stopped), "diverged": list(diverged),
        "damaged": list(damaged), "warned": list(warned),
      ]
    }
  }
}
