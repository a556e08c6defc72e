import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// Every ingredient of SLIP that a recipe can change.
struct SLIPOptions: Sendable {
  let encoder: ImageEncoder.Configuration
  /// Sizes of the text tower and of the space in which images and texts meet.
  let clip: CLIPConfiguration
  let words: CaptionWords
  /// Columns of captions, of which each sample draws one.
  let captions: [String]
  let head: BatchNormMLP.Widths
  let weights: (clip: Real, ssl: Real)
  let temperature: Real
  /// Whether L_clip is differentiated with respect to the other samples' embeddings, too.
  let gathersGradients: Bool
  let size: Int
  private let light, strong: ViewPolicy
  private let lights: Int

  init(_ s: inout Section) throws(ReproError) {
    encoder = try ImageEncoder.Configuration(&s)
    let embedding = try s.int("embedding", in: 1...8192, default: 512)
    let standard = (width: 512, depth: 12, heads: 8)
    let text =
      try s.section("text") { inner throws(ReproError) in
        let width = try inner.int("width", in: 1...8192, default: standard.width)
        return CLIPConfiguration.Tower(
          width: width, depth: try inner.int("depth", in: 1...100, default: standard.depth),
          heads: try inner.int("heads", in: 1...128, default: max(1, width / 64)))
      } ?? CLIPConfiguration.Tower(width: standard.width, depth: standard.depth, heads: standard.heads)
    guard text.width % text.heads == 0 else {
      throw ReproError(
        .usage, at: "\(s.node.mark)",
        found: "\(s.name).text.width \(text.width) is not a multiple of \(text.heads) heads")
    }
    words = try CaptionWords(&s)
    captions = try s.strings("captions", default: ["caption"])
    guard !captions.isEmpty else {
      throw ReproError(.usage, at: "\(s.node.mark)", found: "\(s.name).captions is empty", expected: "text columns")
    }
    clip = CLIPConfiguration(
      image: text, text: text, patch: 1, side: 1,  // of these the text tower reads its own
      vocabulary: words.count, context: words.length,
      embedding: embedding)
    head =
      try s.section("head") { inner throws(ReproError) in
        BatchNormMLP.Widths(
          hidden: try inner.int("hidden", in: 1...65536, default: 4096),
          output: try inner.int("output", in: 1...65536, default: 256))
      } ?? BatchNormMLP.Widths(hidden: 4096, output: 256)
    weights =
      try s.section("weights") { inner throws(ReproError) in
        (
          clip: Real(try inner.double("clip", in: 0...100, default: 1)),
          ssl: Real(try inner.double("ssl", in: 0...100, default: 1))
        )
      } ?? (1, 1)
    guard weights.clip > 0 || weights.ssl > 0 else {
      throw ReproError(
        .usage, at: "\(s.node.mark)", found: "\(s.name).weights are both 0", expected: "something to learn from")
    }
    temperature = Real(try s.double("temperature", in: 0.001...100, default: 0.1))
    gathersGradients = try s.bool("gathered_gradients", default: false)
    lights = try s.int("clip_views", in: 1...16, default: 1)
    size = try s.int("size", in: 4...1024)
    let side = size
    let usual = (
      light: ViewDefaults(scale: [0.5, 1], flip: 0, colour: 0, grey: 0, blur: 0),
      strong: ViewDefaults(scale: [0.08, 1], flip: 0.5, colour: 1, grey: 0.2, blur: 0.5)
    )
    light =
      try s.section("light") { inner throws(ReproError) in try ViewPolicy(&inner, size: side, usual.light) }
      ?? ViewPolicy(size: side, usual.light)
    strong =
      try s.section("strong") { inner throws(ReproError) in try ViewPolicy(&inner, size: side, usual.strong) }
      ?? ViewPolicy(size: side, usual.strong)
  }

  /// The views of a batch, each `[B, C, S, S]`; none for a term whose weight is 0.
  struct Views {
    var lights, strong: [Tensor]
    /// Number of samples.
    var count: Int { (lights + strong)[0].shape[0] }

    func rows(_ range: Range<Int>) -> Views {
      Views(lights: lights.map { $0.slice(0, range) }, strong: strong.map { $0.slice(0, range) })
    }
  }

  func views(of images: ImageBatch, random: RandomStream) -> Views {
    Views(
      lights: weights.clip > 0 ? (0..<lights).map { light.views(of: images, random: random.child("light", $0)) } : [],
      strong: weights.ssl > 0 ? (0..<2).map { strong.views(of: images, random: random.child("strong", $0)) } : [])
  }
}
