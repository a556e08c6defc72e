import ReproConfig

extension MATFile {
  private static let deepestNesting = 32

  /// Reads a MATLAB file of version 7.3, which is an HDF5 file whose axes are reversed.
  ///
  /// - Throws: `ReproError` that names the variable if it is of a class that is not read, or nested too deep.
  public init(hdf5 file: HDF5File) throws {
    let names = try file.children().filter { !$0.hasPrefix("#") }
    self.init(
      variables: try names.map { ($0, try MATFile.value(file, $0, depth: 0)) }, file: file.path)
  }

  private static func value(_ file: HDF5File, _ object: String, depth: Int) throws -> MATValue {
    guard depth < deepestNesting else {
      throw ReproError.data(file.place(object), "values nested deeper than \(deepestNesting)")
    }
    if try file.isGroup(object) { return try group(file, object, depth: depth) }
    let kind = try file.attribute("MATLAB_class", of: object)
    guard case .text(let name)? = kind else {
      throw ReproError.data(file.place(object), "the value has no MATLAB_class", expected: "a file written by MATLAB")
    }
    // An empty array keeps its extents as its values.
    if case .integer(1)? = try file.attribute("MATLAB_empty", of: object) {
      let extents = try file.numbers(object).values.map { Int(exactly: $0) ?? -1 }
      guard checkedCount(extents) == 0 else {
        throw ReproError.data(file.place(object), "an empty array of \(extents)")
      }
      switch name {
      case "cell": return .cells(shape: extents, [])
      case "char": return .text("")
      case "struct": return .structure(count: 0, fields: [])
      default: return .numbers(shape: extents, columnMajor: [])
      }
    }
    switch name {
    case "cell":
      let (paths, shape) = try file.references(object)
      return .cells(
        shape: Array(shape.array.reversed()), try paths.map { try value(file, $0, depth: depth + 1) })
    case "char":
      let codes = try file.numbers(object).values.map { UInt16(max(0, min(65535, $0))) }
      return .text(String(decoding: codes, as: UTF16.self))
    case "double", "single", "logical", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64":
      let (values, shape) = try file.numbers(object)
      return .numbers(shape: Array(shape.array.reversed()), columnMajor: values)
    default:
      throw ReproError.data(file.place(object), "a value of class \(name)", expected: "numbers, text, cells, structs")
    }
  }

  private static func group(_ file: HDF5File, _ object: String, depth: Int) throws -> MATValue {
    let names = try file.children(of: object)
    if case .integer(let rows)? = try file.attribute("MATLAB_sparse", of: object) {
      let starts = try file.numbers("\(object)/jc").values
      let isEmpty = try !file.contains("\(object)/ir")
      return try MATValue.sparse(
        shape: [rows, starts.count - 1], isEmpty ? [] : try file.numbers("\(object)/ir").values, starts,
        isEmpty ? [] : try file.numbers("\(object)/data").values
      ) { ReproError.data(file.place(object), $0) }
    }
    return .structure(
      count: 1, fields: try names.map { ($0, [try value(file, "\(object)/\($0)", depth: depth + 1)]) })
  }
}
