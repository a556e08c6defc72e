import ArgumentParser
import ReproConfig
import ReproData
import ReproEngine

struct ExportCommand: ParsableCommand {
  /// What other programs read.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case csv, claims, modelIndex = "model-index", tensorboard
  }

  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Recorded results as CSV or a model index, runs as TensorBoard event files.",
    discussion: """
      csv: every measurement of every recorded cell. claims: every claim with its verdict, as CSV. model-index: means of \\
      the small scale as the YAML of model cards. tensorboard: the curves of all finished runs below --runs, into the \\
      folder --to.
      """)

  @Argument(help: "Recipes (default: all).") var recipes: [String] = []
  @Option(help: "csv, claims, model-index or tensorboard.") var format = Format.csv
  @Option(help: "The file, or for tensorboard the folder, to write (default: standard output).") var to: String?
  @Option(help: "The folder of all runs.") var runs = "runs"
  @OptionGroup var places: RootOptions

  func validate() throws {
    if format == .tensorboard && to == nil { throw ValidationError("--format tensorboard needs a folder: --to DIR") }
  }

  func run() throws {
    let catalogue = try Program.catalogue(extraRoots: places.roots)
    let entries = recipes.isEmpty ? catalogue.entries : try recipes.map { try catalogue.entry(named: $0) }
    if let to, format == .tensorboard { return try exportEvents(entries.map(\.recipe), to: to) }
    var papers = RecordedEvidence.papers(of: catalogue, plugins: Program.plugins)
    for i in papers.indices { papers[i].items.removeAll { !entries.contains($0.entry) } }
    for problem in papers.flatMap(\.items).compactMap(\.problem) { Terminal.error("\(problem)") }
    let text =
      switch format {
      case .claims: Exports.claims(papers)
      case .modelIndex: Exports.modelIndex(papers)
      default: Exports.measurements(papers.flatMap(\.items).compactMap(\.golden))
      }
    if let to {
      try SafeFile.write(to, text: text)
      Terminal.line("wrote \(to)")
    } else {
      Terminal.output(text)
    }
  }

  private func exportEvents(_ recipes: [String], to folder: String) throws {
    var count = 0
    for run in RunPlace.all(in: runs) where !run.isOld && recipes.contains(run.recipe) {
      guard SafeFile.exists(run.folder + "/record.json") else { continue }
      let target = "\(folder)/\(run.recipe)/\(run.scale)/\(run.name)"
      try SafeFile.makeFolder(target)
      try EventFile(try StoredRun(run.folder).record).write("\(target)/\(EventFile.name)")
      count += 1
    }
    Terminal.line("wrote \(counted(count, "run")) to \(folder)/; look at them with: tensorboard --logdir \(folder)")
  }
}
