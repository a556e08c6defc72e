import Glibc
import ReproTensor

/// Points of surfaces in the world's frame, with what is known of them.
public struct PointCloud: Sendable, Equatable {
  /// Metres, `[P]`.
  public var positions: [Vec3] = []
  /// Unit normals, `[P]`; outward for sampled surfaces, towards the camera for what a camera saw.
  public var normals: [Vec3] = []
  /// sRGB, `[P, 3]`; empty for sampled surfaces.
  public var colors: [UInt8] = []
  /// `Body.instance` and `Body.semantic`, `[P]`.
  public var instances: [UInt16] = []
  public var classes: [UInt8] = []

  public var count: Int { positions.count }

  public init() {}

  /// x, y, z of every point, `[P, 3]`.
  public var coordinates: [Float] { positions.flatMap { [$0.x, $0.y, $0.z] } }

  /// x, y, z and the normal of every point, `[P, 6]`.
  public var coordinatesAndNormals: [Float] {
    zip(positions, normals).flatMap { p, n in [p.x, p.y, p.z, n.x, n.y, n.z] }
  }
}

extension View {
  /// The points that the pixels show, row by row, as far as the view has the maps; pixels of the sky are left out.
  public func pointCloud() -> PointCloud {
    require(depth.count == camera.width * camera.height, "a point cloud needs a depth map")
    var cloud = PointCloud()
    let back = camera.worldToCamera.inverse
    for i in depth.indices where depth[i] > 0 {
      let pixel = SIMD2(Float(i % camera.width), Float(i / camera.width))
      cloud.positions.append(back(camera.unproject(pixel, depth: depth[i])))
      if !normals.isEmpty {
        cloud.normals.append(back.rotation * Vec3(normals[3 * i], normals[3 * i + 1], normals[3 * i + 2]))
      }
      if !rgb.isEmpty { cloud.colors += rgb[3 * i..<3 * i + 3] }
      if !instances.isEmpty { cloud.instances.append(instances[i]) }
      if !classes.isEmpty { cloud.classes.append(classes[i]) }
    }
    return cloud
  }
}

extension Scene {
  /// Points spread evenly over the surfaces of bodies, by area, without those inside of another part.
  ///
  /// Random straight lines, all directions and places alike, meet a surface with a density that is proportional to its
  /// area, whatever its shape (Cauchy and Crofton), so one rule serves all solids.
  ///
  /// - Parameters:
  ///   - count: how many points.
  ///   - bodies: which bodies of the scene; nil takes all that have an end.
  ///   - within: only points inside of this box; needed if a body has no end.
  ///   - random: drawn from until there are enough points.
  /// - Returns: `count` points with outward normals; none if the bodies have no surface there.
  public func sampleSurface(
    _ count: Int, bodies: [Int]? = nil, within: (low: Vec3, high: Vec3)? = nil, _ random: inout RandomStream
  ) -> PointCloud {
    let compiled = CompiledScene(self)
    let chosen = bodies.map(Set.init)
    let parts = compiled.parts.filter { part in
      (chosen?.contains(part.body) ?? true) && (within != nil || !part.corners.isEmpty)
    }
    var cloud = PointCloud()
    guard !parts.isEmpty else { return cloud }
    var (low, high) = within ?? (Vec3(repeating: .infinity), Vec3(repeating: -.infinity))
    if within == nil {
      for corner in parts.flatMap(\.corners) {
        (low, high) = (pointwiseMin(low, corner), pointwiseMax(high, corner))
      }
    }
    let (center, radius) = ((low + high) / 2, (high - low).length / 2)
    // A scene that shows no surface to thousands of lines has none.
    var fruitless = 0
    while cloud.count < count, fruitless < 2000 {
      var (origin, direction) = (Lanes3(.zero), Lanes3(.zero))
      for lane in 0..<8 {
        let frame = random.rotation()
        let (r, a) = (radius * random.float(0, 1).squareRoot(), random.float(0, 2 * .pi))
        let offset = frame.row0 * (r * cosf(a)) + frame.row1 * (r * sinf(a))
        origin.set(lane, center + offset - frame.row2 * (1.05 * radius))
        direction.set(lane, frame.row2)
      }
      let before = cloud.count
      var found: [(lane: Int, t: Float, part: Int, point: Vec3, normal: Vec3)] = []
      for (index, part) in parts.enumerated() {
        for hit in part.crossings(origin, direction, reach: 2.1 * radius) {
          found.append((hit.lane, hit.t, index, hit.point, hit.normal))
        }
      }
      found.sort { ($0.lane, $0.t, $0.part) < ($1.lane, $1.t, $1.part) }
      for hit in found where cloud.count < count {
        if let within, any(hit.point .< within.low) || any(hit.point .> within.high) { continue }
        let outside = hit.point + hit.normal * (1e-4 * radius)
        let isHidden = parts.indices.contains { other in
          other != hit.part && parts[other].shape.contains(parts[other].matrix * outside + parts[other].offset)
        }
        guard !isHidden else { continue }
        cloud.positions.append(hit.point)
        cloud.normals.append(hit.normal)
        cloud.instances.append(parts[hit.part].instance)
        cloud.classes.append(parts[hit.part].semantic)
      }
      fruitless = cloud.count == before ? fruitless + 1 : 0
    }
    return cloud
  }
}

extension CompiledPart {
  /// All points where eight lines cross the part, with outward normals.
  fileprivate func crossings(
    _ origin: Lanes3, _ direction: Lanes3, reach: Float
  ) -> [(lane: Int, t: Float, point: Vec3, normal: Vec3)] {
    var hits: [(lane: Int, t: Float, point: Vec3, normal: Vec3)] = []
    let gap = 1e-4 * reach
    var shape = shape
    // The torus's own kernel is made for rays from outside.
    if case .torus(let minor) = shape { shape = .shape(DistanceShape(.torus(major: 1, minor: minor))) }
    var start = Float8.zero
    var walking = Mask8(repeating: true)
    let (o, d) = (matrix * origin + Lanes3(offset), matrix * direction)
    // A line may meet a mesh often, but hardly more often than this.
    for _ in 0..<32 {
      let t = shape.hit(o + d * start, d, near: 0)
      walking = walking .& (t .< .all(reach))
      guard anyLane(walking) else { break }
      let at = start + Float8.zero.replacing(with: t, where: walking)
      let normals = matrix.transposed * shape.normal(o + d * at)
      for lane in 0..<8 where walking[lane] {
        let point = origin[lane] + direction[lane] * at[lane]
        hits.append((lane, at[lane], point, normals[lane].normalized))
      }
      start = at + gap
    }
    return hits
  }
}
