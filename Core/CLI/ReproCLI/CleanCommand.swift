import ArgumentParser
import Glibc
import ReproConfig
import ReproData
import ReproEngine

struct CleanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clean", abstract: "Removes what no run needs any more; shows it and asks first.",
    discussion: """
      Runs that were moved aside, second checkpoints and temporaries of finished runs; with --checkpoints the checkpoints \\
      of finished runs, too. Records, metrics and runs that can go on are never touched, nor runs that somebody works on.
      """)

  @Option(help: "The folder of all runs.") var out = "runs"
  @Flag(help: "The checkpoints of finished runs, too: they cannot be looked at again without running them.")
  var checkpoints = false
  @Flag(help: "Do not ask.") var yes = false

  func run() throws {
    let paths = removable()
    if paths.isEmpty { return Terminal.line("nothing to clean in \(out)/") }
    var table = TextTable(["size", "path"], rightAligned: [0])
    let sizes = paths.map(bytesBelow)
    for (path, size) in zip(paths, sizes) { table.add([fileSize(size), path]) }
    for line in table.lines() { Terminal.line(line) }
    let total = fileSize(sizes.reduce(0, +))
    guard yes || Terminal.confirms("remove these \(counted(paths.count, "item")), \(total)?") else {
      Terminal.error("nothing was removed; --yes removes without asking")
      throw ExitCode(2)
    }
    for path in paths {
      if SafeFile.isFolder(path) { removeTree(path) } else { unlink(path) }
      if access(path, F_OK) == 0 { throw ReproError(.data, at: path, found: "it could not be removed") }
    }
    Terminal.line("removed \(counted(paths.count, "item")), \(total)")
  }

  private func removable() -> [String] {
    var paths: [String] = []
    for run in RunPlace.all(in: out) where !RunLock.isHeld(run.folder) {
      if run.isOld {
        paths.append(run.folder)
        continue
      }
      // A run without a record may go on, and needs what it has.
      guard SafeFile.exists(run.folder + "/record.json") else { continue }
      for name in SafeFile.list(run.folder) {
        let isSpare = name == "checkpoint.previous.h5" || name == "checkpoint.next.h5"
        let isTemporary = name.hasPrefix(".") && name.split(separator: ".").count > 2
        if isSpare || isTemporary || (checkpoints && name == "checkpoint.h5") { paths.append("\(run.folder)/\(name)") }
      }
    }
    return paths
  }
}
