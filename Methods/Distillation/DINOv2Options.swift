import ReproConfig
import ReproEngine
import ReproNN
import ReproTensor

/// Every ingredient of DINOv2 that a recipe can change; durations are fractions of the stage.
struct DINOv2Options: Sendable {
  /// Size of a vision transformer.
  struct Size: Sendable { let width, depth, heads: Int }

  let patch, registers: Int
  /// Learnt positions begin with deviation 0.02 whatever `init_deviation` is: beside patches of a large one, short training
  /// leaves them unseen, and masked patches cannot tell their neighbours.
  let positions: ViTConfiguration.Positions
  let size: Size
  /// The larger teacher to distil from.
  let distill: Size?
  /// Which part of the training split is trained on; nil for all of it.
  let curation: CurationOptions?
  let layerScale, dropPath, deviation: Real
  let heads: HeadConfiguration
  let centering: Centering
  let teacherTemperature, teacherMomentum: Schedule
  let studentTemperature: Real
  let maskProbability: Double
  let maskRatio: ClosedRange<Double>
  let weights: (dino: Real, ibot: Real, koleo: Real)
  private let usual: MultiCrop
  /// Crops of the stage `high-resolution`, the short last phase of the paper.
  private let highResolution: MultiCrop?
  private let layerwiseDecay, patchEmbedRate, freezeLastLayer: Double

  init(_ s: inout Section) throws(ReproError) {
    patch = try s.int("patch", in: 1...64)
    registers = try s.int("registers", in: 0...64, default: 0)
    let kind = try s.choice("positions", ViTConfiguration.Positions.allCases.map(\.rawValue), default: "learnt")
    positions = ViTConfiguration.Positions(rawValue: kind) ?? .learnt
    size = try Size(&s)
    distill = try s.section("distill") { inner throws(ReproError) in try Size(&inner) }
    curation = try s.section("curation") { inner throws(ReproError) in try CurationOptions(&inner) }
    layerScale = Real(try s.double("layer_scale", in: 0...10, default: 1e-5))
    dropPath = Real(try s.double("drop_path", in: 0...0.9, default: 0))
    deviation = Real(try s.double("init_deviation", in: 0.0001...1, default: 0.02))
    heads = try HeadConfiguration(&s)
    let word = try s.choice("centering", Centering.allCases.map(\.rawValue), default: Centering.softmax.rawValue)
    centering = Centering(rawValue: word) ?? .softmax
    teacherTemperature = try s.schedule(
      "teacher_temperature", in: 0.001...10, shape: .linear,
      default: Schedule(from: 0.04, to: 0.07, over: 0.3, form: .linear))
    studentTemperature = Real(try s.double("student_temperature", in: 0.001...10, default: 0.1))
    teacherMomentum = try s.schedule("teacher_momentum", in: 0...1, default: Schedule(from: 0.992, to: 1))
    (maskProbability, maskRatio) =
      try s.section("mask") { inner throws(ReproError) in
        let ratio = try inner.doubles("ratio", count: 2, in: 0...1, default: [0.1, 0.5])
        return (try inner.double("probability", in: 0...1, default: 0.5), try inner.range(ratio, "ratio"))
      } ?? (0.5, 0.1...0.5)
    weights =
      try s.section("weights") { inner throws(ReproError) in
        (
          dino: Real(try inner.double("dino", in: 0...100, default: 1)),
          ibot: Real(try inner.double("ibot", in: 0...100, default: 1)),
          koleo: Real(try inner.double("koleo", in: 0...100, default: 0.1))
        )
      } ?? (1, 1, 0.1)
    var crops = try Section(s.require("crops"), name: "\(s.name).crops")
    usual = try MultiCrop(&crops)
    try crops.finish()
    highResolution = try s.section("high_resolution") { inner throws(ReproError) in try MultiCrop(&inner) }
    layerwiseDecay = try s.double("layerwise_decay", in: 0.01...1, default: 0.9)
    patchEmbedRate = try s.double("patch_embed_rate", in: 0...1, default: 0.2)
    freezeLastLayer = try s.double("freeze_last_layer", in: 0...1, default: 0.01)
  }

  /// The crops of a stage.
  func crops(at stage: String) -> MultiCrop { stage == "high-resolution" ? highResolution ?? usual : usual }

  /// A backbone of the given size for the given images.
  func vit(_ size: Size, _ image: (height: Int, width: Int, channels: Int)) throws(ReproError) -> ViTConfiguration {
    let sides =
      [image.height, image.width, usual.globalSize, usual.localSize]
      + (highResolution.map { [$0.globalSize, $0.localSize] } ?? [])
    for side in sides where side % patch != 0 {
      throw ReproError(
        .usage, at: "method.patch", found: "\(patch) does not divide a side of \(side) pixels",
        hint: "images and crops must be whole patches")
    }
    var c = ViTConfiguration(
      imageSize: usual.globalSize, patch: patch, channels: image.channels, width: size.width, depth: size.depth,
      heads: size.heads)
    c.registers = registers
    c.positions = positions
    c.layerScale = layerScale > 0 ? layerScale : nil
    c.dropPath = dropPath
    c.deviation = deviation
    c.hasMaskToken = true
    return c
  }

  /// Targets from the teacher's logits, `[n, K]`.
  func assign(_ logits: Tensor, _ center: Tensor, _ temperature: Real) -> Tensor {
    switch centering {
    case .sinkhorn: sinkhornKnopp(logits, temperature: temperature)
    case .softmax: centredSoftmax(logits, center: center, temperature: temperature)
    }
  }

  /// The authors' parameter groups: rates decay towards the input, the patch embedding is slower, the prototypes start
  /// frozen; no weight decay on biases, norms and LayerScale. `depth` counts the blocks of the network that is trained.
  func scaling(_ progress: Double, depth: Int) -> ParameterScaling {
    let freezes = progress < freezeLastLayer
    return ParameterScaling { [self] p in
      let decay: Real = p.role == .weight || p.path.hasSuffix("weight_g") || isToken(p.path) ? 1 : 0
      if p.path.contains("last_layer") { return (freezes ? 0 : 1, decay) }
      guard p.path.hasPrefix("backbone.") else { return (1, decay) }
      var layer = depth + 1
      if p.path.hasPrefix("backbone.blocks.") {
        layer = 1 + (Int(p.path.dropFirst("backbone.blocks.".count).prefix { $0 != "." }) ?? 0)
      } else if isToken(p.path) || p.path.hasPrefix("backbone.patch_embed") {
        layer = 0
      }
      var rate: Real = 1
      for _ in layer..<(depth + 1) { rate *= Real(layerwiseDecay) }
      if p.path.hasPrefix("backbone.patch_embed") { rate *= Real(patchEmbedRate) }
      return (rate, decay)
    }
  }

  private func isToken(_ path: String) -> Bool {
    ["cls_token", "pos_embed", "mask_token", "register_tokens"].contains { path.hasSuffix($0) }
  }
}

extension DINOv2Options.Size {
  init(_ s: inout Section) throws(ReproError) {
    width = try s.int("width", in: 1...8192)
    depth = try s.int("depth", in: 1...100)
    heads = try s.int("heads", in: 1...128, default: max(1, width / 64))
    guard width % heads == 0 else {
      throw ReproError(
        .usage, at: "\(s.node.mark)", found: "\(s.name).width \(width) is not a multiple of \(heads) heads")
    }
  }
}

extension HeadConfiguration {
  /// Reads `prototypes`, and `head: {hidden, bottleneck, layers, shared, patch_prototypes}`.
  init(_ s: inout Section) throws(ReproError) {
    let prototypes = try s.int("prototypes", in: 2...1_000_000)
    var configuration = ProjectionHead.Configuration(hidden: 2048, bottleneck: 256, layers: 3, prototypes: prototypes)
    patches = nil
    let separate = try s.section("head") { inner throws(ReproError) -> Int? in
      configuration.hidden = try inner.int("hidden", in: 1...65536, default: 2048)
      configuration.bottleneck = try inner.int("bottleneck", in: 1...65536, default: 256)
      configuration.layers = try inner.int("layers", in: 2...8, default: 3)
      let shared = try inner.bool("shared", default: true)
      let count = try inner.int("patch_prototypes", in: 2...1_000_000, default: prototypes)
      return shared ? nil : count
    }
    cls = configuration
    if let count = separate ?? nil {
      configuration.prototypes = count
      patches = configuration
    }
  }
}
