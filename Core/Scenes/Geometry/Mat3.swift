import Glibc

/// A 3 x 3 matrix of floats, held by rows.
public struct Mat3: Sendable, Equatable {
  public var row0, row1, row2: Vec3

  @inlinable public init(rows row0: Vec3, _ row1: Vec3, _ row2: Vec3) {
    (self.row0, self.row1, self.row2) = (row0, row1, row2)
  }

  public static let identity = Mat3.diagonal(Vec3(1, 1, 1))

  public static func diagonal(_ d: Vec3) -> Mat3 { Mat3(rows: Vec3(d.x, 0, 0), Vec3(0, d.y, 0), Vec3(0, 0, d.z)) }

  /// The rotation by an angle about an axis, by the right-hand rule.
  ///
  ///     R = cos(a) I + sin(a) [k]x + (1 - cos(a)) k k^T
  ///
  /// - Parameters:
  ///   - axis: any length but zero.
  ///   - angle: radians.
  /// - Source: Rodrigues' formula.
  public static func rotation(axis: Vec3, angle: Float) -> Mat3 {
    let k = axis.normalized
    let (s, c) = (sinf(angle), cosf(angle))
    let q = k * (1 - c)
    return Mat3(
      rows: Vec3(c + q.x * k.x, q.x * k.y - s * k.z, q.x * k.z + s * k.y),
      Vec3(q.y * k.x + s * k.z, c + q.y * k.y, q.y * k.z - s * k.x),
      Vec3(q.z * k.x - s * k.y, q.z * k.y + s * k.x, c + q.z * k.z))
  }

  /// The rotation of a unit quaternion (x, y, z, w).
  public static func rotation(quaternion q: SIMD4<Float>) -> Mat3 {
    let (x, y, z, w) = (q.x, q.y, q.z, q.w)
    return Mat3(
      rows: Vec3(1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
      Vec3(2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
      Vec3(2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)))
  }

  @inlinable public var transposed: Mat3 {
    Mat3(
      rows: Vec3(row0.x, row1.x, row2.x), Vec3(row0.y, row1.y, row2.y), Vec3(row0.z, row1.z, row2.z))
  }

  public var determinant: Float { row0.dot(row1.cross(row2)) }

  @inlinable public static func * (m: Mat3, v: Vec3) -> Vec3 { Vec3(m.row0.dot(v), m.row1.dot(v), m.row2.dot(v)) }

  @inlinable public static func * (a: Mat3, b: Mat3) -> Mat3 {
    let t = b.transposed
    return Mat3(
      rows: Vec3(a.row0.dot(t.row0), a.row0.dot(t.row1), a.row0.dot(t.row2)),
      Vec3(a.row1.dot(t.row0), a.row1.dot(t.row1), a.row1.dot(t.row2)),
      Vec3(a.row2.dot(t.row0), a.row2.dot(t.row1), a.row2.dot(t.row2)))
  }

  @inlinable public static func * (s: Float, m: Mat3) -> Mat3 { Mat3(rows: m.row0 * s, m.row1 * s, m.row2 * s) }
}
