import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-voices`: talking heads: one spoken word, with the face that speaks it.
///
/// What is drawn:
/// - people: `identities` per split, `clips` clips of each in turn; `shared: true` uses the people of the training
///   split everywhere. Sex, age (3), size and four numbers of timbre move both face and voice (jaw, hair, nose,
///   wrinkles; pitch, formants); skin, iris, breath and vibrato are the face's or the voice's own.
/// - word: one of ten, three vowels each; emotion: one of six, which moves pitch, its range and rise, tempo, brows
///   and the corners of the mouth; both uniform and independent of the person.
/// - face: the mouth opens as the energy of the voice does, frame by frame; corners and brows follow the emotion with
///   an onset of 0.2 s; the head nods and turns by up to `turn` degrees, drawn per clip; light and wall are drawn per
///   clip.
/// - voice: source and filter (`Utterance.wave`), noise of standard deviation `hiss`, and `babble` other voices at
///   `snr` dB.
/// - `still`: a picture of the same person at another time, mouth shut, face at rest, other pose.
///
/// Options (defaults): `size` 24...128 (32); `frames` 2...50 (10) at `fps` 2...50 (10); `rate` (8000 Hz; a multiple
/// of `fps`); `identities` 2...100000 (40); `clips` 1...1000 (5); `shared` (true); `turn` 0...40 degrees (10); `hiss`
/// 0...1 (0.003); `babble` 0...8 (0); `snr` -20...60 dB (10); `train` (6000), `validation` (300), `test` (1000).
///
/// Columns (T frames): `video` T pictures; `still`; `sound` [T * rate / fps]; labels `word`, `emotion`, `identity`,
/// `sex`, `age`, `face` [T, 3] (opening, corners, brows), `pitch` [T], Hz.
///
/// That expression and prosody go together is so by construction. Every sample is a pure function of the options,
/// `DataRoot.seed`, the split and the index.
public struct ScenesVoices: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-voices", title: "Procedural talking heads with synthesised voices", source: "rendered by Core/Scenes",
    licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1

  public let spec: DataSpec
  public let size, frames, fps, rate, identities, clips: Int
  public let isShared: Bool
  private let turn, hiss, snr: Float
  private let babble: Int
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 24...128, default: 32)
    frames = try options.int("frames", in: 2...50, default: 10)
    fps = try options.int("fps", in: 2...50, default: 10)
    rate = try options.int("rate", in: 4000...48_000, default: 8000)
    guard rate % fps == 0 else {
      throw ReproError(.usage, found: "rate \(rate) at fps \(fps)", expected: "a whole number of samples per frame")
    }
    identities = try options.int("identities", in: 2...100_000, default: 40)
    clips = try options.int("clips", in: 1...1000, default: 5)
    isShared = try options.bool("shared", default: true)
    turn = Float(try options.double("turn", in: 0...40, default: 10)) * .pi / 180
    hiss = Float(try options.double("hiss", in: 0...1, default: 0.003))
    babble = try options.int("babble", in: 0...8, default: 0)
    snr = Float(try options.double("snr", in: -20...60, default: 10))
    let sizes = try splitSizes(&options, train: 6000, validation: 300, test: 1000)
    stream = RandomStream(seed: root.seed).child("scenes-voices")
    description =
      "seed=\(root.seed) size=\(size) frames=\(frames) fps=\(fps) rate=\(rate) identities=\(identities) clips=\(clips) "
      + "shared=\(isShared) turn=\(turn) hiss=\(hiss) babble=\(babble) snr=\(snr)"
    let picture = FieldKind.image(height: size, width: size, channels: 3)
    spec = DataSpec(
      fields: [
        FieldSpec("video", .frames(count: frames, height: size, width: size, channels: 3), isLabel: false),
        FieldSpec("still", picture, isLabel: false),
        FieldSpec("sound", .real(shape: [frames * rate / fps], unit: "1"), isLabel: false),
        FieldSpec("word", .category(classes: VoiceWord.names), isLabel: true),
        FieldSpec("emotion", .category(classes: VoiceEmotion.allCases.map(\.name)), isLabel: true),
        FieldSpec("identity", .identity(count: identities * 3), isLabel: true),
        FieldSpec("sex", .category(classes: ["female", "male"]), isLabel: true),
        FieldSpec("age", .category(classes: ["young", "grown", "old"]), isLabel: true),
        FieldSpec("face", .real(shape: [frames, 3], unit: "1"), isLabel: true),
        FieldSpec("pitch", .real(shape: [frames], unit: "Hz"), isLabel: true),
      ], sizes: sizes)
  }

  public var fingerprint: String { "scenes-voices/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in values(index, of: split, easel) }
  }

  /// Who speaks in a sample.
  public func identity(_ index: Int, of split: Split) -> Int {
    let pool = isShared ? 0 : Split.allCases.firstIndex(of: split) ?? 0
    return pool * identities + index / clips % identities
  }

  func person(_ number: Int) -> VoicePerson {
    var random = stream.child("person", number)
    return VoicePerson(&random)
  }

  private func values(_ index: Int, of split: Split, _ easel: Easel) -> [SampleValue] {
    let own = stream.child(split.rawValue, index)
    let number = identity(index, of: split)
    let person = person(number)
    var random = own.child("clip")
    let word = random.integer(below: VoiceWord.vowels.count)
    let emotion = VoiceEmotion.allCases[random.integer(below: VoiceEmotion.allCases.count)]
    let seconds = Float(frames) / Float(fps)
    let utterance = Utterance(VoiceWord.vowels[word], emotion, seconds: seconds, &random)
    let sway = (random.float(-turn, turn), random.float(-turn, turn) * 0.6, random.float(0, 2 * .pi))
    var (video, face, pitch): ([UInt8], [Float], [Float]) = ([], [], [])
    for frame in 0..<frames {
      let time = (Float(frame) + 0.5) / Float(fps)
      let rise = min(1, 0.4 + time / 0.2 * 0.6)
      let expression = FaceExpression(
        opening: utterance.opening(time), corners: emotion.face.corners * rise, brows: emotion.face.brows * rise,
        wrinkles: person.age == 2 ? 1 : person.age == 1 ? 0.3 : 0)
      let drift = sinf(2 * .pi * 0.8 * time + sway.2)
      let pose = (sway.0 + 0.15 * turn * drift, sway.1 + 0.2 * turn * drift)
      video += picture(person, expression, pose, own.child("stage"), easel)
      face += [expression.opening, expression.corners, expression.brows]
      pitch.append(person.pitch * utterance.pitch(time))
    }
    let rest = FaceExpression(wrinkles: person.age == 2 ? 1 : person.age == 1 ? 0.3 : 0.01)
    let other = (random.float(-turn, turn), random.float(-turn, turn) * 0.6)
    let still = picture(person, rest, other, own.child("other stage"), easel)
    return [
      .bytes(video), .bytes(still), .reals(sound(utterance, person, seconds, own)), .integer(word),
      .integer(emotion.rawValue), .integer(number), .integer(person.sex), .integer(person.age), .reals(face),
      .reals(pitch),
    ]
  }

  private func picture(
    _ person: VoicePerson, _ expression: FaceExpression, _ pose: (yaw: Float, pitch: Float), _ stage: RandomStream,
    _ easel: Easel
  ) -> [UInt8] {
    var random = stage
    let head = Pose(
      rotation: .rotation(axis: Vec3(0, 1, 0), angle: pose.yaw) * .rotation(axis: Vec3(1, 0, 0), angle: pose.pitch))
    var wall = WorldStage.surface(&random, strength: 0.5, isMuted: false)
    wall.frame = random.float(2, 4) * wall.frame
    let shirt = SRGB.linear(Look.color(hue: random.float(0, 1), saturation: 0.5, value: random.float(0.3, 0.8)))
    let back = WorldStage.wall(wall, through: Vec3(0, 0, -0.5), normal: Vec3(0, 0, 1))
    var light = WorldStage.lighting(&random, azimuth: .pi / 2, ground: Vec3(0.4, 0.4, 0.4), tint: 0.15)
    light.key.spread = 0.04
    let ahead = head.rotation.transposed * Vec3(0, 0, 1)
    let gaze = (ahead * 0.4 + Vec3(0, 0, 0.6)).normalized
    let scene = Scene(
      bodies: person.head.bodies(head, gaze: gaze, expression: expression) + person.head.trunk(at: .zero, shirt: shirt)
        + [back], lighting: light)
    let target = Vec3(0, -0.012, 0.04)
    let camera = Camera(
      width: size, height: size, verticalFieldOfView: 0.37,
      worldToCamera: Camera.lookAt(eye: target + Vec3(0, 0, 0.62), target: target))
    return easel.renderer(size, size).render(scene, from: camera, [.rgb]).rgb
  }

  private func sound(
    _ utterance: Utterance, _ person: VoicePerson, _ seconds: Float, _ own: RandomStream
  ) -> [Float] {
    var wave = utterance.wave(person, rate: Float(rate), own.child("breath"))
    if babble > 0 {
      var noise = [Float](repeating: 0, count: wave.count)
      for voice in 0..<babble {
        var random = own.child("babble", voice)
        let other = VoicePerson(&random)
        let word = VoiceWord.vowels[random.integer(below: VoiceWord.vowels.count)]
        let said = Utterance(word, random.pick(VoiceEmotion.allCases), seconds: seconds, &random)
        let wave = said.wave(other, rate: Float(rate), random.child("breath"))
        for i in noise.indices { noise[i] += wave[i] }
      }
      func power(_ x: [Float]) -> Float { max(x.reduce(0) { $0 + $1 * $1 }, 1e-12) }
      let gain = (power(wave) / power(noise) / powf(10, snr / 10)).squareRoot()
      for i in wave.indices { wave[i] += gain * noise[i] }
    }
    SoundRoom.addNoise(&wave, level: hiss, own.child("hiss"))
    return wave.map { min(max($0, -1), 1) }
  }
}
