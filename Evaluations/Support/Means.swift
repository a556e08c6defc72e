// Means and groups that many protocols take.

extension Collection {
  /// The mean of a number of each element; 0 without any.
  func mean(_ value: (Element) throws -> Double) rethrows -> Double {
    try reduce(0.0) { try $0 + value($1) } / Double(Swift.max(count, 1))
  }
}

extension Collection<Double> {
  /// The mean; 0 without any.
  var mean: Double { mean { $0 } }
}

/// The places of each of `count` values.
///
/// - Parameter labels: each 0 ..< count.
func members(of labels: [Int], count: Int) -> [[Int]] {
  var result = [[Int]](repeating: [], count: count)
  for (i, label) in labels.enumerated() { result[label].append(i) }
  return result
}
