import Glibc

/// Rays of all samples of a picture in some affine frame, eight at a time: origin + t * direction.
///
/// t is what `Camera.project` calls depth, whatever the frame, so frames can be changed without changing t. The rays of
/// a pinhole camera are base + x across + y down from one origin; those of other lenses stand in a table.
struct RayFan {
  /// What all packets of a row share.
  struct Row {
    var start: Vec3
    /// The first packet in the table, of the two rows whose middle this is.
    var above, below: Int
  }

  private var origin, base, across, down: Vec3
  private var table: Table?

  /// The rays of a bent lens: where `LensRays` keeps them, and the frame that they are wanted in.
  private struct Table {
    /// Origin and direction of every packet.
    var rays: UnsafePointer<Lanes3>
    var packets: Int
    var matrix: Mat3
    var offset: Vec3
    var pitch: Float
    var isParallel: Bool
  }

  /// The rays of a pinhole camera in the camera's own frame.
  init(_ camera: Camera, on grid: SampleGrid) {
    origin = .zero
    let pixel = Vec3(
      (grid.start - camera.center.x) / camera.focal.x, (grid.start - camera.center.y) / camera.focal.y, 1)
    base = pixel
    across = Vec3(grid.spacing / camera.focal.x, 0, 0)
    down = Vec3(0, grid.spacing / camera.focal.y, 0)
  }

  private init(origin: Vec3, base: Vec3, across: Vec3, down: Vec3) {
    (self.origin, self.base, self.across, self.down) = (origin, base, across, down)
  }

  /// The rays of any lens in the camera's own frame; good for as long as the table lives.
  init(_ rays: LensRays) {
    (origin, base, across, down) = (.zero, .zero, .zero, .zero)
    table = Table(
      rays: UnsafePointer(rays.rays), packets: rays.packets, matrix: .identity, offset: .zero, pitch: rays.pitch,
      isParallel: rays.isParallel)
  }

  /// The same rays in the frame p -> matrix p + offset.
  func mapped(_ matrix: Mat3, _ offset: Vec3) -> RayFan {
    var fan = RayFan(
      origin: matrix * origin + offset, base: matrix * base, across: matrix * across, down: matrix * down)
    if var table {
      (table.matrix, table.offset) = (matrix * table.matrix, matrix * table.offset + offset)
      fan.table = table
    }
    return fan
  }

  /// Where the rays start, or the middle of where they start.
  var eye: Vec3 { origin }

  /// The distance between neighbouring samples on a surface that faces the camera, at t = 1.
  var pitch: Float {
    guard let table else { return down.length }
    return table.pitch * cbrtf(abs(table.matrix.determinant))
  }

  @inline(__always) func row(_ y: Int) -> Row {
    let at = y * (table?.packets ?? 0)
    return Row(start: base + down * Float(y), above: at, below: at)
  }

  /// The row through the middle of `density` rows of samples.
  @inline(__always) func middleRow(_ top: Int, density: Int) -> Row {
    let packets = table?.packets ?? 0
    return Row(
      start: base + down * (Float(top) + 0.5 * Float(density - 1)), above: top * packets,
      below: (top + density - 1) * packets)
  }

  @inline(__always) func origins(_ row: Row, packet: Int) -> Lanes3 {
    guard let table else { return Lanes3(origin) }
    return Self.origins(table, row, packet)
  }

  /// The directions of a packet, given its row.
  @inline(__always) func directions(_ row: Row, packet: Int) -> Lanes3 {
    guard let table else {
      let x = laneNumbers + Float(packet * 8)
      let start = row.start
      return Lanes3(start.x + x * across.x, start.y + x * across.y, start.z + x * across.z)
    }
    return Self.directions(table, row, packet)
  }

  /// The width of a pixel at t, given its width at t = 1.
  @inline(__always) func width(_ t: Float8, _ pixelWidth: Float) -> Float8 {
    guard let table, table.isParallel else { return t * pixelWidth }
    return Float8(repeating: pixelWidth)
  }

  // Out of line: the loops stay those of the pinhole camera.
  @inline(never) private static func origins(_ table: Table, _ row: Row, _ packet: Int) -> Lanes3 {
    let o = table.rays[2 * (row.above + packet)] + table.rays[2 * (row.below + packet)]
    return table.matrix * (o * Float8(repeating: 0.5)) + Lanes3(table.offset)
  }

  @inline(never) private static func directions(_ table: Table, _ row: Row, _ packet: Int) -> Lanes3 {
    let d = table.rays[2 * (row.above + packet) + 1] + table.rays[2 * (row.below + packet) + 1]
    return table.matrix * (d * Float8(repeating: 0.5))
  }
}

/// The rays of a camera of any lens in its own frame, one by one.
final class LensRays {
  /// Origin and direction of every packet, in turn.
  let rays: UnsafeMutablePointer<Lanes3>
  let packets: Int
  /// See `RayFan.pitch`.
  let pitch: Float
  let isParallel: Bool

  init(_ camera: Camera, on grid: SampleGrid) {
    packets = grid.packets
    pitch = grid.spacing / camera.focal.y
    isParallel = camera.lens == .orthographic
    rays = .allocate(capacity: 2 * grid.count)
    for y in 0..<grid.height {
      for packet in 0..<grid.packets {
        var (o, d) = (Lanes3(.zero), Lanes3(.zero))
        for lane in 0..<8 {
          let pixel = SIMD2(
            grid.start + Float(packet * 8 + lane) * grid.spacing, grid.start + Float(y) * grid.spacing)
          let ray = camera.ray(pixel)
          o.set(lane, ray.origin)
          d.set(lane, ray.direction)
        }
        let at = 2 * (y * grid.packets + packet)
        (rays + at).initialize(to: o)
        (rays + at + 1).initialize(to: d)
      }
    }
  }

  deinit { rays.deallocate() }
}
