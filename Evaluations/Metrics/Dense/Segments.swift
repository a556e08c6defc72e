import ReproTensor

/// Panoptic quality: how well segments of things and stuff are found and drawn.
///
///     PQ = sum of IoU over matches / (TP + FP/2 + FN/2) = SQ RQ,   a match is a pair of one class with IoU > 1/2
///
/// - Source: Kirillov et al. 2019 (arXiv 1801.00868), Eq. 1 and 2; means over classes that are shown or predicted.
public struct PanopticQuality: Sendable {
  /// One class's sums over images.
  private struct Sums {
    var overlap = 0.0
    var matched = 0
    var predicted = 0
    var shown = 0
  }
  private var classes: [Sums]

  public init(classes: Int) { self.classes = [Sums](repeating: Sums(), count: classes) }

  /// Adds an image.
  ///
  /// - Parameters:
  ///   - predicted, truth: the segment of each pixel, 0, 1, ...; -1 for none. Pixels whose truth is -1 are void: they count for
  ///     nothing, and a predicted segment that is mostly void is left out.
  ///   - predictedClasses, trueClasses: the class of each segment.
  public mutating func add(predicted: [Int], predictedClasses: [Int], truth: [Int], trueClasses: [Int]) {
    require(predicted.count == truth.count, "\(predicted.count) pixels for \(truth.count)")
    var (sizes, trueSizes) = (
      [Int](repeating: 0, count: predictedClasses.count), [Int](repeating: 0, count: trueClasses.count)
    )
    var (void, both) = ([Int](repeating: 0, count: predictedClasses.count), [Int: Int]())
    for (p, t) in zip(predicted, truth) {
      if p >= 0 { if t >= 0 { sizes[p] += 1 } else { void[p] += 1 } }
      if t >= 0 { trueSizes[t] += 1 }
      if p >= 0 && t >= 0 { both[p * trueClasses.count + t, default: 0] += 1 }
    }
    var isMatched = [Bool](repeating: false, count: predictedClasses.count)
    for (key, count) in both.sorted(by: { $0.key < $1.key }) {
      let (p, t) = key.quotientAndRemainder(dividingBy: trueClasses.count)
      guard predictedClasses[p] == trueClasses[t] else { continue }
      let overlap = Double(count) / Double(sizes[p] + trueSizes[t] - count)
      if overlap > 0.5 {
        classes[trueClasses[t]].overlap += overlap
        classes[trueClasses[t]].matched += 1
        isMatched[p] = true
      }
    }
    for t in trueClasses.indices where trueSizes[t] > 0 { classes[trueClasses[t]].shown += 1 }
    for p in predictedClasses.indices where sizes[p] + void[p] > 0 {
      if isMatched[p] || 2 * void[p] <= sizes[p] + void[p] { classes[predictedClasses[p]].predicted += 1 }
    }
  }

  /// Of one class; nil if it is neither shown nor predicted.
  public func quality(_ c: Int) -> (pq: Double, segmentation: Double, recognition: Double)? {
    let s = classes[c]
    guard s.shown + s.predicted > 0 else { return nil }
    // TP + FP/2 + FN/2 = (shown + predicted) / 2
    let recognition = 2 * Double(s.matched) / Double(s.shown + s.predicted)
    let segmentation = s.matched > 0 ? s.overlap / Double(s.matched) : 0
    return (segmentation * recognition, segmentation, recognition)
  }

  /// The mean over those of the given classes (all without) that have a value; 0 to 1.
  public func mean(of chosen: [Int]? = nil) -> (pq: Double, segmentation: Double, recognition: Double) {
    let found = (chosen ?? Array(classes.indices)).compactMap(quality)
    let n = Double(max(found.count, 1))
    return (
      found.reduce(0) { $0 + $1.pq } / n, found.reduce(0) { $0 + $1.segmentation } / n,
      found.reduce(0) { $0 + $1.recognition } / n
    )
  }
}

/// The best one-to-one match of objects' masks, unsupervised object discovery: mean IoU of true objects under it.
///
/// - Parameters: predicted, truth: the segment of each pixel, 0, 1, ...; -1 for none (void in the truth).
/// - Returns: the mean over true segments of the IoU of their partner, 0 for those without one; nil without true segments.
public func matchedObjectIoU(predicted: [Int], truth: [Int]) -> Double? {
  require(predicted.count == truth.count, "\(predicted.count) pixels for \(truth.count)")
  let (rows, columns) = ((truth.max() ?? -1) + 1, (predicted.max() ?? -1) + 1)
  let shown = Set(truth.filter { $0 >= 0 })
  guard !shown.isEmpty else { return nil }
  guard columns > 0 else { return 0 }
  var both = [Int](repeating: 0, count: rows * columns)
  var (a, b) = ([Int](repeating: 0, count: rows), [Int](repeating: 0, count: columns))
  for (p, t) in zip(predicted, truth) where t >= 0 {
    a[t] += 1
    if p >= 0 {
      b[p] += 1
      both[t * columns + p] += 1
    }
  }
  let overlaps = (0..<(rows * columns)).map { i -> Real in
    let union = a[i / columns] + b[i % columns] - both[i]
    return union > 0 ? Real(both[i]) / Real(union) : 0
  }
  return linearAssignment(Tensor([rows, columns], overlaps), maximizes: true).cost / Double(shown.count)
}

/// The adjusted Rand index of foreground pixels, how object-centric models are compared; see `ClusterAgreement`.
///
/// - Parameters: predicted: segments from 0; truth: objects from 1, 0 for the background, which is left out.
/// - Returns: nil without foreground.
/// - Source: Greff et al. 2019 (arXiv 1903.00450), Section 4.1 (ARI over foreground).
public func foregroundRandIndex(predicted: [Int], truth: [Int]) -> Double? {
  let kept = truth.indices.filter { truth[$0] > 0 }
  guard !kept.isEmpty else { return nil }
  return ClusterAgreement(truth: kept.map { truth[$0] }, clusters: kept.map { predicted[$0] }).adjustedRandIndex
}

/// Region similarity and contour accuracy of a mask against the truth.
public struct MaskQuality: Sendable, Equatable {
  /// J, the IoU of the masks, and F, the F-measure of their contours; 0 to 1.
  public var region, contour: Double
  public var mean: Double { (region + contour) / 2 }

  /// - Parameters:
  ///   - predicted, truth: whether each pixel belongs to the object, row by row.
  ///   - columns: of the picture.
  ///   - tolerance: how far contours may lie apart, as a share of the picture's diagonal; rounded up to pixels.
  /// - Source: Perazzi et al. 2016 (DAVIS), Section 5: J is the Jaccard index, F = 2 P R / (P + R) of contour pixels that lie
  ///   within a disk of radius 0.8 % of the diagonal of the other contour. Two empty masks agree.
  public init(predicted: [Bool], truth: [Bool], columns: Int, tolerance: Double = 0.008) {
    require(
      predicted.count == truth.count && columns > 0 && truth.count % columns == 0,
      "mask quality needs two pictures of \(columns) columns, got \(predicted.count) and \(truth.count) pixels")
    let both = zip(predicted, truth).count { $0 && $1 }
    let either = zip(predicted, truth).count { $0 || $1 }
    region = either > 0 ? Double(both) / Double(either) : 1
    let rows = truth.count / columns
    let diagonal = Double(rows * rows + columns * columns).squareRoot()
    let radius = Int((tolerance * diagonal).rounded(.up))
    let (a, b) = (contourOf(predicted, rows, columns), contourOf(truth, rows, columns))
    let (wideA, wideB) = (dilated(a, rows, columns, radius), dilated(b, rows, columns, radius))
    let (countA, countB) = (a.count { $0 }, b.count { $0 })
    let precision = countA > 0 ? Double(zip(a, wideB).count { $0 && $1 }) / Double(countA) : countB > 0 ? 0 : 1
    let recall = countB > 0 ? Double(zip(b, wideA).count { $0 && $1 }) / Double(countB) : countA > 0 ? 0 : 1
    contour = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
  }
}

/// Pixels whose right, lower or lower right neighbour is different: one pixel wide.
private func contourOf(_ mask: [Bool], _ rows: Int, _ columns: Int) -> [Bool] {
  mask.indices.map { i in
    let (r, c) = (i / columns, i % columns)
    let (down, right) = (min(r + 1, rows - 1), min(c + 1, columns - 1))
    let own = mask[i]
    return own != mask[r * columns + right] || own != mask[down * columns + c] || own != mask[down * columns + right]
  }
}

/// Pixels within a disk of marked ones.
private func dilated(_ marked: [Bool], _ rows: Int, _ columns: Int, _ radius: Int) -> [Bool] {
  var result = [Bool](repeating: false, count: marked.count)
  let disk = (-radius...radius).flatMap { y in
    (-radius...radius).filter { y * y + $0 * $0 <= radius * radius }.map { (y, $0) }
  }
  for i in marked.indices where marked[i] {
    for (y, x) in disk {
      let (r, c) = (i / columns + y, i % columns + x)
      if r >= 0, r < rows, c >= 0, c < columns { result[r * columns + c] = true }
    }
  }
  return result
}
