import Glibc
import ReproData
import ReproTensor

/// One clip before it is rendered: the scene at every moment, and every frame's camera.
struct DriveClip {
  var scenes: [Scene]
  /// Ordered by time, then by camera of the rig.
  var cameras: [Camera]
  /// Instance ids of the things that drive.
  var movers: Set<UInt16>
}

/// Draws the clips of `scenes-drive`.
struct DriveWorld: Sendable {
  enum Place: String, Sendable, CaseIterable {
    case road, street, tour, flight

    var classes: [String] {
      switch self {
      case .road: ["ground", "box", "cylinder", "mover"]
      case .street: ["road", "grass", "wall", "pole", "trunk", "crown"]
      case .tour: ["ground"] + ObjectClass.allCases.map(\.name) + ["tree", "car"]
      case .flight: ["ground", "street", "house", "roof", "tower", "tree"]
      }
    }
  }

  let height, width, frames: Int
  let place: Place
  let isStatic: Bool
  let cameras: Int
  let moving: Double
  let things, hop: Int
  let isTextured: Bool
  let variant: DriveVariant
  let stream: RandomStream
  /// The walks of a tour, one for every split.
  private let tours: [TourWorld]

  init(
    height: Int, width: Int, frames: Int, place: Place, isStatic: Bool, cameras: Int, moving: Double, things: Int,
    hop: Int, isTextured: Bool, variant: DriveVariant = DriveVariant(), sizes: [Split: Int], stream: RandomStream
  ) {
    (self.height, self.width, self.frames, self.place) = (height, width, frames, place)
    (self.isStatic, self.cameras, self.moving) = (isStatic, cameras, moving)
    (self.things, self.hop, self.isTextured, self.stream) = (things, hop, isTextured, stream)
    self.variant = variant
    tours =
      place == .tour
      ? Split.allCases.map { split in
        let count = min((sizes[split] ?? 0) * hop + frames, TourWorld.longest)
        return TourWorld(things: things, frames: count, isTextured: isTextured, stream.child("tour \(split.rawValue)"))
      } : []
  }

  var signature: String {
    "size=\(height)x\(width) frames=\(frames) world=\(place.rawValue) static=\(isStatic) cameras=\(cameras) "
      + "moving=\(moving) things=\(things) hop=\(hop) textures=\(isTextured)\(variant.signature)"
  }

  func clip(_ draw: SampleDraw) -> DriveClip {
    var random = draw.stream("scene")
    var ways = draw.stream("camera")
    switch place {
    case .road: return road(&random, &ways, draw.split)
    case .street: return still(street(&random), drive(height: 1.4, pitch: 0.02, &ways))
    case .flight: return still(town(&random), flight(&ways))
    case .tour:
      let tour = tours[Split.allCases.firstIndex(of: draw.split) ?? 0]
      let (scene, poses) = tour.clip(from: draw.index * hop, count: frames)
      return still(scene, isStatic ? poses.map { _ in poses[0] } : poses)
    }
  }

  private func still(_ scene: Scene, _ poses: [Pose]) -> DriveClip {
    DriveClip(scenes: poses.map { _ in scene }, cameras: poses.flatMap(rig), movers: [])
  }

  /// The pictures of one moment.
  private func rig(_ pose: Pose) -> [Camera] {
    let turns: [Float] = cameras == 1 ? [0] : [0, -0.611, 0.611]
    return turns.map { turn in
      let view = turn == 0 ? pose : Pose(rotation: .rotation(axis: Vec3(0, 1, 0), angle: turn)) * pose
      return Camera(width: width, height: height, verticalFieldOfView: fieldOfView, worldToCamera: view)
    }
  }

  private var fieldOfView: Float { place == .flight ? 0.9 : 0.85 }

  private func drive(height: Float, pitch: Float, _ random: inout RandomStream) -> [Pose] {
    let step = random.float(variant.stride.lowerBound, variant.stride.upperBound)
    let steps = (0..<frames - 1).map { _ in isStatic ? 0 : step * random.float(0.85, 1.15) }
    let bend = random.float(-0.02, 0.02)
    let turns = steps.map { _ in isStatic ? 0 : bend + random.float(-0.01, 0.01) }
    let ahead = CameraPath.drive(
      from: Vec3(random.float(-0.3, 0.3), height, 0), heading: random.float(-0.05, 0.05), steps: steps, turns: turns,
      pitch: pitch)
    return variant.slid(ahead, steps, &random)
  }

  private func flight(_ random: inout RandomStream) -> [Pose] {
    let step = random.float(0.2, 0.5)
    let steps = (0..<frames - 1).map { _ in isStatic ? 0 : step }
    let turns = steps.map { _ in isStatic ? 0 : random.float(-0.04, 0.04) }
    let eye = Vec3(random.float(-4, 4), random.float(6, 10), random.float(-4, 4))
    return CameraPath.drive(
      from: eye, heading: random.float(0, 2 * .pi), steps: steps, turns: turns, pitch: random.float(0.6, 1.05))
  }

  /// Plain instead of patterned if textures are off.
  func surface(_ material: Material) -> Material {
    guard !isTextured else { return material }
    var material = material
    (material.pattern, material.grain) = (.plain, 0)
    return material
  }

  private func daylight(_ random: inout RandomStream) -> Lighting {
    var light = WorldStage.lighting(&random, azimuth: -.pi / 2, ground: Vec3(repeating: 0.3), tint: 0.15)
    light.zenith = light.zenith * Vec3(0.75, 0.85, 1)
    return light
  }

  // MARK: road

  private func road(_ random: inout RandomStream, _ ways: inout RandomStream, _ split: Split) -> DriveClip {
    let (height, pitch) = variant.mount(&ways)
    let poses = drive(height: height, pitch: pitch, &ways)
    var ground = WorldStage.ground(surface(roadMaterial(&random)))
    ground.semantic = 1
    var bodies = [ground]
    for _ in 0..<random.integer(in: 10...18) {
      let size = variant.size(&random)
      let isBox = random.bernoulli(0.6)
      let side: Float = random.bernoulli(0.5) ? 1 : -1
      let z = random.float(2, 22)
      // The lane stays free for as far as the camera may get.
      let x = side * (0.9 + 1.3 * size.x + random.float(0, 1) * random.float(0, 7))
      bodies.append(
        Body(
          parts: [Part(isBox ? .box(half: size) : .cylinder(radius: size.x, half: size.y))],
          materials: [surface(Look.material(&random, cells: variant.cells))],
          pose: Pose(rotation: random.tilted(upTo: 0), translation: Vec3(x, size.y + variant.hover(&random), z)),
          instance: UInt16(bodies.count), semantic: isBox ? 2 : 3))
    }
    let movers =
      variant.hasDisguises
      ? disguisedMovers(among: &bodies, poses, split, &random) : plainMovers(among: &bodies, &random)
    let light = daylight(&random)
    let scenes = (0..<frames).map { time -> Scene in
      var moved = bodies
      for mover in movers { moved[mover.index].pose.translation += mover.velocity * Float(time) }
      return Scene(bodies: moved, lighting: light)
    }
    return DriveClip(
      scenes: scenes, cameras: poses.flatMap(rig), movers: Set(movers.map { bodies[$0.index].instance }))
  }

  /// Boxes that drive along the lane or across it.
  private func plainMovers(among bodies: inout [Body], _ random: inout RandomStream) -> [Mover] {
    let count = isStatic || random.bernoulli(moving) ? random.integer(in: 1...2) : 0
    var movers: [Mover] = []
    for _ in 0..<count {
      let half = Vec3(random.float(0.3, 0.6), random.float(0.25, 0.5), random.float(0.4, 0.8))
      let speed = random.float(0.08, 0.3) * (random.bernoulli(0.5) ? 1 : -1)
      let isCrossing = random.bernoulli(0.5)
      let start = Vec3(isCrossing ? -3 * speed / abs(speed) : random.float(-0.7, 0.7), half.y, random.float(4, 9))
      movers.append(Mover(index: bodies.count, velocity: isCrossing ? Vec3(speed, 0, 0) : Vec3(0, 0, speed)))
      bodies.append(
        Body(
          parts: [Part(.box(half: half))], materials: [surface(Look.material(&random, cells: 0.5...3))],
          pose: Pose(translation: start), instance: UInt16(bodies.count), semantic: 4))
    }
    return movers
  }

  private func roadMaterial(_ random: inout RandomStream) -> Material {
    var material = Look.surface(&random, strength: random.float(0.6, 1))
    // Without a pattern nothing would tell how the ground moves.
    if material.pattern == .plain { material.pattern = random.pick([.noise, .marble, .checks, .bricks]) }
    material.grain = max(material.grain, 0.3)
    material.frame = random.float(0.6, 2.2) * material.frame
    return material
  }

  // MARK: street

  /// A material of a class: its own patterns, hue band and grain.
  private func classMaterial(
    _ patterns: [Material.Pattern], hue: ClosedRange<Float>, saturation: ClosedRange<Float>, value: ClosedRange<Float>,
    cells: ClosedRange<Float>, flat: Bool = false, _ random: inout RandomStream
  ) -> Material {
    let hues = (random.float(in: hue), random.float(in: hue))
    func color(_ hue: Float, _ random: inout RandomStream) -> Vec3 {
      SRGB.linear(Look.color(hue: hue, saturation: random.float(in: saturation), value: random.float(in: value)))
    }
    let frequency = random.float(in: cells)
    let frame = flat ? Mat3(rows: Vec3(1, 0, 0), Vec3(0, 0, 1), .zero) : random.tilted(upTo: 0)
    let material = Material(
      pattern: random.pick(patterns), first: color(hues.0, &random), second: color(hues.1, &random),
      frame: frequency * frame, offset: Vec3(random.float(0, 50), random.float(0, 50), 0.5),
      grain: random.float(0.1, 0.5))
    return surface(material)
  }

  private func street(_ random: inout RandomStream) -> Scene {
    var bodies: [Body] = []
    func add(_ solid: Solid, _ material: Material, _ center: Vec3, _ semantic: UInt8, _ rotation: Mat3 = .identity) {
      bodies.append(
        Body(
          parts: [Part(solid)], materials: [material], pose: Pose(rotation: rotation, translation: center),
          instance: UInt16(bodies.count + 1), semantic: semantic))
    }
    let grass = classMaterial(
      [.noise, .marble], hue: 0.24...0.36, saturation: 0.45...0.8, value: 0.35...0.6, cells: 1.5...3, flat: true,
      &random)
    var ground = WorldStage.ground(grass)
    (ground.semantic, ground.pose.translation.y) = (2, -0.02)
    bodies.append(ground)
    let asphalt = classMaterial(
      [.noise], hue: 0.5...0.7, saturation: 0...0.12, value: 0.3...0.5, cells: 2...4, flat: true, &random)
    add(.box(half: Vec3(random.float(1.6, 2.4), 0.01, 40)), asphalt, Vec3(0, -0.01, 30), 1)
    func beside(_ near: Float, _ far: Float, _ random: inout RandomStream) -> Vec3 {
      Vec3((random.bernoulli(0.5) ? 1 : -1) * random.float(near, far), 0, random.float(1.5, 24))
    }
    for _ in 0..<random.integer(in: 6...12) {
      let half = Vec3(random.float(0.4, 1.6), random.float(0.8, 2.6), random.float(0.6, 2.4))
      let material = classMaterial(
        [.bricks, .checks], hue: 0...0.12, saturation: 0.25...0.7, value: 0.4...0.85, cells: 0.8...1.6, &random)
      add(.box(half: half), material, beside(3.2 + half.x, 8, &random) + Vec3(0, half.y, 0), 3)
    }
    for _ in 0..<random.integer(in: 4...8) {
      let half = random.float(1, 2)
      let material = classMaterial(
        [.stripes, .plain], hue: 0.55...0.7, saturation: 0.1...0.5, value: 0.5...0.9, cells: 1...2, &random)
      add(
        .cylinder(radius: random.float(0.07, 0.14), half: half), material, beside(2.5, 3, &random) + Vec3(0, half, 0), 4
      )
    }
    for _ in 0..<random.integer(in: 4...8) {
      let (half, radius) = (random.float(0.5, 0.9), random.float(0.6, 1.2))
      let foot = beside(3, 6, &random)
      let bark = classMaterial(
        [.marble, .noise], hue: 0.05...0.1, saturation: 0.3...0.6, value: 0.25...0.45, cells: 2...4, &random)
      let leaves = classMaterial(
        [.noise, .dots], hue: 0.2...0.42, saturation: 0.4...0.85, value: 0.3...0.65, cells: 1.5...3, &random)
      add(.cylinder(radius: radius * 0.18, half: half), bark, foot + Vec3(0, half, 0), 5)
      add(.sphere(radius: radius), leaves, foot + Vec3(0, 2 * half + 0.75 * radius, 0), 6)
    }
    return Scene(bodies: bodies, lighting: daylight(&random))
  }

  // MARK: flight

  private func town(_ random: inout RandomStream) -> Scene {
    let meadow = classMaterial(
      [.noise, .marble], hue: 0.15...0.35, saturation: 0.25...0.6, value: 0.4...0.65, cells: 0.3...0.6, flat: true,
      &random)
    var ground = WorldStage.ground(meadow)
    ground.semantic = 1
    var bodies = [ground]
    func add(_ solid: Solid, _ material: Material, _ center: Vec3, _ semantic: UInt8, _ rotation: Mat3 = .identity) {
      bodies.append(
        Body(
          parts: [Part(solid)], materials: [material], pose: Pose(rotation: rotation, translation: center),
          instance: UInt16(bodies.count), semantic: semantic))
    }
    let asphalt = classMaterial(
      [.plain, .noise], hue: 0.5...0.7, saturation: 0...0.1, value: 0.3...0.5, cells: 1...2, &random)
    for i in -2...2 {
      let at = Float(i) * 9 + random.float(-1, 1)
      add(.box(half: Vec3(30, 0.02, 0.8)), asphalt, Vec3(0, 0, at), 2)
      add(.box(half: Vec3(0.8, 0.02, 30)), asphalt, Vec3(at, 0.005, 0), 2)
    }
    for _ in 0..<55 {
      let place = Vec3(random.float(-19, 19), 0, random.float(-19, 19))
      let kind = random.integer(below: 5)
      let turn = Mat3.rotation(axis: Vec3(0, 1, 0), angle: random.float(-0.2, 0.2))
      if kind < 3 {
        let half = Vec3(random.float(0.7, 1.5), random.float(0.5, 1.2), random.float(0.7, 1.5))
        let walls = classMaterial(
          [.plain, .bricks, .stripes], hue: 0.02...0.15, saturation: 0.05...0.5, value: 0.55...0.9, cells: 0.8...1.5,
          &random)
        let tiles = classMaterial(
          [.bricks, .stripes], hue: 0...0.06, saturation: 0.4...0.8, value: 0.35...0.7, cells: 1...2, &random)
        add(.box(half: half), walls, place + Vec3(0, half.y, 0), 3, turn)
        let roof = random.float(0.3, 0.7)
        add(
          .cone(radius: 1.15 * max(half.x, half.z), half: roof), tiles, place + Vec3(0, 2 * half.y + roof, 0), 4, turn)
      } else if kind == 3 {
        let half = random.float(1.2, 2.6)
        let stone = classMaterial(
          [.checks, .stripes, .bricks], hue: 0.5...0.65, saturation: 0.05...0.35, value: 0.4...0.8, cells: 0.7...1.4,
          &random)
        add(.cylinder(radius: random.float(0.5, 1), half: half), stone, place + Vec3(0, half, 0), 5)
      } else {
        let radius = random.float(0.5, 1)
        let leaves = classMaterial(
          [.noise, .dots], hue: 0.22...0.42, saturation: 0.4...0.8, value: 0.25...0.55, cells: 1...2, &random)
        add(.sphere(radius: radius), leaves, place + Vec3(0, 0.8 * radius, 0), 6)
      }
    }
    return Scene(bodies: bodies, lighting: daylight(&random))
  }

  // MARK: rendering

  func observe(_ clip: DriveClip, _ easel: Easel, hasFlow: Bool) -> [Observation] {
    let renderer = easel.renderer(width, height)
    return clip.cameras.indices.map { i in
      let later = i + cameras
      let next =
        hasFlow && later < clip.cameras.count
        ? NextMoment(scene: clip.scenes[later / cameras], camera: clip.cameras[later]) : nil
      return renderer.observe(clip.scenes[i / cameras], from: clip.cameras[i], next: next, isBodiless: true)
    }
  }

  func value(_ field: String, of clip: DriveClip, _ seen: [Observation]) -> SampleValue {
    let moves = seen.dropLast(cameras)
    switch field {
    case "frames": return .bytes(seen.flatMap(\.view.rgb))
    case "intrinsics": return .reals(clip.cameras[0].intrinsics.entries)
    case "cameras": return .reals(clip.cameras.flatMap(\.worldToCamera.rows))
    case "depth": return .reals(seen.flatMap(\.view.depth))
    case "normals": return .reals(seen.flatMap(\.view.normals))
    case "classes": return .bytes(seen.flatMap(\.view.classes))
    case "instances": return .bytes(seen.flatMap(\.view.instanceBytes))
    case "moving": return .bytes(seen.flatMap { $0.view.instances.map { clip.movers.contains($0) ? 1 : 0 } })
    case "flow": return .reals(moves.flatMap(\.flow))
    case "occluded": return .bytes(moves.flatMap(\.occluded))
    case "motion": return .integer(clip.movers.isEmpty ? 0 : 1)
    case "odometry": return .reals(clip.cameras.flatMap(\.worldToCamera.rows))
    case "middle-depth": return .reals(middle(seen).view.depth)
    case "middle-motion":
      return .bytes(middle(seen).view.instances.map { clip.movers.contains($0) ? 1 : 0 })
    default: return .reals(voxels(clip))
    }
  }

  /// What the first camera sees at the moment frames / 2.
  private func middle(_ seen: [Observation]) -> Observation { seen[frames / 2 * cameras] }

  /// Classes in the box before the first camera, -1 where nothing is.
  private func voxels(_ clip: DriveClip) -> [Float] {
    let pose = clip.cameras[0].worldToCamera
    // The level frame of the camera: right, up, ahead, at the ground below it.
    let eye = clip.cameras[0].eye
    let ahead = Vec3(pose.rotation.row2.x, 0, pose.rotation.row2.z).normalized
    let level = Mat3(rows: ahead.cross(Vec3(0, 1, 0)), Vec3(0, 1, 0), ahead)
    let toLevel = Pose(rotation: level, translation: -(level * Vec3(eye.x, 0, eye.z)))
    var scene = clip.scenes[0]
    for i in scene.bodies.indices { scene.bodies[i].pose = toLevel * scene.bodies[i].pose }
    let grid = VoxelGrid(low: Vec3(-12, -0.05, 0), edge: 0.75, counts: SIMD3(32, 8, 32))
    let map = scene.voxels(in: grid)
    return zip(map.occupancy, map.classes).map { $0 == 0 ? -1 : Float($1) }
  }
}
