import ReproTensor

@testable import ReproScenes

typealias D3 = SIMD3<Double>

/// An independent reference: whether a point lies inside of a solid, in Double, in the solid's own frame.
func isInside(_ p: D3, _ solid: Solid) -> Bool {
  let rho = (p.x * p.x + p.z * p.z).squareRoot()
  switch solid {
  case .ellipsoid(let radii):
    let q = p / D3(radii)
    return (q * q).sum() < 1
  case .box(let half):
    return abs(p.x) < Double(half.x) && abs(p.y) < Double(half.y) && abs(p.z) < Double(half.z)
  case .frustum(let bottom, let top, let half):
    let share = (p.y / Double(half) + 1) / 2
    return abs(p.y) < Double(half) && rho < Double(bottom) + (Double(top) - Double(bottom)) * share
  case .capsule(let radius, let half):
    let y = p.y - max(-Double(half), min(Double(half), p.y))
    return rho * rho + y * y < Double(radius) * Double(radius)
  case .torus(let major, let minor):
    let q = rho - Double(major)
    return q * q + p.y * p.y < Double(minor) * Double(minor)
  case .plane: return p.y < 0
  case .mesh(let mesh, let scale): return mesh.contains(Vec3(p) / scale)
  case .shape(let shape, let scale): return shape.distance(Vec3(p) / scale) < 0
  }
}

/// R^T (p - t) in Double.
func toLocal(_ p: D3, _ pose: Pose) -> D3 {
  let (r, q) = (pose.rotation, p - D3(pose.translation))
  return D3(r.row0) * q.x + D3(r.row1) * q.y + D3(r.row2) * q.z
}

let plainLight = Lighting(
  key: DirectionalLight(direction: Vec3(0, 1, 0), color: Vec3(1, 1, 1)),
  fill: DirectionalLight(direction: Vec3(1, 0, 0), color: .zero), ambientUp: Vec3(0.4, 0.4, 0.4),
  ambientDown: Vec3(0.4, 0.4, 0.4), horizon: Vec3(0.1, 0.2, 0.3), zenith: Vec3(0.1, 0.2, 0.3))

/// A camera at distance `distance` on the z axis that looks at the origin; odd sizes have a pixel at the centre.
func frontCamera(_ size: Int, distance: Float, fieldOfView: Float = 0.8) -> Camera {
  Camera(
    width: size, height: size, verticalFieldOfView: fieldOfView,
    worldToCamera: Camera.lookAt(eye: Vec3(0, 0, distance), target: .zero))
}

func scene(_ solids: [(Solid, Pose)]) -> Scene {
  let bodies = solids.enumerated().map { i, item in
    Body(
      parts: [Part(item.0)], materials: [.plain(Vec3(0.5, 0.4, 0.3))], pose: item.1, instance: UInt16(i + 1),
      semantic: UInt8(i + 1))
  }
  return Scene(bodies: bodies, lighting: plainLight)
}

/// One solid of every kind, with random measures.
func randomSolids(_ random: inout RandomStream) -> [Solid] {
  func r(_ low: Float, _ high: Float, _ random: inout RandomStream) -> Float { random.float(low, high) }
  let top = r(0.1, 0.9, &random)
  return [
    .sphere(radius: r(0.4, 1, &random)),
    .ellipsoid(radii: Vec3(r(0.3, 1, &random), r(0.3, 1, &random), r(0.3, 1, &random))),
    .box(half: Vec3(r(0.3, 1, &random), r(0.3, 1, &random), r(0.3, 1, &random))),
    .cylinder(radius: r(0.3, 0.8, &random), half: r(0.3, 1, &random)),
    .cone(radius: r(0.4, 0.9, &random), half: r(0.4, 1, &random)),
    .frustum(bottom: r(0.4, 0.9, &random), top: top, half: r(0.4, 1, &random)),
    .capsule(radius: r(0.2, 0.5, &random), half: r(0.2, 0.8, &random)),
    .torus(major: r(0.6, 0.9, &random), minor: r(0.15, 0.35, &random)),
  ]
}
