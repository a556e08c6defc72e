import Glibc
import ReproTensor

/// Random colours and materials; they know nothing of shapes.
enum Look {
  /// The sRGB colour (0...1) of hue, saturation and value, each 0...1.
  static func color(hue: Float, saturation: Float, value: Float) -> Vec3 {
    func channel(_ shift: Float) -> Float {
      let k = fmodf(shift + hue * 6, 6)
      return value * (1 - saturation * max(0, min(1, min(k, 4 - k))))
    }
    return Vec3(channel(5), channel(3), channel(1))
  }

  /// The difference of two linear colours as the eye sees it, roughly: their distance in sRGB, lightness counting double.
  static func contrast(_ a: Vec3, _ b: Vec3) -> Float {
    func seen(_ c: Vec3) -> Vec3 { Vec3(cbrtf(c.x), cbrtf(c.y), cbrtf(c.z)) }
    let d = seen(a) - seen(b)
    let lightness = d.dot(Vec3(0.3, 0.6, 0.1))
    return (d.dot(d) + 3 * lightness * lightness).squareRoot()
  }

  /// A pair of linear colours: any first, and a second that stands out from it.
  static func pair(
    _ random: inout RandomStream, saturation: ClosedRange<Float>, value: ClosedRange<Float>
  ) -> (Vec3, Vec3) {
    func draw(_ random: inout RandomStream, hue: Float) -> Vec3 {
      SRGB.linear(
        color(
          hue: hue, saturation: random.float(saturation.lowerBound, saturation.upperBound),
          value: random.float(value.lowerBound, value.upperBound)))
    }
    let hue = random.float(0, 1)
    let first = draw(&random, hue: hue)
    var second = first
    for _ in 0..<8 {
      second = draw(&random, hue: random.bernoulli(0.5) ? hue : random.float(0, 1))
      if contrast(first, second) > 0.22 { break }
    }
    return (first, second)
  }

  /// The material of a body: any pattern, turned and shifted at random.
  ///
  /// - Parameter cells: cells of the pattern per unit of the body's frame.
  static func material(_ random: inout RandomStream, cells: ClosedRange<Float> = 0.9...2.2) -> Material {
    let patterns = Material.Pattern.allCases
    let pattern = patterns[random.integer(below: patterns.count)]
    let (first, second) = pair(&random, saturation: 0.15...0.95, value: 0.4...0.95)
    let frequency = random.float(cells.lowerBound, cells.upperBound)
    return Material(
      pattern: pattern, first: first, second: second, frame: frequency * random.rotation(),
      offset: Vec3(random.float(0, 50), random.float(0, 50), random.float(0, 50)),
      grain: random.bernoulli(0.4) ? random.float(0.1, 0.5) : 0,
      specular: random.bernoulli(0.6) ? random.float(0.1, 0.6) : 0, gloss: 3 + random.integer(below: 4))
  }

  /// The material of an endless plane (its own frame has y up): a pattern of the plane's x and z.
  ///
  /// - Parameter strength: 0 leaves one colour, 1 the full contrast of the two.
  static func surface(_ random: inout RandomStream, strength: Float) -> Material {
    let patterns = Material.Pattern.allCases
    let pattern = patterns[random.integer(below: patterns.count)]
    let (first, second) = pair(&random, saturation: 0...0.6, value: 0.3...0.9)
    let frequency = random.float(0.35, 1.1)
    let angle = random.float(0, 2 * .pi)
    let (s, c) = (sinf(angle), cosf(angle))
    let frame = Mat3(rows: Vec3(c, 0, s), Vec3(-s, 0, c), .zero)
    return Material(
      pattern: pattern, first: first, second: first.mixed(with: second, strength), frame: frequency * frame,
      offset: Vec3(random.float(0, 50), random.float(0, 50), 0.5),
      grain: random.bernoulli(0.4) ? random.float(0.1, 0.6) * strength : 0)
  }

  /// The colour of a material from afar.
  static func mean(_ material: Material) -> Vec3 {
    let share: Float =
      switch material.pattern {
      case .plain: 0
      case .bricks, .dots: 0.2
      case .noise, .marble, .stripes, .checks: 0.5
      }
    return material.first.mixed(with: material.second, share)
  }
}
