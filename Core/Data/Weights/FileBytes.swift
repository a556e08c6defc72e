import ReproConfig

/// The bytes of a file, read into memory or mapped.
enum FileBytes: Sendable {
  case memory([UInt8])
  case mapped(MappedFile)

  var count: Int {
    switch self {
    case .memory(let bytes): bytes.count
    case .mapped(let file): file.count
    }
  }

  /// Lends the bytes; they are valid inside `body` only.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    switch self {
    case .memory(let bytes): try bytes.withUnsafeBytes(body)
    case .mapped(let file): try file.withBytes(body)
    }
  }
}
