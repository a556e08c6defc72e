import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `attention/v1`: how far the heads of a method look, in places of its grid, mean over the pictures of the test split.
///
///     d_h = mean over places i of sum_j A_hij |p_i - p_j|
///
/// `distance` is the mean over heads, `nearest` and `farthest` are the least and the largest of a head.
///
/// Options: `output`, `[heads, N, N]` for a sample, rows of weights without the class token (attention); `rows` and `columns` of
/// the grid, 0 for a square (0).
public struct AttentionDistance: Evaluation {
  public static let card = EvaluationCard(
    id: "attention/v1", title: "Mean attention distance of heads",
    source: "Dosovitskiy et al. 2021 (arXiv 2010.11929), Figure 7 and Appendix D.7; in places instead of pixels",
    measurements: [
      MeasurementSpec("distance", unit: "places"), MeasurementSpec("nearest", unit: "places"),
      MeasurementSpec("farthest", unit: "places"),
    ])

  public let output: String
  public let rows, columns: Int

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "attention")
    rows = try options.int("rows", in: 0...100_000, default: 0)
    columns = try options.int("columns", in: 0...100_000, default: 0)
  }

  public func check(_ data: DataSpec) throws(ReproError) { try data.need(1, in: .test, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws { _ = try grid(subject) }

  private func grid(_ subject: EvaluationSubject) throws -> (rows: Int, columns: Int) {
    let shape = try subject.require(output: output, "[heads, N, N]", for: Self.card.id) {
      $0.rank == 3 && $0[1] == $0[2]
    }
    let side = Int(Double(shape[1]).squareRoot().rounded())
    let grid = rows > 0 && columns > 0 ? (rows, columns) : (side, side)
    guard grid.0 * grid.1 == shape[1] else {
      let wanted = rows > 0 && columns > 0 ? "\(rows) x \(columns)" : "a square number of them"
      throw ReproError(
        .usage, at: Self.card.id, found: "output '\(output)' has \(shape[1]) places", expected: wanted,
        hint: "set rows and columns")
    }
    return grid
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let (rows, columns) = try grid(subject)
    var sums: [Double] = []
    var count = 0.0
    try subject.forEachChunk(of: .test) { chunk in
      guard let attention = chunk.features.outputs[output] else { return }
      let n = Double(attention.shape[0])
      let found = attentionDistances(attention, rows: rows, columns: columns)
      sums = sums.isEmpty ? found.map { $0 * n } : zip(sums, found).map { $0 + $1 * n }
      count += n
    }
    let heads = sums.map { $0 / max(count, 1) }
    return [
      ("distance", heads.mean), ("nearest", heads.min() ?? 0),
      ("farthest", heads.max() ?? 0),
    ]
  }
}
