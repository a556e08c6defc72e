import Glibc
import ReproTensor

/// The six things on the table of `scenes-interactions`; each has two states, 0 and 1, and a sound for every change.
public enum Device: Int, Sendable, CaseIterable {
  /// A vase that is whole or broken, for good.
  case vase
  /// A button that is dark or lit.
  case button
  /// A glass that is empty or full.
  case glass
  /// A ball on one side or the other.
  case ball
  /// A box that is closed or open.
  case box
  /// Two blocks beside each other or one on the other.
  case blocks

  /// What is done to it.
  public var verb: String {
    switch self {
    case .vase: "break"
    case .button: "press"
    case .glass: "fill"
    case .ball: "hit"
    case .box: "open"
    case .blocks: "stack"
    }
  }

  /// Whether the state can change back.
  var isReversible: Bool { self != .vase }

  /// The bodies of a device.
  ///
  /// - Parameters:
  ///   - place: of its middle on the table.
  ///   - state: 0...1; between them while it changes.
  ///   - color: of its main part, linear.
  func bodies(at place: Vec3, state: Float, color: Vec3, instance: UInt16) -> [Body] {
    let main = Material.plain(color, specular: 0.25)
    let pale = Material.plain(Vec3(0.75, 0.75, 0.72), specular: 0.3)
    func body(_ parts: [Part], _ materials: [Material]) -> Body {
      Body(
        parts: parts, materials: materials, pose: Pose(translation: place), instance: instance,
        semantic: UInt8(rawValue + 1))
    }
    switch self {
    case .vase:
      // Two halves that fall apart.
      let halves = [Float(-1), 1].map { side -> Part in
        let tip = Mat3.rotation(axis: Vec3(0, 0, 1), angle: -side * 1.35 * state)
        let base = Vec3(side * (0.08 + 0.14 * state), 0, 0)
        return Part(
          .frustum(bottom: 0.1, top: 0.15, half: 0.2 - 0.02 * state),
          pose: Pose(rotation: tip, translation: base + tip * Vec3(0, 0.2, 0) + Vec3(0, 0.09 * state, 0)))
      }
      return [body(halves, [main])]
    case .button:
      let lit = Vec3(1, 0.85, 0.25).mixed(with: Vec3(0.05, 0.05, 0.07), 1 - state)
      return [
        body(
          [
            Part(.box(half: Vec3(0.2, 0.07, 0.2)), at: Vec3(0, 0.07, 0)),
            Part(.cylinder(radius: 0.12, half: 0.05), at: Vec3(0, 0.18, 0), material: 1),
          ], [main, .plain(lit)])
      ]
    case .glass:
      // The wall is left away in front: the level is seen as a coloured column in a frame.
      let level = max(0.02, 0.22 * state)
      return [
        body(
          [
            Part(.cylinder(radius: 0.13, half: level), at: Vec3(0, level + 0.03, 0), material: 1),
            Part(.cylinder(radius: 0.16, half: 0.02), at: Vec3(0, 0.02, 0)),
            Part(.torus(major: 0.15, minor: 0.018), at: Vec3(0, 0.5, 0)),
            Part(.capsule(radius: 0.018, half: 0.24), at: Vec3(-0.15, 0.26, 0)),
            Part(.capsule(radius: 0.018, half: 0.24), at: Vec3(0.15, 0.26, 0)),
          ], [pale, main])
      ]
    case .ball:
      return [body([Part(.sphere(radius: 0.14), at: Vec3(0.46 * (state - 0.5), 0.14, 0))], [main])]
    case .box:
      let turn = Mat3.rotation(axis: Vec3(0, 0, 1), angle: 1.9 * state)
      return [
        body(
          [
            Part(.box(half: Vec3(0.2, 0.12, 0.17)), at: Vec3(0, 0.12, 0)),
            Part(
              .box(half: Vec3(0.2, 0.02, 0.17)),
              pose: Pose(rotation: turn, translation: Vec3(-0.2, 0.26, 0) + turn * Vec3(0.2, 0, 0)), material: 1),
          ], [main, pale])
      ]
    case .blocks:
      // Along an arc from the side to the top of the other.
      let angle = .pi * (1 - 0.5 * state)
      let lifted = Vec3(-0.3 * -cosf(angle), 0.1 + 0.2 * state + 0.12 * sinf(.pi * state), 0)
      return [
        body(
          [
            Part(.box(half: Vec3(0.1, 0.1, 0.1)), at: Vec3(0.1, 0.1, 0)),
            Part(.box(half: Vec3(0.1, 0.1, 0.1)), at: lifted + Vec3(0.1, 0, 0), material: 1),
          ], [main, pale])
      ]
    }
  }

  /// Adds the sound of a change that is half done at a time, seconds.
  ///
  /// - Parameter isForward: from state 0 to 1.
  func sound(at time: Float, isForward: Bool, into wave: inout [Float], rate: Float, _ random: inout RandomStream) {
    func strike(_ shape: SoundShape, _ material: SoundMaterial, _ delay: Float, _ strength: Float, scale: Float = 1) {
      let voice = SoundVoice(shape, material, scale: scale * random.float(0.96, 1.04), rate: rate, &random)
      voice.strike(SoundEvent(time: time + delay, strength: strength), into: &wave, rate: rate, &random)
    }
    /// A tone that glides from one pitch to another.
    func glide(_ from: Float, _ to: Float, _ length: Float, _ strength: Float, rough: Float) {
      let (start, count) = (Int((time * rate).rounded()), Int(length * rate))
      var phase: Float = 0
      for i in 0..<count where start + i < wave.count {
        let t = Float(i) / Float(count)
        phase += (from + (to - from) * t) * (1 + rough * random.float(-1, 1)) / rate
        wave[start + i] += strength * sinf(2 * .pi * phase) * sinf(.pi * t)
      }
    }
    switch self {
    case .vase:
      strike(.cube, .glass, 0, 0.9)
      for _ in 0..<9 {
        strike(.ball, .glass, random.float(0.01, 0.35), random.float(0.1, 0.4), scale: random.float(0.4, 0.8))
      }
    case .button:
      strike(.cone, .wood, 0, 0.7, scale: 0.5)
      strike(.ring, .metal, 0.07, 0.35, scale: isForward ? 0.6 : 1.3)
    case .glass: glide(isForward ? 380 : 950, isForward ? 950 : 380, 0.5, 0.55, rough: 0.25)
    case .ball: strike(.pill, .wood, 0, 0.95, scale: isForward ? 1.5 : 1.3)
    case .box:
      if isForward { glide(260, 420, 0.35, 0.5, rough: 0.9) } else { strike(.cylinder, .wood, 0, 0.95, scale: 1.2) }
    case .blocks:
      strike(.cube, .wood, 0, isForward ? 0.85 : 0.4)
      if isForward { strike(.cube, .wood, 0.09, 0.4) } else { strike(.cube, .wood, 0.22, 0.7, scale: 0.9) }
    }
  }
}
