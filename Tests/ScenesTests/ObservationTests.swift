import Glibc
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// A scene with one of everything that a renderer knows, and a copy in which two bodies and the camera have moved.
private func busyScene() -> (Scene, Camera, NextMoment) {
  let mesh = Mesh.star(rings: 11, sectors: 24) { 0.6 + 0.1 * $0.y * $0.y }
  let shape = DistanceShape(
    .blend(.sphere(radius: 0.4), SignedDistance.box(half: Vec3(0.2, 0.5, 0.2)).at(Vec3(0.3, 0.2, 0)), radius: 0.2))
  var world = scene([
    (.plane, Pose(translation: Vec3(0, -0.8, 0))),
    (
      .box(half: Vec3(0.5, 0.6, 0.4)),
      Pose(rotation: .rotation(axis: Vec3(0, 1, 0), angle: 0.6), translation: Vec3(-0.9, -0.2, 0))
    ),
    (.sphere(radius: 0.5), Pose(translation: Vec3(0.4, -0.3, 0.9))),
    (.torus(major: 0.5, minor: 0.15), Pose(translation: Vec3(0.2, 0.5, -1))),
    (.mesh(mesh), Pose(translation: Vec3(1.3, -0.2, -0.3))), (.shape(shape), Pose(translation: Vec3(-0.2, 0.1, -0.4))),
  ])
  // Smooth textures: what a warp reads between pixels is close to what is there.
  for i in world.bodies.indices {
    world.bodies[i].materials[0] = Material(
      pattern: .noise, first: Vec3(0.9, 0.3, 0.2), second: Vec3(0.1, 0.5, 0.8), frame: .diagonal(Vec3(1, 1, 1) * 0.9))
  }
  let camera = Camera(
    width: 96, height: 72, verticalFieldOfView: 0.8,
    worldToCamera: Camera.lookAt(eye: Vec3(0.4, 0.9, 4.6), target: Vec3(0.1, -0.1, 0)))
  var later = world
  later.bodies[2].pose.translation += Vec3(0.12, 0, -0.1)
  later.bodies[1].pose.rotation = .rotation(axis: Vec3(0, 1, 0), angle: 0.05) * later.bodies[1].pose.rotation
  var moved = camera
  moved.worldToCamera = Camera.lookAt(eye: Vec3(0.52, 0.93, 4.5), target: Vec3(0.12, -0.1, 0))
  return (world, camera, NextMoment(scene: later, camera: moved))
}

/// Bilinear between pixels; nil outside of the picture.
private func sampled(_ rgb: [UInt8], _ width: Int, _ height: Int, _ u: Float, _ v: Float) -> Vec3? {
  guard u >= 0, v >= 0, u < Float(width - 1), v < Float(height - 1) else { return nil }
  let (x, y) = (Int(u), Int(v))
  let (fx, fy) = (u - Float(x), v - Float(y))
  func at(_ x: Int, _ y: Int) -> Vec3 {
    let i = (y * width + x) * 3
    return Vec3(Float(rgb[i]), Float(rgb[i + 1]), Float(rgb[i + 2]))
  }
  return at(x, y).mixed(with: at(x + 1, y), fx).mixed(with: at(x, y + 1).mixed(with: at(x + 1, y + 1), fx), fy)
}

@Suite struct ObservationTests {
  @Test("projecting the point cloud with K, R and t gives back every pixel, under every lens")
  func pointCloud() {
    let (world, pinhole, _) = busyScene()
    let pose = pinhole.worldToCamera
    let cameras = [
      pinhole, .orthographic(width: 64, height: 48, metresHigh: 3, worldToCamera: pose),
      .fisheye(width: 64, height: 64, fieldOfView: 3, worldToCamera: pose),
      .equirectangular(width: 96, height: 48, worldToCamera: pose),
    ]
    for camera in cameras {
      let view = Renderer(width: camera.width, height: camera.height).render(world, from: camera)
      let cloud = view.pointCloud()
      let seen = view.depth.indices.filter { view.depth[$0] > 0 }
      #expect(cloud.count == seen.count && cloud.count > 400, "\(camera.lens)")
      for (point, pixel) in zip(cloud.positions, seen) {
        let back = camera.project(point)
        #expect(abs(back.pixel.x - Float(pixel % camera.width)) < 2e-3, "\(camera.lens)")
        #expect(abs(back.pixel.y - Float(pixel / camera.width)) < 2e-3, "\(camera.lens)")
        #expect(abs(back.depth - view.depth[pixel]) < 1e-4 * max(1, back.depth))
        if camera.lens == .pinhole {
          let p = camera.intrinsics * (pose.rotation * point + pose.translation)
          #expect(abs(p.x / p.z - Float(pixel % 96)) < 2e-3 && abs(p.y / p.z - Float(pixel / 96)) < 2e-3)
        }
      }
      #expect(cloud.instances == seen.map { view.instances[$0] } && cloud.colors.count == 3 * cloud.count)
    }
  }

  @Test("warping the next frame by flow, and by depth and pose, gives back this frame where nothing is hidden")
  func warping() {
    let (world, camera, next) = busyScene()
    let renderer = Renderer(width: 96, height: 72)
    let now = renderer.observe(world, from: camera, next: next)
    let later = renderer.render(next.scene, from: next.camera)
    var (byFlow, byDepth, compared, hidden): (Float, Float, Int, Int) = (0, 0, 0, 0)
    for i in 0..<96 * 72 where now.view.depth[i] > 0 {
      guard now.occluded[i] == 0 else {
        hidden += 1
        continue
      }
      let here = SIMD2(Float(i % 96), Float(i / 96))
      let there = here + SIMD2(now.flow[2 * i], now.flow[2 * i + 1])
      guard let found = sampled(later.rgb, 96, 72, there.x, there.y) else { continue }
      let own = Vec3(Float(now.view.rgb[3 * i]), Float(now.view.rgb[3 * i + 1]), Float(now.view.rgb[3 * i + 2]))
      byFlow += (found - own).length
      compared += 1
      let point = camera.worldToCamera.inverse(camera.unproject(here, depth: now.view.depth[i]))
      let still = next.camera.project(point).pixel
      if now.moving[i] == 0 {
        // Of what stands still, flow is the motion of the camera.
        #expect(abs(still.x - there.x) < 1e-2 && abs(still.y - there.y) < 1e-2)
        if let found = sampled(later.rgb, 96, 72, still.x, still.y) { byDepth += (found - own).length }
      }
    }
    #expect(compared > 3500 && hidden > 60)
    // The distance of two RGB triples, in levels of 441.
    #expect(byFlow / Float(compared) < 8, "mean error \(byFlow / Float(compared)) by flow")
    #expect(byDepth / Float(compared) < 8, "mean error \(byDepth / Float(compared)) by depth")
    // Without flow it is far worse: the measure can fail.
    var unmoved: Float = 0
    for i in 0..<96 * 72 where now.view.depth[i] > 0 && now.occluded[i] == 0 {
      let d = (0..<3).map { Float(now.view.rgb[3 * i + $0]) - Float(later.rgb[3 * i + $0]) }
      unmoved += Vec3(d[0], d[1], d[2]).length
    }
    #expect(unmoved / Float(compared) > 2 * byFlow / Float(compared))
  }

  @Test("a pixel is called occluded exactly where the next depth map shows something nearer or nothing")
  func occlusion() {
    let (world, camera, next) = busyScene()
    let renderer = Renderer(width: 96, height: 72)
    let now = renderer.observe(world, from: camera, next: next)
    let later = renderer.render(next.scene, from: next.camera, .depth)
    var (agreeing, checked) = (0, 0)
    for i in 0..<96 * 72 where now.view.depth[i] > 0 {
      let there = SIMD2(Float(i % 96) + now.flow[2 * i], Float(i / 96) + now.flow[2 * i + 1])
      let (x, y) = (Int(there.x.rounded()), Int(there.y.rounded()))
      guard x >= 1, y >= 1, x < 95, y < 71 else { continue }
      // Where the neighbourhood is smooth, the depth at the pixel decides.
      let around = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)].map { later.depth[(y + $0.1) * 96 + x + $0.0] }
      guard let low = around.min(), let high = around.max(), high - low < 0.15, low > 0 else { continue }
      let part = now.moving[i] == 1
      guard !part else { continue }
      let point = camera.worldToCamera.inverse(
        camera.unproject(SIMD2(Float(i % 96), Float(i / 96)), depth: now.view.depth[i]))
      let depth = next.camera.project(point).depth
      checked += 1
      if (depth > high + 0.1) == (now.occluded[i] == 1) { agreeing += 1 }
    }
    #expect(checked > 1000)
    #expect(Double(agreeing) > 0.995 * Double(checked), "\(agreeing) of \(checked)")
  }

  @Test("boxes hold their masks and are tight, counts are true, and nothing in the way is full visibility")
  func boxes() {
    let (world, camera, _) = busyScene()
    let renderer = Renderer(width: 96, height: 72)
    let seen = renderer.observe(world, from: camera)
    #expect(seen.bodies.map(\.instance) == [1, 2, 3, 4, 5, 6])
    for body in seen.bodies where body.instance > 1 {
      let mask = (0..<96 * 72).filter { seen.view.instances[$0] == body.instance }
      #expect(mask.count == body.pixels && mask.count > 30)
      let (xs, ys) = (mask.map { Float($0 % 96) }, mask.map { Float($0 / 96) })
      #expect(body.box == SIMD4(xs.min() ?? 0, ys.min() ?? 0, (xs.max() ?? 0) + 1, (ys.max() ?? 0) + 1))
      // Alone it covers the full box, and every corner of the 3D box is behind the full mask's box.
      let alone = renderer.render(
        Scene(bodies: [world.bodies[body.index]], lighting: plainLight), from: camera, .instances)
      #expect(alone.instances.count { $0 > 0 } == body.fullPixels && body.fullPixels >= body.pixels)
      #expect(body.visibility > 0.2 && body.visibility <= 1)
      let corners = body.corners.map { SIMD2($0.x / $0.z, $0.y / $0.z) * camera.focal + camera.center }
      #expect(
        (corners.map(\.x).min() ?? 0) - 0.5 <= body.fullBox.x
          && (corners.map(\.x).max() ?? 0) + 0.5 >= body.fullBox.z - 1)
      #expect(
        (corners.map(\.y).min() ?? 0) - 0.5 <= body.fullBox.y
          && (corners.map(\.y).max() ?? 0) + 0.5 >= body.fullBox.w - 1)
      // The pose puts the body's frame where it is seen.
      let origin = camera.worldToCamera(world.bodies[body.index].pose.translation)
      #expect((body.poseInCamera.translation - origin).length < 1e-5)
    }
    #expect(seen[6]?.visibility ?? 1 < 1)
  }

  @Test("a point is seen if and only if the renderer shows it")
  func visibility() {
    let (world, camera, _) = busyScene()
    var random = RandomStream(seed: 4)
    let cloud = world.sampleSurface(800, bodies: [1, 2, 3, 4, 5], &random)
    let renderer = Renderer(width: 96, height: 72)
    let visible = renderer.visible(cloud, in: world, from: camera)
    let depth = Renderer(width: 384, height: 288).render(
      world, from: Camera(width: 384, height: 288, verticalFieldOfView: 0.8, worldToCamera: camera.worldToCamera),
      .depth)
    var (agreeing, checked) = (0, 0)
    for i in 0..<800 {
      let (pixel, z) = depth.camera.project(cloud.positions[i])
      guard pixel.x > 1, pixel.y > 1, pixel.x < 382, pixel.y < 286 else { continue }
      let shown = depth.depth[Int(pixel.y.rounded()) * 384 + Int(pixel.x.rounded())]
      // Where the surface is seen at a flat angle, half a pixel is a step in depth.
      let to = (camera.eye - cloud.positions[i]).normalized
      guard abs(cloud.normals[i].dot(to)) > 0.3 else { continue }
      checked += 1
      if (abs(shown - z) < 0.04) == visible[i] { agreeing += 1 }
    }
    #expect(checked > 300 && agreeing * 100 > checked * 98, "\(agreeing) of \(checked)")
    #expect(visible.count { $0 } > 200 && visible.count { $0 } < 600)
  }

  @Test("sampled surface points lie on the surface, evenly by area, with outward normals, none inside the other")
  func surfaces() {
    var random = RandomStream(seed: 9)
    let box = scene([(.box(half: Vec3(1, 0.5, 0.25)), .identity)]).sampleSurface(6000, &random)
    #expect(box.count == 6000)
    var faces = [Int](repeating: 0, count: 3)
    for (p, n) in zip(box.positions, box.normals) {
      let share = pointwiseMax(p, -p) / Vec3(1, 0.5, 0.25)
      #expect(abs(share.max() - 1) < 1e-4 && p.dot(n) > 0.2)
      for axis in 0..<3 where abs(n[axis]) > 0.99 { faces[axis] += 1 }
    }
    // Areas 0.5, 1 and 2 of 3.5; three standard deviations.
    for (count, share) in zip(faces, [1.0 / 7, 2.0 / 7, 4.0 / 7]) {
      #expect(abs(Double(count) - 6000 * share) < 4 * (6000 * share).squareRoot(), "\(faces)")
    }
    #expect(Set(box.positions.map { [$0.x, $0.y, $0.z] }).count > 5990)
    let ring = scene([(.torus(major: 0.8, minor: 0.2), .identity)]).sampleSurface(4000, &random)
    #expect(Set(ring.positions.map { [$0.x, $0.y, $0.z] }).count > 3990)
    // The outer half of a torus has the share 1/2 + minor / (pi major) of its area (Pappus).
    let outer = ring.positions.count { hypotf($0.x, $0.z) > 0.8 }
    #expect(abs(Float(outer) / 4000 - (0.5 + 0.25 / .pi)) < 0.035, "\(outer)")
    let pair = scene([
      (.sphere(radius: 1), .identity), (.sphere(radius: 1), Pose(translation: Vec3(1, 0, 0))),
    ]).sampleSurface(3000, &random)
    for (p, n) in zip(pair.positions, pair.normals) {
      let (a, b) = (p.length, (p - Vec3(1, 0, 0)).length)
      #expect(min(abs(a - 1), abs(b - 1)) < 1e-4 && min(a, b) > 0.999)
      #expect(max(n.dot(p), n.dot(p - Vec3(1, 0, 0))) > 0.99)
    }
  }

  @Test("a cube is full exactly where a solid is, and takes its name")
  func voxels() {
    let world = scene([
      (.sphere(radius: 0.9), Pose(translation: Vec3(0, 0.2, 0))), (.plane, Pose(translation: Vec3(0, -1, 0))),
    ])
    let grid = VoxelGrid(low: Vec3(-1.5, -1.5, -1.5), edge: 0.125, counts: SIMD3(24, 24, 24))
    let map = world.voxels(in: grid)
    var ball = 0
    for x in 0..<24 {
      for y in 0..<24 {
        for z in 0..<24 {
          let (center, at) = (grid.center(SIMD3(x, y, z)), grid.index(SIMD3(x, y, z)))
          let distance = (center - Vec3(0, 0.2, 0)).length
          if distance < 0.9 { #expect(map.classes[at] == 1 && map.instances[at] == 1) }
          if distance > 0.9 + 0.06 && center.y > -0.95 { #expect(map.occupancy[at] == 0) }
          if distance > 1 && center.y < -1.05 { #expect(map.classes[at] == 2) }
          if map.classes[at] == 1 { ball += 1 }
          #expect(grid.cell(center) == SIMD3(x, y, z))
        }
      }
    }
    let volume = Float(ball) * 0.125 * 0.125 * 0.125
    #expect(abs(volume / (4 / 3 * .pi * 0.729) - 1) < 0.15)
  }
}
