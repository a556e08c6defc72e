import ReproConfig
import ReproTensor

/// A portable float map: depths, disparities or radiances of one or three channels.
///
/// - Source: Debevec, the PFM description; rows are stored from the bottom up, and the sign of the scale is the byte
///   order.
public struct PFMImage: Sendable, Equatable {
  public var height, width, channels: Int
  /// `[height, width, channels]`, from the top down. Infinite where nothing is known (Middlebury writes it so).
  public var values: [Float]

  public init(height: Int, width: Int, channels: Int, values: [Float]) {
    require(values.count == height * width * channels, "\(values.count) values of [\(height), \(width), \(channels)]")
    (self.height, self.width, self.channels, self.values) = (height, width, channels, values)
  }

  /// - Throws: `ReproError` if the header is wrong, the size is not what it claims, or a value is not a number.
  public init(_ bytes: [UInt8], file: String) throws {
    var cursor = TextCursor(bytes, file: file)
    guard cursor.advance(), let magic = cursor.word(), cursor.matches(magic, "PF") || cursor.matches(magic, "Pf") else {
      throw ReproError(.data, at: file, found: "this is not a PFM file", expected: "PF or Pf in line 1")
    }
    channels = cursor.matches(magic, "PF") ? 3 : 1
    // Width and height may stand on one line or two.
    func filled() throws {
      if cursor.isAtLineEnd(), !cursor.advanceToWords(comment: nil) { throw cursor.error("the header ends") }
    }
    try filled()
    width = try cursor.integer("the width", in: 1...1 << 20)
    try filled()
    height = try cursor.integer("the height", in: 1...1 << 20)
    try filled()
    let scale = try cursor.double("the scale")
    guard scale != 0 else { throw cursor.error("the scale is 0", expected: "negative (little-endian) or positive") }
    let start = cursor.nextLineOffset
    let count = width * height * channels
    guard count * 4 == bytes.count - start else {
      throw ReproError.data(
        file, byte: start, "\(bytes.count - start) bytes of values", expected: "\(count) of 4 bytes")
    }
    values = [Float](repeating: 0, count: count)
    let row = width * channels
    for y in 0..<height {
      for x in 0..<row {
        let p = start + 4 * ((height - 1 - y) * row + x)
        let (a, b, c, d) = (UInt32(bytes[p]), UInt32(bytes[p + 1]), UInt32(bytes[p + 2]), UInt32(bytes[p + 3]))
        let bits = scale < 0 ? a | b << 8 | c << 16 | d << 24 : d | c << 8 | b << 16 | a << 24
        let value = Float(bitPattern: bits)
        guard !value.isNaN else { throw ReproError.data(file, byte: p, "the value is no number (NaN)") }
        values[y * row + x] = value
      }
    }
  }

  /// The bytes of a little-endian file.
  public var bytes: [UInt8] {
    require(channels == 1 || channels == 3, "a PFM has 1 or 3 channels, got \(channels)")
    var bytes = Array("\(channels == 3 ? "PF" : "Pf")\n\(width) \(height)\n-1.0\n".utf8)
    let row = width * channels
    for y in (0..<height).reversed() {
      for value in values[y * row..<(y + 1) * row] {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
      }
    }
    return bytes
  }
}
