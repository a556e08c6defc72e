import ReproConfig
import ReproTensor

/// A PLY file: elements (vertices, faces, ...) with named properties; text, or binary of either byte order.
///
/// - Source: Turk 1994, "The PLY polygon file format".
public struct PLYFile: Sendable, Equatable {
  public var elements: [Element]

  public struct Element: Sendable, Equatable {
    public var name: String
    public var count: Int
    public var properties: [Property]

    public subscript(_ name: String) -> Property? { properties.first { $0.name == name } }
  }

  public struct Property: Sendable, Equatable {
    public var name: String
    /// The numbers of each row if it is a list; nil for one number a row.
    public var lengths: [Int32]?
    /// All numbers, row after row.
    public var values: [Double]
  }

  enum Scalar: Int {
    case int8, uint8, int16, uint16, int32, uint32, float, double

    init?(_ name: String) {
      switch name {
      case "char", "int8": self = .int8
      case "uchar", "uint8": self = .uint8
      case "short", "int16": self = .int16
      case "ushort", "uint16": self = .uint16
      case "int", "int32": self = .int32
      case "uint", "uint32": self = .uint32
      case "float", "float32": self = .float
      case "double", "float64": self = .double
      default: return nil
      }
    }

    var size: Int { [1, 1, 2, 2, 4, 4, 4, 8][rawValue] }
  }

  struct Declaration {
    var name: String
    /// The type of a list's length; nil for one number a row.
    var length: Scalar?
    var value: Scalar
  }

  struct Header {
    enum Coding { case text, little, big }
    var coding: Coding
    var elements: [(name: String, count: Int, properties: [Declaration])] = []
    var end = 0
    var lines = 0
  }

  public subscript(_ name: String) -> Element? { elements.first { $0.name == name } }

  /// - Throws: `ReproError` with the line or byte of what is wrong: the header, counts that the file cannot hold, a
  ///   negative length of a list, a number that is not finite, an end before all rows.
  public init(_ bytes: [UInt8], file: String) throws {
    let header = try PLYFile.header(bytes, file)
    elements = []
    if header.coding == .text {
      var cursor = TextCursor(bytes, file: file, at: header.end, afterLine: header.lines)
      for element in header.elements { elements.append(try PLYFile.text(element, &cursor)) }
      return
    }
    elements = try bytes.withUnsafeBytes { raw in
      var reader = try ByteReader(raw, file: file, at: header.end)
      return try header.elements.map { try PLYFile.binary($0, header.coding == .little, &reader) }
    }
  }

  private static func header(_ bytes: [UInt8], _ file: String) throws -> Header {
    var cursor = TextCursor(bytes, file: file)
    guard cursor.advance(), cursor.skip("ply") else {
      throw ReproError(.data, at: file, found: "this is not a PLY file", expected: "ply in line 1")
    }
    var header: Header?
    while cursor.advanceToWords(comment: nil) {
      guard let word = cursor.word() else { continue }
      switch (cursor.text(word), header) {
      case ("comment", _), ("obj_info", _): continue
      case ("format", nil):
        let name = cursor.text(try cursor.requiredWord("the format"))
        let codings: [String: Header.Coding] = [
          "ascii": .text, "binary_little_endian": .little, "binary_big_endian": .big,
        ]
        guard let coding = codings[name], cursor.skip("1.0") else {
          throw cursor.error("format '\(clipped(name))'", expected: "ascii or binary_little_endian or _big_endian 1.0")
        }
        header = Header(coding: coding)
      case ("element", .some):
        let name = cursor.text(try cursor.requiredWord("the element's name"))
        // Every row takes a byte at least.
        let count = try cursor.integer("the count of \(clipped(name))", in: 0...bytes.count)
        header?.elements.append((name, count, []))
      case ("property", .some(let so)) where !so.elements.isEmpty:
        header?.elements[so.elements.count - 1].properties.append(try declaration(&cursor))
      case ("end_header", .some(var done)):
        (done.end, done.lines) = (cursor.nextLineOffset, cursor.line)
        for element in done.elements where element.properties.isEmpty && element.count > 0 {
          throw cursor.error("element '\(clipped(element.name))' has rows but no properties")
        }
        return done
      default: throw cursor.error("'\(clipped(cursor.text(word)))' in the header")
      }
    }
    throw cursor.error("the file ends in its header", expected: "end_header")
  }

  private static func declaration(_ cursor: inout TextCursor) throws -> Declaration {
    func scalar(_ cursor: inout TextCursor) throws -> Scalar {
      let word = cursor.text(try cursor.requiredWord("a type"))
      guard let type = Scalar(word) else { throw cursor.error("type '\(clipped(word))'", expected: "float, int, ...") }
      return type
    }
    if cursor.skip("list") {
      let length = try scalar(&cursor)
      guard length != .float, length != .double else { throw cursor.error("a list whose length is no integer") }
      let value = try scalar(&cursor)
      return Declaration(name: cursor.text(try cursor.requiredWord("a name")), length: length, value: value)
    }
    let value = try scalar(&cursor)
    return Declaration(name: cursor.text(try cursor.requiredWord("a name")), length: nil, value: value)
  }

  private static func text(
    _ element: (name: String, count: Int, properties: [Declaration]), _ cursor: inout TextCursor
  ) throws -> Element {
    var properties = element.properties.map {
      Property(name: $0.name, lengths: $0.length == nil ? nil : [], values: [])
    }
    for _ in 0..<element.count {
      guard cursor.advanceToWords(comment: nil) else {
        throw cursor.error("the file ends", expected: "\(element.count) rows of \(clipped(element.name))")
      }
      for k in properties.indices {
        var count = 1
        if element.properties[k].length != nil {
          count = try cursor.integer("the length of \(properties[k].name)", in: 0...cursor.bytes.count)
          properties[k].lengths?.append(Int32(clamping: count))
        }
        for _ in 0..<count { properties[k].values.append(try cursor.double(properties[k].name)) }
      }
    }
    return Element(name: element.name, count: element.count, properties: properties)
  }

  private static func binary(
    _ element: (name: String, count: Int, properties: [Declaration]), _ isLittle: Bool, _ reader: inout ByteReader
  ) throws -> Element {
    var properties = element.properties.map {
      Property(name: $0.name, lengths: $0.length == nil ? nil : [], values: [])
    }
    let smallest = element.properties.reduce(0) { $0 + ($1.length ?? $1.value).size }
    guard element.count <= reader.remaining / max(1, smallest) else {
      throw reader.error(
        "\(reader.remaining) bytes",
        expected: "\(element.count) rows of \(clipped(element.name)), \(smallest) bytes each")
    }
    for _ in 0..<element.count {
      for (k, declaration) in element.properties.enumerated() {
        var count = 1
        if let length = declaration.length {
          let at = reader.offset
          let value = try number(length, isLittle, &reader)
          guard value >= 0, Int(value) <= reader.remaining / declaration.value.size else {
            throw reader.error("a list of \(value) numbers", expected: "as many as the file holds", at: at)
          }
          count = Int(value)
          properties[k].lengths?.append(Int32(count))
        }
        for _ in 0..<count {
          let at = reader.offset
          let value = try number(declaration.value, isLittle, &reader)
          guard value.isFinite else {
            throw reader.error("\(declaration.name) is \(value)", expected: "a number", at: at)
          }
          properties[k].values.append(value)
        }
      }
    }
    return Element(name: element.name, count: element.count, properties: properties)
  }

  private static func number(_ type: Scalar, _ isLittle: Bool, _ reader: inout ByteReader) throws -> Double {
    let bits = isLittle ? try reader.little(type.size, "a number") : try reader.big(type.size, "a number")
    switch type {
    case .int8: return Double(Int8(truncatingIfNeeded: bits))
    case .uint8, .uint16, .uint32: return Double(bits)
    case .int16: return Double(Int16(truncatingIfNeeded: bits))
    case .int32: return Double(Int32(truncatingIfNeeded: bits))
    case .float: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .double: return Double(bitPattern: bits)
    }
  }

  /// The vertices `x y z`, `[N, 3]`.
  public func points(file: String) throws -> [Float] { try vertices(["x", "y", "z"], file: file) }

  private func vertices(_ names: [String], file: String) throws -> [Float] {
    guard let vertex = self["vertex"] else { throw ReproError.data(file, "there is no element 'vertex'") }
    let columns = try names.map { name -> [Double] in
      guard let property = vertex[name], property.lengths == nil else {
        throw ReproError.data(file, "the vertices have no '\(name)'")
      }
      return property.values
    }
    return (0..<vertex.count).flatMap { i in columns.map { Float($0[i]) } }
  }

  /// Vertices and faces as triangles, with normals (`nx ny nz`) and texture coordinates (`s t` or `u v`) where they
  /// are.
  public func mesh(file: String) throws -> SurfaceMesh {
    let positions = try points(file: file)
    guard let vertex = self["vertex"], let face = self["face"],
      let list = face["vertex_indices"] ?? face["vertex_index"], let lengths = list.lengths
    else { throw ReproError.data(file, "there are no faces", expected: "an element 'face' with 'vertex_indices'") }
    guard list.values.allSatisfy({ $0 >= 0 && $0 < Double(vertex.count) && $0 == $0.rounded() }) else {
      throw ReproError.data(file, "a face has a corner that does not exist", expected: "0 to \(vertex.count - 1)")
    }
    let normals = vertex["nx"] == nil ? [] : try vertices(["nx", "ny", "nz"], file: file)
    let uv = vertex["s"] != nil ? ["s", "t"] : vertex["u"] != nil ? ["u", "v"] : []
    return SurfaceMesh(
      positions: positions, triangles: SurfaceMesh.fans(lengths, list.values.map { Int32($0) }), normals: normals,
      uv: uv.isEmpty ? [] : try vertices(uv, file: file))
  }
}
