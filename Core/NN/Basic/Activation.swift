import ReproTensor

/// The nonlinearity of a block.
public enum Activation: Sendable, Equatable {
  case identity
  case relu
  case gelu
  /// `x sigmoid(1.702 x)`, the approximation of GELU in OpenAI's CLIP (arXiv 1606.08415, Section 2).
  case quickGELU
  case silu
  case tanh
  /// Slope below 0.
  case leakyReLU(Real)
  case softplus(beta: Real)

  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .identity: x
    case .relu: x.relu()
    case .gelu: x.gelu()
    case .quickGELU: x * (x * 1.702).sigmoid()
    case .silu: x.silu()
    case .tanh: x.tanh()
    case .leakyReLU(let slope): x.leakyRelu(slope: slope)
    case .softplus(let beta): x.softplus(beta: beta)
    }
  }
}

/// Affine maps with a nonlinearity between them, none after the last.   [..., in] -> [..., out]
public struct DenseNetwork: Layer {
  public var layers: [Linear]
  public let activation: Activation

  /// - Parameter widths: of the input, the hidden layers and the output; at least two.
  public init(_ widths: [Int], activation: Activation = .relu, random: RandomStream) {
    require(widths.count >= 2 && widths.allSatisfy { $0 > 0 }, "a dense network needs positive widths, got \(widths)")
    layers = (1..<widths.count).map { .uniform(widths[$0 - 1], widths[$0], random: random.child("layers", $0 - 1)) }
    self.activation = activation
  }

  public mutating func visit(_ v: inout some LayerVisitor) { v("layers", &layers) }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var h = x
    for (i, layer) in layers.enumerated() {
      h = layer(h)
      if i + 1 < layers.count { h = activation(h) }
    }
    return h
  }
}

/// A rectifier whose slope below 0 is learnt: max(0, x) + a min(0, x).
///
/// - Source: He et al. 2015 (arXiv 1502.01852), Eq. 1, with one slope for all channels.
public struct PReLU: Layer {
  public var weight: Tensor = .full([1], 0.25)  // a

  public init() {}

  public mutating func visit(_ v: inout some LayerVisitor) { v("weight", &weight, .gain) }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.relu() - (-x).relu() * weight }
}

extension Linear {
  /// A map whose weight and bias are uniform within 1 / sqrt(inputs): PyTorch's default.
  public static func uniform(_ inputs: Int, _ outputs: Int, bias: Bool = true, random: RandomStream) -> Linear {
    let bound = 1 / Real(inputs).squareRoot()
    var (a, b) = (random.child("weight"), random.child("bias"))
    return Linear(
      weight: a.uniform([outputs, inputs], -bound, bound), bias: bias ? b.uniform([outputs], -bound, bound) : nil)
  }

  /// A map with Glorot's uniform weight, within sqrt(6 / (inputs + outputs)), and zero bias (Glorot and Bengio 2010, Eq. 16).
  public static func glorot(_ inputs: Int, _ outputs: Int, bias: Bool = true, random: RandomStream) -> Linear {
    let bound = (6 / Real(inputs + outputs)).squareRoot()
    var stream = random.child("weight")
    return Linear(weight: stream.uniform([outputs, inputs], -bound, bound), bias: bias ? .zeros([outputs]) : nil)
  }
}
