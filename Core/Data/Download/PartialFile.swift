import Glibc
import ReproConfig

/// `<path>.part`: what has arrived of a file. One process at a time holds it.
final class PartialFile {
  /// The final place.
  let path: String
  private let partPath: String
  private var descriptor: Int32
  /// The bytes that are there.
  private(set) var count: Int
  /// Over the bytes that are there, in step with the writing: a finished file need not be read again.
  private var hash = SHA256()

  /// Opens or makes the partial file, and waits for its turn if another process holds it.
  init(_ path: String) throws {
    self.path = path
    partPath = path + ".part"
    (descriptor, count) = try PartialFile.lock(partPath)
    try hashEarlierPart()
  }

  /// What an earlier run has left counts too.
  private func hashEarlierPart() throws {
    guard count > 0 else { return }
    let file = try OpenFile(partPath)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var position = 0
    while position < count {
      let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, count - position)])
      let read = try file.read(at: position, into: room)
      guard read > 0 else { throw ReproError.data(partPath, byte: position, "the file ends here") }
      hash.update(UnsafeRawBufferPointer(rebasing: room[..<read]))
      position += read
    }
  }

  private static func lock(_ partPath: String) throws -> (descriptor: Int32, count: Int) {
    while true {
      let descriptor = open(partPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else { throw ReproError.system(partPath, "make the file") }
      while flock(descriptor, LOCK_EX) != 0 {
        guard errno == EINTR else {
          let code = errno
          Glibc.close(descriptor)
          throw ReproError.system(partPath, "lock the file", code: code)
        }
      }
      // The one before us may have renamed or removed the file under our lock: then it is not the one at the path.
      var mine = stat()
      var there = stat()
      if fstat(descriptor, &mine) == 0, stat(partPath, &there) == 0, mine.st_ino == there.st_ino,
        mine.st_dev == there.st_dev
      {
        return (descriptor, Int(mine.st_size))
      }
      Glibc.close(descriptor)
    }
  }

  deinit { close() }

  /// Lets the next process have its turn.
  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws {
    guard lseek(descriptor, off_t(count), SEEK_SET) >= 0 else { throw ReproError.system(partPath, "write") }
    try SafeFile.append(bytes, to: descriptor, reportedAs: partPath)
    hash.update(bytes)
    count += bytes.count
  }

  /// Forgets all that has arrived.
  func restart() throws {
    guard ftruncate(descriptor, 0) == 0 else { throw ReproError.system(partPath, "truncate") }
    count = 0
    hash = SHA256()
  }

  /// The digest of all that is there; the file is finished or begun again after it.
  func sha256() -> String {
    var finished = SHA256()
    swap(&finished, &hash)
    return finished.hex()
  }

  /// Puts the file in its place.
  func finish() throws {
    guard fsync(descriptor) == 0 else { throw ReproError.system(partPath, "flush to the disk") }
    guard rename(partPath, path) == 0 else { throw ReproError.system(path, "put the new file in its place") }
    try SafeFile.flushFolder(of: path)
  }

  func discard() { unlink(partPath) }

  func discardIfEmpty() { if count == 0 { discard() } }
}
