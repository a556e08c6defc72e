import Glibc
import ReproTensor

/// Where a thing is at every moment, and when it is struck.
struct SoundMotion: Sendable {
  var action: SoundAction
  /// The moment of the first sound, seconds.
  var onset: Float
  /// Level direction of the movement, and its speed, metres per second.
  var direction: Vec3
  var speed: Float
  /// From where it falls, metres.
  var height: Float
  var restitution: Float

  /// Metres per second squared: a slow world, so that a few frames show a fall.
  static let gravity: Float = 5

  /// How far above its resting place the thing is, metres.
  func lift(at time: Float) -> Float {
    guard action == .fall || action == .bounce else { return 0 }
    let g = Self.gravity
    let flight = (2 * height / g).squareRoot()
    if time <= onset {
      let t = max(0, time - (onset - flight))
      return max(0, height - 0.5 * g * t * t)
    }
    guard action == .bounce else { return 0 }
    var (start, velocity) = (onset, restitution * (2 * g * height).squareRoot())
    while velocity > 0.25 {
      let hop = 2 * velocity / g
      if time < start + hop {
        let t = time - start
        return max(0, velocity * t - 0.5 * g * t * t)
      }
      start += hop
      velocity *= restitution
    }
    return 0
  }

  /// The displacement along `direction`, metres, and the turn about the axis of rolling or the vertical, radians.
  func travel(at time: Float, radius: Float) -> (shift: Float, roll: Float, spin: Float) {
    let t = time - onset
    switch action {
    case .fall, .bounce: return (0, 0, 0)
    case .collide:
      // Moves until it hits, then back at a third of the speed.
      return t < 0 ? (speed * t, 0, 0) : (-speed * t / 3 * expf(-t), 0, 0)
    case .roll:
      let shift = t < 0 ? 0 : speed * t
      return (shift, shift / max(radius, 0.05), 0)
    case .slide: return (t < 0 ? 0 : speed * (1 - expf(-1.2 * t)) / 1.2, 0, 0)
    case .spin: return (0, 0, t < 0 ? 0 : 7 * t)
    }
  }

  /// All strikes until the end of a clip, the first at `onset` with strength near 1.
  func events(until end: Float, _ random: inout RandomStream) -> [SoundEvent] {
    var events = [SoundEvent(time: onset, strength: random.float(0.75, 1))]
    switch action {
    case .fall, .collide: break
    case .bounce:
      let g = Self.gravity
      var (time, velocity) = (onset, restitution * (2 * g * height).squareRoot())
      let first = (2 * g * height).squareRoot()
      while velocity > 0.25 {
        time += 2 * velocity / g
        velocity *= restitution
        if time >= end { break }
        events.append(SoundEvent(time: time, strength: max(0.1, velocity / first)))
      }
    case .roll, .slide, .spin:
      // Rolling is a rattle, sliding a dense scratch, spinning a regular wobble.
      let gap: Float = action == .roll ? 0.07 : action == .slide ? 0.012 : 0.11
      events[0].strength *= 0.6
      var time = onset
      while true {
        time += gap * (action == .spin ? 1 : random.float(0.4, 1.6))
        if time >= end { break }
        let strength: Float = action == .slide ? random.float(0.02, 0.16) : random.float(0.15, 0.4)
        events.append(SoundEvent(time: time, strength: strength))
      }
    }
    return events
  }
}
