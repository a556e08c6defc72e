import ArgumentParser
import Glibc
import ReproConfig
import ReproData
import ReproEngine

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Writes a web site of all papers, claims, curves and pictures; no server needed.",
    discussion: """
      Numbers and verdicts come from the committed records, pictures and times from the folder of runs. The same \
      records give the same pages. An earlier report in the folder is replaced; \
      a folder that holds something else is refused.
      """)

  @Option(help: "The folder of the site.") var out = "report"
  @Option(help: "The folder of all runs.") var runs = "runs"
  @Flag(help: "Open the first page in the browser.") var open = false
  @OptionGroup var places: RootOptions

  func run() throws {
    let site = try Site(roots: [Program.root()] + places.roots, runs: runs, plugins: Program.plugins)
    let count = try SiteWriter(site: site, folder: out).write()
    for problem in site.problems { Terminal.error("\(problem)") }
    let executed = site.papers.count(where: \.isExecuted)
    if executed == 0 { Terminal.error("nothing has been run at small scale yet: the report is the catalogue alone") }
    Terminal.line(
      "\(counted(site.papers.count, "paper")), \(executed) with results: \(counted(count, "file")) in \(out)/")
    Terminal.line("\(RecipeCatalog.resolved(out))/index.html")
    if open { try show() }
    if !site.problems.isEmpty { throw ExitCode(2) }
  }

  /// Hands the page to the browser that the person uses.
  private func show() throws {
    let page = RecipeCatalog.resolved(out) + "/index.html"
    var process = pid_t()
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("xdg-open"), strdup(page), nil]
    defer { for argument in arguments { free(argument) } }
    let code = posix_spawnp(&process, "xdg-open", nil, nil, &arguments, environ)
    guard code == 0 else {
      throw ReproError(
        .usage, at: "--open", found: "xdg-open cannot be started: \(String(cString: strerror(code)))",
        hint: "open \(page) yourself")
    }
    var status: Int32 = 0
    waitpid(process, &status, 0)
  }
}
