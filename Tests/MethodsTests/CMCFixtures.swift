import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

@testable import Contrastive

/// A CMC that trains in milliseconds; `more` is added.
func smallCMC(_ views: String = "[l, ab]", _ more: String = "", crops: String = "{size: 8, scale: [0.4, 1]}") throws
  -> CMC
{
  try make(
    CMC.self,
    """
    {views: \(views), crops: \(crops), encoder: {widths: [6, 8], strides: [2, 1], outputs: 5}, k: 7,
     temperature: 0.2\(more.isEmpty ? "" : ", " + more)}
    """)
}

/// Scenes of which colour, depth and normals say the same: planes in random colours.
struct FlatScenes: DatasetProvider {
  static let card = DatasetCard(id: "flat-scenes", title: "Flat scenes", source: "this test", licence: "Apache-2.0")
  static let (side, count) = (12, 40)

  init() {}
  init(_ options: inout Section, root: DataRoot) throws {}

  var spec: DataSpec {
    let s = Self.side
    return DataSpec(
      fields: [
        FieldSpec("image", .image(height: s, width: s, channels: 3), isLabel: false),
        FieldSpec("depth", .real(shape: [s, s], unit: "m"), isLabel: false),
        FieldSpec("normals", .real(shape: [s, s, 3], unit: "1"), isLabel: false),
        FieldSpec("label", .category(classes: ["dark", "light"]), isLabel: true),
        FieldSpec("mask", .labelMap(height: s, width: s, classes: ["dark", "light"]), isLabel: true),
      ], sizes: [.train: Self.count, .test: 16])
  }
  var fingerprint: String { "flat-scenes/1" }

  func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let s = Self.side
    var (bytes, depth, normals, labels, mask): ([UInt8], [Real], [Real], [Int], [UInt8]) = ([], [], [], [], [])
    for index in indices {
      var stream = RandomStream(seed: 11).child(split.rawValue, index)
      let grey = stream.integer(below: 256)
      labels.append(grey < 128 ? 0 : 1)
      for p in 0..<(s * s) {
        // A grey picture that is lighter to the right; normals and nearness carry the same numbers.
        let value = (grey + p % s * 5) % 256
        bytes += [UInt8(value), UInt8(value), UInt8(value)]
        depth.append(1 / (0.05 + Real(value) / 2550))
        normals += [Real(value) / 255, Real(value) / 255, 0]
        mask.append(UInt8(labels.last ?? 0))
      }
    }
    let n = indices.count
    return Batch(
      indices: indices,
      columns: [
        ("image", .images(ImageBatch(count: n, height: s, width: s, channels: 3, bytes: bytes))),
        ("depth", .reals(Tensor([n, s, s], depth))), ("normals", .reals(Tensor([n, s, s, 3], normals))),
        ("label", .integers(labels)),
        ("mask", .images(ImageBatch(count: n, height: s, width: s, channels: 1, bytes: mask))),
      ])
  }
}

/// A context over `FlatScenes`.
func flatContext(
  _ step: Int = 0, batch: Int = 8, rate: Double = 3e-3, labelled: Bool = false
) throws -> StepContext {
  StepContext(
    step: step, steps: 100, random: RandomStream(seed: 9).child("step", step),
    data: try TrainingData(FlatScenes(), labelled: labelled, random: RandomStream(seed: 1)), batchSize: batch,
    plan: .constant(rate: rate))
}

/// Unit rows.
func unitRows(_ n: Int, _ d: Int, _ stream: inout RandomStream) -> Tensor { stream.normal([n, d]).l2Normalized() }
