import ReproTensor

/// The ten classes of `scenes-objects`: they differ by shape alone.
public enum ObjectClass: Int, Sendable, CaseIterable {
  case ball, cube, cylinder, cone, ring, pill, table, dumbbell, lamp, jack

  public var name: String { "\(self)" }

  /// The parts of one individual: proportions vary, colours are no business of the class.
  ///
  /// The body's frame has y up, the middle of the body's box at the origin, and it fills a picture about as much as
  /// any other class. Parts use material 0 (the main one) and 1.
  func parts(_ random: inout RandomStream) -> [Part] {
    Self.centered(rawParts(&random), halfDiagonal: halfDiagonal)
  }

  /// Half the diagonal of the box around the body: smaller for the classes that fill their box.
  private var halfDiagonal: Float {
    switch self {
    case .ball: 1.5
    case .cube: 1.25
    case .cylinder: 1.3
    case .table, .pill: 1.45
    case .ring, .cone: 1.55
    case .dumbbell, .lamp, .jack: 1.65
    }
  }

  private func rawParts(_ random: inout RandomStream) -> [Part] {
    let across = Pose(rotation: .rotation(axis: Vec3(0, 0, 1), angle: .pi / 2))
    let ahead = Pose(rotation: .rotation(axis: Vec3(1, 0, 0), angle: .pi / 2))
    switch self {
    case .ball:
      return [Part(.sphere(radius: 1))]
    case .cube:
      return [Part(.box(half: Vec3(1, random.float(0.8, 1.2), random.float(0.8, 1.2))))]
    case .cylinder:
      return [Part(.cylinder(radius: 1, half: random.float(0.8, 1.5)))]
    case .cone:
      return [Part(.cone(radius: 1, half: random.float(0.9, 1.4)))]
    case .ring:
      return [Part(.torus(major: 1, minor: random.float(0.24, 0.4)))]
    case .pill:
      return [Part(.capsule(radius: 1, half: random.float(0.9, 1.7)))]
    case .table:
      return table(&random)
    case .dumbbell:
      let (a, b) = (random.float(0.55, 0.75), random.float(0.55, 0.75))
      return [
        Part(.sphere(radius: a), at: Vec3(0, -1, 0)), Part(.sphere(radius: b), at: Vec3(0, 1, 0)),
        Part(.cylinder(radius: random.float(0.16, 0.28), half: 1), material: 1),
      ]
    case .lamp:
      return lamp(&random)
    case .jack:
      let arm = random.bernoulli(0.5)
      let thick = random.float(0.24, 0.36)
      let length = random.float(0.9, 1.1)
      let bar: Solid =
        arm ? .capsule(radius: thick, half: length - thick) : .box(half: Vec3(thick, length, thick))
      return [Part(bar), Part(bar, pose: across), Part(bar, pose: ahead, material: 1)]
    }
  }

  private func table(_ random: inout RandomStream) -> [Part] {
    let isRound = random.bernoulli(0.5)
    let depth = isRound ? 1 : random.float(0.75, 1)
    let thick = random.float(0.12, 0.2)
    let height = random.float(0.6, 0.9)  // half the length of a leg
    let leg = random.float(0.11, 0.18)
    let (x, z) = isRound ? (Float(0.62), Float(0.62)) : (0.95 - leg, depth - 0.05 - leg)
    var parts = [
      Part(
        isRound ? .cylinder(radius: 1, half: thick) : .box(half: Vec3(1, thick, depth)),
        at: Vec3(0, height + thick, 0))
    ]
    for (sx, sz) in [(-1, -1), (-1, 1), (1, -1), (1, 1)] as [(Float, Float)] {
      let at = Vec3(sx * x, 0, sz * z)
      let solid: Solid = isRound ? .cylinder(radius: leg, half: height) : .box(half: Vec3(leg, height, leg))
      parts.append(Part(solid, at: at, material: 1))
    }
    return parts
  }

  private func lamp(_ random: inout RandomStream) -> [Part] {
    let stem = random.float(0.7, 1)  // half its length
    let shade = random.float(0.35, 0.5)  // half its height
    let isDome = random.bernoulli(0.4)
    let cover: Solid =
      isDome
      ? .ellipsoid(radii: Vec3(1, shade * 1.3, 1))
      : .frustum(bottom: 1, top: random.float(0.4, 0.65), half: shade)
    return [
      Part(cover, at: Vec3(0, stem + shade * 0.8, 0)),
      Part(.cylinder(radius: random.float(0.13, 0.22), half: stem), material: 1),
      Part(.cylinder(radius: random.float(0.5, 0.7), half: 0.1), at: Vec3(0, -stem - 0.1, 0), material: 1),
    ]
  }

  /// The cosine between the body's y axis and the direction to the camera for which a person can still tell the class:
  /// a cylinder seen end-on is a disc, a ring seen edge-on is a bar.
  var recognisable: ClosedRange<Float> {
    switch self {
    case .ball, .cube, .jack: -1...1
    case .cylinder: -0.8...0.8
    case .cone: -0.55...0.75
    case .ring: -1...1  // and not |cos| < 0.4, see `isRecognisable`
    case .pill, .dumbbell: -0.75...0.75
    case .table: 0.1...0.75
    case .lamp: -0.3...0.7
    }
  }

  /// Whether the class can be told from this side.
  func isRecognisable(cosine: Float) -> Bool {
    recognisable.contains(cosine) && (self != .ring || abs(cosine) > 0.4)
  }

  /// Shifts the middle of the box around the parts to the origin and scales its half diagonal.
  static func centered(_ parts: [Part], halfDiagonal: Float) -> [Part] {
    let body = Body(parts: parts, materials: [Material](repeating: .plain(.zero), count: 3))
    let high = Vec3(body.reach(Vec3(1, 0, 0)), body.reach(Vec3(0, 1, 0)), body.reach(Vec3(0, 0, 1)))
    let low = -Vec3(body.reach(Vec3(-1, 0, 0)), body.reach(Vec3(0, -1, 0)), body.reach(Vec3(0, 0, -1)))
    let scale = halfDiagonal / ((high - low) / 2).length
    return parts.map { part in
      var part = part
      part.solid = part.solid.scaled(scale)
      part.pose.translation = (part.pose.translation - (low + high) / 2) * scale
      return part
    }
  }
}
