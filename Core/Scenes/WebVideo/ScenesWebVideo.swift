import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-web-video`: long clips of several actions with careless, shifted narration, as they are found on the web.
///
/// What is drawn:
/// - video: `steps` actions at the same table one after the other (verbs as in `scenes-ego-exo`, any but walk, on any
///   of `things` things), `length` frames each, with a pause of 0 to 2 frames between them; one static camera in front,
///   cut to another place with chance 0.3 before every action. The person, the room and the light stay. A share
///   `intro` of the clips begins with frames of a title card (a plain colour). Every clip has the same number of
///   frames: what is left at the end shows the last moment.
/// - narration: for every action one sentence, as a careless doer says it (`slips`: the share with a wrong verb or
///   noun). A share `missing` of the actions is not told; a share `chatter` of the sentences is about something else.
///   It is said at the true middle of the action plus an offset, normal with mean `bias` and deviation `spread`
///   seconds: the columns tell when it is said, the labels what it truly belongs to.
/// - weak label: `topic`, the noun of most actions; the column `tag` is it in words, wrong with chance `mistag`.
/// - recording: noise of `noise` levels, different per clip (0 to twice that).
///
/// Options (defaults): `size` 16...128 (32); `steps` 1...8 (4); `length` 3...32 frames (6); `rate` (4 Hz); `things`
/// 2...8 (4); `slips` 0...1 (0.2); `missing` 0...1 (0.2); `chatter` 0...1 (0.2); `bias` -20...20 s (1); `spread`
/// 0...20 s (1.5); `intro` 0...1 (0.3); `mistag` 0...1 (0.2); `noise` 0...60 (4); `train` (1500), `validation` (100),
/// `test` (300).
///
/// Columns (S steps, T = S * (`length` + 2) + 4 frames): `video` T pictures; `sentence_0` ... `sentence_{S-1}`, in
/// the order in which they are said, empty for none; `said` [S], seconds (-1 for none); `tag`; labels `belongs` [S],
/// the number of the action that a sentence is about (-1 for chatter or none); `offset` [S], seconds from the middle
/// of that action to the sentence (0 without one); `right` [S] (1 if neither verb nor noun is wrong); `spans` [S, 2],
/// first and last second of every action; `verbs` [S], `nouns` [S]; `topic`.
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesWebVideo: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-web-video", title: "Procedural long clips with misaligned narration of known alignment",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1

  public let spec: DataSpec
  public let size, steps, length: Int
  /// Frames of a clip.
  public let frames: Int
  private let rate: Float
  private let things: Int
  private let slips, missing, chatter, intro, mistag: Double
  private let bias, spread, noise: Float
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 16...128, default: 32)
    steps = try options.int("steps", in: 1...8, default: 4)
    length = try options.int("length", in: 3...32, default: 6)
    rate = Float(try options.double("rate", in: 1...60, default: 4))
    things = try options.int("things", in: 2...8, default: 4)
    slips = try options.double("slips", in: 0...1, default: 0.2)
    missing = try options.double("missing", in: 0...1, default: 0.2)
    chatter = try options.double("chatter", in: 0...1, default: 0.2)
    bias = Float(try options.double("bias", in: -20...20, default: 1))
    spread = Float(try options.double("spread", in: 0...20, default: 1.5))
    intro = try options.double("intro", in: 0...1, default: 0.3)
    mistag = try options.double("mistag", in: 0...1, default: 0.2)
    noise = Float(try options.double("noise", in: 0...60, default: 4))
    let sizes = try splitSizes(&options, train: 1500, validation: 100, test: 300)
    frames = steps * (length + 2) + 4
    stream = RandomStream(seed: root.seed).child("scenes-web-video")
    description =
      "seed=\(root.seed) size=\(size) steps=\(steps) length=\(length) rate=\(rate) things=\(things) slips=\(slips) "
      + "missing=\(missing) chatter=\(chatter) bias=\(bias) spread=\(spread) intro=\(intro) mistag=\(mistag) "
      + "noise=\(noise)"
    let row = FieldKind.real(shape: [steps], unit: "1")
    let time = FieldKind.real(shape: [steps], unit: "s")
    let video = FieldKind.frames(count: frames, height: size, width: size, channels: 3)
    var fields = [FieldSpec("video", video, isLabel: false)]
    for step in 0..<steps { fields.append(FieldSpec("sentence_\(step)", .text, isLabel: false)) }
    fields += [
      FieldSpec("said", time, isLabel: false), FieldSpec("tag", .text, isLabel: false),
      FieldSpec("belongs", row, isLabel: true), FieldSpec("offset", time, isLabel: true),
      FieldSpec("right", row, isLabel: true),
      FieldSpec("spans", .real(shape: [steps, 2], unit: "s"), isLabel: true), FieldSpec("verbs", row, isLabel: true),
      FieldSpec("nouns", row, isLabel: true),
      FieldSpec("topic", .category(classes: TableNoun.allCases.map(\.name)), isLabel: true),
    ]
    spec = DataSpec(fields: fields, sizes: sizes)
  }

  public var fingerprint: String { "scenes-web-video/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in values(stream.child(split.rawValue, index), easel) }
  }

  /// One action of a clip.
  private struct Step {
    var script: TableScript
    var camera: Camera
    var first: Int
    /// Seconds.
    var begin, end: Float
  }

  private func values(_ own: RandomStream, _ easel: Easel) -> [SampleValue] {
    let world = TableWorld(
      person: own.child("person"), own, count: things, rarity: 0, first: TableNoun.allCases)
    var random = own.child("plan")
    let lead = random.bernoulli(intro) ? random.integer(in: 1...4) : 0
    let plan = steps(world, lead, &random)
    let video = video(world, plan, lead, own, easel)
    let talk = narrate(world, plan, own)
    let topic = plan.map { world.things[$0.script.target].noun }
    // The most frequent noun, the first of equals.
    let counts = topic.map { noun in topic.count { $0 == noun } }
    let main = topic[counts.firstIndex(of: counts.max() ?? 0) ?? 0]
    var tag = main
    if random.bernoulli(mistag) { tag = random.pick(TableNoun.allCases.filter { $0 != main }) }
    var values: [SampleValue] = [.bytes(video)]
    values += talk.map { .text($0.text) }
    values += [
      .reals(talk.map(\.said)), .text(tag.name), .reals(talk.map { Float($0.belongs) }), .reals(talk.map(\.offset)),
      .reals(talk.map { $0.isRight ? 1 : 0 }), .reals(plan.flatMap { [$0.begin, $0.end] }),
      .reals(plan.map { Float($0.script.verb.rawValue) }), .reals(topic.map { Float($0.rawValue) }),
      .integer(main.rawValue),
    ]
    return values
  }

  private func steps(_ world: TableWorld, _ lead: Int, _ random: inout RandomStream) -> [Step] {
    func camera(_ random: inout RandomStream) -> Camera {
      WorldRig.ring(
        1, width: size, height: size, fieldOfView: 0.84, target: Vec3(0, 1, -0.2), distance: 1.9...2.4,
        heights: 1.25...1.9, from: .pi / 2 + random.float(-1.2, 1.2), jitter: 0, &random
      ).cameras[0]
    }
    var (plan, at, view) = ([Step](), lead, camera(&random))
    for _ in 0..<steps {
      let verb = random.pick(TableVerb.allCases.filter { $0 != .walk })
      let fitting = world.things.indices.filter { verb.nouns.contains(world.things[$0].noun) }
      let target = fitting.isEmpty ? random.integer(below: things) : random.pick(fitting)
      let rest = world.things.indices.filter { $0 != target }
      let partners = rest.filter { verb.others.contains(world.things[$0].noun) }
      let isPossible = !fitting.isEmpty && (!verb.hasOther || !partners.isEmpty)
      let other = random.pick(partners.isEmpty ? rest : partners)
      let script = TableScript(
        isPossible ? verb : .lift, target: target, other: other,
        isLeft: world.things[target].rest.translation.x > 0, skill: random.integer(below: 4), &random)
      if random.bernoulli(0.3) { view = camera(&random) }
      plan.append(
        Step(script: script, camera: view, first: at, begin: Float(at) / rate, end: Float(at + length) / rate))
      at += length + random.integer(below: 3)
    }
    return plan
  }

  private func video(_ world: TableWorld, _ plan: [Step], _ lead: Int, _ own: RandomStream, _ easel: Easel) -> [UInt8] {
    var random = own.child("recording")
    let card = (0..<3).map { _ in UInt8(random.integer(below: 256)) }
    let level = noise * random.float(0, 2)
    let renderer = easel.renderer(size, size)
    var video: [UInt8] = []
    var (last, key) = ([UInt8](), -1)
    for frame in 0..<frames {
      var picture: [UInt8]
      if frame < lead {
        picture = (0..<size * size).flatMap { _ in card }
      } else {
        let step = plan.lastIndex { $0.first <= frame } ?? 0
        let now = min(frame - plan[step].first, length - 1)
        if key != step * 1000 + now {
          let snapshot = world.snapshot(
            plan[step].script, Float(now) / Float(length - 1), seconds: Float(length) / rate)
          let scene = Scene(bodies: snapshot.bodies, lighting: world.lighting)
          last = renderer.render(scene, from: plan[step].camera, [.rgb]).rgb
          key = step * 1000 + now
        }
        picture = last
      }
      WorldNoise.add(to: &picture, deviation: level, own.child("noise", frame))
      video += picture
    }
    return video
  }

  private struct Sentence {
    var text: String
    var said: Float
    var belongs: Int
    var offset: Float
    var isRight: Bool
  }

  /// What is said, in the order in which it is said; silence comes last.
  private func narrate(_ world: TableWorld, _ plan: [Step], _ own: RandomStream) -> [Sentence] {
    var random = own.child("words")
    let end = Float(frames) / rate
    var talk: [Sentence] = []
    for (i, step) in plan.enumerated() where !random.bernoulli(missing) {
      let middle = (step.begin + step.end) / 2
      // Nothing can be said before the clip begins or after it ends.
      let said = min(max(middle + bias + spread * random.gaussian(), 0), end)
      if random.bernoulli(chatter) {
        talk.append(
          Sentence(text: random.pick(TableSpeech.chatter), said: said, belongs: -1, offset: 0, isRight: false))
      } else {
        let noun = world.things[step.script.target].noun
        let (text, isSlip) = TableSpeech.transcript(step.script.verb, noun, slips: slips, &random)
        talk.append(Sentence(text: text, said: said, belongs: i, offset: said - middle, isRight: !isSlip))
      }
    }
    talk.sort { ($0.said, $0.belongs) < ($1.said, $1.belongs) }
    while talk.count < steps { talk.append(Sentence(text: "", said: -1, belongs: -1, offset: 0, isRight: false)) }
    return talk
  }
}
