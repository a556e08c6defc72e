import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `depth/v1`: a depth map of the method's own against the truth, map by map.
///
/// Every test sample is scored by itself, `abs-rel` and its relatives are means over samples. A map of another resolution is
/// resized bilinearly to the truth's. With a `region` only its pixels are scored, while the scale still comes from all
/// valid pixels; samples without such a pixel, or of which it is less than `share`, count in `left-out` only.
///
/// Options: `output`, `[rows, columns]` for a sample (depth); `column`, real numbers (depth); `scaling`, none, median or affine
/// (none); `min` and `max`, the range of valid truth (1e-3, 80); `region`, a label map, with `classes`, the names of its
/// classes that count, and `share`, the least part of a picture (0).
public struct Depth: Evaluation {
  public static let card = EvaluationCard(
    id: "depth/v1", title: "Errors of predicted depth",
    source:
      "Eigen et al. 2014 (arXiv 1406.2283), Section 4; per-image means, clamping and median scaling as in Godard et al. "
      + "2019 (Monodepth2, arXiv 1806.01260) and the authors' evaluation; no crop",
    measurements: [
      MeasurementSpec("abs-rel", unit: "1", isHigherBetter: false),
      MeasurementSpec("sq-rel", unit: "unit of depth", isHigherBetter: false),
      MeasurementSpec("rmse", unit: "unit of depth", isHigherBetter: false),
      MeasurementSpec("rmse-log", unit: "1", isHigherBetter: false), MeasurementSpec("delta1", unit: "1"),
      MeasurementSpec("delta2", unit: "1"), MeasurementSpec("delta3", unit: "1"),
      MeasurementSpec("left-out", unit: "samples", isHigherBetter: false, decimals: 0),
    ])

  let maps: OutputTruth
  public let scaling: DepthErrors.Scaling
  public let range: ClosedRange<Double>
  let region: Region?
  public let share: Double

  public init(_ options: inout Section) throws(ReproError) {
    maps = try OutputTruth(&options, output: "depth", column: "depth")
    let word = try options.choice("scaling", DepthErrors.Scaling.allCases.map(\.rawValue), default: "none")
    scaling = DepthErrors.Scaling(rawValue: word) ?? .none
    let low = try options.double("min", in: 1e-9...1e9, default: 1e-3)
    range = low...(try options.double("max", in: low...1e9, default: max(80, low)))
    region = try Region(&options)
    share = region == nil ? 0 : try options.double("share", in: 0...1, default: 0)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try maps.checkPlanes(data, channels: 1, for: Self.card.id)
    try region?.check(data, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.requirePlane(maps.output, channels: 1, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let inside = region?.members(subject.spec)
    var found: [DepthErrors] = []
    var leftOut = 0
    try maps.forEach(subject, for: Self.card.id) { _, output, truth, chunk, place in
      let t = plane(truth, channels: 1)
      let p = resized(plane(output, channels: 1), like: t)
      let pixels = try inside.flatMap { try region?.pixels(chunk, place, $0, like: t, for: Self.card.id) }
      if let pixels, Double(pixels.count { $0 }) < share * Double(pixels.count) {
        leftOut += 1
        return
      }
      let errors = DepthErrors(
        predicted: p.values.map { Double($0) }, truth: t.values.map { Double($0) }, scaling: scaling, range: range,
        isScored: pixels.map { pixels in { pixels[$0] } })
      if let errors { found.append(errors) } else { leftOut += 1 }
    }
    guard let mean = DepthErrors(meanOf: found) else {
      throw ReproError(
        .data, at: Self.card.id, found: "no test sample has a valid pixel", expected: "truth within \(range)",
        hint: "set min and max to the range of the data, or take another region")
    }
    return [
      ("abs-rel", mean.absRel), ("sq-rel", mean.sqRel), ("rmse", mean.rmse), ("rmse-log", mean.rmseLog),
      ("delta1", mean.delta1), ("delta2", mean.delta2), ("delta3", mean.delta3), ("left-out", Double(leftOut)),
    ]
  }
}
