/// The samples of a picture, in packets of eight along a row.
struct SampleGrid: Equatable {
  /// Samples per pixel along each side: 1 (at the pixel's centre) or 2 (at +-1/4).
  let density: Int
  /// In samples.
  let width, height: Int
  /// Packets per row; the last may reach beyond the picture.
  let packets: Int

  init(width: Int, height: Int, density: Int) {
    self.density = density
    self.width = width * density
    self.height = height * density
    packets = (self.width + 7) / 8
  }

  var count: Int { packets * height }
  /// The distance between samples, pixels.
  var spacing: Float { 1 / Float(density) }
  /// The pixel coordinate of sample 0.
  var start: Float { 0.5 / Float(density) - 0.5 }

  var everything: PacketRect { PacketRect(packets: 0..<packets, rows: 0..<height) }

  /// The packets that hold all samples between two pixel coordinates.
  func rect(from low: SIMD2<Float>, to high: SIMD2<Float>) -> PacketRect {
    // One sample of margin for rounding; clamped as floats, for a far corner does not fit an Int.
    let limit = SIMD2(Float(width), Float(height))
    let a = ((low - start) * Float(density) - 1).clamped(lowerBound: .zero, upperBound: limit)
    let b = ((high - start) * Float(density) + 2).clamped(lowerBound: .zero, upperBound: limit)
    return PacketRect(
      packets: Int(a.x) / 8..<max((Int(b.x) + 7) / 8, Int(a.x) / 8), rows: Int(a.y)..<max(Int(b.y), Int(a.y)))
  }
}

/// A block of packets.
struct PacketRect: Equatable {
  var packets: Range<Int>
  var rows: Range<Int>

  var isEmpty: Bool { packets.isEmpty || rows.isEmpty }
}

/// What is known of every sample, packet by packet; reused from picture to picture.
final class SampleBuffers {
  let grid: SampleGrid
  /// Metres along z; infinity where nothing stands.
  let depth: UnsafeMutablePointer<Float8>
  /// The part that is seen; -1 where nothing stands.
  let part: UnsafeMutablePointer<Int8x>
  /// The share of the key light that arrives.
  let lit: UnsafeMutablePointer<Float8>
  /// The share of the sky that is open.
  let open: UnsafeMutablePointer<Float8>
  /// Linear colour.
  let red, green, blue: UnsafeMutablePointer<Float8>

  init(_ grid: SampleGrid) {
    self.grid = grid
    func floats() -> UnsafeMutablePointer<Float8> {
      let p = UnsafeMutablePointer<Float8>.allocate(capacity: grid.count)
      p.initialize(repeating: .zero, count: grid.count)
      return p
    }
    (depth, lit, open) = (floats(), floats(), floats())
    (red, green, blue) = (floats(), floats(), floats())
    part = .allocate(capacity: grid.count)
    part.initialize(repeating: Int8x(repeating: -1), count: grid.count)
  }

  deinit {
    depth.deallocate()
    lit.deallocate()
    open.deallocate()
    red.deallocate()
    green.deallocate()
    blue.deallocate()
    part.deallocate()
  }

  func clear(_ rect: PacketRect) {
    for y in rect.rows {
      let first = y * grid.packets + rect.packets.lowerBound
      (depth + first).update(repeating: Float8(repeating: .infinity), count: rect.packets.count)
      (part + first).update(repeating: Int8x(repeating: -1), count: rect.packets.count)
    }
  }

  func clear() {
    depth.update(repeating: Float8(repeating: .infinity), count: grid.count)
    part.update(repeating: Int8x(repeating: -1), count: grid.count)
  }
}
