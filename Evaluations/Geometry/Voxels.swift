import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `voxels/v1`: occupied cells of the method's own against the true ones; the mean IoU over samples.
///
/// Options: `output`, `[x, y, z]` for a sample (voxels); `column`, real numbers of the same shape (voxels); `threshold` above
/// which a cell is occupied (0.5).
public struct Voxels: Evaluation {
  public static let card = EvaluationCard(
    id: "voxels/v1", title: "Intersection over union of occupied cells",
    source: "Choy et al. 2016 (3D-R2N2, arXiv 1604.00449), Section 5.1",
    measurements: [MeasurementSpec("iou", unit: "1")])

  let cells: OutputTruth
  public let threshold: Double

  public init(_ options: inout Section) throws(ReproError) {
    cells = try OutputTruth(&options, output: "voxels", column: "voxels")
    threshold = try options.double("threshold", in: -1e9...1e9, default: 0.5)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.realShape(cells.column, for: Self.card.id)
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: cells.output, likeColumn: cells.column, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(encoderOf: subject)
    var values: [Double] = []
    try cells.forEach(subject, for: Self.card.id) { _, output, truth, _, _ in
      // The truth is 0 or 1 whatever the scale of the prediction.
      values.append(voxelIoU((output - Real(threshold)), truth - 0.5, threshold: 0))
    }
    return [("iou", values.mean)]
  }
}

/// `scene-completion/v1`: classes of cells, class 0 being free space, over all cells of the test split.
///
/// Options: `output`, `[x, y, z, classes]` for a sample, the largest one counts (voxel-logits); `column`, real numbers `[x, y, z]`
/// with the class, -1 for cells nobody knows (voxels).
public struct SceneCompletionProtocol: Evaluation {
  public static let card = EvaluationCard(
    id: "scene-completion/v1", title: "Semantic scene completion",
    source:
      "Song et al. 2017 (SSCNet, arXiv 1611.08974), Section 5.2; Behley et al. 2019 (SemanticKITTI): IoU of occupied cells "
      + "and mean IoU of classes",
    measurements: [
      MeasurementSpec("completion-iou", unit: "1"), MeasurementSpec("miou", unit: "1"),
      MeasurementSpec("precision", unit: "1"), MeasurementSpec("recall", unit: "1"),
    ])

  let cells: OutputTruth

  public init(_ options: inout Section) throws(ReproError) {
    cells = try OutputTruth(&options, output: "voxel-logits", column: "voxels")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.realShape(cells.column, for: Self.card.id)
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    let own = try subject.shape(ofOutput: cells.output, for: Self.card.id)
    let truth = try subject.spec.realShape(cells.column, for: Self.card.id)
    guard own.rank == truth.rank + 1, own.dropping(-1) == truth, own[-1] >= 2 else {
      throw ReproError(
        .usage, at: Self.card.id, found: "output '\(cells.output)' has the shape \(own) for a sample",
        expected: "scores of classes for the cells \(truth) of column '\(cells.column)'")
    }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(encoderOf: subject)
    let classes = try subject.shape(ofOutput: cells.output, for: Self.card.id)[-1]
    var confusion = Confusion(classes: classes)
    try cells.forEach(subject, for: Self.card.id) { sample, output, truth, _, _ in
      for (t, p) in zip(truth.values, output.argmax().values) where t >= 0 {
        guard Int(t) < classes else {
          throw ReproError(
            .data, at: Self.card.id, found: "sample \(sample) has class \(Int(t)) in '\(cells.column)'",
            expected: "0 to \(classes - 1), or -1")
        }
        confusion.count(truth: Int(t), predicted: p)
      }
    }
    let found = SceneCompletion(confusion)
    return [
      ("completion-iou", found.completionIoU), ("miou", found.meanIoU), ("precision", found.precision),
      ("recall", found.recall),
    ]
  }
}
