import Glibc
import ReproTensor

/// The parts of a body that part maps tell apart; 0 is the background.
public enum BodyPart: UInt8, Sendable, CaseIterable {
  case head = 1
  case torso, leftArm, rightArm, leftLeg, rightLeg

  public var name: String { "\(self)" }
}

/// Skin, hair and clothes of one person.
struct BodyLook: Sendable, Equatable {
  var skin, hair, shoes: Material
  var shirt, trousers: Material
  var hasLongSleeves, hasShorts: Bool
  /// How far the hair reaches down, 0 (cropped) to 1.
  var hairLength: Float

  init(_ random: inout RandomStream) {
    let tone = random.float(0, 1)
    let pale = Vec3(0.87, 0.66, 0.54)
    let dark = Vec3(0.30, 0.18, 0.12)
    skin = .plain(SRGB.linear(pale.mixed(with: dark, tone) * random.float(0.92, 1.05)), specular: 0.08)
    let shades = [
      Vec3(0.09, 0.07, 0.06), Vec3(0.28, 0.17, 0.09), Vec3(0.62, 0.44, 0.2), Vec3(0.5, 0.5, 0.5), Vec3(0.4, 0.16, 0.08),
    ]
    hair = .plain(SRGB.linear(random.pick(shades) * random.float(0.8, 1.2)))
    hair.grain = 0.4
    hair.frame = 30 * Mat3.identity
    shoes = .plain(SRGB.linear(Look.color(hue: random.float(0, 1), saturation: 0.3, value: random.float(0.1, 0.5))))
    shirt = Self.cloth(&random, value: 0.35...0.95)
    trousers = Self.cloth(&random, value: 0.15...0.6)
    trousers.pattern = .plain
    hasLongSleeves = random.bernoulli(0.5)
    hasShorts = random.bernoulli(0.35)
    hairLength = random.float(0, 1)
  }

  /// A shirt's cloth: plain, striped, checked or dotted.
  static func cloth(_ random: inout RandomStream, value: ClosedRange<Float>) -> Material {
    let (first, second) = Look.pair(&random, saturation: 0.1...0.9, value: value)
    return Material(
      pattern: random.pick([.plain, .plain, .stripes, .checks, .dots]), first: first, second: second,
      frame: random.float(7, 13)
        * (random.bernoulli(0.5) ? Mat3.identity : .rotation(axis: Vec3(0, 0, 1), angle: .pi / 2)),
      offset: Vec3(random.float(0, 9), random.float(0, 9), random.float(0, 9)), grain: 0.2)
  }
}

extension BodyPlacement {
  /// The bodies that show a person: capsules, ellipsoids and boxes between the joints.
  ///
  /// - Parameter instance: what instance maps show; the semantic class is the `BodyPart`.
  func bodies(_ shape: BodyShape, _ look: BodyLook, instance: UInt16) -> [Body] {
    var bodies: [Body] = []
    let unit = shape.height / 1.75
    let wide = unit * shape.girth
    func add(_ solid: Solid, _ pose: Pose, _ material: Material, _ part: BodyPart) {
      bodies.append(
        Body(parts: [Part(solid)], materials: [material], pose: pose, instance: instance, semantic: part.rawValue))
    }
    /// A limb that is thinner at its far end: a capsule would make sticks of everything.
    func limb(_ a: Vec3, _ b: Vec3, _ near: Float, _ far: Float, _ material: Material, _ part: BodyPart) {
      let half = max((b - a).length / 2, 1e-3)
      let pose = WorldStage.between(b, a)  // y towards the near end
      let parts = [
        Part(.frustum(bottom: far, top: near, half: half)), Part(.sphere(radius: near), at: Vec3(0, half, 0)),
        Part(.sphere(radius: far), at: Vec3(0, -half, 0)),
      ]
      bodies.append(Body(parts: parts, materials: [material], pose: pose, instance: instance, semantic: part.rawValue))
    }
    let (neckPoint, spinePoint, hips) = (self[.neck], self[.spine], self[.pelvis])
    // Chest, waist and hips: flattened ellipsoids; the shoulders' bar rounds the corners.
    add(
      .ellipsoid(radii: Vec3(0.165 * wide, 0.78 * shape.chest + 0.05 * unit, 0.115 * wide)),
      Pose(rotation: trunk, translation: neckPoint.mixed(with: spinePoint, 0.48)), look.shirt, .torso)
    add(
      .ellipsoid(radii: Vec3(0.145 * wide, 0.16 * unit, 0.108 * wide)),
      Pose(rotation: trunk, translation: spinePoint.mixed(with: hips, 0.35)), look.shirt, .torso)
    add(
      .ellipsoid(radii: Vec3(0.158 * wide, 0.115 * unit, 0.12 * wide)),
      Pose(rotation: pelvis, translation: hips), look.trousers, .torso)
    let (left, right) = (self[.leftShoulder], self[.rightShoulder])
    limb(left, right, 0.062 * wide, 0.062 * wide, look.shirt, .torso)
    // Neck, head, hair, nose.
    let middle = neckPoint + head * Vec3(0, 0.62 * shape.head, 0.012 * unit)
    limb(neckPoint, middle, 0.05 * unit, 0.047 * unit, look.skin, .head)
    let skull = Vec3(0.074, 0.1, 0.09) * unit * (shape.head / (0.175 * shape.height))
    add(.ellipsoid(radii: skull), Pose(rotation: head, translation: middle), look.skin, .head)
    let back = head * Vec3(0, 0.018 * unit, -0.022 * unit)
    add(
      .ellipsoid(radii: skull * Vec3(1.06, 1.02, 0.98)), Pose(rotation: head, translation: middle + back), look.hair,
      .head)
    if look.hairLength > 0.5 {
      let fall = head * Vec3(0, -0.07 * unit * look.hairLength, -0.05 * unit)
      add(
        .ellipsoid(radii: skull * Vec3(0.98, 0.6 + 0.7 * look.hairLength, 0.6)),
        Pose(rotation: head, translation: middle + fall), look.hair, .head)
    }
    add(
      .sphere(radius: 0.018 * unit), Pose(translation: middle + head * Vec3(0, -0.012 * unit, 0.09 * unit)), look.skin,
      .head)
    // Arms and legs.
    for isLeft in [true, false] {
      let names: [BodyJoint] =
        isLeft
        ? [.leftShoulder, .leftElbow, .leftWrist, .leftHip, .leftKnee, .leftAnkle]
        : [.rightShoulder, .rightElbow, .rightWrist, .rightHip, .rightKnee, .rightAnkle]
      let at = names.map { self[$0] }
      let (arm, leg): (BodyPart, BodyPart) = isLeft ? (.leftArm, .leftLeg) : (.rightArm, .rightLeg)
      limb(at[0], at[1], 0.055 * wide, 0.042 * wide, look.shirt, arm)
      limb(at[1], at[2], 0.041 * wide, 0.028 * wide, look.hasLongSleeves ? look.shirt : look.skin, arm)
      let finger = (at[2] - at[1]).normalized
      add(
        .ellipsoid(radii: Vec3(0.036, 0.075, 0.024) * unit),
        Pose(rotation: WorldStage.upright(finger), translation: at[2] + finger * (0.06 * unit)), look.skin, arm)
      limb(at[3], at[4], 0.088 * wide, 0.057 * wide, look.trousers, leg)
      limb(at[4], at[5], 0.055 * wide, 0.036 * wide, look.hasShorts ? look.skin : look.trousers, leg)
      // The foot points forwards, square to the shin as far as the ground allows.
      let ahead = pelvis * Vec3(0, 0, 1)
      add(
        .ellipsoid(radii: Vec3(0.045, 0.042, 0.12) * unit),
        Pose(rotation: pelvis, translation: at[5] + ahead * (0.055 * unit) - Vec3(0, 0.03 * unit, 0)), look.shoes, leg)
    }
    return bodies
  }
}
