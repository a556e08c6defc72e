import ReproNN
import ReproTensor

extension LayerTable {
  /// The networks of Core/NN/Published with their parts; their features are compared in PublishedModelTests.
  static var published: [any Layer] {
    func vit(_ change: (inout PretrainedViTConfiguration) -> Void) -> PretrainedViT {
      var c = PretrainedViTConfiguration(
        patch: 4, channels: 2, width: 8, depth: 1, heads: 2, hidden: 6, positions: .learnt(side: 2))
      (c.registers, c.hasLayerScale, c.hasMaskToken, c.hasClassNorm, c.classes) = (1, true, true, true, 3)
      change(&c)
      return PretrainedViT(c, random: random)
    }
    let gated = vit { ($0.positions, $0.feedForward) = (.rotary, .gated) }
    let tower = CLIPConfiguration.Tower(width: 4, depth: 1, heads: 2)
    let clip = CLIP(
      CLIPConfiguration(image: tower, text: tower, patch: 4, side: 2, vocabulary: 5, context: 3, embedding: 2),
      random: random)
    let bert = BERTConfiguration(vocabulary: 5, positions: 3, width: 4, depth: 1, heads: 2, hidden: 6)
    let cifar = CIFARResNet(blocks: 1, width: 2, random: random)
    return [
      vit { _ in }, gated, gated.blocks[0], SwiGLU(4, hidden: 3, random: random), clip, clip.visual, clip.text,
      BERT(bert, random: random), cifar, cifar.layer2[0],
    ]
  }
}
