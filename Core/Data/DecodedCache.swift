import ReproConfig

/// One data set decoded once: an HDF5 file that is trusted only if its seal, data set, version and source all agree.
///
/// The file's name says what it holds, so caches of different versions lie side by side. It is written to a temporary
/// and renamed: two processes that build it at once both succeed, and neither sees half a file.
public struct DecodedCache: Sendable {
  public var folder: String
  public var dataset: String
  public var variant: String
  /// Of the decoder's code: raised whenever it would decode the same bytes to something else.
  public var version: Int
  /// 64 hexadecimal digits over everything that the decoded values depend on: source files, library versions.
  public var source: String
  public var notices: Notices

  public init(root: DataRoot, dataset: String, variant: String, version: Int, source: String) {
    folder = Path.join(root.cache, "decoded")
    (self.dataset, self.variant, self.version, self.source) = (dataset, variant, version, source)
    notices = root.notices
  }

  public var name: String { "\(family)\(version)-\(source.prefix(16)).h5" }
  public var path: String { Path.join(folder, name) }
  private var family: String { "\(dataset)-\(variant)-v" }

  /// The decoded data, from the cache if it is good, else decoded and kept.
  ///
  /// A cache that is damaged, or of another version or source, is said and built again. If the cache cannot be kept
  /// (disk full, read-only folder), that is said too and the data stays in memory.
  ///
  /// - Parameters:
  ///   - decode: makes the values from the sources.
  ///   - store: writes them into the file; the same values always in the same order.
  /// - Throws: what `decode` throws.
  public func open<T>(decode: () throws -> T, store: (T, HDF5File) throws -> Void) throws -> HDF5File {
    if SafeFile.exists(path) {
      do { return try opened() } catch {
        notices("the cache cannot be used and is built again: \(error)")
      }
    } else {
      for other in SafeFile.list(folder) where other.hasPrefix(family) && other.hasSuffix(".h5") {
        notices("\(Path.join(folder, other)) is of another version or source and is not used; \(name) is built")
      }
    }
    let values = try decode()
    do {
      try SafeFile.makeFolder(folder)
      // Not worth waiting for the disk: the seal tells if the file did not survive.
      try HDF5File.write(path, durable: false) { try fill($0, values, store) }
      return try opened()
    } catch {
      notices("the decoded data cannot be kept and stays in memory: \(error)")
      let file = try HDF5File.inMemory(path)
      try fill(file, values, store)
      return file
    }
  }

  private func fill<T>(_ file: HDF5File, _ values: T, _ store: (T, HDF5File) throws -> Void) throws {
    for (name, value) in identity { try file.setAttribute(name, value) }
    try store(values, file)
  }

  private func opened() throws -> HDF5File {
    let file = try HDF5File.open(path, seal: .required)
    for (name, value) in identity {
      let found = try file.attribute(name)
      guard found == value else {
        throw ReproError.data(path, "\(name) is \(found.map { "\($0)" } ?? "missing")", expected: "\(value)")
      }
    }
    return file
  }

  private var identity: [(String, HDF5Attribute)] {
    [
      ("dataset", .text(dataset)), ("variant", .text(variant)), ("version", .integer(version)),
      ("source", .text(source)),
    ]
  }
}
