import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

@testable import Multimodal

/// Clips of noise: pictures of 16 x 16 and waveforms of 256 samples; `marked` is `sound` with a constant added.
struct NoisyClips: DatasetProvider {
  static let card = DatasetCard(id: "noisy-clips", title: "Noise", source: "this test", licence: "Apache-2.0")
  var frames = 1
  var count = 24
  init(frames: Int = 1) { self.frames = frames }
  init(_ options: inout Section, root: DataRoot) throws {}
  var fingerprint: String { "noisy-clips/1" }
  var spec: DataSpec {
    DataSpec(
      fields: [
        FieldSpec("video", .frames(count: frames, height: 16, width: 16, channels: 3), isLabel: false),
        FieldSpec("sound", .real(shape: [256], unit: "1"), isLabel: false),
        FieldSpec("marked", .real(shape: [256], unit: "1"), isLabel: false),
        FieldSpec("kind", .category(classes: ["a", "b", "c"]), isLabel: true),
      ], sizes: [.train: count, .test: count])
  }

  func batch(_ indices: [Int], of split: Split) throws -> Batch {
    var (bytes, waves): ([UInt8], [Real]) = ([], [])
    for index in indices {
      var stream = RandomStream(seed: 5).child(split.rawValue, index)
      bytes += (0..<frames * 16 * 16 * 3).map { _ in UInt8(stream.integer(below: 256)) }
      waves += stream.normal([256], deviation: 0.2).values
    }
    let sound = Tensor([indices.count, 256], waves)
    return Batch(
      indices: indices,
      columns: [
        (
          "video",
          .images(ImageBatch(count: indices.count, frames: frames, height: 16, width: 16, channels: 3, bytes: bytes))
        ),
        ("sound", .reals(sound)), ("marked", .reals(sound + 0.3)), ("kind", .integers(indices.map { $0 % 3 })),
      ])
  }
}

/// A small network of one of the three kinds; `more` is added to the options.
func hearing(_ network: String, _ more: String = "") throws -> ObjectsThatSound {
  try make(
    ObjectsThatSound.self,
    """
    {network: \(network), widths: [4, 6], convolutions: 1, strides: [1, 1], hidden: 7, embedding: 5, cca: {dimensions: 3},
     spectrogram: {window: 32, hop: 16, mels: 8}, augment: {scale: [1, 1], flip: 0, brightness: 0, saturation: 0}\(
       more.isEmpty ? "" : ", " + more)}
    """)
}

/// A step's context over `NoisyClips`.
func clips(stage: String = "pretrain", step: Int = 0, shards: Int = 1) throws -> StepContext {
  StepContext(
    stage: stage, step: step, steps: 10, random: RandomStream(seed: 9).child("step", step),
    data: try TrainingData(NoisyClips(), labelled: false, random: RandomStream(seed: 1)), batchSize: 8, shards: shards,
    plan: .constant(rate: 1e-3))
}
