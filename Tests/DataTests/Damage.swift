import ReproConfig
import ReproData
import Testing

/// Puts a parser through every cut and every flipped bit of a good file (or through `samples` of each, evenly spread).
///
/// Each time it must either succeed or throw a `ReproError(.data)`; a crash ends the test run. Returns how many damaged
/// files were refused.
@discardableResult
func damage(_ good: [UInt8], samples: Int = 4000, _ parse: ([UInt8]) throws -> Void) -> (cuts: Int, flips: Int) {
  func isRefused(_ bytes: [UInt8]) -> Bool {
    do {
      try parse(bytes)
      return false
    } catch let error as ReproError {
      #expect(error.domain == .data && !error.location.isEmpty)
      return true
    } catch {
      Issue.record("not a ReproError: \(error)")
      return true
    }
  }
  var refused = (cuts: 0, flips: 0)
  for length in stride(from: 0, to: good.count, by: max(1, good.count / samples)) {
    if isRefused(Array(good[..<length])) { refused.cuts += 1 }
  }
  var bytes = good
  for bit in stride(from: 0, to: 8 * good.count, by: max(1, 8 * good.count / samples)) {
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    if isRefused(bytes) { refused.flips += 1 }
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
  }
  return refused
}
