import ReproConfig
import ReproTensor

/// PyTorch's files since 1.6: a zip archive with `data.pkl` and one member a storage; TorchScript archives among them.
enum TorchZip {
  /// The pickle of the archive, `<folder>/data.pkl`; nil if this is another kind of zip archive.
  static func pickle(in zip: ZipArchive) -> String? {
    zip.names.first { $0.hasSuffix("/data.pkl") && $0.split(separator: "/").count == 2 }
  }

  static func list(_ zip: ZipArchive, _ member: String, _ path: String) throws -> WeightFile.Listing {
    let folder = String(member.dropLast("data.pkl".count))
    let names = Set(zip.names)
    if names.contains(folder + "byteorder") {
      let order = String(decoding: try zip.contents(folder + "byteorder"), as: UTF8.self)
      guard order == "little" else { throw ReproError.data(path, "the byte order is '\(order)'", expected: "little") }
    }
    let limit = 8 * zip.size + 64 << 20
    guard (zip.unpackedSize(member) ?? 0) <= limit else {
      throw ReproError.data(path, "'\(member)' claims \(zip.unpackedSize(member) ?? 0) bytes")
    }
    let isScript = zip.names.contains { $0.hasPrefix(folder + "code/") }
    let pickled = try zip.contents(member)
    let contents = try pickled.withUnsafeBytes { raw in
      var reader = try ByteReader(raw, file: "\(path):\(member)")
      return try PickleMachine.read(&reader, fileSize: zip.size, records: isScript)
    }
    return try listing(contents, path) { storage in
      let name = "\(folder)data/\(storage.key)"
      guard let size = zip.unpackedSize(name) else {
        throw ReproError.data(path, "the archive has no member '\(name)'")
      }
      guard size >= storage.start * (storage.element?.size ?? 1) + storage.byteCount, size <= limit else {
        throw ReproError.data(path, "'\(name)' has \(size) bytes", expected: "\(storage.byteCount)")
      }
      return .member(name)
    }
  }

  /// Names, shapes and places of the tensors of a pickle.
  ///
  /// - Parameter place: where the memory of a storage is; asked once for each.
  static func listing(
    _ contents: PickleContents, _ path: String, _ place: (PickleStorage) throws -> WeightEntry.StoragePlace
  ) throws -> WeightFile.Listing {
    let (tensors, notes) = try contents.flattened(path)
    let places = try contents.storages.map(place)
    var listing = WeightFile.Listing(entries: [], notes: notes)
    for (name, tensor) in tensors {
      let shape = try WeightFile.checkedShape(tensor.extents, name, tensor.element) { ReproError.data(path, $0) }
      let storage = contents.storages[tensor.storage]
      let start = storage.start * (storage.element?.size ?? 1) / tensor.element.size
      listing.entries.append(
        WeightEntry(
          name: name, element: tensor.element, shape: shape,
          source: .view(places[tensor.storage], offset: start + tensor.offset, strides: tensor.strides)))
    }
    return listing
  }
}

/// PyTorch's files of before 1.6: pickles one after the other, then the storages.
///
///     magic number, protocol version, sizes of the machine's types, the object, the keys of its storages,
///     and for each key in turn: int64 count of elements, elements
enum TorchLegacy {
  /// 0x1950a86a20f9469cfc6c, pickled as LONG1.
  private static let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]

  static func begins(_ head: [UInt8]) -> Bool { head.first == 0x80 && head.dropFirst(2).starts(with: magic) }

  static func list(_ bytes: UnsafeRawBufferPointer, _ path: String) throws -> WeightFile.Listing {
    var reader = try ByteReader(bytes, file: path)
    func next() throws -> PickleContents { try PickleMachine.read(&reader, fileSize: bytes.count) }
    _ = try next()
    let versionAt = reader.offset
    let version = try next().top
    guard version == .int(1001) else {
      throw ReproError.data(path, byte: versionAt, "the protocol version is not 1001")
    }
    let machineAt = reader.offset
    let machine = try next()
    guard machine.value("little_endian", of: machine.top) == .bool(true) else {
      throw ReproError.data(path, byte: machineAt, "the file was not written on a little-endian machine")
    }
    let contents = try next()
    let keysAt = reader.offset
    let keys = try next()
    guard case .list(let list) = keys.top else {
      throw ReproError.data(path, byte: keysAt, "the list of storages is missing")
    }
    // The type of a storage stands in the object, its numbers stand here.
    var sizes: [String: Int] = [:]
    for storage in contents.storages {
      let size = storage.element?.size ?? 1
      guard sizes.updateValue(size, forKey: storage.key) ?? size == size else {
        throw ReproError.data(path, "the storage '\(storage.key)' has two types")
      }
    }
    var ranges: [String: Range<Int>] = [:]
    for key in keys.lists[list] {
      guard case .text(let name) = key, let size = sizes[name], ranges[name] == nil else {
        throw ReproError.data(path, byte: keysAt, "a storage in the list is not used, or stands there twice")
      }
      let at = reader.offset
      let count = try reader.little(8, "a storage's size")
      guard count <= UInt64(reader.remaining / size) else {
        throw ReproError.data(
          path, byte: at, "the storage '\(name)' claims \(count) elements of \(size) bytes",
          expected: "at most the \(reader.remaining) bytes that are left")
      }
      let start = reader.offset
      _ = try reader.take(Int(count) * size, "the storage '\(name)'")
      ranges[name] = start..<reader.offset
    }
    if reader.remaining > 0 { throw reader.error("\(reader.remaining) bytes follow the last storage") }
    return try TorchZip.listing(contents, path) { storage in
      guard let range = ranges[storage.key] else {
        throw ReproError.data(path, "the storage '\(storage.key)' is not in the file")
      }
      guard range.count >= storage.start * (storage.element?.size ?? 1) + storage.byteCount else {
        throw ReproError.data(
          path, byte: range.lowerBound, "the storage '\(storage.key)' has \(range.count) bytes",
          expected: "\(storage.byteCount)")
      }
      return .bytes(range)
    }
  }
}
