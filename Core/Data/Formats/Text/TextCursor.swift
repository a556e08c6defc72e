import ReproConfig

/// A cursor over the lines and words of a text file: every number is checked, and every error says its line.
struct TextCursor {
  let bytes: [UInt8]
  /// The file, for messages.
  let file: String
  /// The number of the current line, from 1; 0 before the first.
  private(set) var line = 0
  /// The next byte to read in the current line.
  private(set) var position = 0
  private var lineEnd = 0
  private var next = 0

  /// - Parameters:
  ///   - offset: where the first line begins.
  ///   - line: how many lines lie before it.
  init(_ bytes: [UInt8], file: String, at offset: Int = 0, afterLine line: Int = 0) {
    (self.bytes, self.file, self.line) = (bytes, file, line)
    (position, lineEnd, next) = (offset, offset, offset)
    // A byte order mark is no text.
    if offset == 0, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { (position, lineEnd, next) = (3, 3, 3) }
  }

  /// Where the next line begins.
  var nextLineOffset: Int { next }

  /// The rest of the current line without its end (LF or CR LF).
  var rest: Range<Int> { position..<lineEnd }

  /// Steps to the next line; false at the end of the file.
  mutating func advance() -> Bool {
    guard next < bytes.count else { return false }
    position = next
    var end = next
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
    next = min(end + 1, bytes.count)
    if end > position, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    lineEnd = end
    line += 1
    return true
  }

  /// Steps to the next line that has words and does not begin with `comment`.
  mutating func advanceToWords(comment: UInt8? = UInt8(ascii: "#")) -> Bool {
    while advance() {
      skipBlanks()
      if position < lineEnd, bytes[position] != comment { return true }
    }
    return false
  }

  private mutating func skipBlanks() {
    while position < lineEnd, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
  }

  /// The next word of the line; nil at its end.
  mutating func word() -> Range<Int>? {
    skipBlanks()
    let start = position
    while position < lineEnd, bytes[position] != 0x20, bytes[position] != 0x09 { position += 1 }
    return start == position ? nil : start..<position
  }

  /// Steps over the next word if it is this one.
  mutating func skip(_ text: StaticString) -> Bool {
    let before = position
    guard let found = word(), matches(found, text) else {
      position = before
      return false
    }
    return true
  }

  func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { $0.elementsEqual(bytes[range]) }
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// Whether nothing but blanks is left of the line.
  mutating func isAtLineEnd() -> Bool {
    skipBlanks()
    return position == lineEnd
  }

  func error(_ found: String, expected: String? = nil, hint: String? = nil) -> ReproError {
    ReproError(.data, at: "\(file):\(max(line, 1))", found: found, expected: expected, hint: hint)
  }

  /// The next word, which must be there.
  mutating func requiredWord(_ what: @autoclosure () -> String) throws -> Range<Int> {
    guard let word = word() else { throw error("the line ends", expected: what()) }
    return word
  }

  /// The next word as a finite number.
  mutating func double(_ what: @autoclosure () -> String) throws -> Double {
    let range = try requiredWord(what())
    guard let value = Numeral.double(bytes, range) else {
      throw error("'\(clipped(text(range)))' as \(what())", expected: "a number")
    }
    return value
  }

  /// The next word as a finite number in single precision.
  mutating func float(_ what: @autoclosure () -> String) throws -> Float {
    let value = try double(what())
    let single = Float(value)
    guard single.isFinite else { throw error("\(value) as \(what())", expected: "a number below 3.4e38") }
    return single
  }

  /// The next word as an integer of a range.
  mutating func integer(_ what: @autoclosure () -> String, in range: ClosedRange<Int>) throws -> Int {
    let word = try requiredWord(what())
    guard let value = Numeral.integer(bytes, word) else {
      throw error("'\(clipped(text(word)))' as \(what())", expected: "an integer")
    }
    guard range.contains(value) else {
      throw error("\(what()) is \(value)", expected: "\(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}

/// Numbers in decimal notation, read from bytes.
enum Numeral {
  /// The nearest Double of `-12.5e-3`; nil for anything else, and for what is beyond Double.
  ///
  /// Up to 15 digits and a power of ten up to 22 are exact in Double, so one multiplication or division rounds
  /// correctly (Clinger 1990, "How to read floating point numbers accurately"); the rest is left to the library.
  static func double(_ bytes: [UInt8], _ range: Range<Int>) -> Double? {
    var i = range.lowerBound
    let end = range.upperBound
    var isNegative = false
    if i < end, bytes[i] == UInt8(ascii: "-") || bytes[i] == UInt8(ascii: "+") {
      isNegative = bytes[i] == UInt8(ascii: "-")
      i += 1
    }
    var mantissa: UInt64 = 0
    var (digits, significant, scale) = (0, 0, 0)
    var hasPoint = false
    while i < end {
      let byte = bytes[i]
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        digits += 1
        if significant < 18 { mantissa = mantissa * 10 + UInt64(byte - UInt8(ascii: "0")) }
        if mantissa != 0 { significant += 1 }
        if hasPoint { scale -= 1 }
      } else {
        break
      }
      i += 1
    }
    guard digits > 0 else { return nil }
    if i < end, bytes[i] | 0x20 == UInt8(ascii: "e") {
      guard let exponent = integer(bytes, i + 1..<end), abs(exponent) < 100_000 else { return nil }
      scale += exponent
      i = end
    }
    guard i == end else { return nil }
    if significant <= 15, abs(scale) <= 22 {
      let value = scale < 0 ? Double(mantissa) / powers[-scale] : Double(mantissa) * powers[scale]
      return isNegative ? -value : value
    }
    let value = Double(String(decoding: bytes[range], as: UTF8.self))
    return value.flatMap { $0.isFinite ? $0 : nil }
  }

  private static let powers: [Double] = (0...22).reduce(into: []) { powers, _ in
    powers.append(powers.last.map { $0 * 10 } ?? 1)
  }

  /// The integer of `-12`; nil for anything else, and for what is beyond Int.
  static func integer(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
    var i = range.lowerBound
    let end = range.upperBound
    var isNegative = false
    if i < end, bytes[i] == UInt8(ascii: "-") || bytes[i] == UInt8(ascii: "+") {
      isNegative = bytes[i] == UInt8(ascii: "-")
      i += 1
    }
    guard i < end, end - i <= 18 else { return nil }
    var value = 0
    while i < end {
      guard bytes[i] >= UInt8(ascii: "0"), bytes[i] <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int(bytes[i] - UInt8(ascii: "0"))
      i += 1
    }
    return isNegative ? -value : value
  }

  static func double(_ text: some StringProtocol) -> Double? {
    let bytes = Array(text.utf8)
    return double(bytes, 0..<bytes.count)
  }
}
