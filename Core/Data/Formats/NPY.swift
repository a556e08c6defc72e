import ReproConfig
import ReproTensor

/// One numpy array: C order, little-endian or single bytes, no objects.
///
/// - Source: the NPY format, versions 1.0 to 3.0 (numpy.lib.format).
public struct NPYArray: Sendable, Equatable {
  public enum Values: Sendable, Equatable {
    case uint8([UInt8])
    case int8([Int8])
    case uint16([UInt16])
    case int16([Int16])
    case int32([Int32])
    case int64([Int64])
    case float32([Float])
    case float64([Double])

    public var count: Int {
      switch self {
      case .uint8(let v): v.count
      case .int8(let v): v.count
      case .uint16(let v): v.count
      case .int16(let v): v.count
      case .int32(let v): v.count
      case .int64(let v): v.count
      case .float32(let v): v.count
      case .float64(let v): v.count
      }
    }

    /// numpy's name of the type, with its byte order.
    public var descr: String {
      switch self {
      case .uint8: "|u1"
      case .int8: "|i1"
      case .uint16: "<u2"
      case .int16: "<i2"
      case .int32: "<i4"
      case .int64: "<i8"
      case .float32: "<f4"
      case .float64: "<f8"
      }
    }
  }

  public var extents: [Int]
  /// Row-major.
  public var values: Values

  public init(extents: [Int], values: Values) {
    require(checkedCount(extents) == values.count, "\(values.count) values do not fill \(extents)")
    self.extents = extents
    self.values = values
  }

  /// Reads the bytes of an NPY file.
  ///
  /// - Throws: `ReproError` with the byte offset if the magic, version, header or size is wrong, or the type or order
  ///   is none that is read (big-endian, Fortran order, objects, text).
  public init(_ bytes: [UInt8], file: String) throws {
    self = try bytes.withUnsafeBytes { raw in
      var reader = try ByteReader(raw, file: file)
      guard try reader.take(6, "the magic").elementsEqual([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) else {
        throw reader.error("this is not an NPY file", expected: "\\x93NUMPY", at: 0)
      }
      let version = try reader.little(1, "the version")
      let minor = try reader.little(1, "the version")
      guard (1...3).contains(version), minor == 0 else {
        throw reader.error("NPY version \(version).\(minor)", expected: "1.0 to 3.0", at: 6)
      }
      let length = Int(try reader.little(version == 1 ? 2 : 4, "the header's length"))
      let at = reader.offset
      let text = String(decoding: try reader.take(length, "the header"), as: UTF8.self)
      guard let header = NPYHeader(text) else {
        throw reader.error("the header '\(text.prefix(80))' cannot be read", at: at)
      }
      guard !header.isFortran else { throw reader.error("Fortran order", expected: "C order", at: at) }
      guard let count = checkedCount(header.extents) else {
        throw reader.error("the shape \(header.extents) is too large for any file", at: at)
      }
      return NPYArray(extents: header.extents, values: try NPYArray.values(header.descr, count, &reader, at))
    }
  }

  private static func values(
    _ descr: String, _ count: Int, _ reader: inout ByteReader, _ header: Int
  ) throws -> Values {
    switch descr {
    case "|u1", "<u1", "|b1": .uint8(try load(count, &reader))
    case "|i1", "<i1": .int8(try load(count, &reader))
    case "<u2": .uint16(try load(count, &reader))
    case "<i2": .int16(try load(count, &reader))
    case "<i4": .int32(try load(count, &reader))
    case "<i8": .int64(try load(count, &reader))
    case "<f4": .float32(try load(count, &reader))
    case "<f8": .float64(try load(count, &reader))
    default:
      throw reader.error(
        "values of type '\(descr)'", expected: "one of |u1 |b1 |i1 <u2 <i2 <i4 <i8 <f4 <f8", at: header)
    }
  }

  private static func load<T: BitwiseCopyable>(_ count: Int, _ reader: inout ByteReader) throws -> [T] {
    let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
    guard !overflow, size == reader.remaining else {
      throw reader.error("\(reader.remaining) bytes of values", expected: "\(count) of \(MemoryLayout<T>.stride) bytes")
    }
    let source = try reader.take(size, "values")
    return [T](unsafeUninitializedCapacity: count) { target, written in
      UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
      written = count
    }
  }

  /// The bytes of an NPY 1.0 file, header padded to a multiple of 64 as numpy does.
  public var bytes: [UInt8] {
    let shape = "(" + extents.map { "\($0)," }.joined(separator: " ").droppingLastComma(if: extents.count > 1) + ")"
    var header = Array("{'descr': '\(values.descr)', 'fortran_order': False, 'shape': \(shape), }".utf8)
    header += [UInt8](repeating: UInt8(ascii: " "), count: (64 - (header.count + 11) % 64) % 64)
    header.append(UInt8(ascii: "\n"))
    require(header.count < 1 << 16, "the shape \(extents) does not fit an NPY 1.0 header")
    var bytes: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0]
    bytes += [UInt8(header.count & 255), UInt8(header.count >> 8)] + header
    func put<T: BitwiseCopyable>(_ values: [T]) { values.withUnsafeBytes { bytes.append(contentsOf: $0) } }
    switch values {
    case .uint8(let v): put(v)
    case .int8(let v): put(v)
    case .uint16(let v): put(v)
    case .int16(let v): put(v)
    case .int32(let v): put(v)
    case .int64(let v): put(v)
    case .float32(let v): put(v)
    case .float64(let v): put(v)
    }
    return bytes
  }
}

extension String {
  /// Python writes `(3,)` but `(3, 4)`.
  fileprivate func droppingLastComma(if drop: Bool) -> String { drop && hasSuffix(",") ? String(dropLast()) : self }
}

/// The header of an NPY file: a Python dict of exactly three keys.
struct NPYHeader: Equatable {
  var descr: String
  var isFortran: Bool
  var extents: [Int]

  init?(_ text: String) {
    var scanner = PythonScanner(text)
    var descr: String?
    var isFortran: Bool?
    var extents: [Int]?
    guard scanner.skip("{") else { return nil }
    while !scanner.skip("}") {
      guard let key = scanner.string(), scanner.skip(":") else { return nil }
      switch key {
      case "descr" where descr == nil: descr = scanner.string()
      case "fortran_order" where isFortran == nil:
        isFortran = scanner.skip("False") ? false : scanner.skip("True") ? true : nil
      case "shape" where extents == nil: extents = scanner.tuple()
      default: return nil
      }
      if !scanner.skip(",") {
        guard scanner.skip("}") else { return nil }
        break
      }
    }
    guard scanner.isAtEnd, let descr, let isFortran, let extents else { return nil }
    (self.descr, self.isFortran, self.extents) = (descr, isFortran, extents)
  }
}

/// Reads the few Python literals of an NPY header.
private struct PythonScanner {
  private var rest: Substring.UTF8View

  init(_ text: String) { rest = Substring(text).utf8 }

  private mutating func blanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 } }

  var isAtEnd: Bool { rest.allSatisfy { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 || $0 == 0 } }

  mutating func skip(_ token: String) -> Bool {
    blanks()
    guard rest.starts(with: token.utf8) else { return false }
    rest = rest.dropFirst(token.utf8.count)
    return true
  }

  mutating func string() -> String? {
    blanks()
    guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
    let body = rest.dropFirst().prefix { $0 != quote && $0 != UInt8(ascii: "\\") }
    guard body.endIndex < rest.endIndex, rest[body.endIndex] == quote else { return nil }
    rest = rest[body.endIndex...].dropFirst()
    return String(Substring(body))
  }

  mutating func tuple() -> [Int]? {
    guard skip("(") else { return nil }
    var items: [Int] = []
    while !skip(")") {
      blanks()
      let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard let value = Int(String(Substring(digits))), items.count < 32 else { return nil }
      items.append(value)
      rest = rest.dropFirst(digits.count)
      if skip(",") { continue }
      guard skip(")") else { return nil }
      break
    }
    return items
  }
}
