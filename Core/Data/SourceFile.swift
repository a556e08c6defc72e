import Glibc
import ReproConfig

/// A file of a data set as its authors publish it, pinned to the byte.
public struct SourceFile: Sendable, Equatable {
  /// Its place in a mirror and among our downloads: `fashion-mnist/train-images-idx3-ubyte.gz`.
  public var path: String
  /// Where it can be had, in the order to try; empty if only mirrors have it.
  public var urls: [String]
  public var bytes: Int
  /// 64 hexadecimal digits.
  public var sha256: String

  public init(path: String, urls: [String], bytes: Int, sha256: String) {
    (self.path, self.urls, self.bytes, self.sha256) = (path, urls, bytes, sha256)
  }
}

/// The files that make up one edition of a data set: the unit of `repro data fetch`.
public struct SourceSet: Sendable, Equatable {
  /// What `repro data fetch` calls it.
  public var id: String
  public var title: String
  /// As its source states it; "not stated" if it does not.
  public var licence: String
  public var files: [SourceFile]

  public init(id: String, title: String, licence: String, files: [SourceFile]) {
    (self.id, self.title, self.licence, self.files) = (id, title, licence, files)
  }

  public var bytes: Int { files.reduce(0) { $0 + $1.bytes } }

  /// SHA-256 over the pinned digests of all files: names what the set decodes from, without reading it.
  public var digest: String { SHA256.hex(of: files.map { "\($0.path) \($0.sha256)\n" }.joined()) }

  /// What to do if a file is not there: fetch it, if the table or a mirror on the network says where from.
  func hint(for file: SourceFile, root: DataRoot) -> String {
    let mirror = "set REPRO_MIRROR to a folder that has it"
    let isFetchable = !file.urls.isEmpty || (root.mirror != nil && root.mirrorFolder == nil)
    return isFetchable ? "repro data fetch \(id), or \(mirror)" : mirror
  }
}

extension DataRoot {
  /// The root that the environment names: caches in `$REPRO_CACHE`, else `~/.cache/repro`; `$REPRO_MIRROR` if it is
  /// set.
  public static func fromEnvironment(seed: UInt64, notices: Notices = .silent) -> DataRoot {
    func variable(_ name: String) -> String? {
      guard let value = getenv(name) else { return nil }
      let text = String(cString: value)
      return text.isEmpty ? nil : text
    }
    let home = variable("HOME") ?? "."
    return DataRoot(
      cache: variable("REPRO_CACHE") ?? Path.join(home, ".cache/repro"), mirror: variable("REPRO_MIRROR"), seed: seed,
      notices: notices)
  }

  /// The mirror if it is a folder of this machine, be it spelled as a path or as `file://`; nil if it is on the
  /// network.
  public var mirrorFolder: String? {
    guard let mirror else { return nil }
    if mirror.hasPrefix("file://") { return String(mirror.dropFirst(7)) }
    return mirror.contains("://") ? nil : mirror
  }

  /// Where `repro data fetch` puts a file.
  public func downloadPath(_ file: SourceFile) -> String { Path.join(Path.join(cache, "sources"), file.path) }

  /// Where a file may be on this machine, in the order of looking.
  func places(_ file: SourceFile) -> [String] {
    (mirrorFolder.map { [Path.join($0, file.path)] } ?? []) + [downloadPath(file)]
  }

  /// The bytes of a source file, verified; the first place that has the right bytes wins.
  ///
  /// - Throws: `ReproError` that names the set, the file, and where it was looked for; or, if it is there but wrong,
  ///   how.
  public func bytes(of file: SourceFile, in set: SourceSet) throws -> [UInt8] {
    var damage: ReproError?
    for place in places(file) where SafeFile.exists(place) {
      do {
        guard try SafeFile.size(place) == file.bytes else {
          throw ReproError.data(
            place, "the file has \(try SafeFile.size(place)) bytes", expected: "\(file.bytes)",
            hint: set.hint(for: file, root: self))
        }
        let bytes = try SafeFile.read(place)
        let sha256 = SHA256.hex(of: bytes)
        guard sha256 == file.sha256 else {
          throw ReproError.data(
            place, "the file is not the published one: sha256 \(sha256)", expected: file.sha256,
            hint: set.hint(for: file, root: self))
        }
        return bytes
      } catch let error as ReproError {
        notices("\(error)")
        damage = damage ?? error
      }
    }
    throw damage ?? missing(file, in: set)
  }

  /// The error of a file that is nowhere.
  func missing(_ file: SourceFile, in set: SourceSet) -> ReproError {
    let looked = places(file).joined(separator: " and ")
    let mirror = mirror == nil ? " (REPRO_MIRROR is not set)" : ""
    return ReproError(
      .data, at: set.id, found: "\(Path.name(file.path)) is missing, looked for \(looked)\(mirror)",
      hint: set.hint(for: file, root: self))
  }
}
