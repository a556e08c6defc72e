import ReproTensor
import Testing

/// A function of several tensors whose derivatives are checked.
public typealias TensorFunction = ([Tensor]) -> Tensor

/// The largest error of a directional derivative that a check lets pass, relative to the length of the gradient.
public let gradientTolerance = isDouble ? 1e-7 : 5e-4

/// The largest difference between the fused and the composed derivative, relative to its largest element.
public let fusedTolerance = isDouble ? 1e-12 : 1e-5

/// Step of the difference quotients: their error is h^4 f'''''/30 and a few roundings of f over h.
private let step: Double = isDouble ? 2e-3 : 2e-2

/// d/dt f(t) at 0 from five points: (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h.
private func slope(_ f: (Real) -> Double) -> Double {
  let h = Real(step)
  return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * Double(h))
}

/// The inputs with the k-th moved by t along v.
private func moved(_ inputs: [Tensor], _ k: Int, _ t: Real, _ v: Tensor) -> [Tensor] {
  var result = inputs
  result[k] = inputs[k] + v * t
  return result
}

/// Directions are bounded, so that a step never crosses a kink that the inputs keep clear of.
private func direction(_ shape: Shape, _ random: RandomStream) -> Tensor {
  var stream = random
  return stream.uniform(shape, -1, 1)
}

private func scaled(_ difference: Double, _ gradient: Tensor, _ numeric: Double) -> Double {
  difference.magnitude / max(length(gradient), numeric.magnitude, 0.1)
}

/// Checks the gradient of `<w, f(x)>`, w a random upstream gradient, against difference quotients along a random
/// direction of each input.
///
///     <gradient_k, v>  =  d/dt <w, f(..., x_k + t v, ...)>  at t = 0
///
/// - Parameters:
///   - inputs: constants, away from kinks of f by more than 0.05.
///   - seedLayout: how w lies in memory.
/// - Returns: the largest error, relative to the length of the gradient (0.1 at least).
@discardableResult
public func expectGradient(
  of f: TensorFunction, at inputs: [Tensor], seedLayout: Layout = .rows, random: RandomStream = RandomStream(seed: 1),
  tolerance: Double = gradientTolerance, sourceLocation: SourceLocation = #_sourceLocation
) -> Double {
  let variables = inputs.map(\.tracked)
  let y = f(variables)
  var stream = random.child("upstream")
  let w = seedLayout.arranging(stream.normal(y.shape))
  let found = gradients(of: y, seed: w, with: variables)
  var worst = 0.0
  for (k, gradient) in found.enumerated() {
    #expect(gradient.shape == inputs[k].shape, "the gradient of input \(k)", sourceLocation: sourceLocation)
    #expect(!gradient.isTracked, "a first-order gradient has no history", sourceLocation: sourceLocation)
    let v = direction(inputs[k].shape, random.child("direction", k))
    let numeric = slope { inner(w, f(moved(inputs, k, $0, v))) }
    let error = scaled(inner(gradient, v) - numeric, gradient, numeric)
    #expect(
      error < tolerance, "input \(k) \(inputs[k].shape): gradient along v \(inner(gradient, v)), quotient \(numeric)",
      sourceLocation: sourceLocation)
    worst = error.isNaN ? .infinity : max(worst, error)
  }
  return worst
}

/// Checks the derivative of the gradient, as it is recorded with `createGraph`, against difference quotients of the
/// first-order gradient (which takes the fused path), along random directions of the inputs and of the upstream gradient.
///
///     G(x, w) = sum_k <gradient_k(x, w), u_k>;   <dG/dx_k, v>  =  d/dt G(..., x_k + t v, ..., w)  and so for w
@discardableResult
public func expectSecondOrder(
  of f: TensorFunction, at inputs: [Tensor], seedLayout: Layout = .rows, random: RandomStream = RandomStream(seed: 2),
  tolerance: Double = gradientTolerance, sourceLocation: SourceLocation = #_sourceLocation
) -> Double {
  let shape = f(inputs).shape
  var stream = random.child("upstream")
  let w = seedLayout.arranging(stream.normal(shape))
  let u = inputs.indices.map { direction(inputs[$0].shape, random.child("weights of the gradient", $0)) }

  let variables = (inputs + [w]).map(\.tracked)
  let first = gradients(
    of: f(Array(variables.dropLast())), seed: variables[inputs.count], with: Array(variables.dropLast()),
    createGraph: true)
  let total = zip(first, u).reduce(Tensor(0)) { $0 + ($1.0 * $1.1).sum() }
  let second = gradients(of: total, with: variables)

  /// G at other inputs, by first-order passes only.
  func weighted(_ points: [Tensor]) -> Double {
    let x = points.dropLast().map(\.tracked)
    return zip(gradients(of: f(x), seed: points[inputs.count], with: x), u).reduce(0) { $0 + inner($1.0, $1.1) }
  }
  var worst = 0.0
  for (k, gradient) in second.enumerated() {
    let v = direction(variables[k].shape, random.child("direction", k))
    let numeric = slope { weighted(moved(inputs + [w], k, $0, v)) }
    let error = scaled(inner(gradient, v) - numeric, gradient, numeric)
    let what = k < inputs.count ? "input \(k) \(inputs[k].shape)" : "the upstream gradient \(shape)"
    #expect(
      error < tolerance, "second derivative by \(what): along v \(inner(gradient, v)), quotient \(numeric)",
      sourceLocation: sourceLocation)
    worst = error.isNaN ? .infinity : max(worst, error)
  }
  return worst
}

/// Checks that the derivative that is used when nobody differentiates it again (with fused kernels) has the values of the
/// one that is recorded (written in tensor ops).
@discardableResult
public func expectFusedEqualsComposed(
  of f: TensorFunction, at inputs: [Tensor], seedLayout: Layout = .rows, random: RandomStream = RandomStream(seed: 3),
  tolerance: Double = fusedTolerance, sourceLocation: SourceLocation = #_sourceLocation
) -> Double {
  let variables = inputs.map(\.tracked)
  let y = f(variables)
  var stream = random.child("upstream")
  let w = seedLayout.arranging(stream.normal(y.shape))
  let fused = gradients(of: y, seed: w, with: variables, keepGraph: true)
  let composed = gradients(of: y, seed: w, with: variables, createGraph: true)
  var worst = 0.0
  for k in inputs.indices {
    let error = relativeError(fused[k], composed[k].detached, floor: 0.1)
    #expect(
      error <= tolerance, "input \(k) \(inputs[k].shape): relative error \(error)", sourceLocation: sourceLocation)
    worst = max(worst, error)
  }
  return worst
}
