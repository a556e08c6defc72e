import ReproTensor

/// Changes of values, pixel by pixel: those of Pillow's `ImageOps` and `ImageEnhance`, to the byte.
extension ByteImage {
  /// The luma of a pixel, rounded as Pillow does: (19595 R + 38470 G + 7471 B + 2^15) / 2^16 (ITU-R BT.601).
  private func luma(_ p: Int) -> UInt8 {
    if channels < 3 { return bytes[p * channels] }
    let (r, g, b) = (Int(bytes[p * channels]), Int(bytes[p * channels + 1]), Int(bytes[p * channels + 2]))
    return UInt8((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16)
  }

  /// Every channel becomes the luma.
  public func greyscaled() -> ByteImage {
    var copy = self
    for p in 0..<(height * width) {
      let grey = luma(p)
      for c in 0..<channels { copy.bytes[p * channels + c] = grey }
    }
    return copy
  }

  /// 255 - x
  public func inverted() -> ByteImage { mapped((0..<256).map { UInt8(255 - $0) }) }

  /// The leading bits of each value, 1 to 8 of them.
  public func posterized(bits: Int) -> ByteImage {
    require((1...8).contains(bits), "posterize keeps 1 to 8 bits, got \(bits)")
    let mask = UInt8(truncatingIfNeeded: ~((1 << (8 - bits)) - 1))
    return mapped((0..<256).map { UInt8($0) & mask })
  }

  /// Values from the threshold on are inverted.
  public func solarized(from threshold: Int) -> ByteImage {
    mapped((0..<256).map { UInt8($0 < threshold ? $0 : 255 - $0) })
  }

  /// Each channel by a table made from its histogram.
  private func byHistogram(_ table: ([Int]) -> [UInt8]?) -> ByteImage {
    var copy = self
    for c in 0..<channels {
      var histogram = [Int](repeating: 0, count: 256)
      for p in 0..<(height * width) { histogram[Int(bytes[p * channels + c])] += 1 }
      guard let table = table(histogram) else { continue }
      for p in 0..<(height * width) {
        copy.bytes[p * channels + c] = table[Int(bytes[p * channels + c])]
      }
    }
    return copy
  }

  /// The histogram of each channel made as even as whole pixels allow.
  public func equalized() -> ByteImage {
    byHistogram { histogram in
      guard let last = histogram.last(where: { $0 > 0 }), histogram.count(where: { $0 > 0 }) > 1 else { return nil }
      let step = (histogram.reduce(0, +) - last) / 255
      guard step > 0 else { return nil }
      var sum = step / 2
      return histogram.map { n in
        defer { sum += n }
        return UInt8(min(255, sum / step))
      }
    }
  }

  /// Each channel stretched so that its smallest value is 0 and its largest 255.
  public func autocontrasted() -> ByteImage {
    byHistogram { histogram in
      guard let low = histogram.firstIndex(where: { $0 > 0 }), let high = histogram.lastIndex(where: { $0 > 0 }),
        high > low
      else { return nil }
      let scale = 255 / Double(high - low)
      let offset = -Double(low) * scale
      return (0..<256).map { UInt8(max(0, min(255, Int(Double($0) * scale + offset)))) }
    }
  }

  /// From another image (factor 0) to this one (factor 1), and beyond.
  private func blended(from other: ByteImage, _ factor: Double) -> ByteImage {
    let alpha = Float(factor)
    var copy = self
    for i in bytes.indices {
      let (a, b) = (Int(other.bytes[i]), Int(bytes[i]))
      let value: Float = Float(a) + alpha * Float(b - a)
      copy.bytes[i] = UInt8(max(0, min(255, value)))
    }
    return copy
  }

  private func constant(_ value: UInt8) -> ByteImage {
    ByteImage(
      height: height, width: width, channels: channels, bytes: [UInt8](repeating: value, count: bytes.count))
  }

  /// x * factor, limited to 255.
  public func brightened(_ factor: Double) -> ByteImage { blended(from: constant(0), factor) }

  /// Away from, or towards, the mean luma.
  public func contrasted(_ factor: Double) -> ByteImage {
    var sum = 0
    for p in 0..<(height * width) { sum += Int(luma(p)) }
    return blended(from: constant(UInt8(Double(sum) / Double(height * width) + 0.5)), factor)
  }

  /// Away from, or towards, the luma of each pixel.
  public func saturated(_ factor: Double) -> ByteImage { blended(from: greyscaled(), factor) }

  /// Away from, or towards, the image smoothed by a 3 x 3 kernel (5 in the middle, 1 around, over 13).
  public func sharpened(_ factor: Double) -> ByteImage {
    guard height > 2, width > 2 else { return self }
    var smooth = self
    for y in 1..<(height - 1) {
      for x in 1..<(width - 1) {
        for c in 0..<channels {
          var sum: Float = 0.5
          for dy in -1...1 {
            for dx in -1...1 {
              sum += Float(self[y + dy, x + dx, c]) * (dx == 0 && dy == 0 ? 5.0 / 13 : 1.0 / 13)
            }
          }
          smooth[y, x, c] = UInt8(max(0, min(255, sum)))
        }
      }
    }
    return blended(from: smooth, factor)
  }

  /// Mirrored left to right.
  public func flipped() -> ByteImage {
    var copy = self
    for y in 0..<height {
      for x in 0..<width { for c in 0..<channels { copy[y, x, c] = self[y, width - 1 - x, c] } }
    }
    return copy
  }

  /// A square of zeros of the given side around a place, as far as it lies inside.
  ///
  /// - Source: DeVries and Taylor 2017 (Cutout, arXiv 1708.04552), Section 3: the square may reach beyond the border.
  public func cut(side: Int, centreX: Int, centreY: Int, value: UInt8 = 0) -> ByteImage {
    var copy = self
    let (top, left) = (centreY - side / 2, centreX - side / 2)
    for y in max(0, top)..<max(0, min(height, top + side)) {
      for x in max(0, left)..<max(0, min(width, left + side)) { for c in 0..<channels { copy[y, x, c] = value } }
    }
    return copy
  }

  /// Cutout at a place drawn evenly.
  public func cutOut(side: Int, _ stream: inout RandomStream) -> ByteImage {
    let (y, x) = (stream.integer(below: height), stream.integer(below: width))
    return cut(side: side, centreX: x, centreY: y)
  }
}
