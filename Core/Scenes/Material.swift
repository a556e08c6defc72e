import ReproTensor

/// What a surface looks like: a solid pattern of two colours, some grain, and a highlight.
///
/// The pattern fills space: it is looked up at the point of the surface in the body's own frame, so it is fixed to the
/// body and runs through all its parts like the grain of wood.
public struct Material: Sendable, Equatable {
  /// How the two colours are laid out; lengths in cells of the pattern.
  public enum Pattern: UInt8, Sendable, CaseIterable {
    /// The first colour only.
    case plain
    /// Clouds of both colours.
    case noise
    /// Stripes bent by clouds.
    case marble
    /// Bands along y, half a cell wide.
    case stripes
    /// Cubes of half a cell, in turn.
    case checks
    /// Bricks of 1 x 1/2 in the plane xy, with joints of the second colour.
    case bricks
    /// One ball of the second colour in every cell.
    case dots
  }

  public var pattern: Pattern
  /// Reflectance per channel, linear, 0...1.
  public var first, second: Vec3
  /// From the body's frame (metres at scale 1) to cells: p -> frame p + offset.
  public var frame: Mat3
  public var offset: Vec3
  /// How much fine noise darkens and lightens the colour, 0...1.
  public var grain: Float
  /// Strength of the highlight, 0...1, and log2 of its exponent, 1...7 (3 is dull, 6 is polished).
  public var specular: Float
  public var gloss: Int
  /// A picture instead of the pattern.
  public var image: ImageTexture?

  public init(
    pattern: Pattern, first: Vec3, second: Vec3, frame: Mat3 = .identity, offset: Vec3 = .zero, grain: Float = 0,
    specular: Float = 0, gloss: Int = 4
  ) {
    require(gloss >= 1 && gloss <= 7, "gloss is log2 of an exponent, 1 to 7, got \(gloss)")
    (self.pattern, self.first, self.second) = (pattern, first, second)
    (self.frame, self.offset) = (frame, offset)
    (self.grain, self.specular, self.gloss) = (grain, specular, gloss)
  }

  /// A picture, once per cell of the frame.
  public static func image(
    _ image: ImageTexture, frame: Mat3 = .identity, offset: Vec3 = .zero, specular: Float = 0
  ) -> Material {
    var material = Material(
      pattern: .plain, first: image.mean, second: image.mean, frame: frame, offset: offset, specular: specular)
    material.image = image
    return material
  }

  /// One colour without pattern.
  public static func plain(_ color: Vec3, specular: Float = 0) -> Material {
    Material(pattern: .plain, first: color, second: color, specular: specular)
  }

  /// The reflectance at eight points of the pattern's own frame (cells).
  ///
  /// - Parameter footprint: the width of a sample on the surface, cells. Edges are never sharper than that, so a pattern
  ///   too fine to be seen fades into its mean instead of flickering.
  @inline(__always)
  func albedo(_ p: Lanes3, footprint: Float8) -> Lanes3 {
    if let image { return image.color(p, footprint: footprint) }
    var amount: Float8  // of the second colour
    switch pattern {
    case .plain: amount = .zero
    case .noise: amount = edge(layeredNoise(p) - 0.5, width: 0.25 + footprint)
    case .marble: amount = edge(wave(p.x + 1.6 * valueNoise(p)), width: 0.3 + footprint)
    case .stripes: amount = edge(wave(p.x), width: 0.1 + footprint)
    case .checks:
      let width = 0.08 + footprint
      let x = edge(wave(p.x), width: width) - 0.5
      let y = edge(wave(p.y), width: width) - 0.5
      let z = edge(wave(p.z), width: width) - 0.5
      amount = 0.5 + 4 * (x * y * z)
    case .bricks:
      let row = p.y * 2
      let along = p.x + 0.3 * p.z + 0.5 * floored(row)
      let (u, v) = (0.25 - wave(along), 0.25 - wave(row))  // distance to the middle of the brick, 0...0.5
      let width = 0.08 + footprint
      amount = larger(edge(u - 0.45, width: width), edge(v - 0.42, width: width))
    case .dots:
      let (x, y, z) = (fraction(p.x) - 0.5, fraction(p.y) - 0.5, fraction(p.z) - 0.5)
      amount = edge(0.11 - (x * x + y * y + z * z), width: 0.05 + footprint)
    }
    let color = Lanes3.mix(first, second, amount)
    guard grain > 0 else { return color }
    let fine = Lanes3(p.x * 5.3 + 3.1, p.y * 5.3 + 1.7, p.z * 5.3 + 9.2)
    return color * (1 + grain * (valueNoise(fine) - 0.5) * saturated(1.2 - 3 * footprint))
  }

  /// A triangle wave of period 1 between -0.25 (at whole numbers) and 0.25 (half-way between them).
  @inline(__always) private func wave(_ x: Float8) -> Float8 { 0.25 - magnitude(fraction(x) - 0.5) }

  /// A soft step: 0 below -width / 2, 1 above width / 2.
  @inline(__always) private func edge(_ x: Float8, width: Float8) -> Float8 {
    saturated(x / width + 0.5)
  }
}
