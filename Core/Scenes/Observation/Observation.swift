import ReproTensor

/// What is known of one body in one picture.
public struct ObservedBody: Sendable, Equatable {
  /// Its place among the bodies of the scene.
  public var index: Int
  public var instance: UInt16
  public var semantic: UInt8
  /// From the body's frame to the camera's: p -> pose(scale * p).
  public var poseInCamera: Pose
  public var scale: Float
  /// The box around the body in its own frame (metres at scale 1), its sides along the frame's axes.
  public var boxLow, boxHigh: Vec3
  /// Left, top, right, bottom of its visible pixels, in pixels from the picture's upper left corner: a lone pixel in
  /// row 0 and column 0 has (0, 0, 1, 1). Zero where nothing of it is seen.
  public var box: SIMD4<Float>
  /// The same for all pixels that it would cover if nothing stood before it, as far as the picture reaches.
  public var fullBox: SIMD4<Float>
  /// How many pixel centres see it, and how many would if nothing stood before it.
  public var pixels, fullPixels: Int

  /// The part of it inside the picture that nothing hides, 0...1.
  public var visibility: Float { fullPixels == 0 ? 0 : Float(pixels) / Float(fullPixels) }

  /// The eight corners of its box in the camera's frame.
  public var corners: [Vec3] {
    (0..<8).map { i in
      poseInCamera(
        scale
          * Vec3(
            i & 1 == 0 ? boxLow.x : boxHigh.x, i & 2 == 0 ? boxLow.y : boxHigh.y, i & 4 == 0 ? boxLow.z : boxHigh.z))
    }
  }
}

/// A picture with everything that the renderer knows of it.
public struct Observation: Sendable, Equatable {
  public var view: View
  /// The bodies with an instance id, in the order of the scene.
  public var bodies: [ObservedBody]
  /// Pixels from here to where the same point is in the next picture: u, v, `[H, W, 2]`; empty without a next picture.
  /// The sky moves as points at infinity do.
  public var flow: [Float]
  /// 1 where the point of a pixel cannot be seen in the next picture (hidden, outside or behind), `[H, W]`.
  public var occluded: [UInt8]
  /// 1 where the body of a pixel moves itself until the next picture, `[H, W]`.
  public var moving: [UInt8]

  public subscript(instance: UInt16) -> ObservedBody? { bodies.first { $0.instance == instance } }
}

/// The picture after the present one: who has moved where, and the camera.
public struct NextMoment: Sendable {
  /// The same bodies in the same order, at other poses and scales.
  public var scene: Scene
  public var camera: Camera

  public init(scene: Scene, camera: Camera) { (self.scene, self.camera) = (scene, camera) }
}

extension Body {
  /// The box around the body in its own frame, metres at scale 1; infinite if a part has no end.
  public var bounds: (low: Vec3, high: Vec3) {
    let still = Body(parts: parts, materials: materials)
    return (
      -Vec3(still.reach(Vec3(-1, 0, 0)), still.reach(Vec3(0, -1, 0)), still.reach(Vec3(0, 0, -1))),
      Vec3(still.reach(Vec3(1, 0, 0)), still.reach(Vec3(0, 1, 0)), still.reach(Vec3(0, 0, 1)))
    )
  }
}

extension Renderer {
  /// One picture of the scene, the maps that were asked for, all bodies, and the way to the next picture.
  ///
  /// - Parameters:
  ///   - next: where bodies and camera are a moment later; nil leaves flow, occlusion and motion empty.
  ///   - isBodiless: whether poses, boxes and visibility of the bodies are left out.
  public func observe(
    _ scene: Scene, from camera: Camera, next: NextMoment? = nil, isBodiless: Bool = false,
    _ outputs: RenderOutputs = .all
  ) -> Observation {
    let compiled = CompiledScene(scene)
    let view = render(compiled, from: camera, outputs)
    var observation = Observation(
      view: view, bodies: isBodiless ? [] : bodies(scene, compiled, camera), flow: [], occluded: [], moving: [])
    if let next { track(scene, compiled, camera, next, &observation) }
    return observation
  }

  /// The bodies as they are seen; `look` must have been called for the same scene and camera.
  private func bodies(_ scene: Scene, _ compiled: CompiledScene, _ camera: Camera) -> [ObservedBody] {
    var observed: [ObservedBody] = []
    var slots = [Int](repeating: -1, count: scene.bodies.count)
    for (index, body) in scene.bodies.enumerated() where body.instance > 0 {
      let bounds = body.bounds
      slots[index] = observed.count
      observed.append(
        ObservedBody(
          index: index, instance: body.instance, semantic: body.semantic,
          poseInCamera: camera.worldToCamera * body.pose, scale: body.scale, boxLow: bounds.low,
          boxHigh: bounds.high, box: .zero, fullBox: .zero, pixels: 0, fullPixels: 0))
    }
    var seen = [Extent](repeating: Extent(), count: observed.count)
    let owners = compiled.parts.map { slots[$0.body] }
    forEachPixel { pixel, at, lane in
      let part = Int(centers.part[at][lane])
      if part >= 0, owners[part] >= 0 { seen[owners[part]].add(pixel % width, pixel / width) }
    }
    for i in observed.indices {
      (observed[i].box, observed[i].pixels) = (seen[i].box, seen[i].count)
      let full = extentAlone(observed[i].index, compiled, camera)
      (observed[i].fullBox, observed[i].fullPixels) = (full.box, full.count)
    }
    return observed
  }

  /// Where a body would be seen if nothing else stood there.
  private func extentAlone(_ body: Int, _ scene: CompiledScene, _ camera: Camera) -> Extent {
    let grid = scratch.grid
    var rect: PacketRect?
    for part in scene.parts where part.body == body {
      let own = CompiledScene.rect(of: part.corners, camera, grid)
      guard let old = rect else {
        rect = own
        continue
      }
      rect = PacketRect(
        packets: min(
          old.packets.lowerBound, own.packets.lowerBound)..<max(
            old.packets.upperBound, own.packets.upperBound),
        rows: min(old.rows.lowerBound, own.rows.lowerBound)..<max(old.rows.upperBound, own.rows.upperBound))
    }
    var extent = Extent()
    guard let rect, !rect.isEmpty else { return extent }
    scratch.clear(rect)
    for index in scene.parts.indices where scene.parts[index].body == body {
      cast(scene, camera, index..<index + 1, into: scratch)
    }
    for y in rect.rows {
      for i in rect.packets {
        let hit = scratch.part[y * grid.packets + i] .>= Int8x(repeating: 0)
        guard anyLane(hit) else { continue }
        for lane in 0..<min(8, width - i * 8) where hit[lane] { extent.add(i * 8 + lane, y) }
      }
    }
    return extent
  }
}

/// The box around pixels, and how many they are.
private struct Extent {
  var count = 0
  private var low = SIMD2<Int>(repeating: .max)
  private var high = SIMD2<Int>(repeating: -1)

  @inline(__always) mutating func add(_ x: Int, _ y: Int) {
    count += 1
    low = SIMD2(min(low.x, x), min(low.y, y))
    high = SIMD2(max(high.x, x), max(high.y, y))
  }

  var box: SIMD4<Float> {
    count == 0 ? .zero : SIMD4(Float(low.x), Float(low.y), Float(high.x + 1), Float(high.y + 1))
  }
}
