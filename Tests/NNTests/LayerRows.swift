import ReproTensor

@testable import ReproNN

/// The rows of make_layer_vectors.py. A layer is initialised only to be overwritten, so every row may draw from one stream.
enum LayerRows {
  static let random = RandomStream(seed: 5)

  static func joined(_ parts: [Tensor]) -> Tensor { concat(parts.map { $0.reshaped(to: [$0.count]) }) }

  /// places(count, below) of layer_cases.py.
  static func places(_ count: Int, _ below: Int) -> [Int] { (0..<count).map { ($0 * 5 + 2) % below } }

  /// The padding of make_layer_vectors.py.
  static let padding = Tensor([2, 5], [0, 0, 1, 0, 1, 0, 0, 0, 0, 1])

  static let basic: [LayerRow] =
    [
      LayerRow("linear", { Linear(3, 4, random: random) }) { $0($1[0]) },
      LayerRow("layer norm", { LayerNorm(5) }) { $0($1[0]) },
      LayerRow("mlp", { MLP(4, hidden: 6, random: random) }) { $0($1[0]) },
      LayerRow("self attention", { SelfAttention(6, heads: 2, random: random) }) { $0($1[0]) },
      LayerRow("layer scale", { LayerScale(4, initial: 1) }) { $0($1[0]) },
      LayerRow("transformer block", { transformerBlock }) { $0($1[0]) },
      LayerRow("dense network single", { DenseNetwork([3, 2], random: random) }) { $0($1[0]) },
      LayerRow("embedding", { Embedding(7, 3, random: random) }) { e, _ in e(IndexTensor([2, 3], places(6, 7))) },
      LayerRow("embedding padding", { Embedding(5, 2, padding: 2, random: random) }) { e, _ in
        e(IndexTensor(places(9, 5)))
      },
    ]
    + [
      ("relu", Activation.relu), ("gelu", .gelu), ("leaky", .leakyReLU(0.2)), ("silu", .silu), ("tanh", .tanh),
    ].map { name, activation in
      LayerRow("dense network \(name)", { DenseNetwork([3, 5, 4, 2], activation: activation, random: random) }) {
        $0($1[0])
      }
    }

  private static var transformerBlock: TransformerBlock {
    var c = ViTConfiguration(imageSize: 4, patch: 4, channels: 1, width: 6, depth: 1, heads: 2)
    c.layerScale = 1
    return TransformerBlock(c, random: random)
  }

  static let recurrent: [LayerRow] = [
    LayerRow("GRU", { GRU(3, 4, random: random) }) { run($0, $1) },
    LayerRow("GRU deep", { GRU(3, 2, layers: 2, isBidirectional: true, random: random) }) { run($0, $1) },
    LayerRow("GRU initial", { GRU(3, 2, layers: 2, isBidirectional: true, random: random) }) { run($0, $1) },
    LayerRow("GRU lengths", { GRU(3, 2, layers: 2, isBidirectional: true, random: random) }) {
      run($0, $1, lengths: [3, 1, 5])
    },
    LayerRow("LSTM", { LSTM(3, 4, random: random) }) { run($0, $1) },
    LayerRow("LSTM deep", { LSTM(3, 2, layers: 2, isBidirectional: true, random: random) }) { run($0, $1) },
    LayerRow("LSTM initial", { LSTM(3, 2, layers: 2, isBidirectional: true, random: random) }) { run($0, $1) },
    LayerRow("LSTM lengths", { LSTM(3, 2, layers: 2, isBidirectional: true, random: random) }) {
      run($0, $1, lengths: [3, 1, 5])
    },
  ]

  private static func run(_ gru: GRU, _ x: [Tensor], lengths: [Int]? = nil) -> Tensor {
    let y = gru(x[0], initial: x.count > 1 ? x[1] : nil, lengths: lengths)
    return joined([y.outputs, y.state])
  }

  private static func run(_ lstm: LSTM, _ x: [Tensor], lengths: [Int]? = nil) -> Tensor {
    let y = lstm(x[0], initial: x.count > 1 ? (x[1], x[2]) : nil, lengths: lengths)
    return joined([y.outputs, y.hidden, y.cell])
  }

  static let convNeXt: [LayerRow] = [
    LayerRow("ConvNeXt block", { ConvNeXtBlock(4, random: random) }) { $0($1[0]) },
    LayerRow("ConvNeXt block bare", { ConvNeXtBlock(3, kernel: 3, layerScale: nil, random: random) }) { $0($1[0]) },
    LayerRow("layer norm 2d", { LayerNorm2d(3) }) { $0($1[0]) },
    LayerRow("ConvNeXt downsample", { ConvNeXtDownsample(3, 4, random: random) }) { $0($1[0]) },
    LayerRow("ConvNeXt", { convNeXt() }) { $0($1[0]) },
  ]

  static func convNeXt(dropPath: Real = 0) -> ConvNeXt {
    var c = ConvNeXtConfiguration()
    (c.depths, c.widths, c.stem, c.kernel, c.dropPath) = ([1, 2], [4, 6], 2, 3, dropPath)
    return ConvNeXt(c, random: random)
  }

  static let generative: [LayerRow] = [
    LayerRow("gaussian head", { GaussianHead(4, 3, random: random) }) { head, x in
      let found = head(x[0])
      let other = DiagonalGaussian(mean: x[1], logVariance: x[1] * 0.6)
      return joined([found.divergenceFromStandard(), found.divergence(from: other), found.logDensity(x[2])])
    },
    LayerRow("vector quantizer", { VectorQuantizer(5, 3, random: random) }) { quantizer, x in
      let y = quantizer(x[0])
      return joined([y.codes, y.loss, Tensor(y.perplexity)])
    },
    LayerRow("moving vector quantizer", { movingQuantizer }) { quantizer, x in
      let y = quantizer(x[0], ForwardContext(random: random))
      return joined([y.codes, y.loss, Tensor(y.perplexity)])
    },
  ]

  private static var movingQuantizer: MovingVectorQuantizer {
    var q = MovingVectorQuantizer(5, 3, decay: 0.9, random: random)
    q.codes = Tensor([5, 3], (0..<15).map { Real($0) }).cos()
    (q.counts, q.sums) = (.ones([5]), q.codes)
    return q
  }
}
