import Glibc

/// A binary tree of boxes over triangles, cut at the median along the longest side.
struct TriangleTree: Sendable {
  struct Node: Sendable {
    var low, high: Vec3
    /// The first of two neighbouring children, or of the triangles of a leaf.
    var first: Int32
    /// Triangles of a leaf; 0 for an inner node.
    var count: Int32
  }

  struct Triangle: Sendable {
    /// A corner and the edges to the other two.
    var origin, a, b: Vec3
    /// Its number in the mesh.
    var index: Int32
  }

  /// Triangles of a leaf, at most.
  private static let leaf = 4
  /// Deeper than any tree of 2^31 triangles cut at the median.
  static let depth = 64

  private(set) var nodes: [Node] = []
  private(set) var triangles: [Triangle] = []

  init(_ points: [Vec3], _ faces: [SIMD3<Int32>]) {
    triangles = faces.enumerated().map { i, face in
      let p = points[Int(face.x)]
      return Triangle(origin: p, a: points[Int(face.y)] - p, b: points[Int(face.z)] - p, index: Int32(i))
    }
    nodes.reserveCapacity(faces.count)
    nodes.append(Node(low: .zero, high: .zero, first: 0, count: 0))
    split(0, 0..<triangles.count)
  }

  var low: Vec3 { nodes[0].low }
  var high: Vec3 { nodes[0].high }

  private static func extremes(_ t: Triangle) -> (Vec3, Vec3) {
    let (p, q) = (t.origin + t.a, t.origin + t.b)
    return (
      pointwiseMin(pointwiseMin(t.origin, p), q), pointwiseMax(pointwiseMax(t.origin, p), q)
    )
  }

  private mutating func split(_ node: Int, _ range: Range<Int>) {
    var (low, high) = (Vec3(repeating: .infinity), Vec3(repeating: -.infinity))
    var (from, to) = (low, high)
    for i in range {
      let (a, b) = Self.extremes(triangles[i])
      (low, high) = (pointwiseMin(low, a), pointwiseMax(high, b))
      (from, to) = (pointwiseMin(from, a + b), pointwiseMax(to, a + b))
    }
    // Room for rounding: corner + edge is not always exactly the other corner.
    let slack = pointwiseMax(high - low, abs3(high) + abs3(low)) * 1e-6
    (nodes[node].low, nodes[node].high) = (low - slack, high + slack)
    guard range.count > Self.leaf else {
      (nodes[node].first, nodes[node].count) = (Int32(range.lowerBound), Int32(range.count))
      return
    }
    let side = to - from
    let axis = side.x >= side.y && side.x >= side.z ? 0 : side.y >= side.z ? 1 : 2
    // Ties by number: the same tree everywhere.
    triangles[range].sort { a, b in
      let (x, y) = (Self.extremes(a), Self.extremes(b))
      let (p, q) = (x.0[axis] + x.1[axis], y.0[axis] + y.1[axis])
      return p != q ? p < q : a.index < b.index
    }
    let child = nodes.count
    (nodes[node].first, nodes[node].count) = (Int32(child), 0)
    nodes.append(Node(low: .zero, high: .zero, first: 0, count: 0))
    nodes.append(Node(low: .zero, high: .zero, first: 0, count: 0))
    let middle = range.lowerBound + range.count / 2
    split(child, range.lowerBound..<middle)
    split(child + 1, middle..<range.upperBound)
  }

  /// How many triangles a ray crosses.
  func crossings(from origin: Vec3, along direction: Vec3) -> Int {
    var count = 0
    var stack = [0]
    while let i = stack.popLast() {
      let node = nodes[i]
      let (a, b) = ((node.low - origin) / direction, (node.high - origin) / direction)
      let (enter, leave) = (pointwiseMin(a, b).max(), pointwiseMax(a, b).min())
      guard enter <= leave, leave > 0 else { continue }
      guard node.count > 0 else {
        stack.append(Int(node.first))
        stack.append(Int(node.first) + 1)
        continue
      }
      for j in Int(node.first)..<Int(node.first + node.count) {
        let t = triangles[j]
        let p = direction.cross(t.b)
        let determinant = t.a.dot(p)
        guard determinant != 0 else { continue }
        let s = origin - t.origin
        let u = s.dot(p) / determinant
        let q = s.cross(t.a)
        let v = direction.dot(q) / determinant
        if u >= 0, v >= 0, u + v <= 1, t.b.dot(q) / determinant > 0 { count += 1 }
      }
    }
    return count
  }

  /// The triangle nearest to a point and the weights of its second and third corner there; nil if none is within reach.
  func nearest(_ p: Vec3, within reach: Float) -> (triangle: Int, weights: SIMD2<Float>)? {
    var best = reach * reach
    var found: (triangle: Int, weights: SIMD2<Float>)?
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.depth) { stack in
      var top = 1
      stack[0] = 0
      while top > 0 {
        top -= 1
        let node = nodes[Int(stack[top])]
        let outside = pointwiseMax(pointwiseMax(node.low - p, p - node.high), .zero)
        guard outside.dot(outside) <= best else { continue }
        guard node.count > 0 else {
          (stack[top], stack[top + 1]) = (node.first, node.first + 1)
          top += 2
          continue
        }
        for j in Int(node.first)..<Int(node.first + node.count) {
          let (weights, distance) = Self.closest(p, triangles[j])
          if distance < best {
            best = distance
            found = (j, weights)
          }
        }
      }
    }
    return found
  }

  /// The closest point of a triangle as the weights of its edges, and its squared distance.
  ///
  /// - Source: Ericson 2005, "Real-time collision detection", 5.1.5.
  private static func closest(_ p: Vec3, _ t: Triangle) -> (SIMD2<Float>, Float) {
    let q = p - t.origin
    let (d1, d2) = (t.a.dot(q), t.b.dot(q))
    let (aa, ab, bb) = (t.a.dot(t.a), t.a.dot(t.b), t.b.dot(t.b))
    let (d3, d4) = (d1 - aa, d2 - ab)
    let (d5, d6) = (d1 - ab, d2 - bb)
    let (va, vb, vc) = (d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2)
    let weights: SIMD2<Float>
    if d1 <= 0 && d2 <= 0 {
      weights = .zero
    } else if d3 >= 0 && d4 <= d3 {
      weights = SIMD2(1, 0)
    } else if vc <= 0 && d1 >= 0 && d3 <= 0 {
      weights = SIMD2(d1 / (d1 - d3), 0)
    } else if d6 >= 0 && d5 <= d6 {
      weights = SIMD2(0, 1)
    } else if vb <= 0 && d2 >= 0 && d6 <= 0 {
      weights = SIMD2(0, d2 / (d2 - d6))
    } else if va <= 0 && d4 - d3 >= 0 && d5 - d6 >= 0 {
      let w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
      weights = SIMD2(1 - w, w)
    } else {
      let sum = va + vb + vc
      weights = SIMD2(vb / sum, vc / sum)
    }
    let rest = q - t.a * weights.x - t.b * weights.y
    return (weights, rest.dot(rest))
  }
}

private func abs3(_ v: Vec3) -> Vec3 { pointwiseMax(v, -v) }
