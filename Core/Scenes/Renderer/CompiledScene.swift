import Glibc

/// A part with everything that its loops need, in the world's frame.
struct CompiledPart {
  var shape: UnitShape
  /// World to the unit shape: p -> matrix p + offset.
  var matrix: Mat3
  var offset: Vec3
  /// World to the cells of the material's pattern.
  var patternMatrix: Mat3
  var patternOffset: Vec3
  var material: Material
  var body: Int
  var instance: UInt16
  var semantic: UInt8
  /// Whether it throws a shadow.
  var castsShadow: Bool
  /// The corners of its box in the world; empty if it has no end.
  var corners: [Vec3]
  /// The ball of the same volume, which darkens the ground nearby.
  var center: Vec3
  var radius: Float
}

/// The parts of a scene, flat.
struct CompiledScene {
  var parts: [CompiledPart] = []
  var lighting: Lighting
  /// No visible point lies lower; bounds how far shadows reach.
  var floor: Float

  init(_ scene: Scene) {
    lighting = scene.lighting
    floor = .infinity
    var ground = Float.infinity
    var hasWall = false
    parts.reserveCapacity(scene.bodies.reduce(0) { $0 + $1.parts.count })
    for (index, body) in scene.bodies.enumerated() {
      let toBody = (1 / body.scale) * body.pose.rotation.transposed
      let bodyOffset = -(toBody * body.pose.translation)
      for part in body.parts {
        let pose = body.pose * Pose(rotation: part.pose.rotation, translation: part.pose.translation * body.scale)
        let (shape, stretch) = part.solid.scaled(body.scale).unit
        let matrix = Mat3.diagonal(1 / stretch) * pose.rotation.transposed
        let material = body.materials[part.material]
        let pattern = material.frame * toBody
        var corners: [Vec3] = []
        var radius: Float = 0
        if let box = shape.box {
          let (middle, h) = ((box.low + box.high) / 2 * stretch, (box.high - box.low) / 2 * stretch)
          corners.reserveCapacity(8)
          for i in 0..<8 {
            let sign = Vec3(i & 1 == 0 ? -1 : 1, i & 2 == 0 ? -1 : 1, i & 4 == 0 ? -1 : 1)
            corners.append(pose(middle + h * sign))
          }
          radius = cbrtf(h.x * h.y * h.z)
        } else if let half = shape.halfExtent {
          let h = half * stretch
          corners.reserveCapacity(8)
          for i in 0..<8 {
            let sign = Vec3(i & 1 == 0 ? -1 : 1, i & 2 == 0 ? -1 : 1, i & 4 == 0 ? -1 : 1)
            corners.append(pose(h * sign))
          }
          radius = cbrtf(h.x * h.y * h.z)
        }
        parts.append(
          CompiledPart(
            shape: shape, matrix: matrix, offset: -(matrix * pose.translation), patternMatrix: pattern,
            patternOffset: material.frame * bodyOffset + material.offset, material: material, body: index,
            instance: body.instance, semantic: body.semantic,
            castsShadow: body.castsShadow && !corners.isEmpty, corners: corners, center: pose.translation,
            radius: radius))
        if shape == .plane {
          if abs(pose.rotation.row1.y) > 0.999 { ground = min(ground, pose.translation.y) } else { hasWall = true }
        }
        for corner in corners { floor = min(floor, corner.y) }
      }
    }
    // A wall is seen down to the level ground, or for ever.
    floor = hasWall && ground == .infinity ? -.infinity : min(floor, ground)
  }

  /// The packets that can show one of these points' convex hull; everything if some point is not in front.
  static func rect(of points: [Vec3], _ camera: Camera, _ grid: SampleGrid) -> PacketRect {
    // A box is not the hull of its corners under a bent lens.
    guard !points.isEmpty, camera.lens == .pinhole || camera.lens == .orthographic else { return grid.everything }
    var low = SIMD2<Float>(repeating: .infinity)
    var high = -low
    for point in points {
      let (pixel, depth) = camera.project(point)
      guard depth > 1e-3 else { return grid.everything }
      low.replace(with: pixel, where: pixel .< low)
      high.replace(with: pixel, where: pixel .> high)
    }
    return grid.rect(from: low, to: high)
  }

  /// The packets that can see the shadow of a part: the hull of its box and of the box's shadow on the floor.
  func shadowRect(of part: CompiledPart, _ camera: Camera, _ grid: SampleGrid) -> PacketRect {
    let light = lighting.key.direction
    let slack = lighting.key.spread * 2
    guard !part.corners.isEmpty, light.y > 0.1 + slack, floor.isFinite else { return grid.everything }
    var points = part.corners
    for corner in part.corners {
      let fall = max(corner.y - floor, 0)
      let landing = corner - light * (fall / light.y)
      // A wide lamp moves the shadow's edge by its tangent over the way of the light.
      let margin = slack * fall / (light.y * light.y)
      for side in [
        Vec3(-margin, 0, -margin), Vec3(margin, 0, -margin), Vec3(-margin, 0, margin), Vec3(margin, 0, margin),
      ] {
        points.append(landing + side)
      }
    }
    return Self.rect(of: points, camera, grid)
  }
}
