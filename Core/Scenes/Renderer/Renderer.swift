import ReproTensor

/// What a render call is asked for.
public struct RenderOutputs: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let rgb = RenderOutputs(rawValue: 1)
  public static let depth = RenderOutputs(rawValue: 2)
  public static let normals = RenderOutputs(rawValue: 4)
  public static let instances = RenderOutputs(rawValue: 8)
  public static let classes = RenderOutputs(rawValue: 16)
  public static let all: RenderOutputs = [.rgb, .depth, .normals, .instances, .classes]
}

/// One picture of a scene and its exact ground truth; maps that were not asked for are empty.
///
/// All maps but `rgb` are sampled at the centres of the pixels, whatever the supersampling of the colour.
public struct View: Sendable, Equatable {
  public var camera: Camera
  /// sRGB, `[H, W, 3]`.
  public var rgb: [UInt8] = []
  /// Metres along the camera's z axis (fisheye and equirectangular: from the camera), `[H, W]`; 0 where nothing stands.
  public var depth: [Float] = []
  /// Unit normals in the camera's frame, turned to the camera, `[H, W, 3]`; 0 where nothing stands.
  public var normals: [Float] = []
  /// `Body.instance` of what is seen, `[H, W]`; 0 where nothing stands.
  public var instances: [UInt16] = []
  /// `Body.semantic` of what is seen, `[H, W]`; 0 where nothing stands.
  public var classes: [UInt8] = []
}

/// Renders scenes of solids by casting one ray per sample, primitive by primitive.
///
/// Every part visits only the samples inside its own box on the screen, eight at a time; then every part throws its
/// shadow, then the visible samples are coloured. The picture is a pure function of scene, camera and supersampling: the
/// arithmetic is IEEE single precision without contraction, so it is the same on every x86-64.
///
/// A renderer owns the buffers of one picture and is used by one thread; make one per tile of work.
public final class Renderer {
  /// Surfaces nearer to the camera than this (metres of depth) are not seen.
  public static let nearest: Float = 0.01

  public let width, height: Int
  /// Samples per pixel and side for the colour: 1, or 2 for smooth edges and soft shadows.
  public let supersampling: Int
  let centers: SampleBuffers
  private let samples: SampleBuffers
  /// For pictures of single bodies.
  lazy var scratch = SampleBuffers(SampleGrid(width: width, height: height, density: 1))
  /// Made when a scene with lamps is first seen.
  private var lampBuffers: LampBuffers?

  public init(width: Int, height: Int, supersampling: Int = 2) {
    require(
      (1...8192).contains(width) && (1...8192).contains(height),
      "a picture has 1 to 8192 pixels a side, got \(width) x \(height)")
    require(supersampling == 1 || supersampling == 2, "supersampling is 1 or 2, got \(supersampling)")
    (self.width, self.height, self.supersampling) = (width, height, supersampling)
    centers = SampleBuffers(SampleGrid(width: width, height: height, density: 1))
    samples = supersampling == 1 ? centers : SampleBuffers(SampleGrid(width: width, height: height, density: 2))
  }

  /// One picture of the scene with the maps that were asked for.
  public func render(_ scene: Scene, from camera: Camera, _ outputs: RenderOutputs = .all) -> View {
    render(CompiledScene(scene), from: camera, outputs)
  }

  func render(_ compiled: CompiledScene, from camera: Camera, _ outputs: RenderOutputs) -> View {
    var view = View(camera: camera)
    look(compiled, camera)
    if outputs.contains(.depth) { view.depth = map(empty: 0) { at, lane in centers.depth[at][lane] } }
    if outputs.contains(.instances) {
      view.instances = map(empty: 0) { at, lane in compiled.parts[Int(centers.part[at][lane])].instance }
    }
    if outputs.contains(.classes) {
      view.classes = map(empty: 0) { at, lane in compiled.parts[Int(centers.part[at][lane])].semantic }
    }
    if outputs.contains(.normals) { view.normals = normals(compiled, camera) }
    if outputs.contains(.rgb) {
      view.rgb = [UInt8](unsafeUninitializedCapacity: width * height * 3) { bytes, count in
        count = width * height * 3
        if let to = bytes.baseAddress { paint(compiled, camera, to: to) }
      }
    }
    return view
  }

  /// Finds what every pixel's centre sees.
  func look(_ scene: CompiledScene, _ camera: Camera) {
    require(
      camera.width == width && camera.height == height,
      "a renderer of \(width) x \(height) got a camera of \(camera.width) x \(camera.height)")
    centers.clear()
    cast(scene, camera, 0..<scene.parts.count, into: centers)
  }

  /// How many pixel centres the parts of a body cover, first if nothing else stood there, then as `look` found.
  func visiblePixels(of body: Int, in scene: CompiledScene, _ camera: Camera) -> (alone: Int, seen: Int) {
    centers.clear()
    let own = scene.parts.indices.filter { scene.parts[$0].body == body }
    guard let first = own.first, let last = own.last else { return (0, 0) }
    cast(scene, camera, first..<last + 1, into: centers)
    let alone = count { $0 >= 0 }
    cast(scene, camera, 0..<first, into: centers)
    cast(scene, camera, (last + 1)..<scene.parts.count, into: centers)
    return (alone, count { $0 >= first && $0 <= last })
  }

  private func count(_ holds: (Int) -> Bool) -> Int {
    var n = 0
    forEachPixel { _, at, lane in if holds(Int(centers.part[at][lane])) { n += 1 } }
    return n
  }

  /// Writes the semantic class of every pixel centre that `look` found.
  func writeClasses(_ scene: CompiledScene, to bytes: UnsafeMutablePointer<UInt8>) {
    let classes = scene.parts.map(\.semantic)
    classes.withUnsafeBufferPointer { classes in
      forEachPixel { pixel, at, lane in
        let part = Int(centers.part[at][lane])
        bytes[pixel] = part < 0 ? 0 : classes[part]
      }
    }
  }

  @inline(__always) func forEachPixel(_ body: (_ pixel: Int, _ at: Int, _ lane: Int) -> Void) {
    for y in 0..<height {
      for x in 0..<width { body(y * width + x, y * centers.grid.packets + x >> 3, x & 7) }
    }
  }

  @inline(__always) private func map<T>(empty: T, _ value: (_ at: Int, _ lane: Int) -> T) -> [T] {
    [T](unsafeUninitializedCapacity: width * height) { to, count in
      forEachPixel { pixel, at, lane in
        to.initializeElement(at: pixel, to: centers.part[at][lane] < 0 ? empty : value(at, lane))
      }
      count = width * height
    }
  }

  func cast(_ scene: CompiledScene, _ camera: Camera, _ parts: Range<Int>, into buffers: SampleBuffers) {
    withRays(camera, buffers.grid) { cast(scene, camera, $0, parts, into: buffers) }
  }

  private func cast(
    _ scene: CompiledScene, _ camera: Camera, _ world: RayFan, _ parts: Range<Int>, into buffers: SampleBuffers
  ) {
    for index in parts {
      let part = scene.parts[index]
      var pass = VisibilityPass(
        buffers: buffers, fan: world.mapped(part.matrix, part.offset), part: Int32(index),
        rect: CompiledScene.rect(of: part.corners, camera, buffers.grid))
      part.shape.accept(&pass)
    }
  }

  /// The rays of a camera in the world.
  private func withRays<T>(_ camera: Camera, _ grid: SampleGrid, _ body: (RayFan) -> T) -> T {
    let back = camera.worldToCamera.inverse
    if camera.lens == .pinhole {
      return body(RayFan(camera, on: grid).mapped(back.rotation, back.translation))
    }
    let rays = LensRays(camera, on: grid)
    return withExtendedLifetime(rays) { body(RayFan(rays).mapped(back.rotation, back.translation)) }
  }

  private func normals(_ scene: CompiledScene, _ camera: Camera) -> [Float] {
    withRays(camera, centers.grid) { normals(scene, camera, $0) }
  }

  private func normals(_ scene: CompiledScene, _ camera: Camera, _ world: RayFan) -> [Float] {
    var normals = [Float](repeating: 0, count: width * height * 3)
    normals.withUnsafeMutableBufferPointer { normals in
      guard let to = normals.baseAddress else { return }
      for (index, part) in scene.parts.enumerated() {
        var pass = NormalPass(
          buffers: centers, part: part, index: Int32(index),
          rect: CompiledScene.rect(of: part.corners, camera, centers.grid),
          local: world.mapped(part.matrix, part.offset), worldToCamera: camera.worldToCamera.rotation, normals: to)
        part.shape.accept(&pass)
      }
    }
    return normals
  }

  /// Colours the picture into `[H, W, 3]` bytes; `look` must have been called for the same scene and camera.
  func paint(_ scene: CompiledScene, _ camera: Camera, to bytes: UnsafeMutablePointer<UInt8>) {
    withRays(camera, samples.grid) { paint(scene, camera, $0) }
    resolve(to: bytes)
  }

  private func paint(_ scene: CompiledScene, _ camera: Camera, _ world: RayFan) {
    let grid = samples.grid
    if samples !== centers {
      samples.clear()
      cast(scene, camera, world, 0..<scene.parts.count, into: samples)
    }
    samples.lit.update(repeating: Float8(repeating: 1), count: grid.count)
    let isSunny = scene.lighting.key.color != .zero
    for (index, part) in scene.parts.enumerated() where part.castsShadow && isSunny {
      var pass = ShadowPass(
        part, index: index, fan: world, light: scene.lighting.key, buffers: samples,
        rect: scene.shadowRect(of: part, camera, grid))
      part.shape.accept(&pass)
    }
    samples.open.update(repeating: Float8(repeating: 1), count: grid.count)
    for (index, plane) in scene.parts.enumerated() where plane.shape == .plane {
      for ball in scene.parts { ContactPass.run(ball, on: plane, index: index, world, camera, samples) }
    }
    let lamps = scene.lighting.lamps.isEmpty ? nil : shine(scene, camera, world)
    paintSky(scene.lighting, world)
    for (index, part) in scene.parts.enumerated() {
      var pass = ShadingPass(
        buffers: samples, part: part, index: Int32(index),
        rect: CompiledScene.rect(of: part.corners, camera, grid), lighting: scene.lighting, world: world,
        local: world.mapped(part.matrix, part.offset),
        pattern: world.mapped(part.patternMatrix, part.patternOffset), lamps: lamps)
      part.shape.accept(&pass)
    }
  }

  /// The light of all lamps.
  private func shine(_ scene: CompiledScene, _ camera: Camera, _ world: RayFan) -> LampBuffers {
    let lamps = lampBuffers ?? LampBuffers(samples.grid)
    lampBuffers = lamps
    lamps.clear()
    for lamp in scene.lighting.lamps {
      lamps.switchOn()
      if lamp.hasShadows {
        for (index, part) in scene.parts.enumerated() where part.castsShadow {
          LampShadowPass(part, index: index, fan: world, lamp: lamp, lamps, samples, samples.grid.everything)
            .run(part.shape)
        }
      }
      for (index, part) in scene.parts.enumerated() {
        LampPass(
          buffers: samples, lamps: lamps, lamp: lamp, part: part, index: Int32(index),
          rect: CompiledScene.rect(of: part.corners, camera, samples.grid), world: world,
          local: world.mapped(part.matrix, part.offset)
        ).run(part.shape)
      }
    }
    return lamps
  }

  private func paintSky(_ lighting: Lighting, _ world: RayFan) {
    let grid = samples.grid
    for y in 0..<grid.height {
      let row = world.row(y)
      for i in 0..<grid.packets {
        let at = y * grid.packets + i
        guard anyLane(samples.part[at] .< Int8x(repeating: 0)) else { continue }
        let d = world.directions(row, packet: i)
        let height = saturated(1.6 * d.y / root(d.dot(d)))
        let color = Lanes3.mix(lighting.horizon, lighting.zenith, height)
        (samples.red[at], samples.green[at], samples.blue[at]) = (color.x, color.y, color.z)
      }
    }
  }

  /// The mean of every pixel's samples, as sRGB.
  private func resolve(to bytes: UnsafeMutablePointer<UInt8>) {
    let scale = Float(SRGB.steps) / Float(supersampling * supersampling)
    let packets = samples.grid.packets
    SRGB.encoded.withUnsafeBufferPointer { encoded in
      for (channel, plane) in [samples.red, samples.green, samples.blue].enumerated() {
        for y in 0..<height {
          for x in stride(from: 0, to: width, by: 8) {
            var sum: Float8
            if supersampling == 1 {
              sum = plane[y * packets + x / 8]
            } else {
              // Eight pixels are two packets above and two below; the last pixels may need the first of them only.
              let at = 2 * y * packets + x / 4
              let left = plane[at] + plane[at + packets]
              let right = x + 4 < width ? plane[at + 1] + plane[at + 1 + packets] : .zero
              sum = Float8(lowHalf: left.evenHalf + left.oddHalf, highHalf: right.evenHalf + right.oddHalf)
            }
            // 1.5 * 2^23 more, a float's last bits are an integer.
            let level = larger(smaller(sum * scale, .all(Float(SRGB.steps))), .zero) + 12_582_912
            let steps = unsafeBitCast(level, to: Int8x.self) & 0x3FFFFF
            for lane in 0..<min(8, width - x) {
              bytes[(y * width + x + lane) * 3 + channel] = encoded[Int(steps[lane])]
            }
          }
        }
      }
    }
  }
}
