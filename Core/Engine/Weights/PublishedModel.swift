import ReproConfig
import ReproData
import ReproNN
import ReproTensor

/// The published architectures whose files are read; sizes are told by the shapes in the file.
public enum PublishedModel: String, Sendable, CaseIterable {
  /// github.com/facebookresearch/dinov2, with and without registers, ViT-S to ViT-g.
  case dinov2
  /// github.com/facebookresearch/dinov3, vision transformers.
  case dinov3
  /// timm's `VisionTransformer` with class token.
  case timmViT = "timm-vit"
  /// torchvision's residual networks.
  case resnet
  /// OpenAI's and OpenCLIP's models with vision transformers.
  case clip
  /// BERT, MiniLM and other encoders of Hugging Face's `BertModel` layout.
  case bert
  /// github.com/akamaster/pytorch_resnet_cifar10.
  case cifarResNet = "cifar-resnet"

  /// What a file cannot tell.
  public struct Choices: Sendable, Equatable {
    /// Heads of each attention; nil for the architecture's usual width of a head (64, and 32 for MiniLM's 384).
    public var heads: Int?
    /// Heads of the text tower.
    public var textHeads: Int?
    /// Whether CLIP has OpenAI's activation; nil decides by what else is in the file.
    public var quickGELU: Bool?
    /// Which of several networks in one file: `teacher`, `student`.
    public var part = "teacher"
    public init() {}
  }

  /// A network of the file's sizes, not yet filled, and how to fill it.
  public struct Plan: Sendable {
    public var model: any Layer
    public var map: KeyMap
    public var view: WeightView

    /// What the file lacks or has too much.
    public var difference: WeightDiff {
      func of(_ layer: some Layer) -> WeightDiff { layer.difference(from: view, map) }
      return of(model)
    }

    /// The network with the file's parameters.
    public func loaded<L: Layer>(as type: L.Type) throws -> L {
      guard var layer = model as? L else {
        requirementFailed("the plan is for \(Swift.type(of: model)), not for \(type)")
      }
      try layer.load(view, map)
      return layer
    }
  }

  /// Names that files of the architecture have whatever their size.
  var anchors: [String] {
    switch self {
    case .dinov2: ["cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.ls1.gamma", "norm.weight"]
    case .dinov3: ["cls_token", "storage_tokens", "patch_embed.proj.weight", "rope_embed.periods", "norm.weight"]
    case .timmViT: ["cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.norm1.weight", "norm.weight"]
    case .resnet: ["conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer4.0.conv1.weight", "bn1.running_mean"]
    case .cifarResNet:
      ["conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer3.0.conv1.weight", "linear.weight"]
    case .clip:
      ["visual.conv1.weight", "visual.class_embedding", "token_embedding.weight", "text_projection", "logit_scale"]
    case .bert:
      [
        "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight",
        "encoder.layer.0.attention.self.query.weight", "encoder.layer.0.output.dense.weight",
      ]
    }
  }

  /// The network that a file of this architecture holds.
  ///
  /// - Throws: `ReproError` if the file lacks what tells its sizes.
  public func plan(_ file: WeightFile, _ choices: Choices = Choices()) throws -> Plan {
    let alias = self.alias
    let view = WeightView(file, expected: anchors, preferred: choices.part, alias: alias)
    let sizes = FileSizes(view: view, model: self)
    let random = RandomStream(seed: 0)
    let (layer, map): (any Layer, KeyMap)
    switch self {
    case .dinov2, .dinov3, .timmViT: (layer, map) = try vit(sizes, choices, random)
    case .resnet: (layer, map) = try resnet(sizes, random)
    case .cifarResNet:
      let stem = try sizes.shape("conv1.weight", rank: 4)
      let classes = try sizes.shape("linear.weight", rank: 2)[0]
      layer = CIFARResNet(
        blocks: try sizes.depth("layer1."), width: try sizes.positive(stem[0], "conv1.weight"),
        classes: try sizes.positive(classes, "linear.weight"), random: random)
      map = .identity
    case .clip: (layer, map) = try clip(sizes, choices, random)
    case .bert: (layer, map) = try bert(sizes, choices, random)
    }
    return Plan(model: layer, map: map, view: view)
  }

  /// Names of old or wrapped files in the words of the newest.
  var alias: @Sendable (String) -> String {
    switch self {
    // Files of training runs cut the blocks into chunks, `blocks.0.3.norm1.weight`.
    case .dinov2: PublishedModel.withoutChunks
    case .clip: { $0.hasPrefix("text.") ? String($0.dropFirst(5)) : $0 }
    case .bert:
      { name in
        if name.hasSuffix("LayerNorm.gamma") { return String(name.dropLast(5)) + "weight" }
        return name.hasSuffix("LayerNorm.beta") ? String(name.dropLast(4)) + "bias" : name
      }
    default: { $0 }
    }
  }

  private static func withoutChunks(_ name: String) -> String {
    let parts = name.split(separator: ".", maxSplits: 3)
    guard parts.count == 4, parts[0] == "blocks", Int(parts[1]) != nil, Int(parts[2]) != nil else { return name }
    return "blocks.\(parts[2]).\(parts[3])"
  }
}

/// Reads the sizes of a network off the shapes in a file.
struct FileSizes {
  let view: WeightView
  let model: PublishedModel

  func fail(_ found: String, expected: String? = nil) -> ReproError {
    ReproError(
      .data, at: view.file.path, found: found, expected: expected,
      hint: "is it \(model.rawValue)? 'repro weights inspect' lists what it holds")
  }

  func shape(_ name: String, rank: Int) throws -> Shape {
    guard let shape = view.shape(name) else { throw fail("there is no array '\(view.prefix)\(name)'") }
    guard shape.rank == rank else { throw fail("'\(name)' is \(shape)", expected: "\(rank) axes") }
    return shape
  }

  func positive(_ count: Int, _ name: String) throws -> Int {
    guard count > 0 else { throw fail("'\(name)' is empty") }
    return count
  }

  /// The number of layers of a stack.
  func depth(_ before: String) throws -> Int {
    let count = view.count(before)
    guard count > 0 else { throw fail("there is no array '\(view.prefix)\(before)0.*'") }
    return count
  }

  func heads(_ asked: Int?, width: Int, usual: Int = 64) throws -> Int {
    let heads = asked ?? max(1, width / usual)
    guard heads > 0, width % heads == 0 else {
      throw fail("a width of \(width) cannot have \(heads) heads", expected: "a divisor")
    }
    return heads
  }

  /// The side of a square grid.
  func side(_ places: Int, _ name: String) throws -> Int {
    let side = Int(Double(max(places, 0)).squareRoot().rounded())
    guard side > 0, side * side == places else {
      throw fail("'\(name)' has \(places) places beside the class token", expected: "a square number")
    }
    return side
  }
}
