import Glibc
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
      return BlockMasks.blocks(rows: rows, columns: columns, wanted: wanted, &stream)
    }
    stream.shuffle(&all)
    bits = all
  }

  /// Rectangles of at least four patches (less where fewer are left to mask) and at most half of the image, of aspect 0.3 to
  /// 1 / 0.3, until `wanted` patches are masked or ten tries in a row fail: then fewer are, on small grids even none.
  static func blocks(rows: Int, columns: Int, wanted: Int, _ stream: inout RandomStream) -> [Bool] {
    var mask = [Bool](repeating: false, count: rows * columns)
    var count = 0
    while count < wanted {
      let most = min(wanted - count, rows * columns / 2)
      var added = 0
      for _ in 0..<10 where added == 0 {
        let area = stream.uniform(4, Double(most))
        let aspect = exp(stream.uniform(log(0.3), log(1 / 0.3)))
        let h = Int((area * aspect).squareRoot().rounded(.toNearestOrEven))
        let w = Int((area / aspect).squareRoot().rounded(.toNearestOrEven))
        guard h < rows, w < columns, h > 0, w > 0 else { continue }
        let (top, left) = (stream.integer(below: rows - h + 1), stream.integer(below: columns - w + 1))
        let places = (top..<(top + h)).flatMap { y in (left..<(left + w)).map { y * columns + $0 } }
        let fresh = places.filter { !mask[$0] }
        guard !fresh.isEmpty, fresh.count <= most else { continue }
        for place in fresh { mask[place] = true }
        added = fresh.count
      }
      if added == 0 { break }
      count += added
    }
    return mask
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
