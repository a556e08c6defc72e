import ReproConfig
import ReproData
import ReproTensor
import TestSupport
import Testing

@testable import Distillation

/// Where crops lie, read off pictures whose colours say it.
@Suite struct MultiCropTests {
  private func multiCrop(_ yaml: String) throws -> MultiCrop {
    let still = "colour: 0, grey: 0, blur: 0, solarize: 0"
    var section = try Section(YAMLNode(parsing: "{\(still), \(yaml)}", file: "test.yaml"), name: "crops")
    let crops = try MultiCrop(&section)
    try section.finish()
    return crops
  }

  /// Red grows to the right and green downwards, 8 for each of 32 pixels.
  private func ramps(_ count: Int) -> ImageBatch {
    var bytes: [UInt8] = []
    for _ in 0..<count { for i in 0..<1024 { bytes += [UInt8(i % 32 * 8), UInt8(i / 32 * 8), 0] } }
    return ImageBatch(count: count, height: 32, width: 32, channels: 3, bytes: bytes)
  }

  /// The share of the picture that each crop shows.
  private func areas(_ crops: Tensor) -> [Double] {
    let views = ImageBatch(views: crops)
    let (side, size) = (views.height, views.sampleSize)
    return (0..<views.count).map { i in
      func extent(_ channel: Int) -> Double {
        let values = stride(from: i * size + channel, to: (i + 1) * size, by: 3).map { Int(views.bytes[$0]) }
        // Between the centres of the first and the last pixel.
        let between = Double((values.max() ?? 0) - (values.min() ?? 0)) / 256
        return between * Double(side) / Double(side - 1)
      }
      return extent(0) * extent(1)
    }
  }

  @Test func largeCropsShowMostOfThePictureAndSmallOnesAPartUnlessTheRecipeSaysOtherwise() throws {
    let usual = try multiCrop("global: {size: 16}, local: {size: 16, count: 2}")
      .crops(of: ramps(64), random: RandomStream(seed: 3))
    let (large, small) = (usual.globals.flatMap(areas), usual.locals.flatMap(areas))
    #expect((large.min() ?? 0) > 0.25 && (large.max() ?? 0) > 0.8, "0.32 to 1")
    #expect((small.min() ?? 1) < 0.12 && (small.max() ?? 1) < 0.4, "0.05 to 0.32")
    let chosen = try multiCrop("global: {size: 16, scale: [0.9, 1]}, local: {size: 16, count: 1, scale: [0.5, 0.6]}")
      .crops(of: ramps(32), random: RandomStream(seed: 3))
    #expect((chosen.globals.flatMap(areas).min() ?? 0) > 0.75)
    #expect(chosen.locals.flatMap(areas).allSatisfy { $0 > 0.4 && $0 < 0.7 })
  }

  @Test func everyCropOfAPictureIsDrawnByItself() throws {
    let crops = try multiCrop("global: {size: 16, flip: 0}, local: {size: 16, count: 2, flip: 0, scale: [0.32, 1]}")
      .crops(of: ramps(16), random: RandomStream(seed: 5))
    let views = crops.globals + crops.locals
    for i in 0..<16 {
      for (a, first) in views.enumerated() {
        for second in views[(a + 1)...] { #expect(!sameBits(first.select(0, i), second.select(0, i))) }
        #expect(i == 0 || !sameBits(first.select(0, i), first.select(0, i - 1)), "samples, too")
      }
    }
  }
}
