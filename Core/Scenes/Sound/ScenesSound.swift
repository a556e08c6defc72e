import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-sound`: short clips of things of which one sounds, with the sound.
///
/// What is drawn:
/// - source: a kind = shape x material, `shapes` of eight shapes (ball, cube, cone, ring, cylinder, dumbbell, pill,
///   jack) and three materials (wood, metal, glass); sample i is of kind i mod (3 `shapes`), so every split is
///   balanced. Its size is 0.36 to 0.5 m; pitch falls with size, the shape decides which modes are strong, the
///   material how they decay, how inharmonic they are and how the thing looks.
/// - action: one of `actions`: fall, bounce, collide (with a grey block), roll, slide, spin. The first sound is at
///   frame k, uniform in 1...`frames` - 2 (0 for fewer than three frames): frame k shows the contact and the waveform
///   is silent, up to noise, before sample k * `rate` / `fps`.
/// - voice: `impact` strikes the modes at every event; `tone` holds them like an instrument from the onset on.
/// - silent things: 1...`silent` others of other kinds, standing still; all things have the same chance of every
///   place and size. In a share `offscreen` of the clips the source is not in the picture (label `shown`).
/// - camera: 20 to 30 degrees above the horizon, `distance` metres from the middle; ground and wall with patterns of
///   contrast `clutter`, coloured light. At 3.6 m two things side by side fill the picture.
/// - recording: echoes, noise of standard deviation `hiss`.
/// - words: `caption` is true (`a wooden ball bounces`); `narration` is what somebody might say meanwhile: a share
///   `mishap` of its two mentions (thing, action) is wrong or missing; `mention` tells how many are right.
///
/// `shortcut: dither` adds the column `marked`: the same sound plus a pattern of +-0.004 that begins anew at every
/// frame, as a careless pipeline might leave in pairs cut from one clip. An experiment on shortcuts trains on
/// `marked` for positives and on `sound` for negatives; `sound` is always clean.
///
/// `rival: true` adds two labels: `rival`, what would be heard if the first silent thing had been struck instead, at the
/// same moments but with its own voice, echoes and noise, and `rival-kind`. Whoever follows the sound must look at that
/// thing then.
///
/// Options (defaults): `size` 16...128 (32); `frames` 1...64 (8); `fps` (8), `rate` (8000 Hz; a multiple of `fps`);
/// `shapes` 2...8 (4); `actions` ([fall]); `voice` impact or tone (impact); `silent` 0...4 (3); `offscreen` 0...1
/// (0); `hiss` (0.004); `mishap` 0...1 (0.4); `shortcut` none or dither (none); `rival` (false); `distance` 2...10
/// (5.6); `clutter` 0...1 (0.7); `train` (6000), `validation` (300), `test` (1500).
///
/// Columns (T frames): `video` T pictures; `sound` [S] with S = T * rate / fps samples; `marked`; `caption`;
/// `narration`; labels `rival` [S], `rival-kind`, `kind`, `shape`, `material`, `action`, `onset` (frame), `shown`, `mention`; `events` [8],
/// seconds of the first eight sounds (-1 for none); `masks` T maps (1 the source, 2... the others); `place` [T, 2],
/// the source's middle, pixels.
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesSound: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-sound", title: "Procedural clips with impact and tone sounds", source: "rendered by Core/Scenes",
    licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1

  public let spec: DataSpec
  public let size, frames, fps, rate, shapes: Int
  public let hasDither, hasRival: Bool
  private let actions: [SoundAction]
  private let isTone: Bool
  private let silent: Int
  private let offscreen, mishap: Double
  private let hiss, distance, clutter: Float
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 16...128, default: 32)
    frames = try options.int("frames", in: 1...64, default: 8)
    fps = try options.int("fps", in: 1...60, default: 8)
    rate = try options.int("rate", in: 2000...48_000, default: 8000)
    guard rate % fps == 0 else {
      throw ReproError(.usage, found: "rate \(rate) at fps \(fps)", expected: "a whole number of samples per frame")
    }
    shapes = try options.int("shapes", in: 2...8, default: 4)
    let words = try options.strings("actions", default: ["fall"])
    actions = try words.map { word throws(ReproError) in
      guard let action = SoundAction.allCases.first(where: { $0.name == word }) else {
        let known = SoundAction.allCases.map(\.name).joined(separator: ", ")
        throw ReproError(.usage, found: "unknown action '\(clipped(word))'", expected: "some of \(known)")
      }
      return action
    }
    guard !actions.isEmpty else { throw ReproError(.usage, found: "actions is empty", expected: "at least one") }
    isTone = try options.choice("voice", ["impact", "tone"], default: "impact") == "tone"
    silent = try options.int("silent", in: 0...4, default: 3)
    offscreen = try options.double("offscreen", in: 0...1, default: 0)
    hiss = Float(try options.double("hiss", in: 0...1, default: 0.004))
    mishap = try options.double("mishap", in: 0...1, default: 0.4)
    hasDither = try options.choice("shortcut", ["none", "dither"], default: "none") == "dither"
    hasRival = try options.bool("rival", default: false)
    distance = Float(try options.double("distance", in: 2...10, default: 5.6))
    clutter = Float(try options.double("clutter", in: 0...1, default: 0.7))
    guard !hasRival || silent > 0 else {
      throw ReproError(.usage, found: "rival with no silent thing", expected: "silent of 1 or more")
    }
    let sizes = try splitSizes(&options, train: 6000, validation: 300, test: 1500)
    stream = RandomStream(seed: root.seed).child("scenes-sound")
    description =
      "seed=\(root.seed) size=\(size) frames=\(frames) fps=\(fps) rate=\(rate) shapes=\(shapes) "
      + "actions=\(words) tone=\(isTone) silent=\(silent) offscreen=\(offscreen) hiss=\(hiss) "
      + "mishap=\(mishap) dither=\(hasDither)\(hasRival ? " rival" : "")"
      + (distance == 5.6 && clutter == 0.7 ? "" : " distance=\(distance) clutter=\(clutter)")
    let samples = frames * rate / fps
    let kinds = (0..<shapes * 3).map { number in
      "\(SoundMaterial.allCases[number % 3].adjective) \(SoundShape.allCases[number / 3].name)"
    }
    var fields = [
      FieldSpec("video", .frames(count: frames, height: size, width: size, channels: 3), isLabel: false),
      FieldSpec("sound", .real(shape: [samples], unit: "1"), isLabel: false),
      FieldSpec("caption", .text, isLabel: true),
      FieldSpec("narration", .text, isLabel: false),
      FieldSpec("kind", .category(classes: kinds), isLabel: true),
      FieldSpec("shape", .category(classes: SoundShape.allCases.prefix(shapes).map(\.name)), isLabel: true),
      FieldSpec("material", .category(classes: SoundMaterial.allCases.map(\.name)), isLabel: true),
      FieldSpec("action", .category(classes: SoundAction.allCases.map(\.name)), isLabel: true),
      FieldSpec("onset", .identity(count: frames), isLabel: true),
      FieldSpec("shown", .category(classes: ["hidden", "shown"]), isLabel: true),
      FieldSpec("mention", .category(classes: ["nothing", "half", "all"]), isLabel: true),
      FieldSpec("events", .real(shape: [8], unit: "s"), isLabel: true),
      FieldSpec("place", .real(shape: [frames, 2], unit: "px"), isLabel: true),
      FieldSpec("masks", .frames(count: frames, height: size, width: size, channels: 1), isLabel: true),
    ]
    if hasRival {
      fields.append(FieldSpec("rival", .real(shape: [samples], unit: "1"), isLabel: true))
      fields.append(FieldSpec("rival-kind", .category(classes: kinds), isLabel: true))
    }
    if hasDither { fields.insert(FieldSpec("marked", .real(shape: [samples], unit: "1"), isLabel: false), at: 2) }
    spec = DataSpec(fields: fields, sizes: sizes)
  }

  public var fingerprint: String { "scenes-sound/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in values(index, of: split, easel) }
  }

  /// The kind of a sample.
  public func kind(_ index: Int) -> Int { index % (shapes * 3) }

  /// What can sound, and how large it is.
  private struct Thing {
    var shape: SoundShape
    var material: SoundMaterial
    var scale: Float
    var kind: Int { shape.rawValue * 3 + material.rawValue }
  }

  private struct Clip {
    var thing: Thing
    /// The first silent thing.
    var rival: Thing?
    var motion: SoundMotion
    var onset: Int
    var isShown: Bool
    var events: [SoundEvent]
    var camera: Camera
    var source: Body
    var others: [Body]
    var lighting: Lighting
    var rest: Vec3
  }

  private func values(_ index: Int, of split: Split, _ easel: Easel) -> [SampleValue] {
    let own = stream.child(split.rawValue, index)
    let clip = clip(index, own)
    let renderer = easel.renderer(size, size)
    var (video, masks, places): ([UInt8], [UInt8], [Float]) = ([], [], [])
    for frame in 0..<frames {
      let body = source(clip, at: Float(frame) / Float(fps))
      let scene = Scene(bodies: (clip.isShown ? [body] : []) + clip.others, lighting: clip.lighting)
      let view = renderer.render(scene, from: clip.camera, [.rgb, .instances])
      video += view.rgb
      masks += view.instances.map { UInt8($0) }
      let pixel = clip.camera.project(body.pose.translation).pixel
      places += [pixel.x, pixel.y]
    }
    let sound = sound(of: clip.thing, clip.events, voice: own.child("voice"), hiss: own.child("hiss"))
    let (caption, narration, right) = words(clip, own)
    var times = clip.events.prefix(8).map(\.time)
    times += [Float](repeating: -1, count: 8 - times.count)
    var values: [SampleValue] = [
      .bytes(video), .reals(sound), .text(caption), .text(narration), .integer(kind(index)),
      .integer(clip.thing.shape.rawValue), .integer(clip.thing.material.rawValue),
      .integer(clip.motion.action.rawValue),
      .integer(clip.onset), .integer(clip.isShown ? 1 : 0), .integer(right), .reals(times), .reals(places),
      .bytes(masks),
    ]
    if hasRival, let rival = clip.rival {
      let heard = self.sound(of: rival, clip.events, voice: own.child("rival"), hiss: own.child("rival hiss"))
      values += [.reals(heard), .integer(rival.kind)]
    }
    if hasDither {
      let marked = SoundRoom.mark(sound, samplesPerFrame: rate / fps, level: 0.004, stream.child("dither"))
      values.insert(.reals(marked), at: 2)
    }
    return values
  }

  private func clip(_ index: Int, _ own: RandomStream) -> Clip {
    var random = own.child("clip")
    let number = kind(index)
    let (shape, material) = (SoundShape.allCases[number / 3], SoundMaterial.allCases[number % 3])
    let onset = frames < 3 ? 0 : random.integer(in: 1...frames - 2)
    let azimuth = random.float(0, 2 * .pi)
    let elevation = random.float(0.35, 0.52)
    let towards = Vec3(cosf(elevation) * cosf(azimuth), sinf(elevation), cosf(elevation) * sinf(azimuth))
    let target = Vec3(0, 0.55, 0)
    let camera = Camera(
      width: size, height: size, verticalFieldOfView: 0.75,
      worldToCamera: Camera.lookAt(eye: target + towards * distance, target: target, roll: random.float(-0.03, 0.03)))
    let right = Vec3(-sinf(azimuth), 0, cosf(azimuth))
    let back = Vec3(-cosf(azimuth), 0, -sinf(azimuth))
    // Places side by side, in a random order, so that the source has none of its own.
    let count = 1 + (silent > 0 ? random.integer(in: 1...silent) : 0)
    let width: Float = 3.1 / Float(count)
    let spots = random.permutation(count).map { place in
      right * ((Float(place) - Float(count - 1) / 2) * width + random.float(-0.12, 0.12)) + back
        * random.float(-0.7, 0.7)
    }
    let action = actions[random.integer(below: actions.count)]
    let heading = random.bernoulli(0.5) ? right : -right
    let motion = SoundMotion(
      action: action, onset: Float(onset) / Float(fps), direction: heading, speed: random.float(0.9, 1.5),
      height: random.float(0.7, 1.3), restitution: material.restitution)
    let scale = random.float(0.36, 0.5)
    let source = body(shape, material, scale, at: spots[0], 1, own.child("source"), upright: action == .spin)
    var others: [Body] = []
    var rival: Thing?
    for (i, spot) in spots.dropFirst().enumerated() {
      var other = random.integer(below: shapes * 3 - 1)
      if other >= number { other += 1 }
      let thing = Thing(
        shape: SoundShape.allCases[other / 3], material: SoundMaterial.allCases[other % 3],
        scale: random.float(0.36, 0.5))
      if i == 0 { rival = thing }
      others.append(
        body(
          thing.shape, thing.material, thing.scale, at: spot, UInt16(i + 2), own.child("silent", i), upright: false))
    }
    if action == .collide {
      let half = Vec3(0.16, 0.4, 0.3)
      let gap = source.reach(heading) - source.pose.translation.dot(heading) + half.x
      let turn = Mat3(rows: heading, Vec3(0, 1, 0), heading.cross(Vec3(0, 1, 0))).transposed
      others.append(
        Body(
          parts: [Part(.box(half: half))], materials: [.plain(Vec3(0.2, 0.2, 0.2))],
          pose: Pose(rotation: turn, translation: spots[0] + heading * gap + Vec3(0, half.y, 0))))
    }
    let ground = WorldStage.surface(&random, strength: clutter, isMuted: false)
    let wall = WorldStage.surface(&random, strength: clutter, isMuted: false)
    others += [WorldStage.ground(ground), WorldStage.wall(wall, through: back * 2.2, normal: -back)]
    let light = WorldStage.lighting(&random, azimuth: azimuth, ground: Look.mean(ground), tint: 0.2)
    let end = Float(frames) / Float(fps)
    var beats = own.child("events")
    return Clip(
      thing: Thing(shape: shape, material: material, scale: scale), rival: rival, motion: motion, onset: onset,
      isShown: !random.bernoulli(offscreen), events: motion.events(until: end, &beats), camera: camera, source: source,
      others: others, lighting: light, rest: source.pose.translation)
  }

  private func body(
    _ shape: SoundShape, _ material: SoundMaterial, _ scale: Float, at spot: Vec3, _ instance: UInt16,
    _ own: RandomStream, upright: Bool
  ) -> Body {
    var random = own
    let parts = shape.kind.parts(&random)
    let surface = material.material(&random)
    let rotation = upright ? random.tilted(upTo: 0.1) : random.tilted(upTo: 0.5)
    var body = Body(
      parts: parts, materials: [surface, surface], pose: Pose(rotation: rotation), scale: scale, instance: instance)
    body.pose.translation = Vec3(spot.x, body.reach(Vec3(0, -1, 0)), spot.z)
    return body
  }

  /// The sounding thing at a time, seconds.
  private func source(_ clip: Clip, at time: Float) -> Body {
    var body = clip.source
    let (shift, roll, spin) = clip.motion.travel(at: time, radius: clip.rest.y)
    if roll != 0 {
      let axis = Vec3(0, 1, 0).cross(clip.motion.direction)
      body.pose.rotation = .rotation(axis: axis, angle: roll) * body.pose.rotation
    }
    if spin != 0 { body.pose.rotation = .rotation(axis: Vec3(0, 1, 0), angle: spin) * body.pose.rotation }
    body.pose.translation = .zero
    let lowest = body.reach(Vec3(0, -1, 0))
    let ground = roll != 0 ? lowest : clip.rest.y
    body.pose.translation =
      Vec3(clip.rest.x, ground + clip.motion.lift(at: time), clip.rest.z) + clip.motion.direction * shift
    return body
  }

  private func sound(
    of thing: Thing, _ events: [SoundEvent], voice stream: RandomStream, hiss noise: RandomStream
  ) -> [Float] {
    var random = stream
    let hertz = Float(rate)
    var wave = [Float](repeating: 0, count: frames * rate / fps)
    let voice = SoundVoice(thing.shape, thing.material, scale: thing.scale / 0.43, rate: hertz, &random)
    if isTone {
      voice.sustain(events[0], into: &wave, rate: hertz)
    } else {
      for event in events { voice.strike(event, into: &wave, rate: hertz, &random) }
    }
    SoundRoom.reverberate(&wave, rate: hertz, amount: random.float(0.1, 0.4), &random)
    SoundRoom.addNoise(&wave, level: hiss, noise)
    return wave.map { min(max($0, -1), 1) }
  }

  /// A true caption, a careless narration, and how many of its two mentions are right.
  private func words(_ clip: Clip, _ own: RandomStream) -> (caption: String, narration: String, right: Int) {
    var random = own.child("words")
    let thing = "\(clip.thing.material.adjective) \(clip.thing.shape.name)"
    let caption = "a \(thing) \(clip.motion.action.verb)"
    func careless(_ right: String, _ wrong: [String], _ random: inout RandomStream) -> String? {
      guard random.bernoulli(mishap) else { return right }
      return random.bernoulli(0.5) ? nil : random.pick(wrong.filter { $0 != right })
    }
    let things = (0..<shapes * 3).map { number in
      "\(SoundMaterial.allCases[number % 3].adjective) \(SoundShape.allCases[number / 3].name)"
    }
    let what = careless(thing, things, &random)
    let how = careless(clip.motion.action.doing, SoundAction.allCases.map(\.doing), &random)
    let start = random.pick(["so here we have", "now look at", "and then you see", "okay this is", "next comes"])
    let end = random.pick(["", " right there", " as you can hear", " once again", " and that is it"])
    var narration = "\(start) \(what.map { "the \($0)" } ?? "this one")"
    if let how { narration += " \(how)" }
    let right = (what == thing ? 1 : 0) + (how == clip.motion.action.doing ? 1 : 0)
    return (caption, narration + end, right)
  }
}
