/// Eight neighbouring samples at once: two SSE registers on every x86-64, so the same bits on all of them.
typealias Float8 = SIMD8<Float>
typealias Int8x = SIMD8<Int32>
typealias Mask8 = SIMDMask<SIMD8<Int32>>

/// 0, 1, ..., 7; computed, because a stored global is guarded by a lock.
@inline(__always) var laneNumbers: Float8 { Float8(0, 1, 2, 3, 4, 5, 6, 7) }

extension SIMD8 where Scalar == Float {
  @inline(__always) static func all(_ value: Float) -> Self { Self(repeating: value) }
}

// Lane by lane, which the compiler makes one instruction of; a mask in between would cost it seven.
/// The smaller of each lane; the second where they do not compare.
@inline(__always) func smaller(_ a: Float8, _ b: Float8) -> Float8 {
  func one(_ a: Float, _ b: Float) -> Float { a < b ? a : b }
  return Float8(
    one(a[0], b[0]), one(a[1], b[1]), one(a[2], b[2]), one(a[3], b[3]), one(a[4], b[4]), one(a[5], b[5]),
    one(a[6], b[6]), one(a[7], b[7]))
}
/// The larger of each lane; the second where they do not compare.
@inline(__always) func larger(_ a: Float8, _ b: Float8) -> Float8 {
  func one(_ a: Float, _ b: Float) -> Float { a > b ? a : b }
  return Float8(
    one(a[0], b[0]), one(a[1], b[1]), one(a[2], b[2]), one(a[3], b[3]), one(a[4], b[4]), one(a[5], b[5]),
    one(a[6], b[6]), one(a[7], b[7]))
}
/// |a|, by clearing the sign.
@inline(__always) func magnitude(_ a: Float8) -> Float8 {
  unsafeBitCast(unsafeBitCast(a, to: Int8x.self) & Int8x(repeating: 0x7FFF_FFFF), to: Float8.self)
}
@inline(__always) func root(_ a: Float8) -> Float8 { a.squareRoot() }
@inline(__always) func saturated(_ a: Float8) -> Float8 { larger(smaller(a, .all(1)), .all(0)) }

/// The nearest integer, for |a| < 2^22.
///
/// Adding 1.5 * 2^23 leaves no bits for the fraction; SSE2 itself has no rounding instruction.
@inline(__always) func nearestWhole(_ a: Float8) -> Float8 { (a + 12_582_912) - 12_582_912 }

/// The largest integer not above, for |a| < 2^22.
@inline(__always) func floored(_ a: Float8) -> Float8 {
  let nearest = nearestWhole(a)
  return nearest - Float8.zero.replacing(with: 1, where: nearest .> a)
}

/// The distance above the integer below, in [0, 1].
@inline(__always) func fraction(_ a: Float8) -> Float8 { a - floored(a) }

/// Whether a lane is set, by one or of the 64-bit halves instead of a chain of lane reductions.
@inline(__always) func anyLane(_ mask: Mask8) -> Bool {
  let bits = unsafeBitCast(mask, to: SIMD4<UInt64>.self)
  return (bits[0] | bits[1] | bits[2] | bits[3]) != 0
}

/// Eight vectors, component by component.
struct Lanes3 {
  var x, y, z: Float8

  @inline(__always) init(_ x: Float8, _ y: Float8, _ z: Float8) { (self.x, self.y, self.z) = (x, y, z) }
  @inline(__always) init(_ v: Vec3) { (x, y, z) = (.all(v.x), .all(v.y), .all(v.z)) }

  /// The vector of one lane.
  @inline(__always) subscript(lane: Int) -> Vec3 { Vec3(x[lane], y[lane], z[lane]) }

  @inline(__always) mutating func set(_ lane: Int, _ v: Vec3) { (x[lane], y[lane], z[lane]) = (v.x, v.y, v.z) }

  @inline(__always) static func + (a: Lanes3, b: Lanes3) -> Lanes3 { Lanes3(a.x + b.x, a.y + b.y, a.z + b.z) }
  @inline(__always) static func - (a: Lanes3, b: Lanes3) -> Lanes3 { Lanes3(a.x - b.x, a.y - b.y, a.z - b.z) }
  @inline(__always) static func * (a: Lanes3, s: Float8) -> Lanes3 { Lanes3(a.x * s, a.y * s, a.z * s) }
  @inline(__always) static prefix func - (a: Lanes3) -> Lanes3 { Lanes3(-a.x, -a.y, -a.z) }
  @inline(__always) func dot(_ b: Lanes3) -> Float8 { x * b.x + y * b.y + z * b.z }
  @inline(__always) func cross(_ b: Lanes3) -> Lanes3 {
    Lanes3(y * b.z - z * b.y, z * b.x - x * b.z, x * b.y - y * b.x)
  }
  @inline(__always) func dot(_ b: Vec3) -> Float8 { x * b.x + y * b.y + z * b.z }
  @inline(__always) var normalized: Lanes3 { self * (1 / root(dot(self))) }

  @inline(__always) func replacing(with b: Lanes3, where mask: Mask8) -> Lanes3 {
    Lanes3(
      x.replacing(with: b.x, where: mask), y.replacing(with: b.y, where: mask), z.replacing(with: b.z, where: mask))
  }

  /// `a` at 0 and `b` at 1.
  @inline(__always) static func mix(_ a: Vec3, _ b: Vec3, _ amount: Float8) -> Lanes3 {
    let d = b - a
    return Lanes3(a.x + amount * d.x, a.y + amount * d.y, a.z + amount * d.z)
  }
}

extension Mat3 {
  @inline(__always) static func * (m: Mat3, v: Lanes3) -> Lanes3 {
    Lanes3(v.dot(m.row0), v.dot(m.row1), v.dot(m.row2))
  }
}
