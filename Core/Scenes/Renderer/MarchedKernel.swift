/// A shape given by its signed distance: how far a point is from the surface, negative inside.
protocol DistanceField {
  func distance(_ point: Lanes3) -> Float8
  /// The gradient of the distance, of any length.
  func gradient(_ point: Lanes3) -> Lanes3
  /// The interval of t in which the ray can meet the surface; empty (first > second) if it cannot.
  func interval(_ origin: Lanes3, _ direction: Lanes3) -> (Float8, Float8)
}

/// Rays against a signed distance: sphere tracing into a thin shell around the surface, then Newton's method.
///
/// In the shell the distance along a ray is nearly convex, so Newton's method reaches the root from the outside without
/// passing it; where the distance begins to grow instead, the ray has only grazed the shell and walks on.
///
/// - Source: Hart 1996, "Sphere tracing"; the second stage is our own.
struct MarchedKernel<Field: DistanceField>: SolidKernel {
  let field: Field
  /// The thickness of the shell, in units of the shape.
  private let shell: Float = 1e-3

  init(_ field: Field) { self.field = field }

  @inline(__always) func hit(_ start: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    let inverse = 1 / root(d.dot(d))
    let shift = -(start.dot(d) * inverse * inverse)
    let o = start + d * shift
    let (enter, leave) = field.interval(o, d)
    var t = larger(enter, near - shift)
    var walking = t .< leave
    var result = Float8(repeating: .infinity)
    // A straight line grazes the shell of a torus twice at most before it meets the torus.
    for _ in 0..<3 where anyLane(walking) {
      var close = march(o, d, &t, to: leave, inverse, walking)
      guard anyLane(close) else { break }
      walking = close
      var distance = field.distance(o + d * t)
      for _ in 0..<8 {
        let slope = field.gradient(o + d * t).normalized.dot(d)  // of the distance, per unit of t
        close = close .& (slope .< .zero)
        let step = smaller(larger(-(distance / slope), -0.05 * inverse), 0.05 * inverse)
        t.replace(with: t + step, where: close)
        distance = field.distance(o + d * t)
        guard anyLane(close .& (magnitude(distance) .> 1e-6)) else { break }
      }
      let found = close .& (magnitude(distance) .< 1e-5)
      result.replace(with: t + shift, where: found)
      walking = walking .& .!found
      t.replace(with: t + 0.02 * inverse, where: walking)
    }
    return result
  }

  @inline(__always) func blocks(_ o: Lanes3, _ d: Lanes3, near: Float) -> Mask8 {
    let (enter, leave) = field.interval(o, d)
    var t = larger(enter, .all(near))
    return march(o, d, &t, to: leave, 1 / root(d.dot(d)), t .< leave)
  }

  /// Sphere tracing: walks the lanes of a mask up to the shell and tells which of them arrive.
  ///
  /// - Parameter inverse: 1 / |d|.
  @inline(__always)
  private func march(
    _ o: Lanes3, _ d: Lanes3, _ t: inout Float8, to leave: Float8, _ inverse: Float8, _ mask: Mask8
  ) -> Mask8 {
    var walking = mask .& (t .< leave)
    var arrived = Mask8(repeating: false)
    var step = 0
    while step < 96, anyLane(walking) {
      let distance = field.distance(o + d * t)
      let close = walking .& (distance .< .all(shell))
      arrived = arrived .| close
      walking = walking .& .!close
      t.replace(with: t + distance * inverse, where: walking)
      walking = walking .& (t .< leave)
      step += 1
    }
    return arrived
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
