import ReproTensor

extension SourceSet {
  /// A set whose files lie in a folder of its name, given as a table.
  ///
  /// - Parameters:
  ///   - base: the URL to which a file's path is added, if its publisher has it under that name.
  ///   - moved: what stands in the place of some paths in their URLs.
  ///   - table: a line for each file: bytes, SHA-256, path in the folder.
  init(
    id: String, title: String, licence: String, base: String? = nil, moved: [String: String] = [:], table: String
  ) {
    let files = table.split(separator: "\n").map { line -> SourceFile in
      let parts = line.split(separator: " ", maxSplits: 2)
      guard parts.count == 3, let bytes = Int(parts[0]) else { requirementFailed("the table of \(id) has '\(line)'") }
      let name = String(parts[2])
      return SourceFile(
        path: "\(id)/\(name)", urls: base.map { [$0 + (moved[name] ?? name)] } ?? [], bytes: bytes,
        sha256: String(parts[1]))
    }
    self.init(id: id, title: title, licence: licence, files: files)
  }

  /// The file at a path in the set's folder.
  func file(_ name: String) -> SourceFile {
    guard let file = files.first(where: { $0.path == "\(id)/\(name)" }) else {
      requirementFailed("the set \(id) has no file '\(name)'")
    }
    return file
  }
}

extension DataRoot {
  /// The verified bytes of a file of a set, by its path in the set's folder.
  func bytes(_ name: String, of set: SourceSet) throws -> [UInt8] { try bytes(of: set.file(name), in: set) }

  /// A verified gzip file of a set, unpacked.
  func unpacked(_ name: String, of set: SourceSet, limit: Int = 1 << 30) throws -> [UInt8] {
    let file = set.file(name)
    return try Deflate.gunzip(try bytes(of: file, in: set), limit: limit, file: file.path)
  }
}
