import Glibc
import ReproTensor

/// One clip before it is rendered; frames in the order in which they are shown.
struct VideoClip {
  struct Thing {
    var kind: ObjectClass
    var action: VideoAction
    var pattern: Material.Pattern
  }

  var scenes: [Scene]
  var cameras: [Camera]
  var things: [Thing]
  var speed, order: Int
}

/// Draws the clips of `scenes-video`.
struct VideoWorld: Sendable {
  enum Path: String, Sendable, CaseIterable { case drift, `static`, orbit }

  static let patterns = Material.Pattern.allCases.filter { $0 != .plain }
  static let orders = ["forward", "backward", "shuffled"]
  private static let distance: Float = 5
  private static let fieldOfView: Float = 0.75

  var height, width, frames: Int
  var objects: ClosedRange<Int>
  var actions: [VideoAction]
  var path: Path
  var speeds: Int
  var isTumbling, hasOrders: Bool
  var stream: RandomStream

  var signature: String {
    "size=\(height)x\(width) frames=\(frames) objects=\(objects.lowerBound)-\(objects.upperBound) "
      + "actions=\(actions.count) camera=\(path.rawValue) speeds=\(speeds) tumble=\(isTumbling) orders=\(hasOrders)"
  }

  func clip(_ draw: SampleDraw) -> VideoClip {
    var random = draw.stream("things")
    let count = random.integer(in: objects)
    let speed = random.integer(below: speeds)
    let amplitude = speeds == 1 ? 1 : 0.65 + 0.7 * Float(speed) / Float(speeds - 1)
    let reach = Self.distance * tanf(Self.fieldOfView / 2)  // half the picture at the things, metres
    let power = random.float(1.25, 2)
    let isAccelerating = random.bernoulli(0.5)
    func eased(_ i: Int) -> Float {
      let t = Float(i) / Float(max(frames - 1, 1))
      return isAccelerating ? powf(t, power) : 1 - powf(1 - t, power)
    }
    var things: [VideoClip.Thing] = []
    var rest: [(body: Body, place: SIMD2<Float>, size: Float, phase: Float, axis: Vec3)] = []
    let cells = Self.cells(count)
    for i in 0..<count {
      let action = i == 0 ? actions[draw.index % actions.count] : random.pick(actions)
      let kind = random.pick(ObjectClass.allCases)
      let individual = Individual(kind, number: random.integer(below: 1_000_000), of: stream)
      var body = Body(
        parts: individual.parts, materials: individual.materials, instance: UInt16(i + 1),
        semantic: UInt8(kind.rawValue + 1))
      for j in body.materials.indices where body.materials[j].pattern == .plain {
        body.materials[j].pattern = random.pick(Self.patterns)
      }
      body.pose.rotation = individual.rotation(&random, towards: Vec3(0, 0, 1))
      let cell = cells[i]
      body.scale = (count == 1 ? random.float(0.4, 0.55) : 0.62 * cell.z) * reach / 1.6
      let jitter = SIMD2(random.float(-0.1, 0.1), random.float(-0.1, 0.1)) * cell.z
      rest.append((body, SIMD2(cell.x, cell.y) + jitter, cell.z, random.float(0, 1), random.direction()))
      things.append(VideoClip.Thing(kind: kind, action: action, pattern: body.materials[0].pattern))
    }
    var stage = draw.stream("stage")
    let backdrop = backdrop(&stage)
    let lighting = WorldStage.lighting(&stage, azimuth: .pi / 2, ground: Vec3(repeating: 0.3), tint: 0.2)
    let cameras = cameras(draw)
    var scenes = (0..<frames).map { i -> Scene in
      let time = eased(i)
      let bodies = rest.indices.map { k -> Body in
        var body = rest[k].body
        let state = things[k].action.state(time, amplitude: amplitude, phase: rest[k].phase)
        // The way of a thing is as long as its part of the picture.
        let place = (rest[k].place + state.shift * rest[k].size * 1.15) * reach
        body.pose.translation = Vec3(place.x, place.y, 0)
        var turn = Mat3.rotation(axis: Vec3(0, 0, 1), angle: state.turn)
        if isTumbling { turn = .rotation(axis: rest[k].axis, angle: 1.5 * time * amplitude) * turn }
        body.pose.rotation = turn * body.pose.rotation
        body.scale *= state.scale
        return body
      }
      return Scene(bodies: bodies + [backdrop], lighting: lighting)
    }
    var order = 0
    var shown = cameras
    if hasOrders {
      var random = draw.stream("order")
      order = [0, 0, 1, 2][random.integer(below: 4)]
      let sequence = order == 0 ? Array(0..<frames) : order == 1 ? (0..<frames).reversed() : random.permutation(frames)
      scenes = sequence.map { scenes[$0] }
      shown = sequence.map { cameras[$0] }
    }
    return VideoClip(scenes: scenes, cameras: shown, things: things, speed: speed, order: order)
  }

  /// Middles (of a picture from -1 to 1) and half widths of the parts of the picture that things have for themselves.
  private static func cells(_ count: Int) -> [SIMD3<Float>] {
    switch count {
    case 1: [SIMD3(0, 0, 1)]
    case 2: [SIMD3(-0.5, 0, 0.55), SIMD3(0.5, 0, 0.55)]
    default:
      (0..<count).map { i in
        let a = 2 * Float.pi * (Float(i) + 0.25) / Float(count)
        return SIMD3(0.58 * cosf(a), 0.58 * sinf(a), count > 4 ? 0.4 : 0.46)
      }
    }
  }

  private func backdrop(_ random: inout RandomStream) -> Body {
    let rotation = Mat3(rows: Vec3(1, 0, 0), Vec3(0, 0, 1), Vec3(0, -1, 0)).transposed
    return Body(
      parts: [Part(.plane)], materials: [Look.surface(&random, strength: random.float(0.5, 1))],
      pose: Pose(rotation: rotation, translation: Vec3(0, 0, -2.5)))
  }

  private func cameras(_ draw: SampleDraw) -> [Camera] {
    var random = draw.stream("camera")
    let (phase, turn) = (SIMD3(random.float(0, 6), random.float(0, 6), random.float(0, 6)), random.float(-1, 1))
    let amount = random.float(0.3, 1)
    return (0..<frames).map { i in
      let t = Float(i) / Float(max(frames - 1, 1))
      var eye = Vec3(0, 0, Self.distance)
      var target = Vec3.zero
      switch path {
      case .static: break
      case .drift:
        eye += amount * Vec3(0.25 * sinf(2.2 * t + phase.x), 0.2 * sinf(1.8 * t + phase.y), 0.2 * sinf(2 * t + phase.z))
        target += amount * Vec3(0.15 * sinf(1.7 * t + phase.z), 0.12 * sinf(2.3 * t + phase.x), 0)
      case .orbit:
        let a = (turn >= 0 ? 1 : -1) * (t - 0.5) * 0.7
        eye = Vec3(Self.distance * sinf(a), 0.3, Self.distance * cosf(a))
      }
      return Camera(
        width: width, height: height, verticalFieldOfView: Self.fieldOfView,
        worldToCamera: Camera.lookAt(eye: eye, target: target))
    }
  }

  // MARK: Rendering

  func observe(_ clip: VideoClip, _ easel: Easel, isWatched: Bool) -> [Observation] {
    let renderer = easel.renderer(width, height)
    return clip.scenes.indices.map { i in
      let next =
        isWatched && i + 1 < frames ? NextMoment(scene: clip.scenes[i + 1], camera: clip.cameras[i + 1]) : nil
      return renderer.observe(
        clip.scenes[i], from: clip.cameras[i], next: next, isBodiless: !isWatched, [.rgb, .depth, .instances])
    }
  }

  func value(_ field: String, of clip: VideoClip, _ seen: [Observation]) -> SampleValue {
    let most = objects.upperBound
    /// One row for every thing of every frame.
    func rows(_ width: Int, empty: Float, _ row: (Observation, Int, Int) -> [Float]) -> SampleValue {
      .reals(
        seen.enumerated().flatMap { time, frame -> [Float] in
          var values = [Float](repeating: empty, count: most * width)
          for i in clip.things.indices {
            values.replaceSubrange(i * width..<(i + 1) * width, with: row(frame, time, i))
          }
          return values
        })
    }
    func list(_ value: (VideoClip.Thing) -> Int) -> SampleValue {
      .reals((0..<most).map { $0 < clip.things.count ? Float(value(clip.things[$0])) : -1 })
    }
    switch field {
    case "frames": return .bytes(seen.flatMap(\.view.rgb))
    case "label": return .integer(actions.firstIndex(of: clip.things[0].action) ?? 0)
    case "shape": return .integer(clip.things[0].kind.rawValue)
    case "pattern": return .integer(Self.patterns.firstIndex(of: clip.things[0].pattern) ?? 0)
    case "speed": return .integer(clip.speed)
    case "order": return .integer(clip.order)
    case "kinds": return list { $0.kind.rawValue }
    case "actions": return list { actions.firstIndex(of: $0.action) ?? -1 }
    case "tracks":
      return rows(2, empty: -1) { _, time, i in
        let pixel = clip.cameras[time].project(clip.scenes[time].bodies[i].pose.translation).pixel
        return [pixel.x, pixel.y]
      }
    case "boxes":
      return rows(4, empty: 0) { frame, _, i in
        let box = frame.bodies[i].box
        return [box.x, box.y, box.z, box.w]
      }
    case "visibility": return rows(1, empty: -1) { frame, _, i in [frame.bodies[i].visibility] }
    case "instances": return .bytes(seen.flatMap(\.view.instanceBytes))
    case "moving": return .bytes(seen.flatMap { $0.view.instances.map { $0 > 0 ? 1 : 0 } })
    case "depth": return .reals(seen.flatMap(\.view.depth))
    case "flow": return .reals(seen.dropLast().flatMap(\.flow))
    default: return .reals(clip.cameras.flatMap(\.worldToCamera.rows))
    }
  }
}
