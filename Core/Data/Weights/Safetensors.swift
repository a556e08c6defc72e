import ReproConfig
import ReproTensor

/// The safetensors format: eight bytes of length, a JSON header, then the arrays without gaps.
///
/// - Source: the format's description and limits at github.com/huggingface/safetensors (version 0.4).
enum Safetensors {
  /// The largest header that the format allows, bytes.
  static let largestHeader = 100_000_000

  static func list(_ bytes: UnsafeRawBufferPointer, _ path: String) throws -> WeightFile.Listing {
    var reader = try ByteReader(bytes, file: path)
    let length = try reader.little(8, "the header's length")
    guard length <= UInt64(largestHeader), length <= UInt64(reader.remaining) else {
      throw reader.error(
        "the header claims \(length) bytes", expected: "at most \(min(largestHeader, reader.remaining))", at: 0)
    }
    let header = try reader.take(Int(length), "the header")
    guard header.first == UInt8(ascii: "{") else {
      throw reader.error("the header is no JSON object", expected: WeightFile.known, at: 8)
    }
    let json = try JSONValue(parsing: Array(header), file: "\(path) header")
    let start = reader.offset
    var listing = WeightFile.Listing()
    func fail(_ found: String) -> ReproError { ReproError.data(path, found) }
    for member in json.members ?? [] {
      if member.name == "__metadata__" {
        for item in member.value.members ?? [] {
          guard let text = item.value.string else { throw fail("__metadata__ '\(item.name)' is no text") }
          listing.notes.append(WeightFile.Note(name: item.name, text: text))
        }
        continue
      }
      listing.entries.append(try entry(member, start: start, size: reader.remaining, fail))
    }
    try checkLayout(listing.entries, start: start, end: bytes.count, fail)
    return listing
  }

  private static func entry(
    _ member: JSONValue.Member, start: Int, size: Int, _ fail: (String) -> ReproError
  ) throws -> WeightEntry {
    let name = member.name
    let keys = member.value.members?.map(\.name).sorted()
    guard keys == ["data_offsets", "dtype", "shape"] else {
      throw fail("the header of '\(name)' does not have exactly dtype, shape and data_offsets")
    }
    guard let type = member.value["dtype"]?.string, let element = WeightElement(rawValue: type) else {
      let types = WeightElement.allCases.map(\.rawValue).joined(separator: " ")
      throw ReproError(
        .data, at: fail("").location, found: "'\(name)' has the dtype \(member.value["dtype"]?.string ?? "?")",
        expected: "one of \(types)")
    }
    let extents = member.value["shape"]?.array?.map(\.int)
    let offsets = member.value["data_offsets"]?.array?.map(\.int)
    guard let extents, !extents.contains(nil), let offsets, offsets.count == 2, let begin = offsets[0],
      let end = offsets[1]
    else { throw fail("the shape or the offsets of '\(name)' are no whole numbers") }
    let shape = try WeightFile.checkedShape(extents.compactMap { $0 }, name, element, fail)
    guard begin >= 0, begin <= end, end <= size else {
      throw fail("'\(name)' lies at bytes \(begin) to \(end) of the data, which has \(size)")
    }
    guard end - begin == shape.count * element.size else {
      throw fail(
        "'\(name)' has \(end - begin) bytes, but \(element.rawValue) \(shape) needs \(shape.count * element.size)")
    }
    return WeightEntry(name: name, element: element, shape: shape, source: .bytes((start + begin)..<(start + end)))
  }

  /// Arrays fill the data without overlaps and gaps.
  private static func checkLayout(
    _ entries: [WeightEntry], start: Int, end: Int, _ fail: (String) -> ReproError
  ) throws {
    let ranges = entries.compactMap { entry -> (name: String, range: Range<Int>)? in
      guard case .bytes(let range) = entry.source else { return nil }
      return (entry.name, range)
    }.sorted { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    var place = start
    var last = ""
    for (name, range) in ranges {
      if range.lowerBound < place { throw fail("'\(name)' overlaps '\(last)' at byte \(range.lowerBound)") }
      if range.lowerBound > place {
        throw fail("bytes \(place) to \(range.lowerBound) of the file belong to no array")
      }
      (place, last) = (range.upperBound, name)
    }
    if place != end { throw fail("\(end - place) bytes follow the last array") }
  }
}

/// One array that is to be written.
public struct WeightToWrite: Sendable {
  public var name: String
  public var element: WeightElement
  public var shape: Shape
  /// Its numbers, little-endian, row by row; asked for when it is written.
  let bytes: @Sendable () throws -> [UInt8]

  /// An array of a file, as it is.
  public init(_ entry: WeightEntry, of file: WeightFile, name: String? = nil) {
    (self.name, element, shape) = (name ?? entry.name, entry.element, entry.shape)
    bytes = { try file.withRowMajorBytes(of: entry) { Array($0) } }
  }

  /// A tensor, as float32 whatever `Real` is.
  public init(_ name: String, _ tensor: Tensor) {
    (self.name, element, shape) = (name, .float32, tensor.shape)
    bytes = { tensor.withElements { values in values.map { Float($0) }.withUnsafeBytes { Array($0) } } }
  }
}

/// Writers of weights; equal arrays give equal files.
public enum WeightWriter {
  /// Writes a safetensors file atomically: wide types first, then by name, as the format's own library does.
  ///
  /// - Parameters:
  ///   - metadata: texts for `__metadata__`.
  /// - Throws: `ReproError` if a name stands twice, an array cannot be read, or the disk is full.
  public static func safetensors(
    _ path: String, _ arrays: [WeightToWrite], metadata: [(name: String, text: String)] = []
  ) throws {
    let sorted = arrays.sorted { a, b in
      a.element.size != b.element.size ? a.element.size > b.element.size : before(a.name, b.name)
    }
    var members: [JSONValue.Member] = []
    if !metadata.isEmpty {
      members.append(
        JSONValue.Member("__metadata__", .object(metadata.map { JSONValue.Member($0.name, .string($0.text)) })))
    }
    var place = 0
    var names: Set<String> = []
    for array in sorted {
      guard names.insert(array.name).inserted, array.name != "__metadata__" else {
        throw ReproError.data(path, "two arrays would be called '\(array.name)'")
      }
      let end = place + array.shape.count * array.element.size
      let description: JSONValue = [
        "dtype": .string(array.element.rawValue), "shape": .array(array.shape.array.map { .int($0) }),
        "data_offsets": [.int(place), .int(end)],
      ]
      members.append(JSONValue.Member(array.name, description))
      place = end
    }
    var header = Array(try JSONValue.object(members).text().utf8)
    header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    try SafeFile.writeInParts(path) { append in
      try append(length + header)
      for array in sorted { try append(try array.bytes()) }
    }
  }

  /// Writes an HDF5 file atomically, one dataset an array; 16- and 8-bit floats become float32, narrow integers int32.
  public static func hdf5(
    _ path: String, _ arrays: [WeightToWrite], metadata: [(name: String, text: String)] = []
  ) throws {
    try HDF5File.write(path) { file in
      for (name, text) in metadata { try file.setAttribute(name, .text(text)) }
      for array in arrays {
        let parts = array.name.split(separator: "/")
        guard !parts.isEmpty, !parts.contains(where: { $0 == "." || $0 == ".." }), !array.name.utf8.contains(0) else {
          throw ReproError.data(path, "'\(array.name)' is no name of a dataset")
        }
        let bytes = try array.bytes()
        func put<T: HDF5Scalar>(_ type: T.Type) throws {
          try bytes.withUnsafeBytes { raw in
            let values = (0..<array.shape.count).map {
              raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self)
            }
            try file.write(array.name, values, shape: array.shape)
          }
        }
        switch array.element {
        case .float32: try put(Float.self)
        case .float64: try put(Double.self)
        case .int64: try put(Int64.self)
        case .int32: try put(Int32.self)
        case .uint8, .bool: try put(UInt8.self)
        case .uint32, .uint64:
          throw ReproError.data(path, "'\(array.name)' is \(array.element.rawValue), which HDF5 files here do not hold")
        default:
          let values = [Real](unsafeUninitializedCapacity: array.shape.count) { target, count in
            bytes.withUnsafeBytes {
              array.element.decode($0, into: UnsafeMutableBufferPointer(rebasing: target[..<array.shape.count]))
            }
            count = array.shape.count
          }
          if array.element.isFloatingPoint {
            try file.write(array.name, values.map { Float($0) }, shape: array.shape)
          } else {
            try file.write(array.name, values.map { Int32($0) }, shape: array.shape)
          }
        }
      }
    }
  }

  private static func before(_ a: String, _ b: String) -> Bool {
    Array(a.utf8).lexicographicallyPrecedes(Array(b.utf8))
  }
}
