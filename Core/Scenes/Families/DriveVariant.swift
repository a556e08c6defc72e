import ReproConfig
import ReproData
import ReproTensor

/// Something that moves by itself: which body, and metres from frame to frame.
struct Mover {
  var index: Int
  var velocity: Vec3
}

/// How a drive on the road differs from the usual one; the usual one draws what it always drew.
struct DriveVariant: Sendable, Equatable {
  /// What a single picture says of distances.
  enum Cues: String, Sendable, CaseIterable {
    case usual
    /// Size in the picture, scale of the pattern and place on the ground all tell the distance.
    case strong
    /// None of them does: things of any size hover, and the camera's height and tilt are unknown.
    case weak
  }

  var cues = Cues.usual
  /// Whether movers look like standing boxes, and every clip outside of training has one.
  var hasDisguises = false
  /// The largest step to the side, in steps forward.
  var sideways = 0.0
  /// Metres forward from frame to frame.
  var stride: ClosedRange<Float> = 0.15...0.4

  init() {}

  /// Reads `cues`, `movers`, `sideways` and `stride`.
  init(_ options: inout Section) throws(ReproError) {
    cues = Cues(rawValue: try options.choice("cues", Cues.allCases.map(\.rawValue), default: "usual")) ?? .usual
    hasDisguises = try options.choice("movers", ["usual", "disguised"], default: "usual") == "disguised"
    sideways = try options.double("sideways", in: 0...2, default: 0)
    let steps = try options.doubles("stride", count: 2, in: 0.01...2, default: [0.15, 0.4])
    guard steps[0] <= steps[1] else {
      throw ReproError(
        .usage, at: options.name(of: "stride"), found: "\(steps)", expected: "the shortest step, then the longest")
    }
    stride = Float(steps[0])...Float(steps[1])
  }

  /// What is added to the world's description; nothing for the usual one.
  var signature: String {
    let usual = DriveVariant()
    return (cues == usual.cues ? "" : " cues=\(cues.rawValue)") + (hasDisguises ? " movers=disguised" : "")
      + (sideways == 0 ? "" : " sideways=\(sideways)")
      + (stride == usual.stride ? "" : " stride=\(stride.lowerBound)...\(stride.upperBound)")
  }

  /// Height of the camera, and by how much it looks down, radians.
  func mount(_ random: inout RandomStream) -> (height: Float, pitch: Float) {
    switch cues {
    case .usual: (random.float(0.8, 1.2), random.float(0, 0.08))
    case .strong: (1, 0.04)
    case .weak: (random.float(0.6, 1.8), random.float(-0.05, 0.2))
    }
  }

  /// Half of the extents of something that stands beside the road.
  func size(_ random: inout RandomStream) -> Vec3 {
    let size = Vec3(random.float(0.25, 1.3), random.float(0.3, 1.8), random.float(0.25, 1.3))
    return cues == .strong ? Vec3(0.6, 0.9, 0.6) : size
  }

  /// Cells of a thing's pattern per metre.
  var cells: ClosedRange<Float> { cues == .strong ? 1.5...1.5 : 0.3...3.5 }

  /// How far above the ground something hovers.
  func hover(_ random: inout RandomStream) -> Float {
    guard cues == .weak else { return 0 }
    return random.bernoulli(0.5) ? random.float(0, 1.2) : 0
  }

  /// The poses of a drive that also slides to one side.
  func slid(_ poses: [Pose], _ steps: [Float], _ random: inout RandomStream) -> [Pose] {
    guard sideways > 0 else { return poses }
    let share = random.float(-Float(sideways), Float(sideways))
    var slide = Vec3.zero
    return poses.enumerated().map { i, pose in
      // The first row of the rotation is the camera's right hand in the world.
      if i > 0 { slide += pose.rotation.row0 * (share * steps[i - 1]) }
      return Pose(rotation: pose.rotation, translation: pose.translation - pose.rotation * slide)
    }
  }
}

extension DriveWorld {
  /// At most one mover, a box as those beside the road, seen well at the middle moment.
  func disguisedMovers(
    among bodies: inout [Body], _ poses: [Pose], _ split: Split, _ random: inout RandomStream
  ) -> [Mover] {
    guard random.bernoulli(moving) || split != .train || isStatic else { return [] }
    let half = variant.size(&random)
    let middle = poses[frames / 2].inverse.translation
    let facing = poses[frames / 2].rotation.row2
    let ahead = Vec3(facing.x, 0, facing.z).normalized
    let right = Vec3(0, 1, 0).cross(ahead)
    let gone = poses[frames - 1].inverse.translation - poses[0].inverse.translation
    let own =
      isStatic || frames < 2
      ? (variant.stride.lowerBound + variant.stride.upperBound) / 2
      : gone.length / Float(frames - 1)
    let velocity: Vec3
    switch random.integer(below: 3) {
    case 0: velocity = ahead * (own * random.float(0.7, 1.3))  // with the camera
    case 1: velocity = ahead * (-own * random.float(0.4, 1))  // against it
    default: velocity = right * (own * random.float(0.4, 1) * (random.bernoulli(0.5) ? 1 : -1))  // across
    }
    let place = middle + ahead * (random.float(3.5, 6.5) + half.z) + right * random.float(-1.2, 1.2)
    let start = Vec3(place.x, half.y + variant.hover(&random), place.z) - velocity * Float(frames / 2)
    bodies.append(
      Body(
        parts: [Part(.box(half: half))], materials: [surface(Look.material(&random, cells: variant.cells))],
        pose: Pose(rotation: random.tilted(upTo: 0), translation: start), instance: UInt16(bodies.count), semantic: 4))
    return [Mover(index: bodies.count - 1, velocity: velocity)]
  }
}
