import ArgumentParser
import ReproConfig
import ReproData
import ReproEngine

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "The data sets: what there is, how to get it, whether it is whole.",
    discussion: "Files are looked for in REPRO_MIRROR (a folder or URL) first, then in REPRO_CACHE (~/.cache/repro).",
    subcommands: [DataList.self, DataFetch.self, DataCheck.self, DataShow.self, DataAdd.self])
}

/// How the files of a set stand, summed up.
private struct SetState {
  let set: SourceSet
  let files: [DataCatalog.FileState]

  init(_ set: SourceSet, _ files: [DataCatalog.FileState]) { (self.set, self.files) = (set, files) }

  var isComplete: Bool { files.allSatisfy(\.isPresent) }

  var damaged: [(path: String, reason: String)] {
    files.compactMap { if case .damaged(let path, let reason) = $0.status { (path, reason) } else { nil } }
  }

  /// `here`, `missing`, `2 of 4 files`, `damaged`.
  var words: String {
    if !damaged.isEmpty { return "damaged" }
    let present = files.count(where: \.isPresent)
    if present == files.count { return "here" }
    return present == 0 ? "missing" : "\(present) of \(counted(files.count, "file"))"
  }

  /// The folders that hold the files.
  var folders: [String] {
    var folders: [String] = []
    for file in files {
      guard case .present(let path) = file.status else { continue }
      let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
      if !folders.contains(folder) { folders.append(folder) }
    }
    return folders
  }
}

/// The providers whose data are made, not fetched.
private func isRendered(_ name: String) -> Bool {
  let fetched = dataProviders.map { $0.card.id }
  return Program.plugins.datasets.contains { $0.card.id == name } && !fetched.contains(name)
}

/// Why there is nothing to fetch or check, for what is no published set of files; nil for a set.
private func reasonForNoFiles(_ name: String, _ root: DataRoot) throws -> String? {
  if isRendered(name) { return "rendered by the program" }
  if ownDataProviders.contains(where: { $0.card.id == name }) { return "read from your own copy" }
  return try UserDataCard.find(name, root: root).map { "in your folder \($0.path)" }
}

struct DataList: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "All data sets: size, licence, state.")

  @Flag(help: "Print the list as JSON.") var json = false

  func run() throws {
    let root = Program.dataRoot()
    let states = try DataCatalog.sets.map { SetState($0, try DataCatalog.state($0.id, root: root)) }
    let rendered = Program.plugins.datasets.map { $0.card }.filter { isRendered($0.id) }
    // In the order of the list: made here, published, read from a path, added by the user.
    let own = ownDataProviders.map { $0.card }.filter { $0.id != UserDataset.card.id }
    let added = try UserDataCard.all(root: root)
    if json {
      let made = rendered.map { card -> JSONValue in
        [
          "id": .string(card.id), "title": .string(card.title), "licence": .string(card.licence), "bytes": 0,
          "state": "rendered",
        ]
      }
      let fetched = states.map { state -> JSONValue in
        [
          "id": .string(state.set.id), "title": .string(state.set.title), "licence": .string(state.set.licence),
          "bytes": .int(state.set.bytes), "state": .string(state.words),
          "folders": .array(state.folders.map { .string($0) }),
        ]
      }
      let read = own.map { card -> JSONValue in
        [
          "id": .string(card.id), "title": .string(card.title), "licence": .string(card.licence), "bytes": 0,
          "state": "give path",
        ]
      }
      let yours = added.map { card -> JSONValue in
        [
          "id": .string(card.name), "title": .string(card.title), "licence": .string(card.licence), "bytes": 0,
          "state": .string(card.isHere ? "added" : "gone"), "folders": .array([.string(card.path)]),
        ]
      }
      return Terminal.line(try JSONValue.array(made + fetched + read + yours).text(pretty: true))
    }
    var table = TextTable(["data set", "size", "state", "licence", "what"], rightAligned: [1])
    for card in rendered { table.add([card.id, "-", "rendered", card.licence, card.title]) }
    for state in states {
      table.add([state.set.id, fileSize(state.set.bytes), state.words, state.set.licence, state.set.title])
    }
    for card in own { table.add([card.id, "-", "give path", card.licence, card.title]) }
    for card in added {
      table.add([card.name, "-", card.isHere ? "added" : "gone", card.licence, "\(card.title): \(card.contents)"])
    }
    for line in table.lines(width: Terminal.tableWidth, clipping: [4, 3]) { Terminal.line(line) }
    Terminal.line("\nmirror  \(root.mirror ?? "none (set REPRO_MIRROR)")\ncache   \(root.cache)")
  }
}

struct DataFetch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch", abstract: "Brings data sets to this machine: from the mirror, else from their publishers.",
    discussion: "Says size and licence first, and asks. Interrupted downloads go on where they stopped.")

  @Argument(help: "Data sets of 'repro data list'.") var names: [String]
  @Flag(help: "Do not ask.") var yes = false

  func run() throws {
    Signals.install()
    let root = Program.dataRoot()
    for name in names {
      if let reason = try reasonForNoFiles(name, root) {
        Terminal.line("\(name): \(reason), there is nothing to fetch")
        continue
      }
      try fetch(try DataCatalog.set(name), root)
    }
  }

  private func fetch(_ set: SourceSet, _ root: DataRoot) throws {
    let state = SetState(set, try DataCatalog.check(set.id, root: root))
    if state.isComplete {
      Terminal.line("\(set.id): here and whole, in \(state.folders.joined(separator: " and "))")
      return
    }
    let urls = set.files.flatMap { $0.urls.prefix(1) }
    let sources = (root.mirror.map { [$0] } ?? []) + urls
    Terminal.write("\(set.id): \(set.title)\n")
    Terminal.write("  size     \(fileSize(set.bytes)) in \(counted(set.files.count, "file"))\n")
    Terminal.write("  licence  \(set.licence)\n")
    for (index, source) in sources.enumerated() {
      Terminal.write("  \(index == 0 ? "from   " : "       ")  \(source)\n")
    }
    Terminal.write("  to       \(root.cache)/sources\n")
    guard yes || Terminal.confirms("Fetch it?") else {
      throw ReproError(.usage, at: set.id, found: "not fetched", hint: "answer y, or give --yes")
    }
    let display = DownloadDisplay()
    defer { display.close() }
    try DataCatalog.fetch(set.id, root: root) { display.show($0) }
    display.close()
    let after = SetState(set, try DataCatalog.state(set.id, root: root))
    Terminal.line("\(set.id): fetched and verified, in \(after.folders.joined(separator: " and "))")
  }
}

/// The progress of a download: one line that is written over on a terminal, a line at each quarter in a pipe.
private final class DownloadDisplay {
  private var announced = ""
  private var isOpen = false

  func show(_ progress: DownloadProgress) {
    let percent = progress.received * 100 / max(progress.total, 1)
    let text = "  \(progress.name)  \(percent) %  \(fileSize(progress.received)) of \(fileSize(progress.total))"
    if Terminal.isInteractive {
      Terminal.write("\r\u{1B}[K\(TextTable.clipped(text, to: Terminal.width - 1))")
      isOpen = true
    } else if announced != "\(progress.name) \(percent / 25)" {
      announced = "\(progress.name) \(percent / 25)"
      Terminal.write(text + "\n")
    }
  }

  func close() {
    if isOpen { Terminal.write("\r\u{1B}[K") }
    isOpen = false
  }
}

struct DataCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Compares the files of data sets with their published digests.",
    discussion: "Exit code 3 if a file is damaged, or missing from a data set that was named.")

  @Argument(help: "Data sets (default: all that are here).") var names: [String] = []

  func run() throws {
    let root = Program.dataRoot()
    var sets = names.isEmpty ? DataCatalog.sets : []
    for name in names {
      if let reason = try reasonForNoFiles(name, root) {
        Terminal.line("\(name): \(reason), there is nothing to check")
      } else {
        sets.append(try DataCatalog.set(name))
      }
    }
    var bad: ReproError?
    var isAnythingHere = false
    for set in sets {
      let state = SetState(set, try DataCatalog.check(set.id, root: root))
      if names.isEmpty && state.words == "missing" { continue }
      isAnythingHere = true
      for file in state.files {
        switch file.status {
        case .present(let path): Terminal.line("ok       \(path)")
        case .damaged(let path, let reason):
          Terminal.line("damaged  \(path): \(reason)")
          bad =
            bad ?? ReproError(.data, at: set.id, found: "a file is damaged", hint: "remove it and fetch the set again")
        case .missing(let places):
          Terminal.line("missing  \(places.joined(separator: " or "))")
          if !names.isEmpty {
            let hint =
              file.file.urls.isEmpty && root.mirror == nil
              ? "set REPRO_MIRROR to a folder that has it" : "repro data fetch \(set.id)"
            bad = bad ?? ReproError(.data, at: set.id, found: "a file is missing", hint: hint)
          }
        }
      }
    }
    if let bad { throw bad }
    if names.isEmpty && !isAnythingHere {
      Terminal.line("no data set is here; 'repro data list' shows what there is")
    }
  }
}
