extension JSONValue {
  /// The deepest nesting of arrays and objects.
  public static let deepestNesting = 64

  /// Reads a JSON file.
  ///
  /// - Parameters:
  ///   - path: a regular file.
  ///   - limit: its largest size in bytes.
  /// - Throws: `ReproError`, domain data, with `path:line:column` of what is wrong.
  public init(path: String, limit: Int = 64 << 20) throws(ReproError) {
    try self.init(parsing: readFile(path, limit: limit, domain: .data), file: path)
  }

  /// Reads one JSON document from text.
  public init(parsing text: String, file: String) throws(ReproError) {
    try self.init(parsing: Array(text.utf8), file: file)
  }

  /// Reads one JSON document from bytes, as RFC 8259 defines it, and refuses repeated names, nesting over 64, integers
  /// beyond 64 bits and numbers beyond Double.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8 without a byte order mark.
  ///   - file: how the document is called in messages.
  /// - Throws: `ReproError`, domain data, with `file:line:column`.
  public init(parsing bytes: [UInt8], file: String) throws(ReproError) {
    if let bad = firstInvalidUTF8(in: bytes) {
      throw ReproError(
        .data, at: "\(place(ofByte: bad, in: bytes, file: file))",
        found: "byte \(hexadecimal(bytes[bad])) is not UTF-8")
    }
    self = try bytes.withUnsafeBufferPointer { buffer throws(ReproError) in
      var reader = JSONReader(bytes: buffer, file: file)
      return try reader.document()
    }
  }
}

/// A recursive-descent reader over validated UTF-8.
private struct JSONReader {
  let bytes: UnsafeBufferPointer<UInt8>
  let file: String
  var position = 0

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func document() throws(ReproError) -> JSONValue {
    let result = try value(depth: 0)
    skipBlanks()
    if position < bytes.count { throw error("text after the document") }
    return result
  }

  private func error(_ found: String, expected: String? = nil, at offset: Int? = nil) -> ReproError {
    let spot = place(ofByte: offset ?? position, in: bytes, file: file)
    return ReproError(.data, at: "\(spot)", found: found, expected: expected)
  }

  /// What stands at the reader's place, for messages.
  private var here: String {
    guard position < bytes.count else { return "the end of the text" }
    let rest = String(decoding: bytes[position..<min(position + 4, bytes.count)], as: UTF8.self)
    return rest.unicodeScalars.first.map { "'\(clipped(String($0)))'" } ?? "nothing"
  }

  private mutating func skipBlanks() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func take(_ byte: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard current == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws(ReproError) -> JSONValue {
    skipBlanks()
    switch current {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      if depth == JSONValue.deepestNesting {
        throw error("nesting is deeper than \(JSONValue.deepestNesting) levels")
      }
      return current == UInt8(ascii: "{") ? try object(depth: depth + 1) : try array(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case let byte? where byte == UInt8(ascii: "-") || Self.isDigit(byte): return try number()
    default: throw error(here, expected: "a JSON value")
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(ReproError) -> JSONValue {
    let text = "\(word)"
    guard bytes[position...].starts(with: text.utf8) else { throw error(here, expected: "a JSON value") }
    position += text.utf8.count
    return value
  }

  private mutating func array(depth: Int) throws(ReproError) -> JSONValue {
    position += 1
    var items: [JSONValue] = []
    if take("]") { return .array(items) }
    while true {
      items.append(try value(depth: depth))
      if take("]") { return .array(items) }
      if !take(",") { throw error(here, expected: "',' or ']'") }
    }
  }

  private mutating func object(depth: Int) throws(ReproError) -> JSONValue {
    position += 1
    var members: [JSONValue.Member] = []
    var names: Set<String> = []
    if take("}") { return .object(members) }
    while true {
      skipBlanks()
      guard current == UInt8(ascii: "\"") else { throw error(here, expected: "a name in quotes") }
      let start = position
      let name = try string()
      guard names.insert(name).inserted else { throw error("'\(clipped(name))' stands twice", at: start) }
      if !take(":") { throw error(here, expected: "':'") }
      members.append(JSONValue.Member(name, try value(depth: depth)))
      if take("}") { return .object(members) }
      if !take(",") { throw error(here, expected: "',' or '}'") }
    }
  }

  private mutating func digits() -> Int {
    let start = position
    while let byte = current, Self.isDigit(byte) { position += 1 }
    return position - start
  }

  private mutating func number() throws(ReproError) -> JSONValue {
    let start = position
    if current == UInt8(ascii: "-") { position += 1 }
    let leadsWithZero = current == UInt8(ascii: "0")
    let count = digits()
    if count == 0 { throw error(here, expected: "a digit") }
    if leadsWithZero && count > 1 { throw error("a number with a leading zero", at: start) }
    var isInteger = true
    if current == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      if digits() == 0 { throw error(here, expected: "a digit") }
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      if digits() == 0 { throw error(here, expected: "a digit") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger {
      guard let value = Int(text) else { throw error("\(clipped(text)) does not fit 64 bits", at: start) }
      return .int(value)
    }
    guard let value = Double(text), value.isFinite else { throw error("\(clipped(text)) is too large", at: start) }
    return .double(value)
  }

  private mutating func string() throws(ReproError) -> String {
    let start = position
    position += 1
    var text: [UInt8] = []
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw error("control character \(hexadecimal(byte)) in a string", expected: "an escape")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw error("a string without its closing quote", at: start)
  }

  private mutating func escape(into text: inout [UInt8]) throws(ReproError) {
    let start = position
    position += 1
    guard let byte = current else { return }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try fourHexDigits(from: start)
      if (0xD800..<0xDC00).contains(code), bytes[position...].starts(with: "\\u".utf8) {
        position += 2
        let low = try fourHexDigits(from: start)
        guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair", at: start) }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair", at: start) }
      text.append(contentsOf: String(scalar).utf8)
    default: throw error("an unknown escape", at: start)
    }
  }

  private mutating func fourHexDigits(from start: Int) throws(ReproError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("an escape without four hexadecimal digits", at: start)
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
