/// A rigid motion, `x -> R x + t`: where a body stands in the world, or [R|t] of a camera.
public struct Pose: Sendable, Equatable {
  /// R, orthonormal with determinant 1.
  public var rotation: Mat3
  /// t, metres.
  public var translation: Vec3

  public init(rotation: Mat3 = .identity, translation: Vec3 = .zero) {
    self.rotation = rotation
    self.translation = translation
  }

  public static let identity = Pose()

  /// The image of a point.
  public func callAsFunction(_ point: Vec3) -> Vec3 { rotation * point + translation }

  /// The motion back, `x -> R^T (x - t)`.
  public var inverse: Pose {
    let back = rotation.transposed
    return Pose(rotation: back, translation: -(back * translation))
  }

  /// First `b`, then `a`.
  public static func * (a: Pose, b: Pose) -> Pose {
    Pose(rotation: a.rotation * b.rotation, translation: a(b.translation))
  }
}
