import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `surface-levels/v1`: the best of several surfaces of a method by their chamfer distance to the true one; means over samples.
///
/// A density field has no surface of its own: one of its level sets has to be chosen. This protocol chooses it BY THE TRUTH, for
/// each sample, which no method could: what it measures is a bound, in favour of methods with many levels.
///
/// Options: `output`, `[levels, points, 3 or 6]` for a sample (surfaces); `column`, real numbers `[points, 3 or 6]` (surface).
public struct SurfaceLevels: Evaluation {
  public static let card = EvaluationCard(
    id: "surface-levels/v1", title: "The best level set of a field by the chamfer distance",
    source: "our own bound for what NeuS (Wang et al. 2021, arXiv 2106.10689), Section 4.1, extracts from NeRF at one "
      + "density; chamfer distance as in surface/v1",
    measurements: [
      MeasurementSpec("chamfer", unit: "unit of points", isHigherBetter: false, decimals: 4),
      MeasurementSpec("level", unit: "index", isHigherBetter: false, decimals: 1),
    ])

  let points: OutputTruth

  public init(_ options: inout Section) throws(ReproError) {
    points = try OutputTruth(&options, output: "surfaces", column: "surface")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let shape = try data.realShape(points.column, for: Self.card.id)
    guard shape.rank == 2, shape[0] > 0, [3, 6].contains(shape[1]) else {
      throw ReproError(
        .usage, at: Self.card.id, found: "column '\(points.column)' has the shape \(shape)",
        expected: "[points, 3] or [points, 6]")
    }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: points.output, "[levels, points, 3] or [levels, points, 6]", for: Self.card.id) {
      $0.rank == 3 && $0[0] > 0 && $0[1] > 0 && [3, 6].contains($0[2])
    }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var best: [(chamfer: Double, level: Int)] = []
    try points.forEach(subject, for: Self.card.id) { _, output, truth, _, _ in
      let chamfers = (0..<output.shape[0]).map { level in
        SurfaceErrors(
          predicted: output.select(0, level).slice(1, 0..<3), truth: truth.slice(1, 0..<3), threshold: 1
        ).chamfer
      }
      var (chamfer, place) = (chamfers[0], 0)
      for (level, value) in chamfers.enumerated() where value < chamfer { (chamfer, place) = (value, level) }
      best.append((chamfer, place))
    }
    let n = Double(max(best.count, 1))
    return [
      ("chamfer", best.reduce(0) { $0 + $1.chamfer } / n), ("level", best.reduce(0) { $0 + Double($1.level) } / n),
    ]
  }
}

/// `ray-depth/v2`: where a method's own pictures show its surface, against where its own surface is; no truth is needed.
///
///     bias = mean over rays of (mean depth of the rendering weights - depth of the first zero)
///
/// Rays count that have both, means over them and then over samples; `share` is how many have. A negative bias means that
/// pictures show the surface in front of where the field has it. `unmatched` is the share of rays that have one of the two
/// without the other. `spread` is what the method says of the width of its surface.
///
/// A sample none of whose rays has both is as wrong as depths can be: its errors are the length of its longest segment on which
/// depths are looked for (a method without a surface hands the whole ball to `surface/v1`, likewise). No field that has a
/// surface can be worse. Version 1 gave such a sample 0, the best value.
///
/// Options: `output`, `[rays, 4]` for a sample (ray-depth): rendered depth, depth of the first zero, what exists of them (0
/// nothing, 1 the first alone, 2 the second alone, 3 both), and the length of the ray's segment; `spread`, an output `[1]`
/// (spread).
public struct RayDepth: Evaluation {
  public static let card = EvaluationCard(
    id: "ray-depth/v2", title: "Rendered depth against the first zero of the field along the ray",
    source: "our own direct test of the bias that NeuS (Wang et al. 2021, arXiv 2106.10689), Section 3.1, removes",
    measurements: [
      MeasurementSpec("magnitude", unit: "unit of depths", isHigherBetter: false, decimals: 5),
      MeasurementSpec("absolute-bias", unit: "unit of depths", isHigherBetter: false, decimals: 5),
      MeasurementSpec("bias", unit: "unit of depths", isHigherBetter: false, decimals: 5),
      MeasurementSpec("share", unit: "1"),
      MeasurementSpec("unmatched", unit: "1", isHigherBetter: false),
      MeasurementSpec("spread", unit: "unit of depths", isHigherBetter: false, decimals: 5),
    ])

  public let output, spread: String

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "ray-depth")
    spread = try options.string("spread", default: "spread")
  }

  public func check(_ data: DataSpec) throws(ReproError) { try data.need(1, in: .test, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: output, "[rays, 4]", for: Self.card.id) { $0.rank == 2 && $0[0] > 0 && $0[1] == 4 }
    try subject.require(output: spread, rank: 1, "[1]", for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(encoderOf: subject)
    var found: [(bias: Double, magnitude: Double, share: Double, unmatched: Double, spread: Double)] = []
    try subject.forEachChunk(of: .test) { chunk in
      guard let rays = chunk.features.outputs[output], let widths = chunk.features.outputs[spread] else { return }
      for sample in 0..<rays.shape[0] {
        let values = rays.select(0, sample).values.map { Double($0) }
        let starts = stride(from: 0, to: values.count, by: 4)
        let count = Double(values.count / 4)
        var differences = starts.filter { values[$0 + 2] == 3 }.map { values[$0] - values[$0 + 1] }
        let share = Double(differences.count) / count
        let unmatched = Double(starts.count { [1, 2].contains(values[$0 + 2]) }) / count
        if differences.isEmpty { differences = [starts.reduce(0) { max($0, values[$1 + 3]) }] }
        let n = Double(differences.count)
        found.append(
          (
            differences.reduce(0, +) / n, differences.reduce(0) { $0 + abs($1) } / n, share, unmatched,
            Double(widths.select(0, sample).values[0])
          ))
      }
    }
    return [
      ("magnitude", found.mean(\.magnitude)), ("absolute-bias", found.mean { abs($0.bias) }),
      ("bias", found.mean(\.bias)), ("share", found.mean(\.share)), ("unmatched", found.mean(\.unmatched)),
      ("spread", found.mean(\.spread)),
    ]
  }
}
