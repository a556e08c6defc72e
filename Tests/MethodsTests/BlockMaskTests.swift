import ReproData
import ReproTensor
import Testing

@testable import Distillation

@Suite struct BlockMaskTests {
  private func masks(_ n: Int, side: Int = 14, probability: Double = 0.5, seed: UInt64 = 1) -> BlockMasks {
    BlockMasks(
      images: n, rows: side, columns: side, probability: probability, ratio: 0.1...0.5, random: RandomStream(seed: seed)
    )
  }

  @Test(arguments: [(64, 0.5), (7, 0.5), (10, 0.33), (5, 0), (6, 1)])
  func exactlyThePromisedNumberOfImagesIsMasked(_ n: Int, _ probability: Double) {
    let counts = masks(n, probability: probability).bits.map { $0.count { $0 } }
    #expect(counts.count { $0 > 0 } == Int(Double(n) * probability))
  }

  @Test func ratiosAreStratifiedAndShuffled() {
    let n = 128
    let counts = masks(n).bits.map { $0.count { $0 } }
    let sorted = counts.filter { $0 > 0 }.sorted()
    #expect(sorted.count == 64)
    for (i, count) in sorted.enumerated() {
      let (low, high) = (0.1 + 0.4 * Double(i) / 64, 0.1 + 0.4 * Double(i + 1) / 64)
      // Blocks stop short of the wanted number where ten tries in a row do not fit, which is rare and leaves little over.
      #expect(count <= Int(196 * high) && count >= Int(196 * low) - 12, "\(i): \(count)")
    }
    let least = (0..<64).reduce(0) { $0 + Int(196 * (0.1 + 0.4 * Double($1) / 64)) }
    #expect(sorted.reduce(0, +) > least - 64)
    // Ascending as they are drawn, the ratios must not stay so; nor are the masked images the first ones.
    #expect(counts.prefix(64).contains(0) && counts.filter { $0 > 0 } != sorted)
  }

  @Test func noMaskIsLargerThanWanted() {
    for seed in 0..<200 {
      var stream = RandomStream(seed: UInt64(seed))
      let wanted = stream.integer(below: 90)
      let mask = PatchMask.blocks(rows: 12, columns: 12, count: wanted, smallest: 4, largest: 72, &stream)
      #expect(mask.count { $0 } <= wanted)
    }
  }

  @Test func aFirstBlockIsARectangleOfAllowedAreaAndAspect() {
    // With at most eight patches wanted the first block often is the only one; others are recognised by their outline.
    var rectangles = 0
    for seed in 0..<500 {
      var stream = RandomStream(seed: UInt64(seed))
      let mask = PatchMask.blocks(rows: 16, columns: 16, count: 8, smallest: 4, largest: 128, &stream)
      let places = mask.indices.filter { mask[$0] }
      guard let top = places.map({ $0 / 16 }).min(), let bottom = places.map({ $0 / 16 }).max(),
        let left = places.map({ $0 % 16 }).min(), let right = places.map({ $0 % 16 }).max()
      else { continue }
      let (h, w) = (bottom - top + 1, right - left + 1)
      guard h * w == places.count else { continue }
      rectangles += 1
      // Sides are rounded to whole patches: areas of 4 to 8 give sides of sqrt(4 * 0.3) = 1.1 to sqrt(8 / 0.3) = 5.2.
      #expect(h <= 6 && w <= 6)
    }
    #expect(rectangles > 50)
  }

  @Test func theSameStreamGivesTheSameMasksAndAnotherStreamOthers() {
    #expect(masks(16) == masks(16))
    #expect(masks(16) != masks(16, seed: 2))
  }

  @Test func placesAndWeightsFollowTheBits() {
    let m = BlockMasks(bits: [[true, false, true], [false, false, false], [false, true, false]])
    #expect(m.tensor([2, 0]).values == [0, 1, 0, 1, 0, 1])
    #expect(m.places([2, 0]).values == [1, 3, 5])
    #expect(m.weights([2, 0]).values == [1, 0.5, 0.5])
    #expect(m.places([1]).values.isEmpty && m.weights([1]).values.isEmpty)
    #expect(BlockMasks(allPatchesOf: 2, patches: 3).weights([0, 1]).values == Array(repeating: Real(1) / 3, count: 6))
  }
}
