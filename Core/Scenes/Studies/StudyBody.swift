import Glibc
import ReproTensor

/// What a study may show.
public enum StudyFinding: Int, Sendable, CaseIterable {
  case nodule, opacity, fluid, heart, device, shift

  public var name: String { "\(self)" }
  /// The strongest severity.
  public var most: Int { self == .device ? 1 : 3 }
}

/// The state of one finding.
public struct FindingState: Sendable, Equatable {
  /// 0 absent, 1 small, 2 moderate, 3 large.
  public var severity: Int
  /// The side of the body, as the patient would say.
  public var isLeft: Bool
  /// 0 lower, 1 middle, 2 upper part of the lung.
  public var zone: Int
}

/// How a finding has changed since the prior study.
public enum FindingChange: Int, Sendable, CaseIterable {
  case absent, new, worse, same, better, resolved

  public var name: String { "\(self)" }

  init(from before: Int, to after: Int) {
    if before == 0 {
      self = after == 0 ? .absent : .new
    } else if after == 0 {
      self = .resolved
    } else {
      self = after > before ? .worse : after < before ? .better : .same
    }
  }
}

/// An ellipsoid that absorbs, or that takes absorption away.
struct Absorber: Sendable {
  var center, radii: Vec3
  /// Per unit length.
  var density: Float
  /// The finding that it belongs to.
  var finding: StudyFinding?
}

/// A chest: x to the patient's left, y up, z to the front; about 2 units wide and high.
struct StudyBody: Sendable {
  var absorbers: [Absorber] = []

  /// - Parameters:
  ///   - patient: the stream of everything that stays the same from study to study.
  ///   - states: of all findings.
  init(_ patient: RandomStream, _ states: [FindingState]) {
    var random = patient
    let girth = random.float(0.92, 1.08)
    func add(_ center: Vec3, _ radii: Vec3, _ density: Float, _ finding: StudyFinding? = nil) {
      absorbers.append(Absorber(center: center, radii: radii, density: density, finding: finding))
    }
    func state(_ finding: StudyFinding) -> FindingState { states[finding.rawValue] }
    add(Vec3(0, -0.1, 0), Vec3(0.93 * girth, 1.5, 0.55 * girth), 0.62)
    add(Vec3(0, 0.1, -0.4), Vec3(0.075, 1.6, 0.09), 1.6)
    let lung = Vec3(0.30, 0.62, 0.36) * Vec3(random.float(0.94, 1.06), random.float(0.94, 1.06), 1)
    for side in [Float(1), -1] {
      add(Vec3(side * 0.41, 0.06, 0), lung, -0.55)
      // Ribs: slanting rows of little balls around the lung; collar bones above.
      for rib in 0..<7 {
        let top = 0.62 - 0.19 * Float(rib)
        let reach = 0.36 - 0.045 * abs(Float(rib) - 3.4)
        for step in 0...10 {
          let angle = Float(step) / 10 * .pi
          let place = Vec3(
            side * (0.41 + 0.02 * girth + reach * 0.98 * sinf(angle) - 0.33 * abs(cosf(angle))),
            top - 0.06 * Float(step) / 10 * 2,
            -0.38 * cosf(angle))
          add(place, Vec3(0.045, 0.026, 0.045), 0.55)
        }
      }
      for step in 0...8 {
        let t = Float(step) / 8
        add(Vec3(side * (0.06 + 0.58 * t), 0.78 + 0.05 * t, 0.2 - 0.25 * t), Vec3(0.05, 0.026, 0.04), 0.6)
      }
    }
    add(Vec3(-0.42, -0.88, 0.03), Vec3(0.42, 0.34, 0.42), 0.5)
    add(Vec3(0.42, -0.95, 0.03), Vec3(0.40, 0.32, 0.40), 0.45)
    // The heart, which may be large and pushed aside.
    let push = state(.shift).severity > 0 ? 0.085 * Float(state(.shift).severity) * (state(.shift).isLeft ? 1 : -1) : 0
    let scale = 1 + 0.15 * Float(state(.heart).severity)
    let middle = Vec3(0.12 + push, -0.28, 0.1)
    add(middle, Vec3(0.25 * scale, 0.26 * (1 + 0.5 * (scale - 1)), 0.22), 0.75)
    add(Vec3(0.02 + push, 0.3, 0), Vec3(0.1, 0.5, 0.12), 0.5)
    if state(.heart).severity > 0 { mark(.heart, middle, Vec3(0.25 * scale, 0.26, 0.22)) }
    if state(.shift).severity > 0 { mark(.shift, Vec3(0.02 + push, 0.2, 0), Vec3(0.14, 0.55, 0.12)) }
    place(state(.nodule), state(.opacity), state(.fluid), lung, &random)
    guard state(.device).severity > 0 else { return }
    // A rod, from the side or from the front: seen end-on it is a dot in one of the views.
    let axis: Vec3 = random.bernoulli(0.5) ? Vec3(0.25, 0.9, 0.1) : Vec3(0.1, 0.2, 0.95)
    let start = Vec3((state(.device).isLeft ? 1 : -1) * random.float(0.25, 0.5), random.float(-0.05, 0.3), 0)
    for step in 0...12 {
      add(start + axis.normalized * (0.42 * (Float(step) / 12 - 0.5)), Vec3(0.022, 0.022, 0.022), 6, .device)
    }
  }

  /// A region that belongs to a finding without absorbing anything itself.
  private mutating func mark(_ finding: StudyFinding, _ center: Vec3, _ radii: Vec3) {
    absorbers.append(Absorber(center: center, radii: radii, density: 0, finding: finding))
  }

  private mutating func place(
    _ nodule: FindingState, _ opacity: FindingState, _ fluid: FindingState, _ lung: Vec3, _ random: inout RandomStream
  ) {
    let jitter = random.cube()
    let cloud = random.cube()
    func spot(_ state: FindingState, _ jitter: Vec3) -> Vec3 {
      let side: Float = state.isLeft ? 1 : -1
      return Vec3(
        side * (0.42 + 0.06 * jitter.x), 0.06 + Float(state.zone - 1) * 0.33 + 0.05 * jitter.y, 0.14 * jitter.z)
    }
    if nodule.severity > 0 {
      let size = 0.045 + 0.026 * Float(nodule.severity)
      absorbers.append(
        Absorber(center: spot(nodule, jitter), radii: Vec3(size, size, size), density: 2.1, finding: .nodule))
    }
    if opacity.severity > 0 {
      // Several soft balls in one another have no edge.
      let size = 0.12 + 0.045 * Float(opacity.severity)
      for layer in 1...4 {
        let radii = Vec3(1.15, 1, 1.1) * (size * Float(layer) / 4)
        absorbers.append(Absorber(center: spot(opacity, cloud), radii: radii, density: 0.24, finding: .opacity))
      }
    }
    if fluid.severity > 0 {
      let height = 0.10 + 0.075 * Float(fluid.severity)
      let side: Float = fluid.isLeft ? 1 : -1
      absorbers.append(
        Absorber(
          center: Vec3(side * 0.43, 0.06 - lung.y + height, 0), radii: Vec3(lung.x * 0.9, height, lung.z * 0.95),
          density: 0.95, finding: .fluid))
    }
  }
}

/// How a study is taken.
struct StudyPose: Sendable {
  /// Turn about the vertical, radians; shift, units; magnification.
  var turn: Float
  var shift: SIMD2<Float>
  var zoom: Float

  init(_ random: inout RandomStream) {
    turn = random.float(-0.06, 0.06)
    shift = SIMD2(random.float(-0.05, 0.05), random.float(-0.05, 0.05))
    zoom = random.float(0.93, 1.07)
  }
}

extension StudyBody {
  /// The line integrals of absorption through the body on parallel rays, and where every finding is projected.
  ///
  /// A ray at distance u (in radii) from the middle of an ellipsoid passes through 2 r sqrt(1 - u^2) of it.
  ///
  /// - Parameters:
  ///   - isLateral: along x instead of along z. A frontal picture shows the patient's left on its right.
  ///   - size: pixels a side.
  /// - Returns: absorption `[size, size]`, and one bit per finding for every pixel.
  func projected(isLateral: Bool, _ pose: StudyPose, size: Int) -> (absorption: [Float], findings: [UInt8]) {
    var absorption = [Float](repeating: 0, count: size * size)
    var findings = [UInt8](repeating: 0, count: size * size)
    let (c, s) = (cosf(pose.turn), sinf(pose.turn))
    let perPixel = 2.1 / (Float(size) * pose.zoom)
    for absorber in absorbers {
      let p = absorber.center
      let turned = Vec3(c * p.x + s * p.z, p.y, c * p.z - s * p.x)
      let across = (isLateral ? turned.z : turned.x) + pose.shift.x
      let (rx, ry) = (isLateral ? absorber.radii.z : absorber.radii.x, absorber.radii.y)
      let depth = isLateral ? absorber.radii.x : absorber.radii.z
      let middle = Float(size - 1) / 2
      let (u, v) = (middle + across / perPixel, middle - (turned.y + pose.shift.y) / perPixel)
      let (a, b) = (rx / perPixel, ry / perPixel)
      guard u + a > 0, v + b > 0, u - a < Float(size), v - b < Float(size) else { continue }
      for y in max(0, Int(v - b))...min(size - 1, Int(v + b) + 1) {
        let dy = (Float(y) - v) / b
        guard abs(dy) < 1, u + a >= 0 else { continue }
        for x in max(0, Int(u - a))...min(size - 1, max(0, Int(u + a) + 1)) {
          let dx = (Float(x) - u) / a
          let inside = 1 - dx * dx - dy * dy
          guard inside > 0 else { continue }
          absorption[y * size + x] += 2 * depth * absorber.density * inside.squareRoot()
          if let finding = absorber.finding { findings[y * size + x] |= 1 << UInt8(finding.rawValue) }
        }
      }
    }
    return (absorption, findings)
  }
}
