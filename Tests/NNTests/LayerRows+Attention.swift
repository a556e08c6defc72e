import ReproTensor

@testable import ReproNN

extension LayerRows {
  private static func attention(keys: Int? = nil, values: Int? = nil) -> MultiHeadAttention {
    MultiHeadAttention(8, heads: 2, keys: keys, values: values, random: random)
  }

  static let attention: [LayerRow] = [
    LayerRow("attention", { attention() }) { $0($1[0]) },
    LayerRow("attention causal", { attention() }) { $0($1[0], AttentionContext(isCausal: true)) },
    LayerRow("attention padding", { attention() }) { $0($1[0], AttentionContext(padding: padding)) },
    LayerRow("attention bias", { attention() }) { $0($1[0], AttentionContext(bias: $1[1])) },
    LayerRow("attention cross", { attention() }) { $0($1[0], keys: $1[1], values: $1[1]) },
    LayerRow("attention other widths", { attention(keys: 3, values: 5) }) { $0($1[0], keys: $1[1], values: $1[2]) },
    LayerRow("attention rotary", { attention() }) { m, x in
      m(x[0], AttentionContext(rotary: .sequence(x[0].shape[1], width: 4)))
    },
    LayerRow("attention rotary halves", { attention() }) { m, x in
      m(x[0], AttentionContext(rotary: .sequence(x[0].shape[1], width: 4, pairing: .halves)))
    },
    LayerRow("attention rotary grid", { attention() }) { m, x in
      m(x[0], AttentionContext(rotary: .grid(rows: 2, columns: 3, width: 4)))
    },
    LayerRow("relative bias", { RelativeBias(heads: 2, buckets: 8, maxDistance: 20, random: random) }) { m, _ in
      m(queries: 30, keys: 34)
    },
    LayerRow(
      "relative bias causal",
      { RelativeBias(heads: 1, buckets: 7, maxDistance: 25, isBidirectional: false, random: random) }
    ) { m, _ in m(queries: 40, keys: 40) },
  ]

  private static func configuration(_ normFirst: Bool) -> TransformerConfiguration {
    var c = TransformerConfiguration(width: 6, heads: 2, hidden: 10)
    (c.normFirst, c.activation) = (normFirst, normFirst ? .gelu : .relu)
    return c
  }

  static let transformers: [LayerRow] = [("post", false), ("pre", true)].flatMap { order, normFirst -> [LayerRow] in
    let c = configuration(normFirst)
    let (causal, padded) = (AttentionContext(isCausal: true), AttentionContext(padding: padding))
    return [
      LayerRow("encoder block \(order)", { TransformerEncoderBlock(c, random: random) }) { $0($1[0], causal) },
      LayerRow("decoder block \(order)", { TransformerDecoderBlock(c, random: random) }) {
        $0($1[0], memory: $1[1], causal, ofMemory: padded)
      },
      LayerRow("encoder \(order)", { TransformerEncoder(c, depth: 2, random: random) }) { $0($1[0], padded) },
      LayerRow("decoder \(order)", { TransformerDecoder(c, depth: 2, random: random) }) {
        $0($1[0], memory: $1[1], causal)
      },
    ]
  }

  static let detr: [LayerRow] = [
    LayerRow(
      "DETR decoder",
      {
        DETRDecoder(
          TransformerConfiguration(width: 8, heads: 2, hidden: 6), depth: 2, queries: 4, classes: 2, random: random)
      }
    ) { decoder, x in
      let y = decoder(x[0], positions: x[1], padding: padding)
      return joined([y.logits, y.boxes])
    }
  ]

  private static func swin(_ width: Int, _ window: Int, _ heads: Int, _ isShifted: Bool) -> SwinBlock {
    SwinBlock(width, window: window, heads: heads, isShifted: isShifted, random: random)
  }

  static let swin: [LayerRow] = [
    LayerRow("window attention", { WindowAttention(6, window: 2, heads: 2, random: random) }) { $0($1[0]) },
    LayerRow("Swin block", { swin(6, 2, 2, false) }) { $0($1[0]) },
    LayerRow("Swin block shifted", { swin(6, 4, 3, true) }) { $0($1[0]) },
    LayerRow("Swin block shifted odd", { swin(4, 3, 1, true) }) { $0($1[0]) },
    LayerRow("patch merging", { PatchMerging(3, random: random) }) { $0($1[0]) },
  ]
}
