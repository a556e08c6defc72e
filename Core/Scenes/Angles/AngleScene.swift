import Glibc
import ReproTensor

/// Something in a scene of `scenes-angles`: an object or a person.
public struct AngleThing: Sendable, Equatable {
  /// Nil for a person.
  public var shape: CaptionShape?
  public var color: NamedColor
  /// Middle on the ground, metres.
  public var place: Vec3
  /// The direction in which a person faces; zero for objects.
  public var facing: Vec3
  /// The views in which enough of it is seen.
  public var views: [Int] = []

  /// `red cube`, `person in red`.
  public var name: String { shape.map { "\(color.name) \($0.name)" } ?? "person in \(color.name)" }
}

/// Objects and people seen by three cameras around them.
public struct AngleScene: Sendable {
  public var things: [AngleThing]
  public var cameras: [Camera]
  var scene: Scene

  static let shapes: [CaptionShape] = [.ball, .cube, .cone, .cylinder]
  static let colors: [NamedColor] = [.red, .yellow, .green, .blue, .purple, .white]

  /// The ways that a camera tells apart.
  public enum Way: String, Sendable, CaseIterable { case left, right, away, towards }

  /// The way of a level direction as a camera sees it; nil if it is between two ways.
  public func way(_ direction: Vec3, from view: Int) -> Way? {
    let rotation = cameras[view].worldToCamera.rotation
    let (side, ahead) = (rotation.row0.dot(direction), rotation.row2.dot(direction))
    // The camera looks down, so its axis is shorter on the ground.
    let level = ahead / max(Vec3(rotation.row2.x, 0, rotation.row2.z).length, 0.1)
    if abs(side) > 1.6 * abs(level) { return side < 0 ? .left : .right }
    if abs(level) > 1.6 * abs(side) { return level < 0 ? .towards : .away }
    return nil
  }

  /// Where one camera stands as seen by another: its direction from the middle of the scene, radians clockwise from
  /// above, -pi...pi; positive is to the left of the other's picture, near pi is opposite.
  public func turn(from a: Int, to b: Int) -> Float {
    func azimuth(_ view: Int) -> Float { atan2f(cameras[view].eye.z, cameras[view].eye.x) }
    var turn = azimuth(b) - azimuth(a)
    while turn > .pi { turn -= 2 * .pi }
    while turn < -.pi { turn += 2 * .pi }
    return turn
  }

  /// Draws a scene; three cameras on a circle, each of which looks past the middle and so misses something.
  init(_ own: RandomStream, size: Int, easel: Easel) {
    var random = own.child("angles")
    things = []
    var bodies: [Body] = []
    let people = random.integer(in: 0...3)
    let objects = random.integer(in: 3...6)
    var names: Set<String> = []
    for i in 0..<people + objects {
      var place = Vec3.zero
      var most = -Float.infinity
      for _ in 0..<30 {
        let (radius, angle) = (2.1 * random.float(0, 1).squareRoot(), random.float(0, 2 * .pi))
        let spot = Vec3(radius * cosf(angle), 0, radius * sinf(angle))
        let room = things.map { ($0.place - spot).length }.min() ?? 9
        if room > most { (most, place) = (room, spot) }
        if room > 0.8 { break }
      }
      var thing = AngleThing(
        shape: i < people ? nil : random.pick(Self.shapes), color: random.pick(Self.colors), place: place, facing: .zero
      )
      for _ in 0..<60 where names.contains(thing.name) {
        thing.color = random.pick(Self.colors)
        if thing.shape != nil { thing.shape = random.pick(Self.shapes) }
      }
      names.insert(thing.name)
      var detail = own.child("thing", i)
      if let shape = thing.shape {
        let material = Material.plain(thing.color.linear, specular: 0.2)
        var body = Body(
          parts: shape.kind.parts(&detail), materials: [material, material],
          pose: Pose(rotation: .rotation(axis: Vec3(0, 1, 0), angle: random.float(0, 6))),
          scale: random.float(0.26, 0.36),
          instance: UInt16(i + 1))
        body.pose.translation = place + Vec3(0, body.reach(Vec3(0, -1, 0)), 0)
        bodies.append(body)
      } else {
        let heading = random.float(0, 2 * .pi)
        thing.facing = Vec3(sinf(heading), 0, cosf(heading))
        let shape = BodyShape(&detail)
        var look = BodyLook(&detail)
        look.shirt = .plain(thing.color.linear)
        look.hasLongSleeves = true
        let motion = BodyMotion(detail.pick([.stand, .walk, .reach]), &detail)
        let body = BodyPlacement(shape, motion.angles(at: 0), at: SIMD2(place.x, place.z), heading: heading)
        bodies += body.bodies(shape, look, instance: UInt16(i + 1))
      }
      things.append(thing)
    }
    let floor = WorldStage.surface(&random, strength: 0.4)
    bodies.append(WorldStage.ground(floor))
    scene = Scene(
      bodies: bodies,
      lighting: WorldStage.lighting(&random, azimuth: random.float(0, 2 * .pi), ground: Look.mean(floor)))
    // Three directions at least 50 degrees apart, in any order.
    let start = random.float(0, 2 * .pi)
    let gaps = [Float(0), random.float(0.9, 2.6), random.float(3.5, 5.3)]
    var order = random.permutation(3)
    if random.bernoulli(0.5) { order.reverse() }
    cameras = order.map { i in
      let angle = start + gaps[i]
      let eye = Vec3(4.9 * cosf(angle), random.float(2, 2.8), 4.9 * sinf(angle))
      let target = Vec3(random.float(-1.1, 1.1), 0.45, random.float(-1.1, 1.1))
      return Camera(
        width: size, height: size, verticalFieldOfView: 0.56, worldToCamera: Camera.lookAt(eye: eye, target: target))
    }
  }
}
