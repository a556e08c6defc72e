/// Rays against a mesh: eight rays descend the tree together.
struct MeshKernel: SolidKernel {
  let mesh: Mesh
  /// How far from the surface a point may lie to be on it.
  private let reach: Float

  init(_ mesh: Mesh) {
    self.mesh = mesh
    reach = 2e-3 * (mesh.high - mesh.low).length
  }

  func hit(_ o: Lanes3, _ d: Lanes3, near: Float) -> Float8 {
    var best = Float8(repeating: .infinity)
    descend(o, d, near: near, &best, any: false)
    return best
  }

  func blocks(_ o: Lanes3, _ d: Lanes3, near: Float) -> Mask8 {
    var best = Float8(repeating: .infinity)
    descend(o, d, near: near, &best, any: true)
    return best .< Float8(repeating: .infinity)
  }

  @inline(never) private func descend(_ o: Lanes3, _ d: Lanes3, near: Float, _ best: inout Float8, any: Bool) {
    let inverse = Lanes3(1 / d.x, 1 / d.y, 1 / d.z)
    let start = Float8(repeating: near)
    mesh.tree.nodes.withUnsafeBufferPointer { nodes in
      mesh.tree.triangles.withUnsafeBufferPointer { triangles in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: TriangleTree.depth) { stack in
          var top = 1
          stack[0] = 0
          while top > 0 {
            top -= 1
            let node = nodes[Int(stack[top])]
            let (ax, bx) = ((node.low.x - o.x) * inverse.x, (node.high.x - o.x) * inverse.x)
            let (ay, by) = ((node.low.y - o.y) * inverse.y, (node.high.y - o.y) * inverse.y)
            let (az, bz) = ((node.low.z - o.z) * inverse.z, (node.high.z - o.z) * inverse.z)
            let enter = larger(larger(smaller(ax, bx), smaller(ay, by)), larger(smaller(az, bz), start))
            let leave = smaller(smaller(larger(ax, bx), larger(ay, by)), smaller(larger(az, bz), best))
            guard anyLane(enter .<= leave) else { continue }
            guard node.count > 0 else {
              (stack[top], stack[top + 1]) = (node.first, node.first + 1)
              top += 2
              continue
            }
            for j in Int(node.first)..<Int(node.first + node.count) {
              let t = Self.meet(triangles[j], o, d)
              best.replace(with: t, where: (t .> start) .& (t .< best))
            }
            if any, !anyLane(best .== Float8(repeating: .infinity)) { return }
          }
        }
      }
    }
  }

  /// Where rays meet a triangle, infinity where they do not; a hair wider than the triangle, so that no ray slips
  /// through an edge.
  ///
  /// - Source: Moeller and Trumbore 1997, "Fast, minimum storage ray/triangle intersection".
  @inline(__always)
  private static func meet(_ t: TriangleTree.Triangle, _ o: Lanes3, _ d: Lanes3) -> Float8 {
    let (a, b) = (Lanes3(t.a), Lanes3(t.b))
    let p = d.cross(b)
    let inverse = 1 / a.dot(p)
    let s = o - Lanes3(t.origin)
    let u = s.dot(p) * inverse
    let q = s.cross(a)
    let v = d.dot(q) * inverse
    let hits = (u .>= -1e-5) .& (v .>= -1e-5) .& (u + v .<= 1.00001)
    return Float8(repeating: .infinity).replacing(with: b.dot(q) * inverse, where: hits)
  }

  @inline(never) func normal(_ p: Lanes3) -> Lanes3 {
    var normals = Lanes3(.zero, .all(1), .zero)
    for lane in 0..<8 {
      guard let (j, w) = mesh.tree.nearest(p[lane], within: reach) else { continue }
      let triangle = mesh.tree.triangles[j]
      guard !mesh.normals.isEmpty else {
        normals.set(lane, triangle.a.cross(triangle.b))
        continue
      }
      let face = mesh.triangles[Int(triangle.index)]
      let (a, b, c) = (mesh.normals[Int(face.x)], mesh.normals[Int(face.y)], mesh.normals[Int(face.z)])
      normals.set(lane, a * (1 - w.x - w.y) + b * w.x + c * w.y)
    }
    return normals
  }
}
