import ReproData
import ReproTensor

/// Which patches of a batch of images are masked: blocks, as in BEiT and DINOv2.
///
/// Exactly `int(probability n)` of the n images are masked; their numbers of patches are stratified over the range of ratios
/// (one uniform draw in each of equal slices), and then shuffled among the images.
/// - Source: Bao et al. 2021 (BEiT, arXiv 2106.08254), Algorithm 1; DINOv2's collate and masking code.
public struct BlockMasks: Sendable, Equatable {
  /// For each image, whether a patch is masked, row by row.
  public let bits: [[Bool]]

  /// The given masks, one row of patches for each image.
  init(bits: [[Bool]]) { self.bits = bits }

  public init(
    images n: Int, rows: Int, columns: Int, probability: Double, ratio: ClosedRange<Double>, random: RandomStream
  ) {
    let masked = Int(Double(n) * probability)
    let slice = (ratio.upperBound - ratio.lowerBound) / Double(max(masked, 1))
    var stream = random
    var all = (0..<n).map { i -> [Bool] in
      guard i < masked else { return [Bool](repeating: false, count: rows * columns) }
      let low = ratio.lowerBound + Double(i) * slice
      let wanted = Int(Double(rows * columns) * stream.uniform(low, low + slice))
      // Rectangles of four patches at least and half of the image at most.
      return PatchMask.blocks(
        rows: rows, columns: columns, count: wanted, smallest: 4, largest: rows * columns / 2, &stream)
    }
    stream.shuffle(&all)
    bits = all
  }

  /// Every patch of n images: for matching without masking.
  public init(allPatchesOf n: Int, patches: Int) {
    bits = Array(repeating: [Bool](repeating: true, count: patches), count: n)
  }

  /// Masks of the given images, `[n, N]` of 0 and 1.
  public func tensor(_ images: [Int]) -> Tensor {
    Tensor([images.count, bits[0].count], images.flatMap { bits[$0].map { $0 ? 1 : 0 } })
  }

  /// Places of the masked patches, counted over the flattened `[n * N]` patches of the given images.
  public func places(_ images: [Int]) -> IndexTensor {
    let width = bits[0].count
    return IndexTensor(
      images.enumerated().flatMap { at, i in (0..<width).compactMap { bits[i][$0] ? at * width + $0 : nil } })
  }

  /// For each masked patch of the given images, 1 / (number of masked patches of its image), in the order of `places`.
  public func weights(_ images: [Int]) -> Tensor {
    let all = images.flatMap { i -> [Real] in
      let count = bits[i].count { $0 }
      return [Real](repeating: 1 / Real(max(count, 1)), count: count)
    }
    return Tensor([all.count], all)
  }
}
