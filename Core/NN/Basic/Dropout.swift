import ReproTensor

/// Sets elements to 0 at random while training, and scales the rest to keep the expectation.
///
///     y_i = x_i keep_i / (1 - rate),   keep_i ~ Bernoulli(1 - rate)
///
/// Without a context, or at rate 0, it is the identity. What is dropped is a pure function of the context's stream.
/// - Source: Srivastava et al. 2014; whole channels as in Tompson et al. 2015 (arXiv 1411.4280).
public struct Dropout: Layer {
  /// What is kept or dropped as one.
  public enum Unit: Sendable, Equatable {
    case elements
    /// Channels of `[B, C, ...]`.
    case channels
    /// Samples of `[B, ...]`.
    case samples
  }
  public let rate: Real
  public let unit: Unit

  /// A layer that drops with the given probability, in [0, 1].
  public init(_ rate: Real, unit: Unit = .elements) {
    require(rate >= 0 && rate <= 1, "dropout is a probability, got \(rate)")
    (self.rate, self.unit) = (rate, unit)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {}

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext?) -> Tensor {
    guard rate > 0, let context else { return x }
    if rate == 1 { return x * 0 }
    let whole = unit == .elements ? x.rank : unit == .channels ? 2 : 1
    require(x.rank >= whole, "dropout of \(unit) needs \(whole) axes, got \(x.shape)")
    var stream = context.random.child("dropout")
    let shape = Shape(x.shape.array[..<whole] + Array(repeating: 1, count: x.rank - whole))
    let keep = Tensor(rate).isLess(stream.uniform(shape), orEqual: true)
    return x * (keep * (1 / (1 - rate)))
  }
}

extension Dropout {
  /// Stochastic depth of single samples (drop path), for the output of a residual branch.
  public static func path(_ rate: Real) -> Dropout { Dropout(rate, unit: .samples) }
}
