import ReproConfig
import ReproTensor

/// Arrays of HDF5 files, our own checkpoints among them.
enum HDF5Weights {
  /// Groups below groups that are followed.
  private static let deepest = 32

  /// Whether the format's signature stands at byte 0, or behind a user block of 512, 1024, 2048 ... bytes (ours is one).
  static func begins(_ file: MappedFile) -> Bool {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    return file.withBytes { bytes in
      [0, 512, 1024, 2048, 4096].contains { bytes.count >= $0 + 8 && bytes[$0..<($0 + 8)].elementsEqual(signature) }
    }
  }

  static func list(_ file: HDF5File) throws -> WeightFile.Listing {
    var listing = WeightFile.Listing()
    func visit(_ group: String, _ depth: Int) throws {
      guard depth < deepest else {
        throw ReproError.data(file.path, "groups are nested deeper than \(deepest) levels at '\(group)'")
      }
      for child in try file.children(of: group.isEmpty ? "/" : group) {
        let path = group.isEmpty ? child : "\(group)/\(child)"
        if try file.isGroup(path) {
          try visit(path, depth + 1)
          continue
        }
        let (stored, shape) = try file.info(path)
        let element: WeightElement
        switch stored {
        case .float32: element = .float32
        case .float64: element = .float64
        case .int64: element = .int64
        case .int32: element = .int32
        case .uint8: element = .uint8
        case .other(let words):
          listing.notes.append(WeightFile.Note(name: path, text: "\(words), not read"))
          continue
        }
        // Group names become the leading parts of a dotted name, as PyTorch writes paths.
        listing.entries.append(
          WeightEntry(
            name: path.split(separator: "/").joined(separator: "."), element: element, shape: shape,
            source: .dataset(path)))
      }
    }
    try visit("", 0)
    return listing
  }

  static func withBytes<R>(
    of entry: WeightEntry, _ name: String, _ file: HDF5File, _ body: (UnsafeRawBufferPointer) throws -> R
  ) throws -> R {
    func read<T: HDF5Scalar>(_ type: T.Type) throws -> R {
      try file.read(name, as: type, shape: entry.shape).values.withUnsafeBytes(body)
    }
    switch entry.element {
    case .float32: return try read(Float.self)
    case .float64: return try read(Double.self)
    case .int64: return try read(Int64.self)
    case .int32: return try read(Int32.self)
    case .uint8: return try read(UInt8.self)
    default: requirementFailed("HDF5 weights are never \(entry.element.rawValue)")
    }
  }
}
