import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `normals/v1`: angles between the method's surface normals and the true ones, over all pixels of the test split.
///
/// Pixels whose true normal has length 0 are void. A map of another resolution is resized bilinearly to the truth's.
///
/// Options: `output`, `[rows, columns, 3]` for a sample (normals); `column`, real numbers (normals).
public struct Normals: Evaluation {
  public static let card = EvaluationCard(
    id: "normals/v1", title: "Angles of predicted surface normals",
    source:
      "Fouhey et al. 2013 and Eigen and Fergus 2015 (arXiv 1411.4734), Section 5.2: mean, median, shares within 11.25, "
      + "22.5 and 30 degrees over all pixels",
    measurements: [
      MeasurementSpec("mean", unit: "degrees", isHigherBetter: false),
      MeasurementSpec("median", unit: "degrees", isHigherBetter: false),
      MeasurementSpec("rms", unit: "degrees", isHigherBetter: false), MeasurementSpec("within11", unit: "1"),
      MeasurementSpec("within22", unit: "1"), MeasurementSpec("within30", unit: "1"),
    ])

  let maps: OutputTruth

  public init(_ options: inout Section) throws(ReproError) {
    maps = try OutputTruth(&options, output: "normals", column: "normals")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try maps.checkPlanes(data, channels: 3, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.requirePlane(maps.output, channels: 3, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var angles: [Double] = []
    try maps.forEach(subject, for: Self.card.id) { _, output, truth, _, _ in
      let p = resized(output, like: truth).reshaped([-1, 3])
      let t = truth.reshaped([-1, 3])
      let lengths = t.squared().sum(-1).values
      for (angle, length) in zip(anglesBetween(p, t), lengths) where length > 0 { angles.append(angle) }
    }
    guard let errors = NormalErrors(angles: angles) else {
      throw ReproError(
        .data, at: Self.card.id, found: "no pixel of '\(maps.column)' has a normal", expected: "vectors that are not 0")
    }
    return [
      ("mean", errors.mean), ("median", errors.median), ("rms", errors.rms), ("within11", errors.within11),
      ("within22", errors.within22), ("within30", errors.within30),
    ]
  }
}

/// `flow/v1`: the method's optical flow against the true one; means over samples.
///
/// Pixels whose true flow is longer than `limit` are void. A field of another resolution is resized bilinearly and its
/// vectors grow with it.
///
/// Options: `output`, `[rows, columns, 2]` for a sample, right and down in pixels (flow); `column`, real numbers (flow);
/// `limit`, pixels (1e6).
public struct Flow: Evaluation {
  public static let card = EvaluationCard(
    id: "flow/v1", title: "Errors of predicted optical flow",
    source:
      "Baker et al. 2011 (end-point error); Menze and Geiger 2015 (KITTI's Fl: off by more than 3 pixels and 5 %)",
    measurements: [
      MeasurementSpec("epe", unit: "pixels", isHigherBetter: false),
      MeasurementSpec("fl", unit: "1", isHigherBetter: false),
    ])

  let maps: OutputTruth
  public let limit: Double

  public init(_ options: inout Section) throws(ReproError) {
    maps = try OutputTruth(&options, output: "flow", column: "flow")
    limit = try options.double("limit", in: 1e-6...1e12, default: 1e6)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try maps.checkPlanes(data, channels: 2, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.requirePlane(maps.output, channels: 2, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var found: [FlowErrors] = []
    try maps.forEach(subject, for: Self.card.id) { _, output, truth, _, _ in
      let growth = Tensor(
        [2], [Real(truth.shape[1]) / Real(output.shape[1]), Real(truth.shape[0]) / Real(output.shape[0])])
      let t = truth.reshaped([-1, 2])
      let lengths = t.norm().values
      let errors = FlowErrors(predicted: (resized(output, like: truth) * growth).reshaped([-1, 2]), truth: t) {
        Double(lengths[$0]) <= limit
      }
      if let errors { found.append(errors) }
    }
    guard !found.isEmpty else {
      throw ReproError(.data, at: Self.card.id, found: "no pixel has a flow of at most \(limit) pixels")
    }
    return [("epe", found.mean(\.endPoint)), ("fl", found.mean(\.outliers))]
  }
}
