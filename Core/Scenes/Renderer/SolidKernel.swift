/// A unit shape as the inner loops see it: eight rays at a time, no allocation, no dispatch.
protocol SolidKernel {
  /// The first parameter t > near at which the ray `origin + t * direction` meets the surface; infinity if it never does.
  ///
  /// A ray that starts inside meets the surface from within.
  func hit(_ origin: Lanes3, _ direction: Lanes3, near: Float) -> Float8
  /// Whether the ray meets the shape at any t > near: the same as a finite `hit`, but cheaper where only that is asked.
  func blocks(_ origin: Lanes3, _ direction: Lanes3, near: Float) -> Mask8
  /// The outward normal, of any length, at a point of the surface.
  func normal(_ point: Lanes3) -> Lanes3
  /// The same at the end of a ray of this direction; turned against it by shapes that have no inside.
  func normal(_ point: Lanes3, along direction: Lanes3) -> Lanes3
  /// Whether a part of this shape can throw a shadow on itself.
  static var shadowsItself: Bool { get }
}

extension SolidKernel {
  @inline(__always) func normal(_ point: Lanes3, along direction: Lanes3) -> Lanes3 { normal(point) }
  @inline(__always) static var shadowsItself: Bool { false }

  @inline(__always) func blocks(_ o: Lanes3, _ d: Lanes3, near: Float) -> Mask8 {
    hit(o, d, near: near) .< Float8(repeating: .infinity)
  }
}

/// A loop over samples that is compiled once for every kernel.
protocol KernelVisitor {
  mutating func visit<K: SolidKernel>(_ kernel: K)
}

private let never = Float8(repeating: .infinity)

/// The nearer of an interval's ends that lies beyond `near`, where the interval exists.
@inline(__always)
private func firstEnd(_ enter: Float8, _ leave: Float8, near: Float, where exists: Mask8) -> Float8 {
  let t = leave.replacing(with: enter, where: enter .> .all(near))
  return never.replacing(with: t, where: exists .& (leave .> .all(near)))
}

/// The sphere of radius 1.
struct SphereKernel: SolidKernel {
  // The offset of the ray's nearest point keeps its digits where b^2 - ac would lose them on small, far spheres
  // (Haines et al. 2019, "Precision improvements for ray/sphere intersection").
  @inline(__always) func hit(_ o: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    let inverse = 1 / d.dot(d)
    let middle = -(o.dot(d) * inverse)
    let nearest = o + d * middle
    let rest = 1 - nearest.dot(nearest)
    let half = root(larger(rest * inverse, .zero))
    return firstEnd(middle - half, middle + half, near: near, where: rest .> .zero)
  }

  @inline(__always) func blocks(_ o: Lanes3, _ d: Lanes3, near: Float) -> Mask8 {
    // Towards or around the centre: the nearest point of the ray beyond `near` lies inside.
    let t = larger(-(o.dot(d) / d.dot(d)), .all(near))
    let nearest = o + d * t
    return nearest.dot(nearest) .< 1
  }

  @inline(__always) func normal(_ p: Lanes3) -> Lanes3 { p }
}

/// The cube from -1 to 1.
struct BoxKernel: SolidKernel {
  @inline(__always) func hit(_ o: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    let (ix, iy, iz) = (1 / d.x, 1 / d.y, 1 / d.z)
    let (ax, bx) = ((-1 - o.x) * ix, (1 - o.x) * ix)
    let (ay, by) = ((-1 - o.y) * iy, (1 - o.y) * iy)
    let (az, bz) = ((-1 - o.z) * iz, (1 - o.z) * iz)
    let enter = larger(larger(smaller(ax, bx), smaller(ay, by)), smaller(az, bz))
    let leave = smaller(smaller(larger(ax, bx), larger(ay, by)), larger(az, bz))
    return firstEnd(enter, leave, near: near, where: enter .<= leave)
  }

  @inline(__always) func normal(_ p: Lanes3) -> Lanes3 {
    let (ax, ay, az) = (magnitude(p.x), magnitude(p.y), magnitude(p.z))
    let isX = (ax .>= ay) .& (ax .>= az)
    let isY = .!isX .& (ay .>= az)
    return Lanes3(
      Float8.zero.replacing(with: p.x, where: isX), Float8.zero.replacing(with: p.y, where: isY),
      Float8.zero.replacing(with: p.z, where: .!isX .& .!isY))
  }
}

/// The solid of revolution with radius 1 at y = -1 and `top` at y = 1, straight between: a cylinder if top = 1.
struct FrustumKernel: SolidKernel {
  /// Radius at height y: middle + slope * y.
  let middle, slope, top: Float

  init(top: Float) {
    self.top = top
    middle = (1 + top) / 2
    slope = (top - 1) / 2
  }

  @inline(__always) func hit(_ start: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    // Measured from the ray's nearest point to the centre, all numbers are of the size of the solid.
    let shift = -(start.dot(d) / d.dot(d))
    let o = start + d * shift
    let from = near - shift
    let (r, dr) = (middle + slope * o.y, slope * d.y)
    // |xz|^2 = radius^2: a t^2 + 2 b t + c = 0
    let a = d.x * d.x + d.z * d.z - dr * dr
    let b = o.x * d.x + o.z * d.z - r * dr
    let c = o.x * o.x + o.z * o.z - r * r
    let discriminant = b * b - a * c
    let isPossible = o.dot(o) .< .all(1 + max(1, top * top))  // within the ball around the solid
    guard anyLane(isPossible) else { return never }
    let half = root(larger(discriminant, .zero))
    let q = -(b + (-half).replacing(with: half, where: b .>= .zero))
    let inverse = 1 / d.y
    let (below, above) = ((-1 - o.y) * inverse, (1 - o.y) * inverse)
    var best = never
    best.replace(with: q / a, where: isSide(q / a, o, d) .& (q / a .> from))
    best.replace(with: c / q, where: isSide(c / q, o, d) .& (c / q .> from) .& (c / q .< best))
    best = never.replacing(with: best, where: discriminant .>= .zero)
    best.replace(with: below, where: isCap(below, 1, o, d) .& (below .> from) .& (below .< best))
    best.replace(with: above, where: isCap(above, top, o, d) .& (above .> from) .& (above .< best))
    return best + shift
  }

  @inline(__always) private func isSide(_ t: Float8, _ o: Lanes3, _ d: Lanes3) -> Mask8 {
    magnitude(o.y + t * d.y) .<= 1
  }

  @inline(__always) private func isCap(_ t: Float8, _ radius: Float, _ o: Lanes3, _ d: Lanes3) -> Mask8 {
    let (x, z) = (o.x + t * d.x, o.z + t * d.z)
    return x * x + z * z .<= .all(radius * radius)
  }

  @inline(__always) func normal(_ p: Lanes3) -> Lanes3 {
    let rho = root(p.x * p.x + p.z * p.z)
    let r = middle + slope * p.y
    let isCap = (1 - magnitude(p.y)) .< magnitude(rho - r)
    let side = Lanes3(p.x, -slope * r, p.z)
    return side.replacing(with: Lanes3(.zero, p.y, .zero), where: isCap)
  }
}

/// All points within 1 of the segment from y = -half to y = half.
struct CapsuleKernel: SolidKernel {
  let half: Float

  @inline(__always) func hit(_ start: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    let inverse = 1 / d.dot(d)
    let shift = -(start.dot(d) * inverse)
    let o = start + d * shift
    let a = larger(d.x * d.x + d.z * d.z, .all(1e-12))
    let b = o.x * d.x + o.z * d.z
    let discriminant = b * b - a * (o.x * o.x + o.z * o.z - 1)
    // The caps lie inside the endless cylinder: a ray that misses it misses all.
    guard anyLane(discriminant .> .zero) else { return never }
    let reach = root(larger(discriminant, .zero))
    let share = 1 / a
    let enter = end(o, d, inverse, side: (-b - reach) * share, sign: -1)
    let leave = end(o, d, inverse, side: (reach - b) * share, sign: 1)
    return firstEnd(enter + shift, leave + shift, near: near, where: (discriminant .> .zero) .& (enter .<= leave))
  }

  /// Where the ray enters (-1) or leaves (1): on the cylinder if that is between the caps, else on a cap's sphere.
  @inline(__always)
  private func end(_ o: Lanes3, _ d: Lanes3, _ inverse: Float8, side: Float8, sign: Float) -> Float8 {
    let y = o.y + side * d.y
    let cap = Float8.all(-half).replacing(with: half, where: y .> .zero)
    let c = Lanes3(o.x, o.y - cap, o.z)
    let middle = -(c.dot(d) * inverse)
    let nearest = c + d * middle
    let rest = 1 - nearest.dot(nearest)
    let sphere = middle + sign * root(larger(rest * inverse, .zero))
    // A miss is an empty interval.
    let onCap = Float8.all(-sign * .infinity).replacing(with: sphere, where: rest .> .zero)
    return onCap.replacing(with: side, where: magnitude(y) .<= .all(half))
  }

  /// By the distance between the segment and the part of the ray beyond `near`.
  @inline(__always) func blocks(_ o: Lanes3, _ d: Lanes3, near: Float) -> Mask8 {
    let length = d.dot(d)
    let flat = larger(d.x * d.x + d.z * d.z, .all(1e-12))
    // Nearest point of the segment's line, then of the segment; then of the ray; then of the segment again.
    let free = -((o.x * d.x + o.z * d.z) / flat)
    let first = larger(free, .all(near))
    let y = larger(smaller(o.y + first * d.y, .all(half)), .all(-half))
    let t = larger((y * d.y - o.dot(d)) / length, .all(near))
    let p = o + d * t
    let z = p.y - larger(smaller(p.y, .all(half)), .all(-half))
    return p.x * p.x + z * z + p.z * p.z .< 1
  }

  @inline(__always) func normal(_ p: Lanes3) -> Lanes3 {
    Lanes3(p.x, p.y - larger(smaller(p.y, .all(half)), .all(-half)), p.z)
  }
}

/// The plane y = 0.
struct PlaneKernel: SolidKernel {
  @inline(__always) func hit(_ o: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    let t = -(o.y / d.y)
    return never.replacing(with: t, where: t .> .all(near))
  }

  @inline(__always) func normal(_ p: Lanes3) -> Lanes3 { Lanes3(.zero, .all(1), .zero) }
}
