import ReproConfig

/// Object File Format: vertices and polygons as text, as in ModelNet.
///
/// `OFF`, `COFF` (colours) and `NOFF` (normals) are read; colours are passed over. ModelNet's slip of writing the
/// counts into the first line (`OFF490 518 0`) is understood. Source: the OFF description of Geomview.
public enum OFFFile {
  /// - Throws: `ReproError` with the line of a value that is no number, of counts that the file cannot hold, or of a
  ///   polygon with a corner that does not exist.
  public static func read(_ bytes: [UInt8], file: String) throws -> SurfaceMesh {
    var cursor = TextCursor(bytes, file: file)
    guard cursor.advanceToWords(), let first = cursor.word() else {
      throw cursor.error("the file is empty", expected: "OFF")
    }
    let letters = String(decoding: bytes[first].prefix { $0 >= UInt8(ascii: "A") }, as: UTF8.self)
    guard ["OFF", "COFF", "NOFF"].contains(letters) else {
      throw cursor.error("this is not an OFF file: '\(clipped(cursor.text(first)))'", expected: "OFF")
    }
    let glued = first.lowerBound + letters.utf8.count
    if glued < first.upperBound {
      cursor = TextCursor(bytes, file: file, at: glued, afterLine: cursor.line - 1)
      _ = cursor.advance()
    } else if cursor.isAtLineEnd() || bytes[cursor.position] == UInt8(ascii: "#"), !cursor.advanceToWords() {
      throw cursor.error("the file ends", expected: "the counts of vertices and polygons")
    }
    // A vertex takes six bytes of text at least, a polygon eight.
    let vertices = try cursor.integer("the count of vertices", in: 0...bytes.count / 6)
    let polygons = try cursor.integer("the count of polygons", in: 0...bytes.count / 8)
    var mesh = SurfaceMesh(positions: [], triangles: [])
    mesh.positions.reserveCapacity(3 * vertices)
    for _ in 0..<vertices {
      guard cursor.advanceToWords() else { throw cursor.error("the file ends", expected: "\(vertices) vertices") }
      for axis in ["x", "y", "z"] { mesh.positions.append(try cursor.float(axis)) }
      if letters == "NOFF" { for axis in ["nx", "ny", "nz"] { mesh.normals.append(try cursor.float(axis)) } }
    }
    for _ in 0..<polygons {
      guard cursor.advanceToWords() else { throw cursor.error("the file ends", expected: "\(polygons) polygons") }
      let size = try cursor.integer("the count of corners", in: 1...bytes.count)
      var corners: [Int32] = []
      for _ in 0..<size {
        corners.append(Int32(try cursor.integer("a corner", in: 0...max(0, min(vertices, Int(Int32.max)) - 1))))
      }
      guard vertices > 0 else { throw cursor.error("a polygon without vertices") }
      mesh.triangles += SurfaceMesh.fans([Int32(size)], corners)
    }
    return mesh
  }

  /// The text of a file; normals and texture coordinates are left out.
  public static func text(_ mesh: SurfaceMesh) -> String {
    var lines = ["OFF", "\(mesh.vertexCount) \(mesh.triangleCount) 0"]
    for i in 0..<mesh.vertexCount {
      lines.append(mesh.positions[3 * i..<3 * i + 3].map { "\($0)" }.joined(separator: " "))
    }
    for t in 0..<mesh.triangleCount {
      lines.append("3 " + mesh.triangles[3 * t..<3 * t + 3].map { "\($0)" }.joined(separator: " "))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
