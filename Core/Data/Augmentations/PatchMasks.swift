import Glibc
import ReproTensor

/// Which patches of an image a masked method hides: one Bool a patch, row by row.
public enum PatchMask {
  /// `Int(ratio * patches)` patches drawn evenly without replacement.
  ///
  /// - Source: He et al. 2021 (MAE, arXiv 2111.06377), Section 3.
  public static func even(patches: Int, ratio: Double, _ stream: inout RandomStream) -> [Bool] {
    require(patches > 0 && (0...1).contains(ratio), "a mask hides 0 to 1 of its patches, got \(ratio) of \(patches)")
    var mask = [Bool](repeating: false, count: patches)
    for place in stream.permutation(patches).prefix(Int(ratio * Double(patches))) { mask[place] = true }
    return mask
  }

  /// Rectangles until `count` patches are hidden, or ten tries in a row add none: then fewer are, on small grids even none.
  ///
  /// - Parameters:
  ///   - smallest: patches of a rectangle at least, unless fewer are left to hide.
  ///   - largest: patches of a rectangle at most; nil for as many as are left.
  ///   - aspect: height over width, log-uniform.
  /// - Source: Bao et al. 2021 (BEiT, arXiv 2106.08254), Algorithm 1, and the authors' code: 75 of 14 x 14 patches,
  ///   rectangles of 16 at least, aspects 0.3 to 1 / 0.3.
  public static func blocks(
    rows: Int, columns: Int, count: Int, smallest: Int = 16, largest: Int? = nil,
    aspect: ClosedRange<Double> = 0.3...(1 / 0.3), _ stream: inout RandomStream
  ) -> [Bool] {
    require(
      rows > 0 && columns > 0 && count >= 0 && count <= rows * columns && smallest > 0 && aspect.lowerBound > 0,
      "blocks hide 0 to \(rows * columns) patches of \(rows) x \(columns), got \(count)")
    var mask = [Bool](repeating: false, count: rows * columns)
    var hidden = 0
    while hidden < count {
      let most = min(count - hidden, largest ?? count)
      var added = 0
      for _ in 0..<10 where added == 0 {
        let area = stream.uniform(Double(smallest), Double(most))
        let ratio = exp(stream.uniform(log(aspect.lowerBound), log(aspect.upperBound)))
        let h = Int((area * ratio).squareRoot().rounded(.toNearestOrEven))
        let w = Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
        guard h > 0, w > 0, h < rows, w < columns else { continue }
        let (top, left) = (stream.integer(below: rows - h + 1), stream.integer(below: columns - w + 1))
        let places = (top..<(top + h)).flatMap { y in (left..<(left + w)).map { y * columns + $0 } }
        let fresh = places.filter { !mask[$0] }
        guard !fresh.isEmpty, fresh.count <= most else { continue }
        for place in fresh { mask[place] = true }
        added = fresh.count
      }
      if added == 0 { break }
      hidden += added
    }
    return mask
  }
}
