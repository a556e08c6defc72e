import ReproTensor

/// A rectangle in pixels, edges included up to `right` and `bottom` but not beyond: its area is their product.
public struct BoundingBox: Sendable, Equatable {
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

/// Average precision of detections as COCO defines it.
///
/// Detections of a class take, by descending score (of equal scores the earlier), the free true box of their image with the
/// largest overlap that reaches the threshold; crowd boxes may take several and count for nothing. Precision is made
/// monotone and read at 101 recalls 0, 0.01, ..., 1.
/// - Source: Lin et al. 2014 (arXiv 1405.0312) and the authors' cocoeval; areas are not told apart.
public struct DetectionEvaluation: Sendable {
  public struct Truth: Sendable {
    public var image, label: Int
    public var box: BoundingBox
    public var isCrowd: Bool
    public init(image: Int, label: Int, box: BoundingBox, isCrowd: Bool = false) {
      (self.image, self.label, self.box, self.isCrowd) = (image, label, box, isCrowd)
    }
  }

  public struct Detection: Sendable {
    public var image, label: Int
    public var box: BoundingBox
    public var score: Double
    public init(image: Int, label: Int, box: BoundingBox, score: Double) {
      (self.image, self.label, self.box, self.score) = (image, label, box, score)
    }
  }

  private let truths: [Truth]
  private let detections: [Detection]
  private let perImage: Int

  /// - Parameter perImage: how many detections of a class count in an image, the best ones; 100 in COCO.
  public init(truths: [Truth], detections: [Detection], perImage: Int = 100) {
    (self.truths, self.detections, self.perImage) = (truths, detections, perImage)
  }

  /// COCO's thresholds 0.5, 0.55, ..., 0.95.
  public static let thresholds = (0..<10).map { 0.5 + 0.05 * Double($0) }

  /// The mean over thresholds and over classes with a true box; 0 to 1, nil without true boxes.
  public func averagePrecision(thresholds: [Double] = thresholds) -> Double? {
    let classes = Set(truths.filter { !$0.isCrowd }.map(\.label)).sorted()
    guard !classes.isEmpty, !thresholds.isEmpty else { return nil }
    let sum = classes.reduce(0.0) { $0 + thresholds.reduce(0.0) { [c = $1] in $0 + averagePrecision(of: c, $1) } }
    return sum / Double(classes.count * thresholds.count)
  }

  /// The largest share of true boxes that is found, averaged like the precision (COCO's AR).
  public func averageRecall(thresholds: [Double] = thresholds) -> Double? {
    let classes = Set(truths.filter { !$0.isCrowd }.map(\.label)).sorted()
    guard !classes.isEmpty, !thresholds.isEmpty else { return nil }
    var sum = 0.0
    for c in classes {
      for t in thresholds {
        let (outcomes, count) = outcomes(of: c, t)
        sum += Double(outcomes.count { $0 }) / Double(count)
      }
    }
    return sum / Double(classes.count * thresholds.count)
  }

  /// Of one class at one threshold; 0 without true boxes.
  public func averagePrecision(of label: Int, _ threshold: Double) -> Double {
    let (outcomes, count) = outcomes(of: label, threshold)
    guard count > 0 else { return 0 }
    var (recalls, precisions): ([Double], [Double]) = ([], [])
    var hits = 0
    for (i, isHit) in outcomes.enumerated() {
      if isHit { hits += 1 }
      recalls.append(Double(hits) / Double(count))
      precisions.append(Double(hits) / Double(i + 1))
    }
    for i in precisions.indices.dropLast().reversed() { precisions[i] = max(precisions[i], precisions[i + 1]) }
    var (sum, place) = (0.0, 0)
    for step in 0...100 {
      let wanted = step == 100 ? 1 : Double(step) * 0.01
      while place < recalls.count, recalls[place] < wanted { place += 1 }
      if place < recalls.count { sum += precisions[place] }
    }
    return sum / 101
  }

  /// Whether each detection of a class is right, by descending score (those on crowds left out), and the number of true boxes.
  private func outcomes(of label: Int, _ threshold: Double) -> (isHit: [Bool], truths: Int) {
    // Plain boxes before crowds, as a detection prefers them.
    let plain = truths.indices.filter { truths[$0].label == label && !truths[$0].isCrowd }
    let crowds = truths.indices.filter { truths[$0].label == label && truths[$0].isCrowd }
    let byImage = Dictionary(grouping: plain + crowds) { truths[$0].image }
    let order = detections.indices.filter { detections[$0].label == label }.sorted {
      detections[$0].score > detections[$1].score || (detections[$0].score == detections[$1].score && $0 < $1)
    }
    var taken = Set<Int>()
    var seen: [Int: Int] = [:]
    var result: [Bool] = []
    for d in order {
      let own = detections[d]
      seen[own.image, default: 0] += 1
      if (seen[own.image] ?? 0) > perImage { continue }
      var (best, overlap) = (-1, min(threshold, 1 - 1e-10))
      for t in byImage[own.image] ?? [] where truths[t].isCrowd || !taken.contains(t) {
        // A match with a plain box is not given up for a crowd.
        if truths[t].isCrowd, best >= 0, !truths[best].isCrowd { break }
        let value = truths[t].isCrowd ? covered(own.box, by: truths[t].box) : own.box.overlap(truths[t].box)
        if value >= overlap { (best, overlap) = (t, value) }
      }
      if best < 0 {
        result.append(false)
      } else if !truths[best].isCrowd {
        taken.insert(best)
        result.append(true)
      }
    }
    return (result, plain.count)
  }

  /// The share of a box that lies in a crowd.
  private func covered(_ box: BoundingBox, by crowd: BoundingBox) -> Double {
    let width = min(box.right, crowd.right) - max(box.left, crowd.left)
    let height = min(box.bottom, crowd.bottom) - max(box.top, crowd.top)
    return width > 0 && height > 0 && box.area > 0 ? width * height / box.area : 0
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
