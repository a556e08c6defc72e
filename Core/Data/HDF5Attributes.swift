import CHDF5
import ReproConfig
import ReproTensor

/// A small value attached to a group or dataset.
public enum HDF5Attribute: Sendable, Equatable {
  /// UTF-8 without NUL.
  case text(String)
  case integer(Int)
  case real(Double)

  fileprivate var words: String {
    switch self {
    case .text: "text"
    case .integer: "an integer"
    case .real: "a real number"
    }
  }
}

extension HDF5File {
  /// The format keeps attributes in an object's header, which holds less than 64 kB.
  private static let largestText = 60_000

  /// Attaches a value to a group or dataset; nothing of that name may be attached yet.
  public func setAttribute(_ name: String, _ value: HDF5Attribute, of object: String = "/") throws {
    try locked { file in
      let shown = "\(place(object))@\(name)"
      let owner = try self.object(file, object, nil, "group or dataset")
      defer { H5Oclose(owner) }
      switch value {
      case .text(let text):
        require(!text.utf8.contains(0), "\(shown): text with a NUL cannot be an attribute")
        guard text.utf8.count <= Self.largestText else {
          throw ReproError.data(
            shown, "\(text.utf8.count) bytes of text", expected: "at most \(Self.largestText)",
            hint: "store it as a dataset of bytes")
        }
        let type = try HDF5Library.check(H5Tcopy(hdf5_c_string()), shown, "write")
        defer { H5Tclose(type) }
        try HDF5Library.check(H5Tset_size(type, max(1, text.utf8.count)), shown, "write")
        try HDF5Library.check(H5Tset_strpad(type, H5T_STR_NULLPAD), shown, "write")
        try HDF5Library.check(H5Tset_cset(type, H5T_CSET_UTF8), shown, "write")
        let bytes = text.isEmpty ? [0] : Array(text.utf8)
        try bytes.withUnsafeBytes { try attach(owner, name, shown, stored: type, memory: type, $0) }
      case .integer(let number):
        try withUnsafeBytes(of: Int64(number)) {
          try attach(owner, name, shown, stored: hdf5_stored_int64(), memory: hdf5_native_int64(), $0)
        }
      case .real(let number):
        try withUnsafeBytes(of: number) {
          try attach(owner, name, shown, stored: hdf5_stored_float64(), memory: hdf5_native_float64(), $0)
        }
      }
    }
  }

  private func attach(
    _ owner: hid_t, _ name: String, _ shown: String, stored: hid_t, memory: hid_t, _ bytes: UnsafeRawBufferPointer
  ) throws {
    let space = try HDF5Library.check(H5Screate(H5S_SCALAR), shown, "write")
    defer { H5Sclose(space) }
    let created = H5Acreate2(owner, name, stored, space, hdf5_default(), hdf5_default())
    let attribute = try HDF5Library.check(created, shown, "write")
    defer { H5Aclose(attribute) }
    try HDF5Library.check(H5Awrite(attribute, memory, bytes.baseAddress), shown, "write")
  }

  /// The value attached to a group or dataset under a name, or nil.
  ///
  /// - Throws: `ReproError` if it is neither text nor one number.
  public func attribute(_ name: String, of object: String = "/") throws -> HDF5Attribute? {
    try locked { file in
      let shown = "\(place(object))@\(name)"
      let owner = try self.object(file, object, nil, "group or dataset")
      defer { H5Oclose(owner) }
      let exists = H5Aexists(owner, name)
      if exists == 0 { return nil }
      if exists < 0 { throw HDF5Library.failure(shown, "look up") }
      let attribute = try HDF5Library.check(H5Aopen(owner, name, hdf5_default()), shown, "open")
      defer { H5Aclose(attribute) }
      let space = try HDF5Library.check(H5Aget_space(attribute), shown, "read")
      defer { H5Sclose(space) }
      guard H5Sget_simple_extent_npoints(space) == 1 else {
        throw ReproError.data(shown, "\(H5Sget_simple_extent_npoints(space)) values", expected: "one")
      }
      let type = try HDF5Library.check(H5Aget_type(attribute), shown, "read")
      defer { H5Tclose(type) }
      return try value(of: attribute, type, shown)
    }
  }

  private func value(of attribute: hid_t, _ type: hid_t, _ shown: String) throws -> HDF5Attribute {
    switch H5Tget_class(type) {
    case H5T_INTEGER:
      var number: Int64 = 0
      try HDF5Library.check(H5Aread(attribute, hdf5_native_int64(), &number), shown, "read")
      return .integer(Int(number))
    case H5T_FLOAT:
      var number = 0.0
      try HDF5Library.check(H5Aread(attribute, hdf5_native_float64(), &number), shown, "read")
      return .real(number)
    case H5T_STRING where H5Tis_variable_str(type) == 0:
      let size = H5Tget_size(type)
      guard size > 0, size <= fileSize, size <= 1 << 16 else {
        throw ReproError.data(shown, "the header claims \(size) bytes of text")
      }
      var bytes = [UInt8](repeating: 0, count: size)
      try HDF5Library.check(H5Aread(attribute, type, &bytes), shown, "read")
      return .text(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
    case H5T_STRING:
      // What h5py writes for a str: the library allocates the text, and we give it back.
      let memory = try HDF5Library.check(H5Tcopy(type), shown, "read")
      defer { H5Tclose(memory) }
      var text: UnsafeMutablePointer<CChar>?
      try HDF5Library.check(H5Aread(attribute, memory, &text), shown, "read")
      defer { H5free_memory(text) }
      return .text(text.map { String(cString: $0) } ?? "")
    default:
      throw ReproError.data(shown, "the value is \(HDF5Element(stored: type))", expected: "text or a number")
    }
  }

  private func wrong(_ name: String, _ object: String, _ found: HDF5Attribute?, _ expected: String) -> ReproError {
    ReproError.data(
      "\(place(object))@\(name)", found.map { "the value is \($0.words)" } ?? "missing", expected: expected)
  }

  /// The text attached under a name; an error if there is none.
  public func text(_ name: String, of object: String = "/") throws -> String {
    let value = try attribute(name, of: object)
    guard case .text(let text) = value else { throw wrong(name, object, value, "text") }
    return text
  }

  /// The integer attached under a name; an error if there is none.
  public func integer(_ name: String, of object: String = "/") throws -> Int {
    let value = try attribute(name, of: object)
    guard case .integer(let number) = value else { throw wrong(name, object, value, "an integer") }
    return number
  }

  /// The real number attached under a name; an error if there is none.
  public func real(_ name: String, of object: String = "/") throws -> Double {
    let value = try attribute(name, of: object)
    guard case .real(let number) = value else { throw wrong(name, object, value, "a real number") }
    return number
  }
}
