import ReproConfig

/// A table in a text file: CSV (RFC 4180) or TSV, quoted fields, with or without a header line.
public struct DelimitedText: Sendable, Equatable {
  /// The header's names; empty without a header.
  public var names: [String]
  /// The rows, each with `columns` fields.
  public var rows: [[String]]
  /// The line on which each row begins, for messages.
  public var lines: [Int]
  public var columns: Int
  /// The file, for messages.
  public var file: String

  /// How a file is written.
  public struct Dialect: Sendable {
    /// The byte between fields.
    public var separator: UInt8
    /// Whether `"a,b"` is one field; false where a quote is an ordinary character.
    public var isQuoted: Bool
    public var hasHeader: Bool
    /// Whether blanks around fields are dropped.
    public var trims: Bool
    /// Whether rows may have fewer fields than the widest; they are filled with empty ones.
    public var isRagged: Bool

    public init(
      separator: Character = ",", isQuoted: Bool = true, hasHeader: Bool = false, trims: Bool = false,
      isRagged: Bool = false
    ) {
      self.separator = separator.asciiValue ?? UInt8(ascii: ",")
      (self.isQuoted, self.hasHeader, self.trims, self.isRagged) = (isQuoted, hasHeader, trims, isRagged)
    }

    public static let csv = Dialect()
    public static let csvWithHeader = Dialect(hasHeader: true)
    public static let tsv = Dialect(separator: "\t", isQuoted: false)
  }

  /// Reads a table. Empty lines are passed over.
  ///
  /// - Throws: `ReproError` with the line of a quote that is not closed, of text after a closing quote, of a row with
  ///   another number of fields than the first, or of bytes that are not UTF-8.
  public init(_ bytes: [UInt8], _ dialect: Dialect = .csv, file: String) throws {
    var scanner = FieldScanner(bytes: bytes, dialect: dialect, file: file)
    (names, rows, lines, self.file) = ([], [], [], file)
    var width: Int?
    while let (fields, line) = try scanner.row() {
      if dialect.hasHeader, names.isEmpty, rows.isEmpty {
        names = fields
        width = fields.count
        continue
      }
      if !dialect.isRagged, let width, fields.count != width {
        throw ReproError(.data, at: "\(file):\(line)", found: "\(fields.count) fields", expected: "\(width)")
      }
      width = max(width ?? 0, fields.count)
      rows.append(fields)
      lines.append(line)
    }
    columns = width ?? 0
    if dialect.isRagged {
      for i in rows.indices where rows[i].count < columns {
        rows[i] += [String](repeating: "", count: columns - rows[i].count)
      }
    }
  }

  /// The column of a name in the header.
  public func column(_ name: String) throws -> Int {
    if let place = names.firstIndex(of: name) { return place }
    throw ReproError(
      .data, at: "\(file):1", found: "there is no column '\(name)'",
      expected: "one of \(names.prefix(20).map(clipped).joined(separator: ", "))")
  }

  /// A field as a finite number; nil if it is one of the `missing` words.
  public func number(_ row: Int, _ column: Int, missing: [String] = [""]) throws -> Double? {
    let text = rows[row][column]
    if missing.contains(text) { return nil }
    if let value = Numeral.double(text) { return value }
    throw error(row, column, "'\(clipped(text))'", expected: "a number")
  }

  /// A field as one of some words, by its place among them.
  public func choice(_ row: Int, _ column: Int, _ words: [String]) throws -> Int {
    let text = rows[row][column]
    if let place = words.firstIndex(of: text) { return place }
    throw error(row, column, "'\(clipped(text))'", expected: "one of \(words.joined(separator: ", "))")
  }

  /// An error about a field: `file:line, column 3 (age): ...`.
  func error(_ row: Int, _ column: Int, _ found: String, expected: String? = nil) -> ReproError {
    let name = column < names.count ? " (\(clipped(names[column])))" : ""
    return ReproError(
      .data, at: "\(file):\(lines[row])", found: "column \(column + 1)\(name) is \(found)", expected: expected)
  }
}

/// Cuts a table into rows of fields.
private struct FieldScanner {
  let bytes: [UInt8]
  let dialect: DelimitedText.Dialect
  let file: String
  var position = 0
  var line = 1

  init(bytes: [UInt8], dialect: DelimitedText.Dialect, file: String) {
    (self.bytes, self.dialect, self.file) = (bytes, dialect, file)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  private func isLineEnd(_ at: Int) -> Bool {
    at == bytes.count || bytes[at] == 0x0A || (bytes[at] == 0x0D && at + 1 < bytes.count && bytes[at + 1] == 0x0A)
  }

  mutating func row() throws -> (fields: [String], line: Int)? {
    // Empty lines, perhaps with a lone carriage return.
    while position < bytes.count, isLineEnd(position) {
      if bytes[position] == 0x0A { line += 1 }
      position += 1
    }
    guard position < bytes.count else { return nil }
    let first = line
    var fields: [String] = []
    while true {
      fields.append(try field())
      if isLineEnd(position) { return (fields, first) }
      position += 1  // the separator
      if isLineEnd(position) {
        fields.append("")
        return (fields, first)
      }
    }
  }

  private mutating func field() throws -> String {
    if dialect.trims { while position < bytes.count, bytes[position] == 0x20 { position += 1 } }
    if dialect.isQuoted, position < bytes.count, bytes[position] == UInt8(ascii: "\"") { return try quoted() }
    let start = position
    while !isLineEnd(position), bytes[position] != dialect.separator { position += 1 }
    var end = position
    if dialect.trims { while end > start, bytes[end - 1] == 0x20 { end -= 1 } }
    return try text(bytes[start..<end])
  }

  private mutating func quoted() throws -> String {
    let opened = line
    var value: [UInt8] = []
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") {
        if position < bytes.count, bytes[position] == byte {
          position += 1  // a doubled quote is one
        } else {
          if dialect.trims { while position < bytes.count, bytes[position] == 0x20 { position += 1 } }
          guard isLineEnd(position) || bytes[position] == dialect.separator else {
            throw ReproError(.data, at: "\(file):\(line)", found: "text after a closing quote")
          }
          return try text(value[...])
        }
      }
      if byte == 0x0A { line += 1 }
      value.append(byte)
    }
    throw ReproError(.data, at: "\(file):\(opened)", found: "a quote is not closed")
  }

  private func text(_ slice: ArraySlice<UInt8>) throws -> String {
    if let text = String(validating: slice, as: UTF8.self) { return text }
    throw ReproError(.data, at: "\(file):\(line)", found: "the text is not UTF-8")
  }
}
