import Glibc
import ReproNN
import ReproTensor
import Testing

@testable import Distillation

@Suite struct DINOv2Parameters {
  /// The authors' rule (dinov2/utils/param_groups.py), for names that begin with the sub-network.
  private func authors(_ name: String, depth: Int, decay: Double, patchEmbed: Double) -> (rate: Double, decay: Double) {
    var layer = depth + 1
    let words = name.split(separator: ".").map(String.init)
    if words[0] == "backbone" {
      if ["pos_embed", "patch_embed", "mask_token", "cls_token", "register_tokens"].contains(words[1]) { layer = 0 }
      if words[1] == "blocks" { layer = (Int(words[2]) ?? -1) + 1 }
    }
    let isPlain = name.hasSuffix(".bias") || name.contains("norm") || name.contains("gamma")
    return (
      Glibc.pow(decay, Double(depth + 1 - layer)) * (words[1] == "patch_embed" ? patchEmbed : 1), isPlain ? 0 : 1
    )
  }

  @Test func ratesAndDecaysOfAllParametersFollowTheAuthorsRule() throws {
    let method = try smallDINOv2("registers: 1, layerwise_decay: 0.8, patch_embed_rate: 0.25")
    var vit = try method.options.vit(.init(width: 12, depth: 4, heads: 3), (16, 16, 3))
    vit.layerScale = 0.1
    var heads = method.options.heads
    heads.patches = heads.cls
    let network = SelfDistillationNetwork(vit, heads, random: RandomStream(seed: 1))
    let scaling = method.options.scaling(0.5, depth: 4)
    #expect(network.parameters.count == 6 + 4 * 14 + 2 + 2 * 8)
    for p in network.parameters {
      #expect(p.isTrained)
      let (rate, decay) = scaling(p)
      let expected = authors(p.path, depth: 4, decay: 0.8, patchEmbed: 0.25)
      #expect(
        abs(Double(rate) - expected.rate) < 1e-6 && Double(decay) == expected.decay, "\(p.path): \(rate), \(decay)")
    }
    // Some by hand.
    func factors(_ path: String) -> [Double] {
      network.parameters.filter { $0.path == path }.flatMap { [Double(scaling($0).rate), Double(scaling($0).decay)] }
    }
    for (path, rate, decay) in [
      ("backbone.cls_token", 0.32768, 1.0), ("backbone.register_tokens", 0.32768, 1),
      ("backbone.patch_embed.proj.weight", 0.08192, 1), ("backbone.patch_embed.proj.bias", 0.08192, 0),
      ("backbone.blocks.0.attn.qkv.weight", 0.4096, 1), ("backbone.blocks.3.ls2.gamma", 0.8, 0),
      ("backbone.norm.weight", 1, 0), ("dino_head.mlp.0.bias", 1, 0), ("dino_head.last_layer.weight_g", 1, 1),
    ] {
      let found = factors(path)
      #expect(found.count == 2 && abs(found[0] - rate) < 1e-6 && found[1] == decay, "\(path): \(found)")
    }
  }

  @Test func theLastLayersOfBothHeadsRestBeforeTheirTimeAndNothingElseDoes() throws {
    let method = try smallDINOv2("freeze_last_layer: 0.1")
    var heads = method.options.heads
    heads.patches = heads.cls
    let vit = try method.options.vit(method.options.size, (16, 16, 3))
    let network = SelfDistillationNetwork(vit, heads, random: RandomStream(seed: 1))
    for (progress, rests) in [(0, true), (0.0999, true), (0.1, false), (0.9, false)] {
      let scaling = method.options.scaling(progress, depth: 2)
      let resting = network.parameters.filter { scaling($0).rate == 0 }.map(\.path)
      let last = ["dino_head", "ibot_head"].flatMap { ["\($0).last_layer.weight_g", "\($0).last_layer.weight_v"] }
      #expect(resting == (rests ? last : []))
    }
  }

  @Test func aSeparatePatchHeadHasItsOwnPrototypesAndCentre() throws {
    let method = try make(
      DINOv2.self,
      """
      {patch: 4, width: 12, depth: 1, heads: 3, prototypes: 11, crops: {global: {size: 16}, local: {size: 8, count: 1}},
       head: {hidden: 16, bottleneck: 6, shared: false, patch_prototypes: 7}}
      """)
    var state = try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 1))
    var step = try context()
    _ = try method.step(&state, &step)
    #expect(state.model.dinoCenter.shape == [1, 11] && state.model.ibotCenter.shape == [1, 7])
    #expect(state.model.student.ibotHead?.gain.shape == [7, 1])
  }

  @Test func positionsAreLearntOrSinusoidsThatNoStepMoves() throws {
    func positions(_ more: String) throws -> (before: [Real], after: [Real], teacher: [Real]) {
      let method = try smallDINOv2(more)
      var state = try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 1))
      let before = state.model.student.backbone.posEmbed.values
      var step = try context()
      _ = try method.step(&state, &step)
      return (before, state.model.student.backbone.posEmbed.values, state.model.teacher.backbone.posEmbed.values)
    }
    let learnt = try positions("")
    #expect(learnt.before != learnt.after)
    let fixed = try positions("positions: sin-cos")
    #expect(fixed.before == fixed.after && fixed.before == fixed.teacher)
    let width = 12
    #expect(fixed.before.prefix(width).allSatisfy { $0 == 0 })
    #expect(Array(fixed.before.dropFirst(width)) == sinCosPositions(rows: 4, columns: 4, width: width).values)
  }

  @Test func sidesThatAreNoWholePatchesAreRefused() throws {
    let method = try smallDINOv2(crops: "{global: {size: 18}, local: {size: 8, count: 1}}")
    #expect(throws: (any Error).self) { try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 1)) }
    #expect(throws: (any Error).self) {
      try smallDINOv2().makeState(for: imageSpec(side: 18), random: RandomStream(seed: 1))
    }
  }
}
