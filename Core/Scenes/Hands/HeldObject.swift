import Glibc
import ReproTensor

/// The families of things that hands hold.
public enum HeldFamily: Int, Sendable, CaseIterable {
  case mug, box, bottle, bowl, pair, wedge

  public var name: String { "\(self)" }
}

/// A thing that fits into a hand: parts in its own frame, its long axis along y.
public struct HeldObject: Sendable, Equatable {
  public var family: HeldFamily
  public var parts: [Part]
  var materials: [Material]

  init(_ family: HeldFamily, _ random: inout RandomStream) {
    self.family = family
    let r = random.float(0.026, 0.042)
    let half = random.float(0.045, 0.075)
    switch family {
    case .mug:
      let ring = Pose(rotation: .rotation(axis: Vec3(1, 0, 0), angle: .pi / 2), translation: Vec3(r * 1.25, 0, 0))
      parts = [
        Part(.cylinder(radius: r, half: half * 0.8)),
        Part(.torus(major: half * 0.42, minor: 0.006), pose: ring, material: 1),
      ]
    case .box: parts = [Part(.box(half: Vec3(r, half, random.float(0.018, 0.036))))]
    case .bottle:
      let neck = random.float(0.012, 0.016)
      parts = [
        Part(.cylinder(radius: r, half: half * 0.75), at: Vec3(0, -0.25 * half, 0)),
        Part(.frustum(bottom: r, top: neck, half: half * 0.2), at: Vec3(0, 0.7 * half, 0)),
        Part(.cylinder(radius: neck, half: half * 0.25), at: Vec3(0, 1.1 * half, 0), material: 1),
      ]
    case .bowl:
      let rim = r * random.float(1.3, 1.6)
      parts = [
        Part(.frustum(bottom: r * 0.75, top: rim, half: half * 0.5)),
        Part(.torus(major: rim * 0.95, minor: 0.006), at: Vec3(0, half * 0.5, 0), material: 1),
      ]
    case .pair:
      let other = random.float(0.7, 1.1) * r
      parts = [
        Part(.ellipsoid(radii: Vec3(r, half * 0.7, r * random.float(0.8, 1))), at: Vec3(0, -0.35 * half, 0)),
        Part(.ellipsoid(radii: Vec3(other, half * 0.55, other)), at: Vec3(0, 0.6 * half, 0), material: 1),
      ]
    case .wedge:
      // Steps stand for the slope.
      let depth = random.float(0.022, 0.034)
      parts = (0..<5).map { step in
        let thin = depth * (1 - 0.19 * Float(step))
        return Part(.box(half: Vec3(r, half / 5, thin)), at: Vec3(0, half * (0.4 * Float(step) - 0.8), thin - depth))
      }
    }
    materials = [Look.material(&random, cells: 18...40), Look.material(&random, cells: 18...40)]
  }

  /// The radius of the ball around the origin that holds the thing, metres.
  public var radius: Float {
    let body = Body(parts: parts, materials: materials)
    var low = Vec3(repeating: .infinity)
    var high = -low
    for (i, axis) in [Vec3(1, 0, 0), Vec3(0, 1, 0), Vec3(0, 0, 1)].enumerated() {
      (high[i], low[i]) = (body.reach(axis), -body.reach(-axis))
    }
    return max(high.length, low.length)
  }

  /// Whether a point of the thing's frame lies inside of it.
  ///
  /// - Parameter margin: how far outside of the surface still counts, metres; exact for balls and boxes' faces.
  public func contains(_ point: Vec3, margin: Float = 0) -> Bool {
    parts.contains { $0.solid.contains($0.pose.inverse(point), margin: margin) }
  }
}

extension Solid {
  /// Whether a point of the solid's frame lies inside of it, or outside by no more than about a margin.
  func contains(_ p: Vec3, margin: Float) -> Bool {
    let across = (p.x * p.x + p.z * p.z).squareRoot()
    switch self {
    case .ellipsoid(let radii):
      let q = p / (radii + margin)
      return q.dot(q) < 1
    case .box(let half):
      let h = half + margin
      return abs(p.x) < h.x && abs(p.y) < h.y && abs(p.z) < h.z
    case .frustum(let bottom, let top, let half):
      let share = min(max((p.y / half + 1) / 2, 0), 1)
      return abs(p.y) < half + margin && across < bottom + (top - bottom) * share + margin
    case .capsule(let radius, let half):
      let y = p.y - min(max(p.y, -half), half)
      return (across * across + y * y).squareRoot() < radius + margin
    case .torus(let major, let minor):
      let q = across - major
      return (q * q + p.y * p.y).squareRoot() < minor + margin
    case .plane: return p.y < margin
    }
  }
}

extension HandAngles {
  /// The fingers closed around a thing: every joint bends until its bone would enter it.
  ///
  /// - Parameter pose: where the thing is in the hand's frame.
  static func grasping(_ object: HeldObject, at pose: Pose, _ shape: HandShape) -> HandAngles {
    var angles = HandAngles(bends: [SIMD3<Float>](repeating: .zero, count: 5), spreads: [0.15, 0.05, 0, 0.02, 0.05])
    let back = pose.inverse
    for finger in 0..<5 {
      for bone in 0..<3 {
        let limit: Float = finger == 0 ? [0.6, 0.8, 0.9][bone] : [1.2, 1.5, 1.1][bone]
        var bend: Float = bone == 0 ? -0.2 : 0
        while bend < limit {
          angles.bends[finger][bone] = bend + 0.05
          let placed = HandPlacement(shape, angles).joints
          // What follows is still straight and must not be pushed into the thing either.
          let pierces = (bone + 1..<4).contains {
            object.contains(back(placed[HandJoint.of(finger: finger, $0)]), margin: 0.003)
          }
          let a = placed[HandJoint.of(finger: finger, bone)]
          let b = placed[HandJoint.of(finger: finger, bone + 1)]
          let touches = [Float(0.35), 0.7, 1].contains { share in
            object.contains(back(a.mixed(with: b, share)), margin: shape.radius(finger, bone + 1))
          }
          if touches || pierces { break }
          bend += 0.05
        }
        angles.bends[finger][bone] = bend
      }
    }
    return angles.limited
  }

  /// A thing laid across the palm, and the hand closed around it: it moves away from the palm until no joint is inside.
  ///
  /// - Parameters:
  ///   - rotation: of the thing in the hand's frame.
  ///   - along: where its middle is along the hand and across, metres.
  static func grasp(
    _ object: HeldObject, rotation: Mat3, along: SIMD2<Float>, _ shape: HandShape
  ) -> (pose: Pose, angles: HandAngles) {
    let body = Body(parts: object.parts, materials: object.materials, pose: Pose(rotation: rotation))
    var height = body.reach(Vec3(0, 0, -1)) + 0.012 * shape.thickness * shape.scale
    while true {
      let pose = Pose(rotation: rotation, translation: Vec3(along.x, along.y, height))
      let angles = grasping(object, at: pose, shape)
      let back = pose.inverse
      let isFree = !HandPlacement(shape, angles).joints.contains { object.contains(back($0)) }
      if isFree || height > 0.15 { return (pose, angles) }
      height += 0.004
    }
  }
}
