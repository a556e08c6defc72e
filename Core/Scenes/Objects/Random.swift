import Glibc
import ReproTensor

extension RandomStream {
  /// Uniform in [low, high).
  mutating func float(_ low: Float, _ high: Float) -> Float { Float(uniform(Double(low), Double(high))) }

  /// A rotation, all equally likely.
  ///
  /// - Source: Shoemake 1992, "Uniform random rotations".
  mutating func rotation() -> Mat3 {
    let (a, b, c) = (float(0, 1), float(0, 2 * .pi), float(0, 2 * .pi))
    let (r, s) = ((1 - a).squareRoot(), a.squareRoot())
    return .rotation(quaternion: SIMD4(r * sinf(b), r * cosf(b), s * sinf(c), s * cosf(c)))
  }

  /// A rotation about the vertical, then a tilt of the upright by up to `limit` radians towards any side.
  mutating func tilted(upTo limit: Float) -> Mat3 {
    let turn = Mat3.rotation(axis: Vec3(0, 1, 0), angle: float(0, 2 * .pi))
    let side = float(0, 2 * .pi)
    return .rotation(axis: Vec3(cosf(side), 0, sinf(side)), angle: float(0, limit)) * turn
  }
}
