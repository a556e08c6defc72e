import Glibc
import ReproTensor

/// A person behind a table with things, in a room.
struct TableWorld: Sendable {
  var shape: BodyShape
  var look: BodyLook
  var things: [TableThing]
  var room: [Body]
  var lighting: Lighting
  /// Names and places of instances: 1 is the person, 2... the things.
  static let table: Float = 0.78
  static let place = SIMD2<Float>(0, -0.5)

  /// - Parameters:
  ///   - person: the stream of the participant.
  ///   - own: the stream of everything else.
  ///   - first, second: what the first two things may be.
  ///   - rarity: weights of the nouns fall as 1 / (number + 1)^rarity.
  init(
    person: RandomStream, _ own: RandomStream, count: Int, rarity: Float, first: [TableNoun],
    second: [TableNoun] = TableNoun.allCases
  ) {
    var body = person
    shape = BodyShape(&body)
    look = BodyLook(&body)
    var random = own.child("things")
    things = []
    for i in 0..<count {
      let noun = Self.draw(i == 0 ? first : i == 1 ? second : TableNoun.allCases, rarity, &random)
      let color = random.pick(NamedColor.allCases)
      let (parts, height) = noun.build(&random)
      var spot = SIMD2<Float>(0, 0)
      var most = -Float.infinity
      for _ in 0..<30 {
        let place = SIMD2(random.float(-0.38, 0.38), random.float(-0.14, 0.13))
        let room = things.map { hypotf($0.rest.translation.x - place.x, $0.rest.translation.z - place.y) }.min() ?? 1
        // No two things are called the same.
        if room > most { (most, spot) = (room, place) }
        if room > 0.2 { break }
      }
      var thing = TableThing(
        noun: noun, color: color, parts: parts, height: height, material: .plain(color.linear, specular: 0.25),
        rest: Pose(
          rotation: .rotation(axis: Vec3(0, 1, 0), angle: random.float(-0.8, 0.8)),
          translation: Vec3(spot.x, Self.table, spot.y)))
      for _ in 0..<40 where things.contains(where: { $0.name == thing.name }) {
        thing.color = random.pick(NamedColor.allCases)
        thing.material = .plain(thing.color.linear, specular: 0.25)
      }
      things.append(thing)
    }
    var stage = own.child("room")
    let floor = WorldStage.surface(&stage, strength: 0.6)
    let wood = Material.plain(SRGB.linear(Vec3(0.62, 0.5, 0.38) * stage.float(0.7, 1.15)))
    var parts = [Part(.box(half: Vec3(0.62, 0.02, 0.3)), at: Vec3(0, Self.table - 0.02, 0))]
    for x in [Float(-0.56), 0.56] {
      for z in [Float(-0.25), 0.25] {
        parts.append(Part(.box(half: Vec3(0.025, 0.38, 0.025)), at: Vec3(x, 0.38, z)))
      }
    }
    room = [Body(parts: parts, materials: [wood]), WorldStage.ground(floor)]
    for turn in 0..<4 {
      let angle = Float(turn) * .pi / 2
      let normal = Vec3(cosf(angle), 0, sinf(angle))
      room.append(
        WorldStage.wall(
          WorldStage.surface(&stage, strength: 0.5, isMuted: false), through: -normal * 2.9, normal: normal))
    }
    lighting = WorldStage.lighting(
      &stage, azimuth: .pi / 2 + stage.float(-0.6, 0.6), ground: Look.mean(floor), tint: 0.15)
  }

  private static func draw(_ nouns: [TableNoun], _ rarity: Float, _ random: inout RandomStream) -> TableNoun {
    let weights = nouns.map { powf(1 / Float($0.rawValue + 1), rarity) }
    var dice = random.float(0, weights.reduce(0, +))
    for (noun, weight) in zip(nouns, weights) {
      dice -= weight
      if dice < 0 { return noun }
    }
    return nouns[nouns.count - 1]
  }

  /// Everything at one moment.
  struct Snapshot {
    var body: BodyPlacement
    var bodies: [Body]
    /// The worn camera's place and the direction in which the head looks.
    var eye: Vec3
    var head: Mat3
    var moment: TableScript.Moment
  }

  /// - Parameter time: 0...1 of the clip.
  func snapshot(_ script: TableScript, _ time: Float, seconds: Float) -> Snapshot {
    let home = Vec3(script.isLeft ? 0.2 : -0.2, Self.table + 0.17, -0.33)
    let moment = script.moment(time, things, home: home)
    var angles = BodyAngles()
    let breath = 0.02 * sinf(2 * .pi * 0.4 * time * seconds)
    angles.bend = 0.36 + breath
    angles.nod = 0.62
    angles.left.elbow = 1.1
    angles.right.elbow = 1.1
    angles.left.shoulder = 0.25
    angles.right.shoulder = 0.25
    if let wrist = moment.wrist {
      // The head follows the hand.
      angles.look = min(max(0.9 * wrist.x, -0.6), 0.6)
      angles.bend += min(max(0.8 * (wrist.z + 0.15), 0), 0.25)
      angles.turn = script.isLeft ? -0.08 : 0.08
    }
    var place = Self.place
    var heading: Float = 0
    if script.verb == .walk {
      place = SIMD2(moment.stride, Self.place.y - 0.25)
      heading = .pi / 2
      angles.bend = 0.08
      angles.nod = 0.25
      angles.look = -0.5
      let swing = sinf(2 * .pi * 1.7 * time * seconds / 2)
      (angles.left.hip, angles.right.hip) = (0.45 * swing, -0.45 * swing)
      (angles.left.knee, angles.right.knee) = (0.2 + 0.3 * abs(swing), 0.2 + 0.3 * abs(swing))
      (angles.left.shoulder, angles.right.shoulder) = (-0.4 * swing, 0.4 * swing)
      (angles.left.elbow, angles.right.elbow) = (0.4, 0.4)
    }
    if moment.greeting > 0 {
      let raise = moment.greeting
      var arm = script.isLeft ? angles.left : angles.right
      arm.lift = 0.12 + 1.4 * raise
      arm.shoulder = 0.25 + 0.4 * raise
      arm.twist = -0.8 * raise
      arm.elbow = 1.1 + raise * (0.3 + 0.4 * sinf(2 * .pi * 2.2 * time * seconds))
      if script.isLeft { angles.left = arm } else { angles.right = arm }
      angles.nod -= 0.35 * raise
    }
    var body = BodyPlacement(shape, angles.limited, at: place, heading: heading)
    if let wrist = moment.wrist { body.reach(wrist, left: script.isLeft, shape) }
    var bodies = body.bodies(shape, look, instance: 1)
    for (i, thing) in things.enumerated() {
      bodies.append(thing.body(i == script.target ? moment.thing : thing.rest, instance: UInt16(i + 2)))
    }
    let unit = shape.height / 1.75
    let middle = body[.neck] + body.head * Vec3(0, 0.62 * shape.head, 0.012 * unit)
    let eye = middle + body.head * Vec3(0, 0.03 * unit, 0.135 * unit)
    return Snapshot(body: body, bodies: bodies + room, eye: eye, head: body.head, moment: moment)
  }
}
