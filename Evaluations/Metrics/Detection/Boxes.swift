import ReproTensor

/// A rectangle in pixels, edges included up to `right` and `bottom` but not beyond: its area is their product.
public struct BoundingBox: DetectedRegion, Equatable {
  public var left, top, right, bottom: Double
  public init(left: Double, top: Double, right: Double, bottom: Double) {
    (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
  }

  public var area: Double { max(0, right - left) * max(0, bottom - top) }

  /// Intersection over union, 0 to 1; 0 for two boxes without area.
  public func overlap(_ other: BoundingBox) -> Double {
    let width = min(right, other.right) - max(left, other.left)
    let height = min(bottom, other.bottom) - max(top, other.top)
    guard width > 0, height > 0 else { return 0 }
    return width * height / (area + other.area - width * height)
  }

  /// The share of a box that lies in another one; 0 for a box without area.
  public func covered(by crowd: BoundingBox) -> Double {
    let width = min(right, crowd.right) - max(left, crowd.left)
    let height = min(bottom, crowd.bottom) - max(top, crowd.top)
    return width > 0 && height > 0 && area > 0 ? width * height / area : 0
  }

  /// The smallest box around the positive pixels of a map `[rows, columns]`; nil without any.
  public init?(around map: Tensor) {
    require(map.rank == 2, "a box is drawn around a map [rows, columns], got \(map.shape)")
    let columns = map.shape[1]
    let places = map.withElements { m in m.indices.filter { m[$0] > 0 } }
    guard let first = places.first, let last = places.last else { return nil }
    let across = places.map { $0 % columns }
    self.init(
      left: Double(across.min() ?? 0), top: Double(first / columns), right: Double((across.max() ?? 0) + 1),
      bottom: Double(last / columns + 1))
  }
}

/// Correct localisation: the share of images whose box overlaps a true one by at least a half.
///
/// - Parameters: predicted: one box for each image, nil for none; truths: those of each image. Images without a true box do
///   not count.
/// - Source: Deselaers et al. 2010; the measure of LOST (Simeoni et al. 2021, arXiv 2109.14279), Section 4.1.
public func correctLocalization(_ predicted: [BoundingBox?], _ truths: [[BoundingBox]], threshold: Double = 0.5)
  -> Double
{
  require(predicted.count == truths.count, "\(predicted.count) boxes for \(truths.count) images")
  let shown = truths.indices.filter { !truths[$0].isEmpty }
  let hits = shown.count { i in
    predicted[i].map { box in truths[i].contains { $0.overlap(box) >= threshold } } ?? false
  }
  return Double(hits) / Double(max(shown.count, 1))
}
