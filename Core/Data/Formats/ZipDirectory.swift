import ReproConfig

/// Where the directory of a zip archive is, and sizes beyond 32 bits.
///
/// - Source: PKWARE's APPNOTE 6.3.10, sections 4.3.14 to 4.3.16 and 4.5.3.
enum ZipDirectory {
  /// The count of entries and the first one's place, from the end record at byte `end`.
  static func place(_ bytes: UnsafeRawBufferPointer, _ file: String, end: Int) throws -> (count: Int, offset: Int) {
    var reader = try ByteReader(bytes, file: file, at: end + 4)
    let disk = try reader.little(2, "the disk number")
    let firstDisk = try reader.little(2, "the directory's disk")
    let here = try reader.little(2, "the count of entries")
    let count = try reader.little(2, "the count of entries")
    let size = try reader.little(4, "the directory's size")
    let offset = try reader.little(4, "the directory's place")
    if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF { return try wide(bytes, file, end: end) }
    guard disk == 0, firstDisk == 0, here == count, offset + size <= UInt64(end) else {
      throw ReproError.data(file, byte: end, "the end record of the archive is damaged")
    }
    return (Int(count), Int(offset))
  }

  /// The same from the zip64 end record, which a locator of 20 bytes before the plain one points to.
  private static func wide(
    _ bytes: UnsafeRawBufferPointer, _ file: String, end: Int
  ) throws -> (count: Int, offset: Int) {
    let missing = ReproError.data(
      file, byte: end, "a zip64 archive", expected: "a zip64 end record before its end record")
    guard end >= 20 else { throw missing }
    var reader = try ByteReader(bytes, file: file, at: end - 20)
    guard try reader.little(4, "the locator") == 0x0706_4B50 else { throw missing }
    _ = try reader.take(4, "the disk number")
    let record = try reader.little(8, "the place of the end record")
    guard record <= UInt64(end - 20) else { throw missing }
    try reader.seek(Int(record))
    guard try reader.little(4, "the zip64 end record") == 0x0606_4B50 else { throw missing }
    _ = try reader.take(8 + 2 + 2, "the versions")
    let disk = try reader.little(4, "the disk number")
    let firstDisk = try reader.little(4, "the directory's disk")
    let here = try reader.little(8, "the count of entries")
    let count = try reader.little(8, "the count of entries")
    let size = try reader.little(8, "the directory's size")
    let offset = try reader.little(8, "the directory's place")
    // An entry of the directory has 46 bytes at least.
    guard disk == 0, firstDisk == 0, here == count, size <= record, offset <= record - size, count <= size / 46 else {
      throw ReproError.data(file, byte: Int(record), "the zip64 end record of the archive is damaged")
    }
    return (Int(count), Int(offset))
  }

  /// Replaces the fields that are all ones by those of the zip64 extra field, which has them in this order.
  ///
  /// - Returns: false if it does not.
  static func widen(
    _ unpacked: inout UInt64, _ packed: inout UInt64, _ header: inout UInt64, by extra: UnsafeRawBufferPointer
  ) -> Bool {
    let ones: UInt64 = 0xFFFF_FFFF
    if unpacked != ones && packed != ones && header != ones { return true }
    var rest = extra[...]
    while rest.count >= 4 {
      let bytes = rest.prefix(4).map { Int($0) }
      let (id, size) = (bytes[0] | bytes[1] << 8, bytes[2] | bytes[3] << 8)
      rest = rest.dropFirst(4)
      guard size <= rest.count else { return false }
      if id == 1 {
        var field = rest.prefix(size)
        func next(_ value: inout UInt64) -> Bool {
          if value != ones { return true }
          guard field.count >= 8 else { return false }
          value = field.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
          field = field.dropFirst(8)
          return true
        }
        return next(&unpacked) && next(&packed) && next(&header)
      }
      rest = rest.dropFirst(size)
    }
    return false
  }
}
