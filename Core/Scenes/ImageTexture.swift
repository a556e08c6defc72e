import Glibc
import ReproData
import ReproTensor

/// A picture laid on a surface, looked up in the cells of the material's frame; it repeats beyond its edges.
public final class ImageTexture: Sendable, Equatable {
  /// How a point of the frame becomes a place (u, v) of the picture, v = 0 at its upper edge.
  public enum Projection: Sendable, Equatable {
    /// u = x, v = -y: seen straight along z.
    case planar
    /// u is the longitude about y, v the height.
    case cylindrical
    /// u is the longitude about y, v the angle from y over pi.
    case spherical
  }

  public let projection: Projection
  /// The picture and ever smaller means of it, by factors of 2; linear RGB.
  private let levels: [Level]

  fileprivate struct Level: Sendable, Equatable {
    var width, height: Int
    var pixels: [Vec3]
  }

  /// - Parameters:
  ///   - image: one image of 1 or 3 channels, sRGB.
  ///   - index: which image of the batch.
  public init(_ image: ImageBatch, _ index: Int = 0, projection: Projection = .planar) {
    require(image.channels == 1 || image.channels == 3, "a texture has 1 or 3 channels, got \(image.channels)")
    require((0..<image.count * image.frames).contains(index), "image \(index) of \(image.count * image.frames)")
    self.projection = projection
    let count = image.width * image.height
    let first = index * count * image.channels
    var level = Level(
      width: image.width, height: image.height,
      pixels: (0..<count).map { i in
        let at = first + i * image.channels
        let last = image.channels - 1
        return SRGB.linear(
          Vec3(Float(image.bytes[at]), Float(image.bytes[at + min(1, last)]), Float(image.bytes[at + last])) / 255)
      })
    var levels = [level]
    while level.width > 1 || level.height > 1 {
      let (w, h) = (max(1, level.width / 2), max(1, level.height / 2))
      let above = level
      level = Level(
        width: w, height: h,
        pixels: (0..<w * h).map { i in
          let (x, y) = (i % w * 2, i / w * 2)
          let (x1, y1) = (min(x + 1, above.width - 1), min(y + 1, above.height - 1))
          let sum = above.pixels[y * above.width + x] + above.pixels[y * above.width + x1]
          return (sum + above.pixels[y1 * above.width + x] + above.pixels[y1 * above.width + x1]) / 4
        })
      levels.append(level)
    }
    self.levels = levels
  }

  public static func == (a: ImageTexture, b: ImageTexture) -> Bool {
    a === b || (a.projection == b.projection && a.levels.first == b.levels.first)
  }

  /// The mean colour, linear.
  public var mean: Vec3 { levels.last?.pixels.first ?? .zero }

  /// The colour at eight points; `footprint` is the width of a sample in cells.
  func color(_ p: Lanes3, footprint: Float8) -> Lanes3 {
    var result = Lanes3(.zero, .zero, .zero)
    for lane in 0..<8 {
      let uv = place(p[lane])
      let texels = footprint[lane] * Float(max(levels[0].width, levels[0].height))
      let level = texels > 1 && texels.isFinite ? min(Int(log2f(texels) + 0.5), levels.count - 1) : 0
      result.set(lane, levels[level].color(uv))
    }
    return result
  }

  private func place(_ p: Vec3) -> SIMD2<Float> {
    switch projection {
    case .planar: SIMD2(p.x, -p.y)
    case .cylindrical: SIMD2(atan2f(p.x, p.z) / (2 * .pi), -p.y)
    case .spherical: SIMD2(atan2f(p.x, p.z) / (2 * .pi), atan2f(hypotf(p.x, p.z), p.y) / .pi)
    }
  }
}

extension ImageTexture.Level {
  /// Bilinear between the four pixels around a place; the picture goes round.
  fileprivate func color(_ uv: SIMD2<Float>) -> Vec3 {
    guard uv.x.isFinite && uv.y.isFinite && abs(uv.x) < 1e6 && abs(uv.y) < 1e6 else { return .zero }
    let x = (uv.x - floorf(uv.x)) * Float(width) - 0.5
    let y = (uv.y - floorf(uv.y)) * Float(height) - 0.5
    let (fx, fy) = (x - floorf(x), y - floorf(y))
    let (x0, y0) = ((Int(floorf(x)) + width) % width, (Int(floorf(y)) + height) % height)
    let (x1, y1) = ((x0 + 1) % width, (y0 + 1) % height)
    let above = pixels[y0 * width + x0].mixed(with: pixels[y0 * width + x1], fx)
    let below = pixels[y1 * width + x0].mixed(with: pixels[y1 * width + x1], fx)
    return above.mixed(with: below, fy)
  }
}
