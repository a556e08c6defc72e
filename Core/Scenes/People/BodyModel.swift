import Glibc
import ReproTensor

/// The 17 joints of a person, in the order of Human3.6M.
public enum BodyJoint: Int, Sendable, CaseIterable {
  case pelvis, rightHip, rightKnee, rightAnkle, leftHip, leftKnee, leftAnkle, spine, neck, nose, headTop
  case leftShoulder, leftElbow, leftWrist, rightShoulder, rightElbow, rightWrist

  /// The joint nearer to the pelvis; nil for the pelvis.
  public var parent: BodyJoint? {
    switch self {
    case .pelvis: nil
    case .rightHip, .leftHip, .spine: .pelvis
    case .rightKnee: .rightHip
    case .rightAnkle: .rightKnee
    case .leftKnee: .leftHip
    case .leftAnkle: .leftKnee
    case .neck: .spine
    case .nose, .headTop, .leftShoulder, .rightShoulder: .neck
    case .leftElbow: .leftShoulder
    case .leftWrist: .leftElbow
    case .rightElbow: .rightShoulder
    case .rightWrist: .rightElbow
    }
  }

  /// The same joint of the other side.
  public var mirrored: BodyJoint {
    switch self {
    case .rightHip: .leftHip
    case .rightKnee: .leftKnee
    case .rightAnkle: .leftAnkle
    case .leftHip: .rightHip
    case .leftKnee: .rightKnee
    case .leftAnkle: .rightAnkle
    case .leftShoulder: .rightShoulder
    case .leftElbow: .rightElbow
    case .leftWrist: .rightWrist
    case .rightShoulder: .leftShoulder
    case .rightElbow: .leftElbow
    case .rightWrist: .leftWrist
    case .pelvis, .spine, .neck, .nose, .headTop: self
    }
  }
}

/// The lengths and widths of one person, metres.
public struct BodyShape: Sendable, Equatable {
  public var height: Float
  var thigh, shin, hip, back, chest, neck, head, shoulder, upperArm, forearm: Float
  /// Widths as a factor, about 1.
  var girth: Float

  /// An adult: 1.5 to 1.95 m; every length within 6 % of its usual share of the height.
  init(_ random: inout RandomStream) {
    height = random.float(1.5, 1.95)
    let tall = height
    func share(_ fraction: Float, _ random: inout RandomStream) -> Float { fraction * tall * random.float(0.94, 1.06) }
    thigh = share(0.245, &random)
    shin = share(0.246, &random)
    hip = share(0.056, &random)
    back = share(0.135, &random)
    chest = share(0.155, &random)
    neck = share(0.085, &random)
    head = share(0.175, &random)
    shoulder = share(0.112, &random)
    upperArm = share(0.17, &random)
    forearm = share(0.152, &random)
    girth = random.float(0.85, 1.25)
  }
}

/// The angles of all joints, radians; zero is standing upright with hanging arms.
public struct BodyAngles: Sendable, Equatable {
  /// One side of the body.
  public struct Limbs: Sendable, Equatable {
    /// The thigh forwards and outwards, and the bend of the knee.
    public var hip: Float = 0
    public var spread: Float = 0.06
    public var knee: Float = 0.05
    /// The upper arm forwards, outwards and about itself, and the bend of the elbow.
    public var shoulder: Float = 0
    public var lift: Float = 0.12
    public var twist: Float = 0
    public var elbow: Float = 0.2
    public init() {}
  }

  public var left = Limbs()
  public var right = Limbs()
  /// The upper body forwards, to the left and about itself.
  public var bend: Float = 0
  public var lean: Float = 0
  public var turn: Float = 0
  /// The head downwards and to the left.
  public var nod: Float = 0
  public var look: Float = 0
  public init() {}

  /// What a joint can do.
  static let hip: ClosedRange<Float> = -0.5...2.0
  static let spread: ClosedRange<Float> = -0.2...0.8
  static let knee: ClosedRange<Float> = 0...2.3
  static let shoulder: ClosedRange<Float> = -0.9...2.9
  static let lift: ClosedRange<Float> = -0.15...2.6
  static let twist: ClosedRange<Float> = -1.3...1.3
  static let elbow: ClosedRange<Float> = 0...2.5
  static let trunk: ClosedRange<Float> = -0.4...1.2
  static let side: ClosedRange<Float> = -0.5...0.5
  static let head: ClosedRange<Float> = -0.9...0.9

  /// The nearest angles that a body can take.
  public var limited: BodyAngles {
    func clamp(_ x: Float, _ range: ClosedRange<Float>) -> Float { min(max(x, range.lowerBound), range.upperBound) }
    func clamp(_ limbs: Limbs) -> Limbs {
      var limbs = limbs
      limbs.hip = clamp(limbs.hip, Self.hip)
      limbs.spread = clamp(limbs.spread, Self.spread)
      limbs.knee = clamp(limbs.knee, Self.knee)
      limbs.shoulder = clamp(limbs.shoulder, Self.shoulder)
      limbs.lift = clamp(limbs.lift, Self.lift)
      limbs.twist = clamp(limbs.twist, Self.twist)
      limbs.elbow = clamp(limbs.elbow, Self.elbow)
      return limbs
    }
    var angles = self
    (angles.left, angles.right) = (clamp(left), clamp(right))
    (angles.bend, angles.lean) = (clamp(bend, Self.trunk), clamp(lean, Self.side))
    (angles.turn, angles.nod, angles.look) = (clamp(turn, Self.side), clamp(nod, Self.head), clamp(look, Self.head))
    return angles
  }
}

/// Where the joints and the bones of a person are in the world.
public struct BodyPlacement: Sendable, Equatable {
  /// In the order of `BodyJoint`, metres.
  public var joints: [Vec3]
  /// Orientation of pelvis, upper body and head: columns to the left, up and forwards.
  var pelvis, trunk, head: Mat3

  public subscript(joint: BodyJoint) -> Vec3 { joints[joint.rawValue] }

  /// Forward kinematics.
  ///
  /// The person's frame has x to the left, y up and z forwards; the thigh is turned by R_z(spread) R_x(-hip), the
  /// shin by R_x(knee) after it, the arm by R_z(lift) R_x(-shoulder) R_y(twist) and R_x(-elbow). The whole body is
  /// then lowered or raised until the lower sole stands on the ground.
  ///
  /// - Parameters:
  ///   - place: x and z of the pelvis, metres.
  ///   - heading: turn about the vertical, radians; 0 faces along z.
  init(_ shape: BodyShape, _ angles: BodyAngles, at place: SIMD2<Float>, heading: Float) {
    let (x, y, z) = (Vec3(1, 0, 0), Vec3(0, 1, 0), Vec3(0, 0, 1))
    func turn(_ axis: Vec3, _ angle: Float) -> Mat3 { .rotation(axis: axis, angle: angle) }
    let pelvis = turn(y, heading)
    let trunk = pelvis * turn(y, angles.turn) * turn(z, -angles.lean) * turn(x, angles.bend)
    let head = trunk * turn(y, angles.look) * turn(x, angles.nod - 0.5 * angles.bend)
    var joints = [Vec3](repeating: .zero, count: BodyJoint.allCases.count)
    func put(_ joint: BodyJoint, _ point: Vec3) { joints[joint.rawValue] = point }
    let spine = pelvis * (y * (0.4 * shape.back)) + trunk * (y * (0.6 * shape.back))
    let neck = spine + trunk * (y * shape.chest)
    put(.spine, spine)
    put(.neck, neck)
    put(.nose, neck + head * (y * shape.neck + z * (0.55 * shape.neck)))
    put(.headTop, neck + head * (y * shape.head))
    for (sign, limbs, chain) in [
      (Float(1), angles.left, [BodyJoint.leftHip, .leftKnee, .leftAnkle, .leftShoulder, .leftElbow, .leftWrist]),
      (-1, angles.right, [.rightHip, .rightKnee, .rightAnkle, .rightShoulder, .rightElbow, .rightWrist]),
    ] {
      let hip = pelvis * (x * (sign * shape.hip))
      let thigh = pelvis * turn(z, sign * limbs.spread) * turn(x, -limbs.hip)
      let knee = hip - thigh * (y * shape.thigh)
      let shin = thigh * turn(x, limbs.knee)
      put(chain[0], hip)
      put(chain[1], knee)
      put(chain[2], knee - shin * (y * shape.shin))
      let shoulder = neck + trunk * (x * (sign * shape.shoulder) - y * (0.12 * shape.chest))
      let arm = trunk * turn(z, sign * limbs.lift) * turn(x, -limbs.shoulder) * turn(y, -sign * limbs.twist)
      let elbow = shoulder - arm * (y * shape.upperArm)
      put(chain[3], shoulder)
      put(chain[4], elbow)
      put(chain[5], elbow - arm * turn(x, -limbs.elbow) * (y * shape.forearm))
    }
    let ankle = min(joints[BodyJoint.leftAnkle.rawValue].y, joints[BodyJoint.rightAnkle.rawValue].y)
    let shift = Vec3(place.x, BodyShape.sole * shape.height - ankle, place.y)
    self.joints = joints.map { $0 + shift }
    (self.pelvis, self.trunk, self.head) = (pelvis, trunk, head)
  }

  /// Bends an arm so that its wrist comes as near to a point as the arm is long, and no other joint moves.
  ///
  /// The law of cosines gives the elbow's angle; the elbow points down and outwards.
  mutating func reach(_ target: Vec3, left isLeft: Bool, _ shape: BodyShape) {
    let chain: [BodyJoint] =
      isLeft ? [.leftShoulder, .leftElbow, .leftWrist] : [.rightShoulder, .rightElbow, .rightWrist]
    let shoulder = joints[chain[0].rawValue]
    let (a, b) = (shape.upperArm, shape.forearm)
    let towards = target - shoulder
    let distance = min(max(towards.length, abs(a - b) + 0.02), (a + b) * 0.995)
    let axis = towards.length > 1e-4 ? towards.normalized : Vec3(0, -1, 0)
    let along = (a * a - b * b + distance * distance) / (2 * distance)
    let out = max(0, a * a - along * along).squareRoot()
    let side = trunk * Vec3(isLeft ? 0.6 : -0.6, -1, -0.35)
    var bend = side - axis * side.dot(axis)
    bend = bend.length > 1e-4 ? bend.normalized : axis.cross(Vec3(1, 0, 0)).normalized
    joints[chain[1].rawValue] = shoulder + axis * along + bend * out
    joints[chain[2].rawValue] = shoulder + axis * distance
  }
}

extension BodyShape {
  /// The height of an ankle above the ground, as a share of the body's height.
  static let sole: Float = 0.042
}
