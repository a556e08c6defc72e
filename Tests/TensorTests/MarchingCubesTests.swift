import TestSupport
import Testing

@testable import ReproTensor

@Suite("Marching cubes")
struct MarchingCubesTests {
  /// Counts each directed side; a closed surface whose triangles agree on the outside has each once, and its reverse once.
  private func expectClosed(_ mesh: TriangleMesh, _ label: String) {
    var sides: [SIMD2<Int>: Int] = [:]
    for f in 0..<mesh.faces.shape[0] {
      let v = (0..<3).map { mesh.faces.values[3 * f + $0] }
      #expect(Set(v).count == 3, "\(label): a triangle of three different vertices")
      for k in 0..<3 { sides[SIMD2(v[k], v[(k + 1) % 3]), default: 0] += 1 }
    }
    #expect(sides.allSatisfy { $0.value == 1 && sides[SIMD2($0.key.y, $0.key.x)] == 1 }, "\(label): sides in pairs")
  }

  private func sphere(_ n: Int, radius: Double) -> TriangleMesh {
    // The box [-1, 1]^3.
    let h = 2 / Double(n - 1)
    let field = Tensor([n, n, n]) { values in
      for i in 0..<values.count {
        let p = SIMD3(Double(i / (n * n)), Double(i / n % n), Double(i % n)) * h - SIMD3(1, 1, 1)
        values[i] = Real((p * p).sum().squareRoot() - radius)
      }
    }
    return marchingCubes(field, spacing: Real(h), origin: [-1, -1, -1])
  }

  @Test func aSphereHasItsAreaAndVolumeWithAnErrorOfSecondOrder() {
    let r = 0.7
    let exact = (area: 4 * Double.pi * r * r, volume: 4 / 3 * Double.pi * r * r * r)
    var errors: [(Double, Double)] = []
    for n in [17, 33] {
      let mesh = sphere(n, radius: r)
      expectClosed(mesh, "\(n)")
      let (area, volume) = (Double(mesh.area.item), Double(mesh.volume.item))
      // Flat triangles lie inside: both are too small, in proportion to the spacing squared.
      errors.append((1 - area / exact.area, 1 - volume / exact.volume))
      let vertices = mesh.vertices
      let distance: Tensor = vertices.squared().sum(-1).sqrt() - Real(r)
      #expect(Double(distance.abs().amax().item) < 1 / Double(n * n), "vertices lie on the sphere")
      #expect(vertices.shape[0] - 3 * mesh.faces.shape[0] / 2 + mesh.faces.shape[0] == 2, "Euler's number of a sphere")
    }
    // A chord, and the interpolation along it, stay within h^2 / 8 r of the sphere each: at most (h / r)^2 / 4 of the
    // radius, twice that of the area, three times that of the volume.
    let bound = (2.0 / 16 / r) * (2.0 / 16 / r) / 4
    #expect(errors[0].0 > 0 && errors[0].0 < 2 * bound && errors[0].1 > 0 && errors[0].1 < 3 * bound)
    #expect((3.2...4.8).contains(errors[0].0 / errors[1].0) && (3.2...4.8).contains(errors[0].1 / errors[1].1))
  }

  @Test func aPlaneIsExactAndFacesGreaterValues() {
    let field = Tensor([3, 4, 5], (0..<60).map { Real($0 / 20) })
    let mesh = marchingCubes(field, level: 0.25)
    #expect(mesh.vertices.slice(1, 0..<1).values.allSatisfy { $0 == 0.25 })
    #expect((mesh.area.item - 12).magnitude < 1e-4)
    let p = (0..<3).map { mesh.vertices.gathered(IndexTensor([mesh.faces.values[$0]])) }
    #expect(cross(p[1] - p[0], p[2] - p[0]).values[0] > 0, "the normal points along x, to greater values")
    #expect(marchingCubes(field, level: -1).faces.shape == [0, 3])
    #expect(marchingCubes(Tensor.zeros([1, 4, 5])).vertices.shape == [0, 3])
  }

  @Test func randomFieldsGiveClosedSurfaces() {
    for trial in 0..<6 {
      var stream = RandomStream(seed: 81).child("field", trial)
      let n = 14
      // Positive at the border, so that nothing leaves the grid; noise inside meets all patterns.
      let inner = stream.uniform([n - 2, n - 2, n - 2], -1, 1)
      var field = inner
      for axis in 0..<3 { field = (field - 2).padded(axis, before: 1, after: 1) + 2 }
      let mesh = marchingCubes(field, level: trial % 2 == 0 ? 0 : 0.4)
      expectClosed(mesh, "trial \(trial)")
      #expect(mesh.volume.item > 0)
    }
  }

  @Test func valuesThatEqualTheLevelKeepTheSurfaceClosed() {
    var stream = RandomStream(seed: 82)
    let inner = Tensor([8, 8, 8], (0..<512).map { _ in Real(stream.integer(below: 3) - 1) })
    var field = inner
    for axis in 0..<3 { field = (field - 2).padded(axis, before: 1, after: 1) + 2 }
    expectClosed(marchingCubes(field), "whole numbers")
    expectClosed(marchingCubes(field, level: 1), "level 1")
  }

  @Test func everyPatternUsesExactlyTheCrossedEdges() {
    for inside in 0..<256 {
      let pattern = CubePattern.all[inside]
      let crossed = (0..<12).filter { e in
        let (corner, axis) = CubePattern.edges[e]
        return (inside >> corner & 1) != (inside >> (corner | 1 << axis) & 1)
      }
      let used = Set(pattern.triangles.flatMap { $0 }.filter { $0 < 12 })
      #expect(used == Set(crossed), "\(inside)")
    }
    #expect(CubePattern.all[1].triangles.count == 1 && CubePattern.all[254].triangles.count == 1)
    #expect(CubePattern.all[0].triangles.isEmpty && CubePattern.all[255].triangles.isEmpty)
    #expect(CubePattern.all[0b1111].triangles.count == 2)
    // Two opposite corners outside: each is cut off by itself.
    #expect(CubePattern.all[0b0111_1110].triangles.count == 2)
  }

  @Test func areaAndVolumeHaveGradients() {
    // A tetrahedron: half the area of three unit squares and sqrt(3) / 2, a sixth of a cube.
    let faces = IndexTensor([4, 3], [0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3])
    let vertices = Tensor([4, 3], [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    let mesh = TriangleMesh(vertices: vertices, faces: faces)
    #expect((mesh.area.item - 1.5 - Real(3).squareRoot() / 2).magnitude < 1e-6)
    #expect((mesh.volume.item - 1.0 / 6).magnitude < 1e-6)
    for value in [\TriangleMesh.area, \.volume] {
      expectGradient(of: { TriangleMesh(vertices: $0[0], faces: faces)[keyPath: value] }, at: [vertices])
      expectSecondOrder(of: { TriangleMesh(vertices: $0[0], faces: faces)[keyPath: value] }, at: [vertices])
    }
  }
}

extension Mistake {
  static let meshes: [Mistake] = [
    Mistake("a mesh needs vertices [V, 3] and faces [F, 3], got [4, 2] and [1, 3]") {
      TriangleMesh(vertices: t(4, 2), faces: IndexTensor([1, 3], [0, 1, 2]))
    },
    Mistake("marchingCubes needs a field [X, Y, Z] and an origin of 3, got [4, 4]") { marchingCubes(t(4, 4)) },
  ]
}
