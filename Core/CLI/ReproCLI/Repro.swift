import ArgumentParser
import Glibc
import ReproConfig
import ReproEngine

/// The command line program; packages with plugins of their own call `Repro.main(adding:)` from theirs.
public enum Repro {
  /// Runs the command that the arguments name, and never returns.
  ///
  /// - Parameter extra: plugins that are added to the project's own.
  public static func main(adding extra: Plugins = Plugins(methods: [], datasets: [], evaluations: [])) -> Never {
    let arguments = Array(CommandLine.arguments.dropFirst())
    // Only what computes needs OpenBLAS as it was chosen; the rest saves the second start.
    if ["run", "verify", "replay", "doctor", "bench"].contains(arguments.first) { ProcessEnvironment.prepare() }
    Program.plugins = Plugins(
      methods: Plugins.builtIn.methods + extra.methods, datasets: Plugins.builtIn.datasets + extra.datasets,
      evaluations: Plugins.builtIn.evaluations + extra.evaluations)
    do {
      try refuseUnknownCommand(arguments)
      var command = try RootCommand.parseAsRoot(arguments)
      try command.run()
      exit(0)
    } catch let error as ReproError {
      Terminal.error("\(error)")
      exit(error.exitCode)
    } catch let error as ExitCode {
      exit(error.rawValue)
    } catch {
      let text = RootCommand.message(for: error)
      if RootCommand.exitCode(for: error) == .success {
        // Help was asked for.
        if !text.isEmpty { Terminal.line(text) }
        exit(0)
      }
      let known = commandWords(arguments).joined(separator: " ")
      let sentence = text.hasSuffix(".") ? String(text.dropLast()) : text
      Terminal.error("\(sentence); see 'repro \(known.isEmpty ? "" : known + " ")--help'")
      exit(2)
    }
  }

  /// The argument parser would call it an unexpected argument and suggest nothing.
  private static func refuseUnknownCommand(_ arguments: [String]) throws(ReproError) {
    guard let word = arguments.first, !word.hasPrefix("-") else { return }
    let names = RootCommand.configuration.subcommands.compactMap { $0.configuration.commandName }
    guard !names.contains(word), word != "help" else { return }
    throw ReproError(
      .usage, found: "unknown command '\(clipped(word))'",
      hint: suggestion(for: word, among: names) ?? "there are \(names.joined(separator: ", "))")
  }

  /// The words of the arguments that name a command: `data fetch`.
  private static func commandWords(_ arguments: [String]) -> [String] {
    var words: [String] = []
    var commands = RootCommand.configuration.subcommands
    for word in arguments {
      guard let command = commands.first(where: { $0.configuration.commandName == word }) else { break }
      words.append(word)
      commands = command.configuration.subcommands
    }
    return words
  }
}

struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repro", abstract: "Reproduces papers on multi-view self-supervised learning.",
    discussion: "Exit codes: 0 ok, 1 verification failed, 2 usage or recipe, 3 data, 4 numerical, 130 interrupted.",
    subcommands: [
      ListCommand.self, ShowCommand.self, RunCommand.self, VerifyCommand.self, ReportCommand.self, ReplayCommand.self,
      CompareCommand.self, StatusCommand.self, CleanCommand.self, ExportCommand.self, DataCommand.self,
      WeightsCommand.self,
      DoctorCommand.self, NewCommand.self, CatalogueCommand.self, BenchCommand.self,
    ])
}

/// Options of every command that looks recipes up.
struct RootOptions: ParsableArguments {
  @Option(
    name: .customLong("root"), parsing: .singleValue,
    help: "A further folder with registry.yaml and Reproductions/ (repeatable).")
  var roots: [String] = []
}

/// Options of every command that computes.
struct SharedOptions: ParsableArguments {
  @OptionGroup var places: RootOptions
  var roots: [String] { places.roots }

  @Option(help: "Instruction set of the kernels and of OpenBLAS: portable, avx2 or avx512 (default: the best).")
  var isa: String?
}
