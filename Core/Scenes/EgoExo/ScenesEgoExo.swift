import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-ego-exo`: one action at a table, seen by a camera on the head and by cameras in the room, with narration.
///
/// What is drawn:
/// - participant: one of `participants` people per split (train, validation and test never share one): measures,
///   skin, clothes.
/// - things: `things` on the table, of ten nouns (cup, bottle, bowl, box, plate, can, ball, book, funnel, ring) and
///   eight colours; how often a noun comes falls as 1 / k^`rarity`; no two things have the same name.
/// - action: twelve verbs in turn (reach, lift, move, pour, stir, screw, put, turn, push, point, wave, walk), with
///   the thing that suits it, by the nearer hand; it begins in the first 12 % of the clip and ends after 88 % or later.
/// - skill 0...3, uniform: less skill means tremor (up to 1.2 cm), two pauses and a detour (up to 6 cm).
/// - cameras: the worn one sits at the eyes, turns with the head, which follows the hand, and sees 90 degrees,
///   jittered by up to 2 degrees; `exo` static ones stand on an arc of 200 degrees in front, 1.9 to 2.4 m away, drawn
///   for every clip.
/// - words: `narration` is true and plain (`C picks up a red cup`); `transcript` is what the doer might say (`so now
///   we are going to grab the mug here`); in a share `slips` of the clips its noun or verb is wrong (label `slip`).
///
/// Options (defaults): `size` 16...128 (32); `frames` 1...64 (16); `rate` (8 Hz); `exo` 1...4 (1); `things` 2...8
/// (6); `participants` 1...10000 (20); `rarity` 0...3 (0); `slips` 0...1 (0.2); `train` (1200), `validation` (100),
/// `test` (300).
///
/// Columns (T frames, E cameras, J = 17 joints of `BodyJoint`): `ego` T pictures; `exo` T * E pictures, all cameras
/// of a moment side by side; `narration`; `transcript`; `ego_pose` [T, 3, 4], `exo_pose` [E, 3, 4] (from the world
/// into the camera), `intrinsics` [2, 3, 3] (worn, static); labels `verb`, `noun`, `color`, `target` (number of the
/// thing), `skill`, `participant`, `slip`, `joints` [T, J, 3], `wrist` [T, 3] of the acting hand, `ego_masks` and
/// `exo_masks` (1 the person, 2 the handled thing, 3 other things).
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesEgoExo: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-ego-exo", title: "Procedural actions at a table from a worn and from static cameras, narrated",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1

  public let spec: DataSpec
  public let size, frames, exo, participants: Int
  private let rate: Double
  private let things: Int
  private let rarity: Float
  private let slips: Double
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 16...128, default: 32)
    frames = try options.int("frames", in: 1...64, default: 16)
    rate = try options.double("rate", in: 1...60, default: 8)
    exo = try options.int("exo", in: 1...4, default: 1)
    things = try options.int("things", in: 2...8, default: 6)
    participants = try options.int("participants", in: 1...10_000, default: 20)
    rarity = Float(try options.double("rarity", in: 0...3, default: 0))
    slips = try options.double("slips", in: 0...1, default: 0.2)
    let sizes = try splitSizes(&options, train: 1200, validation: 100, test: 300)
    stream = RandomStream(seed: root.seed).child("scenes-ego-exo")
    description =
      "seed=\(root.seed) size=\(size) frames=\(frames) rate=\(rate) exo=\(exo) things=\(things) "
      + "participants=\(participants) rarity=\(rarity) slips=\(slips)"
    let (s, t, e) = (size, frames, exo)
    func pictures(_ count: Int, _ channels: Int) -> FieldKind {
      .frames(count: count, height: s, width: s, channels: channels)
    }
    spec = DataSpec(
      fields: [
        FieldSpec("ego", pictures(t, 3), isLabel: false), FieldSpec("exo", pictures(t * e, 3), isLabel: false),
        FieldSpec("narration", .text, isLabel: false), FieldSpec("transcript", .text, isLabel: false),
        FieldSpec("ego_pose", .real(shape: [t, 3, 4], unit: "m"), isLabel: false),
        FieldSpec("exo_pose", .real(shape: [e, 3, 4], unit: "m"), isLabel: false),
        FieldSpec("intrinsics", .real(shape: [2, 3, 3], unit: "px"), isLabel: false),
        FieldSpec("verb", .category(classes: TableVerb.allCases.map(\.name)), isLabel: true),
        FieldSpec("noun", .category(classes: TableNoun.allCases.map(\.name)), isLabel: true),
        FieldSpec("color", .category(classes: NamedColor.allCases.map(\.name)), isLabel: true),
        FieldSpec("target", .identity(count: things), isLabel: true),
        FieldSpec("skill", .category(classes: ["0", "1", "2", "3"]), isLabel: true),
        FieldSpec("participant", .identity(count: participants * 3), isLabel: true),
        FieldSpec("slip", .category(classes: ["right", "wrong"]), isLabel: true),
        FieldSpec("joints", .real(shape: [t, 17, 3], unit: "m"), isLabel: true),
        FieldSpec("wrist", .real(shape: [t, 3], unit: "m"), isLabel: true),
        FieldSpec("ego_masks", pictures(t, 1), isLabel: true),
        FieldSpec("exo_masks", pictures(t * e, 1), isLabel: true),
      ], sizes: sizes)
  }

  public var fingerprint: String { "scenes-ego-exo/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in values(index, of: split, easel) }
  }

  /// The participant of a sample.
  public func participant(_ index: Int, of split: Split) -> Int {
    let pool = Split.allCases.firstIndex(of: split) ?? 0
    return pool * participants + (index / TableVerb.allCases.count) % participants
  }

  /// The worn camera of a moment: at the eyes, looking where the head looks.
  static func worn(_ eye: Vec3, _ head: Mat3, size: Int, jitter: Vec3) -> Camera {
    let ahead = head * (Vec3(0, -0.45, 1) + jitter * 0.035)
    let up = head * Vec3(0, 1, 0.45)
    return Camera(
      width: size, height: size, verticalFieldOfView: .pi / 2,
      worldToCamera: Camera.lookAt(eye: eye, target: eye + ahead, up: up))
  }

  private func values(_ index: Int, of split: Split, _ easel: Easel) -> [SampleValue] {
    let own = stream.child(split.rawValue, index)
    let verb = TableVerb.allCases[index % TableVerb.allCases.count]
    let who = participant(index, of: split)
    let world = TableWorld(
      person: stream.child("participant", who), own, count: things, rarity: rarity, first: verb.nouns,
      second: verb.others)
    var random = own.child("script")
    let skill = random.integer(below: 4)
    let script = TableScript(
      verb, target: 0, other: 1, isLeft: world.things[0].rest.translation.x > 0, skill: skill, &random)
    // In front of the table and at its sides, 200 degrees in all; a single camera is anywhere among them.
    let side = Float.pi / 2 + (exo == 1 ? random.float(-1.6, 1.6) : -1.75)
    let rig = WorldRig.ring(
      exo, width: size, height: size, fieldOfView: 0.84, target: Vec3(0, 1, -0.2), distance: 1.9...2.4,
      heights: 1.25...1.9, arc: 3.5 * Float(exo) / Float(max(1, exo - 1)), from: side, jitter: 0.1, &random)
    let renderer = easel.renderer(size, size)
    var (ego, outside, egoMasks, exoMasks): ([UInt8], [UInt8], [UInt8], [UInt8]) = ([], [], [], [])
    var (joints, wrists, egoPose): ([Float], [Float], [Float]) = ([], [], [])
    let seconds = Float(frames) / Float(rate)
    func masks(_ view: View) -> [UInt8] { view.instances.map { $0 <= 1 ? UInt8($0) : $0 == 2 ? 2 : 3 } }
    for frame in 0..<frames {
      let time = frames == 1 ? 0.5 : Float(frame) / Float(frames - 1)
      let now = world.snapshot(script, time, seconds: seconds)
      let scene = Scene(bodies: now.bodies, lighting: world.lighting)
      var shake = own.child("shake", frame)
      let worn = Self.worn(now.eye, now.head, size: size, jitter: shake.cube())
      let view = renderer.render(scene, from: worn, [.rgb, .instances])
      ego += view.rgb
      egoMasks += masks(view)
      egoPose += WorldRig(cameras: [worn]).extrinsics
      for camera in rig.cameras {
        let view = renderer.render(scene, from: camera, [.rgb, .instances])
        outside += view.rgb
        exoMasks += masks(view)
      }
      joints += now.body.joints.flatMap { [$0.x, $0.y, $0.z] }
      let wrist = now.body[script.isLeft ? .leftWrist : .rightWrist]
      wrists += [wrist.x, wrist.y, wrist.z]
    }
    let (narration, transcript, isSlip) = words(world, script, own)
    let still = WorldRig(cameras: [rig.cameras[0]]).intrinsics
    let wornK = WorldRig(cameras: [Self.worn(.zero, .identity, size: size, jitter: .zero)]).intrinsics
    return [
      .bytes(ego), .bytes(outside), .text(narration), .text(transcript), .reals(egoPose), .reals(rig.extrinsics),
      .reals(wornK + still), .integer(verb.rawValue), .integer(world.things[0].noun.rawValue),
      .integer(world.things[0].color.rawValue), .integer(0), .integer(skill), .integer(who),
      .integer(isSlip ? 1 : 0), .reals(joints), .reals(wrists), .bytes(egoMasks), .bytes(exoMasks),
    ]
  }

  /// What happens in plain words, and as a careless doer tells it.
  private func words(
    _ world: TableWorld, _ script: TableScript, _ own: RandomStream
  ) -> (narration: String, transcript: String, isSlip: Bool) {
    var random = own.child("words")
    let (thing, other) = (world.things[script.target], world.things[script.other])
    let article = random.bernoulli(0.5) ? "the" : SceneWords.article(thing.color.name)
    let narration = "C " + script.verb.sentence("\(article) \(thing.name)", "the \(other.name)")
    let (speech, isSlip) = TableSpeech.transcript(script.verb, thing.noun, slips: slips, &random)
    return (narration, speech, isSlip)
  }
}
