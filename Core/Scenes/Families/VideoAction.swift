import Glibc
import ReproTensor

/// A way to move in front of a camera that looks along -z.
public enum VideoAction: Int, Sendable, CaseIterable {
  case left, right, up, down, clockwise, counterclockwise, expand, shrink, bounce, oscillate, orbit, shake, stopAndGo

  public var name: String { self == .stopAndGo ? "stop-and-go" : "\(self)" }

  static let ten: [VideoAction] = [
    .left, .right, .up, .down, .clockwise, .counterclockwise, .expand, .shrink, .bounce, .oscillate,
  ]
  static let twelve: [VideoAction] = [
    .left, .right, .up, .down, .clockwise, .counterclockwise, .expand, .shrink, .bounce, .orbit, .shake, .stopAndGo,
  ]

  /// How a thing stands at a moment, against where it rests.
  struct State: Equatable {
    /// In units of the way that fits into the picture.
    var shift = SIMD2<Float>.zero
    /// Counterclockwise as the camera sees it, radians.
    var turn: Float = 0
    var scale: Float = 1
  }

  /// - Parameters:
  ///   - time: 0 at the first frame, 1 at the last, already eased.
  ///   - amplitude: about 1.
  ///   - phase: 0...1, what the action leaves open (a direction, a start).
  func state(_ time: Float, amplitude: Float, phase: Float) -> State {
    let way = (time - 0.5) * amplitude
    let round = 2 * Float.pi
    switch self {
    case .left: return State(shift: SIMD2(-way, 0))
    case .right: return State(shift: SIMD2(way, 0))
    case .up: return State(shift: SIMD2(0, way))
    case .down: return State(shift: SIMD2(0, -way))
    case .clockwise: return State(turn: -2.4 * time * amplitude)
    case .counterclockwise: return State(turn: 2.4 * time * amplitude)
    case .expand: return State(scale: 1 + 0.75 * way)
    case .shrink: return State(scale: 1 - 0.75 * way)
    case .bounce: return State(shift: SIMD2(0, 0.55 * amplitude * abs(sinf(1.5 * round * time + 0.4 * phase)) - 0.3))
    case .oscillate: return State(shift: SIMD2(0.42 * amplitude * sinf(round * (1.6 * time + phase)), 0))
    case .orbit:
      let a = round * (amplitude * time + phase)
      return State(shift: SIMD2(0.34 * cosf(a), 0.34 * sinf(a)))
    case .shake:
      let a = round * time
      return State(shift: SIMD2(sinf(6 * a + phase), sinf(7 * a + 2 * phase)) * 0.09 * amplitude)
    case .stopAndGo:
      // Goes, rests for two fifths of the time, goes on.
      let gone = time < 0.3 ? time / 0.6 : time < 0.7 ? 0.5 : 0.5 + (time - 0.7) / 0.6
      let a = round * phase
      return State(shift: SIMD2(cosf(a), sinf(a)) * (gone - 0.5) * amplitude)
    }
  }
}
