import ReproTensor

/// What a BERT encoder is made of.
public struct BERTConfiguration: Sendable, Equatable {
  public var vocabulary, positions, types: Int
  public var width, depth, heads, hidden: Int
  public var hasPooler = true
  public var epsilon: Real = 1e-12

  public init(
    vocabulary: Int, positions: Int, types: Int = 2, width: Int, depth: Int, heads: Int, hidden: Int
  ) {
    (self.vocabulary, self.positions, self.types) = (vocabulary, positions, types)
    (self.width, self.depth, self.heads, self.hidden) = (width, depth, heads, hidden)
  }
}

/// BERT and what is built like it: MiniLM and other sentence encoders, clinical and scientific BERTs.
///
/// - Source: Devlin et al. 2018 (arXiv 1810.04805); sentence vectors: Reimers and Gurevych 2019 (arXiv 1908.10084).
public struct BERT: Layer {
  public var wordEmbeddings, positionEmbeddings, tokenTypeEmbeddings: Embedding
  public var norm: LayerNorm
  public var encoder: TransformerEncoder
  public var pooler: Linear?

  public init(_ c: BERTConfiguration, random: RandomStream) {
    func table(_ count: Int, _ name: String) -> Embedding {
      Embedding(count, c.width, deviation: 0.02, random: random.child(name))
    }
    wordEmbeddings = table(c.vocabulary, "words")
    positionEmbeddings = table(c.positions, "positions")
    tokenTypeEmbeddings = table(c.types, "types")
    norm = LayerNorm(c.width, epsilon: c.epsilon)
    var blocks = TransformerConfiguration(width: c.width, heads: c.heads, hidden: c.hidden)
    (blocks.activation, blocks.epsilon) = (.gelu, c.epsilon)
    encoder = TransformerEncoder(blocks, depth: c.depth, random: random.child("encoder"))
    pooler = c.hasPooler ? Linear(c.width, c.width, random: random.child("pooler")) : nil
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("word_embeddings", &wordEmbeddings)
    v("position_embeddings", &positionEmbeddings)
    v("token_type_embeddings", &tokenTypeEmbeddings)
    v("norm", &norm)
    v("encoder", &encoder)
    v("pooler", &pooler)
  }

  /// The vectors of all tokens, `[B, L, D]`.
  ///
  /// - Parameters:
  ///   - tokens: `[B, L]`.
  ///   - padding: `[B, L]`, not 0 where a token stands for nothing.
  ///   - types: `[B, L]`, the number of the segment; all 0 if nil.
  public func callAsFunction(_ tokens: IndexTensor, padding: Tensor? = nil, types: IndexTensor? = nil) -> Tensor {
    let length = tokens.shape[1]
    require(
      length <= positionEmbeddings.weight.shape[0],
      "texts of \(length) tokens exceed \(positionEmbeddings.weight.shape[0])")
    let segments = types ?? IndexTensor(tokens.shape, [Int](repeating: 0, count: tokens.count))
    let x = wordEmbeddings(tokens) + positionEmbeddings.weight.slice(0, 0..<length) + tokenTypeEmbeddings(segments)
    return encoder(norm(x), AttentionContext(padding: padding))
  }

  /// The first token behind the pooler's map and tanh, `[B, D]`.
  public func pooled(_ states: Tensor) -> Tensor {
    let first = states.select(1, 0)
    return pooler.map { $0(first).tanh() } ?? first
  }

  /// Sentence vectors of unit length: the mean of the tokens that are not padding, `[B, D]`.
  public func sentences(_ tokens: IndexTensor, padding: Tensor? = nil) -> Tensor {
    let states = self(tokens, padding: padding)
    let kept = padding.map { $0.isEqual(Tensor(0)) } ?? .ones(tokens.shape)
    let sum = (states * kept.expandedAxis(-1)).sum(1)
    return (sum / (kept.sum(1, keepsAxis: true) + 1e-9)).l2Normalized()
  }
}
