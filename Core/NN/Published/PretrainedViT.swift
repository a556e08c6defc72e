import Glibc
import ReproTensor

/// What a published vision transformer is made of: DINOv2, DINOv3 and timm's, whose weights load by name.
public struct PretrainedViTConfiguration: Sendable, Equatable {
  /// Where a token's place enters.
  public enum Positions: Sendable, Equatable {
    /// Learnt for a square grid of so many patches a side, bicubically resampled for others with DINOv2's offset of 0.1
    /// in the scale.
    case learnt(side: Int)
    /// The same, resampled with antialiasing and without offset: DINOv2 with registers, and timm.
    case learntAntialiased(side: Int)
    /// Queries and keys turned by the place, DINOv3's.
    case rotary
  }
  /// The part of a block behind its attention.
  public enum FeedForward: Sendable, Equatable { case mlp, gated }

  public var patch: Int
  public var channels: Int
  public var width: Int
  public var depth: Int
  public var heads: Int
  /// Units of the feed-forward parts.
  public var hidden: Int
  public var positions: Positions
  public var feedForward = FeedForward.mlp
  public var registers = 0
  public var hasLayerScale = false
  public var hasMaskToken = false
  /// Whether class token and registers have a last norm of their own.
  public var hasClassNorm = false
  /// Outputs of a linear classifier on the class token; nil for none.
  public var classes: Int?
  /// Of the norms: 1e-6, and 1e-5 in DINOv3.
  public var epsilon: Real = 1e-6

  public init(
    patch: Int, channels: Int, width: Int, depth: Int, heads: Int, hidden: Int, positions: Positions
  ) {
    (self.patch, self.channels, self.width, self.depth) = (patch, channels, width, depth)
    (self.heads, self.hidden, self.positions) = (heads, hidden, positions)
  }
}

/// A pre-norm block with optional LayerScale, whose attention may turn queries and keys.   [B, N, D] -> [B, N, D]
public struct PretrainedViTBlock: Layer {
  public var norm1, norm2: LayerNorm
  public var attn: SelfAttention
  public var mlp: MLP?
  public var gated: SwiGLU?
  public var ls1, ls2: LayerScale?

  public init(_ c: PretrainedViTConfiguration, random: RandomStream) {
    norm1 = LayerNorm(c.width, epsilon: c.epsilon)
    norm2 = LayerNorm(c.width, epsilon: c.epsilon)
    attn = SelfAttention(c.width, heads: c.heads, random: random.child("attn"))
    mlp = c.feedForward == .mlp ? MLP(c.width, hidden: c.hidden, random: random.child("mlp")) : nil
    gated = c.feedForward == .gated ? SwiGLU(c.width, hidden: c.hidden, random: random.child("mlp")) : nil
    ls1 = c.hasLayerScale ? LayerScale(c.width, initial: 1) : nil
    ls2 = c.hasLayerScale ? LayerScale(c.width, initial: 1) : nil
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("norm1", &norm1)
    v("attn", &attn)
    v("ls1", &ls1)
    v("norm2", &norm2)
    v("mlp", &mlp)
    v("mlp", &gated)
    v("ls2", &ls2)
  }

  /// - Parameters:
  ///   - rotary: turns the tokens from number `first` on.
  public func callAsFunction(_ x: Tensor, rotary: RotaryEmbedding? = nil, from first: Int = 0) -> Tensor {
    let normed = norm1(x)
    let a = rotary.map { attn(normed, rotary: $0, from: first) } ?? attn(normed)
    let y = x + (ls1.map { $0(a) } ?? a)
    let m = gated.map { $0(norm2(y)) } ?? mlp.map { $0(norm2(y)) } ?? .zeros(y.shape)
    return y + (ls2.map { $0(m) } ?? m)
  }
}

extension SelfAttention {
  /// Attention whose queries and keys are turned by their places, but for the first tokens.
  func callAsFunction(_ x: Tensor, rotary: RotaryEmbedding, from first: Int) -> Tensor {
    let (b, n, d) = (x.shape[0], x.shape[1], x.shape[2] / heads)
    let parts = qkv(x).reshaped(to: [b, n, 3, heads, d]).permuted([2, 0, 3, 1, 4])  // [3, B, H, N, d]
    func turned(_ t: Tensor) -> Tensor {
      if first == 0 { return rotary(t) }
      return concat([t.slice(2, 0..<first), rotary(t.slice(2, first..<n))], axis: 2)
    }
    let y = attended(turned(parts.select(0, 0)), turned(parts.select(0, 1)), parts.select(0, 2), .all)
    return proj(y.permuted([0, 2, 1, 3]).reshaped(to: x.shape))
  }
}

/// A vision transformer as its authors published it: class token, registers, learnt or rotary places.
///
/// For evaluation: no stochastic depth, no masks. Names are those of DINOv2's and timm's files, so that weights load by
/// name.
/// - Source: Dosovitskiy et al. 2020 (arXiv 2010.11929); Oquab et al. 2023 (arXiv 2304.07193) and the authors' code;
///   Simeoni et al. 2025 (DINOv3, arXiv 2508.10104) and the authors' code; timm's `VisionTransformer`.
public struct PretrainedViT: Layer {
  public var clsToken: Tensor  // [1, 1, D]
  public var posEmbed: Tensor?  // [1, 1 + N, D]
  public var registerTokens: Tensor?  // [1, R, D]
  public var maskToken: Tensor?  // [1, D]
  /// Of the rotations, in units of half an image side; [d / 4]
  public var periods: Tensor?
  public var patchEmbed: PatchEmbedding
  public var blocks: [PretrainedViTBlock]
  public var norm: LayerNorm
  public var clsNorm: LayerNorm?
  public var head: Linear?
  public let configuration: PretrainedViTConfiguration

  public init(_ c: PretrainedViTConfiguration, random: RandomStream) {
    configuration = c
    var stream = random.child("tokens")
    func tokens(_ shape: Shape) -> Tensor { stream.normal(shape, deviation: 0.02) }
    clsToken = tokens([1, 1, c.width])
    switch c.positions {
    case .learnt(let side), .learntAntialiased(let side): posEmbed = tokens([1, 1 + side * side, c.width])
    case .rotary:
      let d = c.width / c.heads
      require(c.width % (4 * c.heads) == 0, "rotations need heads of a width divisible by 4, got \(d)")
      periods = Tensor([d / 4], (0..<(d / 4)).map { Real(Float(pow(100, 2 * Double($0) / Double(d / 2)))) })
    }
    registerTokens = c.registers > 0 ? tokens([1, c.registers, c.width]) : nil
    maskToken = c.hasMaskToken ? .zeros([1, c.width]) : nil
    let grid = ViTConfiguration(
      imageSize: c.patch, patch: c.patch, channels: c.channels, width: c.width, depth: 0, heads: c.heads)
    patchEmbed = PatchEmbedding(grid, random: random.child("patch_embed"))
    blocks = (0..<c.depth).map { PretrainedViTBlock(c, random: random.child("blocks", $0)) }
    norm = LayerNorm(c.width, epsilon: c.epsilon)
    clsNorm = c.hasClassNorm ? LayerNorm(c.width, epsilon: c.epsilon) : nil
    head = c.classes.map { Linear(c.width, $0, random: random.child("head")) }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("cls_token", &clsToken, .bias)
    v("pos_embed", &posEmbed, .bias)
    v("register_tokens", &registerTokens, .bias)
    v("mask_token", &maskToken, .bias)
    v("rope_periods", &periods, .buffer)
    v("patch_embed", &patchEmbed)
    v("blocks", &blocks)
    v("norm", &norm)
    v("cls_norm", &clsNorm)
    v("head", &head)
  }

  /// Features of images `[B, C, H, W]` whose sides are multiples of the patch.
  public func callAsFunction(_ images: Tensor) -> ViTOutput {
    let c = configuration
    let b = images.shape[0]
    let (rows, columns) = (images.shape[2] / c.patch, images.shape[3] / c.patch)
    var x = concat([clsToken.broadcast(to: [b, 1, c.width]), patchEmbed(images)], axis: 1)
    if let posEmbed { x = x + positions(posEmbed, rows, columns) }
    if let registerTokens {
      let r = registerTokens.broadcast(to: [b, c.registers, c.width])
      x = concat([x.slice(1, 0..<1), r, x.slice(1, 1..<x.shape[1])], axis: 1)
    }
    let first = 1 + c.registers
    let rotary = periods.map { self.rotary(rows, columns, $0) }
    for block in blocks { x = block(x, rotary: rotary, from: first) }
    let y = norm(x)
    let cls = clsNorm.map { $0(x.slice(1, 0..<1)) } ?? y
    return ViTOutput(classToken: cls.select(1, 0), patches: y.slice(1, first..<y.shape[1]))
  }

  /// Scores of the classes, `[B, classes]`, from the class token; without a classifier the class token, `[B, D]`.
  public func logits(_ images: Tensor) -> Tensor {
    let token = self(images).classToken
    return head.map { $0(token) } ?? token
  }

  private func positions(_ learnt: Tensor, _ rows: Int, _ columns: Int) -> Tensor {
    let (d, isSmooth, side): (Int, Bool, Int) =
      switch configuration.positions {
      case .learnt(let side): (configuration.width, false, side)
      case .learntAntialiased(let side): (configuration.width, true, side)
      case .rotary: (configuration.width, false, 0)
      }
    if rows == side && columns == side { return learnt }
    let own = learnt.slice(1, 0..<1)
    let grid = learnt.slice(1, 1..<learnt.shape[1]).squeezed(0)  // [side^2, D]
    guard isSmooth else {
      return concat([own, matmul(resizeMatrix(from: side, to: rows, columns: columns), grid).expandedAxis(0)], axis: 1)
    }
    let planes = grid.reshaped(to: [side, side, d]).permuted([2, 0, 1])
    let resized = planes.resized(to: [rows, columns], .cubic, antialiased: true)  // [D, rows, columns]
    return concat([own, resized.permuted([1, 2, 0]).reshaped(to: [1, rows * columns, d])], axis: 1)
  }

  /// Middles of patches in [-1, 1] both ways, turned by 2 pi times their number of periods.
  private func rotary(_ rows: Int, _ columns: Int, _ periods: Tensor) -> RotaryEmbedding {
    let own = periods.values.map { Double($0) }
    func turns(_ i: Int, _ n: Int) -> [Double] {
      let place = 2 * (Double(i) + 0.5) / Double(n) - 1
      return own.map { 2 * Double.pi * place / $0 }
    }
    return RotaryEmbedding(
      angles: (0..<rows).flatMap { r in (0..<columns).map { turns(r, rows) + turns($0, columns) } }, pairing: .halves)
  }
}
