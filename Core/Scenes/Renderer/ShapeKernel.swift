/// Rays against a signed-distance expression: sphere tracing down to the precision of single floats.
struct ShapeKernel: SolidKernel {
  let shape: DistanceShape
  /// Nearer than this is on the surface.
  private let tolerance: Float
  private static let steps = 192

  init(_ shape: DistanceShape) {
    self.shape = shape
    tolerance = 4e-6 * shape.size
  }

  @inline(never) func hit(_ start: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    let inverse = 1 / root(d.dot(d))
    // From the ray's nearest point to the origin all numbers are of the size of the shape.
    let shift = -(start.dot(d) * inverse * inverse)
    let o = start + d * shift
    var (t, leave) = interval(o, d)
    t = larger(t, near - shift)
    var walking = t .< leave
    guard anyLane(walking) else { return Float8(repeating: .infinity) }
    // A ray that starts inside walks by the distance to the surface from within.
    var distance = shape.program.distance(o + d * t)
    let side = Float8(repeating: 1).replacing(with: -1, where: distance .< .zero)
    var found = Mask8(repeating: false)
    // Where a ray starts on the surface itself, it must leave it before it can meet it.
    var hasLeft = magnitude(distance) .> 2 * tolerance
    for _ in 0..<Self.steps {
      let ahead = distance * side
      hasLeft = hasLeft .| (ahead .> 2 * tolerance)
      let close = walking .& (ahead .< .all(tolerance)) .& hasLeft
      found = found .| close
      walking = walking .& .!close
      guard anyLane(walking) else { break }
      t.replace(with: t + larger(ahead, .all(tolerance)) * inverse, where: walking)
      walking = walking .& (t .< leave)
      distance = shape.program.distance(o + d * t)
    }
    // Whoever ran out of steps slides along the surface: a hit, if it is that near.
    found = found .| (walking .& (distance * side .< .all(50 * tolerance)) .& hasLeft)
    return Float8(repeating: .infinity).replacing(with: t + shift, where: found)
  }

  /// The interval of t within the box around the shape.
  private func interval(_ o: Lanes3, _ d: Lanes3) -> (Float8, Float8) {
    let slack = 1e-3 * shape.size
    let (low, high) = (shape.low - slack, shape.high + slack)
    let (ix, iy, iz) = (1 / d.x, 1 / d.y, 1 / d.z)
    let (ax, bx) = ((low.x - o.x) * ix, (high.x - o.x) * ix)
    let (ay, by) = ((low.y - o.y) * iy, (high.y - o.y) * iy)
    let (az, bz) = ((low.z - o.z) * iz, (high.z - o.z) * iz)
    return (
      larger(larger(smaller(ax, bx), smaller(ay, by)), smaller(az, bz)),
      smaller(smaller(larger(ax, bx), larger(ay, by)), larger(az, bz))
    )
  }

  @inline(never) func normal(_ p: Lanes3) -> Lanes3 { shape.program.gradient(p, step: shape.step) }
}

/// Rays against whatever is neither flat nor round: one kernel, because loops are compiled anew for every kernel, and
/// these shapes take far longer than the choice between them.
struct GeneralKernel: SolidKernel {
  let shape: UnitShape

  static var shadowsItself: Bool { true }

  func hit(_ o: Lanes3, _ d: Lanes3, near: Float) -> Float8 { shape.hit(o, d, near: near) }

  @inline(never) func blocks(_ o: Lanes3, _ d: Lanes3, near: Float) -> Mask8 {
    if case .mesh(let mesh) = shape { return MeshKernel(mesh).blocks(o, d, near: near) }
    return shape.hit(o, d, near: near) .< Float8(repeating: .infinity)
  }

  func normal(_ p: Lanes3) -> Lanes3 { shape.normal(p) }

  func normal(_ p: Lanes3, along d: Lanes3) -> Lanes3 {
    let n = shape.normal(p)
    return n.replacing(with: -n, where: n.dot(d) .> .zero)
  }
}

extension UnitShape {
  /// The first t > near at which each ray meets the shape; where a loop of its own for each shape does not pay.
  @inline(never) func hit(_ o: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    switch self {
    case .sphere: SphereKernel().hit(o, d, near: near)
    case .box: BoxKernel().hit(o, d, near: near)
    case .frustum(let top): FrustumKernel(top: top).hit(o, d, near: near)
    case .capsule(let half): CapsuleKernel(half: half).hit(o, d, near: near)
    case .torus(let minor): MarchedKernel(TorusDistance(minor: minor)).hit(o, d, near: near)
    case .plane: PlaneKernel().hit(o, d, near: near)
    case .mesh(let mesh): MeshKernel(mesh).hit(o, d, near: near)
    case .shape(let shape): ShapeKernel(shape).hit(o, d, near: near)
    }
  }

  /// The outward normal at points of the surface.
  @inline(never) func normal(_ p: Lanes3) -> Lanes3 {
    switch self {
    case .sphere: SphereKernel().normal(p)
    case .box: BoxKernel().normal(p)
    case .frustum(let top): FrustumKernel(top: top).normal(p)
    case .capsule(let half): CapsuleKernel(half: half).normal(p)
    case .torus(let minor): MarchedKernel(TorusDistance(minor: minor)).normal(p)
    case .plane: PlaneKernel().normal(p)
    case .mesh(let mesh): MeshKernel(mesh).normal(p)
    case .shape(let shape): ShapeKernel(shape).normal(p)
    }
  }

  /// The normal at the end of a ray, turned as `side` and the shape's kernel demand.
  func normal(_ p: Lanes3, along d: Lanes3) -> Lanes3 {
    let n = normal(p)
    guard box != nil else { return n }
    return n.replacing(with: -n, where: n.dot(d) .> .zero)
  }
}
