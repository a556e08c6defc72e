import ReproTensor

/// What a CLIP model with a vision transformer is made of.
public struct CLIPConfiguration: Sendable, Equatable {
  /// One of the two towers.
  public struct Tower: Sendable, Equatable {
    public var width, depth, heads: Int
    public init(width: Int, depth: Int, heads: Int) { (self.width, self.depth, self.heads) = (width, depth, heads) }
  }
  public var image, text: Tower
  /// Side of a patch, pixels.
  public var patch: Int
  /// Patches along a side of the images for which places are learnt.
  public var side: Int
  public var channels = 3
  /// Known tokens, and the longest text.
  public var vocabulary, context: Int
  /// Width of the space in which images and texts meet.
  public var embedding: Int
  /// `x sigmoid(1.702 x)` for OpenAI's models, GELU for most of OpenCLIP's.
  public var activation = Activation.quickGELU

  public init(
    image: Tower, text: Tower, patch: Int, side: Int, vocabulary: Int, context: Int, embedding: Int
  ) {
    (self.image, self.text, self.patch, self.side) = (image, text, patch, side)
    (self.vocabulary, self.context, self.embedding) = (vocabulary, context, embedding)
  }

  func transformer(_ tower: Tower) -> TransformerConfiguration {
    var c = TransformerConfiguration(width: tower.width, heads: tower.heads, hidden: 4 * tower.width)
    (c.normFirst, c.activation, c.epsilon) = (true, activation, 1e-5)
    return c
  }
}

/// CLIP's image tower: a vision transformer with a norm before its blocks and a projection behind them.
///   [B, C, H, W] -> [B, E]
public struct CLIPImageTower: Layer {
  public var conv1: Conv2d
  public var classEmbedding: Tensor  // [D]
  public var positionalEmbedding: Tensor  // [1 + N, D]
  public var lnPre: LayerNorm
  public var transformer: TransformerEncoder
  public var proj: Tensor  // [D, E]
  let side: Int

  public init(_ c: CLIPConfiguration, random: RandomStream) {
    let width = c.image.width
    let deviation = 1 / Real(width).squareRoot()
    var stream = random.child("embeddings")
    conv1 = Conv2d(
      c.channels, width, kernel: Extent2D(c.patch), stride: Extent2D(c.patch), bias: false,
      random: random.child("conv1"))
    classEmbedding = stream.normal([width], deviation: deviation)
    positionalEmbedding = stream.normal([1 + c.side * c.side, width], deviation: deviation)
    lnPre = LayerNorm(width, epsilon: 1e-5)
    transformer = TransformerEncoder(
      c.transformer(c.image), depth: c.image.depth, random: random.child("transformer"))
    proj = stream.normal([width, c.embedding], deviation: deviation)
    side = c.side
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("class_embedding", &classEmbedding, .bias)
    v("positional_embedding", &positionalEmbedding, .bias)
    v("ln_pre", &lnPre)
    v("transformer", &transformer)
    v("proj", &proj)
  }

  public func callAsFunction(_ images: Tensor) -> Tensor {
    let maps = conv1(images)  // [B, D, rows, columns]
    let (b, d, rows, columns) = (maps.shape[0], maps.shape[1], maps.shape[2], maps.shape[3])
    let tokens = maps.reshaped(to: [b, d, rows * columns]).transposed()
    let cls = classEmbedding.reshaped(to: [1, 1, d]).broadcast(to: [b, 1, d])
    let x = transformer(lnPre(concat([cls, tokens], axis: 1) + places(rows, columns)))
    return matmul(x.select(1, 0), proj)
  }

  /// The learnt places, resampled as OpenCLIP does for grids of other sizes: bicubic, antialiased.
  private func places(_ rows: Int, _ columns: Int) -> Tensor {
    if rows == side && columns == side { return positionalEmbedding }
    let d = positionalEmbedding.shape[1]
    let grid = positionalEmbedding.slice(0, 1..<positionalEmbedding.shape[0]).reshaped(to: [side, side, d])
    let resized = grid.permuted([2, 0, 1]).resized(to: [rows, columns], .cubic, antialiased: true)
    return concat([
      positionalEmbedding.slice(0, 0..<1), resized.permuted([1, 2, 0]).reshaped(to: [rows * columns, d]),
    ])
  }
}

/// CLIP's text tower: a transformer that looks back only; the text is what stands at its end token.   [B, L] -> [B, E]
public struct CLIPTextTower: Layer {
  public var tokenEmbedding: Embedding
  public var positionalEmbedding: Tensor  // [L, D]
  public var transformer: TransformerEncoder
  public var textProjection: Tensor  // [D, E]

  public init(_ c: CLIPConfiguration, random: RandomStream) {
    let width = c.text.width
    var stream = random.child("embeddings")
    tokenEmbedding = Embedding(c.vocabulary, width, deviation: 0.02, random: random.child("token_embedding"))
    positionalEmbedding = stream.normal([c.context, width], deviation: 0.01)
    transformer = TransformerEncoder(c.transformer(c.text), depth: c.text.depth, random: random.child("transformer"))
    textProjection = stream.normal([width, c.embedding], deviation: 1 / Real(width).squareRoot())
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("token_embedding", &tokenEmbedding)
    v("positional_embedding", &positionalEmbedding, .bias)
    v("transformer", &transformer)
    v("text_projection", &textProjection)
  }

  /// - Parameters:
  ///   - tokens: `[B, L]`, L at most the context; the end token has the largest number of each text, as in CLIP's
  ///     vocabulary.
  public func callAsFunction(_ tokens: IndexTensor) -> Tensor {
    let (b, length) = (tokens.shape[0], tokens.shape[1])
    require(length <= positionalEmbedding.shape[0], "texts of \(length) tokens exceed \(positionalEmbedding.shape[0])")
    let x = transformer(
      tokenEmbedding(tokens) + positionalEmbedding.slice(0, 0..<length), AttentionContext(isCausal: true))
    let ends = (0..<b).map { i -> Int in
      var end = 0
      for t in 1..<max(length, 1) where tokens.values[i * length + t] > tokens.values[i * length + end] { end = t }
      return i * length + end
    }
    let last = x.reshaped(to: [b * length, x.shape[2]]).gathered(IndexTensor(ends))
    return matmul(last, textProjection)
  }
}

/// CLIP: images and texts in one space, compared by the cosine times exp(logit_scale).
///
/// - Source: Radford et al. 2021 (arXiv 2103.00020) and the authors' code; OpenCLIP has the same names.
public struct CLIP: Layer {
  public var visual: CLIPImageTower
  public var text: CLIPTextTower
  public var logitScale: Tensor  // []

  public init(_ c: CLIPConfiguration, random: RandomStream) {
    visual = CLIPImageTower(c, random: random.child("visual"))
    text = CLIPTextTower(c, random: random.child("text"))
    logitScale = Tensor(2.6592600369327779)  // log(1 / 0.07)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("visual", &visual)
    v("text", &text)
    v("logit_scale", &logitScale, .bias)
  }
}
