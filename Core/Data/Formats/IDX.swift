import ReproConfig

/// An array of bytes in the IDX format of the MNIST files: big-endian magic, extents, then the values row by row.
///
/// - Source: LeCun's description at yann.lecun.com/exdb/mnist; only the type 0x08 (unsigned byte) is read.
public struct IDXArray: Sendable, Equatable {
  public var extents: [Int]
  public var values: [UInt8]

  /// - Parameters:
  ///   - bytes: the whole file, already unpacked.
  ///   - rank: the number of extents that it must have.
  /// - Throws: `ReproError` if the magic or rank is another, or header and file size disagree.
  public init(_ bytes: [UInt8], rank: Int, file: String) throws {
    (extents, values) = try bytes.withUnsafeBytes { raw in
      var reader = try ByteReader(raw, file: file)
      let magic = try reader.big(4, "the magic number")
      guard magic == UInt64(0x0800 + rank) else {
        throw reader.error("the magic number is \(magic)", expected: "\(0x0800 + rank) (bytes, rank \(rank))", at: 0)
      }
      var extents: [Int] = []
      for axis in 0..<rank { extents.append(Int(try reader.big(4, "extent \(axis)"))) }
      guard let count = checkedCount(extents), count == reader.remaining else {
        throw reader.error("\(reader.remaining) bytes of values", expected: "as many as the extents \(extents) say")
      }
      return (extents, Array(try reader.take(count, "values")))
    }
  }
}
