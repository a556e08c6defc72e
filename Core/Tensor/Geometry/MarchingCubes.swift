/// A surface made of triangles.
public struct TriangleMesh: Sendable {
  /// `[V, 3]`.
  public let vertices: Tensor
  /// The vertices of each triangle, counter-clockwise as seen from outside, `[F, 3]`.
  public let faces: IndexTensor

  public init(vertices: Tensor, faces: IndexTensor) {
    require(
      vertices.rank == 2 && vertices.shape[1] == 3 && faces.shape.rank == 2 && faces.shape[1] == 3,
      "a mesh needs vertices [V, 3] and faces [F, 3], got \(vertices.shape) and \(faces.shape)")
    self.vertices = vertices
    self.faces = faces
  }

  /// The three corners of each triangle, `[F, 3]` each.
  private var corners: [Tensor] {
    (0..<3).map { k in
      vertices.gathered(IndexTensor((0..<faces.shape[0]).map { faces.values[3 * $0 + k] }))
    }
  }

  /// The sum of the triangles' areas, `[]`; differentiable by the vertices.
  public var area: Tensor {
    let p = corners
    let normal = cross(p[1] - p[0], p[2] - p[0])
    return normal.squared().sum(-1).sqrt().sum() * 0.5
  }

  /// The enclosed volume, `[]`; negative if the triangles face inwards; differentiable by the vertices.
  ///
  ///     V = 1/6 sum_f a . (b x c)
  public var volume: Tensor {
    let p = corners
    return (p[0] * cross(p[1], p[2])).sum() / 6
  }
}

/// The surface on which a field that is sampled on a grid has a given value (Lorensen and Cline 1987, "Marching cubes").
///
/// Vertices lie on the edges of the grid, where linear interpolation gives the value. The surface is closed but where it
/// leaves the grid: every edge belongs to two triangles. Of a cube's face with two inside corners at opposite ends, the
/// surface separates these two; both cubes at the face decide so.
/// - Parameters:
///   - field: `[X, Y, Z]`, each 2 or more for there to be a cube. Inside is where it is less than the level (a signed
///     distance); triangles face towards greater values.
///   - level: the value of the surface.
///   - spacing: the distance of neighbouring samples, in units of length.
///   - origin: the place of sample [0, 0, 0], three numbers.
/// - Returns: vertices in units of length, in the order of a scan; no history.
public func marchingCubes(
  _ field: Tensor, level: Real = 0, spacing: Real = 1, origin: [Real] = [0, 0, 0]
) -> TriangleMesh {
  require(
    field.rank == 3 && origin.count == 3, "marchingCubes needs a field [X, Y, Z] and an origin of 3, got \(field.shape)"
  )
  var surface = SurfaceBuilder(extents: field.shape.array, spacing: spacing, origin: origin)
  field.detached.withElements { surface.scan($0, level) }
  return TriangleMesh(
    vertices: Tensor([surface.vertices.count / 3, 3], surface.vertices),
    faces: IndexTensor([surface.faces.count / 3, 3], surface.faces))
}

/// Vertices and faces as the scan over the cubes finds them.
private struct SurfaceBuilder {
  let extents: [Int]
  let spacing: Real
  let origin: [Real]
  private(set) var vertices: [Real] = []
  private(set) var faces: [Int] = []
  /// The vertex on the edge from each sample along each axis; -1 if none yet.
  private var known: [Int32] = []

  init(extents: [Int], spacing: Real, origin: [Real]) {
    (self.extents, self.spacing, self.origin) = (extents, spacing, origin)
    known = Array(repeating: -1, count: 3 * extents.reduce(1, *))
  }

  mutating func scan(_ values: UnsafeBufferPointer<Real>, _ level: Real) {
    let steps = [extents[1] * extents[2], extents[2], 1]
    let corners = (0..<8).map { c in (0..<3).reduce(0) { $0 + (c >> $1 & 1) * steps[$1] } }
    for x in 0..<max(0, extents[0] - 1) {
      for y in 0..<max(0, extents[1] - 1) {
        for z in 0..<max(0, extents[2] - 1) {
          let first = x * steps[0] + y * steps[1] + z
          var inside = 0
          for c in 0..<8 where values[first + corners[c]] < level { inside |= 1 << c }
          if inside == 0 || inside == 255 { continue }
          let pattern = CubePattern.all[inside]
          for triangle in pattern.triangles {
            for v in triangle where v < 12 {
              _ = vertex(CubePattern.edges[v], values, level, first, corners, steps)
            }
          }
          var centres: [Int] = []
          for loop in pattern.loopsWithCentre {
            centres.append(
              addCentre(loop.map { vertex(CubePattern.edges[$0], values, level, first, corners, steps) }))
          }
          for triangle in pattern.triangles {
            for v in triangle {
              faces.append(
                v < 12 ? vertex(CubePattern.edges[v], values, level, first, corners, steps) : centres[v - 12])
            }
          }
        }
      }
    }
  }

  /// The number of the vertex on an edge of the cube at sample `first`, which is made if it is new.
  private mutating func vertex(
    _ edge: (corner: Int, axis: Int), _ values: UnsafeBufferPointer<Real>, _ level: Real, _ first: Int,
    _ corners: [Int],
    _ steps: [Int]
  ) -> Int {
    let sample = first + corners[edge.corner]
    let slot = 3 * sample + edge.axis
    if known[slot] >= 0 { return Int(known[slot]) }
    let (a, b) = (values[sample], values[sample + steps[edge.axis]])
    let part = (level - a) / (b - a)
    for axis in 0..<3 {
      let index = Real(sample / steps[axis] % extents[axis])
      vertices.append(origin[axis] + spacing * (index + (axis == edge.axis ? part : 0)))
    }
    known[slot] = Int32(vertices.count / 3 - 1)
    return Int(known[slot])
  }

  private mutating func addCentre(_ loop: [Int]) -> Int {
    for axis in 0..<3 {
      let sum = loop.reduce(Real(0)) { $0 + vertices[3 * $1 + axis] }
      vertices.append(sum / Real(loop.count))
    }
    return vertices.count / 3 - 1
  }
}

/// How the surface crosses a cube, for one choice of inside corners; derived, not tabulated.
///
/// Corner c stands at (c & 1, c >> 1 & 1, c >> 2 & 1). On each face, walked counter-clockwise as seen from outside, a line
/// goes from every edge where the walk comes inside to the next edge where it leaves: it cuts off one run of inside corners.
/// Each crossed edge is the end of one line and the start of another, so that the lines form loops, and the neighbour at a
/// face has the same lines turned round. A loop is cut into triangles whose new sides lie on no face, or else they could
/// coincide with those of the neighbour; where that is impossible, a vertex in the middle of the loop is joined to its sides.
struct CubePattern: Sendable {
  /// Edges of the cube (0..<12), or 12 + i for the middle of loop i of `loopsWithCentre`.
  let triangles: [[Int]]
  let loopsWithCentre: [[Int]]

  /// Of each edge its lower corner and its axis.
  static let edges: [(corner: Int, axis: Int)] = (0..<3).flatMap { axis in
    (0..<8).filter { $0 >> axis & 1 == 0 }.map { (corner: $0, axis: axis) }
  }

  /// By the bits of the inside corners.
  static let all: [CubePattern] = (0..<256).map { CubePattern(inside: $0) }

  private static func edge(_ a: Int, _ b: Int) -> Int {
    edges.firstIndex { $0.corner == min(a, b) && $0.corner | 1 << $0.axis == max(a, b) } ?? 0
  }

  /// The corners of the six faces, counter-clockwise as seen from outside.
  private static let faces: [[Int]] = (0..<3).flatMap { axis in
    let (u, v) = (1 << ((axis + 1) % 3), 1 << ((axis + 2) % 3))
    // (u, v) turn counter-clockwise as seen from the far side of the axis.
    return [[0, v, u | v, u], [0, u, u | v, v].map { $0 | 1 << axis }]
  }

  /// Whether two edges of the cube have a face in common.
  private static func shareFace(_ a: Int, _ b: Int) -> Bool {
    faces.contains { face in
      [a, b].allSatisfy { e in
        face.contains(edges[e].corner) && face.contains(edges[e].corner | 1 << edges[e].axis)
      }
    }
  }

  init(inside: Int) {
    func isInside(_ c: Int) -> Bool { inside >> c & 1 == 1 }
    var next = [Int](repeating: -1, count: 12)
    for face in CubePattern.faces {
      for i in 0..<4 where !isInside(face[i]) && isInside(face[(i + 1) % 4]) {
        var j = i + 1
        while isInside(face[(j + 1) % 4]) { j += 1 }
        next[CubePattern.edge(face[i], face[(i + 1) % 4])] = CubePattern.edge(face[j % 4], face[(j + 1) % 4])
      }
    }
    var (triangles, centred, seen) = ([[Int]](), [[Int]](), Set<Int>())
    for start in 0..<12 where next[start] >= 0 && !seen.contains(start) {
      var loop: [Int] = []
      var e = start
      while seen.insert(e).inserted {
        loop.append(e)
        e = next[e]
      }
      if let parts = CubePattern.triangulated(loop) {
        triangles += parts
      } else {
        for i in loop.indices { triangles.append([loop[i], loop[(i + 1) % loop.count], 12 + centred.count]) }
        centred.append(loop)
      }
    }
    self.triangles = triangles
    loopsWithCentre = centred
  }

  /// The loop cut into triangles without sides on a face, or nil.
  private static func triangulated(_ loop: [Int]) -> [[Int]]? {
    if loop.count < 3 { return loop.count == 2 ? [] : nil }
    if loop.count == 3 { return [loop] }
    // The triangle at the side from the last to the first has its tip at k; what is left on both sides is cut likewise.
    func isAllowed(_ a: Int, _ b: Int) -> Bool {
      (a - b).magnitude == 1 || (a - b).magnitude == loop.count - 1 || !shareFace(loop[a], loop[b])
    }
    for k in 1..<(loop.count - 1) where isAllowed(0, k) && isAllowed(k, loop.count - 1) {
      guard let left = triangulated(Array(loop[0...k])), let right = triangulated(Array(loop[k...])) else { continue }
      return [[loop[0], loop[k], loop[loop.count - 1]]] + left + right
    }
    return nil
  }
}
