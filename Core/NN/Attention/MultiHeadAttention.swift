import ReproTensor

/// What attention may look at, and what is added to its scores.
public struct AttentionContext: Sendable {
  /// Added to the scores, broadcasts to `[B, H, N, M]`; differentiable.
  public var bias: Tensor?
  /// Query i sees keys 0...i only.
  public var isCausal: Bool
  /// `[B, M]`, not 0 where a key stands for nothing and is not looked at.
  public var padding: Tensor?
  /// Turns queries and keys by their positions.
  public var rotary: RotaryEmbedding?

  public init(
    bias: Tensor? = nil, isCausal: Bool = false, padding: Tensor? = nil, rotary: RotaryEmbedding? = nil
  ) {
    (self.bias, self.isCausal, self.padding, self.rotary) = (bias, isCausal, padding, rotary)
  }

  /// Everything is visible.
  public static let all = AttentionContext()
}

/// Multi-head attention of a sequence on itself or on another one.   [B, N, D] on [B, M, K] -> [B, N, D]
///
///     head_h = softmax(q_h k_h^T / sqrt(d) + bias) v_h;   out = W_o [head_1, ..., head_H] + b_o
///
/// Names and initialisation are those of PyTorch's `MultiheadAttention`: packed projections where queries, keys and values have
/// one width.
/// - Source: Vaswani et al. 2017 (arXiv 1706.03762), Section 3.2.
public struct MultiHeadAttention: Layer {
  public var inProjWeight: Tensor?  // [3 D, D]
  public var qProjWeight, kProjWeight, vProjWeight: Tensor?  // [D, D], [D, K], [D, V]
  public var inProjBias: Tensor  // [3 D]
  public var outProj: Linear
  let heads: Int
  let width: Int
  /// Of the attention weights.
  let dropout: Dropout

  /// - Parameters:
  ///   - width: D, a multiple of `heads`.
  ///   - keys: width of what keys are made from; D if nil. Likewise `values`.
  public init(
    _ width: Int, heads: Int, keys: Int? = nil, values: Int? = nil, dropout: Real = 0, random: RandomStream
  ) {
    require(heads > 0 && width % heads == 0, "attention of width \(width) cannot have \(heads) heads")
    let (k, v) = (keys ?? width, values ?? width)
    if k == width && v == width {
      inProjWeight = Linear.glorot(width, 3 * width, random: random.child("in_proj")).weight
    } else {
      qProjWeight = Linear.glorot(width, width, random: random.child("q_proj")).weight
      kProjWeight = Linear.glorot(k, width, random: random.child("k_proj")).weight
      vProjWeight = Linear.glorot(v, width, random: random.child("v_proj")).weight
    }
    inProjBias = .zeros([3 * width])
    outProj = .uniform(width, width, random: random.child("out_proj"))
    outProj.bias = .zeros([width])
    (self.heads, self.width, self.dropout) = (heads, width, Dropout(dropout))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("in_proj_weight", &inProjWeight)
    v("q_proj_weight", &qProjWeight)
    v("k_proj_weight", &kProjWeight)
    v("v_proj_weight", &vProjWeight)
    v("in_proj_bias", &inProjBias, .bias)
    v("out_proj", &outProj)
  }

  /// Attention of a sequence on itself.   [B, N, D] -> [B, N, D]
  public func callAsFunction(
    _ x: Tensor, _ visible: AttentionContext = .all, _ context: ForwardContext? = nil
  ) -> Tensor { self(x, keys: x, values: x, visible, context) }

  /// Attention of queries `[B, N, D]` on keys `[B, M, K]` and values `[B, M, V]`.
  public func callAsFunction(
    _ queries: Tensor, keys: Tensor, values: Tensor, _ visible: AttentionContext = .all,
    _ context: ForwardContext? = nil
  ) -> Tensor {
    require(
      queries.rank == 3 && keys.rank == 3 && values.rank == 3 && queries.shape[2] == width
        && keys.shape[0] == queries.shape[0] && values.shape[0] == queries.shape[0] && keys.shape[1] == values.shape[1],
      "attention of width \(width) needs [B, N, \(width)] and [B, M, ...] twice, got \(queries.shape), \(keys.shape), "
        + "\(values.shape)")
    func projected(_ x: Tensor, _ part: Int, _ own: Tensor?) -> Tensor {
      let rows = part * width..<(part + 1) * width
      guard let weight = own ?? inProjWeight?.slice(0, rows) else {
        requirementFailed("attention has neither packed nor separate projections")
      }
      let y = linear(x, weight, inProjBias.slice(0, rows))
      return y.reshaped(to: [x.shape[0], x.shape[1], heads, width / heads]).permuted([0, 2, 1, 3])  // [B, H, N, d]
    }
    var (q, k) = (projected(queries, 0, qProjWeight), projected(keys, 1, kProjWeight))
    if let rotary = visible.rotary { (q, k) = (rotary(q), rotary(k)) }
    let y = attended(q, k, projected(values, 2, vProjWeight), visible, dropout, context)
    return outProj(y.permuted([0, 2, 1, 3]).reshaped(to: queries.shape))
  }
}

/// Attention with what `visible` says, and dropout of its weights while training.   [B, H, N, d] -> [B, H, N, e]
func attended(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, _ visible: AttentionContext, _ dropout: Dropout = Dropout(0),
  _ context: ForwardContext? = nil
) -> Tensor {
  let mask = visible.padding.map { p in
    p.detached.isEqual(Tensor(0)).reshaped(to: [k.shape[0], 1, 1, k.shape[2]])  // 1 where a key is allowed
  }
  guard dropout.rate > 0, let context else {
    return attention(q, k, v, bias: visible.bias, mask: mask, isCausal: visible.isCausal)
  }
  let weights = attentionWeights(q, k, bias: visible.bias, mask: mask, isCausal: visible.isCausal)
  return matmul(dropout(weights, context.child("attention weights")), v)
}
