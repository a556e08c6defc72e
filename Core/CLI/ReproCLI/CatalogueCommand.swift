import ArgumentParser
import Glibc
import ReproConfig
import ReproData
import ReproEngine

struct CatalogueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "catalogue", abstract: "The table of all papers in README.md: prints it, or puts it there.",
    discussion: "The table stands between the lines '\(Catalogue.begin)' and '\(Catalogue.end)'.")

  @Flag(help: "Put the table into README.md.") var write = false

  func run() throws {
    let root = try Program.root()
    let (rows, problems) = try CatalogueRow.all(roots: [root], plugins: Program.plugins)
    if let problem = problems.first { throw problem }
    let table = Catalogue.markdown(rows)
    guard write else { return Terminal.line(table) }
    var changes = ChangeSet(root: root)
    try changes.edit("README.md") { text throws(ReproError) in try Catalogue.replaced(in: text, by: table) }
    try changes.apply()
    Terminal.line("README.md has the table of \(counted(rows.count, "recipe"))")
  }
}

/// The catalogue as Markdown, and its place in README.md.
enum Catalogue {
  static let begin = "<!-- catalogue: made by 'repro catalogue --write' -->"
  static let end = "<!-- end of the catalogue -->"

  /// A table with one row for each recipe, without a final newline.
  static func markdown(_ rows: [CatalogueRow]) -> String {
    var lines = [
      "| paper | year | family | recipe | claim | reported | measured | status |", "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows {
      let entry = row.entry
      let title = escaped(row.card?.title ?? entry.id)
      let paper = entry.arxiv.isEmpty ? title : "[\(title)](https://arxiv.org/abs/\(entry.arxiv))"
      let recipe = row.recipe.map { "[\($0.recipe)](Reproductions/\($0.paper)/\($0.recipe).yaml)" } ?? "-"
      let claim = row.claim.map { escaped($0.statement.isEmpty ? $0.id : $0.statement) } ?? "-"
      let reported = row.reportedText.replacing("*", with: "\\*")
      lines.append(
        "| \(paper) | \(row.year) | \(entry.family.rawValue) | \(recipe) | \(claim) | \(reported) | \(row.measuredText) "
          + "| \(entry.status.rawValue) |")
    }
    if let note = CatalogueRow.footnote(rows.map(\.reportedText)) { lines += ["", note.replacing("*", with: "\\*")] }
    return lines.joined(separator: "\n")
  }

  /// What stands between the two lines of a text.
  ///
  /// - Throws: `ReproError`, domain usage, if they are not there, each once and in order.
  static func current(in text: String) throws(ReproError) -> String {
    let range = try range(in: text)
    return String(text[range])
  }

  /// The text with another table between the two lines.
  static func replaced(in text: String, by table: String) throws(ReproError) -> String {
    var result = text
    result.replaceSubrange(try range(in: text), with: table)
    return result
  }

  private static func range(in text: String) throws(ReproError) -> Range<String.Index> {
    let (first, last) = (text.ranges(of: begin + "\n"), text.ranges(of: "\n" + end))
    guard first.count == 1, last.count == 1, first[0].upperBound <= last[0].lowerBound else {
      throw ReproError(
        .usage, at: "README.md", found: "the place of the catalogue cannot be found",
        expected: "one line '\(begin)' and after it one line '\(end)'")
    }
    return first[0].upperBound..<last[0].lowerBound
  }

  private static func escaped(_ text: String) -> String { text.replacing("|", with: "\\|") }
}
