import Glibc
import ReproTensor

/// An object before it is built: what it is and where it stands.
struct CaptionPlan: Equatable {
  var object: CaptionObject
  /// x and z on the ground, metres.
  var spot: SIMD2<Float>
  /// Turn about the vertical, radians.
  var yaw: Float
  /// The number of its proportions.
  var build: Int
}

/// Everything but the objects.
struct CaptionSet {
  var camera: Camera
  var ground: Body
  var wall: Body?
  var lighting: Lighting
  /// Level direction from the scene to the camera, radians.
  var azimuth: Float
}

/// Draws scenes that language can describe.
struct CaptionWorld: Sendable {
  var size: Int
  var objects: ClosedRange<Int>
  /// The first object is large and near the middle, the others are small.
  var hasMain: Bool
  /// Pairs of shape and colour that must not occur, or that the first object must be of.
  var novel: Set<Int>
  var cooccurrence: Double
  var clutter: Float
  var stream: RandomStream

  static let attempts = 16

  /// The number of a pair of shape and colour.
  static func pair(_ shape: CaptionShape, _ color: NamedColor) -> Int {
    shape.rawValue * NamedColor.allCases.count + color.rawValue
  }

  /// A scene in which everything is seen, and the plans that made it.
  ///
  /// - Parameter wantsNovel: whether the first object is one of the novel pairs; otherwise none is.
  func draw(
    _ sample: RandomStream, wantsNovel: Bool, _ easel: Easel
  ) -> (set: CaptionSet, plans: [CaptionPlan], scene: CaptionScene) {
    var best: (CaptionSet, [CaptionPlan], CaptionScene)?
    var score: Float = -1
    for attempt in 0..<Self.attempts {
      var random = sample.child("scene", attempt)
      let number = random.integer(in: objects)
      let set = set(number, &random)
      let plans = plans(number, set, wantsNovel: wantsNovel, &random)
      let scene = build(plans, set, easel)
      let worst = scene.objects.map { Self.quality($0, size: size) }.min() ?? 0
      if worst > score { (best, score) = ((set, plans, scene), worst) }
      if worst >= 1 { break }
    }
    guard let best else { requirementFailed("a scene is drawn at least once") }
    return best
  }

  /// 1 or more if an object is seen well enough to be named.
  static func quality(_ object: CaptionObject, size: Int) -> Float {
    let isInside =
      object.box.x > 0 && object.box.y > 0 && object.box.z < Float(size) && object.box.w < Float(size)
    return min(object.visible / 0.65, Float(object.pixels) / (0.009 * Float(size * size))) * (isInside ? 1 : 0.5)
  }

  private func set(_ number: Int, _ random: inout RandomStream) -> CaptionSet {
    let azimuth = random.float(0, 2 * .pi)
    let elevation = random.float(0.45, 0.65)
    let distance = (2.5 + 1.15 * Float(number).squareRoot()) * random.float(0.96, 1.06)
    let towards = Vec3(cosf(elevation) * cosf(azimuth), sinf(elevation), cosf(elevation) * sinf(azimuth))
    let target = Vec3(random.float(-0.2, 0.2), 0.4, random.float(-0.2, 0.2))
    let camera = Camera(
      width: size, height: size, verticalFieldOfView: 0.8,
      worldToCamera: Camera.lookAt(eye: target + towards * distance, target: target, roll: random.float(-0.04, 0.04)))
    let floor = WorldStage.surface(&random, strength: clutter * random.float(0.3, 1))
    let back = WorldStage.surface(&random, strength: clutter * random.float(0.3, 1))
    let level = Vec3(cosf(azimuth), 0, sinf(azimuth))
    let normal = Mat3.rotation(axis: Vec3(0, 1, 0), angle: random.float(-0.5, 0.5)) * level
    let wall = WorldStage.wall(back, through: -normal * (1.6 + 0.9 * Float(number).squareRoot()), normal: normal)
    return CaptionSet(
      camera: camera, ground: WorldStage.ground(floor), wall: random.bernoulli(0.7) ? wall : nil,
      lighting: WorldStage.lighting(&random, azimuth: azimuth, ground: Look.mean(floor)), azimuth: azimuth)
  }

  private func plans(
    _ number: Int, _ set: CaptionSet, wantsNovel: Bool, _ random: inout RandomStream
  ) -> [CaptionPlan] {
    var plans: [CaptionPlan] = []
    let reach = 0.35 + 0.55 * Float(number).squareRoot()
    for i in 0..<number {
      var object = object(i, after: plans, isNovel: i == 0 && wantsNovel, &random)
      for _ in 0..<50 where plans.contains(where: { $0.object == object }) {
        object = self.object(i, after: plans, isNovel: false, &random)
      }
      var spot = SIMD2<Float>(0, 0)
      var most = -Float.infinity
      for _ in 0..<24 {
        let limit = i == 0 && hasMain ? 0.25 * reach : reach
        let place = SIMD2(random.float(-limit, limit), random.float(-limit, limit))
        var room = Float.infinity
        for other in plans {
          let apart = hypotf(place.x - other.spot.x, place.y - other.spot.y)
          room = min(room, apart - 1.25 * (object.size.scale + other.object.size.scale))
        }
        if room > most { (most, spot) = (room, place) }
        if room > 0 { break }
      }
      plans.append(
        CaptionPlan(
          object: object, spot: spot, yaw: yaw(object, set.azimuth, &random), build: random.integer(below: 1 << 30)))
    }
    return plans
  }

  /// The shape that tends to come with another.
  static func partner(_ shape: CaptionShape) -> CaptionShape? {
    switch shape {
    case .ring: .cone
    case .table: .lamp
    case .ball: .cube
    case .pill: .cylinder
    case .cone, .lamp, .cube, .cylinder: nil
    }
  }

  /// A turn from which the shape can be told: what lies shows its length, a standing ring its hole.
  private func yaw(_ object: CaptionObject, _ azimuth: Float, _ random: inout RandomStream) -> Float {
    guard object.posture != nil else { return random.float(0, 2 * .pi) }
    let across: Float = object.shape == .ring ? 0 : .pi / 2
    return -azimuth + across + random.float(-0.6, 0.6) + (random.bernoulli(0.5) ? .pi : 0)
  }

  private func color(_ shape: CaptionShape, _ random: inout RandomStream) -> NamedColor {
    let free = NamedColor.allCases.filter { !novel.contains(Self.pair(shape, $0)) }
    return free.isEmpty ? .red : random.pick(free)
  }

  private func object(
    _ i: Int, after plans: [CaptionPlan], isNovel: Bool, _ random: inout RandomStream
  ) -> CaptionObject {
    var shape = random.pick(CaptionShape.allCases)
    if i > 0, random.bernoulli(cooccurrence), let partner = Self.partner(plans[0].object.shape) { shape = partner }
    var color = color(shape, &random)
    if isNovel, !novel.isEmpty {
      let pair = random.pick(novel.sorted())
      shape = CaptionShape.allCases[pair / NamedColor.allCases.count]
      color = NamedColor.allCases[pair % NamedColor.allCases.count]
    }
    let size = random.pick(CaptionSize.allCases)
    return CaptionObject(
      shape: shape, color: color, size: hasMain ? (i == 0 ? .large : .small) : size,
      texture: random.pick(CaptionTexture.allCases),
      posture: shape.hasPosture ? random.pick(CaptionPosture.allCases) : nil)
  }

  /// The scene of some plans, with what the camera sees of each object.
  func build(_ plans: [CaptionPlan], _ set: CaptionSet, _ easel: Easel) -> CaptionScene {
    var bodies = plans.enumerated().map { body($1, UInt16($0 + 1), set.azimuth) }
    let middles = bodies.map { ($0.pose.translation) }
    bodies.append(set.ground)
    if let wall = set.wall { bodies.append(wall) }
    let scene = Scene(bodies: bodies, lighting: set.lighting)
    let renderer = easel.renderer(size, size)
    let view = renderer.render(scene, from: set.camera, [.instances])
    var objects = plans.map(\.object)
    for i in objects.indices {
      let (pixel, depth) = set.camera.project(middles[i])
      (objects[i].center, objects[i].pixel, objects[i].depth) = (middles[i], pixel, depth)
      var (low, high, count) = (SIMD2<Int>(size, size), SIMD2<Int>(0, 0), 0)
      for y in 0..<size {
        for x in 0..<size where view.instances[y * size + x] == UInt16(i + 1) {
          (low.x, low.y) = (min(low.x, x), min(low.y, y))
          (high.x, high.y) = (max(high.x, x + 1), max(high.y, y + 1))
          count += 1
        }
      }
      objects[i].pixels = count
      if count > 0 { objects[i].box = SIMD4(Float(low.x), Float(low.y), Float(high.x), Float(high.y)) }
      let alone = renderer.visiblePixels(
        of: 0, in: CompiledScene(Scene(bodies: [bodies[i]], lighting: set.lighting)), set.camera
      ).alone
      objects[i].visible = alone > 0 ? Float(count) / Float(alone) : 0
    }
    return CaptionScene(objects: objects, size: size, scene: scene, camera: set.camera)
  }

  private func body(_ plan: CaptionPlan, _ instance: UInt16, _ azimuth: Float) -> Body {
    let object = plan.object
    var shape = stream.child("proportions", plan.build)
    var rotation = Mat3.rotation(axis: Vec3(0, 1, 0), angle: plan.yaw)
    // The parts' axis is upright; a ring's axis too, so that it lies as it comes.
    let isTipped = object.shape == .ring ? object.posture == .standing : object.posture == .lying
    if isTipped { rotation = rotation * Mat3.rotation(axis: Vec3(0, 0, 1), angle: .pi / 2) }
    let material = Self.material(object, rotation, azimuth)
    var body = Body(
      parts: object.shape.kind.parts(&shape), materials: [material, material], pose: Pose(rotation: rotation),
      scale: object.size.scale, instance: instance, semantic: UInt8(object.shape.rawValue + 1))
    body.pose.translation = Vec3(plan.spot.x, body.reach(Vec3(0, -1, 0)), plan.spot.y)
    return body
  }

  /// Stripes slant upwards, so that every side shows them; checks and dots are fixed to the body.
  static func material(_ object: CaptionObject, _ rotation: Mat3, _ azimuth: Float) -> Material {
    let frequency: Float = object.size == .large ? 1.25 : 1.05
    let pattern: Material.Pattern
    var frame = frequency * Mat3.identity
    switch object.texture {
    case .plain: pattern = .plain
    case .striped:
      pattern = .stripes
      let across = rotation.transposed * Vec3(-sinf(azimuth), 0, cosf(azimuth))
      frame = Mat3(rows: (rotation.row1 * 0.8 + across * 0.6) * (1.9 * frequency), .zero, .zero)
    case .checked: pattern = .checks
    case .dotted:
      pattern = .dots
      frame = 1.3 * frame
    }
    return Material(
      pattern: pattern, first: object.color.linear, second: object.color.companion, frame: frame,
      offset: Vec3(0.13, 0.27, 0.41), specular: 0.2, gloss: 5)
  }
}
