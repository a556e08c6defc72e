import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `detection/v1`: the method's own boxes against the true ones, average precision as COCO defines it.
///
/// Options: `boxes`, the output `[queries, 4]`: left, top, right, bottom in 0...1 (boxes); `scores`, the output `[queries,
/// classes]`, larger is surer (scores); `column`, a label column `[boxes, 5]`: the same four and the class, -1 for a row that
/// is not used (boxes).
public struct BoxDetection: Evaluation {
  public static let card = EvaluationCard(
    id: "detection/v1", title: "Average precision of detected boxes",
    source:
      "Lin et al. 2014 (COCO, arXiv 1405.0312) and the authors' evaluation: ten thresholds, 101 recalls, 100 detections "
      + "of a class in an image; boxes of all sizes together",
    measurements: averagePrecisionMeasurements)

  public let boxes, scores, column: String

  public init(_ options: inout Section) throws(ReproError) {
    boxes = try options.string("boxes", default: "boxes")
    scores = try options.string("scores", default: "scores")
    column = try options.string("column", default: "boxes")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try data.require(column: column, "[boxes, 5]", for: Self.card.id) { $0.rank == 2 && $0[1] == 5 }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: scores, rank: 2, "[queries, classes]", for: Self.card.id)
    let queries = try subject.shape(ofOutput: scores, for: Self.card.id)[0]
    try subject.require(output: boxes, shape: [queries, 4], for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var truths: [DetectionEvaluation.Truth] = []
    var detections: [DetectionEvaluation.Detection] = []
    try subject.forEachChunk(of: .test) { chunk in
      guard let found = chunk.features.outputs[boxes], let sure = chunk.features.outputs[scores] else { return }
      let (p, s, t) = (found.values, sure.values, try chunk.numbers(column, for: Self.card.id))
      let (queries, classes) = (sure.shape[1], sure.shape[2])
      let all = t.values
      for (place, image) in chunk.labels.indices.enumerated() {
        for row in 0..<t.shape[1] {
          let own = Array(all[((place * t.shape[1] + row) * 5)...].prefix(5))
          if own[4] >= 0 { truths.append(.init(image: image, label: Int(own[4]), box: BoundingBox(own))) }
        }
        for query in 0..<queries {
          let box = BoundingBox(Array(p[((place * queries + query) * 4)...].prefix(4)))
          for c in 0..<classes {
            detections.append(
              .init(image: image, label: c, box: box, score: Double(s[(place * queries + query) * classes + c])))
          }
        }
      }
    }
    return try DetectionEvaluation(truths: truths, detections: detections).measured(for: Self.card.id, "box", "boxes")
  }
}

extension BoundingBox {
  /// Left, top, right, bottom.
  fileprivate init(_ edges: [Real]) {
    self.init(left: Double(edges[0]), top: Double(edges[1]), right: Double(edges[2]), bottom: Double(edges[3]))
  }
}

/// `corloc/v1`: one box for each picture from a map of the method's own, right if it overlaps a true one by half.
///
/// The box goes around the largest connected part of the places above `threshold` of the way from the map's least to its
/// largest value (neighbours share an edge; of equally large parts the first).
///
/// Options: `output`, `[rows, columns]` for a sample (map); `threshold` (0.5); `column`, a label column `[boxes, 4 or 5]` in 0...1
/// with -1 as the class of rows that are not used (boxes).
public struct CorrectLocalization: Evaluation {
  public static let card = EvaluationCard(
    id: "corloc/v1", title: "One box for each picture from a map",
    source:
      "Deselaers et al. 2010; Simeoni et al. 2021 (LOST, arXiv 2109.14279), Section 4.1; the box of the largest connected "
      + "part as Wang et al. 2022 (TokenCut, arXiv 2202.11539), Section 3.2",
    measurements: [MeasurementSpec("corloc", unit: "1")])

  public let output, column: String
  public let threshold: Double

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "map")
    threshold = try options.double("threshold", in: 0...1, default: 0.5)
    column = try options.string("column", default: "boxes")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try data.require(column: column, "[boxes, 4] or [boxes, 5]", for: Self.card.id) {
      $0.rank == 2 && [4, 5].contains($0[1])
    }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.requirePlane(output, channels: 1, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var predicted: [BoundingBox?] = []
    var truths: [[BoundingBox]] = []
    try subject.forEachChunk(of: .test) { chunk in
      guard let maps = chunk.features.outputs[output] else { return }
      let boxes = try chunk.numbers(column, for: Self.card.id)
      for place in 0..<chunk.labels.count {
        predicted.append(box(plane(maps.select(0, place), channels: 1)))
        let rows = boxes.select(0, place)
        truths.append(
          (0..<rows.shape[0]).map { rows.select(0, $0).values }.filter { $0.count == 4 || $0[4] >= 0 }.map {
            BoundingBox($0)
          })
      }
    }
    return [("corloc", correctLocalization(predicted, truths))]
  }

  private func box(_ map: Tensor) -> BoundingBox? {
    let (low, high) = (map.reshaped([-1]).amin().item, map.reshaped([-1]).amax().item)
    let bright = Tensor(low + Real(threshold) * (high - low)).isLess(map)
    let (labels, count) = IndexTensor(map.shape, bright.values.map { Int($0) }).connectedComponents()
    guard count > 0 else { return nil }
    var sizes = [Int](repeating: 0, count: count + 1)
    for label in labels.values where label > 0 { sizes[label] += 1 }
    let largest = sizes.indices.dropFirst().reduce(1) { sizes[$1] > sizes[$0] ? $1 : $0 }
    let part = Tensor(labels.shape, labels.values.map { $0 == largest ? 1 : 0 })
    let (rows, columns) = (Double(map.shape[0]), Double(map.shape[1]))
    return BoundingBox(around: part).map {
      BoundingBox(left: $0.left / columns, top: $0.top / rows, right: $0.right / columns, bottom: $0.bottom / rows)
    }
  }
}
