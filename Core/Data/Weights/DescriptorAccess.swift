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

  /// Writes a file atomically, part by part, for content that need not be in memory at once; see `write(_:durable:_:)`.
  ///
  /// - Parameter body: hands the file's bytes to `append`, in their order; small parts are gathered to larger ones.
  public static func writeInParts(_ path: String, _ body: (_ append: ([UInt8]) throws -> Void) throws -> Void) throws {
    let enough = 1 << 16
    try write(path) { temporary in
      try withDescriptor(temporary, reportedAs: path) { descriptor in
        var waiting: [UInt8] = []
        waiting.reserveCapacity(enough)
        func send(_ bytes: [UInt8]) throws {
          try bytes.withUnsafeBytes { try append($0, to: descriptor, reportedAs: path) }
        }
        try body { part in
          if waiting.count + part.count > enough {
            try send(waiting)
            waiting.removeAll(keepingCapacity: true)
          }
          if part.count > enough { try send(part) } else { waiting += part }
        }
        try send(waiting)
      }
    }
  }
}
