import ArgumentParser
import Glibc
import ReproConfig
import ReproEngine

/// The command line program; packages with plugins of their own call `Repro.main(plugins:)` from theirs.
public enum Repro {
  /// Runs the command that the arguments name, and never returns.
  ///
  /// - Parameter extra: plugins that are added to the project's own.
  public static func main(adding extra: Plugins = Plugins(methods: [], datasets: [], evaluations: [])) -> Never {
    ProcessEnvironment.prepare()
    Program.plugins = Plugins(
      methods: Plugins.builtIn.methods + extra.methods, datasets: Plugins.builtIn.datasets + extra.datasets,
      evaluations: Plugins.builtIn.evaluations + extra.evaluations)
    do {
      var command = try RootCommand.parseAsRoot()
      try command.run()
      exit(0)
    } catch let error as ReproError {
      Terminal.error("\(error)")
      exit(error.exitCode)
    } catch let error as ExitCode {
      exit(error.rawValue)
    } catch {
      let code = RootCommand.exitCode(for: error)
      let text = RootCommand.fullMessage(for: error)
      if code == .success {
        if !text.isEmpty { Terminal.line(text) }
        exit(0)
      }
      Terminal.error(text)
      exit(2)
    }
  }
}

struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repro", abstract: "Reproduces papers on multi-view self-supervised learning.",
    discussion: "Exit codes: 0 ok, 1 verification failed, 2 usage or recipe, 3 data, 4 numerical, 130 interrupted.",
    subcommands: [
      RunCommand.self, VerifyCommand.self,
    ])
}
