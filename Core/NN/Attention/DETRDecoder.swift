import ReproTensor

/// What a detector says: for every decoder block, last one last.
public struct DETROutput: Sendable {
  /// Class logits, the last class meaning "no object", `[L, B, Q, classes + 1]`.
  public var logits: Tensor
  /// Boxes as centre x, centre y, width, height in units of the image, in (0, 1), `[L, B, Q, 4]`.
  public var boxes: Tensor
}

/// A decoder that turns learnt queries into objects, with the outputs of every block for auxiliary losses.
///
/// The content of the queries begins at 0; their learnt positions are added to queries and keys of every attention, positions of
/// the memory to its keys. All blocks share the last norm and the heads. Names are those of the authors' code.
/// - Source: Carion et al. 2020 (DETR, arXiv 2005.12872), Sections 3.2 and A.3.
public struct DETRDecoder: Layer {
  public var queryEmbed: Embedding
  public var decoder: DETRDecoderStack
  public var classEmbed: Linear
  public var bboxEmbed: DenseNetwork

  /// - Parameters:
  ///   - c: of the blocks.
  ///   - queries: how many objects can be found.
  ///   - classes: without "no object".
  public init(_ c: TransformerConfiguration, depth: Int, queries: Int, classes: Int, random: RandomStream) {
    queryEmbed = Embedding(queries, c.width, random: random.child("query_embed"))
    decoder = DETRDecoderStack(c, depth: depth, random: random.child("decoder"))
    classEmbed = .uniform(c.width, classes + 1, random: random.child("class_embed"))
    bboxEmbed = DenseNetwork([c.width, c.width, c.width, 4], random: random.child("bbox_embed"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("query_embed", &queryEmbed)
    v("decoder", &decoder)
    v("class_embed", &classEmbed)
    v("bbox_embed", &bboxEmbed)
  }

  /// - Parameters:
  ///   - memory: features of an image, `[B, M, D]`.
  ///   - positions: of the features, `[M, D]` or `[B, M, D]`.
  ///   - padding: `[B, M]`, not 0 where there is no image.
  public func callAsFunction(
    _ memory: Tensor, positions: Tensor? = nil, padding: Tensor? = nil, _ context: ForwardContext? = nil
  ) -> DETROutput {
    let shape: Shape = [memory.shape[0], queryEmbed.weight.shape[0], memory.shape[2]]
    let states = decoder(
      .zeros(shape), memory: memory, queries: queryEmbed.weight.broadcast(to: shape), positions: positions,
      padding: padding, context)
    return DETROutput(logits: classEmbed(states), boxes: bboxEmbed(states).sigmoid())
  }
}

/// The blocks of a detector's decoder and the norm that they share.
public struct DETRDecoderStack: Layer {
  public var layers: [TransformerDecoderBlock]
  public var norm: LayerNorm

  public init(_ c: TransformerConfiguration, depth: Int, random: RandomStream) {
    require(depth > 0, "a decoder has at least one block, got \(depth)")
    layers = (0..<depth).map { TransformerDecoderBlock(c, random: random.child("layers", $0)) }
    norm = LayerNorm(c.width, epsilon: c.epsilon)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("layers", &layers)
    v("norm", &norm)
  }

  /// The normalised output of every block, `[L, B, Q, D]`.
  public func callAsFunction(
    _ content: Tensor, memory: Tensor, queries: Tensor, positions: Tensor? = nil, padding: Tensor? = nil,
    _ context: ForwardContext? = nil
  ) -> Tensor {
    var x = content
    var states: [Tensor] = []
    for (i, layer) in layers.enumerated() {
      x = layer(
        x, memory: memory, ofMemory: AttentionContext(padding: padding), positions: (queries, positions),
        context?.child("layers", i))
      states.append(norm(x))
    }
    return stack(states)
  }
}
