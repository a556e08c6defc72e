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
    let listing = try CatalogueListing(
      roots: [Program.root()] + places.roots, plugins: Program.plugins, cache: Program.dataRoot().cache)
    let rows = listing.rows.filter { $0.family == family ?? $0.family && $0.status == status ?? $0.status }
    if json {
      let all = try rows.map { row throws(ReproError) in try JSONValue(parsing: row.json, file: "list") }
      Terminal.line(try JSONValue.array(all).text(pretty: true))
    } else {
      print(rows.map(\.cells))
    }
    for problem in listing.problems { Terminal.error("\(problem)") }
    if !listing.problems.isEmpty { throw ExitCode(2) }
  }

  private func print(_ rows: [[String]]) {
    if rows.isEmpty { return Terminal.error("no paper is of this family and status") }
    var table = TextTable(CatalogueListing.columns)
    for row in rows { table.add(row) }
    // A narrow terminal goes without family, paper and year first: the recipe's name says most of them.
    for line in table.lines(width: Terminal.tableWidth, dropping: [2, 0, 1, 8], clipping: [4, 3, 5, 7]) {
      Terminal.line(line)
    }
    if let note = CatalogueRow.footnote(rows.map { $0[5] }) { Terminal.line("\n" + note) }
  }
}
