import Glibc
import ReproTensor

/// What a person of `scenes-people` does.
public enum BodyAction: Int, Sendable, CaseIterable {
  case stand, walk, reach, sit, wave, raise, squat, bow

  public var name: String { "\(self)" }
}

/// One person's way of doing something: angles as a function of time.
struct BodyMotion: Sendable, Equatable {
  var action: BodyAction
  /// Cycles or gestures per second, their phase at time 0 and their size, about 1.
  var tempo, phase, size: Float
  var isLeft: Bool
  /// Small constant deviations, so that no two people stand alike.
  var habit: [Float]
  /// Metres per second along the heading.
  var speed: Float

  init(_ action: BodyAction, _ random: inout RandomStream) {
    self.action = action
    tempo = random.float(0.7, 1.2)
    phase = random.float(0, 1)
    size = random.float(0.7, 1.15)
    isLeft = random.bernoulli(0.5)
    habit = (0..<12).map { _ in random.float(-1, 1) }
    speed = action == .walk ? 1.15 * size * tempo : 0
  }

  /// The angles at a time, seconds; always within the limits.
  func angles(at time: Float) -> BodyAngles {
    var body = BodyAngles()
    let cycle = 2 * Float.pi * (phase + tempo * time)
    let (swing, lag) = (sinf(cycle), cosf(cycle))
    let gesture = 0.5 - 0.5 * lag  // 0...1
    body.turn = 0.12 * habit[0]
    body.bend = 0.06 + 0.06 * habit[1]
    body.look = 0.4 * habit[2]
    body.nod = 0.12 * habit[3]
    (body.left.lift, body.right.lift) = (0.14 + 0.08 * habit[4], 0.14 + 0.08 * habit[5])
    (body.left.elbow, body.right.elbow) = (0.3 + 0.25 * habit[6], 0.3 + 0.25 * habit[7])
    (body.left.shoulder, body.right.shoulder) = (0.1 * habit[8], 0.1 * habit[9])
    body.left.spread = 0.1 + 0.05 * habit[10]
    body.right.spread = 0.1 + 0.05 * habit[11]
    switch action {
    case .stand:
      body.lean = 0.05 * swing
      body.left.knee = 0.05 + 0.05 * gesture
    case .walk:
      // Legs and arms swing in opposition; the knee of the leg in the air bends.
      (body.left.hip, body.right.hip) = (0.5 * size * swing, -0.5 * size * swing)
      body.left.knee = 0.12 + 0.85 * size * max(0, lag)
      body.right.knee = 0.12 + 0.85 * size * max(0, -lag)
      (body.left.shoulder, body.right.shoulder) = (-0.5 * size * swing, 0.5 * size * swing)
      (body.left.elbow, body.right.elbow) = (0.45 + 0.2 * gesture, 0.45 + 0.2 * (1 - gesture))
      (body.left.spread, body.right.spread) = (0.03, 0.03)
      body.turn = -0.12 * swing
    case .reach:
      arm(&body) {
        $0.shoulder = (0.5 + 1.3 * gesture) * size
        $0.elbow = 1.3 - 1.1 * gesture
        $0.lift = 0.15 + 0.3 * habit[4]
      }
      body.bend = 0.1 + 0.3 * gesture
    case .sit:
      for side in [\BodyAngles.left, \BodyAngles.right] {
        body[keyPath: side].hip = 1.45 + 0.08 * habit[0]
        body[keyPath: side].knee = 1.45 + 0.15 * habit[1]
        body[keyPath: side].shoulder = 0.45 + 0.2 * gesture
        body[keyPath: side].elbow = 0.9 + 0.3 * habit[6]
      }
      body.bend = 0.12 + 0.12 * habit[2]
    case .wave:
      arm(&body) {
        $0.lift = 1.5 + 0.3 * habit[4]
        $0.shoulder = 0.35
        $0.twist = -0.9
        $0.elbow = 1.5 + 0.45 * swing
      }
    case .raise:
      for side in [\BodyAngles.left, \BodyAngles.right] {
        body[keyPath: side].lift = 0.2 + 2.2 * size * gesture
        body[keyPath: side].elbow = 0.15
      }
    case .squat:
      for side in [\BodyAngles.left, \BodyAngles.right] {
        body[keyPath: side].hip = 1.5 * size * gesture
        body[keyPath: side].knee = 1.9 * size * gesture
        body[keyPath: side].shoulder = 1.3 * gesture
        body[keyPath: side].spread = 0.25
      }
      body.bend = 0.55 * gesture
    case .bow:
      body.bend = 0.1 + 0.9 * size * gesture
      for side in [\BodyAngles.left, \BodyAngles.right] { body[keyPath: side].shoulder = 0.5 * gesture }
    }
    return body.limited
  }

  private func arm(_ body: inout BodyAngles, _ change: (inout BodyAngles.Limbs) -> Void) {
    if isLeft { change(&body.left) } else { change(&body.right) }
  }
}
