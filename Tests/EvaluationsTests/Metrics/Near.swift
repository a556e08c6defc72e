import ReproTensor
import TestSupport
import Testing

/// What libraries say; see Tests/Support/vectors/make_metric_vectors.py.
struct MetricVectors {
  private let file: VectorFile
  init() throws { file = try VectorFile("metrics.h5") }

  func doubles(_ name: String) throws -> [Double] { try file.doubles(name).values }
  func integers(_ name: String) throws -> [Int] { try doubles(name).map { Int($0) } }
  /// The inputs are rounded to Float before the libraries see them.
  func tensor(_ name: String) throws -> Tensor {
    let (values, shape) = try file.doubles(name)
    return Tensor(shape, values.map { Real($0) })
  }
}

/// Demands that numbers agree within a tolerance, relative to the expected one where that is above 1.
func expectNear(
  _ found: Double?, _ expected: Double, _ tolerance: Double = 1e-12, _ label: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = found.map { abs($0 - expected) / max(1, abs(expected)) } ?? .infinity
  #expect(
    error <= tolerance, "\(label): \(found.map { "\($0)" } ?? "nil") against \(expected)",
    sourceLocation: sourceLocation)
  if !label.isEmpty { ProofLog.record("metric", label, "", error) }
}

/// The same for lists: the worst of all.
func expectAllNear(
  _ found: [Double], _ expected: [Double], _ tolerance: Double = 1e-12, _ label: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, "\(label)", sourceLocation: sourceLocation)
  var worst = 0.0
  for (f, e) in zip(found, expected) { worst = max(worst, abs(f - e) / max(1, abs(e))) }
  #expect(worst <= tolerance, "\(label): \(worst)", sourceLocation: sourceLocation)
  if !label.isEmpty { ProofLog.record("metric", label, "", worst) }
}
