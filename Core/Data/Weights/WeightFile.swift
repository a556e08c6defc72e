import ReproConfig
import ReproTensor

/// One array of a file of weights.
public struct WeightEntry: Sendable, Equatable {
  /// Dotted where the file nests: `state_dict.module.conv1.weight`.
  public var name: String
  public var element: WeightElement
  public var shape: Shape
  let source: Source

  /// Where the numbers are.
  enum Source: Sendable, Equatable {
    /// Row by row, in these bytes of the file.
    case bytes(Range<Int>)
    /// A strided view of a storage of PyTorch's, in elements.
    case view(StoragePlace, offset: Int, strides: [Int])
    /// An array of a numpy archive.
    case array(String)
    /// A dataset of an HDF5 file.
    case dataset(String)
  }

  /// Where a storage of PyTorch's is.
  enum StoragePlace: Sendable, Equatable {
    case bytes(Range<Int>)
    case member(String)
  }

  /// Bytes of all numbers, row by row.
  public var byteCount: Int { shape.count * element.size }
}

/// A file of trained parameters: safetensors, PyTorch's `.pth` (zip, TorchScript, and the pickle of before 1.6), `.npz`
/// or HDF5, told apart by their first bytes.
///
/// Opening reads names and shapes and checks every claim against the size of the file; numbers are read when they are
/// asked for. Pickles are interpreted by a machine that builds tensors, containers, numbers and text, and that executes
/// nothing.
public struct WeightFile: Sendable {
  public enum Format: String, Sendable {
    case safetensors
    case torch = "PyTorch zip"
    case torchLegacy = "PyTorch pickle"
    case npz = "numpy archive"
    case hdf5 = "HDF5"
  }

  public let path: String
  public let format: Format
  /// The arrays in the order of the file; names are unique.
  public let entries: [WeightEntry]
  /// What else the file says: metadata, epochs, scores.
  public let notes: [Note]
  /// Bytes of the file.
  public let size: Int
  private let content: Content
  private let places: [String: Int]

  /// A value that is no array.
  public struct Note: Sendable, Equatable {
    public var name: String
    public var text: String
  }

  enum Content: Sendable {
    case bytes(FileBytes)
    case zip(ZipArchive)
    case npz(NPZArchive)
    case hdf5(HDF5File)
  }

  /// What a reader of one format found.
  struct Listing {
    var entries: [WeightEntry] = []
    var notes: [Note] = []
  }

  /// - Throws: `ReproError` that names the file, and the byte where it is damaged, lies, or is of a kind that is not
  ///   read.
  public init(_ path: String) throws {
    let file = try MappedFile(path)
    self.path = path
    size = file.count
    let head = file.withBytes { Array($0.prefix(16)) }
    let listing: Listing
    if HDF5Weights.begins(file) {
      let opened = try HDF5File.open(path, seal: .ifPresent)
      (format, content) = (.hdf5, .hdf5(opened))
      listing = try HDF5Weights.list(opened)
    } else if head.starts(with: [0x50, 0x4B]) {
      let zip = try ZipArchive(.mapped(file), file: path)
      if let member = TorchZip.pickle(in: zip) {
        (format, content) = (.torch, .zip(zip))
        listing = try TorchZip.list(zip, member, path)
      } else {
        let arrays = NPZArchive(zip, file: path)
        guard !arrays.names.isEmpty else {
          throw ReproError.data(
            path, "the zip archive has neither data.pkl nor arrays", expected: "a .pth or .npz file")
        }
        (format, content) = (.npz, .npz(arrays))
        listing = try NumpyWeights.list(arrays, path)
      }
    } else if TorchLegacy.begins(head) {
      (format, content) = (.torchLegacy, .bytes(.mapped(file)))
      listing = try file.withBytes { try TorchLegacy.list($0, path) }
    } else {
      if let reason = WeightFile.reasonToRefuse(head, file) {
        throw ReproError.data(path, reason.found, expected: WeightFile.known, hint: reason.hint)
      }
      (format, content) = (.safetensors, .bytes(.mapped(file)))
      listing = try file.withBytes { try Safetensors.list($0, path) }
    }
    (entries, notes) = (listing.entries, listing.notes)
    var places: [String: Int] = [:]
    for (i, entry) in entries.enumerated() {
      guard places.updateValue(i, forKey: entry.name) == nil else {
        throw ReproError.data(path, "two arrays are called '\(entry.name)'")
      }
    }
    self.places = places
  }

  static let known = "safetensors, a PyTorch .pth, .npz or HDF5"

  /// Kinds of files that are often met and not read.
  private static func reasonToRefuse(_ head: [UInt8], _ file: MappedFile) -> (found: String, hint: String?)? {
    if head.isEmpty { return ("the file is empty", nil) }
    if head[0] == 0x80 {
      return ("this is a bare pickle", "save it again with torch.save, or as safetensors")
    }
    let isTar = file.withBytes { $0.count > 262 && $0[257..<262].elementsEqual("ustar".utf8) }
    if isTar { return ("this is a tar archive", "unpack it first") }
    if head.starts(with: [0x1F, 0x8B]) { return ("this is a gzip file", "unpack it first") }
    if head.starts(with: Array("<".utf8)) { return ("this is a web page", "fetch the file again") }
    return nil
  }

  public subscript(name: String) -> WeightEntry? { places[name].map { entries[$0] } }

  /// Numbers in all arrays.
  public var parameterCount: Int { entries.reduce(0) { $0 + $1.shape.count } }

  /// An array by its name.
  ///
  /// - Throws: `ReproError` if there is none, or if its bytes are damaged.
  public func tensor(_ name: String) throws -> Tensor {
    guard let entry = self[name] else { throw ReproError.data(path, "there is no array '\(name)'") }
    return try tensor(entry)
  }

  /// An array of this file as reals.
  public func tensor(_ entry: WeightEntry) throws -> Tensor {
    try withRowMajorBytes(of: entry) { raw in
      Tensor(entry.shape) { entry.element.decode(raw, into: $0) }
    }
  }

  /// Lends the numbers of an array, little-endian, row by row.
  func withRowMajorBytes<R>(of entry: WeightEntry, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    switch (entry.source, content) {
    case (.bytes(let range), .bytes(let file)):
      return try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    case (.view(.bytes(let range), let offset, let strides), .bytes(let file)):
      return try file.withBytes {
        try gathered(UnsafeRawBufferPointer(rebasing: $0[range]), entry, offset, strides, body)
      }
    case (.view(.member(let name), let offset, let strides), .zip(let zip)):
      return try zip.withContents(name) { try gathered($0, entry, offset, strides, body) }
    case (.array(let name), .npz(let archive)):
      return try NumpyWeights.withBytes(of: try archive.array(name), body)
    case (.dataset(let name), .hdf5(let file)): return try HDF5Weights.withBytes(of: entry, name, file, body)
    default: requirementFailed("'\(entry.name)' is not an array of \(path)")
    }
  }

  /// Lends a strided view; copies it unless it lies row by row.
  private func gathered<R>(
    _ storage: UnsafeRawBufferPointer, _ entry: WeightEntry, _ offset: Int, _ strides: [Int],
    _ body: (UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    let (size, shape) = (entry.element.size, entry.shape)
    if shape.count == 0 { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    var dense = 1
    var isDense = true
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) where shape[axis] != 1 {
      if strides[axis] != dense { isDense = false }
      dense *= shape[axis]
    }
    if isDense {
      return try body(UnsafeRawBufferPointer(rebasing: storage[(offset * size)..<((offset + shape.count) * size)]))
    }
    let copy = [UInt8](unsafeUninitializedCapacity: shape.count * size) { target, written in
      var index = [Int](repeating: 0, count: shape.rank)
      var place = offset
      for i in 0..<shape.count {
        for b in 0..<size { target[i * size + b] = storage[place * size + b] }
        var axis = shape.rank - 1
        while axis >= 0 {
          index[axis] += 1
          place += strides[axis]
          if index[axis] < shape[axis] { break }
          place -= shape[axis] * strides[axis]
          index[axis] = 0
          axis -= 1
        }
      }
      written = shape.count * size
    }
    return try copy.withUnsafeBytes(body)
  }

  /// The shape that a file claims, if it is one that we have: at most eight axes, and numbers that can be counted.
  static func checkedShape(
    _ extents: [Int], _ name: String, _ element: WeightElement, _ fail: (String) -> ReproError
  ) throws -> Shape {
    guard extents.count <= Shape.maxRank else {
      throw fail("'\(name)' has \(extents.count) axes, more than \(Shape.maxRank)")
    }
    guard let shape = Shape(claimed: extents), !shape.count.multipliedReportingOverflow(by: element.size).overflow
    else {
      throw fail("'\(name)' claims the shape \(extents)")
    }
    return shape
  }
}

/// Arrays of numpy archives.
enum NumpyWeights {
  static func list(_ archive: NPZArchive, _ path: String) throws -> WeightFile.Listing {
    var listing = WeightFile.Listing()
    for name in archive.names {
      let array = try archive.array(name)
      let element: WeightElement =
        switch array.values {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .float32: .float32
        case .float64: .float64
        }
      let shape = try WeightFile.checkedShape(array.extents, name, element) { ReproError.data(path, $0) }
      listing.entries.append(WeightEntry(name: name, element: element, shape: shape, source: .array(name)))
    }
    return listing
  }

  static func withBytes<R>(of array: NPYArray, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    switch array.values {
    case .uint8(let v): try v.withUnsafeBytes(body)
    case .int8(let v): try v.withUnsafeBytes(body)
    case .uint16(let v): try v.withUnsafeBytes(body)
    case .int16(let v): try v.withUnsafeBytes(body)
    case .int32(let v): try v.withUnsafeBytes(body)
    case .int64(let v): try v.withUnsafeBytes(body)
    case .float32(let v): try v.withUnsafeBytes(body)
    case .float64(let v): try v.withUnsafeBytes(body)
    }
  }
}
