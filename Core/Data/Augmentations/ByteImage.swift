import ReproTensor

/// One 8-bit image, `[H, W, C]`, that augmentations change in place of bytes: exact, and the same on every machine.
public struct ByteImage: Sendable, Equatable {
  public var height, width, channels: Int
  /// Row by row, channels interleaved.
  public var bytes: [UInt8]

  public init(height: Int, width: Int, channels: Int, bytes: [UInt8]) {
    require(
      height > 0 && width > 0 && channels > 0 && bytes.count == height * width * channels,
      "an image [\(height), \(width), \(channels)] does not hold \(bytes.count) bytes")
    (self.height, self.width, self.channels, self.bytes) = (height, width, channels, bytes)
  }

  public subscript(_ y: Int, _ x: Int, _ c: Int) -> UInt8 {
    get { bytes[(y * width + x) * channels + c] }
    set { bytes[(y * width + x) * channels + c] = newValue }
  }

  /// Every byte replaced by its entry in a table of 256.
  func mapped(_ table: [UInt8]) -> ByteImage {
    var copy = self
    for i in copy.bytes.indices { copy.bytes[i] = table[Int(copy.bytes[i])] }
    return copy
  }
}

extension ImageBatch {
  /// One image of the batch, counted through samples and frames.
  public func image(_ i: Int) -> ByteImage {
    let size = height * width * channels
    return ByteImage(
      height: height, width: width, channels: channels, bytes: Array(bytes[(i * size)..<((i + 1) * size)]))
  }

  /// Images of one size as a batch.
  public init(_ images: [ByteImage]) {
    guard let first = images.first else { requirementFailed("a batch needs at least one image") }
    require(
      images.allSatisfy { $0.height == first.height && $0.width == first.width && $0.channels == first.channels },
      "the images of a batch have one size")
    self.init(
      count: images.count, height: first.height, width: first.width, channels: first.channels,
      bytes: images.flatMap(\.bytes))
  }

  /// Every image changed by itself, in parallel; what the i-th draws comes from `random.child("sample", i)`.
  ///
  /// - Parameter change: gives images of one size.
  public func augmented(
    random: RandomStream, _ change: @Sendable (ByteImage, inout RandomStream) -> ByteImage
  ) -> ImageBatch {
    let n = count * frames
    if n == 0 { return self }
    var images = [ByteImage?](repeating: nil, count: n)
    images.withUnsafeMutableBufferPointer { target in
      nonisolated(unsafe) let target = target
      ThreadPool.shared.forEach(n) { i in
        var stream = random.child("sample", i)
        target[i] = change(image(i), &stream)
      }
    }
    let batch = ImageBatch(images.compactMap { $0 })
    return ImageBatch(
      count: count, frames: frames, height: batch.height, width: batch.width, channels: batch.channels,
      bytes: batch.bytes)
  }
}
