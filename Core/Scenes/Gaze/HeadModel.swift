import Glibc
import ReproTensor

/// What part maps of heads tell apart; 0 is the background.
public enum HeadPart: UInt8, Sendable, CaseIterable {
  case skin = 1
  case hair, eye, iris, lips, glasses

  public var name: String { "\(self)" }
}

/// What a face does beyond looking.
struct FaceExpression: Sendable, Equatable {
  /// How far the mouth is open, 0...1; how far its corners are raised, -1...1; how far the brows are, -1...1.
  var opening: Float = 0
  var corners: Float = 0
  var brows: Float = 0
  /// How deep the wrinkles are, 0...1.
  var wrinkles: Float = 0
}

/// One person's face: proportions and colours.
///
/// The head's frame has x to the person's left, y up and z forwards, metres; the eyes are 1.4 times as large as real
/// ones, so that small pictures show where they look.
struct HeadModel: Sendable, Equatable {
  var width, jaw, noseLength, eyeDistance, eyeHeight, browHeight, hairLength: Float
  var skin, hair, iris, lips: Vec3
  var hasGlasses = false

  static let eyeRadius: Float = 0.0168

  init(_ random: inout RandomStream) {
    width = random.float(0.92, 1.08)
    jaw = random.float(0.82, 1.05)
    noseLength = random.float(0.85, 1.25)
    eyeDistance = random.float(0.029, 0.035)
    eyeHeight = random.float(0.008, 0.018)
    browHeight = random.float(0.022, 0.03)
    hairLength = random.float(0, 1)
    let look = BodyLook(&random)
    (skin, hair) = (look.skin.first, look.hair.first)
    let irises = [Vec3(0.30, 0.18, 0.08), Vec3(0.20, 0.36, 0.58), Vec3(0.25, 0.42, 0.25), Vec3(0.16, 0.10, 0.06)]
    iris = SRGB.linear(random.pick(irises) * random.float(0.8, 1.15))
    lips = skin * Vec3(0.85, 0.5, 0.5)
  }

  /// The middle of an eye in the head's frame.
  func eye(left isLeft: Bool) -> Vec3 { Vec3(isLeft ? eyeDistance : -eyeDistance, eyeHeight, 0.0665) }

  /// The point that pictures are centred on: between eyes and mouth.
  var center: Vec3 { Vec3(0, eyeHeight - 0.022, 0.06) }

  /// The head in the world.
  ///
  /// - Parameters:
  ///   - pose: of the head's frame.
  ///   - gaze: where both eyes look, a direction in the head's frame, of length 1.
  ///   - expression: of mouth and brows.
  func bodies(_ pose: Pose, gaze: Vec3, expression: FaceExpression = FaceExpression()) -> [Body] {
    var bodies: [Body] = []
    func add(_ solid: Solid, at place: Vec3, _ color: Vec3, _ part: HeadPart, turn: Mat3 = .identity, shine: Float = 0)
    {
      var material = Material.plain(color, specular: shine)
      if shine > 0 { material.gloss = 6 }
      bodies.append(
        Body(
          parts: [Part(solid, pose: Pose(rotation: turn, translation: place))], materials: [material], pose: pose,
          instance: 1, semantic: part.rawValue))
    }
    func bar(_ a: Vec3, _ b: Vec3, _ radius: Float, _ color: Vec3, _ part: HeadPart) {
      let limb = WorldStage.limb(a, b, radius: radius)
      add(limb.solid, at: limb.pose.translation, color, part, turn: limb.pose.rotation)
    }
    let shade = skin * 0.8
    let brow = eyeHeight + browHeight + 0.008 * expression.brows
    add(.ellipsoid(radii: Vec3(0.076 * width, 0.105, 0.095)), at: Vec3(0, 0.03, -0.01), skin, .skin)
    add(.ellipsoid(radii: Vec3(0.062 * width * jaw, 0.062, 0.07)), at: Vec3(0, -0.055, 0.006), skin, .skin)
    add(.ellipsoid(radii: Vec3(0.022 * jaw, 0.016, 0.016)), at: Vec3(0, -0.1, 0.05), skin, .skin)
    add(.ellipsoid(radii: Vec3(0.084 * width, 0.1, 0.1)), at: Vec3(0, 0.06, -0.026), hair, .hair)
    if hairLength > 0.45 {
      add(
        .ellipsoid(radii: Vec3(0.088 * width, 0.07 + 0.09 * hairLength, 0.06)), at: Vec3(0, -0.03, -0.06), hair, .hair)
    }
    for side in [Float(1), -1] {
      add(.ellipsoid(radii: Vec3(0.01, 0.025, 0.017)), at: Vec3(side * 0.077 * width, 0, -0.005), skin, .skin)
      bar(
        Vec3(side * 0.016, brow + 0.006 * expression.brows, 0.084), Vec3(side * 0.048, brow + 0.001, 0.068),
        0.0042, hair, .hair)
    }
    // Nose and mouth.
    let tip = Vec3(0, -0.02 - 0.014 * noseLength, 0.094 + 0.006 * noseLength)
    bar(Vec3(0, eyeHeight + 0.004, 0.08), tip, 0.0095, skin, .skin)
    add(.ellipsoid(radii: Vec3(0.0155, 0.0105, 0.012)), at: tip - Vec3(0, 0.001, 0.003), skin, .skin)
    mouth(expression, { add($0, at: $1, $2, $3, turn: $4, shine: $5) }, bar)
    // Eyes: the white, the iris and pupil where they look, lids that follow up and down.
    let r = Self.eyeRadius
    let turn = WorldStage.upright(gaze)
    let lowered = min(max(-gaze.y, -0.5), 0.5)
    for isLeft in [true, false] {
      let middle = eye(left: isLeft)
      add(.sphere(radius: r), at: middle, Vec3(0.86, 0.86, 0.84), .eye, shine: 0.25)
      add(.ellipsoid(radii: Vec3(0.5 * r, 0.22 * r, 0.5 * r)), at: middle + gaze * (0.84 * r), iris, .iris, turn: turn)
      add(
        .ellipsoid(radii: Vec3(0.25 * r, 0.17 * r, 0.25 * r)), at: middle + gaze * (0.92 * r), Vec3(0.01, 0.01, 0.01),
        .iris, turn: turn, shine: 0.6)
      let upper = middle + Vec3(0, (1.12 - 0.5 * lowered) * r, -0.12 * r)
      add(.ellipsoid(radii: Vec3(1.45 * r, 0.62 * r, 1.14 * r)), at: upper, shade, .skin)
      let lower = middle + Vec3(0, (-1.2 - 0.25 * lowered) * r, -0.1 * r)
      add(.ellipsoid(radii: Vec3(1.4 * r, 0.5 * r, 1.08 * r)), at: lower, shade, .skin)
      if hasGlasses {
        let frame = Mat3.rotation(axis: Vec3(1, 0, 0), angle: .pi / 2)
        add(
          .torus(major: 1.6 * r, minor: 0.0026), at: middle + Vec3(0, 0, 1.25 * r), Vec3(0.02, 0.02, 0.03), .glasses,
          turn: frame)
        let outer = middle + Vec3((isLeft ? 1 : -1) * 1.6 * r, 0, 1.25 * r)
        bar(outer, Vec3((isLeft ? 1 : -1) * 0.078 * width, 0.005, 0), 0.0022, Vec3(0.02, 0.02, 0.03), .glasses)
      }
    }
    if hasGlasses {
      bar(
        eye(left: true) + Vec3(-1.6 * r, 0, 1.25 * r), eye(left: false) + Vec3(1.6 * r, 0, 1.25 * r), 0.0024,
        Vec3(0.02, 0.02, 0.03), .glasses)
    }
    return bodies
  }

  /// Lips whose corners rise and fall, and the dark between them when the mouth is open; wrinkles on the forehead.
  private func mouth(
    _ expression: FaceExpression, _ add: (Solid, Vec3, Vec3, HeadPart, Mat3, Float) -> Void,
    _ bar: (Vec3, Vec3, Float, Vec3, HeadPart) -> Void
  ) {
    let open = 0.0145 * expression.opening
    let height: Float = -0.069
    if expression == FaceExpression() {
      add(.ellipsoid(radii: Vec3(0.024, 0.0065, 0.012)), Vec3(0, height, 0.068), lips, .lips, .identity, 0)
      return
    }
    let corner = 0.011 * expression.corners
    let middle = Vec3(0, height, 0.073)
    add(
      .ellipsoid(radii: Vec3(0.017, open + 0.002, 0.007)), middle + Vec3(0, -0.2 * open, 0.0015),
      Vec3(0.04, 0.01, 0.01),
      .lips, .identity, 0)
    for side in [Float(1), -1] {
      let end = Vec3(side * 0.025, height + corner, 0.063)
      bar(end, Vec3(side * 0.006, height + open + 0.002, 0.079), 0.0042, lips, .lips)
      bar(end, Vec3(side * 0.006, height - 1.3 * open - 0.003, 0.077), 0.0046, lips, .lips)
    }
    bar(Vec3(0.006, height + open + 0.002, 0.079), Vec3(-0.006, height + open + 0.002, 0.079), 0.0042, lips, .lips)
    bar(
      Vec3(0.006, height - 1.3 * open - 0.003, 0.077), Vec3(-0.006, height - 1.3 * open - 0.003, 0.077), 0.0046, lips,
      .lips)
    guard expression.wrinkles > 0 else { return }
    for row in 0..<3 {
      // Two bars that follow the skull.
      let y = 0.05 + 0.009 * Float(row)
      let middle = Vec3(0, y, 0.083 - 0.0022 * Float(row))
      for side in [Float(1), -1] {
        let end = middle + Vec3(side * 0.025, 0, -0.0055)
        bar(middle, end, 0.0026 * expression.wrinkles, skin * 0.6, .skin)
      }
    }
  }

  /// Neck and shoulders, which do not turn with the head.
  func trunk(at place: Vec3, shirt: Vec3) -> [Body] {
    let neck = Part(.frustum(bottom: 0.062, top: 0.05, half: 0.075), at: Vec3(0, -0.125, -0.03))
    let shoulders = Part(.ellipsoid(radii: Vec3(0.21, 0.085, 0.1)), at: Vec3(0, -0.25, -0.03), material: 1)
    return [
      Body(
        parts: [neck, shoulders], materials: [.plain(skin * 0.9), .plain(shirt)], pose: Pose(translation: place),
        instance: 1, semantic: HeadPart.skin.rawValue)
    ]
  }
}
