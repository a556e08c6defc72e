import Glibc
import ReproTensor

/// How somebody feels: it moves pitch, tempo, brows and the corners of the mouth.
public enum VoiceEmotion: Int, Sendable, CaseIterable {
  case neutral, happy, sad, angry, surprised, afraid

  public var name: String { "\(self)" }

  /// Mean pitch and its range as factors, rise over the clip in octaves, tempo as a factor.
  var prosody: (pitch: Float, range: Float, rise: Float, tempo: Float) {
    switch self {
    case .neutral: (1, 0.06, 0, 1)
    case .happy: (1.16, 0.2, 0.08, 1.12)
    case .sad: (0.9, 0.04, -0.12, 0.78)
    case .angry: (1.1, 0.12, -0.15, 1.25)
    case .surprised: (1.22, 0.16, 0.3, 0.95)
    case .afraid: (1.28, 0.08, 0.05, 1.3)
    }
  }

  /// Corners of the mouth, brows, and how widely the mouth opens.
  var face: (corners: Float, brows: Float, opening: Float) {
    switch self {
    case .neutral: (0, 0, 0.8)
    case .happy: (0.9, 0.3, 0.95)
    case .sad: (-0.8, 0.35, 0.55)
    case .angry: (-0.55, -0.95, 1)
    case .surprised: (0.1, 1, 1)
    case .afraid: (-0.3, 0.75, 0.75)
    }
  }
}

/// The vowels, with their first three formants, Hz.
///
/// - Source: means of men in Peterson and Barney 1952, "Control methods used in a study of the vowels".
enum Vowel: Int, Sendable, CaseIterable {
  case a, e, i, o, u

  var formants: Vec3 {
    switch self {
    case .a: Vec3(730, 1090, 2440)
    case .e: Vec3(530, 1840, 2480)
    case .i: Vec3(270, 2290, 3010)
    case .o: Vec3(570, 840, 2410)
    case .u: Vec3(300, 870, 2240)
    }
  }

  /// How far the mouth is open.
  var opening: Float { [1, 0.6, 0.35, 0.75, 0.4][rawValue] }
}

/// Ten words, each three vowels.
enum VoiceWord {
  static let vowels: [[Vowel]] = [
    [.a, .i, .u], [.e, .a, .o], [.i, .o, .a], [.o, .e, .i], [.u, .a, .e], [.a, .u, .a], [.i, .e, .u], [.o, .i, .e],
    [.e, .u, .o], [.u, .o, .i],
  ]
  static let names = vowels.map { $0.map { "\($0)" }.joined() }
}

/// Who speaks: what face and voice have in common, and what each has alone.
struct VoicePerson: Sendable {
  /// 0 female, 1 male; 0 young, 1 grown, 2 old; size -1...1; four numbers of timbre.
  var sex, age: Int
  var size: Float
  var timbre: [Float]
  /// Mean pitch, Hz; the formants' factor; the share of breath; vibrato.
  var pitch, tract, breath, vibrato: Float
  var head: HeadModel

  init(_ random: inout RandomStream) {
    sex = random.integer(below: 2)
    age = random.integer(below: 3)
    size = random.float(-1, 1)
    timbre = (0..<4).map { _ in random.gaussian() }
    // Men and large people are lower and have longer tracts; the rest is the person's own.
    pitch = (sex == 1 ? 118 : 205) * powf(2, -0.14 * size + 0.1 * timbre[0] + (age == 0 ? 0.16 : age == 2 ? -0.08 : 0))
    tract = (sex == 1 ? 1 : 1.15) * (1 - 0.05 * size + 0.025 * timbre[1])
    breath = min(max(0.06 + 0.04 * Float(age) + random.float(0, 0.08), 0), 0.3)
    vibrato = random.float(0, 0.02)
    head = HeadModel(&random)
    head.jaw = 0.9 + 0.1 * Float(sex) + 0.06 * size + 0.02 * timbre[2]
    head.width = 1 + 0.05 * size
    head.noseLength = 1 + 0.12 * timbre[3] * 0.7 + 0.06 * Float(sex)
    head.hairLength = sex == 0 ? random.float(0.35, 1) : random.float(0, 0.6)
    if age == 2 { head.hair = head.hair.mixed(with: Vec3(0.55, 0.55, 0.55), random.float(0.5, 0.9)) }
  }
}

/// One utterance: the course of mouth, pitch and vowels.
struct Utterance: Sendable {
  var word: [Vowel]
  var emotion: VoiceEmotion
  /// Seconds of the clip; when speech begins; seconds per vowel.
  var seconds, start, pace: Float
  var contour: Float

  init(_ word: [Vowel], _ emotion: VoiceEmotion, seconds: Float, _ random: inout RandomStream) {
    (self.word, self.emotion, self.seconds) = (word, emotion, seconds)
    pace = 0.215 * seconds / emotion.prosody.tempo * random.float(0.93, 1.07)
    start = random.float(0.02, max(0.03, seconds - pace * Float(word.count) - 0.02))
    contour = random.float(0, 2 * .pi)
  }

  /// The vowel at a time, how far the next is already shaped, and the energy of the voice, 0...1.
  func state(_ time: Float) -> (vowel: Int, blend: Float, energy: Float) {
    let t = (time - start) / pace
    guard t > 0, t < Float(word.count) else { return (t <= 0 ? 0 : word.count - 1, 0, 0) }
    let index = min(Int(t), word.count - 1)
    let within = t - Float(index)
    // Vowels run into each other; between them the voice dips.
    let blend = index + 1 < word.count ? max(0, (within - 0.7) / 0.3) : 0
    let edge = sinf(.pi * within)
    return (index, blend, 0.25 + 0.75 * edge * edge)
  }

  func formants(_ time: Float) -> Vec3 {
    let (index, blend, _) = state(time)
    let next = word[min(index + 1, word.count - 1)]
    return word[index].formants.mixed(with: next.formants, blend)
  }

  /// How far the mouth is open: the vowel's opening times the energy of the voice.
  func opening(_ time: Float) -> Float {
    let (index, blend, energy) = state(time)
    let next = word[min(index + 1, word.count - 1)]
    return (word[index].opening * (1 - blend) + next.opening * blend) * energy * emotion.face.opening
  }

  /// The pitch as a factor of the person's.
  func pitch(_ time: Float) -> Float {
    let (mean, range, rise, _) = emotion.prosody
    let t = time / seconds
    return mean * powf(2, rise * (t - 0.3) + range * sinf(2 * .pi * 1.6 * t + contour))
  }

  /// The sound: pulses of the glottis and breath through three resonances.
  ///
  ///     y_n = x_n + 2 r cos(w) y_{n-1} - r^2 y_{n-2},   r = exp(-pi B / rate), w = 2 pi F / rate
  ///
  /// for every formant F of bandwidth B = 60 + 0.05 F Hz, one after the other.
  /// The energy follows the opening of the mouth.
  ///
  /// - Source: the cascade synthesiser of Klatt 1980, without its zeros.
  func wave(_ person: VoicePerson, rate: Float, _ stream: RandomStream) -> [Float] {
    var random = stream
    let count = Int(seconds * rate)
    let breath = random.gaussians(count)
    var wave = [Float](repeating: 0, count: count)
    var phase: Float = 0
    var memory = [SIMD2<Float>](repeating: .zero, count: 3)
    for i in 0..<count {
      let time = Float(i) / rate
      let energy = opening(time)
      let f0 = person.pitch * pitch(time) * (1 + person.vibrato * sinf(2 * .pi * 5.5 * time))
      phase += f0 / rate
      if phase >= 1 { phase -= 1 }
      // A falling ramp without its mean: all harmonics, weaker with their number.
      var x = (0.5 - phase) * energy + person.breath * breath[i] * energy
      let formants = formants(time) * person.tract
      for k in 0..<3 {
        let frequency = min(formants[k], 0.46 * rate)
        let r = expf(-.pi * (60 + 0.05 * frequency) / rate)
        let b = 2 * r * cosf(2 * .pi * frequency / rate)
        let gain = 1 - b + r * r  // of 1 at 0 Hz
        let y = gain * x + b * memory[k].x - r * r * memory[k].y
        memory[k] = SIMD2(y, memory[k].x)
        x = y
      }
      wave[i] = 0.25 * x
    }
    return wave
  }
}
