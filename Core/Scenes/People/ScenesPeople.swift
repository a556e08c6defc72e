import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-people`: people in a room, seen by several calibrated cameras at the same time.
///
/// What is drawn:
/// - people: `people` of them, or a number uniform in 1...`people` with `vary: true`; heights uniform in 1.5...1.95
///   m, every bone within 6 % of its usual share, girth 0.85...1.25; skin, hair, shirt (plain, striped, checked,
///   dotted) and trousers of any colour. They stand 0.85 m apart or more within 1.3 m of the middle, facing any way.
/// - action: stand, walk, reach, sit (on a stool), wave, raise (both arms), squat, bow, equally likely, each with its
///   own tempo, phase, size and side; all angles within the limits of `BodyAngles`.
/// - cameras: `views` on a ring, 3.3 to 3.9 m away (1 m further with several people), 1.1 to 2.3 m high, field of
///   view 40 degrees, equally spaced up to 7 degrees. `rig: fixed` draws them once from the seed, for all samples of
///   all splits; `rig: random` for every sample.
/// - room: textured floor and four walls, soft light.
/// - time: `frames` moments, 1 / `rate` seconds apart.
/// - detector: what a 2D pose estimator would find (`NoisyDetector`): N(0, `noise`) pixels, 2.5 times as much for
///   hidden joints, a share `gross` of joints displaced by 6 to 15 % of the width, `swaps` of people with left and
///   right exchanged, `misses` not found. Found people are listed in a random order in every view: column `owner`
///   tells whose they are.
///
/// Options (defaults): `width` (64) and `height` (64), 24...256; `views` 1...8 (4); `people` 1...4 (1); `vary` (false);
/// `frames` 1...32 (1); `rate` (10 Hz); `noise` (1.5 px), `gross` (0.1), `swaps` (0.05), `misses` (0.05); `rig`
/// (fixed); `train` (4000), `validation` (200), `test` (600).
///
/// Columns (T frames, V views, P people, J = 17 joints of `BodyJoint`): `image` T * V pictures, all views of a moment
/// side by side; `people` and `parts`, label maps in the same order; `joints` [T, P, J, 3] metres; `pixels` [T, V, P,
/// J, 2]; `visible` [T, V, P, J]; `detections` [T, V, P, J, 3] (x, y, confidence; zeros for nobody); `owner` [T, V,
/// P] (-1 for nobody); `present` [P]; `intrinsics` [V, 3, 3]; `extrinsics` [V, 3, 4]; `action` of the first person;
/// `bones` [P, J], the distance of every joint to its parent. Absent people are zeros.
///
/// Splits never share a person or a pose. Every sample is a pure function of the options, `DataRoot.seed`, the split
/// and the index.
public struct ScenesPeople: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-people", title: "Procedural people in a multi-camera rig, with joints and a noisy detector",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1

  public let spec: DataSpec
  public let width, height, views, people, frames: Int
  private let rate: Double
  private let varies: Bool
  private let detector: NoisyDetector
  private let rig: WorldRig?
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    width = try options.int("width", in: 24...256, default: 64)
    height = try options.int("height", in: 24...256, default: 64)
    views = try options.int("views", in: 1...8, default: 4)
    people = try options.int("people", in: 1...4, default: 1)
    varies = try options.bool("vary", default: false)
    frames = try options.int("frames", in: 1...32, default: 1)
    rate = try options.double("rate", in: 1...60, default: 10)
    detector = NoisyDetector(
      noise: Float(try options.double("noise", in: 0...20, default: 1.5)),
      gross: try options.double("gross", in: 0...1, default: 0.1),
      swaps: try options.double("swaps", in: 0...1, default: 0.05),
      misses: try options.double("misses", in: 0...1, default: 0.05))
    let kind = try options.choice("rig", ["fixed", "random"], default: "fixed")
    let sizes = try splitSizes(&options, train: 4000, validation: 200, test: 600)
    stream = RandomStream(seed: root.seed).child("scenes-people")
    description =
      "seed=\(root.seed) width=\(width) height=\(height) views=\(views) people=\(people) vary=\(varies) "
      + "frames=\(frames) rate=\(rate) noise=\(detector.noise) gross=\(detector.gross) swaps=\(detector.swaps) "
      + "misses=\(detector.misses) rig=\(kind)"
    var random = stream.child("rig")
    rig = kind == "fixed" ? Self.cameras(views, width, height, people, &random) : nil
    let (t, v, p, j) = (frames, views, people, BodyJoint.allCases.count)
    let (h, w) = (height, width)
    func maps(_ channels: Int) -> FieldKind { .frames(count: t * v, height: h, width: w, channels: channels) }
    spec = DataSpec(
      fields: [
        FieldSpec("image", maps(3), isLabel: false),
        FieldSpec("detections", .real(shape: [t, v, p, j, 3], unit: "px"), isLabel: false),
        FieldSpec("intrinsics", .real(shape: [v, 3, 3], unit: "px"), isLabel: false),
        FieldSpec("extrinsics", .real(shape: [v, 3, 4], unit: "m"), isLabel: false),
        FieldSpec("owner", .real(shape: [t, v, p], unit: "1"), isLabel: true),
        FieldSpec("joints", .real(shape: [t, p, j, 3], unit: "m"), isLabel: true),
        FieldSpec("pixels", .real(shape: [t, v, p, j, 2], unit: "px"), isLabel: true),
        FieldSpec("visible", .real(shape: [t, v, p, j], unit: "1"), isLabel: true),
        FieldSpec("present", .real(shape: [p], unit: "1"), isLabel: true),
        FieldSpec("bones", .real(shape: [p, j], unit: "m"), isLabel: true),
        FieldSpec("action", .category(classes: BodyAction.allCases.map(\.name)), isLabel: true),
        FieldSpec("people", maps(1), isLabel: true),
        FieldSpec("parts", maps(1), isLabel: true),
      ], sizes: sizes)
  }

  public var fingerprint: String { "scenes-people/v\(Self.version) \(description)" }

  private static func cameras(
    _ views: Int, _ width: Int, _ height: Int, _ people: Int, _ random: inout RandomStream
  ) -> WorldRig {
    let away: Float = people > 1 ? 4.3 : 3.3
    // A narrow picture must not lose what a square one shows.
    let field = (people > 1 ? 0.72 : 0.6) * max(1, Float(height) / Float(width))
    return .ring(
      views, width: width, height: height, fieldOfView: field, target: Vec3(0, 0.95, 0), distance: away...away + 0.6,
      heights: 1.1...2.3, &random)
  }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in values(index, of: split, easel) }
  }

  /// One person of a sample.
  private struct Actor {
    var shape: BodyShape
    var look: BodyLook
    var motion: BodyMotion
    var place: SIMD2<Float>
    var heading: Float

    func placement(at time: Float) -> BodyPlacement {
      // Walking goes to and fro about the place, so that everybody stays in the picture.
      let ahead = motion.speed * time
      let at = place + SIMD2(sinf(heading), cosf(heading)) * ahead
      return BodyPlacement(shape, motion.angles(at: time), at: at, heading: heading)
    }
  }

  private func actors(_ own: RandomStream) -> [Actor] {
    var random = own.child("people")
    let number = varies ? random.integer(in: 1...people) : people
    var actors: [Actor] = []
    for i in 0..<number {
      var place = SIMD2<Float>(0, 0)
      var most = -Float.infinity
      for _ in 0..<30 {
        let radius = (number == 1 ? 0.35 : 1.3) * random.float(0, 1).squareRoot()
        let angle = random.float(0, 2 * .pi)
        let spot = SIMD2(radius * cosf(angle), radius * sinf(angle))
        let room = actors.map { hypotf($0.place.x - spot.x, $0.place.y - spot.y) }.min() ?? 1
        if room > most { (most, place) = (room, spot) }
        if room > 0.85 { break }
      }
      var body = own.child("body", i)
      actors.append(
        Actor(
          shape: BodyShape(&body), look: BodyLook(&body), motion: BodyMotion(body.pick(BodyAction.allCases), &body),
          place: place, heading: random.float(0, 2 * .pi)))
    }
    return actors
  }

  private func room(_ own: RandomStream, half: Float) -> (bodies: [Body], light: Lighting) {
    var random = own.child("room")
    let floor = WorldStage.surface(&random, strength: 0.6)
    var bodies = [WorldStage.ground(floor)]
    for turn in 0..<4 {
      let angle = Float(turn) * .pi / 2
      let normal = Vec3(cosf(angle), 0, sinf(angle))
      bodies.append(
        WorldStage.wall(
          WorldStage.surface(&random, strength: 0.4, isMuted: false), through: -normal * half, normal: normal))
    }
    let light = WorldStage.lighting(&random, azimuth: random.float(0, 2 * .pi), ground: Look.mean(floor), tint: 0.15)
    return (bodies, light)
  }

  private func values(_ index: Int, of split: Split, _ easel: Easel) -> [SampleValue] {
    let own = stream.child(split.rawValue, index)
    var dice = own.child("rig")
    let rig = self.rig ?? Self.cameras(views, width, height, people, &dice)
    let actors = actors(own)
    let (room, light) = room(own, half: 5.6)
    let renderer = easel.renderer(width, height)
    let joints = BodyJoint.allCases
    var (pictures, people, parts): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
    var (owners, points, pixels): ([Float], [Float], [Float]) = ([], [], [])
    var (visible, detections): ([Float], [Float]) = ([], [])
    for frame in 0..<frames {
      let time = (Float(frame) - Float(frames - 1) / 2) / Float(rate)
      let placements = actors.map { $0.placement(at: time) }
      var bodies: [Body] = []
      for (i, actor) in actors.enumerated() {
        bodies += placements[i].bodies(actor.shape, actor.look, instance: UInt16(i + 1))
        if actor.motion.action == .sit { bodies.append(stool(placements[i], actor)) }
      }
      let scene = Scene(bodies: bodies + room, lighting: light)
      for placement in placements { points += placement.joints.flatMap { [$0.x, $0.y, $0.z] } }
      points += [Float](repeating: 0, count: (self.people - actors.count) * joints.count * 3)
      for (v, camera) in rig.cameras.enumerated() {
        let view = renderer.render(scene, from: camera, [.rgb, .depth, .instances, .classes])
        pictures += view.rgb
        people += view.instances.map { $0 <= 4 ? UInt8($0) : 0 }
        parts += view.classes
        var found: [(owner: Int, values: [Float])] = []
        for (i, placement) in placements.enumerated() {
          let seen = placement.joints.map { camera.project($0) }
          let shown = seen.map {
            view.shows($0.pixel, depth: $0.depth, instance: UInt16(i + 1), thickness: 0.22 * actors[i].shape.girth)
          }
          pixels += seen.flatMap { [$0.pixel.x, $0.pixel.y] }
          visible += shown.map { $0 ? 1 : 0 }
          var noise = own.child("detector", (frame * views + v) * 4 + i)
          let values = detector.detect(
            seen.map(\.pixel), visible: shown, mirror: joints.map(\.mirrored.rawValue), width: width, &noise)
          found.append((values.contains { $0 != 0 } ? i : -1, values))
        }
        let absent = self.people - actors.count
        pixels += [Float](repeating: 0, count: absent * joints.count * 2)
        visible += [Float](repeating: 0, count: absent * joints.count)
        for _ in 0..<absent { found.append((-1, [Float](repeating: 0, count: joints.count * 3))) }
        var order = own.child("order", frame * views + v)
        order.shuffle(&found)
        owners += found.map { Float($0.owner) }
        detections += found.flatMap(\.values)
      }
    }
    let missing = self.people - actors.count
    let bones = actors.flatMap { actor in
      let placement = actor.placement(at: 0)
      return joints.map { joint in joint.parent.map { (placement[joint] - placement[$0]).length } ?? 0 }
    }
    return [
      .bytes(pictures), .reals(detections), .reals(rig.intrinsics), .reals(rig.extrinsics), .reals(owners),
      .reals(points), .reals(pixels), .reals(visible),
      .reals((0..<self.people).map { $0 < actors.count ? 1 : 0 }),
      .reals(bones + [Float](repeating: 0, count: missing * joints.count)),
      .integer(actors[0].motion.action.rawValue), .bytes(people), .bytes(parts),
    ]
  }

  /// What somebody sits on.
  private func stool(_ placement: BodyPlacement, _ actor: Actor) -> Body {
    let hips = placement[.pelvis]
    let top = max(0.1, hips.y - 0.1 * actor.shape.height / 1.75 * actor.shape.girth)
    let material = Material.plain(SRGB.linear(Vec3(0.42, 0.3, 0.2)))
    return Body(
      parts: [Part(.cylinder(radius: 0.17, half: top / 2), at: Vec3(0, top / 2, 0))], materials: [material],
      pose: Pose(translation: Vec3(hips.x, 0, hips.z) - placement.pelvis * Vec3(0, 0, 0.03)))
  }
}
