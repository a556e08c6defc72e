import ReproTensor

/// A primitive in its own frame, centred at the origin; lengths in metres, axes of revolution along y.
public enum Solid: Sendable, Equatable {
  case ellipsoid(radii: Vec3)
  case box(half: Vec3)
  /// A cylinder or a (cut) cone: radius `bottom` > 0 at y = -half, `top` >= 0 at y = +half.
  case frustum(bottom: Float, top: Float, half: Float)
  /// All points within `radius` of the segment from y = -half to y = +half.
  case capsule(radius: Float, half: Float)
  /// All points within `minor` of the circle of radius `major` in the plane y = 0; minor < major.
  case torus(major: Float, minor: Float)
  /// The plane y = 0, without end; its front is where y > 0.
  case plane
  /// A surface of triangles, `scale` times as large as its mesh.
  case mesh(Mesh, scale: Float = 1)
  /// The points where an expression of distances is not positive, `scale` times as large.
  case shape(DistanceShape, scale: Float = 1)

  public static func sphere(radius: Float) -> Solid { .ellipsoid(radii: Vec3(repeating: radius)) }
  public static func cylinder(radius: Float, half: Float) -> Solid {
    .frustum(bottom: radius, top: radius, half: half)
  }
  public static func cone(radius: Float, half: Float) -> Solid { .frustum(bottom: radius, top: 0, half: half) }

  /// How far the solid reaches along a direction, `max over its points p of p . direction`; infinite for a plane.
  ///
  /// - Parameter direction: of length 1, in the solid's frame.
  /// - Returns: metres.
  public func reach(_ direction: Vec3) -> Float {
    let across = (direction.x * direction.x + direction.z * direction.z).squareRoot()
    switch self {
    case .ellipsoid(let radii): return (radii * direction).length
    case .box(let half):
      let d = direction * half
      return abs(d.x) + abs(d.y) + abs(d.z)
    case .frustum(let bottom, let top, let half):
      return max(half * direction.y + top * across, -half * direction.y + bottom * across)
    case .capsule(let radius, let half): return half * abs(direction.y) + radius
    case .torus(let major, let minor): return major * across + minor
    case .plane: return .infinity
    case .mesh(let mesh, let scale): return scale * mesh.reach(direction)
    case .shape(let shape, let scale): return scale * shape.reach(direction)
    }
  }

  /// The same solid, `scale` times as large.
  func scaled(_ scale: Float) -> Solid {
    switch self {
    case .ellipsoid(let radii): .ellipsoid(radii: radii * scale)
    case .box(let half): .box(half: half * scale)
    case .frustum(let bottom, let top, let half): .frustum(bottom: bottom * scale, top: top * scale, half: half * scale)
    case .capsule(let radius, let half): .capsule(radius: radius * scale, half: half * scale)
    case .torus(let major, let minor): .torus(major: major * scale, minor: minor * scale)
    case .plane: .plane
    case .mesh(let mesh, let own): .mesh(mesh, scale: own * scale)
    case .shape(let shape, let own): .shape(shape, scale: own * scale)
    }
  }

  /// The solid as a unit shape that is stretched: what a ray is tested against, and by how much.
  var unit: (shape: UnitShape, stretch: Vec3) {
    switch self {
    case .ellipsoid(let radii):
      require(radii.min() > 0, "an ellipsoid needs positive radii, got \(radii)")
      return (.sphere, radii)
    case .box(let half):
      require(half.min() > 0, "a box needs positive half lengths, got \(half)")
      return (.box, half)
    case .frustum(let bottom, let top, let half):
      require(bottom > 0 && top >= 0 && half > 0, "a frustum needs bottom > 0, top >= 0, half > 0, got \(self)")
      return (.frustum(top: top / bottom), Vec3(bottom, half, bottom))
    case .capsule(let radius, let half):
      require(radius > 0 && half >= 0, "a capsule needs radius > 0 and half >= 0, got \(self)")
      return (.capsule(half: half / radius), Vec3(repeating: radius))
    case .torus(let major, let minor):
      require(minor > 0 && major > minor, "a torus needs 0 < minor < major, got \(self)")
      return (.torus(minor: minor / major), Vec3(repeating: major))
    case .plane: return (.plane, Vec3(1, 1, 1))
    case .mesh(let mesh, let scale):
      require(scale > 0, "a mesh needs a positive scale, got \(scale)")
      return (.mesh(mesh), Vec3(repeating: scale))
    case .shape(let shape, let scale):
      require(scale > 0, "a shape needs a positive scale, got \(scale)")
      return (.shape(shape), Vec3(repeating: scale))
    }
  }
}

/// The shapes that the renderer intersects; whatever stretches or moves them is folded into the ray.
enum UnitShape: Sendable, Equatable {
  case sphere
  case box
  case frustum(top: Float)
  case capsule(half: Float)
  case torus(minor: Float)
  case plane
  case mesh(Mesh)
  case shape(DistanceShape)

  /// The box around a shape that is not centred; nil for the others.
  var box: (low: Vec3, high: Vec3)? {
    switch self {
    case .mesh(let mesh): (mesh.low, mesh.high)
    case .shape(let shape): (shape.low, shape.high)
    default: nil
    }
  }

  /// Half the size of the box around a shape at the origin; nil if it has no end.
  var halfExtent: Vec3? {
    switch self {
    case .sphere, .box: Vec3(1, 1, 1)
    case .frustum(let top): Vec3(max(1, top), 1, max(1, top))
    case .capsule(let half): Vec3(1, half + 1, 1)
    case .torus(let minor): Vec3(1 + minor, minor, 1 + minor)
    case .plane, .mesh, .shape: nil
    }
  }

  /// 1 for a point outside; -1 for one inside, from where all normals that can be seen point away. The normals of
  /// meshes and shapes are turned against each ray instead.
  func side(of p: Vec3) -> Float {
    switch self {
    case .mesh, .shape: 1
    default: contains(p) ? -1 : 1
    }
  }

  /// Whether a point lies inside; the inside of a mesh is where a ray leaves it an odd number of times.
  func contains(_ p: Vec3) -> Bool {
    let squared = p.x * p.x + p.z * p.z
    let isInside: Bool
    switch self {
    case .sphere: isInside = p.dot(p) < 1
    case .box: isInside = abs(p.x) < 1 && abs(p.y) < 1 && abs(p.z) < 1
    case .frustum(let top):
      let radius = ((1 + top) + (top - 1) * p.y) / 2
      isInside = abs(p.y) < 1 && squared < radius * radius
    case .capsule(let half):
      let y = p.y - max(-half, min(half, p.y))
      isInside = squared + y * y < 1
    case .torus(let minor):
      let q = squared.squareRoot() - 1
      isInside = q * q + p.y * p.y < minor * minor
    case .plane: isInside = p.y < 0
    case .mesh(let mesh): isInside = mesh.contains(p)
    case .shape(let shape): isInside = shape.distance(p) < 0
    }
    return isInside
  }

  /// Calls the visitor with the kernel of this shape, so that its loop is compiled for that kernel alone.
  @inline(__always)
  func accept(_ visitor: inout some KernelVisitor) {
    switch self {
    case .sphere: visitor.visit(SphereKernel())
    case .box: visitor.visit(BoxKernel())
    case .frustum(let top): visitor.visit(FrustumKernel(top: top))
    case .capsule(let half): visitor.visit(CapsuleKernel(half: half))
    case .torus(let minor): visitor.visit(MarchedKernel(TorusDistance(minor: minor)))
    case .plane: visitor.visit(PlaneKernel())
    case .mesh, .shape: visitor.visit(GeneralKernel(shape: self))
    }
  }
}
