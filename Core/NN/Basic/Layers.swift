import ReproTensor

/// Randomness and mode of one training pass; a layer without it is frozen and deterministic.
public struct ForwardContext: Sendable {
  /// Dropout, stochastic depth and masks draw from children of this stream.
  public var random: RandomStream
  public init(random: RandomStream) { self.random = random }

  /// The context of a part, so that parts draw independently.
  public func child(_ name: String, _ index: Int = 0) -> ForwardContext {
    ForwardContext(random: random.child(name, index))
  }
}

/// An affine map of the last axis, `y = x W^T + b`.   [..., in] -> [..., out]
public struct Linear: Layer {
  public var weight: Tensor  // [out, in]
  public var bias: Tensor?  // [out]

  /// Weight from a normal truncated at two deviations, zero bias: what ViT and DINO use (deviation 0.02).
  public init(_ inputs: Int, _ outputs: Int, bias: Bool = true, deviation: Real = 0.02, random: RandomStream) {
    var stream = random.child("weight")
    weight = stream.truncatedNormal([outputs, inputs], deviation: deviation)
    self.bias = bias ? .zeros([outputs]) : nil
  }

  /// A map with the given weight `[out, in]` and bias `[out]`.
  public init(weight: Tensor, bias: Tensor?) {
    require(
      weight.rank == 2 && (bias?.shape ?? [weight.shape[0]]) == [weight.shape[0]],
      "a linear map needs weight [out, in] and bias [out], got \(weight.shape) and \(bias.map { "\($0.shape)" } ?? "none")"
    )
    (self.weight, self.bias) = (weight, bias)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { linear(x, weight, bias) }
}

/// Layer normalisation of the last axis with learnt gain and bias.   [..., D] -> [..., D]
public struct LayerNorm: Layer {
  public var weight: Tensor  // [D], the gain
  public var bias: Tensor  // [D]
  let epsilon: Real

  public init(_ width: Int, epsilon: Real = 1e-6) {
    weight = .ones([width])
    bias = .zeros([width])
    self.epsilon = epsilon
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight, .gain)
    v("bias", &bias, .bias)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.layerNormalized(gain: weight, bias: bias, epsilon: epsilon) }
}

/// Two affine maps with GELU between them.   [..., D] -> [..., D]
public struct MLP: Layer {
  public var fc1, fc2: Linear

  public init(_ width: Int, hidden: Int, deviation: Real = 0.02, random: RandomStream) {
    fc1 = Linear(width, hidden, deviation: deviation, random: random.child("fc1"))
    fc2 = Linear(hidden, width, deviation: deviation, random: random.child("fc2"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("fc1", &fc1)
    v("fc2", &fc2)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard let bias1 = fc1.bias, let bias2 = fc2.bias else { return fc2(fc1(x).gelu()) }
    return feedForward(x, fc1.weight, bias1, fc2.weight, bias2)
  }
}

/// Multi-head self-attention with packed projections.   [B, N, D] -> [B, N, D]
public struct SelfAttention: Layer {
  public var qkv, proj: Linear
  let heads: Int

  public init(_ width: Int, heads: Int, deviation: Real = 0.02, random: RandomStream) {
    require(heads > 0 && width % heads == 0, "attention of width \(width) cannot have \(heads) heads")
    qkv = Linear(width, 3 * width, deviation: deviation, random: random.child("qkv"))
    proj = Linear(width, width, deviation: deviation, random: random.child("proj"))
    self.heads = heads
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("qkv", &qkv)
    v("proj", &proj)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { proj(selfAttention(qkv(x), heads: heads)) }
}

/// A learnt factor for each channel (Touvron et al. 2021, "Going deeper with image transformers", arXiv 2103.17239).
public struct LayerScale: Layer {
  public var gamma: Tensor  // [D]
  public init(_ width: Int, initial: Real) { gamma = .full([width], initial) }
  public mutating func visit(_ v: inout some LayerVisitor) { v("gamma", &gamma, .gain) }
  public func callAsFunction(_ x: Tensor) -> Tensor { x * gamma }
}
