import Glibc
import ReproTensor

/// One sample of `scenes-objects` before it is rendered.
struct ObjectScene {
  var scene: Scene
  var camera: Camera
}

/// Draws the scenes of `scenes-objects`: who stands where, in which light, seen from where.
struct ObjectWorld: Sendable {
  var size: Int
  var objects: Int
  var clutter: Float
  /// Individuals per class.
  var individuals: Int
  /// The stream of the data set.
  var stream: RandomStream

  /// How often a scene is drawn anew until its object is seen well; the last time nothing stands in the way.
  static let attempts = 12

  /// Draws a scene.
  ///
  /// - Parameters:
  ///   - main: class and number of the labelled object.
  ///   - sample: the stream of the sample.
  ///   - attempt: 0 ..< attempts.
  ///   - groundHue: the hue of the ground, 0...1; nil for any.
  func compose(
    _ main: (kind: ObjectClass, number: Int), _ sample: RandomStream, attempt: Int, groundHue: Float? = nil
  ) -> ObjectScene {
    let draw = sample.child("attempt", attempt)
    let isLast = attempt == Self.attempts - 1
    var random = draw.child("place")
    let individual = Individual(main.kind, number: main.number, of: stream)

    // The camera looks at the object from a random side; only the way it looks matters, not where it stands.
    let elevation = random.float(0.2, 0.85)
    let azimuth = random.float(0, 2 * .pi)
    let towards = Vec3(cosf(elevation) * cosf(azimuth), sinf(elevation), cosf(elevation) * sinf(azimuth))
    let scale = random.float(0.8, 1.25)
    let body = individual.body(
      rotation: individual.rotation(&random, towards: towards), scale: scale, over: .zero, instance: 1)
    let camera = camera(body, scale: scale, towards: towards, isLast: isLast, &random)

    var bodies = [body]
    var taken = [SIMD3<Float>(0, 0, 1.1 * scale)]  // x, z and radius of what stands on the ground
    for i in 1..<max(objects, 1) {
      var extra = draw.child("object", i)
      bodies.append(companion(i, camera, towards, &taken, behind: isLast, &extra))
    }
    var clutterStream = draw.child("clutter")
    if !isLast {
      bodies += distractors(camera, scale: scale, &taken, first: UInt16(objects + 1), &clutterStream)
    }
    var backdrop = draw.child("backdrop")
    let planes = planes(behind: body, towards: towards, individual, groundHue: groundHue, &backdrop)
    var lightStream = draw.child("light")
    let light = lighting(azimuth: azimuth, ground: Look.mean(planes[0].materials[0]), &lightStream)
    return ObjectScene(scene: Scene(bodies: bodies + planes, lighting: light), camera: camera)
  }

  private func camera(
    _ body: Body, scale: Float, towards: Vec3, isLast: Bool, _ random: inout RandomStream
  ) -> Camera {
    let fieldOfView: Float = 0.7
    let crowd: Float = objects > 1 ? 0.7 : 1
    // Which part of the half picture the object's ball (about 1.1 units) fills.
    let fill = isLast ? 0.6 : random.float(0.55, 0.95) * crowd
    let distance = 1.1 * scale / (fill * tanf(fieldOfView / 2))
    let middle = body.pose.translation
    let slack = isLast ? 0 : 0.7 * max(0, 1.05 - fill) * tanf(fieldOfView / 2) * distance
    let right = Vec3(0, 1, 0).cross(towards).normalized
    let up = towards.cross(right)
    let target = middle + right * (slack * random.float(-1, 1)) + up * (slack * random.float(-1, 1))
    let eye = middle + towards * distance
    return Camera(
      width: size, height: size, verticalFieldOfView: fieldOfView,
      worldToCamera: Camera.lookAt(eye: eye, target: target, roll: random.float(-0.15, 0.15)))
  }

  /// Another object, somewhat smaller, on free ground inside the picture.
  private func companion(
    _ i: Int, _ camera: Camera, _ towards: Vec3, _ taken: inout [SIMD3<Float>], behind: Bool,
    _ random: inout RandomStream
  ) -> Body {
    let kind = ObjectClass.allCases[random.integer(below: ObjectClass.allCases.count)]
    let individual = Individual(kind, number: random.integer(below: individuals), of: stream)
    let scale = random.float(0.5, 0.85)
    let rotation = individual.rotation(&random, towards: towards)
    var place = SIMD2<Float>(-towards.x, -towards.z) * Float(3 * i)
    for _ in 0..<30 {
      guard let spot = groundSpot(camera, &random) else { continue }
      let isFree = taken.allSatisfy { hypotf($0.x - spot.x, $0.y - spot.y) > $0.z + 0.9 * scale }
      let isBehind = spot.x * towards.x + spot.y * towards.z < -1
      if isFree, isBehind || !behind {
        place = spot
        break
      }
    }
    taken.append(SIMD3(place.x, place.y, 1.1 * scale))
    return individual.body(rotation: rotation, scale: scale, over: place, instance: UInt16(i + 1))
  }

  /// Where a random pixel sees the ground; nil beyond 14 metres.
  private func groundSpot(_ camera: Camera, _ random: inout RandomStream) -> SIMD2<Float>? {
    let pixel = SIMD2(random.float(0, Float(size)), random.float(0, Float(size)))
    let back = camera.worldToCamera.inverse
    let ray = back.rotation * camera.unproject(pixel, depth: 1)
    guard ray.y < -0.02 else { return nil }
    let t = -back.translation.y / ray.y
    guard t < 14 else { return nil }
    let p = back.translation + ray * t
    return SIMD2(p.x, p.z)
  }

  /// Small things that say nothing about the class: single primitives of any kind, size and colour.
  private func distractors(
    _ camera: Camera, scale: Float, _ taken: inout [SIMD3<Float>], first: UInt16, _ random: inout RandomStream
  ) -> [Body] {
    var bodies: [Body] = []
    let wanted = Int((clutter * random.float(4, 12)).rounded())
    for _ in 0..<wanted {
      let radius = random.float(0.16, 0.5) * scale
      let (a, b) = (random.float(0.5, 1), random.float(0.5, 1))
      let solids: [Solid] = [
        .ellipsoid(radii: Vec3(1, a, b) * radius), .box(half: Vec3(1, a, b) * radius * 0.8),
        .frustum(bottom: radius, top: radius * a, half: radius * b), .cone(radius: radius * a, half: radius * b),
        .capsule(radius: radius * 0.5 * a, half: radius * b),
      ]
      let solid = solids[random.integer(below: solids.count)]
      let rotation = random.tilted(upTo: random.bernoulli(0.5) ? 0 : 1.6)
      let material = Look.material(&random, cells: 2...5)
      guard let spot = groundSpot(camera, &random),
        taken.allSatisfy({ hypotf($0.x - spot.x, $0.y - spot.y) > $0.z + radius })
      else { continue }
      taken.append(SIMD3(spot.x, spot.y, radius))
      var body = Body(
        parts: [Part(solid)], materials: [material], pose: Pose(rotation: rotation),
        instance: first + UInt16(bodies.count))
      body.pose.translation = Vec3(spot.x, body.reach(Vec3(0, -1, 0)), spot.y)
      bodies.append(body)
    }
    return bodies
  }

  /// The ground, and often a wall behind; neither may swallow the object's colours.
  private func planes(
    behind body: Body, towards: Vec3, _ individual: Individual, groundHue: Float?, _ random: inout RandomStream
  ) -> [Body] {
    let strength = 0.15 + 0.85 * clutter * random.float(0.3, 1)
    let colors = individual.materials.map(Look.mean)
    func surface(_ random: inout RandomStream) -> Material {
      var material = Look.surface(&random, strength: strength)
      for _ in 0..<10 where colors.contains(where: { Look.contrast($0, Look.mean(material)) < 0.35 }) {
        material = Look.surface(&random, strength: strength)
      }
      return material
    }
    var ground = surface(&random)
    if let groundHue {
      ground.first = SRGB.linear(Look.color(hue: groundHue, saturation: 0.6, value: 0.7))
      ground.second = SRGB.linear(Look.color(hue: groundHue, saturation: 0.5, value: 0.55))
    }
    var planes = [Body(parts: [Part(.plane)], materials: [ground])]
    let wall = surface(&random)
    let hasWall = random.bernoulli(0.7)
    let distance = random.float(2.2, 7)
    let turn = random.float(-0.6, 0.6)
    if hasWall {
      let level = Vec3(towards.x, 0, towards.z).normalized
      let normal = Mat3.rotation(axis: Vec3(0, 1, 0), angle: turn) * level
      // Columns: along the wall, its normal, up.
      let along = normal.cross(Vec3(0, 1, 0))
      let rotation = Mat3(rows: along, normal, Vec3(0, 1, 0)).transposed
      planes.append(
        Body(
          parts: [Part(.plane)], materials: [wall],
          pose: Pose(rotation: rotation, translation: -normal * distance)))
    }
    return planes
  }

  private func lighting(azimuth: Float, ground: Vec3, _ random: inout RandomStream) -> Lighting {
    func direction(_ turn: Float, _ height: Float) -> Vec3 {
      let a = azimuth + turn
      return Vec3(cosf(height) * cosf(a), sinf(height), cosf(height) * sinf(a))
    }
    func tint(_ strength: Float, _ amount: Float, _ random: inout RandomStream) -> Vec3 {
      SRGB.linear(Look.color(hue: random.float(0, 1), saturation: random.float(0, amount), value: 1)) * strength
    }
    let side: Float = random.bernoulli(0.5) ? 1 : -1
    let key = DirectionalLight(
      direction: direction(side * random.float(0.2, 1.9), random.float(0.55, 1.25)),
      color: tint(random.float(0.75, 1.15), 0.25, &random), spread: 0.09)
    let fill = DirectionalLight(
      direction: direction(-side * random.float(0.2, 1.2), random.float(0.1, 0.6)),
      color: tint(random.float(0.12, 0.3), 0.3, &random))
    let sky = SRGB.linear(
      Look.color(hue: random.float(0, 1), saturation: random.float(0, 0.5), value: random.float(0.45, 0.95)))
    return Lighting(
      key: key, fill: fill, ambientUp: tint(random.float(0.28, 0.42), 0.2, &random),
      ambientDown: Vec3(repeating: 0.06) + ground * random.float(0.15, 0.4),
      horizon: sky, zenith: sky.mixed(with: tint(random.float(0.2, 0.8), 0.6, &random), 0.7))
  }
}
