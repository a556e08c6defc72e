import Glibc
import ReproTensor

/// What a sounding thing is made of: it decides how long it rings and how pure its tones are.
public enum SoundMaterial: Int, Sendable, CaseIterable {
  case wood, metal, glass

  public var name: String { "\(self)" }
  var adjective: String { self == .wood ? "wooden" : name }

  /// Seconds until the lowest mode has lost 63 % of its amplitude.
  var decay: Float { self == .wood ? 0.045 : self == .metal ? 0.5 : 0.18 }
  /// How far the modes are from whole multiples of the lowest.
  var inharmonicity: Float { self == .wood ? 0.35 : self == .metal ? 0.12 : 0.6 }
  /// How much weaker every higher mode is.
  var slope: Float { self == .wood ? 1.3 : self == .metal ? 0.55 : 0.8 }
  /// The share of its speed that it keeps when it bounces.
  var restitution: Float { self == .wood ? 0.45 : self == .metal ? 0.55 : 0.65 }

  /// The look that goes with it.
  func material(_ random: inout RandomStream) -> Material {
    switch self {
    case .wood:
      let dark = SRGB.linear(Vec3(0.42, 0.25, 0.12) * random.float(0.85, 1.15))
      let light = SRGB.linear(Vec3(0.72, 0.50, 0.28) * random.float(0.85, 1.15))
      return Material(
        pattern: .marble, first: dark, second: light, frame: random.float(1.6, 2.4) * random.rotation(),
        offset: random.cube() * 9, grain: 0.3)
    case .metal:
      let gray = Vec3(0.52, 0.54, 0.58) * random.float(0.75, 1.1)
      return Material(pattern: .plain, first: gray, second: gray, specular: 0.9, gloss: 5)
    case .glass:
      let tint = SRGB.linear(Vec3(0.45, 0.85, 0.80) * random.float(0.85, 1.1))
      return Material(
        pattern: .noise, first: tint, second: tint.mixed(with: Vec3(0.9, 0.97, 0.97), 0.6),
        frame: 0.8 * random.rotation(),
        specular: 1, gloss: 7)
    }
  }
}

/// The shapes that sound; their size sets the pitch, their form which modes are strong.
public enum SoundShape: Int, Sendable, CaseIterable {
  case ball, cube, cone, ring, cylinder, dumbbell, pill, jack

  public var name: String { "\(self)" }

  var kind: ObjectClass {
    switch self {
    case .ball: .ball
    case .cube: .cube
    case .cone: .cone
    case .ring: .ring
    case .cylinder: .cylinder
    case .dumbbell: .dumbbell
    case .pill: .pill
    case .jack: .jack
    }
  }

  /// The lowest mode of a thing of size 1, Hz: shapes are a major third and more apart.
  var pitch: Float { 233 * powf(2, Float(rawValue) * 0.36) }

  /// The strength of every mode, 0...1: a comb of its own for every shape.
  func strength(_ mode: Int) -> Float {
    let period = 2 + rawValue % 4
    let phase = rawValue / 4
    return (mode + phase) % period == 0 ? 1 : 0.28
  }
}

/// How things come to sound.
public enum SoundAction: Int, Sendable, CaseIterable {
  case fall, bounce, collide, roll, slide, spin

  public var name: String { "\(self)" }
  var verb: String {
    switch self {
    case .fall: "falls"
    case .bounce: "bounces"
    case .collide: "collides"
    case .roll: "rolls"
    case .slide: "slides"
    case .spin: "spins"
    }
  }
  var doing: String {
    switch self {
    case .fall: "falling"
    case .bounce: "bouncing"
    case .collide: "colliding"
    case .roll: "rolling"
    case .slide: "sliding"
    case .spin: "spinning"
    }
  }
}

/// One moment at which a thing is struck.
public struct SoundEvent: Sendable, Equatable {
  /// Seconds from the start of the clip.
  public var time: Float
  /// 0...1.
  public var strength: Float
}

/// The voice of one thing: its modes.
struct SoundVoice: Sendable {
  /// Hz, seconds, and amplitude.
  var modes: [(frequency: Float, decay: Float, amplitude: Float)]

  /// - Parameters:
  ///   - scale: the size of the thing; twice the size is an octave lower.
  ///   - rate: samples per second; modes above 0.45 of it are left out.
  init(_ shape: SoundShape, _ material: SoundMaterial, scale: Float, rate: Float, _ random: inout RandomStream) {
    let lowest = shape.pitch / scale * random.float(0.97, 1.03)
    let decay = material.decay * random.float(0.85, 1.2)
    modes = []
    for mode in 0..<14 {
      let number = Float(mode + 1)
      let frequency = lowest * powf(number, 1 + material.inharmonicity * 0.5) * random.float(0.995, 1.005)
      guard frequency < 0.45 * rate else { break }
      modes.append(
        (
          frequency, decay / powf(number, material == .metal ? 0.35 : 0.6),
          shape.strength(mode) / powf(number, material.slope)
        ))
    }
    let total = modes.reduce(0) { $0 + $1.amplitude }
    for i in modes.indices { modes[i].amplitude /= total }
  }

  /// Adds the sound of being struck: every mode rings from that moment on, after a click of 3 ms.
  ///
  ///     y(t) = strength * sum_k a_k exp(-(t - t0) / d_k) sin(2 pi f_k (t - t0)),   t >= t0
  func strike(_ event: SoundEvent, into wave: inout [Float], rate: Float, _ noise: inout RandomStream) {
    let start = Int((event.time * rate).rounded())
    guard start < wave.count else { return }
    for mode in modes {
      let step = 2 * Double.pi * Double(mode.frequency) / Double(rate)
      // A rotating pair instead of a sine for every sample.
      let fall = exp(-1 / (Double(mode.decay) * Double(rate)))
      let (c, s) = (fall * cos(step), fall * sin(step))
      var (x, y) = (Double(event.strength * mode.amplitude), 0.0)
      for i in max(start, 0)..<wave.count {
        wave[i] += Float(y)
        (x, y) = (c * x - s * y, s * x + c * y)
        if x * x + y * y < 1e-10 { break }
      }
    }
    let click = Int(0.003 * rate)
    for i in 0..<click where start + i >= 0 && start + i < wave.count {
      wave[start + i] += 0.25 * event.strength * noise.float(-1, 1) * (1 - Float(i) / Float(click))
    }
  }

  /// Adds a sustained tone from a moment to the end: 30 ms attack, vibrato of 5 Hz, the modes as partials.
  func sustain(_ event: SoundEvent, into wave: inout [Float], rate: Float) {
    let start = max(0, Int((event.time * rate).rounded()))
    guard start < wave.count else { return }
    for i in start..<wave.count {
      let t = Float(i - start) / rate
      let attack = min(1, (t + 1 / rate) / 0.03)
      let bend = 0.012 * sinf(2 * .pi * 5 * t)
      var sum: Float = 0
      for mode in modes { sum += mode.amplitude * sinf(2 * .pi * mode.frequency * (t + bend / 5)) }
      wave[i] += 0.8 * event.strength * attack * sum
    }
  }
}

/// What happens to a whole recording.
enum SoundRoom {
  /// Adds a few echoes, each weaker than the one before.
  static func reverberate(_ wave: inout [Float], rate: Float, amount: Float, _ random: inout RandomStream) {
    let source = wave
    for echo in 1...4 {
      let delay = max(1, Int(random.float(0.011, 0.037) * Float(echo) * rate))
      let gain = amount * powf(0.55, Float(echo))
      guard delay < wave.count else { continue }
      for i in delay..<wave.count { wave[i] += gain * source[i - delay] }
    }
  }

  /// Adds normal noise of a level (standard deviation).
  static func addNoise(_ wave: inout [Float], level: Float, _ stream: RandomStream) {
    var random = stream
    let noise = random.gaussians(wave.count)
    for i in wave.indices { wave[i] += level * noise[i] }
  }

  /// Adds a faint +-1 pattern that begins anew at every frame: what a careless pipeline leaves in a clip whose sound
  /// was cut on the grid of its frames.
  static func mark(_ wave: [Float], samplesPerFrame: Int, level: Float, _ pattern: RandomStream) -> [Float] {
    var random = pattern
    let signs: [Float] = (0..<samplesPerFrame).map { _ in random.bernoulli(0.5) ? level : -level }
    return wave.enumerated().map { $1 + signs[$0 % samplesPerFrame] }
  }
}
