import ReproConfig

/// The regular files of a tar archive (POSIX ustar and pax, GNU long names), listed without being written anywhere.
///
/// Folders, links and devices are passed over. Names that would leave the archive's folder (`/etc/x`, `../x`) are
/// refused.
public struct TarArchive: Sendable {
  /// The archive's bytes.
  public let bytes: [UInt8]
  /// The files in the order of the archive; `range` are their bytes in `bytes`.
  public let files: [(name: String, range: Range<Int>)]
  /// Symbolic and hard links, which are never followed.
  let links: [(name: String, target: String)]
  private let file: String

  /// - Throws: `ReproError` with the byte offset if a header is damaged or claims more bytes than there are.
  public init(_ bytes: [UInt8], file: String) throws {
    self.bytes = bytes
    self.file = file
    let found = try bytes.withUnsafeBytes { try TarArchive.scan($0, file) }
    (files, links) = (found.files, found.links)
  }

  /// The bytes of a file of the archive.
  ///
  /// - Parameter size: what it must have, bytes; nil takes any.
  public func contents(_ name: String, size: Int? = nil) throws -> ArraySlice<UInt8> {
    guard let entry = files.first(where: { $0.name == name }) else {
      throw ReproError.data(file, "the archive has no file '\(name)'")
    }
    if let size, entry.range.count != size {
      throw ReproError.data(
        file, byte: entry.range.lowerBound, "'\(name)' has \(entry.range.count) bytes", expected: "\(size)")
    }
    return bytes[entry.range]
  }

  private static let block = 512

  private static func scan(
    _ bytes: UnsafeRawBufferPointer, _ file: String
  ) throws -> (files: [(name: String, range: Range<Int>)], links: [(name: String, target: String)]) {
    var reader = try ByteReader(bytes, file: file)
    var files: [(name: String, range: Range<Int>)] = []
    var links: [(name: String, target: String)] = []
    // Set by an extension header for the entry after it.
    var longName: String?
    var longSize: Int?
    while reader.remaining > 0 {
      let at = reader.offset
      let header = try reader.take(block, "a tar header")
      if header.allSatisfy({ $0 == 0 }) { return (files, links) }
      try checkSum(header, file, at)
      guard let size = longSize ?? number(header[124..<136]) else {
        throw ReproError.data(file, byte: at + 124, "the size of the entry is no number")
      }
      let data = try reader.take(size, "the entry")
      let range = reader.offset - size..<reader.offset
      // The last block may be cut off by sloppy writers; the entry itself may not.
      try reader.seek(min(bytes.count, reader.offset + (block - size % block) % block))
      switch header[156] {
      case UInt8(ascii: "x"): (longName, longSize) = try pax(data, file, range.lowerBound)
      case UInt8(ascii: "L"): longName = text(data)
      case UInt8(ascii: "g"): break
      case 0, UInt8(ascii: "0"):
        let name = longName ?? ustarName(header)
        guard Path.isContained(name) else {
          throw ReproError.data(file, byte: at, "the name '\(name)' leaves the archive")
        }
        files.append((name, range))
        (longName, longSize) = (nil, nil)
      default:
        if header[156] == UInt8(ascii: "1") || header[156] == UInt8(ascii: "2") {
          links.append((longName ?? ustarName(header), text(header[157..<257])))
        }
        (longName, longSize) = (nil, nil)
      }
    }
    throw ReproError.data(file, byte: reader.offset, "the archive ends here", expected: "an empty block as its end")
  }

  /// The sum of the header's bytes with its own field taken as blanks.
  private static func checkSum(_ header: UnsafeRawBufferPointer, _ file: String, _ at: Int) throws {
    let blanks = 8 * Int(UInt8(ascii: " "))
    let sum = header.reduce(blanks) { $0 + Int($1) } - header[148..<156].reduce(0) { $0 + Int($1) }
    guard number(header[148..<156]) == sum else {
      throw ReproError.data(file, byte: at, "the tar header is damaged", expected: "checksum \(sum)")
    }
  }

  /// Octal digits, or GNU's big-endian binary for sizes from 8 GB on.
  private static func number(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
    if field.first == 0x80 {
      return field.dropFirst().reduce(Int?.some(0)) { value, byte in
        value.flatMap { $0 < Int.max >> 8 ? $0 << 8 | Int(byte) : nil }
      }
    }
    let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
    return Int(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 >= 0 ? $0 : nil }
  }

  private static func text(_ field: some Sequence<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  private static func ustarName(_ header: UnsafeRawBufferPointer) -> String {
    let name = text(header[0..<100])
    // GNU's own format keeps other things where ustar has the prefix.
    guard header[257..<263].elementsEqual([0x75, 0x73, 0x74, 0x61, 0x72, 0]) else { return name }
    let prefix = text(header[345..<500])
    return prefix.isEmpty ? name : Path.join(prefix, name)
  }

  /// The path and size of a pax header: records `length key=value\n`.
  private static func pax(
    _ data: UnsafeRawBufferPointer, _ file: String, _ at: Int
  ) throws -> (name: String?, size: Int?) {
    var name: String?
    var size: Int?
    var rest = data[...]
    while !rest.isEmpty {
      let digits = String(decoding: rest.prefix { $0 != UInt8(ascii: " ") }.prefix(20), as: UTF8.self)
      guard let length = Int(digits), length > digits.utf8.count + 1, length <= rest.count else {
        throw ReproError.data(file, byte: at + rest.startIndex, "the pax header is damaged")
      }
      let record = rest.prefix(length).dropFirst(digits.utf8.count + 1).dropLast()
      let parts = record.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0].elementsEqual("path".utf8) { name = text(parts[1]) }
      if parts.count == 2, parts[0].elementsEqual("size".utf8) {
        guard let value = Int(text(parts[1])), value >= 0 else {
          throw ReproError.data(file, byte: at + rest.startIndex, "the pax size is no number")
        }
        size = value
      }
      rest = rest.dropFirst(length)
    }
    return (name, size)
  }
}
