import Glibc
import ReproTensor

/// Eight colours that have a name everybody agrees on.
public enum NamedColor: Int, Sendable, CaseIterable {
  case red, orange, yellow, green, cyan, blue, purple, white

  public var name: String { "\(self)" }

  /// Reflectance, linear.
  var linear: Vec3 {
    let encoded: Vec3 =
      switch self {
      case .red: Vec3(0.82, 0.10, 0.12)
      case .orange: Vec3(0.96, 0.49, 0.05)
      case .yellow: Vec3(0.95, 0.86, 0.12)
      case .green: Vec3(0.13, 0.60, 0.18)
      case .cyan: Vec3(0.12, 0.76, 0.80)
      case .blue: Vec3(0.12, 0.22, 0.85)
      case .purple: Vec3(0.53, 0.13, 0.68)
      case .white: Vec3(0.93, 0.93, 0.93)
      }
    return SRGB.linear(encoded)
  }

  /// A second tone that leaves the name as it is: dark with the light colours, pale with the dark ones.
  var companion: Vec3 {
    switch self {
    case .orange, .yellow, .cyan, .white: linear * 0.16
    case .red, .green, .blue, .purple: linear.mixed(with: Vec3(0.95, 0.95, 0.95), 0.7)
    }
  }
}

/// The places where things happen: a floor, walls, and light.
enum WorldStage {
  /// Nearly white light from above and to one side of the camera.
  ///
  /// - Parameters:
  ///   - azimuth: the direction in which the camera stands, radians.
  ///   - tint: how far the light's colour may be from white, 0...1.
  static func lighting(
    _ random: inout RandomStream, azimuth: Float, ground: Vec3, tint: Float = 0.06
  ) -> Lighting {
    func direction(_ turn: Float, _ height: Float) -> Vec3 {
      Vec3(cosf(height) * cosf(azimuth + turn), sinf(height), cosf(height) * sinf(azimuth + turn))
    }
    func color(_ strength: Float, _ random: inout RandomStream) -> Vec3 {
      SRGB.linear(Look.color(hue: random.float(0, 1), saturation: random.float(0, tint), value: 1)) * strength
    }
    let side: Float = random.bernoulli(0.5) ? 1 : -1
    let key = DirectionalLight(
      direction: direction(side * random.float(0.3, 1.1), random.float(0.7, 1.2)),
      color: color(random.float(0.8, 1.05), &random), spread: 0.08)
    let fill = DirectionalLight(
      direction: direction(-side * random.float(0.3, 1), random.float(0.15, 0.6)),
      color: color(random.float(0.15, 0.28), &random))
    let sky = SRGB.linear(
      Look.color(hue: random.float(0.5, 0.65), saturation: random.float(0, 0.3), value: random.float(0.7, 0.95)))
    return Lighting(
      key: key, fill: fill, ambientUp: color(random.float(0.32, 0.42), &random),
      ambientDown: Vec3(repeating: 0.08) + ground * 0.3, horizon: sky, zenith: sky * 0.85)
  }

  /// A muted surface: grey, beige or brown, so that it takes no colour word from the things on it.
  ///
  /// - Parameters:
  ///   - strength: contrast of its pattern, 0...1.
  ///   - isMuted: false draws from all colours.
  static func surface(_ random: inout RandomStream, strength: Float, isMuted: Bool = true) -> Material {
    var material = Look.surface(&random, strength: strength)
    guard isMuted else { return material }
    func tone(_ value: Float, _ random: inout RandomStream) -> Vec3 {
      SRGB.linear(
        Look.color(hue: random.float(0.04, 0.14), saturation: random.float(0, 0.28), value: value))
    }
    let value = random.float(0.38, 0.72)
    material.first = tone(value, &random)
    let other = tone(value + random.pick([-0.22, 0.2]), &random)
    material.second = material.first.mixed(with: other, strength)
    return material
  }

  /// The level ground at height 0.
  static func ground(_ material: Material) -> Body { Body(parts: [Part(.plane)], materials: [material]) }

  /// An endless upright wall through a point, facing `normal` (level, of length 1).
  static func wall(_ material: Material, through point: Vec3, normal: Vec3) -> Body {
    let along = normal.cross(Vec3(0, 1, 0))
    let rotation = Mat3(rows: along, normal, Vec3(0, 1, 0)).transposed
    return Body(
      parts: [Part(.plane)], materials: [material], pose: Pose(rotation: rotation, translation: point))
  }

  /// The pose of a solid whose y axis runs from one point to another, its middle between them.
  static func between(_ a: Vec3, _ b: Vec3) -> Pose {
    Pose(rotation: upright(b - a), translation: (a + b) / 2)
  }

  /// A rotation that takes the y axis to a direction (of any length but zero).
  static func upright(_ direction: Vec3) -> Mat3 {
    let y = direction.normalized
    let helper = abs(y.x) < 0.8 ? Vec3(1, 0, 0) : Vec3(0, 0, 1)
    let z = helper.cross(y).normalized
    return Mat3(rows: y.cross(z), y, z).transposed
  }

  /// A capsule from point to point.
  static func limb(_ a: Vec3, _ b: Vec3, radius: Float, material: Int = 0) -> Part {
    let length = (b - a).length
    guard length > 1e-5 else { return Part(.sphere(radius: radius), at: a, material: material) }
    return Part(.capsule(radius: radius, half: length / 2), pose: between(a, b), material: material)
  }
}
