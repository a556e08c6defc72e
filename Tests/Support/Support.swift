import ReproTensor
import Testing

/// Whether `Real` is Double, as under the package trait `DoubleReal`: tolerances depend on it.
public let isDouble = MemoryLayout<Real>.size == 8

/// The Euclidean length of all elements, in Double.
func length(_ x: Tensor) -> Double {
  x.withElements { $0.reduce(0.0) { $0 + Double($1) * Double($1) } }.squareRoot()
}

/// The inner product of two tensors of one shape, in Double, so that the comparison adds no rounding of its own.
func inner(_ a: Tensor, _ b: Tensor) -> Double {
  require(a.shape == b.shape, "inner products need equal shapes, got \(a.shape) and \(b.shape)")
  return a.withElements { p in b.withElements { q in zip(p, q).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } } }
}

/// The largest difference of two tensors, in units of the larger of `floor` and the largest expected magnitude.
///
/// Infinite where the shapes differ or an element is NaN in one of them only; equal infinities agree.
public func relativeError(_ actual: Tensor, _ expected: Tensor, floor: Double = 1e-2) -> Double {
  guard actual.shape == expected.shape else { return .infinity }
  return actual.withElements { a in
    expected.withElements { e in
      var (scale, worst) = (floor, 0.0)
      for value in e where value.isFinite { scale = max(scale, Double(value.magnitude)) }
      for (x, y) in zip(a, e) where x != y && !(x.isNaN && y.isNaN) {
        let difference = (Double(x) - Double(y)).magnitude
        worst = difference.isFinite ? max(worst, difference) : .infinity
      }
      return worst / scale
    }
  }
}

/// Demands that two tensors have one shape and agree within `tolerance` of the largest expected magnitude.
@discardableResult
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, tolerance: Double, floor: Double = 1e-2,
  _ label: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) -> Double {
  let error = relativeError(actual, expected, floor: floor)
  #expect(
    error <= tolerance, "\(label()): \(actual.shape) against \(expected.shape), relative error \(error)",
    sourceLocation: sourceLocation)
  return error
}

/// Whether two tensors have one shape and the same bytes.
public func sameBits(_ a: Tensor, _ b: Tensor) -> Bool {
  guard a.shape == b.shape else { return false }
  return a.withElements { p in b.withElements { q in zip(p, q).allSatisfy { $0.bitPattern == $1.bitPattern } } }
}
