import ReproConfig

/// A cursor over the bytes of a file that never leaves them: every read is checked and says where it failed.
struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  /// The file, for messages.
  let file: String
  /// The next byte to read.
  private(set) var offset: Int

  init(_ bytes: UnsafeRawBufferPointer, file: String, at offset: Int = 0) throws {
    self.bytes = bytes
    self.file = file
    self.offset = 0
    try seek(offset)
  }

  var remaining: Int { bytes.count - offset }

  func error(_ found: String, expected: String? = nil, at byte: Int? = nil) -> ReproError {
    ReproError.data(file, byte: byte ?? offset, found, expected: expected)
  }

  mutating func seek(_ position: Int) throws {
    guard position >= 0, position <= bytes.count else {
      throw ReproError.data(file, byte: offset, "a reference to byte \(position)", expected: "at most \(bytes.count)")
    }
    offset = position
  }

  /// Steps over `count` bytes and returns them.
  mutating func take(_ count: Int, _ what: @autoclosure () -> String) throws -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else {
      throw error("the file ends after \(remaining) more bytes", expected: "\(count) bytes of \(what())")
    }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// An unsigned little-endian number of two to eight bytes, or fewer.
  mutating func little(_ count: Int, _ what: @autoclosure () -> String) throws -> UInt64 {
    try take(count, what()).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// An unsigned big-endian number.
  mutating func big(_ count: Int, _ what: @autoclosure () -> String) throws -> UInt64 {
    try take(count, what()).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
