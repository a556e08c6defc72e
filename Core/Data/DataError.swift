import Glibc
import ReproConfig

extension ReproError {
  /// An error about a file: `path at byte 512: found, expected ...; hint`.
  static func data(
    _ path: String, byte: Int? = nil, _ found: String, expected: String? = nil, hint: String? = nil
  ) -> ReproError {
    let place = byte.map { "\(path) at byte \($0)" } ?? path
    return ReproError(.data, at: place, found: found, expected: expected, hint: hint)
  }

  /// An error of the operating system, with its own words for `code` (an `errno`).
  static func system(_ path: String, _ action: String, code: Int32 = errno) -> ReproError {
    ReproError(.data, at: path, found: "cannot \(action): \(String(cString: strerror(code)))")
  }
}

/// The number of elements of a shape that a file claims, or nil if it is negative or overflows.
func checkedCount(_ extents: some Sequence<Int>) -> Int? {
  var count = 1
  for extent in extents {
    guard extent >= 0 else { return nil }
    let (product, overflow) = count.multipliedReportingOverflow(by: extent)
    if overflow { return nil }
    count = product
  }
  return count
}
