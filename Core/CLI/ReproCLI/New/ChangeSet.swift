import Glibc
import ReproConfig
import ReproData
import ReproEngine

/// New and changed files of the repository that are written together or not at all.
///
/// Everything is planned and checked in memory first; if a write fails after all, what was written is taken back.
struct ChangeSet {
  /// The repository, without links.
  let root: String
  private(set) var changes: [Change] = []

  struct Change {
    /// From the root.
    let path: String
    /// nil for a new file.
    let old: String?
    var new: String
  }

  init(root: String) { self.root = RecipeCatalog.resolved(root) }

  /// The text of a file as it will be.
  func text(_ path: String) throws(ReproError) -> String {
    if let change = changes.first(where: { $0.path == path }) { return change.new }
    return String(decoding: try readFile("\(root)/\(path)", limit: 16 << 20, domain: .usage), as: UTF8.self)
  }

  /// Plans a new file.
  ///
  /// - Throws: `ReproError`, domain usage, if something of that name is there.
  mutating func add(_ path: String, _ text: String) throws(ReproError) {
    try checkPlace(path)
    guard access("\(root)/\(path)", F_OK) != 0, !changes.contains(where: { $0.path == path }) else {
      throw ReproError(.usage, at: path, found: "exists already", hint: "choose another name, or remove it first")
    }
    changes.append(Change(path: path, old: nil, new: text))
  }

  /// Plans a change of a file that is there.
  mutating func edit(_ path: String, _ body: (String) throws(ReproError) -> String) throws(ReproError) {
    try checkPlace(path)
    let old = try text(path)
    let new = try body(old)
    if let i = changes.firstIndex(where: { $0.path == path }) {
      changes[i].new = new
    } else {
      changes.append(Change(path: path, old: old, new: new))
    }
  }

  /// Puts a line into a text, before or behind the only line that is equal to `anchor` (or begins with it, if it ends with
  /// dots).
  static func inserting(
    _ line: String, _ side: Side, _ anchor: String, in text: String, of path: String
  ) throws(ReproError) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let prefix = anchor.hasSuffix("...") ? String(anchor.dropLast(3)) : nil
    let places = lines.indices.filter { prefix.map(lines[$0].hasPrefix) ?? (lines[$0] == anchor) }
    guard places.count == 1 else {
      throw ReproError(
        .usage, at: path, found: "\(places.count) lines '\(clipped(anchor))'", expected: "one, to write beside it")
    }
    lines.insert(line, at: places[0] + (side == .behind ? 1 : 0))
    return lines.joined(separator: "\n")
  }

  enum Side { case before, behind }

  /// Nothing outside of the repository is ever written, even through a link inside it.
  private func checkPlace(_ path: String) throws(ReproError) {
    var folder = "\(root)/\(path)"[...]
    repeat {
      folder = folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)]
    } while !folder.isEmpty && access(String(folder), F_OK) != 0
    let real = RecipeCatalog.resolved(String(folder))
    let isLink = (try? readLink("\(root)/\(path)")) != nil
    guard !isLink, real == root || real.hasPrefix(root + "/") else {
      throw ReproError(.usage, at: path, found: "leads out of the repository", expected: "a place inside \(root)")
    }
  }

  private func readLink(_ path: String) throws -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    return readlink(path, &buffer, buffer.count - 1) >= 0 ? path : nil
  }

  /// Writes everything.
  ///
  /// - Throws: what went wrong; the repository is then as it was before.
  func apply() throws(ReproError) {
    var folders: [String] = []
    var done: [Change] = []
    do throws(ReproError) {
      for change in changes {
        try makeFolders(above: change.path, &folders)
        try write(change.path, change.new, isNew: change.old == nil)
        done.append(change)
      }
    } catch {
      for change in done.reversed() {
        if let old = change.old { try? write(change.path, old, isNew: false) } else { unlink("\(root)/\(change.path)") }
      }
      for folder in folders.reversed() { rmdir(folder) }
      throw error
    }
  }

  private func makeFolders(above path: String, _ made: inout [String]) throws(ReproError) {
    var folder = root
    for part in path.split(separator: "/").dropLast() {
      folder += "/\(part)"
      if mkdir(folder, 0o777) == 0 {
        made.append(folder)
      } else if errno != EEXIST {
        throw ReproError(.data, at: folder, found: "the folder cannot be made: \(String(cString: strerror(errno)))")
      }
    }
  }

  /// Beside its place first, then renamed: a source file like others, readable by everybody as far as the umask allows.
  private func write(_ path: String, _ text: String, isNew: Bool) throws(ReproError) {
    let place = "\(root)/\(path)"
    let temporary = "\(place).new-\(getpid())"
    var status = stat()
    let mode = !isNew && stat(place, &status) == 0 ? status.st_mode & 0o7777 : 0o666
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    var failed = descriptor < 0
    var reason = errno
    if !failed {
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty, !failed {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 { rest = rest.dropFirst(count) } else { failed = errno != EINTR }
      }
      failed = failed || fsync(descriptor) != 0
      reason = errno
      close(descriptor)
      if !failed, rename(temporary, place) == 0 { return }
      if !failed { reason = errno }
      unlink(temporary)
    }
    throw ReproError(.data, at: path, found: "cannot be written: \(String(cString: strerror(reason)))")
  }
}
