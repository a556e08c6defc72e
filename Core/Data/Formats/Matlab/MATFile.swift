import ReproConfig
import ReproTensor

/// A value of a MATLAB file.
public indirect enum MATValue: Sendable, Equatable {
  /// Numbers of any width, logicals too, in MATLAB's order: the first axis fastest.
  case numbers(shape: [Int], columnMajor: [Double])
  case text(String)
  /// A sparse matrix: the rows and values of each column j are those from `starts[j]` up to `starts[j + 1]`.
  case sparse(rows: Int, starts: [Int], places: [Int], values: [Double])
  case cells(shape: [Int], [MATValue])
  /// Fields in the order of the file; a struct array has `count` values per field.
  case structure(count: Int, fields: [(name: String, values: [MATValue])])

  public static func == (a: MATValue, b: MATValue) -> Bool {
    switch (a, b) {
    case (.numbers(let s, let v), .numbers(let t, let w)): s == t && v == w
    case (.text(let s), .text(let t)): s == t
    case (.sparse(let n, let s, let p, let v), .sparse(let m, let t, let q, let w)):
      n == m && s == t && p == q && v == w
    case (.cells(let s, let v), .cells(let t, let w)): s == t && v == w
    case (.structure(let n, let f), .structure(let m, let g)):
      n == m && f.map(\.name) == g.map(\.name) && f.map(\.values) == g.map(\.values)
    default: false
    }
  }

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .numbers(let shape, _): "numbers \(shape)"
    case .text: "text"
    case .sparse(let rows, let starts, _, _): "a sparse matrix [\(rows), \(starts.count - 1)]"
    case .cells(let shape, _): "cells \(shape)"
    case .structure: "a struct"
    }
  }

  /// The numbers of a matrix, row-major; nil for anything else, and for a sparse one with more than 2^26 places.
  public var matrix: (rows: Int, columns: Int, values: [Double])? {
    if case .sparse(let rows, let starts, let places, let values) = self {
      let columns = starts.count - 1
      guard rows == 0 || columns <= (1 << 26) / rows else { return nil }
      var dense = [Double](repeating: 0, count: rows * columns)
      for j in 0..<columns { for k in starts[j]..<starts[j + 1] { dense[places[k] * columns + j] = values[k] } }
      return (rows, columns, dense)
    }
    guard case .numbers(let shape, let values) = self, shape.count == 2 else { return nil }
    let (rows, columns) = (shape[0], shape[1])
    var result = [Double](repeating: 0, count: values.count)
    for j in 0..<columns { for i in 0..<rows { result[i * columns + j] = values[j * rows + i] } }
    return (rows, columns, result)
  }
}

/// The variables of a MATLAB file, versions 5 to 7 (MAT-File Level 5) or 7.3 (HDF5).
public struct MATFile: Sendable {
  public var variables: [(name: String, value: MATValue)]
  /// The file, for messages.
  public var file: String

  /// The value of a variable.
  ///
  /// - Throws: `ReproError` that lists what there is.
  public func value(_ name: String) throws -> MATValue {
    if let found = variables.first(where: { $0.name == name }) { return found.value }
    throw ReproError.data(file, "there is no variable '\(name)'", expected: "one of \(variables.map(\.name))")
  }

  /// Reads a file of either kind.
  ///
  /// A file of version 7.3 is read by libhdf5, first in a child process: see `HDF5Rehearsal`.
  public init(path: String) throws {
    let head = try MappedFile(path).withBytes { Array($0.prefix(128)) }
    if head.starts(with: "MATLAB 7.3".utf8) {
      self = try MATFile(hdf5: try HDF5File.open(path, seal: .ifPresent))
    } else {
      try self.init(try SafeFile.read(path), file: path)
    }
  }

  init(variables: [(name: String, value: MATValue)], file: String) {
    (self.variables, self.file) = (variables, file)
  }

  /// Reads a MAT-File Level 5 that is in memory.
  ///
  /// - Throws: `ReproError` with the byte offset if the file is damaged, cut off, of another version, nested too deep,
  ///   or has objects or functions in it.
  public init(_ bytes: [UInt8], file: String) throws {
    self.file = file
    variables = try bytes.withUnsafeBytes { raw in
      guard raw.count >= 128 else { throw ReproError.data(file, "\(raw.count) bytes", expected: "a header of 128") }
      let isLittle = raw[126] == UInt8(ascii: "I") && raw[127] == UInt8(ascii: "M")
      guard isLittle || (raw[126] == UInt8(ascii: "M") && raw[127] == UInt8(ascii: "I")) else {
        throw ReproError.data(file, byte: 126, "this is not a MATLAB file of version 5 to 7", expected: "IM or MI")
      }
      let version = isLittle ? Int(raw[124]) | Int(raw[125]) << 8 : Int(raw[125]) | Int(raw[124]) << 8
      guard version == 0x0100 else {
        throw ReproError.data(file, byte: 124, "version \(version)", expected: "256 (MAT-File Level 5)")
      }
      var reader = MATReader(reader: try ByteReader(raw, file: file, at: 128), isLittle: isLittle, depth: 0)
      var variables: [(name: String, value: MATValue)] = []
      while reader.reader.remaining > 0 {
        if let variable = try reader.variable() { variables.append(variable) }
      }
      return variables
    }
  }
}

/// Reads the data elements of a MAT-File Level 5.
///
/// - Source: The MathWorks, "MAT-File Format", version 5.
private struct MATReader {
  var reader: ByteReader
  let isLittle: Bool
  /// How many cells, structs and compressed elements this one lies in.
  let depth: Int
  static let deepestNesting = 32

  private mutating func number(_ count: Int, _ what: String) throws -> Int {
    Int(truncatingIfNeeded: isLittle ? try reader.little(count, what) : try reader.big(count, what))
  }

  /// The type and bytes of an element; the reader goes on behind its padding.
  private mutating func element() throws -> (type: Int, at: Int, data: UnsafeRawBufferPointer) {
    let at = reader.offset
    let word = try number(4, "an element")
    if word >> 16 != 0 {  // small: length and type share a word, the data fit the next
      let (type, size) = (word & 0xFFFF, word >> 16)
      guard size <= 4 else { throw reader.error("a small element of \(size) bytes", expected: "at most 4", at: at) }
      return (type, at + 4, UnsafeRawBufferPointer(rebasing: try reader.take(4, "an element")[..<size]))
    }
    let size = try number(4, "an element's size")
    let start = reader.offset
    let data = try reader.take(size, "an element")
    // Padded to eight bytes, but for compressed ones.
    if word != 15 { try reader.seek(min(reader.bytes.count, reader.offset + (8 - size % 8) % 8)) }
    return (word, start, data)
  }

  private func inner(_ data: UnsafeRawBufferPointer, at: Int) throws -> MATReader {
    guard depth < Self.deepestNesting else {
      throw reader.error("values nested deeper than \(Self.deepestNesting)", at: at)
    }
    return MATReader(reader: try ByteReader(data, file: reader.file), isLittle: isLittle, depth: depth + 1)
  }

  /// The next variable of the file; nil for one that is no array.
  mutating func variable() throws -> (name: String, value: MATValue)? {
    let (type, at, data) = try element()
    switch type {
    case 14:
      var inner = try inner(data, at: at)
      return try inner.matrix()
    case 15:
      guard depth == 0 else { throw reader.error("a compressed element inside another", at: at) }
      let stream = try Deflate.inflate(
        data, .zlib, limit: Deflate.largestExpansion * max(64, data.count), file: reader.file, start: at)
      return try stream.withUnsafeBytes { raw in
        var inner = try inner(raw, at: at)
        return try inner.variable()
      }
    default: throw reader.error("an element of type \(type)", expected: "14 (matrix) or 15 (compressed)", at: at)
    }
  }

  private mutating func matrix() throws -> (name: String, value: MATValue) {
    let (flagType, at, flags) = try element()
    guard flagType == 6, flags.count == 8 else { throw reader.error("no array flags", at: at) }
    let kind = Int(isLittle ? flags[0] : flags[3])
    let isComplex = (isLittle ? flags[1] : flags[2]) & 0x08 != 0
    let (shapeType, shapeAt, shapeData) = try element()
    guard shapeType == 5, shapeData.count % 4 == 0, (2...32).contains(shapeData.count / 4) else {
      throw reader.error("no shape of an array", at: shapeAt)
    }
    let shape = integers(shapeData)
    guard let count = checkedCount(shape) else { throw reader.error("the shape \(shape)", at: shapeAt) }
    let name = String(decoding: try element().data, as: UTF8.self)
    guard !isComplex else { throw reader.error("'\(clipped(name))' is complex", expected: "real numbers", at: at) }
    switch kind {
    case 1: return (name, .cells(shape: shape, try nested(count)))
    case 2: return (name, try structure(count))
    case 4: return (name, .text(try text(count, at: shapeAt)))
    case 5: return (name, try sparse(shape))
    case 6...15: return (name, .numbers(shape: shape, columnMajor: try numbers(count, at: shapeAt)))
    default:
      throw reader.error("'\(clipped(name))' is of class \(kind)", expected: "numbers, text, cells, structs", at: at)
    }
  }

  private func integers(_ data: UnsafeRawBufferPointer) -> [Int] {
    (0..<data.count / 4).map { i in
      let raw = data.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self)
      return Int(isLittle ? raw : raw.byteSwapped)
    }
  }

  /// The numbers of an array; they may be stored narrower than the array's class.
  private mutating func numbers(_ count: Int?, at place: Int) throws -> [Double] {
    let (type, at, data) = try element()
    guard let size = [1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2][type] else {
      throw reader.error("numbers of type \(type)", at: at)
    }
    let found = data.count / size
    guard data.count % size == 0, count == nil || found == count else {
      throw reader.error("\(data.count) bytes of numbers", expected: "\(count ?? found) of \(size) bytes", at: at)
    }
    return (0..<found).map { i in
      var bits: UInt64 = 0
      for k in 0..<size { bits |= UInt64(data[i * size + k]) << UInt64(8 * (isLittle ? k : size - 1 - k)) }
      switch type {
      case 1: return Double(Int8(truncatingIfNeeded: bits))
      case 3: return Double(Int16(truncatingIfNeeded: bits))
      case 5: return Double(Int32(truncatingIfNeeded: bits))
      case 7: return Double(Float(bitPattern: UInt32(bits)))
      case 9: return Double(bitPattern: bits)
      case 12: return Double(Int64(bitPattern: bits))
      default: return Double(bits)
      }
    }
  }

  /// A text of one row, in UTF-8, UTF-16 or as numbers of characters. (MATLAB keeps several rows column by column.)
  private mutating func text(_ count: Int, at place: Int) throws -> String {
    let start = reader.offset
    let (type, at, data) = try element()
    if type == 16 {
      guard let text = String(validating: data, as: UTF8.self), text.utf16.count == count else {
        throw reader.error("\(data.count) bytes of text", expected: "\(count) characters of UTF-8", at: at)
      }
      return text
    }
    try reader.seek(start)
    let codes = try numbers(count, at: place)
    return String(decoding: codes.map { UInt16(max(0, min(65535, $0))) }, as: UTF16.self)
  }

  /// The values inside cells or a field.
  private mutating func nested(_ count: Int) throws -> [MATValue] {
    // An empty element takes eight bytes.
    guard count <= reader.remaining / 8 else {
      throw reader.error("\(reader.remaining) bytes", expected: "\(count) values of at least 8 bytes")
    }
    return try (0..<count).map { _ in
      let (type, at, data) = try element()
      guard type == 14 else { throw reader.error("an element of type \(type)", expected: "14 (matrix)", at: at) }
      if data.isEmpty { return .numbers(shape: [0, 0], columnMajor: []) }
      var inner = try inner(data, at: at)
      return try inner.matrix().value
    }
  }

  private mutating func structure(_ count: Int) throws -> MATValue {
    let (_, at, lengthData) = try element()
    guard lengthData.count == 4, let length = integers(lengthData).first, (1...1024).contains(length) else {
      throw reader.error("no length of field names", at: at)
    }
    let (_, namesAt, names) = try element()
    guard names.count % length == 0 else { throw reader.error("\(names.count) bytes of field names", at: namesAt) }
    let fields = (0..<names.count / length).map { i in
      String(decoding: names[i * length..<(i + 1) * length].prefix { $0 != 0 }, as: UTF8.self)
    }
    let (total, overflow) = count.multipliedReportingOverflow(by: fields.count)
    guard !overflow, fields.isEmpty ? count <= 1 : true else {
      throw reader.error("a struct array of \(count)", at: at)
    }
    let values = try nested(total)
    return .structure(
      count: count,
      fields: fields.enumerated().map { f, name in (name, (0..<count).map { values[$0 * fields.count + f] }) })
  }

  /// Row numbers, where each column begins among them, and the values.
  private mutating func sparse(_ shape: [Int]) throws -> MATValue {
    let at = reader.offset
    let rows = try numbers(nil, at: at)
    let starts = try numbers(nil, at: at)
    let values = try numbers(nil, at: at)
    return try MATValue.sparse(shape: shape, rows, starts, values) { reader.error($0, at: at) }
  }
}

extension MATValue {
  /// A sparse matrix from the arrays of a file, once they agree. Room for rows may be larger than what is used.
  static func sparse(
    shape: [Int], _ rows: [Double], _ starts: [Double], _ values: [Double], _ error: (String) -> ReproError
  ) throws -> MATValue {
    let ends = starts.compactMap { Int(exactly: $0) }
    let places = rows.compactMap { Int(exactly: $0) }
    guard shape.count == 2, ends.count == starts.count, places.count == rows.count, starts.count - 1 == shape[1],
      ends.first == 0, zip(ends, ends.dropFirst()).allSatisfy({ $0 <= $1 }),
      let count = ends.last, count <= values.count, count <= places.count,
      places.prefix(count).allSatisfy({ $0 >= 0 && $0 < shape[0] })
    else { throw error("the parts of a sparse matrix \(shape) do not fit together") }
    return .sparse(
      rows: shape[0], starts: ends, places: Array(places.prefix(count)), values: Array(values.prefix(count)))
  }
}
