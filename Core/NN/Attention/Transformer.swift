import ReproTensor

/// What the blocks of an encoder and a decoder are made of.
public struct TransformerConfiguration: Sendable, Equatable {
  public var width: Int
  public var heads: Int
  /// Units between the two maps of a block.
  public var hidden: Int
  /// Whether norms come before attention and maps instead of after the sum.
  public var normFirst = false
  public var activation = Activation.relu
  public var dropout: Real = 0
  public var epsilon: Real = 1e-5

  public init(width: Int, heads: Int, hidden: Int) {
    (self.width, self.heads, self.hidden) = (width, heads, hidden)
  }
}

/// A block of an encoder: attention on itself, then two maps.   [B, N, D] -> [B, N, D]
///
///     post-norm:  x := norm1(x + attention(x));  x := norm2(x + W_2 act(W_1 x))
///     pre-norm:   x := x + attention(norm1(x));  x := x + W_2 act(W_1 norm2(x))
///
/// Names and initialisation are those of PyTorch's `TransformerEncoderLayer`.
/// - Source: Vaswani et al. 2017 (arXiv 1706.03762), Section 3.1; pre-norm: Xiong et al. 2020 (arXiv 2002.04745).
public struct TransformerEncoderBlock: Layer {
  public var selfAttn: MultiHeadAttention
  public var linear1, linear2: Linear
  public var norm1, norm2: LayerNorm
  let configuration: TransformerConfiguration

  public init(_ c: TransformerConfiguration, random: RandomStream) {
    configuration = c
    selfAttn = MultiHeadAttention(c.width, heads: c.heads, dropout: c.dropout, random: random.child("self_attn"))
    linear1 = .uniform(c.width, c.hidden, random: random.child("linear1"))
    linear2 = .uniform(c.hidden, c.width, random: random.child("linear2"))
    norm1 = LayerNorm(c.width, epsilon: c.epsilon)
    norm2 = LayerNorm(c.width, epsilon: c.epsilon)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("self_attn", &selfAttn)
    v("linear1", &linear1)
    v("linear2", &linear2)
    v("norm1", &norm1)
    v("norm2", &norm2)
  }

  public func callAsFunction(
    _ x: Tensor, _ visible: AttentionContext = .all, _ context: ForwardContext? = nil
  ) -> Tensor {
    let c = configuration
    let y = joined(x, norm1, c, context?.child("attention")) { selfAttn($0, visible, context?.child("self")) }
    return joined(y, norm2, c, context?.child("maps")) {
      maps($0, linear1, linear2, c, context?.child("hidden"))
    }
  }
}

/// A block of a decoder: attention on itself, attention on a memory, two maps.   [B, N, D] on [B, M, D] -> [B, N, D]
///
/// Names and initialisation are those of PyTorch's `TransformerDecoderLayer`.
/// - Source: Vaswani et al. 2017 (arXiv 1706.03762), Section 3.1.
public struct TransformerDecoderBlock: Layer {
  public var selfAttn, multiheadAttn: MultiHeadAttention
  public var linear1, linear2: Linear
  public var norm1, norm2, norm3: LayerNorm
  let configuration: TransformerConfiguration

  public init(_ c: TransformerConfiguration, random: RandomStream) {
    configuration = c
    selfAttn = MultiHeadAttention(c.width, heads: c.heads, dropout: c.dropout, random: random.child("self_attn"))
    multiheadAttn = MultiHeadAttention(
      c.width, heads: c.heads, dropout: c.dropout, random: random.child("multihead_attn"))
    linear1 = .uniform(c.width, c.hidden, random: random.child("linear1"))
    linear2 = .uniform(c.hidden, c.width, random: random.child("linear2"))
    norm1 = LayerNorm(c.width, epsilon: c.epsilon)
    norm2 = LayerNorm(c.width, epsilon: c.epsilon)
    norm3 = LayerNorm(c.width, epsilon: c.epsilon)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("self_attn", &selfAttn)
    v("multihead_attn", &multiheadAttn)
    v("linear1", &linear1)
    v("linear2", &linear2)
    v("norm1", &norm1)
    v("norm2", &norm2)
    v("norm3", &norm3)
  }

  /// - Parameters:
  ///   - x: what is decoded, `[B, N, D]`.
  ///   - memory: what is looked at, `[B, M, D]`.
  ///   - visible: what x sees of itself; `ofMemory` what it sees of the memory.
  ///   - positions: added to queries and keys, never to values (DETR): of x `[B, N, D]` and of the memory `[B, M, D]`.
  public func callAsFunction(
    _ x: Tensor, memory: Tensor, _ visible: AttentionContext = .all, ofMemory: AttentionContext = .all,
    positions: (own: Tensor?, memory: Tensor?) = (nil, nil), _ context: ForwardContext? = nil
  ) -> Tensor {
    let c = configuration
    func placed(_ t: Tensor, _ p: Tensor?) -> Tensor { p.map { t + $0 } ?? t }
    let y = joined(x, norm1, c, context?.child("attention")) { t in
      let q = placed(t, positions.own)
      return selfAttn(q, keys: q, values: t, visible, context?.child("self"))
    }
    let z = joined(y, norm2, c, context?.child("memory attention")) { t in
      multiheadAttn(
        placed(t, positions.own), keys: placed(memory, positions.memory), values: memory, ofMemory,
        context?.child("memory"))
    }
    return joined(z, norm3, c, context?.child("maps")) { maps($0, linear1, linear2, c, context?.child("hidden")) }
  }
}

/// The sum of x and a branch of it, normalised before or after.
private func joined(
  _ x: Tensor, _ norm: LayerNorm, _ c: TransformerConfiguration, _ context: ForwardContext?,
  _ branch: (Tensor) -> Tensor
) -> Tensor {
  let dropout = Dropout(c.dropout)
  if c.normFirst { return x + dropout(branch(norm(x)), context) }
  return norm(x + dropout(branch(x), context))
}

private func maps(
  _ x: Tensor, _ first: Linear, _ second: Linear, _ c: TransformerConfiguration, _ context: ForwardContext?
) -> Tensor { second(Dropout(c.dropout)(c.activation(first(x)), context)) }

/// A stack of encoder blocks, with a norm at the end where the blocks are pre-norm.   [B, N, D] -> [B, N, D]
public struct TransformerEncoder: Layer {
  public var layers: [TransformerEncoderBlock]
  public var norm: LayerNorm?

  public init(_ c: TransformerConfiguration, depth: Int, random: RandomStream) {
    layers = (0..<depth).map { TransformerEncoderBlock(c, random: random.child("layers", $0)) }
    norm = c.normFirst ? LayerNorm(c.width, epsilon: c.epsilon) : nil
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("layers", &layers)
    v("norm", &norm)
  }

  public func callAsFunction(
    _ x: Tensor, _ visible: AttentionContext = .all, _ context: ForwardContext? = nil
  ) -> Tensor {
    var y = x
    for (i, layer) in layers.enumerated() { y = layer(y, visible, context?.child("layers", i)) }
    return norm.map { $0(y) } ?? y
  }
}

/// A stack of decoder blocks, with a norm at the end where the blocks are pre-norm.   [B, N, D] on [B, M, D] -> [B, N, D]
public struct TransformerDecoder: Layer {
  public var layers: [TransformerDecoderBlock]
  public var norm: LayerNorm?

  public init(_ c: TransformerConfiguration, depth: Int, random: RandomStream) {
    layers = (0..<depth).map { TransformerDecoderBlock(c, random: random.child("layers", $0)) }
    norm = c.normFirst ? LayerNorm(c.width, epsilon: c.epsilon) : nil
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("layers", &layers)
    v("norm", &norm)
  }

  public func callAsFunction(
    _ x: Tensor, memory: Tensor, _ visible: AttentionContext = .all, ofMemory: AttentionContext = .all,
    _ context: ForwardContext? = nil
  ) -> Tensor {
    var y = x
    for (i, layer) in layers.enumerated() {
      y = layer(y, memory: memory, visible, ofMemory: ofMemory, context?.child("layers", i))
    }
    return norm.map { $0(y) } ?? y
  }
}
