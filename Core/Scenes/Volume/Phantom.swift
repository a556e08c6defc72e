import Glibc
import ReproTensor

/// A body given by formulas: which tissue is at a point of the cube [-1, 1]^3 (x to the left, y to the back, z up).
protocol Phantom: Sendable {
  /// The names of the tissues; number 0 is the outside.
  static var tissues: [String] { get }
  /// The number of the lesion's tissue, and of the tissues in which lesions grow.
  static var lesion: UInt8 { get }
  static var hosts: [UInt8] { get }
  /// The names of the modalities.
  static var modalities: [String] { get }
  /// How bright a tissue is in a modality, about 0...1.
  static func intensity(_ modality: Int, _ tissue: UInt8) -> Float
  var lesions: [Lesion] { get set }
  /// The tissue at a point, lesions left out.
  func healthy(_ p: Vec3) -> UInt8
}

/// A ball with a bumpy surface.
public struct Lesion: Sendable, Equatable {
  public var center: Vec3
  public var radius: Float
  /// The height of the bumps as a share of the radius, 0...0.5.
  public var bumps: Float
  /// Where the bumps are.
  var phase: Vec3

  /// The distance from the middle in units of the surface's distance in that direction; below 1 is inside.
  func depth(_ p: Vec3) -> Float {
    let q = p - center
    let distance = q.length
    guard distance > 1e-6 else { return 0 }
    let d = q / distance
    let wave = sinf(5 * d.x + phase.x) * sinf(5 * d.y + phase.y) * sinf(5 * d.z + phase.z)
    return distance / (radius * (1 + bumps * wave))
  }
}

extension Phantom {
  /// The tissue at a point: a lesion only replaces the tissues in which it grows.
  func tissue(_ p: Vec3) -> (number: UInt8, depth: Float) {
    let base = healthy(p)
    guard Self.hosts.contains(base) else { return (base, 1) }
    for lesion in lesions {
      let depth = lesion.depth(p)
      if depth < 1 { return (Self.lesion, depth) }
    }
    return (base, 1)
  }

  /// Adds lesions whose middles lie in the tissues where they grow.
  mutating func grow(_ count: Int, radius: ClosedRange<Float>, _ random: inout RandomStream) {
    for _ in 0..<count {
      for _ in 0..<200 {
        let center = random.cube() * 0.75
        guard Self.hosts.contains(healthy(center)) else { continue }
        lesions.append(
          Lesion(
            center: center, radius: random.float(in: radius), bumps: random.float(0, 0.4), phase: random.cube() * 3))
        break
      }
    }
  }
}

/// An ellipsoid that is turned.
struct PhantomOrgan: Sendable {
  var center, radii: Vec3
  var rotation: Mat3 = .identity

  /// 0 in the middle, 1 on the surface.
  @inline(__always) func depth(_ p: Vec3) -> Float { ((rotation.transposed * (p - center)) / radii).length }
}

/// A head: scalp, fluid, folded grey matter, white matter, ventricles and nuclei about a common atlas.
struct BrainPhantom: Phantom {
  static let tissues = ["outside", "scalp", "fluid", "gray matter", "white matter", "nuclei", "lesion"]
  static let lesion: UInt8 = 6
  static let hosts: [UInt8] = [3, 4]
  static let modalities = ["t1", "t2", "flair", "t1c"]

  static func intensity(_ modality: Int, _ tissue: UInt8) -> Float {
    let table: [[Float]] = [
      [0.02, 0.75, 0.12, 0.48, 0.80, 0.60, 0.36], [0.02, 0.40, 0.95, 0.62, 0.40, 0.46, 0.80],
      [0.02, 0.45, 0.10, 0.62, 0.50, 0.54, 1.0], [0.02, 0.78, 0.12, 0.50, 0.80, 0.62, 0.30],
    ]
    return table[modality][Int(tissue)]
  }

  var lesions: [Lesion] = []
  private var head: PhantomOrgan
  private var ventricles, nuclei: [PhantomOrgan]
  private var folds, phase: Vec3

  init(_ random: inout RandomStream) {
    let turn = Mat3.rotation(axis: random.direction(), angle: random.float(0, 0.16))
    let shift = random.cube() * 0.05
    func vary(_ v: Vec3, _ random: inout RandomStream) -> Vec3 { v * (1 + random.cube() * 0.06) }
    func organ(_ center: Vec3, _ radii: Vec3, _ random: inout RandomStream) -> PhantomOrgan {
      PhantomOrgan(center: turn * center + shift, radii: vary(radii, &random), rotation: turn)
    }
    head = organ(.zero, Vec3(0.76, 0.9, 0.82), &random)
    ventricles = []
    nuclei = []
    for side in [Float(1), -1] {
      ventricles.append(organ(Vec3(side * 0.13, 0.02, 0.06), Vec3(0.07, 0.27, 0.11), &random))
      nuclei.append(organ(Vec3(side * 0.27, -0.04, -0.04), Vec3(0.09, 0.16, 0.12), &random))
    }
    folds = vary(Vec3(11, 11, 11), &random)
    phase = random.cube() * 3
  }

  func healthy(_ p: Vec3) -> UInt8 {
    let r = head.depth(p)
    if r >= 1 { return 0 }
    if r > 0.91 { return 1 }
    let q = head.rotation.transposed * (p - head.center)
    let wave = sinf(folds.x * q.x + phase.x) * sinf(folds.y * q.y + phase.y) + sinf(folds.z * q.z + phase.z)
    if r > 0.83 + 0.025 * wave { return 2 }
    for ventricle in ventricles where ventricle.depth(p) < 1 { return 2 }
    for nucleus in nuclei where nucleus.depth(p) < 1 { return 5 }
    // The cleft between the hemispheres.
    if abs(q.x) < 0.025, q.z > 0.12 { return 2 }
    return r > 0.66 + 0.065 * wave ? 3 : 4
  }
}

/// An abdomen: liver, spleen, kidneys, spine and a bent, low-contrast pancreas among them.
struct AbdomenPhantom: Phantom {
  static let tissues = ["outside", "fat", "liver", "spleen", "kidneys", "spine", "pancreas", "lesion"]
  static let lesion: UInt8 = 7
  static let hosts: [UInt8] = [2, 6]
  static let modalities = ["ct", "mr", "pet"]

  static func intensity(_ modality: Int, _ tissue: UInt8) -> Float {
    let table: [[Float]] = [
      [0.02, 0.32, 0.56, 0.58, 0.62, 0.95, 0.51, 0.42], [0.02, 0.85, 0.45, 0.62, 0.58, 0.20, 0.52, 0.70],
      [0.02, 0.12, 0.42, 0.36, 0.55, 0.20, 0.24, 0.95],
    ]
    return table[modality][Int(tissue)]
  }

  var lesions: [Lesion] = []
  private var body: PhantomOrgan
  private var organs: [(organ: PhantomOrgan, tissue: UInt8)]
  /// The pancreas: points along its bent axis, with radii.
  private var tube: [(point: Vec3, radius: Float)]

  init(_ random: inout RandomStream) {
    func vary(_ v: Vec3, _ amount: Float, _ random: inout RandomStream) -> Vec3 { v * (1 + random.cube() * amount) }
    func organ(_ center: Vec3, _ radii: Vec3, _ random: inout RandomStream) -> PhantomOrgan {
      PhantomOrgan(
        center: center + random.cube() * 0.05, radii: vary(radii, 0.15, &random),
        rotation: .rotation(axis: random.direction(), angle: random.float(0, 0.3)))
    }
    body = PhantomOrgan(center: .zero, radii: vary(Vec3(0.93, 0.74, 1.3), 0.04, &random))
    organs = [
      (organ(Vec3(-0.42, -0.08, 0.3), Vec3(0.36, 0.42, 0.4), &random), 2),
      (organ(Vec3(0.56, 0.2, 0.35), Vec3(0.17, 0.22, 0.26), &random), 3),
      (organ(Vec3(-0.4, 0.34, -0.4), Vec3(0.14, 0.14, 0.25), &random), 4),
      (organ(Vec3(0.4, 0.34, -0.35), Vec3(0.14, 0.14, 0.25), &random), 4),
      (PhantomOrgan(center: Vec3(0, 0.5, 0), radii: Vec3(0.14, 0.14, 2.5)), 5),
    ]
    // A quadratic spline through three random points, thicker at its head.
    let a = Vec3(-0.22, 0.02, -0.25) + random.cube() * 0.09
    let b = Vec3(0.02, -0.22, -0.02) + random.cube() * 0.12
    let c = Vec3(0.36, 0.08, 0.08) + random.cube() * 0.09
    let (thick, thin) = (random.float(0.11, 0.15), random.float(0.07, 0.1))
    tube = (0...16).map { i in
      let t = Float(i) / 16
      return ((1 - t) * (1 - t) * a + 2 * t * (1 - t) * b + t * t * c, thick + (thin - thick) * t)
    }
  }

  func healthy(_ p: Vec3) -> UInt8 {
    guard body.depth(p) < 1 else { return 0 }
    for (point, radius) in tube where (p - point).length < radius { return 6 }
    for (organ, tissue) in organs where organ.depth(p) < 1 { return tissue }
    return 1
  }
}
