import ReproTensor

/// What a detection marks in a picture: a box, a mask.
public protocol DetectedRegion: Sendable {
  /// Intersection over union, 0 to 1; 0 for two regions without area.
  func overlap(_ other: Self) -> Double
  /// The share of this region that lies in another one, 0 to 1: what counts on crowds.
  func covered(by crowd: Self) -> Double
}

/// Some pixels of a picture, as a region.
public struct PixelMask: DetectedRegion, Equatable {
  /// 64 pixels a word, row by row.
  private let words: [UInt64]
  /// Pixels of the picture, and those that are marked.
  public let pixels, area: Int

  /// - Parameter isInside: whether each pixel is marked.
  public init(_ isInside: some Collection<Bool>) {
    var words = [UInt64](repeating: 0, count: (isInside.count + 63) / 64)
    for (i, inside) in isInside.enumerated() where inside { words[i >> 6] |= 1 << UInt64(i & 63) }
    self.words = words
    pixels = isInside.count
    area = words.reduce(0) { $0 + $1.nonzeroBitCount }
  }

  private func common(_ other: PixelMask) -> Int {
    require(pixels == other.pixels, "masks of \(pixels) and \(other.pixels) pixels do not belong to one picture")
    var count = 0
    for i in words.indices { count += (words[i] & other.words[i]).nonzeroBitCount }
    return count
  }

  public func overlap(_ other: PixelMask) -> Double {
    let both = common(other)
    return both > 0 ? Double(both) / Double(area + other.area - both) : 0
  }

  public func covered(by crowd: PixelMask) -> Double { area > 0 ? Double(common(crowd)) / Double(area) : 0 }
}

/// Average precision of boxes.
public typealias DetectionEvaluation = RegionEvaluation<BoundingBox>
/// Average precision of masks, COCO's of instance segmentation.
public typealias MaskEvaluation = RegionEvaluation<PixelMask>

extension RegionEvaluation.Truth where Region == BoundingBox {
  public init(image: Int, label: Int, box: BoundingBox, isCrowd: Bool = false) {
    self.init(image: image, label: label, region: box, isCrowd: isCrowd)
  }
}

extension RegionEvaluation.Detection where Region == BoundingBox {
  public init(image: Int, label: Int, box: BoundingBox, score: Double) {
    self.init(image: image, label: label, region: box, score: score)
  }
}

/// Average precision of detections as COCO defines it.
///
/// Detections of a class take, by descending score (of equal scores the earlier), the free true region of their image with the
/// largest overlap that reaches the threshold; crowds may take several and count for nothing. Precision is made
/// monotone and read at 101 recalls 0, 0.01, ..., 1.
/// - Source: Lin et al. 2014 (arXiv 1405.0312) and the authors' cocoeval; areas are not told apart.
public struct RegionEvaluation<Region: DetectedRegion>: Sendable {
  public struct Truth: Sendable {
    public var image, label: Int
    public var region: Region
    public var isCrowd: Bool
    public init(image: Int, label: Int, region: Region, isCrowd: Bool = false) {
      (self.image, self.label, self.region, self.isCrowd) = (image, label, region, isCrowd)
    }
  }

  public struct Detection: Sendable {
    public var image, label: Int
    public var region: Region
    public var score: Double
    public init(image: Int, label: Int, region: Region, score: Double) {
      (self.image, self.label, self.region, self.score) = (image, label, region, score)
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
  public static var thresholds: [Double] { (0..<10).map { 0.5 + 0.05 * Double($0) } }

  /// The mean over thresholds and over classes with a true region; 0 to 1, nil without true regions.
  public func averagePrecision(thresholds: [Double] = thresholds) -> Double? {
    let classes = Set(truths.filter { !$0.isCrowd }.map(\.label)).sorted()
    guard !classes.isEmpty, !thresholds.isEmpty else { return nil }
    let sum = classes.reduce(0.0) { $0 + thresholds.reduce(0.0) { [c = $1] in $0 + averagePrecision(of: c, $1) } }
    return sum / Double(classes.count * thresholds.count)
  }

  /// The largest share of true regions that is found, averaged like the precision (COCO's AR).
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

  /// Of one class at one threshold; 0 without true regions.
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

  /// Whether each detection of a class is right, by descending score (those on crowds left out), and the number of true regions.
  private func outcomes(of label: Int, _ threshold: Double) -> (isHit: [Bool], truths: Int) {
    // Plain regions before crowds, as a detection prefers them.
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
        // A match with a plain region is not given up for a crowd.
        if truths[t].isCrowd, best >= 0, !truths[best].isCrowd { break }
        let value = truths[t].isCrowd ? own.region.covered(by: truths[t].region) : own.region.overlap(truths[t].region)
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
}
