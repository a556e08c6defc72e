import ReproConfig

/// One file of CIFAR-10 in its binary version: records of a label and three 32x32 planes, red, green, blue.
///
/// - Source: Krizhevsky's description at www.cs.toronto.edu/~kriz/cifar.html.
public struct CIFARBatch: Sendable, Equatable {
  static let side = 32
  static let recordBytes = 1 + 3 * side * side

  public var labels: [UInt8]
  /// `[N, 32, 32, 3]`, the planes interleaved.
  public var pixels: [UInt8]

  /// - Throws: `ReproError` with the byte offset if the size is no multiple of 3073 or a label is not 0 to 9.
  public init(_ bytes: ArraySlice<UInt8>, file: String) throws {
    let (count, rest) = bytes.count.quotientAndRemainder(dividingBy: Self.recordBytes)
    guard rest == 0 else {
      throw ReproError.data(
        file, byte: count * Self.recordBytes, "the last record has \(rest) bytes", expected: "\(Self.recordBytes)")
    }
    let plane = Self.side * Self.side
    labels = []
    labels.reserveCapacity(count)
    for i in 0..<count {
      let label = bytes[bytes.startIndex + i * Self.recordBytes]
      guard label < 10 else {
        throw ReproError.data(file, byte: i * Self.recordBytes, "label \(label)", expected: "0 to 9")
      }
      labels.append(label)
    }
    pixels = [UInt8](unsafeUninitializedCapacity: count * 3 * plane) { target, written in
      bytes.withUnsafeBufferPointer { source in
        for i in 0..<count {
          let record = i * Self.recordBytes + 1
          for p in 0..<plane {
            for c in 0..<3 { target[(i * plane + p) * 3 + c] = source[record + c * plane + p] }
          }
        }
      }
      written = count * 3 * plane
    }
  }
}
