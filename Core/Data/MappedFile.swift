import Glibc
import ReproConfig

/// A regular file mapped into memory, read-only, for large arrays of which only some rows are wanted.
///
/// The file must not be truncated while it is mapped (the system would raise SIGBUS): map only files that are replaced
/// by rename, as `SafeFile` does.
public final class MappedFile: @unchecked Sendable {
  public let path: String
  /// The file's bytes.
  public let count: Int
  // Never written after `init`, and its pages are read-only: safe to share.
  private let base: UnsafeMutableRawPointer?

  /// - Throws: `ReproError` if the file cannot be opened or mapped, or is not a regular file.
  public init(_ path: String) throws {
    let file = try OpenFile(path)
    self.path = path
    count = file.size
    base = try file.map()
  }

  deinit { if let base { munmap(base, count) } }

  /// Lends the bytes; they are valid inside `body` only.
  public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withExtendedLifetime(self) { try body(UnsafeRawBufferPointer(start: base, count: count)) }
  }
}
