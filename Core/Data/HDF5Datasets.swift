import CHDF5
import ReproConfig
import ReproTensor

/// How a dataset lies in the file.
public enum HDF5Storage: Sendable, Equatable {
  /// In one piece, uncompressed: fastest to read, whole or by rows.
  case contiguous
  /// In chunks of whole rows (about 1 MB if `rows` is nil), each compressed by zlib at level 1 to 9.
  case deflated(level: Int, rows: Int? = nil)
}

extension HDF5File {
  /// Writes a dataset, and the groups above it where they are missing.
  ///
  /// - Parameters:
  ///   - object: its path in the file; nothing may be there yet.
  ///   - values: row-major, `shape.count` of them.
  ///   - shape: rank 0 (one number) to 8.
  /// - Throws: `ReproError` if the name is taken or the bytes cannot be written.
  public func write<T: HDF5Scalar>(
    _ object: String, _ values: UnsafeBufferPointer<T>, shape: Shape, storage: HDF5Storage = .contiguous
  ) throws {
    require(values.count == shape.count, "\(place(object)): \(values.count) values do not fill the shape \(shape)")
    try locked { file in
      let names = HDF5File.names(object)
      guard !names.isEmpty, try !contains(file, object) else {
        throw ReproError.data(place(object), "the name is taken already")
      }
      try makeGroup(file, names.dropLast())
      let space = try HDF5Library.check(Self.space(shape), place(object), "write")
      defer { H5Sclose(space) }
      let creation = try HDF5Library.check(H5Pcreate(hdf5_dataset_create()), place(object), "write")
      defer { H5Pclose(creation) }
      try HDF5Library.check(H5Pset_obj_track_times(creation, false), place(object), "write")
      // Every value is written below, so the library need not fill the space with zeros first.
      try HDF5Library.check(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER), place(object), "write")
      if case .deflated(let level, let rows) = storage, shape.rank > 0, shape.count > 0 {
        try chunk(creation, shape, rows, bytes: MemoryLayout<T>.stride, level: level, object)
      }
      let path = "/" + names.joined(separator: "/")
      let dataset = try HDF5Library.check(
        H5Dcreate2(file, path, T.hdf5Stored, space, hdf5_default(), creation, hdf5_default()), place(object), "write")
      defer { H5Dclose(dataset) }
      if let base = values.baseAddress, !values.isEmpty {
        let status = H5Dwrite(dataset, T.hdf5Native, hdf5_whole(), hdf5_whole(), hdf5_default(), base)
        try HDF5Library.check(status, place(object), "write")
      }
    }
  }

  /// Writes a dataset from an array; see the form with a buffer.
  public func write<T: HDF5Scalar>(
    _ object: String, _ values: [T], shape: Shape, storage: HDF5Storage = .contiguous
  ) throws {
    try values.withUnsafeBufferPointer { try write(object, $0, shape: shape, storage: storage) }
  }

  private static func space(_ shape: Shape) -> hid_t {
    if shape.rank == 0 { return H5Screate(H5S_SCALAR) }
    return H5Screate_simple(Int32(shape.rank), shape.array.map { hsize_t($0) }, nil)
  }

  private func chunk(
    _ creation: hid_t, _ shape: Shape, _ rows: Int?, bytes: Int, level: Int, _ object: String
  ) throws {
    require((1...9).contains(level), "the compression level is 1 to 9, got \(level)")
    let rowBytes = max(1, shape.count / shape[0] * bytes)
    let perChunk = min(shape[0], max(1, rows ?? (1 << 20) / rowBytes))
    let extents = [perChunk] + shape.array.dropFirst()
    guard perChunk * rowBytes < 1 << 32 else {
      throw ReproError.data(place(object), "a chunk of \(perChunk) rows is too large", expected: "less than 4 GB")
    }
    let status = H5Pset_chunk(creation, Int32(shape.rank), extents.map { hsize_t($0) })
    try HDF5Library.check(status, place(object), "write in chunks of \(extents)")
    try HDF5Library.check(H5Pset_deflate(creation, UInt32(level)), place(object), "compress")
  }

  /// The element type and shape of a dataset, as its header says.
  public func info(_ object: String) throws -> (element: HDF5Element, shape: Shape) {
    try locked { file in
      let dataset = try self.object(file, object, H5I_DATASET, "dataset")
      defer { H5Dclose(dataset) }
      return try info(dataset, object)
    }
  }

  /// Reads a whole dataset.
  ///
  /// - Parameters:
  ///   - type: must be the stored type exactly; nothing is converted.
  ///   - shape: what the dataset must look like; nil takes what comes, within what the file can hold.
  /// - Returns: the values, row-major.
  public func read<T: HDF5Scalar>(
    _ object: String, as type: T.Type = T.self, shape expected: Shape? = nil
  ) throws -> (values: [T], shape: Shape) {
    try locked { file in
      let dataset = try self.object(file, object, H5I_DATASET, "dataset")
      defer { H5Dclose(dataset) }
      let shape = try checked(dataset, object, as: type, shape: expected)
      let values = try [T](unsafeUninitializedCapacity: shape.count) { buffer, count in
        if let base = buffer.baseAddress, shape.count > 0 {
          let status = H5Dread(dataset, T.hdf5Native, hdf5_whole(), hdf5_whole(), hdf5_default(), base)
          try HDF5Library.check(status, place(object), "read")
        }
        count = shape.count
      }
      return (values, shape)
    }
  }

  /// Reads some rows (slices along the first axis) of a dataset into memory of the caller's.
  ///
  /// - Parameters:
  ///   - rows: a range within the first axis; a wrong range is an error of the file's contents, not a trap.
  ///   - rowShape: what one row must look like, the dataset's shape without its first axis.
  ///   - buffer: room for exactly `rows.count * rowShape.count` values.
  public func read<T: HDF5Scalar>(
    _ object: String, rows: Range<Int>, rowShape: Shape, into buffer: UnsafeMutableBufferPointer<T>
  ) throws {
    require(
      buffer.count == rows.count * rowShape.count,
      "\(place(object)): \(buffer.count) values of room for \(rows.count) rows of \(rowShape)")
    try locked { file in
      let dataset = try self.object(file, object, H5I_DATASET, "dataset")
      defer { H5Dclose(dataset) }
      let shape = try checked(dataset, object, as: T.self, shape: nil)
      guard shape.rank >= 1, shape.dropping(0) == rowShape else {
        throw ReproError.data(place(object), "the shape is \(shape)", expected: "rows of \(rowShape)")
      }
      guard rows.lowerBound >= 0, rows.upperBound <= shape[0] else {
        throw ReproError.data(place(object), "there are \(shape[0]) rows", expected: "rows \(rows) among them")
      }
      guard let base = buffer.baseAddress, !buffer.isEmpty else { return }
      let space = try HDF5Library.check(H5Dget_space(dataset), place(object), "read")
      defer { H5Sclose(space) }
      let start = [hsize_t(rows.lowerBound)] + [hsize_t](repeating: 0, count: rowShape.rank)
      let count = [hsize_t(rows.count)] + rowShape.array.map { hsize_t($0) }
      let selected = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nil, count, nil)
      try HDF5Library.check(selected, place(object), "read rows \(rows)")
      let memory = try HDF5Library.check(H5Screate_simple(Int32(count.count), count, nil), place(object), "read")
      defer { H5Sclose(memory) }
      let status = H5Dread(dataset, T.hdf5Native, memory, space, hdf5_default(), base)
      try HDF5Library.check(status, place(object), "read rows \(rows)")
    }
  }

  /// Reads some rows of a dataset; see the form with a buffer.
  public func read<T: HDF5Scalar>(
    _ object: String, rows: Range<Int>, rowShape: Shape, as type: T.Type = T.self
  ) throws -> [T] {
    let stored = try info(object).shape
    // Checked here too, before room for them is made.
    guard rows.lowerBound >= 0, stored.rank >= 1, rows.upperBound <= stored[0], stored.dropping(0) == rowShape else {
      throw ReproError.data(place(object), "the shape is \(stored)", expected: "rows \(rows) of \(rowShape)")
    }
    let room = rows.count * rowShape.count
    return try [T](unsafeUninitializedCapacity: room) { buffer, count in
      let part = UnsafeMutableBufferPointer(rebasing: buffer[..<room])
      try read(object, rows: rows, rowShape: rowShape, into: part)
      count = room
    }
  }

  // MARK: Inside the lock

  func info(_ dataset: hid_t, _ object: String) throws -> (element: HDF5Element, shape: Shape) {
    let type = try HDF5Library.check(H5Dget_type(dataset), place(object), "read the type")
    defer { H5Tclose(type) }
    let space = try HDF5Library.check(H5Dget_space(dataset), place(object), "read the shape")
    defer { H5Sclose(space) }
    let rank = Int(H5Sget_simple_extent_ndims(space))
    guard H5Sget_simple_extent_type(space) != H5S_NULL, (0...Shape.maxRank).contains(rank) else {
      throw ReproError.data(place(object), "the rank is \(rank)", expected: "0 to \(Shape.maxRank)")
    }
    var extents = [hsize_t](repeating: 0, count: max(rank, 1))
    guard H5Sget_simple_extent_dims(space, &extents, nil) >= 0 else {
      throw HDF5Library.failure(place(object), "read the shape")
    }
    let sizes = extents.prefix(rank).map { Int(exactly: $0) ?? -1 }
    guard let shape = Shape(claimed: sizes) else {
      throw ReproError.data(
        place(object), "the header claims \(extents.prefix(rank)) values",
        expected: "at most \(Shape.maxExtent) along an axis, as many as can be counted in all")
    }
    return (HDF5Element(stored: type), shape)
  }

  /// The shape, once type, shape and size are what they should be.
  private func checked<T: HDF5Scalar>(
    _ dataset: hid_t, _ object: String, as type: T.Type, shape expected: Shape?
  ) throws -> Shape {
    let (element, shape) = try info(dataset, object)
    guard element == T.hdf5Element else {
      throw ReproError.data(place(object), "the values are \(element)", expected: "\(T.hdf5Element)")
    }
    if let expected, shape != expected {
      throw ReproError.data(place(object), "the shape is \(shape)", expected: "\(expected)")
    }
    try checkSize(dataset, object, shape, bytes: MemoryLayout<T>.stride)
    return shape
  }

  /// Refuses a header that claims more than the stored bytes can hold: zlib packs at most 1032 bytes into one.
  func checkSize(_ dataset: hid_t, _ object: String, _ shape: Shape, bytes: Int) throws {
    let creation = try HDF5Library.check(H5Dget_create_plist(dataset), place(object), "read")
    defer { H5Pclose(creation) }
    let layout = H5Pget_layout(creation)
    guard layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED || layout == H5D_COMPACT else {
      throw ReproError.data(place(object), "the storage is of an unknown kind", expected: "contiguous or chunked")
    }
    guard H5Pget_external_count(creation) == 0 else {
      throw ReproError.data(place(object), "the values are in another file", expected: "values in this one")
    }
    let expansion = try packing(creation, object)
    let stored = Int(clamping: H5Dget_storage_size(dataset))
    let (claimed, overflow) = shape.count.multipliedReportingOverflow(by: bytes)
    let (limit, unlimited) = min(stored, fileSize).multipliedReportingOverflow(by: expansion)
    guard stored <= fileSize, !overflow, unlimited || claimed <= limit else {
      throw ReproError.data(
        place(object), "the header claims \(shape) values of \(bytes) bytes, but only \(stored) bytes are stored")
    }
    if layout == H5D_CHUNKED, shape.rank > 0 {
      var extents = [hsize_t](repeating: 0, count: shape.rank)
      guard H5Pget_chunk(creation, Int32(shape.rank), &extents) == Int32(shape.rank),
        let chunk = checkedCount(extents.map { Int(exactly: $0) ?? -1 }), chunk <= Int.max / bytes,
        shape.count == 0 || unlimited || chunk * bytes <= limit
      else { throw ReproError.data(place(object), "the chunks \(extents) are larger than the stored data") }
    }
  }

  /// By how much the filters of a dataset can shrink its values.
  private func packing(_ creation: hid_t, _ object: String) throws -> Int {
    let filters = H5Pget_nfilters(creation)
    guard filters >= 0 else { throw HDF5Library.failure(place(object), "read the filters") }
    var expansion = 1
    for i in 0..<filters {
      var flags: UInt32 = 0
      var configuration: UInt32 = 0
      var count = 0
      let filter = H5Pget_filter2(creation, UInt32(i), &flags, &count, nil, 0, nil, &configuration)
      switch filter {
      case 1: expansion = 1032  // deflate
      case 2, 3: break  // shuffle, fletcher32: same size
      default:
        throw ReproError.data(
          place(object), "the values are packed by filter \(filter)", expected: "none, deflate, shuffle or fletcher32")
      }
    }
    return expansion
  }
}
