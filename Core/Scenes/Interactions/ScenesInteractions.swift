import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-interactions`: long quiet clips in which now and then something audibly changes its state.
///
/// What is drawn:
/// - table: six things (vase, button, glass, ball, box, blocks) side by side in a random order, each in one of its
///   two states with equal chance (the vase is whole with chance 0.7), in any colour: a single frame tells states,
///   not events.
/// - events: one, or two with chance 0.5, per clip, at least `gap` seconds apart and as far from both ends, at any frame: sample i
///   first changes device i mod 6 (another one if its vase is broken). A change takes 0.4 s around its event; it lasts.
/// - sound: every device and direction has its own (opening is not closing, filling not emptying); it begins with the
///   event; hum of 50 and 100 Hz, noise of standard deviation `hiss`.
/// - camera: jitters by up to `jitter` degrees from frame to frame.
///
/// Options (defaults): `size` 16...128 (32); `frames` 8...200 (40) at `fps` 2...50 (10); `rate` (8000 Hz; a multiple
/// of `fps`); `gap` 0.3...10 s (1.2); `hiss` 0...1 (0.004); `jitter` 0...5 degrees (0.4); `train` (3000),
/// `validation` (200), `test` (500).
///
/// Columns (T frames): `video` T pictures; `sound` [T * rate / fps]; labels `verb` of the first event; `events` [2,
/// 3] (second, device, 1 forward or 0 back; -1 without a second event); `states` [T, 6], 0...1; `masks` T maps
/// (device + 1).
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesInteractions: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-interactions", title: "Procedural clips of audible changes of state", source: "rendered by Core/Scenes",
    licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1
  /// Seconds that a change takes.
  static let change: Float = 0.4

  public let spec: DataSpec
  public let size, frames, fps, rate: Int
  private let gap, hiss, jitter: Float
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 16...128, default: 32)
    frames = try options.int("frames", in: 8...200, default: 40)
    fps = try options.int("fps", in: 2...50, default: 10)
    rate = try options.int("rate", in: 2000...48_000, default: 8000)
    guard rate % fps == 0 else {
      throw ReproError(.usage, found: "rate \(rate) at fps \(fps)", expected: "a whole number of samples per frame")
    }
    gap = Float(try options.double("gap", in: 0.3...10, default: 1.2))
    guard 2 * gap < Float(frames) / Float(fps) else {
      throw ReproError(
        .usage, found: "gap \(gap) s in a clip of \(Float(frames) / Float(fps)) s", expected: "less than half of it")
    }
    hiss = Float(try options.double("hiss", in: 0...1, default: 0.004))
    jitter = Float(try options.double("jitter", in: 0...5, default: 0.4)) * .pi / 180
    let sizes = try splitSizes(&options, train: 3000, validation: 200, test: 500)
    stream = RandomStream(seed: root.seed).child("scenes-interactions")
    description =
      "seed=\(root.seed) size=\(size) frames=\(frames) fps=\(fps) rate=\(rate) gap=\(gap) hiss=\(hiss) jitter=\(jitter)"
    spec = DataSpec(
      fields: [
        FieldSpec("video", .frames(count: frames, height: size, width: size, channels: 3), isLabel: false),
        FieldSpec("sound", .real(shape: [frames * rate / fps], unit: "1"), isLabel: false),
        FieldSpec("verb", .category(classes: Device.allCases.map(\.verb)), isLabel: true),
        FieldSpec("events", .real(shape: [2, 3], unit: "1"), isLabel: true),
        FieldSpec("states", .real(shape: [frames, 6], unit: "1"), isLabel: true),
        FieldSpec("masks", .frames(count: frames, height: size, width: size, channels: 1), isLabel: true),
      ], sizes: sizes)
  }

  public var fingerprint: String { "scenes-interactions/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in
      values(index, stream.child(split.rawValue, index), easel)
    }
  }

  private struct Event {
    var time: Float
    var device: Device
    var isForward: Bool
  }

  private func values(_ index: Int, _ own: RandomStream, _ easel: Easel) -> [SampleValue] {
    var random = own.child("plan")
    var states = Device.allCases.map { device in random.bernoulli(device == .vase ? 0.3 : 0.5) ? Float(1) : 0 }
    let start = states
    var events: [Event] = []
    let end = Float(frames) / Float(fps)
    for time in times(&random, end) {
      var device = events.isEmpty ? Device.allCases[index % 6] : random.pick(Device.allCases)
      while !device.isReversible && states[device.rawValue] == 1 { device = random.pick(Device.allCases) }
      events.append(Event(time: time, device: device, isForward: states[device.rawValue] == 0))
      states[device.rawValue] = 1 - states[device.rawValue]
    }
    /// The state of every device at a time: an event is half done at its own time.
    func state(_ time: Float) -> [Float] {
      var now = start
      for event in events {
        let t = min(max((time - event.time) / Self.change + 0.5, 0), 1)
        let target: Float = event.isForward ? 1 : 0
        now[event.device.rawValue] += (target - now[event.device.rawValue]) * TableScript.ease(t)
      }
      return now
    }
    let stage = stage(own)
    let renderer = easel.renderer(size, size)
    var (video, masks, course): ([UInt8], [UInt8], [Float]) = ([], [], [])
    for frame in 0..<frames {
      let now = state(Float(frame) / Float(fps))
      var shake = own.child("shake", frame)
      var bodies = stage.room
      for device in Device.allCases {
        let i = device.rawValue
        bodies += device.bodies(
          at: stage.places[i], state: now[i], color: stage.colors[i], instance: UInt16(i + 1))
      }
      let target = stage.target + shake.cube() * (tanf(jitter) * 4)
      let camera = Camera(
        width: size, height: size, verticalFieldOfView: 0.54,
        worldToCamera: Camera.lookAt(eye: stage.eye, target: target))
      let view = renderer.render(Scene(bodies: bodies, lighting: stage.light), from: camera, [.rgb, .instances])
      video += view.rgb
      masks += view.instances.map { UInt8($0) }
      course += now
    }
    var table: [Float] = events.flatMap { event -> [Float] in
      [event.time, Float(event.device.rawValue), event.isForward ? 1 : 0]
    }
    table += [Float](repeating: -1, count: 6 - table.count)
    return [
      .bytes(video), .reals(sound(events, own)), .integer(events[0].device.rawValue), .reals(table), .reals(course),
      .bytes(masks),
    ]
  }

  /// Event times on the frames' grid.
  private func times(_ random: inout RandomStream, _ end: Float) -> [Float] {
    let apart = Int((gap * Float(fps)).rounded(.up))
    let (first, last) = (apart, max(apart, frames - apart))
    guard random.bernoulli(0.5), last - first >= apart else {
      return [Float(random.integer(in: first...last)) / Float(fps)]
    }
    let one = random.integer(in: first...last - apart)
    return [one, random.integer(in: one + apart...last)].map { Float($0) / Float(fps) }
  }

  private func stage(
    _ own: RandomStream
  ) -> (room: [Body], light: Lighting, places: [Vec3], colors: [Vec3], eye: Vec3, target: Vec3) {
    var random = own.child("stage")
    let order = random.permutation(6)
    // Two rows of three.
    let places = (0..<6).map { i in
      let slot = order[i]
      return Vec3(
        Float(slot % 3 - 1) * 0.86 + random.float(-0.08, 0.08), 0,
        (slot / 3 == 0 ? -0.42 : 0.42) + random.float(-0.08, 0.08))
    }
    let colors = (0..<6).map { _ in
      SRGB.linear(
        Look.color(hue: random.float(0, 1), saturation: random.float(0.4, 0.9), value: random.float(0.5, 0.95)))
    }
    let table = WorldStage.surface(&random, strength: 0.5)
    let wall = WorldStage.surface(&random, strength: 0.5)
    let room = [
      WorldStage.ground(table), WorldStage.wall(wall, through: Vec3(0, 0, -1.6), normal: Vec3(0, 0, 1)),
    ]
    let light = WorldStage.lighting(&random, azimuth: .pi / 2, ground: Look.mean(table), tint: 0.1)
    let side = random.float(-0.35, 0.35)
    let eye = Vec3(4.1 * sinf(side), random.float(2.1, 2.7), 4.1 * cosf(side))
    return (room, light, places, colors, eye, Vec3(0, 0.15, 0))
  }

  private func sound(_ events: [Event], _ own: RandomStream) -> [Float] {
    var random = own.child("voice")
    var wave = [Float](repeating: 0, count: frames * rate / fps)
    for event in events {
      event.device.sound(at: event.time, isForward: event.isForward, into: &wave, rate: Float(rate), &random)
    }
    let (loud, phase) = (random.float(0, 0.006), random.float(0, 6))
    for i in wave.indices {
      let t = Float(i) / Float(rate)
      wave[i] += loud * (sinf(2 * .pi * 50 * t + phase) + 0.5 * sinf(2 * .pi * 100 * t))
    }
    SoundRoom.addNoise(&wave, level: hiss, own.child("hiss"))
    return wave.map { min(max($0, -1), 1) }
  }
}
