/// A point or direction in metres; the world is right-handed with y up.
public typealias Vec3 = SIMD3<Float>

extension SIMD3 where Scalar == Float {
  @inlinable public func dot(_ other: Self) -> Float { x * other.x + y * other.y + z * other.z }

  /// The vector product, right-handed: x cross y = z.
  @inlinable public func cross(_ other: Self) -> Self {
    Self(y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
  }

  @inlinable public var length: Float { dot(self).squareRoot() }

  /// The same direction with length 1; the zero vector has none and comes back as NaN.
  @inlinable public var normalized: Self { self / length }

  /// `self` at 0 and `other` at 1, linear between.
  @inlinable public func mixed(with other: Self, _ amount: Float) -> Self { self + (other - self) * amount }
}
