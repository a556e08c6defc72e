import Glibc
import ReproTensor

/// One action at the table as a function of time.
struct TableScript: Sendable {
  var verb: TableVerb
  /// The thing that is handled, and the second thing; positions among the things.
  var target, other: Int
  var isLeft: Bool
  /// 0 clumsy ... 3 smooth: tremor, pauses and detours shrink with it.
  var skill: Int
  /// The share of the clip during which it happens.
  var span: ClosedRange<Float>
  /// The clumsiness of this clip: phases of the tremor, the detour, where the pauses are.
  private var tremor: [Float]
  private var detour: Vec3
  private var pauses: [Float]

  init(_ verb: TableVerb, target: Int, other: Int, isLeft: Bool, skill: Int, _ random: inout RandomStream) {
    (self.verb, self.target, self.other) = (verb, target, other)
    (self.isLeft, self.skill) = (isLeft, skill)
    let start = random.float(0, 0.12)
    span = start...random.float(0.88, 1)
    tremor = (0..<6).map { _ in random.float(0, 2 * .pi) }
    detour = random.direction() * Vec3(1, 0.5, 1)
    pauses = (0..<2).map { _ in random.float(0.15, 0.8) }
  }

  /// How much a skill lacks, 0 for the best ... 1.
  var lack: Float { Float(3 - skill) / 3 }

  /// Where the hand is and what it does to the thing.
  struct Moment: Sendable {
    /// Nil if the hand hangs.
    var wrist: Vec3?
    /// The pose of the thing.
    var thing: Pose
    /// Sideways steps of the whole body, metres, and the phase of walking.
    var stride: Float = 0
    /// Whether the other hand greets.
    var greeting: Float = 0
    var isHolding = false
  }

  /// Progress through the action, 0...1, with pauses that grow with the lack of skill.
  func progress(_ time: Float) -> Float {
    var s = min(max((time - span.lowerBound) / (span.upperBound - span.lowerBound), 0), 1)
    let pause = 0.09 * lack
    for place in pauses.sorted() where s > place * (1 - 2 * pause) {
      s = max(place * (1 - 2 * pause), s - pause)
    }
    return min(s / (1 - 2 * pause), 1)
  }

  /// - Parameters:
  ///   - time: 0...1 of the clip.
  ///   - things: with their places.
  ///   - shoulder: from where the hand starts and where it returns to, in front of the body.
  func moment(_ time: Float, _ things: [TableThing], home: Vec3) -> Moment {
    let s = progress(time)
    let thing = things[target]
    let rest = thing.rest
    let grasp = Vec3(0, thing.height * 0.75 + 0.035, -0.085)
    func path(_ keys: [(Float, Vec3)]) -> Vec3 { Self.smooth(keys, s) }
    func over(_ p: Vec3, _ up: Float) -> Vec3 { p + Vec3(0, up, 0) }
    let at = rest.translation
    let goal = things[other].rest.translation
    let side = Vec3(at.x < goal.x ? -0.15 : 0.15, 0, 0)
    var moment = Moment(wrist: nil, thing: rest)
    /// The thing follows its own path while it is held; the wrist stays at its grasp.
    func carried(_ keys: [(Float, Vec3)], turn: Mat3 = .identity) {
      let place = path(keys)
      moment.thing = Pose(rotation: turn * rest.rotation, translation: place)
      let first = keys[0].0
      let last = keys[keys.count - 1].0
      if s < first {
        moment.wrist = path([(0, home), (first, keys[0].1 + grasp)])
      } else if s > last {
        moment.wrist = path([(last, keys[keys.count - 1].1 + grasp), (1, home)])
      } else {
        moment.wrist = place + grasp
        moment.isHolding = true
      }
    }
    let raised = over(at, 0.2)
    switch verb {
    case .reach: moment.wrist = path([(0, home), (0.75, at + grasp), (1, at + grasp)])
    case .lift: carried([(0.45, at), (0.85, raised), (1, raised)])
    case .put: carried([(0, raised), (0.2, raised), (0.65, at)])
    case .move: carried([(0.28, at), (0.42, over(at, 0.12)), (0.68, over(goal + side, 0.12)), (0.82, goal + side)])
    case .pour:
      let tilt = Self.window(s, 0.5, 0.8) * 1.8 * (at.x < goal.x ? -1 : 1)
      let above = over(goal + side * 0.8, 0.2)
      carried(
        [(0.22, at), (0.32, over(at, 0.15)), (0.48, above), (0.8, above), (0.95, over(at, 0.05)), (1, at)],
        turn: .rotation(axis: Vec3(0, 0, 1), angle: tilt))
    case .stir:
      let angle = 6 * Float.pi * min(max((s - 0.45) / 0.4, 0), 1)
      let circle = Vec3(cosf(angle), 0, sinf(angle)) * (0.045 * Self.window(s, 0.42, 0.88))
      let above = over(goal, things[other].height + 0.03)
      carried([(0.22, at), (0.32, over(at, 0.15)), (0.45, above), (0.86, above), (0.95, raised), (1, over(at, 0.1))])
      moment.thing.translation += circle
      if moment.isHolding { moment.wrist = moment.wrist.map { $0 + circle } }
    case .screw:
      let angle = 1.1 * sinf(6 * .pi * min(max((s - 0.3) / 0.5, 0), 1))
      moment.wrist = path([(0, home), (0.28, at + grasp), (0.82, at + grasp), (1, home)])
      moment.thing.rotation = .rotation(axis: Vec3(0, 1, 0), angle: angle) * rest.rotation
    case .turn:
      let angle = Float.pi * Self.ease(min(max((s - 0.4) / 0.3, 0), 1))
      let flip = Mat3.rotation(axis: Vec3(0, 0, 1), angle: angle)
      // Upside down it stands on what was its top.
      let settle = thing.height * 0.5 * (1 - cosf(angle))
      carried([(0.26, at), (0.4, over(at, 0.12)), (0.7, over(at, 0.12)), (0.84, at)], turn: flip)
      moment.thing.translation.y += settle
    case .push:
      let far = at + Vec3(0, 0, 0.17)
      moment.thing.translation = path([(0.4, at), (0.8, far)])
      let behind = Vec3(0, thing.height * 0.4, -0.13)
      moment.wrist = path([(0, home), (0.36, at + behind), (0.4, at + behind), (0.8, far + behind), (1, home)])
    case .point:
      moment.wrist = path([(0, home), (0.45, at + Vec3(0, 0.16, -0.26)), (0.9, at + Vec3(0, 0.16, -0.26)), (1, home)])
    case .wave: moment.greeting = Self.window(s, 0.1, 0.95)
    case .walk: moment.stride = 0.9 * (s - 0.5)
    }
    if lack > 0, let wrist = moment.wrist { moment.wrist = wrist + shake(time, s) }
    return moment
  }

  /// Tremor of up to 1.2 cm at 4 to 6 Hz of a clip of two seconds, and a detour of up to 6 cm.
  private func shake(_ time: Float, _ s: Float) -> Vec3 {
    func wave(_ i: Int) -> Float {
      sinf(2 * .pi * (8 + Float(i)) * time + tremor[i]) + 0.6 * sinf(2 * .pi * (11 + Float(i)) * time + tremor[i + 3])
    }
    let jitter = Vec3(wave(0), wave(1), wave(2)) * (0.008 * lack)
    return jitter + detour * (0.06 * lack * sinf(.pi * s) * sinf(3 * .pi * s))
  }

  /// 0 at 0, 1 at 1, flat at both ends: the path of least jerk.
  static func ease(_ t: Float) -> Float { t * t * t * (10 - 15 * t + 6 * t * t) }

  /// Rises around `low`, falls around `high`.
  static func window(_ s: Float, _ low: Float, _ high: Float) -> Float {
    ease(min(max((s - low) / 0.12, 0), 1)) * (1 - ease(min(max((s - high) / 0.12 + 1, 0), 1)))
  }

  /// A path through points at given moments, at rest at each of them.
  static func smooth(_ keys: [(Float, Vec3)], _ s: Float) -> Vec3 {
    guard s > keys[0].0 else { return keys[0].1 }
    for (a, b) in zip(keys, keys.dropFirst()) where s <= b.0 {
      return a.1.mixed(with: b.1, ease((s - a.0) / max(b.0 - a.0, 1e-6)))
    }
    return keys[keys.count - 1].1
  }
}
