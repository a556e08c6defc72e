import ReproTensor

extension Renderer {
  /// Flow, occlusion and motion from the picture that `look` has seen to the next one.
  func track(
    _ scene: Scene, _ compiled: CompiledScene, _ camera: Camera, _ next: NextMoment, _ observation: inout Observation
  ) {
    let later = next.scene.bodies
    require(
      later.count == scene.bodies.count,
      "the next moment has the same bodies, got \(later.count) after \(scene.bodies.count)")
    require(
      next.camera.width == width && next.camera.height == height,
      "the next picture has the same size, got \(next.camera.width) x \(next.camera.height)")
    // From the world now to the world a moment later, body by body.
    let moves = zip(scene.bodies, later).map { now, then -> (matrix: Mat3, offset: Vec3, isMoving: Bool) in
      let matrix = (then.scale / now.scale) * (then.pose.rotation * now.pose.rotation.transposed)
      return (
        matrix, then.pose.translation - matrix * now.pose.translation, now.pose != then.pose || now.scale != then.scale
      )
    }
    let owners = compiled.parts.map(\.body)
    let back = camera.worldToCamera.inverse
    var flow = [Float](repeating: 0, count: width * height * 2)
    var moving = [UInt8](repeating: 0, count: width * height)
    var targets = [Vec3](repeating: .zero, count: width * height)
    var outside = [Bool](repeating: false, count: width * height)
    forEachPixel { pixel, at, lane in
      let here = SIMD2(Float(pixel % width), Float(pixel / width))
      let part = Int(centers.part[at][lane])
      var point = back(camera.unproject(here, depth: part < 0 ? Self.farAway : centers.depth[at][lane]))
      if part >= 0 {
        let move = moves[owners[part]]
        if move.isMoving {
          point = move.matrix * point + move.offset
          moving[pixel] = 1
        }
      } else {
        // Far enough that the camera's own steps do not matter.
        point = point - back.translation + next.camera.eye
      }
      let there = next.camera.project(point)
      let isBehind = there.depth < Self.nearest
      if !isBehind { (flow[2 * pixel], flow[2 * pixel + 1]) = (there.pixel.x - here.x, there.pixel.y - here.y) }
      outside[pixel] = isBehind || !next.camera.contains(there.pixel)
      targets[pixel] = point
    }
    let isSeen = sees(targets, in: CompiledScene(next.scene), from: next.camera)
    observation.flow = flow
    observation.moving = moving
    observation.occluded = zip(outside, isSeen).map { $0 || !$1 ? 1 : 0 }
  }

  /// The depth of the sky.
  static let farAway: Float = 1e4

  /// Whether nothing stands between a camera and each of some points, by a ray to every one of them.
  ///
  /// Whether a point lies in front of the camera and inside its picture is another question.
  public func sees(_ points: [Vec3], in scene: Scene, from camera: Camera) -> [Bool] {
    sees(points, in: CompiledScene(scene), from: camera)
  }

  /// Which points of surfaces a camera sees: inside its picture, turned to it, nothing in between.
  public func visible(_ cloud: PointCloud, in scene: Scene, from camera: Camera) -> [Bool] {
    let eye = camera.eye
    let isSeen = sees(cloud.positions, in: scene, from: camera)
    return cloud.positions.indices.map { i in
      let (pixel, depth) = camera.project(cloud.positions[i])
      return isSeen[i] && depth > Self.nearest && camera.contains(pixel)
        && cloud.normals[i].dot(eye - cloud.positions[i]) > 0
    }
  }

  func sees(_ points: [Vec3], in scene: CompiledScene, from camera: Camera) -> [Bool] {
    guard !points.isEmpty else { return [] }
    let eye = camera.eye
    let isParallel = camera.lens == .orthographic
    let axis = camera.worldToCamera.rotation.row2
    let packets = (points.count + 7) / 8
    var origins: [Lanes3] = []
    var directions: [Lanes3] = []
    origins.reserveCapacity(packets)
    directions.reserveCapacity(packets)
    for packet in 0..<packets {
      var (o, d) = (Lanes3(eye), Lanes3(axis))
      for lane in 0..<min(8, points.count - packet * 8) {
        let point = points[packet * 8 + lane]
        // Parallel rays come from the plane through the eye.
        let origin = isParallel ? point - axis * axis.dot(point - eye) : eye
        o.set(lane, origin)
        d.set(lane, point - origin)
      }
      origins.append(o)
      directions.append(d)
    }
    var isSeen = [Bool](repeating: true, count: points.count)
    for part in scene.parts {
      for packet in origins.indices {
        let (o, d) = (part.matrix * origins[packet] + Lanes3(part.offset), part.matrix * directions[packet])
        // The points lie on surfaces themselves, to rounding.
        let isCut = part.shape.hit(o, d, near: 1e-4) .< 0.999
        guard anyLane(isCut) else { continue }
        for lane in 0..<min(8, isSeen.count - packet * 8) where isCut[lane] { isSeen[packet * 8 + lane] = false }
      }
    }
    return isSeen
  }
}
