import Glibc
import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// A cube of edge 2 around the origin, as an OBJ file with quads.
private let cubeOBJ = """
  # a cube
  mtllib cube.mtl
  v -1 -1 -1
  v 1 -1 -1
  v 1 1 -1
  v -1 1 -1
  v -1 -1 1
  v 1 -1 1
  v 1 1 1
  v -1 1 1
  vt 0 0
  vt 1 0
  vt 1 1
  vt 0 1
  vn 0 0 -1
  usemtl red
  f 4/1/1 3/2/1 2/3/1 1/4/1
  f 5/1/-1 6/2/-1 7/3/-1 8/4/-1
  f 1/1/1 2/2/1 6/3/1 5/4/1
  usemtl blue
  f 3/1/1 4/2/1 8/3/1 7/4/1
  f 2/1/1 3/2/1 7/3/1 6/4/1
  f -8/1/1 -4/4/1 -1/3/1 -5/2/1

  """

@Suite struct TriangleMeshTests {
  @Test("A cube has the area, volume, box and normals of a cube")
  func theCubeIsACube() throws {
    let file = try OBJFile(Array(cubeOBJ.utf8), file: "cube.obj")
    let mesh = file.mesh
    #expect(mesh.vertexCount == 8 && mesh.triangleCount == 12)
    #expect(abs(mesh.area - 24) < 1e-5 && abs(mesh.volume - 8) < 1e-5)
    #expect(mesh.bounds.low == SIMD3(-1, -1, -1) && mesh.bounds.high == SIMD3(1, 1, 1))
    let unit = mesh.normalized()
    #expect(abs(unit.volume - 8 / pow(3.0, 1.5)) < 1e-5)
    // Along the diagonals, but for the triangles that the quads are cut into.
    for (i, n) in mesh.smoothNormals.enumerated() { #expect(n * mesh.positions[i] > 0) }
  }

  @Test("Points are drawn from the faces by area, with the normals of their faces")
  func pointsLieOnTheFaces() throws {
    let mesh = try OBJFile(Array(cubeOBJ.utf8), file: "cube.obj").mesh
    var stream = RandomStream(seed: 1).child("points")
    let (points, normals) = mesh.sampled(6000, &stream)
    var counts = [Int](repeating: 0, count: 6)
    for i in 0..<6000 {
      let (p, n) = (points[3 * i..<3 * i + 3], normals[3 * i..<3 * i + 3])
      guard let axis = n.firstIndex(where: { abs($0) > 0.999 }) else {
        Issue.record("normal \(Array(n))")
        continue
      }
      let k = axis - n.startIndex
      #expect(abs(p[p.startIndex + k] - n[axis]) < 1e-5 && p.allSatisfy { abs($0) <= 1.00001 })
      counts[2 * k + (n[axis] > 0 ? 1 : 0)] += 1
    }
    // Binomial with p = 1/6: five deviations of 29.
    #expect(counts.allSatisfy { abs($0 - 1000) < 145 })
  }
}

@Suite struct OBJTests {
  @Test("Materials, negative references and texture points are read; a vertex is made for each combination")
  func everythingIsRead() throws {
    let file = try OBJFile(Array(cubeOBJ.utf8), file: "cube.obj")
    #expect(file.sizes == [4, 4, 4, 4, 4, 4] && file.materials == ["red", "blue"] && file.libraries == ["cube.mtl"])
    #expect(file.polygonMaterials == [0, 0, 0, 1, 1, 1])
    #expect(file.corners[4] == OBJFile.Corner(position: 4, uv: 0, normal: 0))
    #expect(file.corners[20].position == 0 && file.corners[21].position == 4)
    let mesh = file.texturedMesh
    #expect(
      mesh.triangleCount == 12 && mesh.uv.count == 2 * mesh.vertexCount && mesh.normals.count == 3 * mesh.vertexCount)
    #expect(abs(mesh.volume - 8) < 1e-5)
    let materials = try MTLMaterial.read(
      Array("newmtl red\nKd 1 0 0\nNs 10\nTr 0.25\nmap_Kd -s 1 1 1 a.png\nnewmtl grey\nKd 0.5\n".utf8), file: "a.mtl")
    #expect(materials.map(\.name) == ["red", "grey"])
    #expect(materials[0].diffuse == SIMD3(1, 0, 0) && materials[0].opacity == 0.75)
    #expect(materials[0].diffuseMap == "a.png" && materials[1].diffuse == SIMD3(repeating: 0.5))
  }

  @Test("Wrong files say their line")
  func wrongFilesSayWhere() {
    func message(_ text: String) -> String? {
      reproError { _ = try OBJFile(Array(text.utf8), file: "a.obj").texturedMesh }?.description
    }
    #expect(message("v 0 0 zero") == "a.obj:1: 'zero' as z, expected a number")
    #expect(message("v 0 0") == "a.obj:1: the line ends, expected z")
    #expect(message("v 0 0 nan") == "a.obj:1: 'nan' as z, expected a number")
    #expect(message("v 0 0 0\nf 1 1 2\n") == "a.obj:2: vertex 2, expected 1 to 1")
    #expect(message("v 0 0 0\nf 1 1 0\n") == "a.obj:2: vertex 0, expected 1 to 1")
    #expect(message("v 0 0 0\nf 1 1 -2\n") == "a.obj:2: vertex -2, expected 1 to 1")
    #expect(message("v 0 0 0\nf 1/1 1/1 1/1\n") == "a.obj:2: texture point 1, expected none, there are none")
    #expect(message("v 0 0 0\nf 1 1\n") == "a.obj:2: a polygon of 2 corners, expected at least 3")
    #expect(
      reproError { _ = try MTLMaterial.read(Array("Kd 1 1 1".utf8), file: "a.mtl") }?.description
        == "a.mtl:1: a property before the first newmtl")
    damage(Array(cubeOBJ.utf8)) { _ = try OBJFile($0, file: "a.obj").texturedMesh }
  }
}

@Suite struct OFFTests {
  @Test("Files are read, with ModelNet's slip too, and written")
  func filesAreRead() throws {
    let cube = try OBJFile(Array(cubeOBJ.utf8), file: "cube.obj").mesh
    let text = OFFFile.text(cube)
    #expect(try OFFFile.read(Array(text.utf8), file: "a.off") == cube)
    let glued = text.replacing("OFF\n8", with: "OFF8")
    #expect(try OFFFile.read(Array(glued.utf8), file: "a.off") == cube)
    let quad = try OFFFile.read(
      Array("COFF # c\n4 1 0\n0 0 0 255 0 0\n1 0 0\n1 1 0\n0 1 0\n\n4 0 1 2 3 1 0 0\n".utf8), file: "a.off")
    #expect(quad.triangles == [0, 1, 2, 0, 2, 3] && abs(quad.area - 1) < 1e-6)
  }

  @Test("Wrong files say their line, and counts are held against the file")
  func wrongFilesSayWhere() throws {
    func message(_ text: String) -> String? {
      reproError { _ = try OFFFile.read(Array(text.utf8), file: "a.off") }?.description
    }
    #expect(message("") == "a.off:1: the file is empty, expected OFF")
    #expect(message("PLY") == "a.off:1: this is not an OFF file: 'PLY', expected OFF")
    #expect(
      message("OFF\n999999999999 1 0\n0 0 0\n")
        == "a.off:2: the count of vertices is 999999999999, expected 0 to 4")
    #expect(message("OFF\n1 1 0\n0 0 0\n3 0 0 1\n") == "a.off:4: a corner is 1, expected 0 to 0")
    #expect(message("OFF\n2 0 0\n0 0 0\n") == "a.off:3: the file ends, expected 2 vertices")
    let cube = OFFFile.text(try OBJFile(Array(cubeOBJ.utf8), file: "cube.obj").mesh)
    damage(Array(cube.utf8)) { _ = try OFFFile.read($0, file: "a.off") }
  }
}

@Suite struct PLYTests {
  private let header = """
    ply
    format ascii 1.0
    comment made for a test
    element vertex 4
    property float x
    property float y
    property double z
    property uchar red
    element face 2
    property list uchar int vertex_indices
    end_header

    """
  private let text = "0 0 0 1\n1 0 0 2\n1 1 0.5 3\n0 1 0 255\n3 0 1 2\n4 0 1 2 3\n"

  /// The same rows in binary.
  private func binary(isLittle: Bool) -> [UInt8] {
    var bytes = Array(header.replacing("ascii", with: "binary_\(isLittle ? "little" : "big")_endian").utf8)
    func put<T: FixedWidthInteger>(_ value: T) {
      withUnsafeBytes(of: isLittle ? value.littleEndian : value.bigEndian) { bytes += $0 }
    }
    for (x, y, z, red) in [(0, 0, 0, 1), (1, 0, 0, 2), (1, 1, 0.5, 3), (0, 1, 0, 255)]
      as [(Float, Float, Double, UInt8)]
    {
      put(x.bitPattern)
      put(y.bitPattern)
      put(z.bitPattern)
      put(red)
    }
    for face in [[0, 1, 2], [0, 1, 2, 3]] as [[Int32]] {
      put(UInt8(face.count))
      face.forEach { put($0) }
    }
    return bytes
  }

  @Test("Text and both byte orders give the same mesh")
  func allCodingsAgree() throws {
    let file = try PLYFile(Array((header + text).utf8), file: "a.ply")
    #expect(file["vertex"]?["red"]?.values == [1, 2, 3, 255])
    #expect(file["face"]?["vertex_indices"]?.lengths == [3, 4])
    let mesh = try file.mesh(file: "a.ply")
    #expect(mesh.triangles == [0, 1, 2, 0, 1, 2, 0, 2, 3] && mesh.positions[8] == 0.5)
    for isLittle in [true, false] { #expect(try PLYFile(binary(isLittle: isLittle), file: "a.ply") == file) }
  }

  @Test("Wrong files say their line or byte, and counts are held against the file")
  func wrongFilesSayWhere() {
    func message(_ bytes: [UInt8]) -> String? {
      reproError { _ = try PLYFile(bytes, file: "a.ply").mesh(file: "a.ply") }?.description
    }
    let whole = header + text
    func changed(_ old: String, _ new: String) -> [UInt8] { Array(whole.replacing(old, with: new).utf8) }
    #expect(message(changed("ply\nformat", "plx\nformat")) == "a.ply: this is not a PLY file, expected ply in line 1")
    #expect(
      message(changed("vertex 4", "vertex 1000000000000"))
        == "a.ply:4: the count of vertex is 1000000000000, expected 0 to \(whole.utf8.count + 12)")
    #expect(message(changed("vertex 4", "vertex 9")) == "a.ply:17: the file ends, expected 9 rows of vertex")
    #expect(message(changed("0.5 3", "nan 3")) == "a.ply:14: 'nan' as z, expected a number")
    #expect(
      message(changed("3 0 1 2\n", "3 0 1 7\n")) == "a.ply: a face has a corner that does not exist, expected 0 to 3")
    #expect(message(changed("property float x\n", "")) == "a.ply: the vertices have no 'x'")
    var liar = binary(isLittle: true)
    let at = liar.count - 17
    liar[at] = 200
    #expect(message(liar)?.hasPrefix("a.ply at byte \(at): a list of 200.0 numbers") == true)
    damage(Array(whole.utf8)) { _ = try PLYFile($0, file: "a.ply").mesh(file: "a.ply") }
    damage(binary(isLittle: true)) { _ = try PLYFile($0, file: "a.ply").mesh(file: "a.ply") }
    damage(binary(isLittle: false)) { _ = try PLYFile($0, file: "a.ply").mesh(file: "a.ply") }
  }
}

@Suite struct BinvoxTests {
  @Test("Runs are unpacked in the order x, z, y, and written back")
  func runsAreUnpacked() throws {
    // Filled: (0, 0, 0) and (1, 1, 0), in the file's order cells 0 and 4 + 0 + 1.
    let runs: [UInt8] = [1, 1, 0, 4, 1, 1, 0, 2]
    let bytes = Array("#binvox 1\ndim 2 2 2\ntranslate -1 0 0.5\nscale 2\ndata\n".utf8) + runs
    let grid = try BinvoxGrid(bytes, file: "a.binvox")
    #expect(grid.side == 2 && grid.scale == 2 && grid.translation == SIMD3(-1, 0, 0.5))
    #expect(grid.cells == [1, 0, 0, 0, 0, 0, 1, 0])
    #expect(try BinvoxGrid(grid.bytes, file: "a.binvox") == grid)
    damage(bytes) { _ = try BinvoxGrid($0, file: "a.binvox") }
  }

  @Test("Wrong grids say where, and a claim of a terabyte makes no room")
  func wrongGridsSayWhere() {
    func message(_ dim: String, _ runs: [UInt8]) -> String? {
      reproError { _ = try BinvoxGrid(Array("#binvox 1\ndim \(dim)\ndata\n".utf8) + runs, file: "a") }?.description
    }
    #expect(message("4096 4096 4096", [0, 255]) == "a at byte 34: 2 bytes of runs, expected 68719476736 cells")
    #expect(message("2 2 3", []) == "a:2: a grid of [2, 2, 3], expected a cube")
    #expect(message("2 2 2", [2, 8]) == "a at byte 25: a run of 8 cells of value 2, expected 0 or 1, within the grid")
    #expect(message("2 2 2", [1, 7]) == "a at byte 27: 7 cells, 0 bytes left, expected 8 cells")
  }
}

@Suite struct BVHTests {
  private let good = """
    HIERARCHY
    ROOT hip
    {
      OFFSET 0 1 0
      CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
      JOINT knee
      {
        OFFSET 0 2 0
        CHANNELS 1 Zrotation
        End Site
        {
          OFFSET 0 3 0
        }
      }
    }
    MOTION
    Frames: 2
    Frame Time: 0.5
    0 0 0 0 0 0 0
    1 0 0 90 0 0 90

    """

  @Test("Forward kinematics turns a chain as a hand would")
  func chainsAreTurned() throws {
    let motion = try BVHMotion(Array(good.utf8), file: "a.bvh")
    #expect(motion.joints.map(\.name) == ["hip", "knee", "knee end"] && motion.joints.map(\.parent) == [-1, 0, 1])
    #expect(motion.channels == 7 && motion.frames == 2 && motion.frameTime == 0.5 && motion.joints[2].isEnd)
    #expect(motion.positions(frame: 0) == [0, 1, 0, 0, 3, 0, 0, 6, 0])
    // Turned by 90 degrees about z, up becomes left; by another 90, down.
    let expected: [Float] = [1, 1, 0, -1, 1, 0, -1, -2, 0]
    for (x, y) in zip(motion.positions(frame: 1), expected) { #expect(abs(x - y) < 1e-5) }
  }

  @Test("Wrong motions say their line, counts are held against the file, nesting is bounded")
  func wrongMotionsSayWhere() {
    func message(_ old: String, _ new: String) -> String? {
      reproError { _ = try BVHMotion(Array(good.replacing(old, with: new).utf8), file: "a.bvh") }?.description
    }
    #expect(message("HIERARCHY", "HIER") == "a.bvh:1: this is not a BVH file, expected HIERARCHY")
    #expect(
      message("Frames: 2", "Frames: 1000000000") == "a.bvh:17: the count of frames is 1000000000, expected 0 to 20")
    #expect(message("Frames: 2", "Frames: 3") == "a.bvh:20: the file ends after 2 frames, expected 3")
    #expect(message("1 0 0 90", "1 0 0 x") == "a.bvh:20: 'x' as channel 4, expected a number")
    #expect(message("1 0 0 90", "1 0 0 4 90") == "a.bvh:20: more than 7 values in frame 2")
    #expect(
      message("1 Zrotation", "1 Wrotation")
        == "a.bvh:9: channel 'Wrotation', expected each of Xposition to Zrotation at most once")
    let deep = "HIERARCHY\nROOT r\n{\n" + String(repeating: "JOINT j\n{\n", count: 100_000)
    #expect(
      reproError { _ = try BVHMotion(Array(deep.utf8), file: "a.bvh") }?.found == "joints nested deeper than 128")
    damage(Array(good.utf8)) { _ = try BVHMotion($0, file: "a.bvh") }
  }
}
