import ReproConfig

/// A numpy archive: a zip of NPY files, one per named array. Arrays are unpacked when they are asked for.
public struct NPZArchive: Sendable {
  private let zip: ZipArchive
  private let file: String

  /// - Throws: `ReproError` if the file is missing or no zip archive.
  public init(path: String) throws { try self.init(try SafeFile.read(path), file: path) }

  public init(_ bytes: [UInt8], file: String) throws { self.init(try ZipArchive(bytes, file: file), file: file) }

  init(_ zip: ZipArchive, file: String) { (self.zip, self.file) = (zip, file) }

  /// The names of the arrays, without `.npy`, in the order of the archive.
  public var names: [String] { zip.names.filter { $0.hasSuffix(".npy") }.map { String($0.dropLast(4)) } }

  /// An array by its name.
  public func array(_ name: String) throws -> NPYArray {
    guard names.contains(name) else {
      throw ReproError.data(file, "there is no array '\(name)'", expected: "one of \(names)")
    }
    return try NPYArray(try zip.contents(name + ".npy"), file: "\(file):\(name)")
  }

  private func wrong(_ name: String, _ array: NPYArray, _ expected: String) -> ReproError {
    ReproError.data("\(file):\(name)", "the array is \(array.values.descr) \(array.extents)", expected: expected)
  }

  /// The values of an array of unsigned bytes of a given rank.
  public func bytes(_ name: String, rank: Int) throws -> (values: [UInt8], extents: [Int]) {
    let array = try array(name)
    guard case .uint8(let values) = array.values, array.extents.count == rank else {
      throw wrong(name, array, "|u1 of rank \(rank)")
    }
    return (values, array.extents)
  }

  /// The values of a vector of integers of any width.
  public func integers(_ name: String) throws -> [Int] {
    let array = try array(name)
    guard array.extents.count == 1 else { throw wrong(name, array, "a vector of integers") }
    switch array.values {
    case .uint8(let v): return v.map { Int($0) }
    case .int8(let v): return v.map { Int($0) }
    case .uint16(let v): return v.map { Int($0) }
    case .int16(let v): return v.map { Int($0) }
    case .int32(let v): return v.map { Int($0) }
    case .int64(let v): return v.map { Int($0) }
    case .float32, .float64: throw wrong(name, array, "a vector of integers")
    }
  }

  /// Items of different lengths laid end to end: item i is `values[offsets[i] ..< offsets[i + 1]]`.
  ///
  /// - Throws: `ReproError` if the offsets do not start at 0, fall, or do not end at the end of the values.
  public func ragged(_ name: String, offsets: String) throws -> (values: [UInt8], items: [Range<Int>]) {
    let values = try bytes(name, rank: 1).values
    let ends = try integers(offsets)
    guard ends.first == 0, ends.last == values.count, zip2(ends).allSatisfy({ $0 <= $1 }) else {
      throw ReproError.data("\(file):\(offsets)", "the offsets do not rise from 0 to \(values.count)")
    }
    return (values, zip2(ends).map { $0..<$1 })
  }

  private func zip2(_ values: [Int]) -> some Sequence<(Int, Int)> { Swift.zip(values, values.dropFirst()) }

  /// The bytes of an archive of arrays; equal arrays give equal bytes.
  ///
  /// - Parameter level: 1 to 9 deflates, nil stores.
  public static func archive(_ arrays: [(name: String, array: NPYArray)], level: Int? = 6) -> [UInt8] {
    ZipArchive.archive(arrays.map { ($0.name + ".npy", $0.array.bytes) }, level: level)
  }
}
