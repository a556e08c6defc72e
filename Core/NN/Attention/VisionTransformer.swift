import ReproTensor

/// What a vision transformer is made of.
public struct ViTConfiguration: Sendable, Equatable {
  public enum Positions: String, Sendable, CaseIterable {
    /// One learnt vector for each place and for the class token; interpolated for grids of other sizes.
    case learnt
    /// Fixed sinusoids of row and column, 0 for the class token; made anew for grids of other sizes (MAE).
    case sinCos = "sin-cos"
  }
  /// Side of the square images for which position embeddings are learnt, pixels.
  public var imageSize: Int
  /// Side of a patch, pixels; divides `imageSize`.
  public var patch: Int
  public var channels: Int
  public var width: Int
  public var depth: Int
  public var heads: Int
  /// Hidden width of the MLPs in units of `width`.
  public var mlpRatio: Real = 4
  /// Where position embeddings come from.
  public var positions = Positions.learnt
  /// Extra tokens without a position (Darcet et al. 2023, arXiv 2309.16588).
  public var registers: Int = 0
  /// Initial LayerScale; nil for none.
  public var layerScale: Real?
  /// Stochastic depth, the same in all blocks as in DINOv2.
  public var dropPath: Real = 0
  /// Standard deviation of the initial weights. 0.02 suits widths of several hundred; narrow networks learn much faster with
  /// about 1 / sqrt(width).
  public var deviation: Real = 0.02
  /// Whether a mask token is learnt.
  public var hasMaskToken = false

  public init(imageSize: Int, patch: Int, channels: Int, width: Int, depth: Int, heads: Int) {
    (self.imageSize, self.patch, self.channels) = (imageSize, patch, channels)
    (self.width, self.depth, self.heads) = (width, depth, heads)
  }
}

/// A pre-norm transformer block with optional LayerScale and stochastic depth.   [B, N, D] -> [B, N, D]
public struct TransformerBlock: Layer {
  public var norm1, norm2: LayerNorm
  public var attn: SelfAttention
  public var mlp: MLP
  public var ls1, ls2: LayerScale?
  let dropPath: Real

  public init(_ c: ViTConfiguration, random: RandomStream) {
    norm1 = LayerNorm(c.width)
    norm2 = LayerNorm(c.width)
    attn = SelfAttention(c.width, heads: c.heads, deviation: c.deviation, random: random.child("attn"))
    mlp = MLP(
      c.width, hidden: Int((Real(c.width) * c.mlpRatio).rounded()), deviation: c.deviation,
      random: random.child("mlp"))
    ls1 = c.layerScale.map { LayerScale(c.width, initial: $0) }
    ls2 = c.layerScale.map { LayerScale(c.width, initial: $0) }
    dropPath = c.dropPath
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("norm1", &norm1)
    v("attn", &attn)
    v("ls1", &ls1)
    v("norm2", &norm2)
    v("mlp", &mlp)
    v("ls2", &ls2)
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext? = nil) -> Tensor {
    let y = residual(x, rate: dropPath, context?.child("attn")) {
      let a = attn(norm1($0))
      return ls1.map { $0(a) } ?? a
    }
    return residual(y, rate: dropPath, context?.child("mlp")) {
      let m = mlp(norm2($0))
      return ls2.map { $0(m) } ?? m
    }
  }
}

/// What a vision transformer says about images.
public struct ViTOutput: Sendable {
  /// The class token after the last norm, `[B, D]`.
  public var classToken: Tensor
  /// The patch tokens after the last norm, row by row, `[B, N, D]`.
  public var patches: Tensor
}

/// Non-overlapping patches, each mapped to a token.   [B, C, H, W] -> [B, (H/p)(W/p), D]
public struct PatchEmbedding: Layer {
  public var weight: Tensor  // [D, C, p, p], a convolution's layout
  public var bias: Tensor  // [D]

  public init(_ c: ViTConfiguration, random: RandomStream) {
    var stream = random.child("weight")
    weight = stream.truncatedNormal([c.width, c.channels, c.patch, c.patch], deviation: c.deviation)
    bias = .zeros([c.width])
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v.enter("proj", nil, frozen: false)
    v("weight", &weight)
    v("bias", &bias, .bias)
    v.leave()
  }

  public func callAsFunction(_ images: Tensor) -> Tensor {
    let (d, c, p) = (weight.shape[0], weight.shape[1], weight.shape[2])
    require(
      images.rank == 4 && images.shape[1] == c && images.shape[2] % p == 0 && images.shape[3] % p == 0,
      "patches of \(p) x \(p) x \(c) need images [B, \(c), k \(p), l \(p)], got \(images.shape)")
    let (b, rows, columns) = (images.shape[0], images.shape[2] / p, images.shape[3] / p)
    let patches = images.reshaped(to: [b, c, rows, p, columns, p]).permuted([0, 2, 4, 1, 3, 5])
      .reshaped(to: [b, rows * columns, c * p * p])
    return linear(patches, weight.reshaped(to: [d, c * p * p]), bias)
  }
}

/// A vision transformer with class token, optional registers and mask token.
///
/// Names and layouts are those of the authors' DINOv2 (and of timm), so that their weights load by name.
/// - Source: Dosovitskiy et al. 2020 (arXiv 2010.11929); DINOv2's extras as in arXiv 2304.07193.
public struct VisionTransformer: Layer {
  public var clsToken: Tensor  // [1, 1, D]
  public var posEmbed: Tensor  // [1, 1 + N, D]
  public var registerTokens: Tensor?  // [1, R, D]
  public var maskToken: Tensor?  // [1, D]
  public var patchEmbed: PatchEmbedding
  public var blocks: [TransformerBlock]
  public var norm: LayerNorm
  public let configuration: ViTConfiguration

  public init(_ c: ViTConfiguration, random: RandomStream) {
    require(
      c.patch > 0 && c.imageSize % c.patch == 0, "patches of \(c.patch) do not tile images of \(c.imageSize)")
    configuration = c
    let n = (c.imageSize / c.patch) * (c.imageSize / c.patch)
    var (a, b, r) = (random.child("cls_token"), random.child("pos_embed"), random.child("register_tokens"))
    clsToken = a.normal([1, 1, c.width], deviation: 1e-6)
    let side = c.imageSize / c.patch
    posEmbed =
      c.positions == .learnt
      ? b.truncatedNormal([1, 1 + n, c.width], deviation: 0.02) : fixedPositions(side, side, c.width)
    registerTokens = c.registers > 0 ? r.normal([1, c.registers, c.width], deviation: 1e-6) : nil
    maskToken = c.hasMaskToken ? .zeros([1, c.width]) : nil
    patchEmbed = PatchEmbedding(c, random: random.child("patch_embed"))
    blocks = (0..<c.depth).map { TransformerBlock(c, random: random.child("blocks", $0)) }
    norm = LayerNorm(c.width)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("cls_token", &clsToken, .bias)
    v("pos_embed", &posEmbed, configuration.positions == .learnt ? .bias : .buffer)
    v("register_tokens", &registerTokens, .bias)
    v("mask_token", &maskToken, .bias)
    v("patch_embed", &patchEmbed)
    v("blocks", &blocks)
    v("norm", &norm)
  }

  /// - Parameters:
  ///   - images: `[B, C, H, W]`; sides are multiples of the patch, and may differ from the configured size.
  ///   - mask: `[B, N]`, 1 where a patch is replaced by the mask token.
  ///   - context: present while training.
  public func callAsFunction(_ images: Tensor, mask: Tensor? = nil, _ context: ForwardContext? = nil) -> ViTOutput {
    var x = tokens(of: images, mask: mask)
    for (i, block) in blocks.enumerated() { x = block(x, context?.child("blocks", i)) }
    return normalized(x)
  }

  /// The mean of the outputs of several blocks, then the last norm: features of more than one depth.
  ///
  /// - Parameters:
  ///   - images: as above.
  ///   - depths: which blocks, counted from 1; at least one.
  ///   - context: present while training.
  public func averaged(_ images: Tensor, after depths: [Int], _ context: ForwardContext? = nil) -> ViTOutput {
    require(
      !depths.isEmpty && depths.allSatisfy { (1...blocks.count).contains($0) },
      "an average of blocks needs some of 1 to \(blocks.count), got \(depths)")
    var x = tokens(of: images, mask: nil)
    var sum: Tensor?
    for (i, block) in blocks.enumerated() {
      x = block(x, context?.child("blocks", i))
      if depths.contains(i + 1) { sum = sum.map { $0 + x } ?? x }
    }
    return normalized((sum ?? x) / Real(Set(depths).count))
  }

  /// Patches with positions behind the class token and registers, `[B, 1 + R + N, D]`.
  private func tokens(of images: Tensor, mask: Tensor?) -> Tensor {
    let c = configuration
    let b = images.shape[0]
    var tokens = patchEmbed(images)  // [B, N, D]
    if let mask {
      guard let maskToken else { requirementFailed("this vision transformer has no mask token") }
      let m = mask.expandedAxis(-1)  // [B, N, 1]
      tokens = tokens * (1 - m) + maskToken * m
    }
    let cls = clsToken.broadcast(to: [b, 1, c.width])
    let x = concat([cls, tokens], axis: 1) + positions(images.shape[2] / c.patch, images.shape[3] / c.patch)
    guard let registerTokens else { return x }
    let r = registerTokens.broadcast(to: [b, c.registers, c.width])
    return concat([x.slice(1, 0..<1), r, x.slice(1, 1..<x.shape[1])], axis: 1)
  }

  private func normalized(_ x: Tensor) -> ViTOutput {
    let y = norm(x)
    return ViTOutput(classToken: y.select(1, 0), patches: y.slice(1, (1 + configuration.registers)..<y.shape[1]))
  }

  /// Position embeddings for a grid of the given size, bicubically interpolated where it is not the learnt one.
  private func positions(_ rows: Int, _ columns: Int) -> Tensor {
    let c = configuration
    let side = c.imageSize / c.patch
    if rows == side && columns == side { return posEmbed }
    if c.positions == .sinCos { return fixedPositions(rows, columns, c.width) }
    let weights = resizeMatrix(from: side, to: rows, columns: columns)  // [rows * columns, side^2]
    let grid = matmul(weights, posEmbed.slice(1, 1..<posEmbed.shape[1]).squeezed(0)).expandedAxis(0)
    return concat([posEmbed.slice(1, 0..<1), grid], axis: 1)
  }
}

/// Sinusoids of the places of a grid behind a zero for the class token, `[1, 1 + rows * columns, width]`.
private func fixedPositions(_ rows: Int, _ columns: Int, _ width: Int) -> Tensor {
  concat([.zeros([1, width]), sinCosPositions(rows: rows, columns: columns, width: width)]).expandedAxis(0)
}

/// Bicubic resampling of a square grid as a matrix, `[rows * columns, side * side]`.
///
/// Sample i lies at (i + 0.5) * side / (n + 0.1) - 0.5, edges repeat, kernel a = -0.75: PyTorch's bicubic with DINOv2's
/// interpolation offset of 0.1 in the scale.
func resizeMatrix(from side: Int, to rows: Int, columns: Int) -> Tensor {
  func weights(_ n: Int) -> [[Double]] {
    let scale = Double(side) / (Double(n) + 0.1)
    return (0..<n).map { i in
      let x = (Double(i) + 0.5) * scale - 0.5
      let first = x.rounded(.down)
      var row = [Double](repeating: 0, count: side)
      for k in -1...2 {
        row[min(max(Int(first) + k, 0), side - 1)] += cubicKernel(x - first - Double(k), -0.75)
      }
      return row
    }
  }
  let (wr, wc) = (weights(rows), weights(columns))
  return Tensor([rows * columns, side * side]) { out in
    for r in 0..<rows {
      for c in 0..<columns {
        for i in 0..<side {
          for j in 0..<side { out[(r * columns + c) * side * side + i * side + j] = Real(wr[r][i] * wc[c][j]) }
        }
      }
    }
  }
}
