import ReproTensor

/// An affine map of every point by itself, with the weight of a convolution of kernel 1.   [..., C] -> [..., O]
public struct PointwiseMap: Layer {
  public var weight: Tensor  // [O, C, 1] or [O, C, 1, 1]
  public var bias: Tensor  // [O]

  /// - Parameter window: how many axes of extent 1 the weight has: 1 as of a 1D convolution, 2 as of a 2D one.
  public init(_ inputs: Int, _ outputs: Int, window: Int = 1, random: RandomStream) {
    let made = Linear.uniform(inputs, outputs, random: random)
    weight = made.weight.reshaped(to: Shape([outputs, inputs] + Array(repeating: 1, count: window)))
    bias = made.bias ?? .zeros([outputs])
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    linear(x, weight.reshaped(to: [weight.shape[0], weight.shape[1]]), bias)
  }
}

extension BatchNorm {
  /// Training: normalisation of the last axis over all others, `[..., C]`.
  mutating func ofLast(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    self(x.reshaped([-1, x.shape[-1]]), context).reshaped(to: x.shape)
  }

  /// Frozen: normalisation of the last axis by the running statistics, `[..., C]`.
  func ofLast(_ x: Tensor) -> Tensor { self(x.reshaped([-1, x.shape[-1]])).reshaped(to: x.shape) }
}
