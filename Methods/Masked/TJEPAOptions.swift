import ReproConfig
import ReproEngine
import ReproNN
import ReproTensor

/// Every ingredient of T-JEPA that a recipe can change.
struct TJEPAOptions: Sendable {
  let encoder, predictor: TokenTransformerSize
  /// The paper's regularisation tokens.
  let registers: Int
  /// Whether tokens say if they are numbers or words.
  let hasTypes: Bool
  /// Sets of targets for each row.
  let sets: Int
  let shares: ColumnMasks.Shares
  /// Masks as the authors' code draws them; see `ColumnMasks`.
  let isAsReleased: Bool
  let momentum: Schedule
  /// Of the first weights of maps and embeddings; nil: PyTorch's own.
  let deviation: Real?

  init(_ s: inout Section) throws(ReproError) {
    encoder = try TokenTransformerSize(&s)
    predictor =
      try s.section("predictor") { inner throws(ReproError) in try TokenTransformerSize(&inner) }
      ?? TokenTransformerSize(width: 16, heads: 4, layers: 4, hidden: 64, dropout: 0)
    registers = try s.int("registers", in: 0...16, default: 1)
    hasTypes = try s.bool("types", default: false)
    sets = try s.int("sets", in: 1...64, default: 4)
    let context = try s.doubles("context", count: 2, in: 0...0.9, default: [0.14, 0.37])
    let target = try s.doubles("target", count: 2, in: 0...0.9, default: [0.16, 0.62])
    guard context[0] <= context[1], target[0] <= target[1], context[0] + target[0] <= 0.9 else {
      throw ReproError(
        .usage, at: "\(s.node["context"]?.mark ?? s.node.mark)", found: "context \(context) and target \(target)",
        expected: "ascending shares whose smallest leave a tenth of the columns")
    }
    shares = ColumnMasks.Shares(context: context[0]...context[1], target: target[0]...target[1])
    isAsReleased = try s.bool("as_released", default: false)
    momentum = try s.schedule(
      "momentum", in: 0...1, shape: .linear, default: Schedule(from: 0.996, to: 1, form: .linear))
    let deviation = try s.double("init_deviation", in: 0...1, default: 0.02)
    self.deviation = deviation > 0 ? Real(deviation) : nil
  }
}

extension TokenTransformerSize {
  /// Reads `width`, `heads`, `layers`, `hidden` and `dropout`.
  init(_ s: inout Section) throws(ReproError) {
    let width = try s.int("width", in: 2...4096, default: 64)
    let heads = try s.int("heads", in: 1...64, default: 4)
    guard width % heads == 0, width % 2 == 0 else {
      throw ReproError(
        .usage, at: "\(s.node.mark)", found: "\(s.name).width \(width) with \(heads) heads",
        expected: "an even multiple of the heads")
    }
    self.init(
      width: width, heads: heads, layers: try s.int("layers", in: 1...64, default: 4),
      hidden: try s.int("hidden", in: 1...16384, default: 64),
      dropout: Real(try s.double("dropout", in: 0...0.9, default: 0)))
  }
}
