/// A shape given by its signed distance: how far a point is from the surface, negative inside.
protocol DistanceField {
  func distance(_ point: Lanes3) -> Float8
  /// The gradient of the distance, of any length.
  func gradient(_ point: Lanes3) -> Lanes3
  /// The interval of t in which the ray can meet the surface; empty (first > second) if it cannot.
  func interval(_ origin: Lanes3, _ direction: Lanes3) -> (Float8, Float8)
}

/// Rays against a signed distance: sphere tracing up to the surface, then Newton's method on it.
///
/// - Source: Hart 1996, "Sphere tracing". The Newton steps make the depth exact to rounding; a ray that grazes the
///   surface within a thousandth of the unit counts as a hit.
struct MarchedKernel<Field: DistanceField>: SolidKernel {
  let field: Field

  init(_ field: Field) { self.field = field }

  @inline(__always) func hit(_ start: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    let inverse = 1 / root(d.dot(d))
    let shift = -(start.dot(d) * inverse * inverse)
    let o = start + d * shift
    var (t, arrived) = march(o, d, from: near - shift, inverse)
    guard anyLane(arrived) else { return Float8(repeating: .infinity) }
    for _ in 0..<3 {
      let p = o + d * t
      let g = field.gradient(p).normalized
      let slope = g.dot(d)  // distance per unit of t; near zero where the ray grazes
      let correction = -(field.distance(p) / slope)
      let limit = 0.05 * inverse
      t.replace(
        with: t + smaller(larger(correction, -limit), limit), where: arrived .& (slope .< -0.02 / inverse))
    }
    return Float8(repeating: .infinity).replacing(with: t + shift, where: arrived)
  }

  @inline(__always) func blocks(_ o: Lanes3, _ d: Lanes3, near: Float) -> Mask8 {
    march(o, d, from: .all(near), 1 / root(d.dot(d))).arrived
  }

  /// Sphere tracing: where the ray comes within a thousandth of the surface.
  ///
  /// - Parameter inverse: 1 / |d|.
  @inline(__always)
  private func march(_ o: Lanes3, _ d: Lanes3, from: Float8, _ inverse: Float8) -> (t: Float8, arrived: Mask8) {
    let (enter, leave) = field.interval(o, d)
    var t = larger(enter, from)
    var walking = t .< leave
    var arrived = Mask8(repeating: false)
    var step = 0
    while step < 96, anyLane(walking) {
      let distance = field.distance(o + d * t)
      let close = walking .& (distance .< .all(1e-3))
      arrived = arrived .| close
      walking = walking .& .!close
      t.replace(with: t + distance * inverse, where: walking)
      walking = walking .& (t .< leave)
      step += 1
    }
    return (t, arrived)
  }

  @inline(__always) func normal(_ p: Lanes3) -> Lanes3 { field.gradient(p) }
}

/// The torus of radius 1 about the y axis, `minor` thick.
struct TorusDistance: DistanceField {
  let minor: Float

  @inline(__always) func distance(_ p: Lanes3) -> Float8 {
    let q = root(p.x * p.x + p.z * p.z) - 1
    return root(q * q + p.y * p.y) - minor
  }

  @inline(__always) func gradient(_ p: Lanes3) -> Lanes3 {
    let scale = 1 - 1 / larger(root(p.x * p.x + p.z * p.z), .all(1e-6))
    return Lanes3(p.x * scale, p.y, p.z * scale)
  }

  @inline(__always) func interval(_ o: Lanes3, _ d: Lanes3) -> (Float8, Float8) {
    // The slab |y| <= minor within the sphere of radius 1 + minor.
    let inverse = 1 / d.dot(d)
    let middle = -(o.dot(d) * inverse)
    let nearest = o + d * middle
    let rest = (1 + minor) * (1 + minor) - nearest.dot(nearest)
    let half = root(larger(rest * inverse, .zero))
    let iy = 1 / d.y
    let (a, b) = ((-minor - o.y) * iy, (minor - o.y) * iy)
    let enter = larger(middle - half, smaller(a, b))
    let leave = smaller(middle + half, larger(a, b))
    return (enter, leave.replacing(with: -.infinity, where: rest .<= .zero))
  }
}
