import Glibc
import ReproTensor

/// An object of a scene of several.
struct MultiObject: Sendable {
  var kind: ObjectClass
  var number: Int
  var color: NamedColor?
  var scale: Float
  /// 1 for a large one, 0 for a small one.
  var size: Int
  var place: SIMD2<Float>
  var rotation: Mat3
  /// Under `mixed` semantics the pattern of all its materials, and whether the pattern names its class.
  var pattern: Material.Pattern?
  var isNamedByPattern = false

  /// The class that labels give it, when the first so many classes are kinds.
  func semantic(kinds: Int) -> Int {
    guard isNamedByPattern, let pattern, let place = MultiWorld.patterns.firstIndex(of: pattern) else {
      return kind.rawValue
    }
    return kinds + place
  }
}

/// One sample of `scenes-multi`.
struct MultiSample {
  var objects: [MultiObject]
  var scene: Scene
  var observation: Observation
  var style: MultiWorld.Style
  /// What `edit` and `edited` need: which object is edited, and the surroundings.
  var draw: SampleDraw
}

/// Draws the scenes of `scenes-multi`.
struct MultiWorld: Sendable {
  enum Style: String, Sendable, CaseIterable { case photo, flat, foreign, cel, sketch, mixed }
  enum Edit: String, Sendable, CaseIterable { case none, color, size, kind, place, removal }

  var height, width: Int
  var objects: ClosedRange<Int>
  var kinds, instances: Int
  var hasTwoSizes, isNamed: Bool
  var style: Style
  var clutter: Float
  var hasGround: Bool
  /// Whether half of the things are named by their pattern instead of their shape.
  var isMixed = false
  /// Factor of the disc on which things stand, and of the camera's distance.
  var spread: Float = 1
  var stream: RandomStream

  /// How far from the middle things stand, metres.
  static let reach: Float = 2.6
  /// The patterns that are classes under `mixed` semantics; the others say nothing.
  static let patterns: [Material.Pattern] = [.marble, .stripes, .checks, .bricks, .dots]

  /// The names of the classes.
  var classes: [String] {
    ObjectClass.allCases.prefix(kinds).map(\.name) + (isMixed ? Self.patterns.map { "\($0)" } : [])
  }

  var signature: String {
    "size=\(height)x\(width) objects=\(objects.lowerBound)-\(objects.upperBound) classes=\(kinds) "
      + "instances=\(instances) scales=\(hasTwoSizes ? "two" : "any") colors=\(isNamed ? "named" : "any") "
      + "style=\(style.rawValue) clutter=\(clutter) ground_classes=\(hasGround)"
      + (isMixed ? " semantics=mixed" : "") + (spread == 1 ? "" : " spread=\(spread)")
  }

  func sample(_ draw: SampleDraw, _ easel: Easel) -> MultiSample {
    var choice = draw.stream("style")
    let style = style == .mixed ? choice.pick(Style.allCases.filter { $0 != .mixed }) : style
    let renderer = easel.renderer(width, height)
    var attempt = 0
    while true {
      let objects = drawObjects(draw, attempt)
      let scene = scene(objects, draw, style)
      let camera = camera(draw)
      let wanted: RenderOutputs = [.depth, .instances, .classes, .normals, .rgb]
      let isLast = attempt == 7
      // Colours are dear: first only what is seen of whom.
      let look = renderer.observe(scene, from: camera, [.instances])
      let isClear = look.bodies.allSatisfy { $0.visibility > 0.25 && $0.pixels * 250 > width * height }
      guard isClear || isLast else {
        attempt += 1
        continue
      }
      let order = look.bodies.indices.sorted { a, b in
        (look.bodies[a].pixels, b) > (look.bodies[b].pixels, a)
      }
      let sorted = order.map { objects[$0] }
      let final = self.scene(sorted, draw, style)
      var observation = renderer.observe(final, from: camera, wanted)
      finish(&observation.view, style, draw)
      return MultiSample(objects: sorted, scene: final, observation: observation, style: style, draw: draw)
    }
  }

  private func finish(_ view: inout View, _ style: Style, _ draw: SampleDraw) {
    var random = draw.stream("finish")
    var finish = Finish()
    switch style {
    case .photo, .flat, .mixed: return
    case .foreign: finish = .foreign(&random)
    case .cel: finish.style = .cel
    case .sketch: finish.style = .sketch
    }
    finish.apply(to: &view, &random)
  }

  private func drawObjects(_ draw: SampleDraw, _ attempt: Int) -> [MultiObject] {
    var random = draw.stream("objects", attempt)
    let count = random.integer(in: objects)
    var drawn: [MultiObject] = []
    for _ in 0..<count {
      let kind = ObjectClass.allCases[random.integer(below: kinds)]
      let size = random.integer(below: 2)
      let scale = hasTwoSizes ? (size == 1 ? 0.9 : 0.5) : random.float(0.45, 1)
      let number = random.integer(below: instances)
      let color = isNamed ? random.pick(NamedColor.allCases) : nil
      let rotation = turned(kind, &random)
      let isNamedByPattern = isMixed && random.bernoulli(0.5)
      let pattern = isMixed ? random.pick(isNamedByPattern ? Self.patterns : [.plain, .noise]) : nil
      var place = SIMD2<Float>.zero
      for _ in 0..<40 {
        place = spot(&random)
        let isFree = drawn.allSatisfy { other in
          hypotf(other.place.x - place.x, other.place.y - place.y) > 0.8 * 1.25 * (other.scale + scale)
        }
        if isFree { break }
      }
      drawn.append(
        MultiObject(
          kind: kind, number: number, color: color, scale: scale, size: hasTwoSizes ? size : scale > 0.72 ? 1 : 0,
          place: place, rotation: rotation, pattern: pattern, isNamedByPattern: isNamedByPattern))
    }
    return drawn
  }

  private func spot(_ random: inout RandomStream) -> SIMD2<Float> {
    let (r, a) = (spread * Self.reach * random.float(0, 1).squareRoot(), random.float(0, 2 * .pi))
    return SIMD2(r * cosf(a), r * sinf(a))
  }

  /// Standing or lying, so that the kind can be told from above.
  private func turned(_ kind: ObjectClass, _ random: inout RandomStream) -> Mat3 {
    var rotation = random.tilted(upTo: 0.25)
    for _ in 0..<20 {
      rotation = random.tilted(upTo: random.bernoulli(0.25) ? 1.7 : 0.25)
      let axis = Vec3(rotation.row0.y, rotation.row1.y, rotation.row2.y)
      if kind.isRecognisable(cosine: axis.dot(Vec3(0, 0.6, 0.8))) { break }
    }
    return rotation
  }

  private func body(_ object: MultiObject, _ style: Style, instance: Int) -> Body {
    let individual = Individual(object.kind, number: object.number, of: stream)
    var body = individual.body(
      rotation: object.rotation, scale: object.scale, over: object.place, instance: UInt16(instance))
    if let color = object.color {
      for i in body.materials.indices {
        (body.materials[i].first, body.materials[i].second) = (color.linear, color.linear * 0.75)
      }
    }
    if let pattern = object.pattern {
      for i in body.materials.indices { body.materials[i].pattern = pattern }
      body.semantic = UInt8(object.semantic(kinds: kinds) + 1)
    }
    if style == .flat {
      for i in body.materials.indices { (body.materials[i].pattern, body.materials[i].grain) = (.plain, 0) }
    }
    return body
  }

  private func scene(_ objects: [MultiObject], _ draw: SampleDraw, _ style: Style) -> Scene {
    var bodies = objects.enumerated().map { body($1, style, instance: $0 + 1) }
    var random = draw.stream("stage")
    let strength = style == .flat ? 0 : style == .foreign ? 1 : 0.15 + 0.85 * clutter * random.float(0.3, 1)
    let (floor, wall): (Material, Material)
    if isNamed {
      floor = WorldStage.surface(&random, strength: strength)
      wall = WorldStage.surface(&random, strength: strength)
    } else {
      floor = Look.surface(&random, strength: strength)
      wall = Look.surface(&random, strength: strength)
    }
    let azimuth = azimuth(draw)
    let mean = Look.mean(floor)
    let lighting = WorldStage.lighting(&random, azimuth: azimuth, ground: mean, tint: style == .foreign ? 0.35 : 0.1)
    var ground = WorldStage.ground(floor)
    if hasGround { ground.semantic = UInt8(classes.count + 1) }
    bodies.append(ground)
    if random.bernoulli(0.8) {
      let turn = azimuth + random.float(-0.5, 0.5)
      let normal = Vec3(cosf(turn), 0, sinf(turn))
      var back = WorldStage.wall(wall, through: -normal * random.float(4, 7), normal: normal)
      if hasGround { back.semantic = UInt8(classes.count + 2) }
      bodies.append(back)
    }
    return Scene(bodies: bodies, lighting: lighting)
  }

  private func azimuth(_ draw: SampleDraw) -> Float {
    var random = draw.stream("camera")
    return random.float(0, 2 * .pi)
  }

  private func camera(_ draw: SampleDraw) -> Camera {
    var random = draw.stream("camera")
    let azimuth = random.float(0, 2 * .pi)
    let elevation = random.float(0.35, 0.9)
    let fieldOfView: Float = 0.78
    let fitting = min(1, Float(width) / Float(height))
    let distance = spread * random.float(3.1, 3.5) / (tanf(fieldOfView / 2) * fitting)
    let target = Vec3(random.float(-0.3, 0.3), 0.45, random.float(-0.3, 0.3))
    return Camera(
      width: width, height: height, verticalFieldOfView: fieldOfView,
      worldToCamera: CameraPath.on(
        target, radius: distance, azimuth: azimuth, elevation: elevation, roll: random.float(-0.05, 0.05)))
  }

  // MARK: Columns

  func value(_ field: String, of sample: MultiSample, _ easel: Easel) -> SampleValue {
    let (view, bodies, most) = (sample.observation.view, sample.observation.bodies, objects.upperBound)
    /// One row for every object, then rows of `empty`.
    func rows(_ width: Int, empty: Float, _ row: (Int) -> [Float]) -> SampleValue {
      var values = [Float](repeating: empty, count: most * width)
      for i in sample.objects.indices { values.replaceSubrange(i * width..<(i + 1) * width, with: row(i)) }
      return .reals(values)
    }
    switch field {
    case "image": return .bytes(view.rgb)
    case "label": return .integer(sample.objects[0].semantic(kinds: kinds))
    case "mask": return .bytes(view.classes)
    case "instances": return .bytes(view.instanceBytes)
    case "boxes": return rows(4, empty: 0) { [bodies[$0].box.x, bodies[$0].box.y, bodies[$0].box.z, bodies[$0].box.w] }
    case "full_boxes":
      return rows(4, empty: 0) {
        [bodies[$0].fullBox.x, bodies[$0].fullBox.y, bodies[$0].fullBox.z, bodies[$0].fullBox.w]
      }
    case "classes": return rows(1, empty: -1) { [Float(sample.objects[$0].semantic(kinds: kinds))] }
    case "present":
      var present = [Float](repeating: 0, count: classes.count)
      for (object, body) in zip(sample.objects, bodies) where body.pixels > 0 {
        present[object.semantic(kinds: kinds)] = 1
      }
      return .reals(present)
    case "count": return .integer(sample.objects.count)
    case "relations": return .reals(relations(bodies))
    case "depth": return .reals(view.depth)
    case "normals": return .reals(view.normals)
    case "visibility": return rows(1, empty: -1) { [bodies[$0].visibility] }
    case "positions":
      return rows(3, empty: -1) {
        let t = bodies[$0].poseInCamera.translation
        return [t.x, t.y, t.z]
      }
    case "colors": return rows(1, empty: -1) { [Float(sample.objects[$0].color?.rawValue ?? -1)] }
    case "sizes": return rows(1, empty: -1) { [Float(sample.objects[$0].size)] }
    case "intrinsics": return .reals(view.camera.intrinsics.entries)
    case "camera": return .reals(view.camera.worldToCamera.rows)
    case "style": return .integer(Style.allCases.firstIndex(of: sample.style) ?? 0)
    case "edit": return .integer(Edit.allCases.firstIndex(of: edit(sample).0) ?? 0)
    default:
      var view = easel.renderer(width, height).render(
        scene(edit(sample).1, sample.draw, sample.style), from: view.camera)
      finish(&view, sample.style, sample.draw)
      return .bytes(view.rgb)
    }
  }

  private func relations(_ bodies: [ObservedBody]) -> [Float] {
    let most = objects.upperBound
    var relations = [Float](repeating: 0, count: most * most * 2)
    for i in bodies.indices {
      for j in bodies.indices where i != j {
        let d = bodies[i].poseInCamera.translation - bodies[j].poseInCamera.translation
        relations[(i * most + j) * 2] = abs(d.x) < 0.3 ? 0 : d.x > 0 ? 1 : -1
        relations[(i * most + j) * 2 + 1] = abs(d.z) < 0.3 ? 0 : d.z > 0 ? 1 : -1
      }
    }
    return relations
  }

  /// One change of one object, half of the time none.
  private func edit(_ sample: MultiSample) -> (Edit, [MultiObject]) {
    var random = sample.draw.stream("edit")
    var objects = sample.objects
    guard random.bernoulli(0.5) else { return (.none, objects) }
    let i = random.integer(below: objects.count)
    let edit = random.pick(Edit.allCases.filter { $0 != .none })
    switch edit {
    case .none: break
    case .color:
      if let old = objects[i].color {
        objects[i].color = random.pick(NamedColor.allCases.filter { $0 != old })
      } else {
        objects[i].color = random.pick(NamedColor.allCases)
      }
    case .size:
      objects[i].scale *= objects[i].scale > 0.7 ? 0.6 : 1.6
      objects[i].size = 1 - objects[i].size
    case .kind:
      let others = ObjectClass.allCases.prefix(max(kinds, 2)).filter { $0 != objects[i].kind }
      objects[i].kind = random.pick(Array(others))
    case .place:
      for _ in 0..<40 {
        let place = spot(&random)
        let isFree = objects.indices.allSatisfy { j in
          let d = place - objects[j].place
          return hypotf(d.x, d.y) > (j == i ? 1.2 : 1.1 * (objects[i].scale + objects[j].scale))
        }
        guard isFree else { continue }
        objects[i].place = place
        break
      }
    case .removal: objects.remove(at: i)
    }
    return (edit, objects)
  }
}
