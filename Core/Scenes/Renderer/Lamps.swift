/// What the lamps of a scene give every sample, packet by packet.
final class LampBuffers {
  /// Light that arrives, linear, and the highlight.
  let red, green, blue, shine: UnsafeMutablePointer<Float8>
  /// The share of one lamp that arrives.
  let lit: UnsafeMutablePointer<Float8>
  private let count: Int

  init(_ grid: SampleGrid) {
    count = grid.count
    let room = UnsafeMutablePointer<Float8>.allocate(capacity: 5 * grid.count)
    room.initialize(repeating: .zero, count: 5 * grid.count)
    (red, green, blue) = (room, room + grid.count, room + 2 * grid.count)
    (shine, lit) = (room + 3 * grid.count, room + 4 * grid.count)
  }

  deinit { red.deallocate() }

  func clear() { red.update(repeating: .zero, count: 4 * count) }
  func switchOn() { lit.update(repeating: Float8(repeating: 1), count: count) }
}

/// Which samples a part hides from a lamp.
struct LampShadowPass {
  let buffers: SampleBuffers
  let lamps: LampBuffers
  /// RayFan and the lamp, in the frame of the part that throws the shadow.
  let fan: RayFan
  /// Four points of the lamp: even and odd lanes of even and odd rows.
  let even, odd: Lanes3
  let part: Int32
  let rect: PacketRect

  init(
    _ part: CompiledPart, index: Int, fan: RayFan, lamp: PointLight, _ lamps: LampBuffers, _ buffers: SampleBuffers,
    _ rect: PacketRect
  ) {
    (self.buffers, self.lamps, self.rect) = (buffers, lamps, rect)
    self.fan = fan.mapped(part.matrix, part.offset)
    self.part = Int32(index)
    let reach = buffers.grid.density == 1 ? 0 : lamp.radius
    func lanes(_ a: Vec3, _ b: Vec3) -> Lanes3 {
      func point(_ p: Vec3) -> Vec3 { part.matrix * (lamp.position + p * reach) + part.offset }
      let isOdd = laneNumbers - 2 * floored(laneNumbers * 0.5) .== 1
      return Lanes3(point(a)).replacing(with: Lanes3(point(b)), where: isOdd)
    }
    // Four corners of a cube that are no neighbours: the lamp is as wide from every side.
    even = lanes(Vec3(-0.5, -0.5, -0.5), Vec3(0.5, 0.5, -0.5))
    odd = lanes(Vec3(0.5, -0.5, 0.5), Vec3(-0.5, 0.5, 0.5))
  }

  func run(_ shape: UnitShape) {
    let own = Int8x(repeating: part)
    for y in rect.rows {
      let row = fan.row(y)
      let lamp = y & 1 == 0 ? even : odd
      for i in rect.packets {
        let at = y * buffers.grid.packets + i
        let receives = (buffers.part[at] .!= own) .& (buffers.part[at] .>= Int8x(repeating: 0))
        guard anyLane(receives) else { continue }
        let point = fan.origins(row, packet: i) + fan.directions(row, packet: i) * buffers.depth[at]
        // t = 1 is the lamp: what stands behind it throws no shadow.
        let t = shape.hit(point, lamp - point, near: 1e-3)
        lamps.lit[at].replace(with: Float8(repeating: 0), where: receives .& (t .< 0.999))
      }
    }
  }
}

/// Adds a lamp's light to the samples that see a part.
struct LampPass {
  let buffers: SampleBuffers
  let lamps: LampBuffers
  let lamp: PointLight
  let part: CompiledPart
  let index: Int32
  let rect: PacketRect
  let world, local: RayFan

  func run(_ shape: UnitShape) {
    let own = Int8x(repeating: index)
    let toWorld = part.shape.side(of: local.eye) * part.matrix.transposed
    let (lamp, material) = (self.lamp, part.material)
    for y in rect.rows {
      let (row, localRow) = (world.row(y), local.row(y))
      for i in rect.packets {
        let at = y * buffers.grid.packets + i
        let mask = buffers.part[at] .== own
        guard anyLane(mask) else { continue }
        let t = Float8.all(1).replacing(with: buffers.depth[at], where: mask)
        let ray = world.directions(row, packet: i)
        let along = local.directions(localRow, packet: i)
        let n = (toWorld * shape.normal(local.origins(localRow, packet: i) + along * t, along: along)).normalized
        let to = Lanes3(lamp.position) - (world.origins(row, packet: i) + ray * t)
        let squared = to.dot(to)
        let towards = to * (1 / root(squared + 1e-9))
        // As a ball of that radius: never brighter than at its surface.
        let arriving = lamps.lit[at] / larger(squared, .all(lamp.radius * lamp.radius + 1e-4))
        let amount = larger(n.dot(towards), .zero) * arriving
        lamps.red[at].replace(with: lamps.red[at] + amount * lamp.color.x, where: mask)
        lamps.green[at].replace(with: lamps.green[at] + amount * lamp.color.y, where: mask)
        lamps.blue[at].replace(with: lamps.blue[at] + amount * lamp.color.z, where: mask)
        guard material.specular > 0 else { continue }
        let half = towards - ray * (1 / root(ray.dot(ray)))
        var shine = larger(n.dot(half), .zero) / root(half.dot(half) + 1e-6)
        for _ in 0..<material.gloss { shine *= shine }
        let bright = shine * arriving * lamp.color.max()
        lamps.shine[at].replace(with: lamps.shine[at] + bright, where: mask)
      }
    }
  }
}
