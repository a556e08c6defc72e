import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `instance-segmentation/v1`: the method's own masks against those of the true objects, average precision as COCO defines
/// it with the IoU of masks.
///
/// Every query is a detection of every class with that class's score; a pixel belongs to its mask where the mask exceeds
/// `threshold`, at the truth's resolution, void pixels left out. An object has the class of most of its pixels.
///
/// Options: `masks`, the output `[queries, rows, columns]` in 0...1 (masks); `scores`, the output `[queries, classes]`, larger is
/// surer (scores); `threshold` (0.5); `instances`, a map of objects' numbers, 0 for none, 255 for void (instances);
/// `column`, a label map of the same size, 255 for void (mask).
public struct InstanceSegmentation: Evaluation {
  public static let card = EvaluationCard(
    id: "instance-segmentation/v1", title: "Average precision of objects' masks",
    source:
      "Lin et al. 2014 (COCO, arXiv 1405.0312) and the authors' evaluation with IoU of masks: ten thresholds, 101 recalls, "
      + "100 detections of a class in an image; objects of all sizes together, no crowds",
    measurements: averagePrecisionMeasurements)

  let segments: ProposedSegments
  public let threshold: Double

  public init(_ options: inout Section) throws(ReproError) {
    segments = try ProposedSegments(&options)
    threshold = try options.double("threshold", in: 0...1, default: 0.5)
  }

  public func check(_ data: DataSpec) throws(ReproError) { _ = try segments.check(data, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws { try segments.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var truths: [MaskEvaluation.Truth] = []
    var detections: [MaskEvaluation.Detection] = []
    try segments.forEach(subject, for: Self.card.id) { image, picture, masks, scores in
      for (object, label) in picture.shown {
        truths.append(.init(image: image, label: label, region: PixelMask(picture.objects.map { $0 == object })))
      }
      let (m, s, area, classes) = (masks.values, scores.values, picture.objects.count, scores.shape[1])
      for query in 0..<masks.shape[0] {
        let region = PixelMask(
          picture.objects.indices.map { picture.objects[$0] >= 0 && m[query * area + $0] > Real(threshold) })
        for c in 0..<classes {
          detections.append(.init(image: image, label: c, region: region, score: Double(s[query * classes + c])))
        }
      }
    }
    return try MaskEvaluation(truths: truths, detections: detections).measured(for: Self.card.id, "object", "objects")
  }
}

/// What `RegionEvaluation.measured` says.
let averagePrecisionMeasurements = ["ap", "ap50", "ap75", "ar"].map { MeasurementSpec($0, unit: "1") }

extension RegionEvaluation {
  /// The cards' entries.
  ///
  /// - Throws: if there is nothing to find.
  func measured(
    for evaluation: String, _ one: String, _ many: String
  ) throws(ReproError) -> [(name: String, value: Double)] {
    guard let ap = averagePrecision(), let ap50 = averagePrecision(thresholds: [0.5]),
      let ap75 = averagePrecision(thresholds: [0.75]), let ar = averageRecall()
    else { throw ReproError(.data, at: evaluation, found: "no test sample has a true \(one)", expected: many) }
    return [("ap", ap), ("ap50", ap50), ("ap75", ap75), ("ar", ar)]
  }
}
