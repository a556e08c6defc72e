import ReproConfig
import ReproData
import ReproNN
import ReproTensor

extension PublishedModel {
  func vit(_ f: FileSizes, _ choices: Choices, _ random: RandomStream) throws -> (any Layer, KeyMap) {
    let patches = try f.shape("patch_embed.proj.weight", rank: 4)
    guard patches[2] == patches[3], patches[2] > 0, patches[0] > 0, patches[1] > 0 else {
      throw f.fail("'patch_embed.proj.weight' is \(patches)", expected: "[D, C, p, p]")
    }
    let width = patches[0]
    let isPacked = f.view["blocks.0.mlp.w12.weight"] != nil
    let isGated = isPacked || f.view["blocks.0.mlp.w1.weight"] != nil
    let hidden: Int
    if isPacked {
      hidden = try f.shape("blocks.0.mlp.w12.weight", rank: 2)[0] / 2
    } else {
      hidden = try f.shape(isGated ? "blocks.0.mlp.w1.weight" : "blocks.0.mlp.fc1.weight", rank: 2)[0]
    }
    let tokens = self == .dinov3 ? "storage_tokens" : "register_tokens"
    let registers = f.view[tokens] == nil ? 0 : try f.shape(tokens, rank: 3)[1]
    let positions: PretrainedViTConfiguration.Positions
    let heads = try f.heads(choices.heads, width: width)
    if self == .dinov3 {
      guard width % (4 * heads) == 0 else { throw f.fail("heads of \(width / heads) cannot be turned in two axes") }
      positions = .rotary
    } else {
      let side = try f.side(try f.shape("pos_embed", rank: 3)[1] - 1, "pos_embed")
      positions = self == .timmViT || registers > 0 ? .learntAntialiased(side: side) : .learnt(side: side)
    }
    var c = PretrainedViTConfiguration(
      patch: patches[2], channels: patches[1], width: width, depth: try f.depth("blocks."), heads: heads,
      hidden: try f.positive(hidden, "blocks.0.mlp"), positions: positions)
    c.feedForward = isGated ? .gated : .mlp
    c.registers = registers
    c.hasLayerScale = f.view["blocks.0.ls1.gamma"] != nil
    c.hasMaskToken = f.view["mask_token"] != nil
    c.hasClassNorm = f.view["cls_norm.weight"] != nil
    c.classes = self == .timmViT && f.view["head.weight"] != nil ? try f.shape("head.weight", rank: 2)[0] : nil
    c.epsilon = self == .dinov3 ? 1e-5 : 1e-6
    let isDINOv3 = self == .dinov3
    let map = KeyMap(
      source: { path in
        if isPacked, let end = ["w1.weight", "w1.bias", "w2.weight", "w2.bias"].first(where: path.hasSuffix) {
          let name = path.dropLast(end.count) + "w12" + end.dropFirst(2)
          return .part(String(name), index: end.hasPrefix("w1") ? 0 : 1, count: 2)
        }
        guard isDINOv3 else { return .array(path) }
        if path == "register_tokens" { return .array("storage_tokens") }
        if path == "rope_periods" { return .array("rope_embed.periods") }
        return path.hasSuffix("attn.qkv.bias") ? .masked(path, by: path + "_mask") : .array(path)
      },
      // Used for local crops of the training only.
      ignoring: { isDINOv3 && $0.hasPrefix("local_cls_norm.") })
    return (PretrainedViT(c, random: random), map)
  }

  func resnet(_ f: FileSizes, _ random: RandomStream) throws -> (any Layer, KeyMap) {
    let stem = try f.shape("conv1.weight", rank: 4)
    let isBottleneck = f.view["layer1.0.conv3.weight"] != nil
    var c = ResNetConfiguration(
      blocks: try (1...4).map { try f.depth("layer\($0).") }, isBottleneck: isBottleneck)
    c.width = try f.positive(stem[0], "conv1.weight")
    c.channels = try f.positive(stem[1], "conv1.weight")
    guard stem[2] == stem[3], stem[2] == 7 || stem[2] == 3 else {
      throw f.fail("'conv1.weight' is \(stem)", expected: "a kernel of 7 x 7, or of 3 x 3 for small images")
    }
    c.stem = stem[2] == 7 ? .imageNet : .cifar
    c.classes = f.view["fc.weight"] == nil ? nil : try f.shape("fc.weight", rank: 2)[0]
    return (ResNet(c, random: random), .identity)
  }
}
