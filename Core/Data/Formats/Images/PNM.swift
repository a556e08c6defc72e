import ReproConfig

/// Portable grey maps and pixmaps: P2, P3 (text), P5, P6 (binary), up to 16 bits a sample.
///
/// - Source: Poskanzer 1989 and Henderson, the netpbm manual pages pgm(5) and ppm(5).
public struct PNMImage: Sendable, Equatable {
  public var height, width: Int
  /// 1 (grey) or 3 (red, green, blue).
  public var channels: Int
  /// The value of white, 1...65535.
  public var largest: Int
  /// `[height, width, channels]`.
  public var samples: [UInt16]

  /// - Throws: `ReproError` with the byte offset if the header is wrong or claims more pixels than the file holds, a
  ///   sample is larger than the header says, or the file goes on after the last.
  public init(_ bytes: [UInt8], file: String) throws {
    guard bytes.count > 2, bytes[0] == UInt8(ascii: "P"), [50, 51, 53, 54].contains(bytes[1]) else {
      throw ReproError.data(file, byte: 0, "this is not a PGM or PPM file", expected: "P2, P3, P5 or P6")
    }
    let isText = bytes[1] < 53
    channels = bytes[1] == 51 || bytes[1] == 54 ? 3 : 1
    var position = 2
    func integer(_ what: String, _ range: ClosedRange<Int>) throws -> Int {
      // Blanks and comments up to the end of the line.
      while position < bytes.count {
        if bytes[position] == UInt8(ascii: "#") {
          while position < bytes.count, bytes[position] != 0x0A { position += 1 }
        } else if bytes[position] > 0x20 {
          break
        } else {
          position += 1
        }
      }
      let start = position
      while position < bytes.count, bytes[position] > 0x20, position - start < 12 { position += 1 }
      guard let value = Numeral.integer(bytes, start..<position), range.contains(value) else {
        let found = String(decoding: bytes[start..<position], as: UTF8.self)
        throw ReproError.data(
          file, byte: start, start == bytes.count ? "the file ends" : "'\(clipped(found))' as \(what)",
          expected: "\(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    width = try integer("the width", 1...1 << 20)
    height = try integer("the height", 1...1 << 20)
    largest = try integer("the largest value", 1...65535)
    let count = width * height * channels
    let size = isText ? 1 : largest > 255 ? 2 : 1
    samples = []
    if !isText { position += 1 }
    let left = bytes.count - position
    guard isText ? count <= (left + 1) / 2 : count * size == left else {
      throw ReproError.data(
        file, byte: min(position, bytes.count), "\(max(0, left)) bytes of pixels",
        expected: "\(width)x\(height) pixels of \(channels * size) bytes")
    }
    samples.reserveCapacity(count)
    for i in 0..<count {
      let at = position
      let value: Int
      if isText {
        value = try integer("a sample", 0...65535)
      } else {
        value = size == 1 ? Int(bytes[position]) : Int(bytes[position]) << 8 | Int(bytes[position + 1])
        position += size
      }
      guard value <= largest else {
        throw ReproError.data(file, byte: at, "sample \(i) is \(value)", expected: "at most \(largest)")
      }
      samples.append(UInt16(value))
    }
  }

  /// With 8 bits a sample: as they are if white is 255, else scaled to it and rounded.
  public var image: ImageBatch {
    let bytes = samples.map { largest == 255 ? UInt8($0) : UInt8((Int($0) * 510 + largest) / (2 * largest)) }
    return ImageBatch(count: 1, height: height, width: width, channels: channels, bytes: bytes)
  }
}
