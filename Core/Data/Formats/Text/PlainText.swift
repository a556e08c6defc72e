import ReproConfig

/// Text files: decoded strictly, split into lines.
public enum PlainText {
  public enum Encoding: Sendable { case utf8, latin1 }

  /// The text of a file; a byte order mark is dropped.
  ///
  /// - Throws: `ReproError` with the byte offset of the first byte that belongs to no character.
  public static func decode(_ bytes: [UInt8], _ encoding: Encoding = .utf8, file: String) throws -> String {
    if encoding == .latin1 {
      var text = String.UnicodeScalarView()
      for byte in bytes { text.append(Unicode.Scalar(byte)) }
      return String(text)
    }
    let body = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    if let text = String(validating: body, as: UTF8.self) { return text }
    var parser = Unicode.UTF8.ForwardParser()
    var input = body.makeIterator()
    var offset = body.startIndex
    while case .valid(let character) = parser.parseScalar(from: &input) { offset += character.count }
    throw ReproError.data(file, byte: offset, "the text is not UTF-8")
  }

  /// The lines of a text without their ends (LF or CR LF); an end after the last line adds no line.
  ///
  /// Cut before decoding, so a line is exactly what stands between two line feeds.
  public static func lines(_ bytes: [UInt8], _ encoding: Encoding = .utf8, file: String) throws -> [String] {
    var lines: [String] = []
    var cursor = TextCursor(bytes, file: file)
    while cursor.advance() {
      let range = cursor.rest
      if encoding == .utf8 {
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
          throw cursor.error("the line is not UTF-8")
        }
        lines.append(text)
      } else {
        lines.append(try decode(Array(bytes[range]), .latin1, file: file))
      }
    }
    return lines
  }
}
