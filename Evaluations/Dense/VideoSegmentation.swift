import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `video-segmentation/v1`: the masks of the first frame carried through the video by frozen features.
///
/// `j` is the IoU and `f` the agreement of contours, means over objects and later frames, then over videos; `j-and-f` their mean.
///
/// Options: `output`, `[frames, rows, columns, D]` for a sample (frames); `column`, frames of one channel with an object's
/// number in each pixel, 0 for none (masks); `neighbours` (5); `temperature` (0.1); `context`, frames (7); `radius`, places (12).
public struct VideoSegmentation: Evaluation {
  public static let card = EvaluationCard(
    id: "video-segmentation/v1", title: "Masks carried through videos by frozen features",
    source:
      "Jabri et al. 2020 (arXiv 2006.14613), Section 4.1 and Caron et al. 2021 (DINO, arXiv 2104.14294), Section 4.2.2; J "
      + "and F of Perazzi et al. 2016 (DAVIS); labels are carried at the resolution of features and upsampled bilinearly",
    measurements: [
      MeasurementSpec("j-and-f", unit: "1"), MeasurementSpec("j", unit: "1"), MeasurementSpec("f", unit: "1"),
    ])

  public let output, column: String
  public let rule: MaskPropagation

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "frames")
    column = try options.string("column", default: "masks")
    var rule = MaskPropagation()
    rule.neighbours = try options.int("neighbours", in: 1...10_000, default: 5)
    rule.temperature = try options.double("temperature", in: 1e-4...1e4, default: 0.1)
    rule.context = try options.int("context", in: 1...10_000, default: 7)
    rule.radius = try options.int("radius", in: 0...10_000, default: 12)
    self.rule = rule
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    guard case .frames(let count, _, _, 1) = data[field: column]?.kind, count >= 2 else {
      throw data.lacks(column, "two or more frames of one channel", Self.card.id) {
        if case .frames(2..., _, _, 1) = $0 { true } else { false }
      }
    }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: output, rank: 4, "[frames, rows, columns, D]", for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var found: [(j: Double, f: Double)] = []
    try subject.forEachChunk(of: .test) { chunk in
      guard let features = chunk.features.outputs[output], case .images(let masks) = chunk.labels[column] else {
        return
      }
      guard features.shape[1] == masks.frames else {
        throw ReproError(
          .usage, at: Self.card.id,
          found: "output '\(output)' has \(features.shape[1]) frames, '\(column)' \(masks.frames)",
          expected: "as many")
      }
      for place in 0..<chunk.labels.count {
        if let value = quality(features.select(0, place), masks, place) { found.append(value) }
      }
    }
    guard !found.isEmpty else {
      throw ReproError(.data, at: Self.card.id, found: "no video has an object in its first frame")
    }
    let (j, f) = (found.mean(\.j), found.mean(\.f))
    return [("j-and-f", (j + f) / 2), ("j", j), ("f", f)]
  }

  /// The means over objects of the first frame and over later frames; nil without an object.
  private func quality(_ features: Tensor, _ masks: ImageBatch, _ place: Int) -> (j: Double, f: Double)? {
    let area = masks.height * masks.width
    func frame(_ t: Int) -> ArraySlice<UInt8> {
      let start = place * masks.sampleSize + t * area
      return masks.bytes[start..<(start + area)]
    }
    let objects = Set(frame(0)).subtracting([0]).sorted()
    guard !objects.isEmpty else { return nil }
    let classes = [0] + objects
    let first = Tensor(
      [masks.height, masks.width, classes.count],
      frame(0).flatMap { byte in classes.map { $0 == byte ? Real(1) : 0 } })
    // Shares of classes in the area of each place.
    let small = first.permuted([2, 0, 1]).adaptiveAveragePooled([features.shape[1], features.shape[2]])
      .permuted([1, 2, 0])
    let carried = rule(features, first: small)
    var (j, f, n) = (0.0, 0.0, 0.0)
    for t in 1..<masks.frames {
      let wide = carried.select(0, t).resizedBilinearly(rows: masks.height, columns: masks.width, axes: (0, 1))
      let winner = wide.argmax().values
      let truth = frame(t)
      for (k, object) in classes.enumerated().dropFirst() {
        let q = MaskQuality(predicted: winner.map { $0 == k }, truth: truth.map { $0 == object }, columns: masks.width)
        j += q.region
        f += q.contour
        n += 1
      }
    }
    return (j / n, f / n)
  }
}
