import ReproConfig
import ReproTensor

/// A surface made of triangles, as plain arrays.
public struct SurfaceMesh: Sendable, Equatable {
  /// x, y, z of each vertex.
  public var positions: [Float]
  /// Three vertices a triangle, counterclockwise seen from outside where the source keeps to that.
  public var triangles: [Int32]
  /// The unit normal of each vertex, x, y, z; empty if there are none.
  public var normals: [Float]
  /// The texture coordinates of each vertex, u, v; empty if there are none.
  public var uv: [Float]

  /// - Requires: arrays that fit together, and triangles of vertices that exist.
  public init(positions: [Float], triangles: [Int32], normals: [Float] = [], uv: [Float] = []) {
    let count = positions.count / 3
    require(
      positions.count % 3 == 0 && triangles.count % 3 == 0 && (normals.isEmpty || normals.count == 3 * count)
        && (uv.isEmpty || uv.count == 2 * count),
      "a mesh of \(positions.count) positions, \(triangles.count) corners, \(normals.count) normals, \(uv.count) uv")
    require(triangles.allSatisfy { $0 >= 0 && $0 < count }, "a triangle of a vertex beyond the \(count) vertices")
    (self.positions, self.triangles, self.normals, self.uv) = (positions, triangles, normals, uv)
  }

  public var vertexCount: Int { positions.count / 3 }
  public var triangleCount: Int { triangles.count / 3 }

  /// The smallest and largest x, y, z; zeros for a mesh without vertices.
  public var bounds: (low: SIMD3<Float>, high: SIMD3<Float>) {
    guard vertexCount > 0 else { return (.zero, .zero) }
    var (low, high) = (position(0), position(0))
    for i in 1..<max(1, vertexCount) {
      low.replace(with: position(i), where: position(i) .< low)
      high.replace(with: position(i), where: position(i) .> high)
    }
    return (low, high)
  }

  /// A vertex.
  public func position(_ i: Int) -> SIMD3<Float> { SIMD3(positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]) }

  /// The corners of a triangle.
  public func corners(_ t: Int) -> (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>) {
    (position(Int(triangles[3 * t])), position(Int(triangles[3 * t + 1])), position(Int(triangles[3 * t + 2])))
  }

  /// `(b - a) x (c - a)`: twice the area long, along the normal of the triangle.
  private func areaVector(_ t: Int) -> SIMD3<Float> {
    let (a, b, c) = corners(t)
    let (u, v) = (b - a, c - a)
    return SIMD3(u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x)
  }

  /// The area of the surface.
  public var area: Double {
    (0..<triangleCount).reduce(0.0) { sum, t in
      let n = areaVector(t)
      return sum + 0.5 * Double((n * n).sum().squareRoot())
    }
  }

  /// The volume inside a closed surface that is wound outwards: `sum of a . (b x c) / 6`.
  public var volume: Double {
    (0..<triangleCount).reduce(0.0) { sum, t in
      let (a, b, c) = corners(t)
      let cross = SIMD3(b.y * c.z - b.z * c.y, b.z * c.x - b.x * c.z, b.x * c.y - b.y * c.x)
      return sum + Double((a * cross).sum()) / 6
    }
  }

  /// Moved and scaled so that the centre of its box is the origin and the farthest vertex is at distance 1.
  public func normalized() -> SurfaceMesh {
    let (low, high) = bounds
    let centre = (low + high) / 2
    var farthest: Float = 0
    for i in 0..<vertexCount {
      let d = position(i) - centre
      farthest = max(farthest, (d * d).sum().squareRoot())
    }
    var mesh = self
    let scale = farthest > 0 ? 1 / farthest : 1
    for i in 0..<vertexCount {
      for k in 0..<3 { mesh.positions[3 * i + k] = (positions[3 * i + k] - centre[k]) * scale }
    }
    return mesh
  }

  /// Normals of the vertices: those of the triangles around each, weighted by their areas.
  public var smoothNormals: [Float] {
    var sums = [SIMD3<Float>](repeating: .zero, count: vertexCount)
    for t in 0..<triangleCount {
      let n = areaVector(t)
      for k in 0..<3 { sums[Int(triangles[3 * t + k])] += n }
    }
    return sums.flatMap { n in
      let length = (n * n).sum().squareRoot()
      let unit = length > 0 ? n / length : SIMD3<Float>(0, 0, 1)
      return [unit.x, unit.y, unit.z]
    }
  }

  /// Points drawn evenly from the surface, with the normals of their triangles.
  ///
  /// A triangle is drawn with probability proportional to its area, then a point of it by
  /// `(1 - sqrt(r1)) a + sqrt(r1) (1 - r2) b + sqrt(r1) r2 c` (Osada et al. 2002, "Shape distributions", Eq. 1).
  ///
  /// - Returns: `[count, 3]` each, row-major.
  /// - Requires: a surface with a positive area.
  public func sampled(_ count: Int, _ stream: inout RandomStream) -> (points: [Float], normals: [Float]) {
    var cumulative: [Double] = []
    cumulative.reserveCapacity(triangleCount)
    var total = 0.0
    for t in 0..<triangleCount {
      let n = areaVector(t)
      total += Double((n * n).sum().squareRoot())
      cumulative.append(total)
    }
    require(total > 0 && total.isFinite, "points of a surface whose area is \(total / 2)")
    var points: [Float] = []
    var normals: [Float] = []
    for _ in 0..<count {
      let wanted = stream.uniform() * total
      var (low, high) = (0, cumulative.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if cumulative[middle] > wanted { high = middle } else { low = middle + 1 }
      }
      let (a, b, c) = corners(low)
      let root = Float(stream.uniform().squareRoot())
      let r = Float(stream.uniform())
      let point: SIMD3<Float> = (1 - root) * a + root * (1 - r) * b + root * r * c
      let n = areaVector(low)
      let unit = n / (n * n).sum().squareRoot()
      points += [point.x, point.y, point.z]
      normals += [unit.x, unit.y, unit.z]
    }
    return (points, normals)
  }

  /// Polygons cut into fans of triangles around their first corners.
  ///
  /// - Parameters:
  ///   - sizes: the corners of each polygon.
  ///   - corners: all corners, one polygon after the other.
  static func fans<T>(_ sizes: [Int32], _ corners: [T]) -> [T] {
    var result: [T] = []
    var start = 0
    for size in sizes {
      for k in 1..<max(1, Int(size) - 1) { result += [corners[start], corners[start + k], corners[start + k + 1]] }
      start += Int(size)
    }
    return result
  }
}
