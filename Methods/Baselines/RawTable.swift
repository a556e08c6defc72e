import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// The columns of a table as they are, for heads that are compared on learnt features: what learning has to beat.
///
/// With `quantiles: 0` the column `features` (numbers standardised, words as one-hot). Else numbers become their ranks,
/// and words one-hot:
///
///     u(x) = 2 F(x) - 1,   F piecewise linear through `quantiles` + 1 evenly spaced quantiles of the training rows
///
/// The quantiles are taken in the first step; a stage of one step is enough.
/// - Source: Gorishniy et al. 2021 (arXiv 2106.11959), Section 4.2, which maps quantiles to a normal law instead.
public struct RawTable: MethodPlugin {
  public static let card = MethodCard(
    id: "raw-table", title: "Columns of a table as they are", year: 2021, arxiv: "2106.11959", family: .baseline)

  let quantiles: Int

  public init(_ s: inout Section) throws(ReproError) { quantiles = try s.int("quantiles", in: 0...1000, default: 32) }

  public struct State: Layer {
    /// Of each column of numbers, `[N, quantiles + 1]`; 0...1 before the first step; nil without quantiles.
    var knots: Tensor?
    let numbers: [String]
    let words: [String: Int]
    let order: [String]

    public mutating func visit(_ v: inout some LayerVisitor) { v("knots", &knots, .buffer) }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    guard data[field: "features"] != nil else {
      throw ReproError(
        .usage, at: Self.card.id,
        found: "a data set with the columns \(data.fields.map(\.name).joined(separator: ", "))",
        expected: "a table: features and, for quantiles, single columns")
    }
    var (numbers, words, order): ([String], [String: Int], [String]) = ([], [:], [])
    for field in data.fields where !field.isLabel && quantiles > 0 {
      switch field.kind {
      case .real(let shape, _) where shape.rank == 0: numbers.append(field.name)
      case .category(let classes):
        words[field.name] = classes.count
        order.append(field.name)
      default: break
      }
    }
    if quantiles > 0, numbers.isEmpty, order.isEmpty {
      throw ReproError(
        .usage, at: Self.card.id, found: "a table without single columns", expected: "columns: true, or quantiles: 0")
    }
    let line = (0...max(1, quantiles)).map { Real($0) / Real(max(1, quantiles)) }
    let knots = numbers.isEmpty ? nil : Tensor([numbers.count, line.count], numbers.flatMap { _ in line })
    return State(knots: knots, numbers: numbers, words: words, order: order)
  }

  /// Takes the quantiles of the training rows; a loss of 0 says that nothing is trained.
  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    guard context.step == 0, let data = context.data, let old = state.knots else { return ["loss": 0] }
    let all = try data.all()
    let knots = state.numbers.flatMap { name -> [Real] in
      let sorted = values(name, all).sorted()
      return (0...quantiles).map { q in
        let place = Double(q) / Double(quantiles) * Double(sorted.count - 1)
        let low = Int(place)
        let part = Real(place - Double(low))
        return sorted[low] + (sorted[min(low + 1, sorted.count - 1)] - sorted[low]) * part
      }
    }
    state.knots = Tensor(old.shape, knots)
    return ["loss": 0]
  }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    guard quantiles > 0 else {
      guard case .reals(let x) = batch["features"] else { requirementFailed("the batch has no features") }
      return Features(global: x.flattened(from: 1))
    }
    let width = quantiles + 1
    let knots = state.knots?.values ?? []
    var parts = state.numbers.enumerated().map { k, name -> Tensor in
      let own = Array(knots[k * width..<(k + 1) * width])
      return Tensor([batch.count, 1], values(name, batch).map { 2 * rank(of: $0, in: own) - 1 })
    }
    for name in state.order { parts.append(IndexTensor(batch.integers(name)).oneHot(state.words[name] ?? 1)) }
    return Features(global: concat(parts, axis: 1))
  }

  private func values(_ name: String, _ batch: Batch) -> [Real] {
    guard case .reals(let x) = batch[name] else { requirementFailed("the batch has no numbers '\(name)'") }
    return x.values
  }

  /// F(x); of equal quantiles, which a frequent value makes, the middle.
  private func rank(of x: Real, in knots: [Real]) -> Real {
    let last = Real(knots.count - 1)
    func from(_ isBelow: (Real) -> Bool) -> Real {
      guard let next = knots.firstIndex(where: { !isBelow($0) }) else { return 1 }
      guard next > 0 else { return 0 }
      let (a, b) = (knots[next - 1], knots[next])
      return (Real(next - 1) + (b > a ? min(1, max(0, (x - a) / (b - a))) : 0)) / last
    }
    return (from { $0 < x } + from { $0 <= x }) / 2
  }
}
