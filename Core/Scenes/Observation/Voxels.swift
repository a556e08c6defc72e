import ReproTensor

/// A box of the world cut into cubes.
public struct VoxelGrid: Sendable, Equatable {
  /// The corner with the smallest coordinates, metres.
  public var low: Vec3
  /// The edge of a cube, metres.
  public var edge: Float
  /// Cubes along x, y and z.
  public var counts: SIMD3<Int>

  public init(low: Vec3, edge: Float, counts: SIMD3<Int>) {
    require(edge > 0 && counts.min() > 0, "a voxel grid has cubes, got \(counts) of \(edge)")
    (self.low, self.edge, self.counts) = (low, edge, counts)
  }

  public var count: Int { counts.x * counts.y * counts.z }

  /// Where a cube stands in maps, `[X, Y, Z]`.
  public func index(_ i: SIMD3<Int>) -> Int { (i.x * counts.y + i.y) * counts.z + i.z }

  /// The middle of a cube.
  public func center(_ i: SIMD3<Int>) -> Vec3 { low + (Vec3(SIMD3<Float>(i)) + 0.5) * edge }

  /// The cube that holds a point; nil outside of the grid.
  public func cell(_ point: Vec3) -> SIMD3<Int>? {
    let p = (point - low) / edge
    guard all(p .>= .zero), all(p .< SIMD3<Float>(counts)) else { return nil }
    return SIMD3(Int(p.x), Int(p.y), Int(p.z))
  }
}

/// What fills the cubes of a grid.
public struct VoxelMap: Sendable, Equatable {
  public var grid: VoxelGrid
  /// 1 where a body is, `[X, Y, Z]`.
  public var occupancy: [UInt8]
  /// `Body.semantic` and `Body.instance` of the first body that is there, 0 where none is.
  public var classes: [UInt8]
  public var instances: [UInt16]
}

extension Scene {
  /// Which cubes the bodies fill: those with at least one of eight inner points inside of a solid.
  ///
  /// - Parameter hasPlanes: whether the space behind planes (their side y < 0) is filled too.
  public func voxels(in grid: VoxelGrid, hasPlanes: Bool = true) -> VoxelMap {
    var map = VoxelMap(
      grid: grid, occupancy: [UInt8](repeating: 0, count: grid.count),
      classes: [UInt8](repeating: 0, count: grid.count),
      instances: [UInt16](repeating: 0, count: grid.count))
    // Things go before planes, so that what stands on the ground keeps its name.
    let parts = CompiledScene(self).parts
    for isPlane in [false, true] {
      for part in parts where (part.shape == .plane) == isPlane && (hasPlanes || !isPlane) { fill(part, &map) }
    }
    return map
  }

  private func fill(_ part: CompiledPart, _ map: inout VoxelMap) {
    let grid = map.grid
    var (first, last) = (SIMD3<Int>.zero, grid.counts &- 1)
    if !part.corners.isEmpty {
      var (low, high) = (Vec3(repeating: .infinity), Vec3(repeating: -.infinity))
      for corner in part.corners { (low, high) = (pointwiseMin(low, corner), pointwiseMax(high, corner)) }
      let limit = SIMD3<Float>(grid.counts &- 1)
      let a = ((low - grid.low) / grid.edge).clamped(lowerBound: .zero, upperBound: limit)
      let b = ((high - grid.low) / grid.edge).clamped(lowerBound: .zero, upperBound: limit)
      (first, last) = (SIMD3(Int(a.x), Int(a.y), Int(a.z)), SIMD3(Int(b.x), Int(b.y), Int(b.z)))
    }
    for x in first.x...last.x {
      for y in first.y...last.y {
        for z in first.z...last.z {
          let cell = SIMD3(x, y, z)
          let at = grid.index(cell)
          guard map.occupancy[at] == 0 else { continue }
          let center = grid.center(cell)
          let isInside = (0..<8).contains { i in
            let sign = Vec3(i & 1 == 0 ? -1 : 1, i & 2 == 0 ? -1 : 1, i & 4 == 0 ? -1 : 1)
            return part.shape.contains(part.matrix * (center + sign * (grid.edge / 4)) + part.offset)
          }
          guard isInside else { continue }
          (map.occupancy[at], map.classes[at], map.instances[at]) = (1, part.semantic, part.instance)
        }
      }
    }
  }
}
