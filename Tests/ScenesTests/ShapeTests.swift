import Glibc
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// The largest difference of two depth maps where both see something, and in how many pixels only one does.
private func difference(_ a: View, _ b: View) -> (depth: Float, outline: Int, shared: Int) {
  var (most, outline, shared): (Float, Int, Int) = (0, 0, 0)
  for (x, y) in zip(a.depth, b.depth) {
    if (x > 0) != (y > 0) { outline += 1 }
    if x > 0, y > 0 {
      most = max(most, abs(x - y))
      shared += 1
    }
  }
  return (most, outline, shared)
}

@Suite struct ShapeTests {
  private let cube = Mesh(
    positions: (0..<8).flatMap { i -> [Float] in
      [i & 1 == 0 ? -0.7 : 0.7, i & 2 == 0 ? -0.5 : 0.5, i & 4 == 0 ? -0.6 : 0.6]
    },
    triangles: [
      0, 2, 1, 1, 2, 3, 4, 5, 6, 5, 7, 6, 0, 1, 4, 1, 5, 4, 2, 6, 3, 3, 6, 7, 0, 4, 2, 2, 4, 6, 1, 3, 5, 3, 7, 5,
    ])

  @Test("a mesh of a box, a box of distances and the box itself look alike")
  func boxes() {
    let half = Vec3(0.7, 0.5, 0.6)
    let pose = Pose(rotation: .rotation(axis: Vec3(1, 2, 0.5), angle: 0.8), translation: Vec3(0.1, 0, -0.2))
    let renderer = Renderer(width: 64, height: 64)
    let camera = frontCamera(64, distance: 4)
    let views = [Solid.box(half: half), .mesh(cube), .shape(DistanceShape(.box(half: half)))].map {
      renderer.render(scene([($0, pose)]), from: camera)
    }
    for other in views.dropFirst() {
      let d = difference(views[0], other)
      #expect(d.depth < 1e-4 && d.outline <= 4 && d.shared > 500, "\(d)")
      // Where a ray grazes an edge, either face may be the one that it meets.
      let turned = (0..<64 * 64).filter { i in
        let n = (0..<3).reduce(Float(0)) { $0 + views[0].normals[3 * i + $1] * other.normals[3 * i + $1] }
        return views[0].depth[i] > 0 && other.depth[i] > 0 && n < 0.99
      }
      #expect(turned.count <= 16, "\(turned.count)")
      let alike = zip(views[0].rgb, other.rgb).count { abs(Int($0) - Int($1)) <= 3 }
      #expect(alike > views[0].rgb.count * 98 / 100)
    }
  }

  @Test("a fine mesh of a ball is a ball, inside and outside")
  func ball() {
    let mesh = Mesh.star(rings: 63, sectors: 128) { _ in 0.8 }
    let renderer = Renderer(width: 64, height: 64)
    let camera = frontCamera(64, distance: 4)
    let a = renderer.render(scene([(.sphere(radius: 0.8), .identity)]), from: camera)
    let b = renderer.render(scene([(.mesh(mesh), .identity)]), from: camera)
    let d = difference(a, b)
    #expect(d.depth < 1e-2 && d.outline < 12 && d.shared > 700, "\(d)")
    for i in 0..<64 * 64 where a.depth[i] > 0 && b.depth[i] > 0 {
      let n = (0..<3).reduce(Float(0)) { $0 + a.normals[3 * i + $1] * b.normals[3 * i + $1] }
      #expect(n > 0.99)
    }
    var random = RandomStream(seed: 1)
    for _ in 0..<500 {
      let p = random.cube()
      if abs(p.length - 0.8) > 4e-3 { #expect(mesh.contains(p) == (p.length < 0.8)) }
    }
    #expect(abs(mesh.reach(Vec3(0, 1, 0)) - 0.8) < 1e-6 && abs(mesh.fitted(to: 1).high.y - 0.5) < 1e-5)
  }

  @Test("every ray meets the same triangle as a loop over all triangles")
  func tree() {
    var random = RandomStream(seed: 6)
    let points = (0..<300).map { _ in random.float(-1, 1) }
    let triangles = (0..<240).map { _ in Int32(random.integer(below: 100)) }
    let mesh = Mesh(positions: points, triangles: triangles)
    let kernel = MeshKernel(mesh)
    var met = 0
    for _ in 0..<120 {
      var (o, d) = (Lanes3(.zero), Lanes3(.zero))
      for lane in 0..<8 {
        o.set(lane, random.cube() * 2)
        d.set(lane, random.direction())
      }
      let t = kernel.hit(o, d, near: 0.01)
      for lane in 0..<8 {
        var best = Double.infinity
        for face in mesh.triangles {
          let (a, b, c) = (
            D3(mesh.positions[Int(face.x)]), D3(mesh.positions[Int(face.y)]), D3(mesh.positions[Int(face.z)])
          )
          let (u, v, w) = (b - a, c - a, D3(o[lane]) - a)
          func cross(_ p: D3, _ q: D3) -> D3 { D3(p.y * q.z - p.z * q.y, p.z * q.x - p.x * q.z, p.x * q.y - p.y * q.x) }
          let ray = D3(d[lane])
          let det = -(ray * cross(u, v)).sum()
          guard abs(det) > 1e-12 else { continue }
          let hit = (w * cross(u, v)).sum() / det
          let m = cross(w, ray)
          let (s, r) = ((v * m).sum() / det, -(u * m).sum() / det)
          if s >= 0, r >= 0, s + r <= 1, hit > 0.01 { best = min(best, hit) }
        }
        if best < .infinity { met += 1 }
        // A hair's breadth of tolerance may catch a ray that just misses an edge.
        #expect(
          abs(Double(t[lane]) - best) < 1e-3 || (t[lane] < .infinity && best == .infinity) || best == Double(t[lane]))
      }
    }
    #expect(met > 100)
  }

  @Test("a height field lies where its function says, and normals agree with its slope")
  func heights() {
    func height(_ x: Float, _ z: Float) -> Float { 0.3 * sinf(2 * x) * cosf(1.5 * z) }
    let field = Mesh.heightField(size: SIMD2(4, 4), cells: SIMD2(80, 80), height: height)
    let camera = Camera(
      width: 48, height: 48, verticalFieldOfView: 0.6, worldToCamera: Camera.lookAt(eye: Vec3(0.5, 4, 2), target: .zero)
    )
    let view = Renderer(width: 48, height: 48).render(scene([(.mesh(field), .identity)]), from: camera)
    let cloud = view.pointCloud()
    #expect(cloud.count > 1500)
    for (p, n) in zip(cloud.positions, cloud.normals) {
      #expect(abs(p.y - height(p.x, p.z)) < 2e-3)
      let slope = Vec3(-0.6 * cosf(2 * p.x) * cosf(1.5 * p.z), 1, 0.45 * sinf(2 * p.x) * sinf(1.5 * p.z)).normalized
      #expect(n.dot(slope) > 0.998)
    }
  }

  @Test("the distance of an expression is never more than the true distance and its sign is right")
  func distances() {
    let a = SignedDistance.sphere(radius: 0.6)
    let b = SignedDistance.scaled(
      .moved(
        .box(half: Vec3(1, 0.4, 0.8)),
        Pose(rotation: .rotation(axis: Vec3(0, 0, 1), angle: 0.5), translation: Vec3(0.4, 0.2, 0))), 0.5)
    func inB(_ p: Vec3) -> Bool {
      let pose = Pose(rotation: .rotation(axis: Vec3(0, 0, 1), angle: 0.5), translation: Vec3(0.4, 0.2, 0))
      let q = pose.inverse(p / 0.5)
      return abs(q.x) < 1 && abs(q.y) < 0.4 && abs(q.z) < 0.8
    }
    var random = RandomStream(seed: 2)
    let cases: [(SignedDistance, (Bool, Bool) -> Bool)] = [
      (.union(a, b), { $0 || $1 }), (.intersection(a, b), { $0 && $1 }), (.difference(a, b), { $0 && !$1 }),
      (.difference(b, a), { $1 && !$0 }),
    ]
    for (expression, rule) in cases {
      let shape = DistanceShape(expression)
      for _ in 0..<400 {
        let p = random.cube()
        let d = shape.distance(p)
        let truth = rule(p.length < 0.6, inB(p))
        if abs(d) > 1e-4 { #expect((d < 0) == truth) }
        // No point within the distance is on the other side.
        let q = p + random.direction() * abs(d) * 0.98
        if abs(d) > 1e-3 { #expect((shape.distance(q) < 0) == (d < 0)) }
      }
    }
    let blend = DistanceShape(.blend(a, SignedDistance.sphere(radius: 0.6).at(Vec3(1, 0, 0)), radius: 0.4))
    #expect(abs(blend.distance(Vec3(0.5, 0.8, 0)) - ((Vec3(0.5, 0.8, 0).length - 0.6) - 0.1)) < 1e-5)
    let shell = DistanceShape(.shell(.rounded(a, by: 0.1), thickness: 0.2))
    #expect(abs(shell.distance(.zero) - 0.6) < 1e-5 && abs(shell.distance(Vec3(1, 0, 0)) - 0.2) < 1e-5)
  }

  @Test("normals of blended shapes and of meshes agree with differences of depth")
  func normals() {
    let blend = DistanceShape(.blend(.torus(major: 0.6, minor: 0.2), .capsule(radius: 0.25, half: 0.5), radius: 0.2))
    let mesh = Mesh.star(rings: 95, sectors: 192) { 0.7 + 0.12 * sinf(4 * $0.x) }
    for solid in [Solid.shape(blend), .mesh(mesh)] {
      let size = 200
      let camera = frontCamera(size, distance: 4)
      let pose = Pose(rotation: .rotation(axis: Vec3(1, 0.3, 0), angle: 0.9))
      let view = Renderer(width: size, height: size, supersampling: 1).render(scene([(solid, pose)]), from: camera)
      func normal(_ i: Int) -> Vec3 { Vec3(view.normals[3 * i], view.normals[3 * i + 1], view.normals[3 * i + 2]) }
      func point(_ i: Int) -> Vec3 { camera.unproject(SIMD2(Float(i % size), Float(i / size)), depth: view.depth[i]) }
      var (compared, close) = (0, 0)
      for y in 1..<size - 1 {
        for x in 1..<size - 1 {
          let i = y * size + x
          guard view.depth[i] > 0 else { continue }
          #expect(abs(normal(i).length - 1) < 1e-4, "\(normal(i)) at \(x), \(y)")
          let around = [i - 1, i + 1, i - size, i + size]
          guard around.allSatisfy({ view.depth[$0] > 0 && (normal($0) - normal(i)).length < 0.12 }) else { continue }
          let difference = (point(i + size) - point(i - size)).cross(point(i + 1) - point(i - 1)).normalized
          compared += 1
          if (difference - normal(i)).length < 0.08 { close += 1 }
        }
      }
      #expect(compared > 1500 && Double(close) > 0.99 * Double(compared), "\(close) of \(compared)")
    }
  }

  @Test("a picture on a plane shows its pixels where they belong")
  func textures() {
    let bytes: [UInt8] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]
    let image = ImageTexture(ImageBatch(count: 1, height: 2, width: 2, channels: 3, bytes: bytes))
    // One cell is two metres, its upper left corner at x = -1, y = 1 of the box's front.
    let material = Material.image(image, frame: .diagonal(Vec3(repeating: 0.5)), offset: Vec3(0.5, -0.5, 0))
    var light = plainLight
    light.key.color = .zero
    (light.ambientUp, light.ambientDown) = (Vec3(1, 1, 1), Vec3(1, 1, 1))
    let body = Body(parts: [Part(.box(half: Vec3(1, 1, 0.1)))], materials: [material], instance: 1)
    let view = Renderer(width: 65, height: 65).render(
      Scene(bodies: [body], lighting: light), from: frontCamera(65, distance: 4))
    /// Which channels are bright where the plane has that point; half a pixel of the picture mixes in little.
    func bright(_ x: Float, _ y: Float) -> [Bool] {
      let pixel = view.camera.project(Vec3(x, y, 0.1)).pixel
      let i = (Int(pixel.y.rounded()) * 65 + Int(pixel.x.rounded())) * 3
      #expect(view.rgb[i..<i + 3].allSatisfy { $0 < 64 || $0 > 240 })
      return view.rgb[i..<i + 3].map { $0 > 128 }
    }
    #expect(bright(-0.5, 0.5) == [true, false, false] && bright(0.5, 0.5) == [false, true, false])
    #expect(bright(-0.5, -0.5) == [false, false, true] && bright(0.5, -0.5) == [true, true, true])
  }

  @Test("a lamp lights by the inverse square of its distance and leaves shadows behind things")
  func lamps() {
    var light = plainLight
    light.key.color = .zero
    (light.ambientUp, light.ambientDown) = (.zero, .zero)
    light.lamps = [PointLight(position: Vec3(0, 2, 0), color: Vec3(2, 2, 2), radius: 0)]
    let world = Scene(
      bodies: [
        Body(parts: [Part(.plane)], materials: [.plain(Vec3(0.8, 0.8, 0.8))]),
        Body(parts: [Part(.sphere(radius: 0.3), at: Vec3(1, 1, 0))], materials: [.plain(Vec3(1, 1, 1))], instance: 1),
      ], lighting: light)
    let camera = Camera(
      width: 64, height: 64, verticalFieldOfView: 0.9, worldToCamera: Camera.lookAt(eye: Vec3(0, 6, 3), target: .zero))
    let view = Renderer(width: 64, height: 64, supersampling: 1).render(world, from: camera)
    for i in 0..<64 * 64 where view.instances[i] == 0 && view.depth[i] > 0 {
      let p = camera.worldToCamera.inverse(camera.unproject(SIMD2(Float(i % 64), Float(i / 64)), depth: view.depth[i]))
      let to = Vec3(0, 2, 0) - p
      let linear = 0.8 * 2 * (to.y / to.length) / to.dot(to)
      // How near the way to the lamp passes the ball.
      let t = max(0, min(1, (Vec3(1, 1, 0) - p).dot(to) / to.dot(to)))
      let clearance = (p + to * t - Vec3(1, 1, 0)).length
      if clearance < 0.29 { #expect(view.rgb[3 * i] == 0) }
      // The plane's contact shadow dims ambient light only.
      if clearance > 0.31 {
        let encoded = 255 * (1.055 * powf(linear, 1 / 2.4) - 0.055)
        #expect(abs(Float(view.rgb[3 * i]) - encoded) < 1.5, "\(p)")
      }
    }
  }

  @Test(
    "rays of a fisheye lie at their angle from the axis, equirectangular ones at their longitude and latitude"
  )
  func lenses() {
    let pose = Camera.lookAt(eye: Vec3(1, 2, 3), target: Vec3(0, 0, 0), roll: 0.3)
    let fisheye = Camera.fisheye(width: 100, height: 100, fieldOfView: .pi, worldToCamera: pose)
    let round = Camera.equirectangular(width: 128, height: 64, worldToCamera: pose)
    for (u, v) in [(10, 20), (49.5, 49.5), (80, 33), (99, 60)] as [(Float, Float)] {
      let ray = fisheye.ray(SIMD2(u, v)).direction
      let r = hypotf(u - 49.5, v - 49.5)
      #expect(abs(acosf(min(1, ray.z)) - r / 100 * .pi) < 1e-4 && abs(ray.length - 1) < 1e-5)
      if r > 0 { #expect(abs(atan2f(ray.y, ray.x) - atan2f(v - 49.5, u - 49.5)) < 1e-4) }
      let turn = round.ray(SIMD2(u, v / 2)).direction
      #expect(abs(atan2f(turn.x, turn.z) - (u - 63.5) / 128 * 2 * .pi) < 1e-4)
      #expect(abs(asinf(turn.y) - (v / 2 - 31.5) / 64 * .pi) < 1e-4)
    }
    // A camera that sees all around finds the whole inside of a ball at its radius.
    let view = Renderer(width: 128, height: 64).render(
      scene([(.sphere(radius: 2), Pose(translation: Vec3(1, 2, 3)))]), from: round, [.depth, .normals])
    #expect(view.depth.allSatisfy { abs($0 - 2) < 1e-4 })
  }

  @Test("paths keep their promises: distance, elevation, heading, steps, height")
  func paths() {
    for pose in CameraPath.orbit(around: Vec3(1, 1, 1), radius: 3, count: 7, elevation: 0.4) {
      let d = pose.inverse.translation - Vec3(1, 1, 1)
      #expect(abs(d.length - 3) < 1e-5 && abs(asinf(d.y / 3) - 0.4) < 1e-5)
      #expect((pose(Vec3(1, 1, 1)) - Vec3(0, 0, 3)).length < 1e-5)
    }
    let ball = CameraPath.sphere(around: .zero, radius: 2, count: 200)
    let mean = ball.reduce(Vec3.zero) { $0 + $1.inverse.translation } / 200
    #expect(mean.length < 0.03)
    #expect(CameraPath.grid(around: .zero, radius: 2, elevations: [0, 0.5], azimuths: 6).count == 12)
    let drive = CameraPath.drive(from: Vec3(0, 1, 0), heading: 0, steps: [0.5, 0.5], turns: [.pi / 2, 0])
    #expect((drive[1].inverse.translation - Vec3(0, 1, 0.5)).length < 1e-5)
    #expect((drive[2].inverse.translation - Vec3(0.5, 1, 0.5)).length < 1e-5)
    #expect((drive[0].rotation.row2 - Vec3(0, 0, 1)).length < 1e-5)
    let walk = CameraPath.walk(along: [SIMD2(0, 0), SIMD2(4, 0), SIMD2(4, 3)], count: 71, bob: 0.03)
    for (i, pose) in walk.enumerated() {
      let eye = pose.inverse.translation
      #expect(abs(eye.y - 1.6) < 0.0301)
      let s = Float(i) * 0.1
      let place = s <= 4 ? Vec3(s, eye.y, 0) : Vec3(4, eye.y, s - 4)
      #expect((eye - place).length < 0.02)
    }
    let rig = CameraPath.rig(around: Vec3(0, 1, 0), count: 4, radius: 3, height: 2)
    let turns = rig.map { $0.inverse.translation }
    #expect(abs((turns[0] - turns[2]).length - 6) < 1e-4 && turns.allSatisfy { abs($0.y - 2) < 1e-5 })
  }
}
