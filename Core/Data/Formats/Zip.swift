import ReproConfig
import ReproTensor

/// A zip archive: members stored or deflated, zip64 read but not written, no encryption, no parts on other disks.
public struct ZipArchive: Sendable {
  /// One file of the archive.
  struct Member: Sendable {
    var name: String
    var method: Int
    var crc: UInt32
    var packed: Int
    var unpacked: Int
    /// Where the local header stands.
    var header: Int
    /// Whether it is a symbolic link, by its Unix mode.
    var isLink: Bool
  }

  let members: [Member]
  private let bytes: FileBytes
  private let file: String
  private let places: [String: Int]

  /// - Throws: `ReproError` with the byte offset if the directory is missing, damaged, or of a kind that is not read.
  public init(_ bytes: [UInt8], file: String) throws { try self.init(.memory(bytes), file: file) }

  init(_ bytes: FileBytes, file: String) throws {
    self.bytes = bytes
    self.file = file
    members = try bytes.withBytes { try ZipArchive.directory($0, file) }
    places = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($1.name, $0) })
  }

  /// Reads a zip archive from a file.
  public init(path: String) throws { try self.init(try SafeFile.read(path), file: path) }

  /// The names of the members, in the order of the archive.
  public var names: [String] { members.map(\.name) }

  /// Bytes of the archive.
  var size: Int { bytes.count }

  /// The bytes of a member once it is unpacked, as the directory says; nil if there is none of that name.
  func unpackedSize(_ name: String) -> Int? { places[name].map { members[$0].unpacked } }

  private static func directory(_ bytes: UnsafeRawBufferPointer, _ file: String) throws -> [Member] {
    let end = try findEnd(bytes, file)
    let (count, offset) = try ZipDirectory.place(bytes, file, end: end)
    var reader = try ByteReader(bytes, file: file)
    try reader.seek(offset)
    var members: [Member] = []
    var seen: Set<String> = []
    for _ in 0..<count {
      let at = reader.offset
      let member = try entry(&reader)
      guard seen.insert(member.name).inserted else {
        throw ReproError.data(file, byte: at, "a second member '\(member.name)'")
      }
      members.append(member)
    }
    return members
  }

  /// The end record stands last, before a comment of at most 65535 bytes that must fill the rest of the file.
  private static func findEnd(_ bytes: UnsafeRawBufferPointer, _ file: String) throws -> Int {
    guard bytes.count >= 22 else { throw ReproError.data(file, "the file is too short for a zip archive") }
    for at in stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 65535), by: -1)
    where bytes[at] == 0x50 && bytes[at + 1] == 0x4B && bytes[at + 2] == 5 && bytes[at + 3] == 6 {
      if at + 22 + Int(bytes[at + 20]) + Int(bytes[at + 21]) << 8 == bytes.count { return at }
    }
    throw ReproError.data(file, byte: bytes.count, "no end record of a zip archive", expected: "a whole zip archive")
  }

  private static func entry(_ reader: inout ByteReader) throws -> Member {
    let at = reader.offset
    guard try reader.little(4, "a directory entry") == 0x0201_4B50 else {
      throw reader.error("no directory entry", expected: "signature PK\\1\\2", at: at)
    }
    _ = try reader.take(4, "the versions")
    let flags = try reader.little(2, "the flags")
    let method = try reader.little(2, "the method")
    _ = try reader.take(4, "the time")
    let crc = try reader.little(4, "the checksum")
    var packed = try reader.little(4, "the packed size")
    var unpacked = try reader.little(4, "the size")
    let nameLength = Int(try reader.little(2, "the name's length"))
    let extraLength = Int(try reader.little(2, "the extra field's length"))
    let commentLength = Int(try reader.little(2, "the comment's length"))
    let attributes = try reader.little(8, "the attributes")
    var header = try reader.little(4, "the place")
    let name = String(decoding: try reader.take(nameLength, "the name"), as: UTF8.self)
    let extra = try reader.take(extraLength, "the extra field")
    _ = try reader.take(commentLength, "the comment")
    guard flags & 1 == 0 else { throw reader.error("'\(name)' is encrypted", at: at) }
    guard method == 0 || method == 8 else {
      throw reader.error("'\(name)' is packed by method \(method)", expected: "0 (stored) or 8 (deflate)", at: at)
    }
    guard ZipDirectory.widen(&unpacked, &packed, &header, by: extra) else {
      throw reader.error("'\(name)' is a zip64 member", expected: "its sizes in the extra field", at: at)
    }
    let size = UInt64(reader.bytes.count)
    guard packed <= size, header <= size - packed else {
      throw reader.error("'\(name)' claims \(packed) bytes at byte \(header), beyond the file", at: at)
    }
    guard method == 0 ? packed == unpacked : unpacked <= packed * UInt64(Deflate.largestExpansion) else {
      throw reader.error("'\(name)' claims \(unpacked) bytes in \(packed)", at: at)
    }
    return Member(
      name: name, method: Int(method), crc: UInt32(crc), packed: Int(packed), unpacked: Int(unpacked),
      header: Int(header), isLink: attributes >> 48 & 0xF000 == 0xA000)
  }

  /// The unpacked bytes of a member, its checksum verified.
  public func contents(_ name: String) throws -> [UInt8] { try withContents(name) { Array($0) } }

  /// Lends the unpacked bytes of a member, its checksum verified; a stored member is not copied.
  func withContents<R>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    guard let place = places[name] else {
      throw ReproError.data(file, "the archive has no member '\(name)'", expected: "one of \(names)")
    }
    let member = members[place]
    return try bytes.withBytes { raw in
      var reader = try ByteReader(raw, file: file, at: member.header)
      guard try reader.little(4, "a local header") == 0x0403_4B50 else {
        throw reader.error("no local header of '\(name)'", expected: "signature PK\\3\\4", at: member.header)
      }
      _ = try reader.take(22, "the local header")
      let nameLength = Int(try reader.little(2, "the name's length"))
      let extraLength = Int(try reader.little(2, "the extra field's length"))
      let localName = try reader.take(nameLength, "the name")
      guard localName.elementsEqual(name.utf8) else {
        throw reader.error("the local header is of another member", expected: "'\(name)'", at: member.header)
      }
      _ = try reader.take(extraLength, "the extra field")
      let start = reader.offset
      let packed = try reader.take(member.packed, "'\(name)'")
      func verified(_ data: UnsafeRawBufferPointer) throws -> R {
        guard data.count == member.unpacked, Deflate.crc32(data) == member.crc else {
          throw ReproError.data(file, byte: start, "'\(name)' is damaged", expected: "the checksum of the directory")
        }
        return try body(data)
      }
      if member.method == 0 { return try verified(packed) }
      let data = try Deflate.inflate(packed, .raw, limit: member.unpacked, file: file, start: start)
      return try data.withUnsafeBytes(verified)
    }
  }

  /// The bytes of an archive with the given members; equal members give equal bytes (all are dated 1980-01-01).
  ///
  /// - Parameter level: 1 to 9 deflates; nil stores.
  public static func archive(_ members: [(name: String, bytes: [UInt8])], level: Int? = 6) -> [UInt8] {
    require(members.count < 0xFFFF, "\(members.count) members are too many for a plain zip archive")
    require(Set(members.map(\.name)).count == members.count, "two members of a zip archive have one name")
    var data: [UInt8] = []
    var directory: [UInt8] = []
    func put(_ value: Int, _ count: Int, to bytes: inout [UInt8]) {
      for i in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * i))) }
    }
    for (name, bytes) in members {
      let packed = level.map { Deflate.deflate(bytes, .raw, level: $0) } ?? bytes
      let place = data.count
      require(place + packed.count < 0xFFFF_FFFF && bytes.count < 0xFFFF_FFFF, "a plain zip archive ends at 4 GB")
      // What the local header and the directory have in common: version, flags, method, time, date, checksum, sizes.
      var common: [UInt8] = []
      let crc = bytes.withUnsafeBytes { Deflate.crc32($0) }
      let date = 1 << 5 | 1  // 1 January 1980
      for (value, count) in [
        (20, 2), (0, 2), (level == nil ? 0 : 8, 2), (0, 2), (date, 2), (Int(crc), 4), (packed.count, 4),
        (bytes.count, 4), (name.utf8.count, 2), (0, 2),
      ] { put(value, count, to: &common) }
      put(0x0403_4B50, 4, to: &data)
      data += common + Array(name.utf8) + packed
      put(0x0201_4B50, 4, to: &directory)
      put(20, 2, to: &directory)
      directory += common
      put(0, 2 + 2 + 2 + 4, to: &directory)  // comment, disk, attributes
      put(place, 4, to: &directory)
      directory += Array(name.utf8)
    }
    let place = data.count
    data += directory
    put(0x0605_4B50, 4, to: &data)
    put(0, 4, to: &data)
    put(members.count, 2, to: &data)
    put(members.count, 2, to: &data)
    put(directory.count, 4, to: &data)
    put(place, 4, to: &data)
    put(0, 2, to: &data)
    return data
  }
}
