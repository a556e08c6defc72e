import ReproConfig
import ReproTensor

/// Images of one size with numbers beside them, decoded once and kept in the cache; only wanted rows are brought to
/// memory, and of large sets only those of each batch.
struct ImageStore: Sendable {
  /// Bytes of images that are held in memory. Of more, every batch is read from the cache.
  static let mostHeld = 1 << 29

  let count: Int
  /// Numbers of each row, by name: labels, boxes.
  let numbers: [String: [Int]]
  private let file: HDF5File
  private let rowShape: Shape
  private let set: String

  /// What a set decodes to.
  struct Decoded: Sendable {
    var images: ImageBatch
    /// By name, the same number for every image.
    var numbers: [(name: String, values: [Int])] = []
  }

  /// - Parameters:
  ///   - version: raised when `decode` would make something else of the same files.
  ///   - decoder: the library whose version the pixels depend on.
  init(
    _ files: SourceSet, variant: String = "images", version: Int, decoder: String, root: DataRoot,
    decode: () throws -> Decoded
  ) throws {
    let cache = DecodedCache(
      root: root, dataset: files.id, variant: variant, version: version,
      source: SHA256.hex(of: "\(files.digest) \(decoder)"))
    file = try cache.open(decode: decode) { decoded, file in
      let images = decoded.images
      require(images.frames == 1, "one image a row")
      try file.write(
        "image", images.bytes, shape: [images.count, images.height, images.width, images.channels])
      for (name, values) in decoded.numbers {
        require(values.count % max(1, images.count) == 0, "\(values.count) numbers \(name) of \(images.count) images")
        try file.write("numbers/\(name)", values.map { Int64($0) }, shape: [values.count])
      }
    }
    let shape = try file.info("image").shape
    guard shape.rank == 4 else {
      throw ReproError.data(file.place("image"), "the shape is \(shape)", expected: "rank 4")
    }
    (count, rowShape, set) = (shape[0], shape.dropping(0), files.id)
    var numbers: [String: [Int]] = [:]
    for name in try file.isGroup("numbers") ? file.children(of: "numbers") : [] {
      numbers[name] = try file.read("numbers/\(name)", as: Int64.self).values.map { Int($0) }
    }
    self.numbers = numbers
  }

  /// The labels, one a row, of a name that was stored.
  func integers(_ name: String) throws -> [Int] {
    guard let values = numbers[name] else { throw ReproError.data(file.place("numbers"), "there is no '\(name)'") }
    return values
  }

  /// A column of the images of some rows, resampled to a square if a size is given; others must not be asked for.
  func column(
    _ name: String = "image", rows: [Split: [Int]], size: Int? = nil, mostHeld: Int = ImageStore.mostHeld
  ) throws -> SampleColumn {
    var used: [Int] = []
    for split in Split.allCases { used += rows[split] ?? [] }
    used = Array(Set(used)).sorted()
    var places = [Int](repeating: -1, count: count)
    for (slot, row) in used.enumerated() { places[row] = slot }
    guard used.count <= mostHeld / max(1, rowShape.count) else { return streamed(name, places, size) }
    var images = try read(used)
    if let size { images = images.fitted(height: size, width: size) }
    let held = SampleColumn.images(images, named: name)
    return SampleColumn(held.field, count: count) { [places, set] rows in
      try held.values(
        rows.map { row in
          require(places[row] >= 0, "row \(row) of \(set) is in no split")
          return places[row]
        })
    }
  }

  /// A column that holds nothing: what it is asked for is read each time.
  private func streamed(_ name: String, _ places: [Int], _ size: Int?) -> SampleColumn {
    let (height, width) = (size ?? rowShape[0], size ?? rowShape[1])
    let field = FieldSpec(name, .image(height: height, width: width, channels: rowShape[2]), isLabel: false)
    return SampleColumn(field, count: count) { rows in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(rows.count * rowShape.count)
      for row in rows {
        require(places[row] >= 0, "row \(row) of \(set) is in no split")
        bytes += try file.read("image", rows: row..<row + 1, rowShape: rowShape, as: UInt8.self)
      }
      let images = ImageBatch(
        count: rows.count, height: rowShape[0], width: rowShape[1], channels: rowShape[2], bytes: bytes)
      return .images(size.map { images.fitted(height: $0, width: $0) } ?? images)
    }
  }

  /// The images of rows in rising order, read in slabs.
  private func read(_ rows: [Int]) throws -> ImageBatch {
    let size = rowShape.count
    let slab = max(1, (1 << 23) / max(1, size))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rows.count * size)
    var next = 0
    while next < rows.count {
      let first = rows[next]
      let last = min(first + slab, count)
      let read = try file.read("image", rows: first..<last, rowShape: rowShape, as: UInt8.self)
      while next < rows.count, rows[next] < last {
        bytes += read[(rows[next] - first) * size..<(rows[next] - first + 1) * size]
        next += 1
      }
    }
    return ImageBatch(count: rows.count, height: rowShape[0], width: rowShape[1], channels: rowShape[2], bytes: bytes)
  }
}
