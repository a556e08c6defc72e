import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `localization/v1`: whether the largest value of the method's map lies in the marked region.
///
/// `hit` is the share of samples where it does, `center-hit` the share where the picture's centre does, the baseline to beat
/// on the same pictures. Samples without a marked pixel count in `left-out` only.
///
/// Options: `output`, `[rows, columns]` for a sample (map); `region`, a label map, with `classes`, the names of the classes that
/// are marked.
public struct Localization: Evaluation {
  public static let card = EvaluationCard(
    id: "localization/v1", title: "The maximum of a map in the marked region",
    source:
      "Arandjelovic and Zisserman 2018 (Objects that Sound, arXiv 1712.06651), Section 5, with their centre baseline; the "
      + "pointing game of Zhang et al. 2016 (arXiv 1608.00507) without tolerance",
    measurements: [
      MeasurementSpec("hit", unit: "1"), MeasurementSpec("center-hit", unit: "1"),
      MeasurementSpec("left-out", unit: "samples", isHigherBetter: false, decimals: 0),
    ])

  public let output: String
  let region: Region

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "map")
    _ = try options.require("region")
    guard let region = try Region(&options) else {
      throw ReproError(.usage, at: "\(options.node.mark)", found: "\(options.name) has no region")
    }
    self.region = region
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try region.check(data, for: Self.card.id)
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.requirePlane(output, channels: 1, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let members = region.members(subject.spec)
    var (hits, centers, shown, leftOut) = (0, 0, 0, 0)
    try subject.forEachChunk(of: .test) { chunk in
      guard let maps = chunk.features.outputs[output] else { throw subject.lacks("output '\(output)'", Self.card.id) }
      guard case .images(let masks) = chunk.labels[region.column] else { return }
      let blank = Tensor.zeros([masks.height, masks.width])
      for place in 0..<chunk.labels.count {
        let inside = try region.pixels(chunk, place, members, like: blank, for: Self.card.id)
        guard inside.contains(true) else {
          leftOut += 1
          continue
        }
        let mask = Tensor([masks.height, masks.width], inside.map { $0 ? 1 : 0 })
        shown += 1
        if pointsInto(plane(maps.select(0, place), channels: 1), region: mask) { hits += 1 }
        if inside[masks.height / 2 * masks.width + masks.width / 2] { centers += 1 }
      }
    }
    guard shown > 0 else {
      throw ReproError(
        .data, at: Self.card.id, found: "no test sample shows \(region.names) in '\(region.column)'",
        expected: "marked pixels")
    }
    return [
      ("hit", Double(hits) / Double(shown)), ("center-hit", Double(centers) / Double(shown)),
      ("left-out", Double(leftOut)),
    ]
  }
}
