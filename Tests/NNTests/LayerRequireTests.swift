import Foundation
import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

/// A mistake with a layer; the program's message begins with its own.
typealias LayerMistake = Mistake

extension LayerMistake {
  private static let random = RandomStream(seed: 1)

  static let all: [LayerMistake] = basic + losses + attention + convolutional + sets + fields + training + published

  private static let published: [LayerMistake] = [
    LayerMistake("texts of 4 tokens exceed 3") {
      let c = BERTConfiguration(vocabulary: 5, positions: 3, width: 4, depth: 1, heads: 2, hidden: 6)
      return BERT(c, random: random)(IndexTensor([1, 4], [0, 1, 2, 3]))
    },
    LayerMistake("texts of 3 tokens exceed 2") {
      let tower = CLIPConfiguration.Tower(width: 4, depth: 1, heads: 2)
      let c = CLIPConfiguration(image: tower, text: tower, patch: 4, side: 2, vocabulary: 5, context: 2, embedding: 2)
      return CLIP(c, random: random).text(IndexTensor([1, 3], [0, 1, 2]))
    },
    LayerMistake("a residual network needs blocks, channels and classes") {
      CIFARResNet(blocks: 1, width: 2, classes: 0, random: random)
    },
    LayerMistake("rotations need heads of a width divisible by 4, got 6") {
      PretrainedViT(
        PretrainedViTConfiguration(
          patch: 4, channels: 2, width: 12, depth: 1, heads: 2, hidden: 6, positions: .rotary), random: random)
    },
  ]

  private static let basic: [LayerMistake] = [
    LayerMistake("a linear map needs weight [out, in] and bias [out], got [2, 3] and [3]") {
      Linear(weight: t(2, 3), bias: t(3))
    },
    LayerMistake("attention of width 6 cannot have 4 heads") { SelfAttention(6, heads: 4, random: random) },
    LayerMistake("dropout is a probability, got 1.5") { Dropout(1.5) },
    LayerMistake("dropout of channels needs 2 axes, got [3]") {
      Dropout(0.5, unit: .channels)(t(3), ForwardContext(random: random))
    },
    LayerMistake("an embedding needs positive sizes, got 0 of 3") { Embedding(0, 3, random: random) },
    LayerMistake("padding 4 is outside of 0..<4") { Embedding(4, 3, padding: 4, random: random) },
    LayerMistake("a dense network needs positive widths, got [3]") { DenseNetwork([3], random: random) },
    LayerMistake("a queue [4, 2] takes rows [N, 2] with N a divisor of 4, got [3, 2]") {
      var queue = FeatureQueue(capacity: 4, width: 2, random: random)
      queue.push(t(3, 2))
      return queue
    },
    LayerMistake("gumbelSoftmax needs [..., K] and temperature > 0, got [2, 3]") {
      gumbelSoftmax(t(2, 3), temperature: 0, random: random)
    },
    LayerMistake("a Gaussian needs two [..., D], got [2] and [3]") {
      DiagonalGaussian(mean: t(2), logVariance: t(3))
    },
    LayerMistake("a quantiser needs codes and decay in [0, 1), got 4 of 2 and 1.0") {
      MovingVectorQuantizer(4, 2, decay: 1, random: random)
    },
    LayerMistake("codes [4, 2] need vectors [..., D], got [5, 3]") { VectorQuantizer(4, 2, random: random)(t(5, 3)) },
    LayerMistake("a recurrent network needs positive widths and 1 to 6 layers, got 3, 4, 7") {
      GRU(3, 4, layers: 7, random: random)
    },
    LayerMistake("a recurrent network needs [B, N > 0, 3], got [2, 5, 4]") { GRU(3, 4, random: random)(t(2, 5, 4)) },
    LayerMistake("lengths of 2 samples are in 1...5, got [5, 6]") {
      LSTM(3, 4, random: random)(t(2, 5, 3), lengths: [5, 6])
    },
    LayerMistake("initial states are 1 of [1, 2, 4], got [[1, 2, 3]]") {
      GRU(3, 4, random: random)(t(2, 5, 3), initial: t(1, 2, 3))
    },
  ]

  private static let losses: [LayerMistake] = [
    LayerMistake("crossEntropy needs logits [N, C] and labels [N], got [2, 3] and [3]") {
      crossEntropy(t(2, 3), labels: [0, 1, 2])
    },
    LayerMistake("crossEntropyRows needs two [N, K] and temperature > 0, got [2, 3], [2, 2], 1.0") {
      crossEntropyRows(targets: t(2, 3), logits: t(2, 2))
    },
    LayerMistake("crossEntropy needs weights [3] and smoothing in 0 ..< 1, got [2] and 0.0") {
      crossEntropy(t(2, 3), labels: [0, 1], weights: t(2))
    },
    LayerMistake("crossEntropy needs logits and targets of one shape [..., C], got [2, 3] and [2, 2]") {
      crossEntropy(t(2, 3), targets: t(2, 2))
    },
    LayerMistake("binaryCrossEntropy needs logits and targets of one shape, got [2] and [3]") {
      binaryCrossEntropy(logits: t(2), targets: t(3))
    },
    LayerMistake("focalLoss needs logits and targets of one shape and gamma >= 0, got [2], [3], 2.0") {
      focalLoss(logits: t(2), targets: t(3))
    },
    LayerMistake("focalLoss needs gamma >= 0, got -1.0") { focalLoss(t(2, 3), labels: [0, 1], gamma: -1) },
    LayerMistake("tripletLoss needs three [N, D], got [2, 3], [2, 3] and [2, 2]") {
      tripletLoss(anchors: t(2, 3), positives: t(2, 3), negatives: t(2, 2))
    },
    LayerMistake("infoNCE needs two [N, D] and temperature > 0, got [2, 3], [2, 3], 0.0") {
      infoNCE(t(2, 3), keys: t(2, 3), temperature: 0)
    },
    LayerMistake(
      "infoNCE needs queries and positives [N, D], negatives [K, D] and temperature > 0, got [2, 3], [2, 3], "
    ) { infoNCE(t(2, 3), positives: t(2, 3), negatives: t(2, 2), temperature: 1) },
    LayerMistake("ntXent needs two [N >= 2, D] and temperature > 0, got [1, 3], [1, 3], 1.0") {
      ntXent(t(1, 3), t(1, 3), temperature: 1)
    },
    LayerMistake("squaredError needs two tensors of one shape, got [2] and [3]") { squaredError(t(2), t(3)) },
    LayerMistake("huberLoss needs delta > 0, got 0.0") { huberLoss(t(2), t(2), delta: 0) },
  ]

  private static func swin() -> SwinBlock { SwinBlock(4, window: 2, heads: 2, isShifted: true, random: random) }
  private static let vit = ViTConfiguration(imageSize: 8, patch: 4, channels: 1, width: 4, depth: 1, heads: 2)

  private static let attention: [LayerMistake] = [
    LayerMistake("attention of width 6 cannot have 4 heads") { MultiHeadAttention(6, heads: 4, random: random) },
    LayerMistake("attention of width 4 needs [B, N, 4] and [B, M, ...] twice, got [2, 3, 4], [1, 3, 4], [2, 3, 4]") {
      MultiHeadAttention(4, heads: 2, random: random)(t(2, 3, 4), keys: t(1, 3, 4), values: t(2, 3, 4))
    },
    LayerMistake("relative bias needs heads, buckets and distances, got 2, 2, 128") {
      RelativeBias(heads: 2, buckets: 2, random: random)
    },
    LayerMistake("sinusoids come in pairs, got width 5") { sinusoidalPositions(3, width: 5) },
    LayerMistake("positions of a grid need a width divisible by 4, got 6") {
      sinCosPositions(rows: 2, columns: 2, width: 6)
    },
    LayerMistake("rotations need angles [N, d / 2] of one width") { RotaryEmbedding(angles: [[1], [1, 2]]) },
    LayerMistake("rotations need heads of even width, got 3") { RotaryEmbedding.sequence(4, width: 3) },
    LayerMistake("rotations by rows and columns need heads of a width divisible by 4, got 6") {
      RotaryEmbedding.grid(rows: 2, columns: 2, width: 6)
    },
    LayerMistake("rotations of 4 positions by 2 pairs need [..., 4, at least 4], got [1, 3, 4]") {
      RotaryEmbedding.sequence(4, width: 4)(t(1, 3, 4))
    },
    LayerMistake("a decoder has at least one block, got 0") {
      DETRDecoder(
        TransformerConfiguration(width: 4, heads: 2, hidden: 4), depth: 0, queries: 2, classes: 2, random: random)
    },
    LayerMistake("windows of 2 with 3 heads of 4") { WindowAttention(4, window: 2, heads: 3, random: random) },
    LayerMistake("windows of 2 x 2 hold 4 places, got [3, 5, 4]") {
      WindowAttention(4, window: 2, heads: 2, random: random)(t(3, 5, 4))
    },
    LayerMistake("3 windows are not whole images of 2") {
      WindowAttention(4, window: 2, heads: 2, random: random)(t(3, 4, 4), mask: t(2, 4, 4))
    },
    LayerMistake("windows are cut from [B, H, W, C], got [2, 4, 4]") { swin()(t(2, 4, 4)) },
    LayerMistake("merging needs [B, 2 h, 2 w, C], got [1, 3, 2, 4]") { PatchMerging(4, random: random)(t(1, 3, 2, 4)) },
    LayerMistake("patches of 4 x 4 x 1 need images [B, 1, k 4, l 4], got [1, 1, 6, 8]") {
      VisionTransformer(vit, random: random)(t(1, 1, 6, 8))
    },
    LayerMistake("patches of 3 do not tile images of 8") {
      var c = vit
      c.patch = 3
      return VisionTransformer(c, random: random)
    },
    LayerMistake("this vision transformer has no mask token") {
      VisionTransformer(vit, random: random)(t(1, 1, 8, 8), mask: t(1, 4))
    },
    LayerMistake("PageRank ends with a probability in (0, 1], got 0.0") {
      Graph.undirected(nodes: 2, edges: [(0, 1)]).pageRankDiffusion(alpha: 0)
    },
    LayerMistake("heat flows for a time in 0...50, got 51.0") {
      Graph.undirected(nodes: 2, edges: [(0, 1)]).heatDiffusion(time: 51)
    },
    LayerMistake("a threshold above 0 makes a matrix sparse, got 0.0, [2, 2]") { SparseMatrix(t(2, 2), atLeast: 0) },
    LayerMistake("a matrix keeps at least 1 element a row, got 0, [2, 2]") { SparseMatrix(t(2, 2), largestPerRow: 0) },
    LayerMistake("an average of blocks needs some of 1 to 1, got [2]") {
      VisionTransformer(vit, random: random).averaged(t(1, 1, 8, 8), after: [2])
    },
  ]

  private static let convolutional: [LayerMistake] = [
    LayerMistake("a convolution of 3 to 4 channels cannot have 2 groups") {
      Conv2d(3, 4, kernel: 1, groups: 2, random: random)
    },
    LayerMistake("a transposed convolution of 4 to 3 channels cannot have 2 groups") {
      ConvTranspose2d(4, 3, kernel: 1, groups: 2, random: random)
    },
    LayerMistake("batch normalisation of 3 channels needs [B, C, ...], got [2, 4]") { BatchNorm(3)(t(2, 4)) },
    LayerMistake("batch normalisation needs more than one element of each channel to train, got [1, 2]") {
      var norm = BatchNorm(2)
      return norm(t(1, 2), ForwardContext(random: random))
    },
    LayerMistake("3 groups do not divide 4 channels") { GroupNorm(groups: 3, 4) },
    LayerMistake("a convolution of 3 to 4 channels cannot have 2 groups") {
      Conv1d(3, 4, kernel: 1, groups: 2, random: random)
    },
    LayerMistake("a temporal block needs a kernel (odd unless causal) and a dilation, got 2 and 1") {
      TemporalBlock(2, 2, kernel: 2, isCausal: false, random: random)
    },
    LayerMistake("a temporal network has at least one block, got widths [3]") { TemporalNetwork([3], random: random) },
    LayerMistake("scattering of 2 scales and 4 angles needs sides that are multiples of 4 and larger, got 8 x 6") {
      Scattering(rows: 8, columns: 6, scales: 2, angles: 4)
    },
    LayerMistake("this scattering needs [B, C, 8, 8], got [1, 8, 8]") {
      Scattering(rows: 8, columns: 8, scales: 1, angles: 2)(t(1, 8, 8))
    },
    LayerMistake("deformable attention of width 6 needs heads, levels and points, got 4, 1, 1") {
      DeformableAttention(6, heads: 4, levels: 1, points: 1, random: random)
    },
    LayerMistake("deformable attention on 1 maps needs references [B, Q, 2] and maps [B, 4, H, W], got [1, 2, 3] and ")
    {
      DeformableAttention(4, heads: 2, levels: 1, points: 1, random: random)(
        t(1, 2, 4), references: t(1, 2, 3), maps: [t(1, 4, 3, 3)])
    },
    LayerMistake("a residual network has four stages, got [1, 2]") {
      ResNetConfiguration(blocks: [1, 2], isBottleneck: false)
    },
    LayerMistake("groups of 3 do not divide 4 channels") { RegNetBlock(4, 4, groupWidth: 3, random: random) },
    LayerMistake("a U-Net has levels and channels, got ") {
      var c = UNetConfiguration()
      c.levels = 0
      return UNet(c, random: random)
    },
    LayerMistake("a depthwise convolution that keeps sizes has an odd kernel, got 4") {
      ConvNeXtBlock(4, kernel: 4, random: random)
    },
    LayerMistake("a ConvNeXt has a width for each stage, got [1] and [96, 192, 384, 768]") {
      var c = ConvNeXtConfiguration()
      c.depths = [1]
      return ConvNeXt(c, random: random)
    },
  ]

  private static let sets: [LayerMistake] = [
    LayerMistake("a graph needs sources, targets and weights [E], got [1], [2] and none") {
      Graph(nodes: 3, sources: [0], targets: [1, 2])
    },
    LayerMistake("an edge ends at node 3, outside of 0..<3") { Graph(nodes: 3, sources: [0], targets: [3]) },
    LayerMistake("a hypergraph of 1 edges needs as many weights, got [2]") {
      Hypergraph(nodes: 3, members: [[0, 1]], weights: t(2))
    },
    LayerMistake("a graph of 3 nodes needs features [3, D], got [2, 4]") {
      GATConv(4, 2, random: random)(t(2, 4), Graph(nodes: 3, sources: [0], targets: [1]))
    },
    LayerMistake("a PointNet has three widths, two hidden ones and at least three channels, got ") {
      var c = PointNetConfiguration()
      c.widths = [4]
      return PointNet(c, random: random)
    },
    LayerMistake("pointwise maps need an input and an output, got widths [3]") { PointwiseStack([3], random: random) },
    LayerMistake("points of [2, 4, 3] need indices [2, ...], got [3, 1]") {
      pointsAt(IndexTensor([3, 1], [0, 0, 0]), of: t(2, 4, 3))
    },
    LayerMistake("point 4 is outside of 0..<4") { pointsAt(IndexTensor([1, 1], [4]), of: t(1, 4, 3)) },
    LayerMistake("features are propagated from points that have some") {
      FeaturePropagation(features: 2, widths: [2], random: random)(
        PointSet(places: t(1, 3, 3)), from: PointSet(places: t(1, 2, 3)))
    },
  ]

  private static let fields: [LayerMistake] = [
    LayerMistake("a radiance field needs layers, and skips before the last of them, got ") {
      var c = NeRFConfiguration()
      c.skips = [7]
      return NeRF(c, random: random)
    },
    LayerMistake("a radiance field needs places [N, 3] and directions [N, 3], got [2, 3] and none") {
      NeRF(random: random)(t(2, 3))
    },
    LayerMistake("rendering needs colour [R, S, 3], density and depths [R, S], got [2, 4, 3], [2, 4], [2, 5]") {
      renderedRays(colour: t(2, 4, 3), density: t(2, 4), depths: t(2, 5))
    },
    LayerMistake("a distance network needs positive sizes, radius and beta, got ") {
      var c = SDFConfiguration()
      c.beta = 0
      return SDFNetwork(c, random: random)
    },
    LayerMistake("skips [8] are not among hidden layers 1..<8") {
      var c = SDFConfiguration()
      c.skips = [8]
      return SDFNetwork(c, random: random)
    },
    LayerMistake("width 3 leaves nothing beside a skip of 3") {
      var c = SDFConfiguration()
      c.width = 3
      return SDFNetwork(c, random: random)
    },
    LayerMistake("points are [N, 3], got [2, 2]") { SDFNetwork(random: random)(t(2, 2)) },
    LayerMistake("positional encoding has 0 to 20 octaves, got 21") { positionalEncoding(t(2, 3), frequencies: 21) },
  ]

  private static let training: [LayerMistake] = [
    LayerMistake("warm-up is a fraction [0, 1) of training, got 1.0") { LearningRate(peak: 1, warmup: 1) },
    LayerMistake("an exponential rate falls between positive values, got 1.0 to 0.0") {
      LearningRate(.exponential, peak: 1)
    },
    LayerMistake("a schedule runs over a fraction (0, 1] of training, got 0.0") { Schedule(from: 1, to: 0, over: 0) },
    LayerMistake("a layer-wise decay is in (0, 1], got 1.5 for 3 blocks") {
      ParameterScaling.layerwise(1.5, depth: 3)
    },
    LayerMistake("clipping by groups needs a gradient for each of 2 parameters, got 1") {
      var gradients = Gradients([t(2)])
      return gradients.clip(to: 1, layer: LayerNorm(2)) { $0.path }
    },
    LayerMistake("gradients are limited to a positive value, got 0.0") {
      var gradients = Gradients([t(2)])
      gradients.clip(toValue: 0)
      return gradients
    },
    LayerMistake("a sum of gradients needs at least one shard") { Gradients.sum([]) },
    LayerMistake("a sum of gradients needs at least one shard") { GradientAccumulator().total },
    LayerMistake("a batch has at least one shard, got 0") {
      var layer = LayerNorm(2)
      return shardedValueAndGradients(of: &layer, shards: 0) { layer, _ in
        [layer(t(1, 2))]
      } loss: {
        $0[0].sum()
      }
    },
    LayerMistake("an update needs a gradient for each of 2 parameters, got 1") {
      var (layer, optimizer) = (LayerNorm(2), Optimizer(.sgd(momentum: 0, nesterov: false)))
      optimizer.update(&layer, Gradients([t(2)]), rate: 1)
      return layer
    },
    LayerMistake("the optimizer has state for 1 parameters, the layer 2") {
      var (layer, optimizer) = (LayerNorm(2), Optimizer(.sgd(momentum: 0, nesterov: false), first: [[2]], second: []))
      optimizer.update(&layer, Gradients([t(2), t(2)]), rate: 1)
      return layer
    },
  ]
}

@Suite("A programmer's mistake with a layer stops the program with the reason")
struct LayerRequireTests {
  init() { setenv("SWIFT_BACKTRACE", "enable=no", 1) }

  @Test(arguments: LayerMistake.all.indices)
  func message(_ index: Int) async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [index] in
      _ = LayerMistake.all[index].body()
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("Fatal error: \(LayerMistake.all[index].message)"), "found: \(text)")
  }

  /// Messages that no test can reach from outside: what a layer has is decided when it is made.
  static let unreachable = [
    "attention has neither packed nor separate projections", "a radiance field with directions has all of its heads",
    "a ConvNeXt has at least one stage",
  ]

  @Test func everyMessageOfTheSourcesIsTested() throws {
    let found = try Mistake.untested(in: "Core/NN", by: LayerMistake.all, unreachable: Self.unreachable)
    #expect(found.missing.isEmpty, "no exit test for \(found.missing)")
    #expect(found.messages > 60, "the sources were read")
  }
}
