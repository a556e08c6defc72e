// Pooling to a wanted size: bin i of m over n samples covers floor(i n / m) ..< ceil((i + 1) n / m).

/// The bins of one axis.
private func bins(_ n: Int, _ m: Int) -> [Range<Int>] { (0..<m).map { $0 * n / m..<(($0 + 1) * n + m - 1) / m } }

extension Tensor {
  /// The mean of each of `extent` bins of planes, `[..., H, W] -> [..., rows, columns]`.
  ///
  /// - Parameter extent: any size, at least 1; neighbouring bins overlap where the size does not divide the plane's.
  /// - Source: bins as in PyTorch's `adaptive_avg_pool2d`.
  public func adaptiveAveragePooled(_ extent: Extent2D) -> Tensor { meanOfBins([extent.rows, extent.columns]) }

  /// The mean of each of `count` bins of lines, `[..., L] -> [..., count]`; see `adaptiveAveragePooled`.
  public func adaptiveAveragePooled1d(_ count: Int) -> Tensor { meanOfBins([count]) }

  /// The mean of each of `extent` bins of volumes, `[..., D, H, W]`; see `adaptiveAveragePooled`.
  public func adaptiveAveragePooled3d(_ extent: Extent3D) -> Tensor {
    meanOfBins([extent.depth, extent.rows, extent.columns])
  }

  /// The largest element of each of `extent` bins of planes, `[..., H, W] -> [..., rows, columns]`; the first of equals, row
  /// by row, gets the gradient. A NaN wins.
  public func adaptiveMaxPooled(_ extent: Extent2D) -> Tensor { maxOfBins([extent.rows, extent.columns]) }

  /// The largest element of each of `count` bins of lines, `[..., L] -> [..., count]`; see `adaptiveMaxPooled`.
  public func adaptiveMaxPooled1d(_ count: Int) -> Tensor { maxOfBins([count]) }

  /// The largest element of each of `extent` bins of volumes, `[..., D, H, W]`; see `adaptiveMaxPooled`.
  public func adaptiveMaxPooled3d(_ extent: Extent3D) -> Tensor {
    maxOfBins([extent.depth, extent.rows, extent.columns])
  }

  private func checkBins(_ counts: [Int]) -> Extent3D {
    let extent = poolingExtent(counts.count)
    require(
      extent.smallest > 0 && counts.allSatisfy { $0 > 0 },
      "adaptive pooling of \(shape) to \(counts) needs positive sizes")
    return extent
  }

  private func meanOfBins(_ counts: [Int]) -> Tensor {
    _ = checkBins(counts)
    var y = self
    for (k, m) in counts.enumerated() {
      let axis = rank - counts.count + k
      let n = shape[axis]
      if m == n { continue }
      let ranges = bins(n, m)
      y = y.resampled(
        axis, AxisMap(from: n, to: m) { i in ranges[i].map { ($0, 1 / Double(ranges[i].count)) } })
    }
    return y
  }

  private func maxOfBins(_ counts: [Int]) -> Tensor {
    let input = checkBins(counts)
    requirePlaces(input)
    let padded = Array(repeating: 1, count: 3 - counts.count) + counts
    let (depths, rows, columns) = (
      bins(input.depth, padded[0]), bins(input.rows, padded[1]), bins(input.columns, padded[2])
    )
    let n = counts.reduce(1, *)
    let x = contiguous()
    let (y, places) = (Tensor(uninitialized: pooledShape(counts)), Tensor(uninitialized: pooledShape(counts)))
    let (px, py, pp) = (x.base, y.base, places.base)
    forEachPlane(counts.count, input.count) { plane in
      let source = px + plane * input.count
      var at = plane * n
      for d in depths {
        for r in rows {
          for c in columns {
            var best = (d.lowerBound * input.rows + r.lowerBound) * input.columns + c.lowerBound
            for z in d {
              for line in r {
                let start = (z * input.rows + line) * input.columns
                for column in c {
                  let place = start + column
                  if source[place] > source[best] || source[place] != source[place] { best = place }
                }
              }
            }
            (py[at], pp[at]) = (source[best], Real(best))
            at += 1
          }
        }
      }
    }
    withExtendedLifetime(x) {}
    let axes = Array(shape.array.suffix(counts.count))
    return y.recorded("adaptiveMaxPooled", self) { s in s.gradient.scatteredInPlanes(places, to: axes) }
  }
}
