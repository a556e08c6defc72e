import Glibc
import ReproConfig

extension SafeFile {
  /// Opens an existing file for writing and closes it after `body`.
  static func withDescriptor(_ path: String, reportedAs shown: String, _ body: (Int32) throws -> Void) throws {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ReproError.system(shown, "write") }
    defer { close(descriptor) }
    try body(descriptor)
  }
}
