// Update rules beside those of Updates.swift: Adam, and the two that scale each layer's step by the length of its weight.

extension Tensor {
  /// The Euclidean length of all elements; squares are summed in fixed chunks.
  private var length: Real { sumOfSquares.squareRoot() }

  /// One Adam update; see `Optimizer.Rule.adam`. `step` counts from 1.
  public mutating func stepAdam(
    _ gradient: Tensor, _ first: inout Tensor, _ second: inout Tensor, step: Int, rate: Real, decay: Real, beta1: Real,
    beta2: Real, epsilon: Real
  ) {
    requireUpdate(gradient, first, second)
    let g = decay == 0 ? gradient.detached : gradient.detached + detached * decay
    stepAdamW(g, &first, &second, step: step, rate: rate, decay: 0, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  /// One LARS update; see `Optimizer.Rule.lars`. `adapts` says whether the rate is scaled by the lengths.
  public mutating func stepLARS(
    _ gradient: Tensor, _ velocity: inout Tensor, rate: Real, decay: Real, momentum: Real, trust: Real, adapts: Bool
  ) {
    requireUpdate(gradient, velocity)
    let g = gradient.detached
    var local: Real = 1
    if adapts {
      let (own, slope) = (length, g.length)
      if own > 0 && slope > 0 { local = trust * own / (slope + decay * own) }
    }
    // The velocity holds steps, rates included, as in the paper.
    let change = (decay == 0 ? g : g + detached * decay) * (rate * local)
    stepSGD(change, &velocity, rate: 1, decay: 0, momentum: momentum, nesterov: false)
  }

  /// One LAMB update; see `Optimizer.Rule.lamb`. `step` counts from 1; `adapts` says whether lengths scale the step.
  public mutating func stepLAMB(
    _ gradient: Tensor, _ first: inout Tensor, _ second: inout Tensor, step: Int, rate: Real, decay: Real, beta1: Real,
    beta2: Real, epsilon: Real, adapts: Bool
  ) {
    requireUpdate(gradient, first, second)
    let g = gradient.detached
    first.average(with: g, rate: beta1)
    second.average(with: g.squared(), rate: beta2)
    // In Double: 1 - beta^t cancels, which would cost 1e-5 of the first steps.
    let firstCorrection = Real(1 / (1 - power(beta1, step)))
    let secondCorrection = Real(1 / (1 - power(beta2, step)))
    let root: Tensor = (second * secondCorrection).sqrt() + epsilon
    var change: Tensor = first * firstCorrection / root
    if decay != 0 { change = change + detached * decay }
    var ratio: Real = 1
    if adapts {
      let (own, slope) = (length, change.length)
      if own > 0 && slope > 0 { ratio = own / slope }
    }
    add(change * (-rate * ratio))
  }
}

/// base^exponent in Double.
private func power(_ base: Real, _ exponent: Int) -> Double {
  var (result, square, rest) = (1.0, Double(base), exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
