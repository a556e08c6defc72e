import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `panoptic-segmentation/v1`: one segment for each pixel from the method's own queries, things apart and stuff together.
///
///     PQ = sum of IoU over matches / (TP + FP/2 + FN/2) = SQ RQ
///
/// A query has its best class, if that one's score s reaches `confidence`; a pixel goes to the query with the largest s times
/// mask, unless that mask is below 1/2 there; a query that keeps less than `overlap` of the pixels of its mask is left out.
/// Segments of one class of `stuff` are one. True things are objects, of the class of most of their pixels; pixels of a
/// class of stuff belong to it whatever their object; pixels of neither are void.
///
/// Options: `masks` and `scores` as in `instance-segmentation/v1`, both in 0...1; `confidence` (0.8); `overlap` (0.8);
/// `instances` (instances); `column` (mask); `stuff`, names of classes (background, if there is one).
public struct PanopticSegmentation: Evaluation {
  public static let card = EvaluationCard(
    id: "panoptic-segmentation/v1", title: "Panoptic quality of the method's own segments",
    source:
      "Kirillov et al. 2019 (arXiv 1801.00868), Eq. 1 and 2; segments from queries as Cheng et al. 2021 (MaskFormer, "
      + "arXiv 2107.06278), Section 3.4 and the authors' code of Mask2Former",
    measurements: [
      MeasurementSpec("pq", unit: "1"), MeasurementSpec("sq", unit: "1"), MeasurementSpec("rq", unit: "1"),
      MeasurementSpec("pq-things", unit: "1"), MeasurementSpec("pq-stuff", unit: "1"),
    ])

  let proposed: ProposedSegments
  public let confidence, overlap: Double
  /// Names of classes without objects; nil: background, if there is one.
  public let stuff: [String]?

  public init(_ options: inout Section) throws(ReproError) {
    proposed = try ProposedSegments(&options)
    confidence = try options.double("confidence", in: 0...1, default: 0.8)
    overlap = try options.double("overlap", in: 0...1, default: 0.8)
    let isNamed = options.has("stuff")
    let names = try options.strings("stuff", default: [])
    stuff = isNamed ? names : nil
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try proposed.check(data, for: Self.card.id)
    for name in stuff ?? [] where !classes.contains(name) {
      throw ReproError(
        .usage, at: Self.card.id, found: "column '\(proposed.maps.classes)' has no class '\(name)'",
        expected: classes.map { "'\($0)'" }.joined(separator: ", "))
    }
  }

  public func check(encoderOf subject: EvaluationSubject) throws { try proposed.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let classes = try proposed.check(subject.spec, for: Self.card.id)
    let isStuff = classes.map { stuff?.contains($0) ?? ($0 == "background") }
    var quality = PanopticQuality(classes: classes.count)
    try proposed.forEach(subject, for: Self.card.id) { _, picture, masks, scores in
      let (found, truth) = (segments(masks, scores, isStuff), trueSegments(picture, isStuff))
      quality.add(
        predicted: found.places, predictedClasses: found.classes, truth: truth.places, trueClasses: truth.classes)
    }
    let all = quality.mean()
    return [
      ("pq", all.pq), ("sq", all.segmentation), ("rq", all.recognition),
      ("pq-things", quality.mean(of: classes.indices.filter { !isStuff[$0] }).pq),
      ("pq-stuff", quality.mean(of: classes.indices.filter { isStuff[$0] }).pq),
    ]
  }

  /// The segment of each pixel, -1 for none, and the class of each segment.
  typealias Segments = (places: [Int], classes: [Int])

  /// Segments from masks `[queries, rows, columns]` and scores `[queries, classes]`.
  func segments(_ masks: Tensor, _ scores: Tensor, _ isStuff: [Bool]) -> Segments {
    let (m, s, best) = (masks.values, scores.values, scores.argmax().values)
    let (area, classes) = (masks.shape[1] * masks.shape[2], scores.shape[1])
    let sure = best.indices.filter { Double(s[$0 * classes + best[$0]]) >= confidence }
    var (winner, kept) = ([Int](repeating: -1, count: area), [Int](repeating: 0, count: best.count))
    for pixel in 0..<area {
      var top = -Real.infinity
      for q in sure {
        let value = s[q * classes + best[q]] * m[q * area + pixel]
        if value > top { (top, winner[pixel]) = (value, q) }
      }
      if winner[pixel] >= 0, m[winner[pixel] * area + pixel] < 0.5 { winner[pixel] = -1 }
      if winner[pixel] >= 0 { kept[winner[pixel]] += 1 }
    }
    var (segmentOf, ofStuff, names) = ([Int](repeating: -1, count: best.count), [Int: Int](), [Int]())
    for q in sure where kept[q] > 0 {
      let own = (0..<area).count { m[q * area + $0] >= 0.5 }
      guard Double(kept[q]) >= overlap * Double(own) else { continue }
      if isStuff[best[q]], let segment = ofStuff[best[q]] {
        segmentOf[q] = segment
        continue
      }
      segmentOf[q] = names.count
      if isStuff[best[q]] { ofStuff[best[q]] = names.count }
      names.append(best[q])
    }
    return (winner.map { $0 < 0 ? -1 : segmentOf[$0] }, names)
  }

  /// Objects as segments, and one for each class of stuff that is shown.
  func trueSegments(_ picture: ObjectMaps.Picture, _ isStuff: [Bool]) -> Segments {
    let things = picture.objects.indices.map { i in
      picture.classes[i] >= 0 && !isStuff[picture.classes[i]] ? picture.objects[i] : 0
    }
    let shown = ObjectMaps.Picture(
      rows: picture.rows, columns: picture.columns, objects: things, classes: picture.classes
    ).shown
    let stuff = Set(picture.classes.filter { $0 >= 0 && isStuff[$0] }).sorted()
    let ofThing = Dictionary(uniqueKeysWithValues: shown.enumerated().map { ($1.object, $0) })
    let ofStuff = Dictionary(uniqueKeysWithValues: stuff.enumerated().map { ($1, shown.count + $0) })
    let places = picture.objects.indices.map { i in ofStuff[picture.classes[i]] ?? ofThing[things[i]] ?? -1 }
    return (places, shown.map(\.label) + stuff)
  }
}
