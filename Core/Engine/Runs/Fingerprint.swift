import COpenBLAS
import CPNG
import CTurboJPEG
import Glibc
import ReproConfig
import ReproTensor

/// What decides the bits of a run beside its recipe and seed. Two runs with equal fingerprints must agree bit by bit.
public struct Fingerprint: Sendable, Equatable {
  public var items: [(name: String, value: String)]

  public static func == (a: Fingerprint, b: Fingerprint) -> Bool {
    a.items.elementsEqual(b.items) { $0.name == $1.name && $0.value == $1.value }
  }

  /// Of this process.
  public static let current = Fingerprint(items: [
    ("isa", InstructionSet.current.rawValue),
    ("real", MemoryLayout<Real>.size == 4 ? "Float" : "Double"),
    ("openblas", openBLASVersion),
    ("openblas_core", String(cString: openblas_get_corename())),
    ("swift", compilerVersion),
    ("glibc", libcVersion),
    ("libpng", String(cString: png_get_libpng_ver(nil))),
    ("turbojpeg", turboJPEGVersion),
  ])

  public init(items: [(name: String, value: String)]) { self.items = items }

  public init(_ json: JSONValue) { items = (json.members ?? []).map { ($0.name, $0.value.string ?? "") } }

  public var json: JSONValue { .object(items.map { JSONValue.Member($0.name, .string($0.value)) }) }

  /// The names of the items in which two fingerprints differ.
  public func differences(from other: Fingerprint) -> [String] {
    items.filter { item in other.items.first { $0.name == item.name }?.value != item.value }.map(\.name)
  }

  private static let openBLASVersion: String = {
    // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": the version is the second word.
    let words = String(cString: openblas_get_config()).split(separator: " ")
    return words.count > 1 ? String(words[1]) : "unknown"
  }()

  private static let libcVersion: String = {
    // "glibc 2.36", with its final zero.
    var text = [CChar](repeating: 0, count: 64)
    confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count)
    return text.withUnsafeBufferPointer { p in p.baseAddress.map { String(cString: $0) } ?? "" }
  }()

  private static let compilerVersion: String = {
    #if compiler(>=6.4)
      "6.4+"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2-"
    #endif
  }()
}
