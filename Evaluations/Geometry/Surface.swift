import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `surface/v1`: points on the method's surface against points on the true one; means over samples (scenes).
///
///     chamfer = (mean distance to the truth + mean distance from the truth) / 2
///
/// Points carry three coordinates, or six with their normals; `normal-consistency` is 0 where either side has none.
///
/// Options: `output`, `[points, 3 or 6]` for a sample (surface); `column`, real numbers of the same form (surface); `threshold` of
/// the F-score, in the points' unit (0.05).
public struct Surface: Evaluation {
  public static let card = EvaluationCard(
    id: "surface/v1", title: "Chamfer distance, F-score and normals of a surface",
    source:
      "accuracy and completeness of Jensen et al. 2014 (DTU) as used by NeuS (arXiv 2106.10689), distances not squared; "
      + "F-score of Knapitsch et al. 2017; normal consistency of Mescheder et al. 2019 (arXiv 1812.03828)",
    measurements: [
      MeasurementSpec("chamfer", unit: "unit of points", isHigherBetter: false, decimals: 4),
      MeasurementSpec("accuracy", unit: "unit of points", isHigherBetter: false, decimals: 4),
      MeasurementSpec("completeness", unit: "unit of points", isHigherBetter: false, decimals: 4),
      MeasurementSpec("f-score", unit: "1"), MeasurementSpec("normal-consistency", unit: "1"),
    ])

  let points: OutputTruth
  public let threshold: Double

  public init(_ options: inout Section) throws(ReproError) {
    points = try OutputTruth(&options, output: "surface", column: "surface")
    threshold = try options.double("threshold", in: 1e-12...1e12, default: 0.05)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try data.require(column: points.column, Self.layout, for: Self.card.id, where: Self.isPoints)
    try data.need(1, in: .test, for: Self.card.id)
  }

  private static let layout = "[points, 3] or [points, 6]"
  private static func isPoints(_ shape: Shape) -> Bool { shape.rank == 2 && shape[0] > 0 && [3, 6].contains(shape[1]) }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: points.output, Self.layout, for: Self.card.id, where: Self.isPoints)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var found: [SurfaceErrors] = []
    try points.forEach(subject, for: Self.card.id) { _, output, truth, _, _ in
      let hasNormals = output.shape[1] == 6 && truth.shape[1] == 6
      found.append(
        SurfaceErrors(
          predicted: output.slice(1, 0..<3), truth: truth.slice(1, 0..<3), threshold: threshold,
          normals: hasNormals ? (output.slice(1, 3..<6), truth.slice(1, 3..<6)) : nil))
    }
    return [
      ("chamfer", found.mean(\.chamfer)), ("accuracy", found.mean(\.accuracy)),
      ("completeness", found.mean(\.completeness)), ("f-score", found.mean(\.fScore)),
      ("normal-consistency", found.mean { $0.normalConsistency ?? 0 }),
    ]
  }
}

/// `signed-distance/v1`: the method's signed distance at points that lie on the true surface: 0 everywhere for a surface
/// without bias.
///
///     bias = mean of d,  magnitude = mean of |d|,  d = f / |grad f| at the points, positive outside
///
/// The data set gives the points as an input column; or, with `column`, as a label that only this protocol sees and hands
/// to the method as a column `queries`. The method answers with `[points]` for a sample. Means over points, then over samples;
/// a positive bias means that the learnt surface lies inside of the true one.
///
/// Options: `output` (signed-distance); `column`, real numbers `[points, 3 or more]` (none).
public struct SignedDistance: Evaluation {
  public static let card = EvaluationCard(
    id: "signed-distance/v1", title: "Signed distance of a learnt surface at points of the true one",
    source: "our own measure of the bias that NeuS (Wang et al. 2021, arXiv 2106.10689), Section 3.1, removes: chamfer "
      + "distances of coarse grids hide a shift of order 1/s",
    measurements: [
      MeasurementSpec("magnitude", unit: "unit of points", isHigherBetter: false, decimals: 5),
      MeasurementSpec("absolute-bias", unit: "unit of points", isHigherBetter: false, decimals: 5),
      MeasurementSpec("bias", unit: "unit of points", isHigherBetter: false, decimals: 5),
    ])

  public let output: String
  /// Where the points are, if the method does not see them by itself.
  public let column: String?

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "signed-distance")
    column = options.has("column") ? try options.string("column") : nil
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    if let column {
      let shape = try data.realShape(column, for: Self.card.id)
      guard shape.rank == 2, shape[0] > 0, shape[1] >= 3 else {
        throw ReproError(
          .usage, at: Self.card.id, found: "column '\(column)' has the shape \(shape)",
          expected: "[points, 3 or more]")
      }
    }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    if let column {
      _ = try distances(subject, [0], column)
    } else {
      try subject.require(output: output, rank: 1, "[points]", for: Self.card.id)
    }
  }

  /// What the method answers for some test samples when it is given their true points, `[N, points]`.
  private func distances(_ subject: EvaluationSubject, _ samples: [Int], _ column: String) throws -> Tensor {
    let batch = try subject.samples(samples, of: .test)
    guard case .reals(let points)? = batch[column] else {
      throw ReproError(.data, at: Self.card.id, found: "column '\(column)' has no numbers")
    }
    var inputs = subject.inputs(of: batch)
    inputs.columns.append(("queries", .reals(points)))
    guard let found = try subject.features(of: inputs).outputs[output], found.shape == [samples.count, points.shape[1]]
    else {
      throw ReproError(
        .usage, at: Self.card.id, found: "the method gives no output '\(output)' [points] for a column 'queries'",
        expected: "a method with signed distances", hint: "leave \(Self.card.id) out for this method")
    }
    return found
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(encoderOf: subject)
    var (biases, magnitudes): ([Double], [Double]) = ([], [])
    func add(_ distances: Tensor) {
      biases += distances.mean(-1).values.map { Double($0) }
      magnitudes += distances.abs().mean(-1).values.map { Double($0) }
    }
    if let column {
      for sample in 0..<(subject.spec.sizes[.test] ?? 0) { add(try distances(subject, [sample], column)) }
    } else {
      try subject.forEachChunk(of: .test) { chunk in
        if let distances = chunk.features.outputs[output] { add(distances) }
      }
    }
    return [("magnitude", magnitudes.mean), ("absolute-bias", biases.mean { abs($0) }), ("bias", biases.mean)]
  }
}
