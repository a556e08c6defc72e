import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// GMML: groups of connected pixels are corrupted, and a transformer that sees all tokens restores the clean image.
///
///     loss = sum_(corrupted pixels, channels) |restored - clean| / (number of them)
///
/// No mask token, no token left out, no second network: a very light decoder reads the mean of several blocks' outputs.
/// - Source: Ahmed et al. 2022 (arXiv 2205.14986) and the authors' code; deviations in Reproductions/gmml/NOTES.md.
public struct GMML: MethodPlugin {
  public static let card = MethodCard(
    id: "gmml", title: "GMML is All you Need", year: 2022, arxiv: "2205.14986", family: .masked)

  let patch, width, depth, heads: Int
  let dropPath, deviation: Real
  let recipeBlocks: [Int]?
  let scale: [Double]
  let views: Int
  let restoresAll: Bool
  let corruption: GroupCorruption

  public init(_ s: inout Section) throws(ReproError) {
    patch = try s.int("patch", in: 1...64)
    width = try s.int("width", in: 1...8192)
    depth = try s.int("depth", in: 1...100)
    heads = try s.int("heads", in: 1...128)
    dropPath = Real(try s.double("drop_path", in: 0...0.9, default: 0.1))
    deviation = Real(try s.double("init_deviation", in: 0.0001...1, default: 0.02))
    scale = try s.doubles("scale", count: 2, in: 0.01...1, default: [0.05, 1])
    views = try s.int("views", in: 1...2, default: 2)
    restoresAll = try s.bool("restore_all", default: false)
    corruption = try s.section("corruption") { inner throws(ReproError) in try GroupCorruption(&inner) } ?? .init()
    let depths = s.has("blocks") ? try s.doubles("blocks", in: 1...Double(depth)).map { Int($0) } : nil
    recipeBlocks = depths
    guard width % heads == 0, scale[0] <= scale[1], depths?.isEmpty != true else {
      throw ReproError(
        .usage, at: "\(s.node.mark)", found: "width \(width), heads \(heads), scale \(scale), blocks \(depths ?? [])",
        expected: "heads that divide the width, an ascending scale, at least one block")
    }
  }

  public struct State: Layer {
    var backbone: VisionTransformer
    var decoder: TokenDecoder

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("backbone", &backbone)
      v("decoder", &decoder)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    guard case .image(let side, let other, let channels) = data[field: "image"]?.kind, side == other, side % patch == 0
    else {
      throw ReproError(
        .usage, at: "method.patch", found: "patches of \(patch) and the columns \(data.fields.map(\.name))",
        expected: "square images of whole patches")
    }
    var c = ViTConfiguration(
      imageSize: side, patch: patch, channels: channels, width: width, depth: depth, heads: heads)
    (c.dropPath, c.deviation) = (dropPath, deviation)
    return State(
      backbone: VisionTransformer(c, random: random.child("backbone")),
      decoder: TokenDecoder(c, random: random.child("decoder")))
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let images = try context.batch().images()
    // Views of one image do not meet in the loss: two of them are a batch of twice the size.
    let clean = (0..<views).map { self.view(of: images, context.random.child("view", $0)) }
    let corrupted = clean.enumerated().map { corruption($1, random: context.random.child("corruption", $0)) }
    let drop = ForwardContext(random: context.random.child("drop"))
    let (loss, gradients) = context.valueAndGradients(of: &state, samples: images.count) { state, rows in
      corrupted.enumerated().map { view, corrupted in
        restore(corrupted.images.slice(0, rows), state, drop.child("view", view).child("rows", rows.lowerBound))
      }
    } loss: { restored in
      error(of: concat(restored), clean: concat(clean), mask: concat(corrupted.map(\.mask)))
    }
    // Each parameter's gradient is limited by itself, as the authors do.
    let norm = context.update(&state, gradients, clipGroup: { $0.path })
    return ["loss": loss.item, "gradient": norm, "corrupted": concat(corrupted.map(\.mask)).mean().item]
  }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let images = batch.images().normalizedTensor
    let output = state.backbone(images)
    let side = images.shape[2] / patch
    return Features(
      global: output.patches.mean(1), dense: output.patches.reshaped([images.shape[0], side, side, width]),
      outputs: ["class-token": output.classToken])
  }

  // MARK: one step

  /// Blocks whose outputs are averaged: the even ones of the second half, 6, 8, 10 and 12 of 12.
  var blocks: [Int] { recipeBlocks ?? (max(1, depth / 2)...depth).filter { ($0 - depth) % 2 == 0 } }

  /// Light colours: the image is to be restored, not to be made invariant.
  private func view(of images: ImageBatch, _ random: RandomStream) -> Tensor {
    var policy = ViewPolicy(size: images.height, scale: scale[0]...scale[1])
    policy.jitter = ViewPolicy.Jitter(probability: 0.3, brightness: 0.1, contrast: 0.1, saturation: 0.1, hue: 0.01)
    policy.blur = 0.1
    return policy.views(of: images, random: random)
  }

  /// Corrupted images to restored ones, `[B, C, H, W]`.
  func restore(_ x: Tensor, _ state: State, _ context: ForwardContext?) -> Tensor {
    let tokens = state.backbone.averaged(x, after: blocks, context).patches
    return state.decoder(tokens, rows: x.shape[2] / patch, columns: x.shape[3] / patch)
  }

  /// The mean over corrupted pixels and channels of both views and the whole batch: one mean, not one for each image.
  func error(of restored: Tensor, clean: Tensor, mask: Tensor) -> Tensor {
    let difference = (restored - clean).abs()
    if restoresAll { return difference.mean() }
    return (difference * mask).sum() / (mask.sum().item * Real(clean.shape[1]))
  }
}

/// Three maps with GELU after each, then the pixels of each patch by a transposed convolution that does not overlap.
///
///     [B, N, D] -> [B, C, rows p, columns p]
public struct TokenDecoder: Layer {
  var mlp: [Linear]
  var pixels: ConvTranspose2d

  init(_ c: ViTConfiguration, random: RandomStream) {
    mlp = (0..<3).map { Linear(c.width, c.width, deviation: c.deviation, random: random.child("mlp", $0)) }
    pixels = ConvTranspose2d(
      c.width, c.channels, kernel: Extent2D(c.patch), stride: Extent2D(c.patch), random: random.child("pixels"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("mlp", &mlp)
    v("convTrans", &pixels)
  }

  func callAsFunction(_ tokens: Tensor, rows: Int, columns: Int) -> Tensor {
    var x = tokens
    for layer in mlp { x = layer(x).gelu() }
    let (b, d) = (tokens.shape[0], tokens.shape[2])
    return pixels(x.permuted([0, 2, 1]).reshaped([b, d, rows, columns]))
  }
}

extension GroupCorruption {
  /// Reads `{shape, fill, ratio, limit, align, replace, replace_ratio}`.
  init(_ s: inout Section) throws(ReproError) {
    self.init()
    shape = Shape(rawValue: try s.choice("shape", Shape.allCases.map(\.rawValue), default: "groups")) ?? .groups
    fill = Fill(rawValue: try s.choice("fill", Fill.allCases.map(\.rawValue), default: "noise")) ?? .noise
    let ratio = try s.doubles("ratio", count: 2, in: 0.01...0.95, default: [0.5, 0.75])
    limit = try s.double("limit", in: 0.05...1, default: 0.3)
    align = try s.int("align", in: 1...256, default: 1)
    replace = try s.double("replace", in: 0...1, default: 0.5)
    replaceRatio = try s.double("replace_ratio", in: 0.01...0.95, default: 0.3)
    guard ratio[0] <= ratio[1] else {
      throw ReproError(.usage, at: "\(s.node.mark)", found: "\(s.name).ratio is \(ratio)", expected: "ascending")
    }
    self.ratio = ratio[0]...ratio[1]
  }
}
