import ReproConfig

/// A Wavefront OBJ file: vertices, texture coordinates, normals and polygons.
///
/// Lines, curves, groups and smoothing are passed over. Source: Wavefront Technologies 1992, "Object files (.obj)".
public struct OBJFile: Sendable, Equatable {
  /// x, y, z of each `v`.
  public var positions: [Float] = []
  /// u, v of each `vt`.
  public var uv: [Float] = []
  /// x, y, z of each `vn`.
  public var normals: [Float] = []
  /// The corners of each polygon, 3 or more.
  public var sizes: [Int32] = []
  /// The corners of all polygons, one after the other.
  public var corners: [Corner] = []
  /// The place in `materials` of each polygon's material, -1 for none.
  public var polygonMaterials: [Int32] = []
  /// The materials named by `usemtl`, in order of appearance.
  public var materials: [String] = []
  /// The files named by `mtllib`.
  public var libraries: [String] = []

  /// Places in `positions`, `uv` and `normals`; -1 for none.
  public struct Corner: Sendable, Hashable {
    public var position, uv, normal: Int32
  }

  /// - Throws: `ReproError` with the line of a value that is no number, or of a polygon with fewer than three corners
  ///   or with a corner that does not exist.
  public init(_ bytes: [UInt8], file: String) throws {
    var cursor = TextCursor(bytes, file: file)
    var material: Int32 = -1
    while cursor.advanceToWords() {
      guard let key = cursor.word() else { continue }
      if cursor.matches(key, "v") {
        for axis in ["x", "y", "z"] { positions.append(try cursor.float(axis)) }
      } else if cursor.matches(key, "vt") {
        uv.append(try cursor.float("u"))
        uv.append(cursor.isAtLineEnd() ? 0 : try cursor.float("v"))
      } else if cursor.matches(key, "vn") {
        for axis in ["x", "y", "z"] { normals.append(try cursor.float(axis)) }
      } else if cursor.matches(key, "f") {
        try polygon(&cursor)
        polygonMaterials.append(material)
      } else if cursor.matches(key, "usemtl") {
        let name = OBJFile.trimmed(cursor)
        if !materials.contains(name) { materials.append(name) }
        material = Int32(materials.firstIndex(of: name) ?? 0)
      } else if cursor.matches(key, "mtllib") {
        libraries.append(OBJFile.trimmed(cursor))
      }
    }
  }

  static func trimmed(_ cursor: TextCursor) -> String {
    let rest = cursor.bytes[cursor.rest].drop { $0 == 0x20 || $0 == 0x09 }
    return String(decoding: rest.prefix(rest.count - rest.reversed().prefix { $0 == 0x20 }.count), as: UTF8.self)
  }

  private mutating func polygon(_ cursor: inout TextCursor) throws {
    var size: Int32 = 0
    while let word = cursor.word() {
      var corner = Corner(position: -1, uv: -1, normal: -1)
      var start = word.lowerBound
      for part in 0..<3 {
        var end = start
        while end < word.upperBound, cursor.bytes[end] != UInt8(ascii: "/") { end += 1 }
        if end > start || part == 0 {
          let count = [positions.count / 3, uv.count / 2, normals.count / 3][part]
          let place = try OBJFile.place(cursor, start..<end, count, ["vertex", "texture point", "normal"][part])
          if part == 0 {
            corner.position = place
          } else if part == 1 {
            corner.uv = place
          } else {
            corner.normal = place
          }
        }
        guard end < word.upperBound else { break }
        start = end + 1
      }
      corners.append(corner)
      size += 1
    }
    guard size >= 3 else { throw cursor.error("a polygon of \(size) corners", expected: "at least 3") }
    sizes.append(size)
  }

  /// A reference counts from 1, or backwards from the last if it is negative; to what stands above it in the file.
  private static func place(_ cursor: TextCursor, _ range: Range<Int>, _ count: Int, _ what: String) throws -> Int32 {
    guard let value = Numeral.integer(cursor.bytes, range) else {
      throw cursor.error("'\(clipped(cursor.text(range)))' as a \(what)", expected: "an integer")
    }
    let place = value < 0 ? count + value : value - 1
    guard value != 0, place >= 0, place < count, count <= Int32.max else {
      throw cursor.error("\(what) \(value)", expected: count == 0 ? "none, there are none" : "1 to \(count)")
    }
    return Int32(place)
  }

  /// The triangles over the file's own vertices; texture coordinates and normals are left out.
  public var mesh: SurfaceMesh {
    SurfaceMesh(positions: positions, triangles: SurfaceMesh.fans(sizes, corners.map(\.position)))
  }

  /// The triangles with texture coordinates and normals: a vertex for each combination that occurs.
  ///
  /// Normals are kept if every corner has one, texture coordinates likewise.
  public var texturedMesh: SurfaceMesh {
    let hasUV = !corners.isEmpty && corners.allSatisfy { $0.uv >= 0 }
    let hasNormals = !corners.isEmpty && corners.allSatisfy { $0.normal >= 0 }
    var places: [Corner: Int32] = [:]
    var mesh = SurfaceMesh(positions: [], triangles: [])
    let indices = corners.map { corner -> Int32 in
      let key = Corner(
        position: corner.position, uv: hasUV ? corner.uv : -1, normal: hasNormals ? corner.normal : -1)
      if let place = places[key] { return place }
      let place = Int32(mesh.positions.count / 3)
      places[key] = place
      let (p, t, n) = (3 * Int(key.position), 2 * Int(key.uv), 3 * Int(key.normal))
      mesh.positions += positions[p..<p + 3]
      if hasUV { mesh.uv += uv[t..<t + 2] }
      if hasNormals { mesh.normals += normals[n..<n + 3] }
      return place
    }
    mesh.triangles = SurfaceMesh.fans(sizes, indices)
    return mesh
  }
}

/// A material of a Wavefront MTL file.
public struct MTLMaterial: Sendable, Equatable {
  public var name: String
  /// Colours, red, green, blue in 0...1.
  public var ambient: SIMD3<Float> = .zero
  public var diffuse: SIMD3<Float> = SIMD3(repeating: 0.8)
  public var specular: SIMD3<Float> = .zero
  /// The exponent of the highlight.
  public var shininess: Float = 0
  /// 1 is opaque.
  public var opacity: Float = 1
  /// The image of the diffuse colour, as the file spells it; nil for none.
  public var diffuseMap: String?

  /// The materials of a file, in order.
  ///
  /// - Throws: `ReproError` with the line of a value that is no number, or of a property before the first material.
  public static func read(_ bytes: [UInt8], file: String) throws -> [MTLMaterial] {
    var cursor = TextCursor(bytes, file: file)
    var materials: [MTLMaterial] = []
    while cursor.advanceToWords() {
      guard let key = cursor.word() else { continue }
      if cursor.matches(key, "newmtl") {
        materials.append(MTLMaterial(name: OBJFile.trimmed(cursor)))
        continue
      }
      guard var material = materials.popLast() else { throw cursor.error("a property before the first newmtl") }
      switch cursor.text(key) {
      case "Ka": material.ambient = try color(&cursor)
      case "Kd": material.diffuse = try color(&cursor)
      case "Ks": material.specular = try color(&cursor)
      case "Ns": material.shininess = try cursor.float("Ns")
      case "d": material.opacity = try cursor.float("d")
      case "Tr": material.opacity = 1 - (try cursor.float("Tr"))
      case "map_Kd":
        // Options such as `-s 1 1 1` come first; the file's name is last.
        var last: Range<Int>?
        while let word = cursor.word() { last = word }
        material.diffuseMap = last.map(cursor.text)
      default: break
      }
      materials.append(material)
    }
    return materials
  }

  private static func color(_ cursor: inout TextCursor) throws -> SIMD3<Float> {
    let red = try cursor.float("red")
    // One number is a grey.
    if cursor.isAtLineEnd() { return SIMD3(repeating: red) }
    return SIMD3(red, try cursor.float("green"), try cursor.float("blue"))
  }
}
