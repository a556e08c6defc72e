import ArgumentParser
import ReproConfig
import ReproEngine

extension Family: ExpressibleByArgument {}
extension Registry.Status: ExpressibleByArgument {}

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Every paper and recipe: its main claim, reported and measured, and the verdict.",
    discussion:
      "Measured are means over the seeds of the recorded small scale; STALE: the code's bits changed since. 'repro show "
      + "RECIPE' tells more.")

  @Option(help: "Only this family.") var family: Family?
  @Option(help: "Only this status.") var status: Registry.Status?
  @Flag(help: "Print the list as JSON.") var json = false
  @OptionGroup var places: RootOptions

  func run() throws {
    let (all, problems) = try CatalogueRow.all(roots: [Program.root()] + places.roots, plugins: Program.plugins)
    let rows = all.filter {
      ($0.entry.family == family ?? $0.entry.family) && ($0.entry.status == status ?? $0.entry.status)
    }
    if json {
      Terminal.line(try JSONValue.array(rows.map(\.json)).text(pretty: true))
    } else {
      print(rows)
    }
    for problem in problems { Terminal.error("\(problem)") }
    if !problems.isEmpty { throw ExitCode(2) }
  }

  private func print(_ rows: [CatalogueRow]) {
    if rows.isEmpty { return Terminal.error("no paper is of this family and status") }
    var table = TextTable(["paper", "year", "family", "recipe", "claim", "reported", "measured", "verdict", "status"])
    for row in rows {
      table.add([
        row.entry.id, row.year, row.entry.family.rawValue, row.recipe?.recipe ?? "-", row.claim?.id ?? "-",
        row.reportedText, row.measuredText, row.verdictText, row.entry.status.rawValue,
      ])
    }
    // A narrow terminal goes without family, paper and year first: the recipe's name says most of them.
    for line in table.lines(width: Terminal.tableWidth, dropping: [2, 0, 1, 8], clipping: [4, 3, 5, 7]) {
      Terminal.line(line)
    }
    if let note = CatalogueRow.footnote(rows) { Terminal.line("\n" + note) }
  }
}
