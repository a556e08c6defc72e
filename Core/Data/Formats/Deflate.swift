import CZlib
import ReproConfig
import ReproTensor

/// Gzip files (RFC 1952) and the bare deflate data inside zip archives (RFC 1951), by zlib.
public enum Deflate {
  /// What stands around the compressed data.
  public enum Wrapper: Int32, Sendable {
    case raw = -15
    /// RFC 1950, as inside MATLAB files.
    case zlib = 15
    case gzip = 31
  }

  /// Deflate packs at most 1032 bytes into one: a claim of more is a lie.
  static let largestExpansion = 1032

  /// Unpacks data completely; a gzip file may have several members, and zeros as padding after the last.
  ///
  /// - Parameters:
  ///   - input: the compressed bytes, all of them.
  ///   - limit: refuse to produce more than this many bytes.
  ///   - file: for messages.
  ///   - start: where `input` begins in the file, for messages.
  /// - Throws: `ReproError` with the file's byte offset if the data is damaged, ends early, goes on after its end, or
  ///   unpacks to more than `limit`.
  public static func inflate(
    _ input: UnsafeRawBufferPointer, _ wrapper: Wrapper, limit: Int, file: String, start: Int = 0
  ) throws -> [UInt8] {
    var stream = z_stream()
    require(zlib_inflate_begin(&stream, wrapper.rawValue) == Z_OK, "zlib cannot start")
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    output.reserveCapacity(expectedSize(input, wrapper, limit))
    let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1 << 18)
    defer { room.deallocate() }
    var used = 0

    while true {
      let part = min(input.count - used, 1 << 30)
      stream.next_in = UnsafeMutablePointer(
        mutating: input.baseAddress?.advanced(by: used).assumingMemoryBound(to: UInt8.self))
      stream.avail_in = UInt32(part)
      stream.next_out = room.baseAddress
      stream.avail_out = UInt32(room.count)
      let status = CZlib.inflate(&stream, Z_NO_FLUSH)
      used += part - Int(stream.avail_in)
      let produced = room.count - Int(stream.avail_out)
      guard produced <= limit - output.count else {
        throw ReproError.data(file, byte: start + used, "the data unpacks to more than \(limit) bytes")
      }
      output.append(contentsOf: room[..<produced])

      switch status {
      case Z_STREAM_END:
        let rest = input[used...]
        if rest.isEmpty || (wrapper == .gzip && rest.allSatisfy { $0 == 0 }) { return output }
        guard wrapper == .gzip, rest.starts(with: [0x1F, 0x8B]) else {
          throw ReproError.data(file, byte: start + used, "\(rest.count) bytes follow the compressed data")
        }
        inflateReset(&stream)
      case Z_OK where produced > 0 || used < input.count: continue
      case Z_OK, Z_BUF_ERROR:
        throw ReproError.data(file, byte: start + used, "the compressed data ends here", expected: "more of it")
      default:
        let words = stream.msg.map { String(cString: $0) } ?? "zlib error \(status)"
        throw ReproError.data(file, byte: start + used, "the compressed data is damaged (\(words))")
      }
    }
  }

  /// Unpacks a gzip file that is in memory; see the general form.
  public static func gunzip(_ bytes: [UInt8], limit: Int, file: String) throws -> [UInt8] {
    try bytes.withUnsafeBytes { try inflate($0, .gzip, limit: limit, file: file) }
  }

  /// Packs bytes.
  ///
  /// - Parameter level: 1 (fast) to 9 (small).
  public static func deflate(_ bytes: [UInt8], _ wrapper: Wrapper, level: Int = 6) -> [UInt8] {
    require((1...9).contains(level), "the compression level is 1 to 9, got \(level)")
    require(bytes.count < 1 << 30, "packing \(bytes.count) bytes at once is not supported")
    var stream = z_stream()
    require(zlib_deflate_begin(&stream, Int32(level), wrapper.rawValue) == Z_OK, "zlib cannot start")
    defer { deflateEnd(&stream) }
    var input = bytes
    let room = Int(deflateBound(&stream, UInt(bytes.count)))
    return input.withUnsafeMutableBufferPointer { source in
      [UInt8](unsafeUninitializedCapacity: room) { target, count in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(room)
        let status = CZlib.deflate(&stream, Z_FINISH)
        require(status == Z_STREAM_END, "zlib cannot pack \(source.count) bytes: status \(status)")
        count = room - Int(stream.avail_out)
      }
    }
  }

  /// The CRC-32 of zip, gzip and PNG.
  static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
  }

  /// How much room to reserve: what the end of a gzip file says, if it can be true.
  private static func expectedSize(_ input: UnsafeRawBufferPointer, _ wrapper: Wrapper, _ limit: Int) -> Int {
    let most = min(limit, input.count.multipliedReportingOverflow(by: largestExpansion).partialValue)
    guard wrapper == .gzip, input.count >= 18 else { return min(most, 4 * input.count) }
    let claimed = input.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    return min(most, claimed)
  }
}
