import Glibc
import ReproTensor

/// A furnished room and the cameras that look at it.
struct Room {
  /// Things first, then floor, ceiling, walls.
  var scene: Scene
  /// Along the room's own x, y, z; the floor is at y = 0, its middle at the origin.
  var size: Vec3
  /// From the room's frame to the world.
  var pose: Pose
  var cameras: [Camera]
  /// Things; the planes come after them.
  var things: Int
  /// x, z and radius of everything on the floor, in the room's frame.
  var taken: [SIMD3<Float>]

  /// The inner box of the room, grown a little, so that points of its walls count as inside; only for a room that is
  /// not turned.
  var box: (low: Vec3, high: Vec3) {
    (Vec3(-size.x / 2, 0, -size.z / 2) - 1e-3, Vec3(size.x / 2, size.y, size.z / 2) + 1e-3)
  }
}

/// Draws the rooms of `scenes-rooms`.
struct RoomWorld: Sendable {
  enum Things: String, Sendable, CaseIterable {
    case shapes, furniture, boxes

    var kinds: [String] {
      switch self {
      case .shapes: ObjectClass.allCases.prefix(8).map(\.name)
      case .furniture: RoomWorld.furniture.map(\.name) + ["table", "lamp"]
      case .boxes: ["box", "ball"]
      }
    }
  }
  enum Walls: String, Sendable, CaseIterable { case textured, plain, mixed }
  enum Path: String, Sendable, CaseIterable { case inside, walk, around }

  static let furniture: [CompoundKind] = [.chair, .stool, .bench, .bed, .shelf]
  /// Of the picture's height.
  static let fieldOfView: Float = 1.31

  var height, width, views: Int
  var objects: ClosedRange<Int>
  var things: Things
  var walls: Walls
  var path: Path
  var points: Int
  var isSmall, hasSun, isTurned: Bool
  var stream: RandomStream

  var signature: String {
    "size=\(height)x\(width) views=\(views) objects=\(objects.lowerBound)-\(objects.upperBound) "
      + "things=\(things.rawValue) walls=\(walls.rawValue) path=\(path.rawValue) points=\(points) small=\(isSmall) "
      + "sun=\(hasSun) turned=\(isTurned)"
  }

  /// - Parameter fixed: the room's size; nil draws one.
  func room(_ draw: SampleDraw, size fixed: Vec3? = nil) -> Room {
    var random = draw.stream("room")
    let drawn =
      isSmall
      ? Vec3(4, 2.6, 3) : Vec3(random.float(3.2, 6), random.float(2.4, 3), random.float(3, 5))
    let size = fixed ?? drawn
    let pose = isTurned ? Pose(rotation: random.rotation()) : .identity
    var room = Room(
      scene: Scene(bodies: [], lighting: lighting(size, &random)), size: size, pose: pose, cameras: [], things: 0,
      taken: [])
    var bodies: [Body] = []
    var furnish = draw.stream("things")
    let count = furnish.integer(in: objects)
    for i in 0..<count {
      if let body = thing(i, of: count, in: size, &room.taken, &furnish) { bodies.append(body) }
    }
    for i in bodies.indices { bodies[i].instance = UInt16(i + 1) }
    room.things = bodies.count
    bodies += planes(size, draw)
    room.scene.bodies = bodies.map { body in
      var body = body
      body.pose = pose * body.pose
      return body
    }
    turn(&room.scene.lighting, pose)
    var ways = draw.stream("cameras")
    room.cameras = poses(room, &ways).map { camera in
      Camera(
        width: width, height: height, verticalFieldOfView: Self.fieldOfView, worldToCamera: camera * pose.inverse)
    }
    return room
  }

  private func turn(_ light: inout Lighting, _ pose: Pose) {
    light.key.direction = pose.rotation * light.key.direction
    light.fill.direction = pose.rotation * light.fill.direction
    for i in light.lamps.indices { light.lamps[i].position = pose(light.lamps[i].position) }
  }

  private func lighting(_ size: Vec3, _ random: inout RandomStream) -> Lighting {
    func tint(_ strength: Float, _ random: inout RandomStream) -> Vec3 {
      SRGB.linear(Look.color(hue: random.float(0.04, 0.16), saturation: random.float(0, 0.25), value: 1)) * strength
    }
    let down = DirectionalLight(
      direction: Vec3(0.35, 0.8, 0.45), color: hasSun ? tint(0.7, &random) : .zero, spread: 0.08)
    var light = Lighting(
      key: down, fill: DirectionalLight(direction: Vec3(-0.5, 0.3, -0.6), color: Vec3(repeating: 0.1)),
      ambientUp: tint(random.float(0.3, 0.42), &random), ambientDown: tint(random.float(0.24, 0.34), &random),
      horizon: .zero, zenith: .zero)
    guard !hasSun else { return light }
    let place = Vec3(
      random.float(-0.25, 0.25) * size.x, size.y - random.float(0.25, 0.5), random.float(-0.25, 0.25) * size.z)
    light.lamps = [PointLight(position: place, color: tint(random.float(3, 5), &random), radius: 0.15)]
    return light
  }

  /// One thing on free floor; nil if there is none left.
  private func thing(
    _ i: Int, of count: Int, in size: Vec3, _ taken: inout [SIMD3<Float>], _ random: inout RandomStream
  ) -> Body? {
    let quarter = Mat3.rotation(axis: Vec3(0, 1, 0), angle: .pi / 2 * Float(random.integer(below: 4)))
    let number = random.integer(below: 1_000_000)
    var body: Body
    let kind: Int
    switch things {
    case .shapes:
      kind = random.integer(below: 8)
      let individual = Individual(ObjectClass.allCases[kind], number: number, of: stream)
      // A pill lies, a ring leans: what would roll away is not made to stand.
      body = individual.body(rotation: quarter, scale: random.float(0.3, 0.55), over: .zero, instance: 0)
    case .furniture:
      kind = random.integer(below: Self.furniture.count + 2)
      if kind < Self.furniture.count {
        let individual = CompoundIndividual(Self.furniture[kind], number: number, of: stream)
        let scales: [Float] = [0.42, 0.32, 0.48, 0.72, 0.62]
        body = individual.standing(rotation: quarter, scale: scales[kind] * random.float(0.9, 1.15), instance: 0)
      } else {
        let individual = Individual(kind == Self.furniture.count ? .table : .lamp, number: number, of: stream)
        body = individual.body(rotation: quarter, scale: random.float(0.38, 0.5), over: .zero, instance: 0)
      }
    case .boxes:
      kind = i == count - 1 ? 1 : 0
      let half = Vec3(random.float(0.2, 0.6), random.float(0.2, 0.7), random.float(0.2, 0.5))
      let solid: Solid = kind == 1 ? .sphere(radius: random.float(0.25, 0.45)) : .box(half: half)
      body = Body(parts: [Part(solid)], materials: [Look.material(&random, cells: 1...3)])
      body.pose.translation.y = body.reach(Vec3(0, -1, 0))
    }
    body.semantic = UInt8(kind + 1)
    let radius = max(
      max(body.reach(Vec3(1, 0, 0)), body.reach(Vec3(-1, 0, 0))),
      max(body.reach(Vec3(0, 0, 1)), body.reach(Vec3(0, 0, -1))))
    for _ in 0..<30 {
      let place = SIMD2(
        random.float(-1, 1) * max(0.05, size.x / 2 - radius), random.float(-1, 1) * max(0.05, size.z / 2 - radius))
      let isFree = taken.allSatisfy { hypotf($0.x - place.x, $0.y - place.y) > $0.z + radius }
      guard isFree else { continue }
      taken.append(SIMD3(place.x, place.y, radius))
      body.pose.translation += Vec3(place.x, 0, place.y)
      return body
    }
    return nil
  }

  private func planes(_ size: Vec3, _ draw: SampleDraw) -> [Body] {
    var random = draw.stream("walls")
    let isPlain = walls == .plain || (walls == .mixed && random.bernoulli(0.5))
    let kinds = things.kinds.count
    func surface(_ cells: Float) -> Material {
      var material = WorldStage.surface(&random, strength: isPlain ? 0.08 : random.float(0.5, 1), isMuted: isPlain)
      material.frame = cells * material.frame
      return material
    }
    func plane(_ normal: Vec3, _ point: Vec3, _ material: Material, _ semantic: Int) -> Body {
      let helper = abs(normal.y) > 0.5 ? Vec3(1, 0, 0) : Vec3(0, 1, 0)
      let along = helper.cross(normal).normalized
      let rotation = Mat3(rows: along, normal, along.cross(normal)).transposed
      return Body(
        parts: [Part(.plane)], materials: [material], pose: Pose(rotation: rotation, translation: point),
        semantic: UInt8(semantic))
    }
    var bodies = [
      plane(Vec3(0, 1, 0), .zero, surface(1.6), kinds + 1),
      plane(Vec3(0, -1, 0), Vec3(0, size.y, 0), .plain(Vec3(repeating: random.float(0.6, 0.85))), kinds + 3),
    ]
    let shared = surface(1.3)
    for normal in [Vec3(1, 0, 0), Vec3(-1, 0, 0), Vec3(0, 0, 1), Vec3(0, 0, -1)] {
      let material = random.bernoulli(0.5) ? shared : surface(1.3)
      bodies.append(plane(normal, -normal * size / 2 + Vec3(0, 0.5 * size.y, 0), material, kinds + 2))
    }
    return bodies
  }

  /// A place on the floor where a person can stand.
  private func free(_ room: Room, margin: Float, _ random: inout RandomStream) -> SIMD2<Float> {
    var place = SIMD2<Float>.zero
    for _ in 0..<60 {
      place = SIMD2(
        random.float(-1, 1) * (room.size.x / 2 - margin), random.float(-1, 1) * (room.size.z / 2 - margin))
      if room.taken.allSatisfy({ hypotf($0.x - place.x, $0.y - place.y) > $0.z + 0.2 }) { break }
    }
    return place
  }

  /// [R|t] of the cameras in the room's frame.
  private func poses(_ room: Room, _ random: inout RandomStream) -> [Pose] {
    let size = room.size
    switch path {
    case .inside:
      return (0..<views).map { _ in
        let place = free(room, margin: 0.35, &random)
        let eye = Vec3(place.x, random.float(1.1, 1.7), place.y)
        // Across the room: what is farther away is on the other side of its middle.
        let target = Vec3(
          -0.5 * place.x + random.float(-0.8, 0.8), random.float(0.1, 0.7), -0.5 * place.y + random.float(-0.8, 0.8))
        let far = hypotf(target.x - eye.x, target.z - eye.z) > 0.5 ? target : eye + Vec3(1, -0.3, 0)
        return Camera.lookAt(eye: eye, target: far)
      }
    case .around:
      let start = random.float(0, 2 * .pi)
      return (0..<views).map { i in
        let a = start + 2 * .pi * Float(i) / Float(views)
        let eye = Vec3(0.82 * size.x / 2 * cosf(a), 0.75 * size.y, 0.82 * size.z / 2 * sinf(a))
        return Camera.lookAt(eye: eye, target: Vec3(0, 0.25 * size.y, 0))
      }
    case .walk:
      let a = free(room, margin: 0.45, &random)
      var b = free(room, margin: 0.45, &random)
      if hypotf(b.x - a.x, b.y - a.y) < 0.8 { b = -a + SIMD2(0.3, 0.3) }
      let length = hypotf(b.x - a.x, b.y - a.y)
      let wanted = random.float(0.1, 0.25) * Float(max(views - 1, 1))
      // A long walk goes to and fro.
      var corners = [a]
      var rest = wanted
      while rest > 0 {
        let goal = corners.count % 2 == 1 ? b : a
        let share = min(1, rest / length)
        guard let last = corners.last else { break }
        corners.append(last + (goal - last) * share)
        rest -= length
      }
      return CameraPath.walk(along: corners, count: views, height: 1.45, lookAhead: 0.4, pitch: 0.42)
    }
  }

  // MARK: Rendering

  func observe(_ room: Room, _ easel: Easel, hasFlow: Bool) -> [Observation] {
    let renderer = easel.renderer(width, height)
    return room.cameras.indices.map { i in
      var next: NextMoment?
      if hasFlow {
        var camera = room.cameras[min(i + 1, room.cameras.count - 1)]
        // The last one takes a small step ahead.
        if i + 1 == room.cameras.count { camera.worldToCamera.translation.z -= 0.05 }
        next = NextMoment(scene: room.scene, camera: camera)
      }
      return renderer.observe(room.scene, from: room.cameras[i], next: next)
    }
  }

  func value(
    _ field: String, of room: Room, _ seen: [Observation], _ draw: SampleDraw, _ easel: Easel
  ) -> SampleValue {
    switch field {
    case "image", "views": return .bytes(seen.flatMap(\.view.rgb))
    case "intrinsics": return .reals(room.cameras[0].intrinsics.entries)
    case "cameras": return .reals(room.cameras.flatMap(\.worldToCamera.rows))
    case "present":
      var present = [Float](repeating: 0, count: things.kinds.count)
      for body in room.scene.bodies.prefix(room.things) { present[Int(body.semantic) - 1] = 1 }
      return .reals(present)
    case "depth": return .reals(seen.flatMap(\.view.depth))
    case "normals": return .reals(seen.flatMap(\.view.normals))
    case "classes": return .bytes(seen.flatMap(\.view.classes))
    case "instances": return .bytes(seen.flatMap(\.view.instanceBytes))
    case "shading": return .reals(room.cameras.flatMap { shading(room, $0, easel) })
    case "edges": return .reals(seen.flatMap { Finish.lines($0.view) })
    case "flow": return .reals(seen.flatMap(\.flow))
    case "occluded": return .bytes(seen.flatMap(\.occluded))
    case "layout": return .reals([room.size.x, room.size.y, room.size.z])
    case "axes": return .reals(room.pose.rotation.transposed.entries)
    case "objects": return .reals(objects(room))
    case "points": return .reals(cloud(seen, draw))
    case "surface": return .reals(surface(room, points, draw).coordinatesAndNormals)
    case "seen": return .reals(coverage(room, draw).seen)
    case "coverage": return .reals(coverage(room, draw).covered)
    default: return .reals(voxels(room))
    }
  }

  /// The light that a white, dull room would send back, 0...1.
  private func shading(_ room: Room, _ camera: Camera, _ easel: Easel) -> [Float] {
    var scene = room.scene
    for i in scene.bodies.indices {
      for j in scene.bodies[i].materials.indices { scene.bodies[i].materials[j] = .plain(Vec3(repeating: 0.8)) }
    }
    let rgb = easel.renderer(width, height).render(scene, from: camera, .rgb).rgb
    return (0..<width * height).map { i in
      let (r, g, b) = (Float(rgb[3 * i]), Float(rgb[3 * i + 1]), Float(rgb[3 * i + 2]))
      return (r + g + b) / (3 * 255)
    }
  }

  private func objects(_ room: Room) -> [Float] {
    var rows = [Float](repeating: -1, count: objects.upperBound * 8)
    for (i, body) in room.scene.bodies.prefix(room.things).enumerated() {
      let bounds = body.bounds
      let middle = body.pose((bounds.low + bounds.high) / 2 * body.scale)
      let size = (bounds.high - bounds.low) * body.scale
      rows.replaceSubrange(
        i * 8..<i * 8 + 8,
        with: [Float(body.semantic) - 1, Float(body.instance), middle.x, middle.y, middle.z, size.x, size.y, size.z])
    }
    return rows
  }

  private func cloud(_ seen: [Observation], _ draw: SampleDraw) -> [Float] {
    let clouds = seen.map { $0.view.pointCloud() }
    let total = clouds.reduce(0) { $0 + $1.count }
    var random = draw.stream("points")
    return (0..<points).flatMap { _ -> [Float] in
      var i = random.integer(below: max(total, 1))
      for cloud in clouds {
        guard i >= cloud.count else {
          let p = cloud.positions[i]
          let color = (0..<3).map { Float(cloud.colors[3 * i + $0]) / 255 }
          return [p.x, p.y, p.z] + color + [Float(cloud.classes[i]), Float(cloud.instances[i])]
        }
        i -= cloud.count
      }
      return [Float](repeating: 0, count: 8)
    }
  }

  /// Points of the inner surface of the room and of its things, in the world's frame.
  func surface(_ room: Room, _ count: Int, _ draw: SampleDraw) -> PointCloud {
    var random = draw.stream("surface")
    var straight = room.scene
    for i in straight.bodies.indices { straight.bodies[i].pose = room.pose.inverse * straight.bodies[i].pose }
    var cloud = straight.sampleSurface(count, within: room.box, &random)
    cloud.positions = cloud.positions.map { room.pose($0) }
    cloud.normals = cloud.normals.map { room.pose.rotation * $0 }
    return cloud
  }

  /// The share of the surface that each view sees, and that it and those before it have seen.
  private func coverage(_ room: Room, _ draw: SampleDraw) -> (seen: [Float], covered: [Float]) {
    let cloud = surface(room, 512, draw)
    var known = [Bool](repeating: false, count: cloud.count)
    var (shares, covered): ([Float], [Float]) = ([], [])
    let renderer = Renderer(width: 16, height: 16, supersampling: 1)
    for camera in room.cameras {
      let visible = renderer.visible(cloud, in: room.scene, from: camera)
      for i in visible.indices where visible[i] { known[i] = true }
      shares.append(Float(visible.count { $0 }) / Float(max(cloud.count, 1)))
      covered.append(Float(known.count { $0 }) / Float(max(cloud.count, 1)))
    }
    return (shares, covered)
  }

  private func voxels(_ room: Room) -> [Float] {
    var straight = room.scene
    for i in straight.bodies.indices { straight.bodies[i].pose = room.pose.inverse * straight.bodies[i].pose }
    let grid = VoxelGrid(low: Vec3(-3.2, 0, -3.2), edge: 0.2, counts: SIMD3(32, 16, 32))
    return straight.voxels(in: grid, hasPlanes: false).classes.map { Float($0) }
  }
}
