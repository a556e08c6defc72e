import Glibc
import ReproConfig

/// Files that are whole or absent: written beside their final place, flushed to the disk, and renamed.
public enum SafeFile {
  /// Writes a file atomically through a temporary of the same folder; only its owner may read it.
  ///
  /// - Parameters:
  ///   - path: the final place; its folder must exist.
  ///   - durable: whether the file must survive a power failure; false for what can be made again and is checked when
  ///     read.
  ///   - body: fills the file whose path it is given (empty at first). What it leaves there is flushed and renamed.
  /// - Throws: what `body` throws, or `ReproError` with the system's words (disk full, read-only folder). Then the
  ///   file that stood at `path` before is untouched and the temporary is gone.
  public static func write(
    _ path: String, durable: Bool = true, _ body: (_ temporaryPath: String) throws -> Void
  ) throws {
    removeOrphans(of: path)
    let temporary = try makeTemporary(for: path)
    do {
      try body(temporary)
      if durable { try flush(temporary, reportedAs: path) }
      guard rename(temporary, path) == 0 else { throw ReproError.system(path, "put the new file in its place") }
    } catch {
      unlink(temporary)
      throw error
    }
    if durable { try flushFolder(of: path) }
  }

  /// Writes bytes atomically; see `write(_:durable:_:)`.
  public static func write(_ path: String, bytes: [UInt8], durable: Bool = true) throws {
    try write(path, durable: durable) { try overwrite($0, bytes: bytes, reportedAs: path) }
  }

  /// Writes text atomically as UTF-8; see `write(_:durable:_:)`.
  public static func write(_ path: String, text: String, durable: Bool = true) throws {
    try write(path, bytes: Array(text.utf8), durable: durable)
  }

  /// The bytes of a whole regular file.
  ///
  /// - Parameter limit: refuse larger files, bytes.
  /// - Throws: `ReproError` if there is no such file, it is no regular file, too large, or shrinks while it is read.
  public static func read(_ path: String, limit: Int = 4 << 30) throws -> [UInt8] {
    let file = try OpenFile(path)
    guard file.size <= limit else {
      throw ReproError.data(path, "the file has \(file.size) bytes", expected: "at most \(limit)")
    }
    return try [UInt8](unsafeUninitializedCapacity: file.size) { buffer, count in
      count = try file.read(at: 0, into: UnsafeMutableRawBufferPointer(buffer))
      guard count == file.size else {
        throw ReproError.data(path, byte: count, "the file ends here", expected: "\(file.size) bytes")
      }
    }
  }

  /// The bytes of a regular file.
  public static func size(_ path: String) throws -> Int { try OpenFile(path).size }

  /// Whether something that can be opened for reading is at `path` and is a regular file.
  public static func exists(_ path: String) -> Bool { (try? OpenFile(path)) != nil }

  /// Whether a folder is at `path`.
  public static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// SHA-256 of a file's bytes from `offset` on, 64 hexadecimal digits; reads a megabyte at a time.
  public static func sha256(_ path: String, from offset: Int = 0) throws -> String {
    let file = try OpenFile(path)
    let hash = SHA256()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var position = offset
    while true {
      let count = try file.read(at: position, into: buffer)
      if count == 0 { break }
      hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      position += count
    }
    return hash.hex()
  }

  /// Makes a folder and those above it, for their owner only; nothing happens if it is there.
  public static func makeFolder(_ path: String) throws {
    if isFolder(path) || path.isEmpty { return }
    let parent = Path.folder(path)
    if parent != path, parent != "." { try makeFolder(parent) }
    if mkdir(path, 0o700) != 0 {
      let code = errno
      // Another process may have made it in between.
      if !isFolder(path) { throw ReproError.system(path, "make the folder", code: code) }
    }
  }

  /// The path from the root, for a path from the current folder.
  static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    return Path.join(String(cString: current), path)
  }

  /// The names in a folder, sorted by their bytes; empty if there is no such folder.
  public static func list(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
  }

  /// Replaces the bytes of an existing file in place: for the body of `write(_:_:)`.
  static func overwrite(_ path: String, bytes: [UInt8], reportedAs shown: String) throws {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ReproError.system(shown, "write") }
    defer { close(descriptor) }
    try bytes.withUnsafeBytes { try append($0, to: descriptor, reportedAs: shown) }
  }

  /// Writes all bytes at a descriptor's position.
  static func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, reportedAs shown: String) throws {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), min(bytes.count - done, 1 << 30))
      if count < 0 {
        if errno == EINTR { continue }
        throw ReproError.system(shown, "write \(bytes.count) bytes")
      }
      done += count
    }
  }

  /// Flushes a file's bytes to the disk.
  static func flush(_ path: String, reportedAs shown: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ReproError.system(shown, "open the new file") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw ReproError.system(shown, "flush the new file to the disk") }
  }

  /// Flushes the names in a file's folder; file systems that cannot do that for folders say EINVAL.
  static func flushFolder(of path: String) throws {
    let descriptor = open(Path.folder(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ReproError.system(path, "open the folder") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw ReproError.system(path, "flush the folder to the disk")
    }
  }

  /// `.name.host-pid.` before six random characters: says whose a forgotten temporary was.
  private static func temporaryPrefix(of path: String) -> String {
    var host = [CChar](repeating: 0, count: 65)
    gethostname(&host, 64)
    let text = host.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    return ".\(Path.name(path)).\(text)-"
  }

  private static func makeTemporary(for path: String) throws -> String {
    let pattern = Path.join(Path.folder(path), "\(temporaryPrefix(of: path))\(getpid()).XXXXXX")
    var bytes = Array(pattern.utf8CString)
    let descriptor = mkstemp(&bytes)
    guard descriptor >= 0 else { throw ReproError.system(path, "make a temporary file in \(Path.folder(path))") }
    close(descriptor)
    return bytes.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? pattern }
  }

  /// Removes what processes of this machine that no longer run left beside `path`.
  private static func removeOrphans(of path: String) {
    let folder = Path.folder(path)
    let prefix = temporaryPrefix(of: path)
    for name in list(folder) where name.hasPrefix(prefix) {
      let rest = name.dropFirst(prefix.count).split(separator: ".")
      guard rest.count == 2, rest[1].utf8.count == 6, let process = pid_t(rest[0]) else { continue }
      if kill(process, 0) != 0, errno == ESRCH { unlink(Path.join(folder, name)) }
    }
  }
}

/// A regular file opened for reading.
struct OpenFile: ~Copyable {
  let path: String
  let size: Int
  let descriptor: Int32

  init(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw ReproError.system(path, "open") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw ReproError.data(path, "this is not a regular file")
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Fills the buffer from a position; returns how many bytes there were.
  borrowing func read(at position: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var done = 0
    while done < buffer.count {
      let count = pread(
        descriptor, buffer.baseAddress?.advanced(by: done), min(buffer.count - done, 1 << 30), off_t(position + done))
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw ReproError.system(path, "read at byte \(position + done)")
      }
      done += count
    }
    return done
  }

  /// Maps the whole file, read-only; nil for an empty one, which cannot be mapped.
  borrowing func map() throws -> UnsafeMutableRawPointer? {
    if size == 0 { return nil }
    let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    // MAP_FAILED, a macro, is the pointer -1.
    guard let address, Int(bitPattern: address) != -1 else { throw ReproError.system(path, "map") }
    return address
  }
}
