import CHDF5
import ReproConfig
import ReproTensor
import Synchronization

/// The one door to libhdf5, which is not thread-safe: every call happens inside `locked`.
enum HDF5Library {
  /// Whether the library's global state has been set up.
  private static let prepared = Mutex(false)

  /// Runs `body` alone in the library; never nested, and no `HDF5File` may be released inside.
  static func locked<R>(_ body: () throws -> R) throws -> R {
    var result: Result<R, any Error>?
    prepared.withLock { ready in
      if !ready {
        // Files are closed one by one. At exit the library would close what could not be, once more, and crash.
        H5dont_atexit()
        H5open()
        hdf5_refuse_plugins()
        ready = true
      }
      hdf5_be_silent()
      result = Result { try body() }
    }
    guard let result else { requirementFailed("the HDF5 lock did not run its body") }
    return try result.get()
  }

  /// The id, or an error with the library's innermost message.
  static func check(_ id: hid_t, _ path: String, _ action: String) throws -> hid_t {
    guard id >= 0 else { throw failure(path, action) }
    return id
  }

  static func check(_ status: herr_t, _ path: String, _ action: String) throws {
    if status < 0 { throw failure(path, action) }
  }

  static func failure(_ path: String, _ action: String) -> ReproError {
    var text = [CChar](repeating: 0, count: 512)
    hdf5_last_error(&text, text.count)
    let message = brief(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    return ReproError.data(path, "cannot \(action)" + (message.isEmpty ? "" : " (HDF5: \(message))"))
  }

  /// HDF5's messages about the system name the time and addresses; what the system said is enough.
  static func brief(_ message: String) -> String {
    let line = message.split(separator: "\n").joined()
    guard let key = line.firstRange(of: "error message = '") else { return line }
    let words = line[key.upperBound...].prefix { $0 != "'" }
    return "\(line.prefix { $0 != ":" }): \(words)"
  }
}

/// What a dataset of a file holds.
public enum HDF5Element: Sendable, Equatable, CustomStringConvertible {
  case float32, float64, int64, int32, uint8
  /// A type that we neither read nor write, in words.
  case other(String)

  public var description: String {
    switch self {
    case .float32: "float32"
    case .float64: "float64"
    case .int64: "int64"
    case .int32: "int32"
    case .uint8: "uint8"
    case .other(let text): text
    }
  }

  /// Reads off a stored type; call inside the lock.
  init(stored type: hid_t) {
    let size = H5Tget_size(type)
    switch H5Tget_class(type) {
    case H5T_FLOAT where size == 4: self = .float32
    case H5T_FLOAT where size == 8: self = .float64
    case H5T_INTEGER where size == 8 && H5Tget_sign(type) == H5T_SGN_2: self = .int64
    case H5T_INTEGER where size == 4 && H5Tget_sign(type) == H5T_SGN_2: self = .int32
    case H5T_INTEGER where size == 1 && H5Tget_sign(type) == H5T_SGN_NONE: self = .uint8
    case H5T_FLOAT: self = .other("\(8 * size)-bit floating point")
    case H5T_INTEGER:
      self = .other("\(8 * size)-bit \(H5Tget_sign(type) == H5T_SGN_2 ? "signed" : "unsigned") integer")
    case H5T_STRING: self = .other("text")
    default: self = .other("a type of class \(H5Tget_class(type).rawValue)")
    }
  }
}

/// The scalars that HDF5 files of the project hold; stored little-endian whatever the machine.
public protocol HDF5Scalar: BitwiseCopyable, Sendable {
  static var hdf5Element: HDF5Element { get }
}

extension Float: HDF5Scalar { public static var hdf5Element: HDF5Element { .float32 } }
extension Double: HDF5Scalar { public static var hdf5Element: HDF5Element { .float64 } }
extension Int64: HDF5Scalar { public static var hdf5Element: HDF5Element { .int64 } }
extension Int32: HDF5Scalar { public static var hdf5Element: HDF5Element { .int32 } }
extension UInt8: HDF5Scalar { public static var hdf5Element: HDF5Element { .uint8 } }

extension HDF5Scalar {
  /// The type in memory; call inside the lock.
  static var hdf5Native: hid_t {
    switch hdf5Element {
    case .float32: hdf5_native_float32()
    case .float64: hdf5_native_float64()
    case .int64: hdf5_native_int64()
    case .int32: hdf5_native_int32()
    default: hdf5_native_uint8()
    }
  }

  /// The type on disk; call inside the lock.
  static var hdf5Stored: hid_t {
    switch hdf5Element {
    case .float32: hdf5_stored_float32()
    case .float64: hdf5_stored_float64()
    case .int64: hdf5_stored_int64()
    case .int32: hdf5_stored_int32()
    default: hdf5_stored_uint8()
    }
  }
}
