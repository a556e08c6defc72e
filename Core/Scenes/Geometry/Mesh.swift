import Glibc
import ReproTensor

/// A surface of triangles with a tree of boxes over them, made once and shared by all bodies that show it.
///
/// Both sides of a triangle are seen. A closed mesh is a solid: it has an inside.
public final class Mesh: Sendable, Equatable {
  /// The corners, `[V]`, metres in the mesh's own frame.
  public let positions: [Vec3]
  /// Three corners of every triangle, counter-clockwise from outside.
  public let triangles: [SIMD3<Int32>]
  /// The box around all corners.
  public let low, high: Vec3
  /// Normals of the corners, `[V]`, where the surface looks smooth; empty where every triangle looks flat.
  let normals: [Vec3]
  let tree: TriangleTree

  /// - Parameters:
  ///   - positions: x, y, z of every corner, `[3 V]`, finite.
  ///   - triangles: the corners of every triangle, `[3 T]`, each in 0 ..< V; T >= 1.
  ///   - isSmooth: whether normals are those of the corners (the mean of their triangles', by area), mixed over the
  ///     triangle, instead of the triangle's own.
  public init(positions: [Float], triangles: [Int32], isSmooth: Bool = false) {
    require(
      positions.count % 3 == 0 && triangles.count % 3 == 0 && !triangles.isEmpty,
      "a mesh has triples of coordinates and of corners, got \(positions.count) and \(triangles.count) numbers")
    let corners = positions.count / 3
    require(
      triangles.allSatisfy { $0 >= 0 && Int($0) < corners },
      "a mesh of \(corners) corners has triangles of corners \(triangles.min() ?? 0) to \(triangles.max() ?? 0)")
    require(positions.allSatisfy(\.isFinite), "the corners of a mesh are finite")
    let points = (0..<corners).map { Vec3(positions[3 * $0], positions[3 * $0 + 1], positions[3 * $0 + 2]) }
    let faces = (0..<triangles.count / 3).map {
      SIMD3(triangles[3 * $0], triangles[3 * $0 + 1], triangles[3 * $0 + 2])
    }
    (self.positions, self.triangles) = (points, faces)
    tree = TriangleTree(points, faces)
    (low, high) = (tree.low, tree.high)
    guard isSmooth else {
      normals = []
      return
    }
    var sums = [Vec3](repeating: .zero, count: corners)
    for face in faces {
      let (a, b, c) = (points[Int(face.x)], points[Int(face.y)], points[Int(face.z)])
      let area = (b - a).cross(c - a)
      for corner in [face.x, face.y, face.z] { sums[Int(corner)] += area }
    }
    normals = sums.map { $0.length > 0 ? $0.normalized : Vec3(0, 1, 0) }
  }

  public static func == (a: Mesh, b: Mesh) -> Bool {
    a === b || (a.positions == b.positions && a.triangles == b.triangles && a.normals == b.normals)
  }

  /// The same mesh moved and scaled so that its box is centred at the origin and its longest side is `size` metres.
  public func fitted(to size: Float = 2) -> Mesh {
    let scale = size / max((high - low).max(), 1e-12)
    let middle = (low + high) / 2
    let points = positions.flatMap { point -> [Float] in
      let p = (point - middle) * scale
      return [p.x, p.y, p.z]
    }
    return Mesh(
      positions: points, triangles: triangles.flatMap { [$0.x, $0.y, $0.z] }, isSmooth: !normals.isEmpty)
  }

  /// The ground y = height(x, z) over a rectangle around the origin, as a grid of squares cut in two.
  ///
  /// - Parameters:
  ///   - size: along x and z, metres.
  ///   - cells: squares along x and z, at least 1.
  public static func heightField(
    size: SIMD2<Float>, cells: SIMD2<Int>, isSmooth: Bool = false, height: (Float, Float) -> Float
  ) -> Mesh {
    require(cells.x >= 1 && cells.y >= 1, "a height field has cells, got \(cells)")
    require(size.x > 0 && size.y > 0, "a height field has a size, got \(size)")
    var positions: [Float] = []
    for j in 0...cells.y {
      for i in 0...cells.x {
        let x = (Float(i) / Float(cells.x) - 0.5) * size.x
        let z = (Float(j) / Float(cells.y) - 0.5) * size.y
        positions += [x, height(x, z), z]
      }
    }
    var triangles: [Int32] = []
    for j in 0..<cells.y {
      for i in 0..<cells.x {
        let a = Int32(j * (cells.x + 1) + i)
        let (b, c) = (a + 1, a + Int32(cells.x) + 1)
        triangles += [a, c, b, b, c, c + 1]
      }
    }
    return Mesh(positions: positions, triangles: triangles, isSmooth: isSmooth)
  }

  /// A closed mesh whose surface lies at a distance from the origin that depends on the direction.
  ///
  /// - Parameters:
  ///   - rings: circles of latitude between the poles, at least 2.
  ///   - sectors: points on each circle, at least 3.
  ///   - radius: the distance from the origin in a direction of length 1.
  public static func star(rings: Int, sectors: Int, isSmooth: Bool = true, radius: (Vec3) -> Float) -> Mesh {
    require(rings >= 2 && sectors >= 3, "a star mesh has rings and sectors, got \(rings) and \(sectors)")
    var positions: [Float] = []
    func add(_ d: Vec3) {
      let p = d * radius(d)
      positions += [p.x, p.y, p.z]
    }
    add(Vec3(0, 1, 0))
    for i in 1...rings {
      let polar = Float.pi * Float(i) / Float(rings + 1)
      for j in 0..<sectors {
        let turn = 2 * Float.pi * Float(j) / Float(sectors)
        add(Vec3(sinf(polar) * cosf(turn), cosf(polar), sinf(polar) * sinf(turn)))
      }
    }
    add(Vec3(0, -1, 0))
    func at(_ ring: Int, _ j: Int) -> Int32 { Int32(1 + ring * sectors + j % sectors) }
    let last = Int32(1 + rings * sectors)
    var triangles: [Int32] = []
    for j in 0..<sectors {
      triangles += [0, at(0, j + 1), at(0, j)]
      triangles += [last, at(rings - 1, j), at(rings - 1, j + 1)]
      for ring in 0..<rings - 1 {
        triangles += [at(ring, j), at(ring, j + 1), at(ring + 1, j)]
        triangles += [at(ring, j + 1), at(ring + 1, j + 1), at(ring + 1, j)]
      }
    }
    return Mesh(positions: positions, triangles: triangles, isSmooth: isSmooth)
  }

  /// How far the mesh reaches along a direction, metres.
  func reach(_ direction: Vec3) -> Float {
    var most = -Float.infinity
    for p in positions { most = max(most, p.dot(direction)) }
    return most
  }

  /// Whether a ray from the point crosses the surface an odd number of times.
  func contains(_ p: Vec3) -> Bool {
    guard all(p .>= low), all(p .<= high) else { return false }
    // A direction along which no modelled edge is likely to run.
    return tree.crossings(from: p, along: Vec3(0.5377, 0.7123, 0.4512)) % 2 == 1
  }
}
