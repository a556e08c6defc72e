import Glibc
import ReproConfig

/// Unpacks archives that came from somewhere else into a folder of their own: zip, tar and tar.gz.
///
/// Everything is checked before the first byte is written: names that are absolute or lead out (`../x`), links, names
/// that stand twice, and sizes. The folder appears under its name when all of it is there.
public struct Unpacker: Sendable {
  /// Refuse archives that unpack to more bytes.
  public var largest = 64 << 30
  /// Refuse archives that unpack to more than so many times their size (and more than 64 MiB).
  public var ratio = 200
  /// Refuse archives of more files.
  public var mostFiles = 5_000_000

  public init() {}

  /// One file of an archive.
  private struct Entry {
    var name: String
    var size: Int
    var bytes: () throws -> [UInt8]
  }

  /// Unpacks an archive, unless the folder is there already.
  ///
  /// - Parameters:
  ///   - archive: told apart by its first bytes, not by its name.
  ///   - folder: made, and everything below it; the folder above must exist.
  /// - Returns: the files' names, in the order of the archive.
  /// - Throws: `ReproError` that names the archive and what is wrong with it; then there is no folder.
  @discardableResult
  public func unpack(_ archive: String, to folder: String) throws -> [String] {
    if SafeFile.isFolder(folder) { throw ReproError.data(folder, "the folder is there already") }
    let entries = try entries(of: archive)
    let packed = try SafeFile.size(archive)
    try check(entries.map { ($0.name, $0.size) }, archive, packed)
    let fresh = "\(folder).unpacking-\(getpid())"
    guard mkdir(fresh, 0o700) == 0 else { throw ReproError.system(fresh, "make the folder") }
    do {
      var made: Set<String> = [fresh]
      for entry in entries where !entry.name.hasSuffix("/") {
        let path = Path.join(fresh, entry.name)
        let parent = Path.folder(path)
        if made.insert(parent).inserted { try SafeFile.makeFolder(parent) }
        try Unpacker.write(try entry.bytes(), to: path)
      }
      guard rename(fresh, folder) == 0 else { throw ReproError.system(folder, "put the new folder in its place") }
      try SafeFile.flushFolder(of: folder)
    } catch {
      Unpacker.remove(fresh)
      throw error
    }
    return entries.map(\.name).filter { !$0.hasSuffix("/") }
  }

  private func entries(of archive: String) throws -> [Entry] {
    let bytes = try SafeFile.read(archive)
    if bytes.starts(with: [0x50, 0x4B]) {
      let zip = try ZipArchive(bytes, file: archive)
      return try zip.members.map { member in
        if member.isLink { throw ReproError.data(archive, "'\(clipped(member.name))' is a link") }
        return Entry(name: member.name, size: member.unpacked) { try zip.contents(member.name) }
      }
    }
    let isPacked = bytes.starts(with: [0x1F, 0x8B])
    let limit = min(largest, max(64 << 20, bytes.count.multipliedReportingOverflow(by: ratio).partialValue))
    let tar = try TarArchive(
      isPacked ? try Deflate.gunzip(bytes, limit: limit, file: archive) : bytes, file: archive)
    for (name, target) in tar.links {
      throw ReproError.data(archive, "'\(clipped(name))' is a link to '\(clipped(target))'")
    }
    return tar.files.map { file in Entry(name: file.name, size: file.range.count) { Array(tar.bytes[file.range]) } }
  }

  private func check(_ entries: [(name: String, size: Int)], _ archive: String, _ packed: Int) throws {
    guard entries.count <= mostFiles else {
      throw ReproError.data(archive, "the archive has \(entries.count) files", expected: "at most \(mostFiles)")
    }
    var total = 0
    var names: Set<String> = []
    for (name, size) in entries {
      guard Path.isContained(name) else {
        throw ReproError.data(archive, "the name '\(clipped(name))' leaves the archive")
      }
      // `a//b` and `a/./b` are `a/b`.
      let plain = name.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
      guard !plain.isEmpty || name.hasSuffix("/") || name == ".", names.insert(plain).inserted || name.hasSuffix("/")
      else { throw ReproError.data(archive, "the name '\(clipped(name))' stands twice, or is none") }
      let (sum, overflow) = total.addingReportingOverflow(size)
      guard !overflow, sum <= largest else {
        throw ReproError.data(archive, "the archive unpacks to more than \(largest) bytes")
      }
      total = sum
    }
    guard total <= 64 << 20 || total / max(ratio, 1) <= packed else {
      throw ReproError.data(
        archive, "the archive unpacks to \(total) bytes, \(total / max(packed, 1)) times its size",
        expected: "at most \(ratio) times")
    }
  }

  /// A new file; nothing that is there is written over.
  private static func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw ReproError.system(path, "make the file") }
    defer { close(descriptor) }
    try bytes.withUnsafeBytes { try SafeFile.append($0, to: descriptor, reportedAs: path) }
  }

  private static func remove(_ path: String) {
    if SafeFile.isFolder(path) {
      for name in SafeFile.list(path) { remove(Path.join(path, name)) }
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}
