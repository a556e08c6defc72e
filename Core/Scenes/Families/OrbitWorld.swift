import Glibc
import ReproData
import ReproTensor

/// One sample of `scenes-orbit`.
struct OrbitSample {
  var kind, instance: Int
  var views: [Observation]
  /// From the object's own frame to the camera, view by view.
  var rotations: [Pose]
  var hues: [SIMD2<Float>]
  /// The label of every pixel's part, view by view; empty unless the object is a compound.
  var parts: [UInt8]
  var draw: SampleDraw
}

/// Draws the captures of `scenes-orbit`.
struct OrbitWorld: Sendable {
  enum Shape: String, Sendable, CaseIterable {
    case objects, compounds, distance, meshes

    var kinds: [String] {
      switch self {
      case .objects: ObjectClass.allCases.map(\.name)
      case .compounds: CompoundKind.allCases.map(\.name)
      case .distance: DistanceKind.allCases.map(\.rawValue)
      case .meshes: MeshKind.allCases.map(\.rawValue)
      }
    }
  }
  enum Path: String, Sendable, CaseIterable { case orbit, arc, sphere, grid, free, turns }
  enum Background: String, Sendable, CaseIterable { case black, ground, dome, clutter, fresh }
  enum Light: String, Sendable, CaseIterable { case fixed, headlight, changing, tinted }

  var height, width: Int
  var shape: Shape
  var path: Path
  var azimuths: Int
  /// Radians.
  var elevations: [Float]
  var background: Background
  var light: Light
  var kinds: Range<Int>
  var points, individuals: Int
  var isTurned, isTextured: Bool
  var stream: RandomStream

  /// The camera's angle from the upper to the lower edge of the picture.
  static let fieldOfView: Float = 0.7

  var views: Int { path == .grid ? azimuths * elevations.count : azimuths }

  var signature: String {
    "size=\(height)x\(width) shape=\(shape.rawValue) path=\(path.rawValue) views=\(views) elevations=\(elevations) "
      + "background=\(background.rawValue) light=\(light.rawValue) kinds=\(kinds) points=\(points) "
      + "individuals=\(individuals) turned=\(isTurned) textures=\(isTextured)"
  }

  private var hasGround: Bool { background == .ground || background == .clutter }

  /// Kind and individual: a split has individuals of its own as long as the pool is large enough.
  private func identity(_ draw: SampleDraw) -> (kind: Int, number: Int) {
    let start =
      switch draw.split {
      case .train: 0
      case .validation: individuals / 2
      case .test: individuals / 4 * 3
      }
    return (draw.index % kinds.count, (start + draw.index / kinds.count) % individuals)
  }

  /// The object in a ball of radius 1 around the origin; one body for every part of a compound.
  private func object(_ draw: SampleDraw) -> [Body] {
    let (kind, number) = identity(draw)
    let which = kinds.lowerBound + kind
    var own = stream.child(shape.rawValue, number * shape.kinds.count + which)
    var bodies: [Body]
    switch shape {
    case .objects:
      let individual = Individual(ObjectClass.allCases[which], number: number, of: stream)
      bodies = [Body(parts: individual.parts, materials: individual.materials, scale: 1 / 1.65)]
    case .compounds:
      let individual = CompoundIndividual(CompoundKind.allCases[which], number: number, of: stream)
      bodies = individual.partBodies(scale: 1 / 1.5)
    case .distance:
      let shape = DistanceShape(DistanceKind.allCases[which].expression(&own))
      bodies = [Body(parts: [Part(.shape(shape))], materials: [Look.material(&own, cells: 1...2.4)])]
    case .meshes:
      let mesh = MeshKind.allCases[which].mesh(&own)
      bodies = [Body(parts: [Part(.mesh(mesh))], materials: [Look.material(&own, cells: 1...2.4)])]
    }
    for i in bodies.indices {
      bodies[i].instance = 1
      if shape != .compounds { bodies[i].semantic = 1 }
      guard !isTextured else { continue }
      for j in bodies[i].materials.indices {
        (bodies[i].materials[j].pattern, bodies[i].materials[j].grain) = (.plain, 0)
      }
    }
    var random = draw.stream("turn")
    let turn = isTurned ? Mat3.rotation(axis: Vec3(0, 1, 0), angle: random.float(0, 2 * .pi)) : .identity
    return bodies.map { body in
      var body = body
      body.pose.rotation = turn
      return body
    }
  }

  func surface(_ draw: SampleDraw, count: Int) -> PointCloud {
    var random = draw.stream("surface")
    let light = WorldStage.lighting(&random, azimuth: 0, ground: .zero)
    return Scene(bodies: object(draw), lighting: light).sampleSurface(count, &random)
  }

  /// [R|t] of every view and how far the object is turned in it.
  private func poses(_ draw: SampleDraw) -> [(camera: Pose, turn: Mat3)] {
    var random = draw.stream("path")
    let fitting = min(1, Float(width) / Float(height))
    let radius = 1 / (0.9 * sinf(atanf(tanf(Self.fieldOfView / 2) * fitting)))
    let start = random.float(0, 2 * .pi)
    let elevation = random.float(0.26, 0.79)
    func still(_ poses: [Pose]) -> [(Pose, Mat3)] { poses.map { ($0, .identity) } }
    switch path {
    case .orbit:
      return still(
        CameraPath.orbit(around: .zero, radius: radius, count: azimuths, elevation: elevation, start: start))
    case .arc:
      let arc = random.float(1.05, 2.1)
      return still(
        CameraPath.orbit(
          around: .zero, radius: radius, count: azimuths, elevation: elevation, start: start, arc: arc))
    case .sphere:
      return still(
        CameraPath.sphere(
          around: .zero, radius: radius, count: azimuths, start: start, lowest: hasGround ? 0.1 : -1))
    case .grid:
      return still(
        CameraPath.grid(around: .zero, radius: radius, elevations: elevations, azimuths: azimuths, start: 0))
    case .free:
      return still(
        (0..<azimuths).map { _ in
          CameraPath.on(
            .zero, radius: radius * random.float(0.8, 1.25), azimuth: random.float(0, 2 * .pi),
            elevation: hasGround ? random.float(0.08, 0.7) : random.float(-0.7, 0.7))
        })
    case .turns:
      let camera = CameraPath.on(.zero, radius: radius, azimuth: 0, elevation: 0.45)
      return (0..<azimuths).map { _ in
        func euler() -> Float { random.float(-.pi / 2, .pi / 2) }
        let (a, b, c) = (euler(), euler(), euler())
        let turn =
          Mat3.rotation(axis: Vec3(1, 0, 0), angle: a) * Mat3.rotation(axis: Vec3(0, 1, 0), angle: b)
          * Mat3.rotation(axis: Vec3(0, 0, 1), angle: c)
        return (camera, turn)
      }
    }
  }

  func sample(_ draw: SampleDraw, _ easel: Easel) -> OrbitSample {
    let object = object(draw)
    var stage = draw.stream("stage")
    let surroundings = surroundings(object, &stage)
    let renderer = easel.renderer(width, height)
    let (kind, number) = identity(draw)
    var sample = OrbitSample(
      kind: kind, instance: kind + kinds.count * number, views: [], rotations: [], hues: [], parts: [], draw: draw)
    for (i, step) in poses(draw).enumerated() {
      var bodies = object
      for j in bodies.indices { bodies[j].pose.rotation = step.turn * bodies[j].pose.rotation }
      let camera = Camera(
        width: width, height: height, verticalFieldOfView: Self.fieldOfView, worldToCamera: step.camera)
      var random = draw.stream("view", i)
      var others = surroundings
      let hues = SIMD2(random.float(0, 1), random.float(0, 1))
      if light == .tinted {
        for j in others.indices {
          for k in others[j].materials.indices {
            others[j].materials[k].first = SRGB.linear(Look.color(hue: hues.y, saturation: 0.6, value: 0.7))
            others[j].materials[k].second = SRGB.linear(Look.color(hue: hues.y, saturation: 0.5, value: 0.5))
          }
        }
      }
      if background == .fresh { others.append(wall(behind: camera, &random)) }
      let lighting = lighting(camera, draw, hues.x, &random)
      let scene = Scene(bodies: bodies + others, lighting: lighting)
      let observation = renderer.observe(scene, from: camera)
      if shape == .compounds { sample.parts += observation.view.classes }
      sample.views.append(observation)
      sample.rotations.append(camera.worldToCamera * bodies[0].pose)
      sample.hues.append(hues)
    }
    return sample
  }

  private func lighting(_ camera: Camera, _ draw: SampleDraw, _ hue: Float, _ random: inout RandomStream) -> Lighting {
    var fixed = draw.stream("light")
    let azimuth = fixed.float(0, 2 * .pi)
    var lighting: Lighting
    switch light {
    case .fixed: lighting = WorldStage.lighting(&fixed, azimuth: azimuth, ground: Vec3(repeating: 0.3))
    case .changing:
      lighting = WorldStage.lighting(
        &random, azimuth: random.float(0, 2 * .pi), ground: Vec3(repeating: 0.3), tint: 0.3)
    case .tinted:
      lighting = WorldStage.lighting(&fixed, azimuth: azimuth, ground: Vec3(repeating: 0.3))
      let tint = SRGB.linear(Look.color(hue: hue, saturation: 0.45, value: 1))
      lighting.key.color = lighting.key.color * tint
      lighting.ambientUp = lighting.ambientUp * tint
    case .headlight:
      lighting = WorldStage.lighting(&fixed, azimuth: azimuth, ground: Vec3(repeating: 0.3))
      lighting.key = DirectionalLight(direction: -camera.worldToCamera.rotation.row2, color: Vec3(repeating: 0.75))
      lighting.fill.color = .zero
      (lighting.ambientUp, lighting.ambientDown) = (Vec3(repeating: 0.22), Vec3(repeating: 0.22))
    }
    if background == .black { (lighting.horizon, lighting.zenith) = (.zero, .zero) }
    return lighting
  }

  private func surroundings(_ object: [Body], _ random: inout RandomStream) -> [Body] {
    switch background {
    case .black, .fresh: return []
    case .dome:
      var material = Look.material(&random, cells: 0.35...0.7)
      material.specular = 0
      var dome = Body(parts: [Part(.sphere(radius: 8))], materials: [material])
      dome.castsShadow = false
      return [dome]
    case .ground, .clutter:
      let foot = object.map { $0.reach(Vec3(0, -1, 0)) }.max() ?? 1
      var bodies = [WorldStage.ground(Look.surface(&random, strength: 0.8))]
      bodies[0].pose.translation.y = -foot
      guard background == .clutter else { return bodies }
      for _ in 0..<random.integer(in: 5...10) {
        let (a, r) = (random.float(0, 2 * .pi), random.float(4.5, 7.5))
        let size = Vec3(random.float(0.3, 0.9), random.float(0.4, 1.6), random.float(0.3, 0.9))
        let solid: Solid = random.bernoulli(0.5) ? .box(half: size) : .cylinder(radius: size.x, half: size.y)
        let place = Vec3(r * cosf(a), size.y - foot, r * sinf(a))
        bodies.append(
          Body(
            parts: [Part(solid)], materials: [Look.material(&random)],
            pose: Pose(rotation: random.tilted(upTo: 0), translation: place)))
      }
      return bodies
    }
  }

  /// A textured wall that faces the camera, behind the object.
  private func wall(behind camera: Camera, _ random: inout RandomStream) -> Body {
    let axis = camera.worldToCamera.rotation
    let normal = -axis.row2
    let along = axis.row0
    let rotation = Mat3(rows: along, normal, along.cross(normal)).transposed
    return Body(
      parts: [Part(.plane)], materials: [Look.surface(&random, strength: 1)],
      pose: Pose(rotation: rotation, translation: -normal * random.float(2.2, 3.5)))
  }

  func value(_ field: String, of sample: OrbitSample) -> SampleValue {
    let views = sample.views
    switch field {
    case "views": return .bytes(views.flatMap(\.view.rgb))
    case "masks": return .bytes(views.flatMap { $0.view.instances.map { $0 == 1 ? 1 : 0 } })
    case "label": return .integer(sample.kind)
    case "instance": return .integer(sample.instance)
    case "intrinsics": return .reals(views.first?.view.camera.intrinsics.entries ?? [])
    case "cameras": return .reals(views.flatMap(\.view.camera.worldToCamera.rows))
    case "depth": return .reals(views.flatMap(\.view.depth))
    case "normals": return .reals(views.flatMap(\.view.normals))
    case "points": return .reals(surface(sample.draw, count: points).coordinatesAndNormals)
    case "rotations":
      return .reals(sample.rotations.flatMap { [$0.quaternion.x, $0.quaternion.y, $0.quaternion.z, $0.quaternion.w] })
    case "angles":
      return .reals(
        sample.rotations.flatMap { pose -> [Float] in
          let eye = pose.inverse.translation.normalized
          return [atan2f(eye.z, eye.x), asinf(max(-1, min(1, eye.y)))]
        })
    case "hues": return .reals(sample.hues.flatMap { [$0.x, $0.y] })
    case "sdf": return .reals(distances(sample.draw))
    default:
      return .bytes(sample.parts.isEmpty ? views.flatMap(\.view.classes) : sample.parts)
    }
  }

  /// Points of the cube of side 2 around the origin and how far they are from the surface; zeros for other shapes.
  private func distances(_ draw: SampleDraw) -> [Float] {
    var random = draw.stream("sdf")
    let body = object(draw)[0]
    guard case .shape(let shape, let scale) = body.parts[0].solid else {
      return [Float](repeating: 0, count: points * 4)
    }
    return (0..<points).flatMap { _ -> [Float] in
      let p = random.cube()
      return [p.x, p.y, p.z, scale * shape.distance(body.pose.inverse(p) / scale)]
    }
  }
}
