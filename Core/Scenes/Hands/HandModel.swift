import Glibc
import ReproTensor

/// The 21 joints of a right hand: the wrist, then four of each finger from the palm to the tip, the thumb first.
public enum HandJoint {
  public static let count = 21
  public static let fingers = ["thumb", "index", "middle", "ring", "little"]

  /// The joint of a finger (0 thumb ... 4 little), 0 nearest to the palm ... 3 the tip.
  public static func of(finger: Int, _ place: Int) -> Int { 1 + 4 * finger + place }

  /// The joint nearer to the wrist; nil for the wrist.
  public static func parent(_ joint: Int) -> Int? { joint == 0 ? nil : (joint - 1) % 4 == 0 ? 0 : joint - 1 }
}

/// The measures of one hand as factors of an average hand, all about 1.
public struct HandShape: Sendable, Equatable {
  public var scale, fingerLength, palmWidth, thumbLength, thickness: Float

  init(_ random: inout RandomStream) {
    scale = random.float(0.9, 1.12)
    fingerLength = random.float(0.88, 1.14)
    palmWidth = random.float(0.88, 1.15)
    thumbLength = random.float(0.88, 1.14)
    thickness = random.float(0.85, 1.25)
  }

  /// The five factors.
  public var factors: [Float] { [scale, fingerLength, palmWidth, thumbLength, thickness] }

  /// Where a finger begins in the hand's frame, metres.
  func base(_ finger: Int) -> Vec3 {
    let places = [
      Vec3(0.020, 0.022, 0.010), Vec3(0.027, 0.090, 0), Vec3(0.008, 0.094, 0), Vec3(-0.011, 0.088, 0),
      Vec3(-0.028, 0.078, 0),
    ]
    return places[finger] * Vec3(palmWidth, 1, 1) * scale
  }

  /// The length of a bone (0 next to the palm), metres.
  func length(_ finger: Int, _ bone: Int) -> Float {
    let lengths: [[Float]] = [
      [0.046, 0.034, 0.027], [0.042, 0.025, 0.021], [0.046, 0.029, 0.022], [0.042, 0.027, 0.022],
      [0.033, 0.020, 0.019],
    ]
    return lengths[finger][bone] * scale * (finger == 0 ? thumbLength : fingerLength)
  }

  /// Half the width of a finger at a joint (0 next to the palm ... 3 at the tip), metres.
  func radius(_ finger: Int, _ place: Int) -> Float {
    let base: Float = finger == 0 ? 0.0115 : finger == 4 ? 0.0085 : 0.0098
    return base * (1 - 0.09 * Float(place)) * thickness * scale
  }
}

/// The angles of a hand, radians; zero is a flat hand with closed fingers.
public struct HandAngles: Sendable, Equatable {
  /// Per finger: bend of the three joints towards the palm, and spread away from the middle finger.
  public var bends: [SIMD3<Float>]
  public var spreads: [Float]

  public init(bends: [SIMD3<Float>], spreads: [Float]) { (self.bends, self.spreads) = (bends, spreads) }

  static let firstBend: ClosedRange<Float> = -0.25...1.5
  static let otherBend: ClosedRange<Float> = 0...1.75
  static let spread: ClosedRange<Float> = -0.15...0.35

  var limited: HandAngles {
    func clamp(_ x: Float, _ range: ClosedRange<Float>) -> Float { min(max(x, range.lowerBound), range.upperBound) }
    return HandAngles(
      bends: bends.map {
        SIMD3(clamp($0.x, Self.firstBend), clamp($0.y, Self.otherBend), clamp($0.z, Self.otherBend))
      }, spreads: spreads.map { clamp($0, Self.spread) })
  }
}

/// The poses from which hands are drawn.
public enum HandGesture: Int, Sendable, CaseIterable {
  case open, fist, point, peace, thumb, pinch, any, grasp

  public var name: String { "\(self)" }

  /// The gesture with small random deviations.
  func angles(_ random: inout RandomStream) -> HandAngles {
    func curl(_ amount: Float) -> SIMD3<Float> { SIMD3(1.35, 1.6, 1.0) * amount }
    let amounts: [Float] =
      switch self {
      case .open, .grasp: [0.05, 0, 0, 0, 0]
      case .fist: [0.75, 1, 1, 1, 1]
      case .point: [0.7, 0.02, 0.95, 1, 1]
      case .peace: [0.75, 0.03, 0.03, 1, 1]
      case .thumb: [0, 1, 1, 1, 1]
      case .pinch: [0.45, 0.5, 0.25, 0.2, 0.15]
      case .any: (0..<5).map { _ in random.float(0, 1) }
      }
    let spread = self == .open || self == .peace ? random.float(0.05, 0.3) : random.float(-0.05, 0.12)
    return HandAngles(
      bends: amounts.enumerated().map { finger, amount in
        let bend = curl(min(max(amount + random.float(-0.08, 0.08), 0), 1))
        return finger == 0 ? bend * SIMD3(0.5, 0.5, 0.8) : bend + SIMD3(random.float(-0.08, 0.08), 0, 0)
      }, spreads: (0..<5).map { _ in spread + random.float(-0.04, 0.04) }
    ).limited
  }
}

/// Where the joints of a hand are in its own frame: x towards the thumb, y along the fingers, z out of the palm.
public struct HandPlacement: Sendable, Equatable {
  /// In the order of `HandJoint`, metres.
  public var joints: [Vec3]
  /// The turn of every bone against the one before it: three of each finger.
  public var rotations: [Mat3]

  /// Forward kinematics.
  ///
  /// A finger is turned by R_z(-spread) at its base and by R_x(bend) at every joint; the thumb's frame is turned
  /// outwards and towards the palm first, so that it bends across the palm.
  public init(_ shape: HandShape, _ angles: HandAngles) {
    var joints = [Vec3](repeating: .zero, count: HandJoint.count)
    var rotations: [Mat3] = []
    for finger in 0..<5 {
      var frame = Mat3.identity
      var at = shape.base(finger)
      joints[HandJoint.of(finger: finger, 0)] = at
      for bone in 0..<3 {
        let turn = Self.turn(finger, bone, angles)
        rotations.append(turn)
        frame = frame * turn
        at += frame * Vec3(0, shape.length(finger, bone), 0)
        joints[HandJoint.of(finger: finger, bone + 1)] = at
      }
    }
    (self.joints, self.rotations) = (joints, rotations)
  }

  static func turn(_ finger: Int, _ bone: Int, _ angles: HandAngles) -> Mat3 {
    let bend = Mat3.rotation(axis: Vec3(1, 0, 0), angle: angles.bends[finger][bone])
    guard bone == 0 else { return bend }
    if finger == 0 {
      let out = Mat3.rotation(axis: Vec3(0, 0, 1), angle: -0.75 - angles.spreads[0])
      let across = Mat3.rotation(axis: Vec3(0, 1, 0), angle: -0.95)
      return out * Mat3.rotation(axis: Vec3(1, 0, 0), angle: 0.25) * across * bend
    }
    // Away from the middle finger: the index towards the thumb, ring and little the other way.
    let sides: [Float] = [0, -1, -0.1, 0.9, 1.7]
    return Mat3.rotation(axis: Vec3(0, 0, 1), angle: sides[finger] * angles.spreads[finger]) * bend
  }

  /// The hand as solids in its own frame, with the number of the finger (0 thumb ... 4, 5 the palm, 6 the forearm).
  func parts(_ shape: HandShape) -> [(part: Part, group: Int)] {
    var parts: [(Part, Int)] = []
    for finger in 0..<5 {
      for bone in 0..<3 {
        let (a, b) = (joints[HandJoint.of(finger: finger, bone)], joints[HandJoint.of(finger: finger, bone + 1)])
        parts.append((WorldStage.limb(a, b, radius: shape.radius(finger, bone + 1)), finger))
      }
      let base = joints[HandJoint.of(finger: finger, 0)]
      let heel = Vec3(base.x * 0.55, 0.012, base.z * 0.4)
      parts.append((WorldStage.limb(heel, base, radius: shape.radius(finger, 0) * 1.12), 5))
    }
    let (w, s) = (shape.palmWidth * shape.scale, shape.scale)
    let palm = Solid.ellipsoid(radii: Vec3(0.040 * w, 0.050 * s, 0.0155 * shape.thickness * s))
    parts.append((Part(palm, at: Vec3(0, 0.048, 0) * s), 5))
    let ball = Solid.ellipsoid(radii: Vec3(0.016 * w, 0.028 * s, 0.015 * shape.thickness * s))
    let tilt = Mat3.rotation(axis: Vec3(0, 0, 1), angle: -0.45)
    parts.append((Part(ball, pose: Pose(rotation: tilt, translation: Vec3(0.021 * w, 0.032 * s, 0.010 * s))), 5))
    let arm = Solid.frustum(bottom: 0.036 * s, top: 0.026 * s * shape.thickness, half: 0.075)
    parts.append((Part(arm, at: Vec3(0, -0.068, 0)), 6))
    return parts
  }
}
