import Glibc
import ReproTensor

/// What grows in a breast of `scenes-mammography`.
public enum BreastLesion: Int, Sendable, CaseIterable {
  case none, mass, calcification

  public var name: String { "\(self)" }
}

/// The edge of a mass.
public enum BreastMargin: Int, Sendable, CaseIterable {
  case smooth, irregular, spiculated

  public var name: String { "\(self)" }
  /// The height of the bumps as a share of the radius.
  var roughness: Float { [0.04, 0.28, 0.55][rawValue] }
  /// How many bumps there are around it.
  var frequency: Float { [2, 3, 6.5][rawValue] }
}

/// Everything that a report can say about an examination.
public struct BreastFacts: Sendable, Equatable {
  /// 0 (fat) to 3 (very dense).
  public var density: Int
  public var lesion: BreastLesion
  public var margin: BreastMargin
  /// Calcifications lie in a line instead of a cluster.
  public var isLinear: Bool
  /// 0 small to 2 large; the radius or the spread.
  public var size: Int
  /// 0 lower, 1 upper; 0 inner, 1 outer.
  public var isUpper, isOuter: Bool
  /// Number of bright points.
  public var points: Int
  /// A hidden coarseness of the texture, 0...1, which no report tells.
  public var coarseness: Float

  init(_ random: inout RandomStream, lesion chance: Double) {
    density = random.integer(below: 4)
    lesion = random.bernoulli(chance) ? random.pick([.mass, .calcification]) : .none
    margin = random.pick(BreastMargin.allCases)
    isLinear = random.bernoulli(0.5)
    size = random.integer(below: 3)
    (isUpper, isOuter) = (random.bernoulli(0.5), random.bernoulli(0.5))
    points = random.integer(in: 4...12)
    coarseness = random.float(0, 1)
  }

  /// The chance that the lesion is malignant: logistic in roughness of the margin, lines of points, and size.
  public var malignancy: Double {
    let score: Double
    switch lesion {
    case .none: return 0
    case .mass: score = -3.2 + 2.4 * Double(margin.rawValue) + 0.8 * Double(size)
    case .calcification: score = -2.4 + (isLinear ? 3.6 : 0) + 0.6 * Double(size)
    }
    return 1 / (1 + exp(-score))
  }

  /// The chance of falling ill later: logistic in the density and the hidden coarseness.
  public var risk: Double { 1 / (1 + exp(-(-2.6 + 0.8 * Double(density) + 2.2 * Double(coarseness)))) }
}

/// A half ellipsoid of fat and glandular tissue: x away from the chest, y outwards, z up.
struct BreastPhantom: Sendable {
  /// How far a picture reaches from the chest.
  static let reach: Float = 1.9
  var facts: BreastFacts
  private var radii: Vec3
  private var texture: Vec3
  private var center: Vec3
  private var lesionRadius: Float
  private var bumps: Vec3
  /// Places of the bright points.
  private var points: [Vec3]

  init(_ facts: BreastFacts, _ random: inout RandomStream) {
    self.facts = facts
    radii = Vec3(random.float(1.2, 1.6), random.float(0.8, 0.95), random.float(0.8, 0.95))
    texture = random.cube() * 60
    center =
      radii
      * Vec3(
        random.float(0.3, 0.6), (facts.isOuter ? 1 : -1) * random.float(0.2, 0.42),
        (facts.isUpper ? 1 : -1) * random.float(0.2, 0.42))
    lesionRadius = 0.1 + 0.035 * Float(facts.size)
    bumps = random.cube() * 3
    points = []
    let axis = random.direction()
    for _ in 0..<facts.points {
      let spread = 0.07 + 0.03 * Float(facts.size)
      let off =
        facts.isLinear
        ? axis * (random.float(-2.6, 2.6) * spread) + random.cube() * 0.012 : random.gaussian3() * (0.6 * spread)
      points.append(center + off)
    }
  }

  /// How a view is taken: the direction of the rays, and the axis of the picture's height, in the breast's y-z plane.
  ///
  /// - Parameter angle: radians; 0 looks from above (CC), about 0.87 obliquely (MLO).
  static func axes(_ angle: Float) -> (ray: Vec3, across: Vec3) {
    (Vec3(0, -sinf(angle), cosf(angle)), Vec3(0, cosf(angle), sinf(angle)))
  }

  /// Pixel coordinates of a point, in 0...1 from the chest and from below.
  private func seen(_ p: Vec3, _ angle: Float, squash: Float) -> SIMD2<Float> {
    let (_, across) = Self.axes(angle)
    return SIMD2(p.x / Self.reach, 0.5 + across.dot(p) / (2.15 * squash))
  }

  /// The absorption along parallel rays, and which pixels show the lesion.
  ///
  /// - Parameters:
  ///   - angle: of the view, radians.
  ///   - squash: by how much compression widens the picture's height, about 1.1.
  func projected(_ angle: Float, squash: Float, size: Int) -> (absorption: [Float], lesion: [UInt8]) {
    let (ray, across) = Self.axes(angle)
    let steps = 28
    var absorption = [Float](repeating: 0, count: size * size)
    var lesion = [UInt8](repeating: 0, count: size * size)
    let threshold = [0.70, 0.58, 0.47, 0.36][facts.density] as Float
    // Coarse texture has larger clumps.
    let frequency = 5.2 - 2.6 * facts.coarseness
    let hasMass = facts.lesion == .mass
    for y in 0..<size {
      let height = ((Float(y) + 0.5) / Float(size) - 0.5) * 2.15 * squash
      for start in stride(from: 0, to: size, by: 8) {
        let x = (laneNumbers + (Float(start) + 0.5)) * (Self.reach / Float(size))
        var sum = Float8.zero
        var thickness = Float8.zero
        for step in 0..<steps {
          let t = ((Float(step) + 0.5) / Float(steps) * 2 - 1) * 0.98
          let (py, pz) = (across.y * height + ray.y * t, across.z * height + ray.z * t)
          let (u, v) = (py / radii.y, pz / radii.z)
          let edge = x * x * (1 / (radii.x * radii.x)) + (u * u + v * v)
          let inside = Float8.zero.replacing(with: 1, where: edge .< Float8.all(1))
          guard anyLane(edge .< Float8.all(1)) else { continue }
          let q = Lanes3(x * frequency + texture.x, .all(py * frequency + texture.y), .all(pz * frequency + texture.z))
          let noise = layeredNoise(q)
          // Glandular tissue is in the middle; near the skin there is fat.
          let gland = saturated((noise - threshold) * 5) * saturated((0.9 - edge) * 2.5)
          sum += inside * (0.22 + 0.85 * gland)
          thickness += inside
        }
        let perStep = 1.96 / Float(steps)
        for lane in 0..<min(8, size - start) { absorption[y * size + start + lane] = sum[lane] * perStep }
      }
    }
    if hasMass { addMass(&absorption, &lesion, angle, squash, size) }
    if facts.lesion == .calcification { addPoints(&absorption, &lesion, angle, squash, size) }
    return (absorption, lesion)
  }

  /// A ball with a bumpy edge: the chord through it times its density.
  private func addMass(
    _ absorption: inout [Float], _ lesion: inout [UInt8], _ angle: Float, _ squash: Float, _ size: Int
  ) {
    let (ray, across) = Self.axes(angle)
    let reach = lesionRadius * (1.05 + facts.margin.roughness)
    let middle = seen(center, angle, squash: squash)
    let side = Int(reach / Self.reach * Float(size)) + 2
    let (cx, cy) = (Int(middle.x * Float(size)), Int(middle.y * Float(size)))
    for y in max(0, cy - side)...min(size - 1, max(0, cy + side)) {
      for x in max(0, cx - side)...min(size - 1, max(0, cx + side)) {
        let px = (Float(x) + 0.5) / Float(size) * Self.reach
        let height = ((Float(y) + 0.5) / Float(size) - 0.5) * 2.15 * squash
        var chord: Float = 0
        let start = ray.dot(center)
        for step in 0..<14 {
          let t = start + ((Float(step) + 0.5) / 7 - 1) * reach
          let p = Vec3(px, 0, 0) + across * height + ray * t
          if isInMass(p) { chord += reach / 7 }
        }
        absorption[y * size + x] += 1.1 * chord
        if chord > 0.02 { lesion[y * size + x] = 1 }
      }
    }
  }

  func isInMass(_ p: Vec3) -> Bool {
    let q = p - center
    let distance = q.length
    guard distance > 1e-5 else { return true }
    let d = q / distance * facts.margin.frequency
    var wave = sinf(d.x + bumps.x) + sinf(d.y + bumps.y) + sinf(d.z + bumps.z)
    // Spicules are thin: only the crests stick out.
    if facts.margin == .spiculated { wave = max(0, wave - 0.6) * 1.7 }
    return distance < lesionRadius * (1 + facts.margin.roughness * wave * 0.45)
  }

  private func addPoints(
    _ absorption: inout [Float], _ lesion: inout [UInt8], _ angle: Float, _ squash: Float, _ size: Int
  ) {
    for point in points {
      let place = seen(point, angle, squash: squash) * Float(size) - 0.5
      for y in max(0, Int(place.y) - 2)..<min(size, max(0, Int(place.y) + 4)) {
        for x in max(0, Int(place.x) - 2)..<min(size, max(0, Int(place.x) + 4)) {
          let off = SIMD2(Float(x), Float(y)) - place
          let squared = off.x * off.x + off.y * off.y
          absorption[y * size + x] += 0.38 * expf(-squared / 0.5)
          if squared < 1.2 { lesion[y * size + x] = 1 }
        }
      }
    }
  }
}
