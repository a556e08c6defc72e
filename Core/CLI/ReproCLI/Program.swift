import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import Synchronization

/// What all commands share: where things are, and what the program was compiled with.
enum Program {
  /// Set once, before any command runs.
  static var plugins: Plugins {
    get { storage.withLock { $0 } ?? .builtIn }
    set { storage.withLock { $0 = newValue } }
  }
  private static let storage = Mutex<Plugins?>(nil)

  /// The repository's root.
  static func root() throws -> String { try RecipeCatalog.packageRoot() }

  static func catalogue(extraRoots: [String] = []) throws -> RecipeCatalog {
    try RecipeCatalog(roots: [root()] + extraRoots)
  }

  /// Where data sets find their files: downloads and decoded caches, and the mirror.
  static func dataRoot(seed: UInt64 = 0, notices: Notices = notices) -> DataRoot {
    .fromEnvironment(seed: seed, notices: notices)
  }

  static let notices = Notices { Terminal.error($0) }

  /// Cores that this process may use.
  static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// The commit of a checkout, from `.git` itself; "unknown" outside of one.
  static func commit(_ root: String) -> String {
    func text(_ path: String) -> String? {
      guard let bytes = try? SafeFile.read(path, limit: 1 << 20) else { return nil }
      return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }
    var git = root + "/.git"
    // A worktree's .git is a file that names its folder.
    if let line = text(git), line.hasPrefix("gitdir: ") { git = String(line.dropFirst(8)) }
    guard let head = text(git + "/HEAD") else { return "unknown" }
    guard head.hasPrefix("ref: ") else { return head }
    let name = String(head.dropFirst(5))
    let common = text(git + "/commondir").map { $0.hasPrefix("/") ? $0 : git + "/" + $0 } ?? git
    if let commit = text(git + "/" + name) ?? text(common + "/" + name) { return commit }
    guard let packed = try? SafeFile.read(common + "/packed-refs", limit: 16 << 20) else { return "unknown" }
    let line = String(decoding: packed, as: UTF8.self).split(separator: "\n").first { $0.hasSuffix(" " + name) }
    return line.map { String($0.prefix { $0 != " " }) } ?? "unknown"
  }
}
