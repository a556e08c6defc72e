import ReproConfig
import ReproData
import ReproTensor

@testable import ReproEngine

/// A protocol with a measurement of each direction.
struct TwoWayEvaluation: Evaluation {
  static let card = EvaluationCard(
    id: "two-way/v1", title: "Two ways", source: "this test",
    measurements: [
      MeasurementSpec("top1", unit: "fraction"), MeasurementSpec("error", unit: "m", isHigherBetter: false),
    ])
  init(_ options: inout Section) throws(ReproError) {}
  func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] { [] }
}

let judgePlugins = Plugins(methods: [ToyMethod.self], datasets: [ToyData.self], evaluations: [TwoWayEvaluation.self])

/// A recipe with arms a, b, c, d and the given claims, one a line.
func judgedRecipe(_ claims: String..., seeds: String = "8", options: String = "", id: String = "judged") throws
  -> Recipe
{
  let lines = claims.map { "  - {\($0)}" }.joined(separator: "\n")
  return try Recipe(
    YAMLNode(
      parsing: """
        recipe: \(id)
        paper: toy
        method: {type: toy}
        data: {provider: toy}
        stages:
          - {name: first, steps: 3, batch: 8}
        scales: {tiny: {seeds: 1}, small: {seeds: \(seeds)\(options)}}
        arms: {a: {}, b: {method.noise: 0.2}, c: {method.noise: 0.3}, d: {method.noise: 0.4}}
        evaluate: [{type: two-way/v1}]
        claims:
        \(lines)
        """, file: "judged.yaml"))
}

/// A golden whose cells have these values of `top1` by arm, and of `error`; nil values are diverged runs.
func judgedGolden(
  top1: [(arm: String, values: [Double?])], error: [(arm: String, values: [Double?])] = [], firstSeed: UInt64 = 0
) -> Golden {
  var records: [RunRecord] = []
  for (arm, values) in top1 {
    for (index, value) in values.enumerated() {
      var measurements: [RunRecord.Measurement] = []
      if let value { measurements.append(RunRecord.Measurement(name: "two-way.top1", value: value)) }
      if let other = error.first(where: { $0.arm == arm })?.values[index] {
        measurements.append(RunRecord.Measurement(name: "two-way.error", value: other))
      }
      records.append(
        RunRecord(
          cell: CellID(recipe: "judged", scale: .small, arm: arm, seed: firstSeed + UInt64(index)), paper: "toy",
          status: value == nil ? .diverged : .finished, reason: nil, recipeSHA256: "", planSHA256: "",
          fingerprint: .current, commit: "", data: "", weightsSHA256: "", curves: [], measurements: measurements))
    }
  }
  var golden = Golden(recipe: "judged")
  golden.record(records, because: "test", commit: "c")
  return golden
}

let judge = Judge(judgePlugins)
