/// Pass 1: which part every sample sees, and how far away.
struct VisibilityPass: KernelVisitor {
  let buffers: SampleBuffers
  let fan: RayFan
  let part: Int32
  let rect: PacketRect

  @inline(__always)
  mutating func visit<K: SolidKernel>(_ kernel: K) {
    for y in rect.rows {
      let row = fan.row(y)
      for i in rect.packets {
        let t = kernel.hit(fan.origins(row, packet: i), fan.directions(row, packet: i), near: Renderer.nearest)
        let at = y * buffers.grid.packets + i
        let closer = t .< buffers.depth[at]
        guard anyLane(closer) else { continue }
        buffers.depth[at].replace(with: t, where: closer)
        buffers.part[at].replace(with: Int8x(repeating: part), where: closer)
      }
    }
  }
}

/// Pass 2: which samples a part hides from the key light.
///
/// The four samples of a pixel look at four points of the lamp, so their mean has soft shadows. A simple part throws no
/// shadow on itself: for convex ones the angle to the light already says so.
struct ShadowPass: KernelVisitor {
  let buffers: SampleBuffers
  /// RayFan, and the light of even and odd rows, in the frame of the part that throws the shadow.
  let fan: RayFan
  let lightEven, lightOdd: Lanes3
  let part: Int32
  let rect: PacketRect
  /// How far a part's own shadow starts from its surface, metres.
  let ownNear: Float

  init(
    _ part: CompiledPart, index: Int, fan: RayFan, light: DirectionalLight, buffers: SampleBuffers, rect: PacketRect
  ) {
    self.buffers = buffers
    self.fan = fan.mapped(part.matrix, part.offset)
    self.part = Int32(index)
    self.rect = rect
    ownNear = 0.02 * part.radius
    let l = light.direction
    let side = l.cross(abs(l.x) < 0.7 ? Vec3(1, 0, 0) : Vec3(0, 1, 0)).normalized
    let other = l.cross(side)
    let matrix = part.matrix
    /// The lamp's point (a, b) of -1...1 in even and in odd lanes.
    func lanes(_ a: SIMD2<Float>, _ b: SIMD2<Float>) -> Lanes3 {
      func point(_ p: SIMD2<Float>) -> Vec3 { matrix * (l + (side * p.x + other * p.y) * light.spread) }
      let (u, v) = (point(a), point(b))
      let isOdd = laneNumbers - 2 * floored(laneNumbers * 0.5) .== 1
      return Lanes3(u).replacing(with: Lanes3(v), where: isOdd)
    }
    // A turned square: its points differ along and across every edge.
    let reach: Float = buffers.grid.density == 1 ? 0 : 1
    lightEven = lanes(SIMD2(-0.75, -0.25) * reach, SIMD2(0.25, -0.75) * reach)
    lightOdd = lanes(SIMD2(-0.25, 0.75) * reach, SIMD2(0.75, 0.25) * reach)
  }

  @inline(__always)
  mutating func visit<K: SolidKernel>(_ kernel: K) {
    let own = Int8x(repeating: part)
    for y in rect.rows {
      let row = fan.row(y)
      let light = y & 1 == 0 ? lightEven : lightOdd
      for i in rect.packets {
        let at = y * buffers.grid.packets + i
        if K.shadowsItself {
          let isOwn = buffers.part[at] .== own
          if anyLane(isOwn) {
            let point = fan.origins(row, packet: i) + fan.directions(row, packet: i) * buffers.depth[at]
            let isDark = isOwn .& kernel.blocks(point, light, near: ownNear)
            buffers.lit[at].replace(with: Float8(repeating: 0), where: isDark)
          }
        }
        let receives = (buffers.part[at] .!= own) .& (buffers.part[at] .>= Int8x(repeating: 0))
        guard anyLane(receives) else { continue }
        let point = fan.origins(row, packet: i) + fan.directions(row, packet: i) * buffers.depth[at]
        let isDark = receives .& kernel.blocks(point, light, near: 1e-3)
        buffers.lit[at].replace(with: Float8(repeating: 0), where: isDark)
      }
    }
  }
}

/// Pass 3: the colour of the samples that see a part.
///
/// Light is found for every sample, the pattern once for the two samples of a pixel that stand above each other: it is
/// never finer than a pixel, and it is the dearest part.
struct ShadingPass: KernelVisitor {
  let buffers: SampleBuffers
  let part: CompiledPart
  let index: Int32
  let rect: PacketRect
  let lighting: Lighting
  /// RayFan in the world, in the unit shape's frame and in the cells of the pattern.
  let world, local, pattern: RayFan
  /// Light of the scene's lamps; nil without any.
  let lamps: LampBuffers?

  // All in one body with local constants: a helper would be handed a copy of this struct for every packet.
  @inline(__always)
  mutating func visit<K: SolidKernel>(_ kernel: K) {
    let (packets, density) = (buffers.grid.packets, buffers.grid.density)
    let own = Int8x(repeating: index)
    // Normals go by the transposed inverse, turned to the camera.
    let toWorld = part.shape.side(of: local.eye) * part.matrix.transposed
    let (key, fill, material) = (lighting.key, lighting.fill, part.material)
    let pixelWidth = pattern.pitch * Float(density)  // cells per metre of depth
    let first = rect.rows.lowerBound / density * density
    for top in stride(from: first, to: rect.rows.upperBound, by: density) {
      let patternRow = pattern.middleRow(top, density: density)
      for i in rect.packets {
        let above = top * packets + i
        let below = above + packets * (density - 1)
        let (isAbove, isBelow) = (buffers.part[above] .== own, buffers.part[below] .== own)
        guard anyLane(isAbove .| isBelow) else { continue }
        // Lanes of other parts get any depth: they are computed, but not written.
        var depth = Float8.all(1).replacing(with: buffers.depth[below], where: isBelow)
        depth.replace(with: buffers.depth[above], where: isAbove)
        var albedo = Lanes3(.zero, .zero, .zero)
        for row in 0..<density {
          let (at, mask, y) = (row == 0 ? above : below, row == 0 ? isAbove : isBelow, top + row)
          let t = row == 0 ? depth : depth.replacing(with: buffers.depth[below], where: isBelow)
          let ray = world.directions(world.row(y), packet: i)
          let length = root(ray.dot(ray))
          let localRow = local.row(y)
          let along = local.directions(localRow, packet: i)
          let outward = kernel.normal(local.origins(localRow, packet: i) + along * t, along: along)
          let n = (toWorld * outward).normalized
          if row == 0 {
            // The surface is wider than the ray by 1 / cos.
            let footprint = pattern.width(t, pixelWidth) * length / larger(magnitude(n.dot(ray)), 0.15 * length)
            albedo = material.albedo(
              pattern.origins(patternRow, packet: i) + pattern.directions(patternRow, packet: i) * t,
              footprint: footprint)
          }
          let (lit, open) = (buffers.lit[at], buffers.open[at])
          let keyed = larger(n.dot(key.direction), .zero) * lit
          let filled = larger(n.dot(fill.direction), .zero) * open
          let ambient = Lanes3.mix(lighting.ambientDown, lighting.ambientUp, 0.5 + 0.5 * n.y) * open
          var red = albedo.x * (ambient.x + key.color.x * keyed + fill.color.x * filled)
          var green = albedo.y * (ambient.y + key.color.y * keyed + fill.color.y * filled)
          var blue = albedo.z * (ambient.z + key.color.z * keyed + fill.color.z * filled)
          if material.specular > 0 {
            let towards = Lanes3(key.direction) - ray * (1 / length)
            var shine = larger(n.dot(towards), .zero) / root(towards.dot(towards) + 1e-6)
            for _ in 0..<material.gloss { shine *= shine }
            shine = shine * material.specular * lit
            red += key.color.x * shine
            green += key.color.y * shine
            blue += key.color.z * shine
          }
          if let lamps {
            red += albedo.x * lamps.red[at] + lamps.shine[at] * material.specular
            green += albedo.y * lamps.green[at] + lamps.shine[at] * material.specular
            blue += albedo.z * lamps.blue[at] + lamps.shine[at] * material.specular
          }
          buffers.red[at].replace(with: red, where: mask)
          buffers.green[at].replace(with: green, where: mask)
          buffers.blue[at].replace(with: blue, where: mask)
        }
      }
    }
  }
}

/// How much of the sky the parts hide from a plane near them, as balls of their volume: the dark seam where things stand.
struct ContactPass {
  /// A ball of radius r hides (r / d)^2 cos of the sky; what it hides at `reach` radii is subtracted, so that it ends there.
  static let reach: Float = 3

  static func run(
    _ ball: CompiledPart, on plane: CompiledPart, index: Int, _ world: RayFan, _ camera: Camera,
    _ buffers: SampleBuffers
  ) {
    let r = ball.radius
    let n = plane.matrix.row1
    let height = n.dot(ball.center) + plane.offset.y
    guard r > 0, abs(height) < reach * r else { return }
    let facing = height < 0 ? -n : n
    let side = facing.cross(abs(n.x) < 0.7 ? Vec3(1, 0, 0) : Vec3(0, 1, 0)).normalized * (reach * r)
    let other = facing.cross(side)
    let foot = ball.center - n * height
    let rect = CompiledScene.rect(
      of: [foot + side + other, foot + side - other, foot - side + other, foot - side - other], camera, buffers.grid)
    let own = Int8x(repeating: Int32(index))
    let lost = abs(height) * r * r / (reach * reach * reach * r * r * r)
    for y in rect.rows {
      let row = world.row(y)
      for i in rect.packets {
        let at = y * buffers.grid.packets + i
        let mask = buffers.part[at] .== own
        guard anyLane(mask) else { continue }
        let to =
          Lanes3(ball.center) - (world.origins(row, packet: i) + world.directions(row, packet: i) * buffers.depth[at])
        let squared = to.dot(to)
        let hidden = abs(height) * (r * r) / (squared * root(squared) + 1e-4) - lost
        let kept = 1 - smaller(larger(hidden, .zero), .all(0.75))
        buffers.open[at].replace(with: buffers.open[at] * kept, where: mask)
      }
    }
  }
}

/// Normals in the camera's frame, of length 1 and turned to the camera, `[H, W, 3]`.
struct NormalPass: KernelVisitor {
  let buffers: SampleBuffers
  let part: CompiledPart
  let index: Int32
  let rect: PacketRect
  let local: RayFan
  let worldToCamera: Mat3
  let normals: UnsafeMutablePointer<Float>

  @inline(__always)
  mutating func visit<K: SolidKernel>(_ kernel: K) {
    let own = Int8x(repeating: index)
    let toCamera = part.shape.side(of: local.eye) * (worldToCamera * part.matrix.transposed)
    for y in rect.rows {
      let row = local.row(y)
      for i in rect.packets {
        let at = y * buffers.grid.packets + i
        let mask = buffers.part[at] .== own
        guard anyLane(mask) else { continue }
        let t = Float8.all(1).replacing(with: buffers.depth[at], where: mask)
        let along = local.directions(row, packet: i)
        let point = local.origins(row, packet: i) + along * t
        let n = (toCamera * kernel.normal(point, along: along)).normalized
        for lane in 0..<min(8, buffers.grid.width - i * 8) where mask[lane] {
          let to = normals + (y * buffers.grid.width + i * 8 + lane) * 3
          (to[0], to[1], to[2]) = (n.x[lane], n.y[lane], n.z[lane])
        }
      }
    }
  }
}
