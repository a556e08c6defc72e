import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// Coloured waves: a class is a direction, everything else is drawn for each sample.
struct Waves: DatasetProvider {
  static let card = DatasetCard(id: "waves", title: "Coloured waves", source: "this test", licence: "Apache-2.0")
  let side: Int
  let seed: UInt64
  let classes = ["flat", "steep", "upright"]

  init(_ options: inout Section, root: DataRoot) throws {
    side = try options.int("size", in: 8...64, default: 36)
    seed = root.seed
  }

  var spec: DataSpec {
    DataSpec(
      fields: [
        FieldSpec("image", .image(height: side, width: side, channels: 3), isLabel: false),
        FieldSpec("label", .category(classes: classes), isLabel: true),
      ], sizes: [.train: 48, .test: 24])
  }
  var fingerprint: String { "waves/1" }

  func batch(_ indices: [Int], of split: Split) throws -> Batch {
    var bytes: [UInt8] = []
    for index in indices {
      var stream = RandomStream(seed: seed).child(split.rawValue, index)
      let angle = 0.3 + 0.5 * Double(index % classes.count)
      let (phase, frequency) = (stream.uniform(0, 6), stream.uniform(0.3, 0.6))
      let colour = (0..<3).map { _ in stream.uniform(40, 110) }
      for y in 0..<side {
        for x in 0..<side {
          // A triangle wave needs no library's sine.
          let t = (angle * Double(x) + (1 - angle) * Double(y)) * frequency + phase
          let wave = 4 * abs(t - (t + 0.5).rounded(.down)) - 1
          for c in 0..<3 { bytes.append(UInt8(128 + colour[c] * wave)) }
        }
      }
    }
    return Batch(
      indices: indices,
      columns: [
        ("image", .images(ImageBatch(count: indices.count, height: side, width: side, channels: 3, bytes: bytes))),
        ("label", .integers(indices.map { $0 % classes.count })),
      ])
  }
}

func makeWaves() throws -> Waves {
  var options = try Section(mapping([:]), name: "data")
  let provider = try Waves(&options, root: DataRoot(cache: "", mirror: nil, seed: 1))
  try options.finish()
  return provider
}

/// The training split of `Waves` as a method's step sees it.
func waves(labelled: Bool = false) throws -> TrainingData {
  try TrainingData(try makeWaves(), labelled: labelled, random: RandomStream(seed: 1).child("order"))
}

/// A mapping as a recipe would write it.
func mapping(_ entries: KeyValuePairs<String, String>) -> YAMLNode {
  let mark = YAMLNode.Mark(file: "test.yaml", line: 1, column: 1)
  return YAMLNode(
    .mapping(
      entries.map {
        YAMLNode.Entry(key: $0.key, keyMark: mark, value: YAMLNode(.scalar($0.value, quoted: false), at: mark))
      }), at: mark)
}

/// A method made of options, as the registry makes it.
func make<M: MethodPlugin>(_ type: M.Type, _ entries: KeyValuePairs<String, String> = [:]) throws -> M {
  var options = try Section(mapping(entries), name: "method")
  let method = try M(&options)
  try options.finish()
  return method
}

/// A random crop of each image, `[B, C, size, size]` in [0, 1].
func randomCrops(_ images: ImageBatch, size: Int, _ random: RandomStream) -> Tensor {
  let (height, width, channels) = (images.height, images.width, images.channels)
  return Tensor([images.count, channels, size, size]) { out in
    var at = 0
    for sample in 0..<images.count {
      var stream = random.child("sample", sample)
      let top = stream.integer(below: height - size + 1)
      let left = stream.integer(below: width - size + 1)
      for c in 0..<channels {
        for y in top..<(top + size) {
          for x in left..<(left + size) {
            out[at] = Real(images.bytes[((sample * height + y) * width + x) * channels + c]) / 255
            at += 1
          }
        }
      }
    }
  }
}

/// A small convolution-free encoder: a vision transformer's class token through a linear map.   [B, 3, H, W] -> [B, D]
struct TinyViT: Layer {
  var backbone: VisionTransformer
  var head: Linear

  init(outputs: Int, random: RandomStream) {
    let c = ViTConfiguration(imageSize: 32, patch: 8, channels: 3, width: 24, depth: 2, heads: 3)
    backbone = VisionTransformer(c, random: random.child("backbone"))
    head = Linear(24, outputs, deviation: 0.2, random: random.child("head"))
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("backbone", &backbone)
    v("head", &head)
  }

  func callAsFunction(_ images: Tensor) -> Tensor { head(backbone(images).classToken) }
}

/// The bits of everything that a layer would save.
func bits(_ layer: some Layer) -> [[Real]] { layer.tensors.map(\.values) }

extension Layer {
  /// This layer with one parameter moved, by its place in `parameters`.
  func moved(_ index: Int, by offset: Tensor) -> Self {
    var copy = self
    var mover = Mover(index: index, offset: offset)
    copy.visit(&mover)
    return copy
  }
}

private struct Mover: LayerVisitor {
  let index: Int
  let offset: Tensor
  var next = 0
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    if next == index { t = t + offset }
    next += 1
  }
}
