import Glibc
import ReproTensor

/// Solids made of signed distances, inside a ball of radius 1 around the origin.
enum DistanceKind: String, Sendable, CaseIterable {
  /// The torus and sphere of the NeuS tests.
  case torusAndSphere = "torus and sphere"
  case blobs
  case carvedCube = "carved cube"
  case pierced
  case cross
  case chain

  func expression(_ random: inout RandomStream) -> SignedDistance {
    func around(_ axis: Vec3, _ angle: Float) -> Pose { Pose(rotation: .rotation(axis: axis, angle: angle)) }
    switch self {
    case .torusAndSphere:
      let minor = random.float(0.16, 0.26)
      let torus = SignedDistance.torus(major: 0.95 - minor, minor: minor)
      return .union(torus, SignedDistance.sphere(radius: random.float(0.3, 0.42)).at(Vec3(0, random.float(0, 0.3), 0)))
    case .blobs:
      var shape = SignedDistance.sphere(radius: random.float(0.35, 0.45))
      for _ in 0..<4 {
        let place = random.direction() * random.float(0.35, 0.5)
        shape = .blend(shape, SignedDistance.sphere(radius: random.float(0.22, 0.36)).at(place), radius: 0.25)
      }
      return shape
    case .carvedCube:
      let cube = SignedDistance.rounded(.box(half: Vec3(repeating: 0.5)), by: 0.05)
      return .difference(cube, .sphere(radius: random.float(0.62, 0.72)))
    case .pierced:
      var shape = SignedDistance.sphere(radius: 0.85)
      for axis in [Vec3(1, 0, 0), Vec3(0, 0, 1), Vec3(0, 1, 0)] {
        let bar = SignedDistance.cylinder(radius: random.float(0.22, 0.36), half: 1.2)
        shape = .difference(shape, axis.y == 1 ? bar : .moved(bar, around(axis, .pi / 2)))
      }
      return shape
    case .cross:
      let bar = SignedDistance.capsule(radius: random.float(0.16, 0.24), half: random.float(0.55, 0.7))
      let pair = SignedDistance.blend(bar, .moved(bar, around(Vec3(0, 0, 1), .pi / 2)), radius: 0.2)
      return .blend(pair, .moved(bar, around(Vec3(1, 0, 0), .pi / 2)), radius: 0.2)
    case .chain:
      let minor = random.float(0.09, 0.13)
      let link = SignedDistance.torus(major: 0.36, minor: minor)
      let upright = SignedDistance.moved(link, around(Vec3(1, 0, 0), .pi / 2))
      return .union(.union(link.at(Vec3(-0.48, 0, 0)), upright), link.at(Vec3(0.48, 0, 0)))
    }
  }
}

/// Closed meshes of a ball with bumps, inside a ball of radius 1 around the origin.
enum MeshKind: String, Sendable, CaseIterable {
  case pebble, star, flower, wavy

  func mesh(_ random: inout RandomStream) -> Mesh {
    let phase = random.float(0, 2 * .pi)
    let depth = random.float(0.6, 1)
    let axes = (0..<5).map { _ in random.direction() }
    return Mesh.star(rings: 23, sectors: 48) { d in
      let (polar, turn) = (acosf(max(-1, min(1, d.y))), atan2f(d.z, d.x))
      let bump: Float =
        switch self {
        case .pebble: axes.reduce(Float(0)) { $0 + 0.2 * $1.dot(d) * $1.dot(d) } - 0.5
        case .star: 0.28 * cosf(5 * turn + phase) * sinf(polar) - 0.28
        case .flower: 0.2 * cosf(8 * turn + phase) * sinf(polar) * sinf(polar) - 0.2 - 0.3 * abs(d.y)
        case .wavy: 0.14 * sinf(7 * polar + phase) - 0.14
        }
      return max(0.25, min(0.99, 0.98 + depth * bump))
    }
  }
}
