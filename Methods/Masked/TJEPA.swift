import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// T-JEPA: from some columns of a row, what an averaged encoder of the whole row says about others; no augmentation.
///
///     z = f_theta([registers, tokens of the context]),   h = f_xi([registers, tokens of all columns])
///     loss = mean over rows, target sets, their columns and dimensions of (g_phi(z, places of the set) - h at them)^2
///     xi := m xi + (1 - m) theta,   m from 0.996 to 1
///
/// The context encoder is masked at its input, the target encoder at its output. Registers (the paper's regularisation
/// token) are in every context and never predicted. A row is embedded as the target encoder's tokens of the whole row,
/// registers among them.
/// - Source: Thimonier et al. 2024 (arXiv 2410.05016), Section 3, and the authors' code; deviations in
///   Reproductions/t-jepa/NOTES.md.
public struct TJEPA: MethodPlugin {
  public static let card = MethodCard(
    id: "t-jepa", title: "T-JEPA: Augmentation-Free Self-Supervised Learning for Tabular Data", year: 2025,
    arxiv: "2410.05016", family: .masked)

  let options: TJEPAOptions

  public init(_ section: inout Section) throws(ReproError) { options = try TJEPAOptions(&section) }

  public struct State: Layer {
    var student: ColumnStudent
    var target: ColumnEncoder
    /// What the columns are.
    let schema: TableSchema

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("student", &student)
      v("target", &target, frozen: true)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    let schema = try TableSchema(data, for: Self.card.id)
    var student = ColumnStudent(schema, options, random: random)
    if let deviation = options.deviation {
      var initializer = NarrowInitializer(deviation: deviation, random: random.child("narrow"))
      student.visit(&initializer)
    }
    return State(student: student, target: student.encoder, schema: schema)
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let rows = state.schema.rows(of: try context.batch())
    let masks = ColumnMasks(
      rows: rows.count, columns: state.schema.count, registers: options.registers, shares: options.shares,
      sets: options.sets, isAsReleased: options.isAsReleased, random: context.random.child("masks"))
    let target = state.target
    let whole = context.gather(rows.count) { target(rows.rows($0)) }  // [B, R + C, D]
    let wanted = whole.tokens(masks.targets(0..<rows.count))  // [B, sets, m, D]
    let drop = ForwardContext(random: context.random.child("drop"))
    let (loss, gradients) = context.valueAndGradients(of: &state.student, samples: rows.count) { student, part in
      student.predictions(
        rows.rows(part), masks.context(part), masks.targets(part), drop.child("rows", part.lowerBound))
    } loss: { (predicted: Tensor) in
      (predicted - wanted).squared().mean()
    }
    let norm = context.update(&state.student, gradients)
    state.target.average(with: state.student.encoder, rate: Real(options.momentum(context.progress)))
    // The last norm fixes the variance within a token: a collapse shows over the rows only.
    let spread = whole.slice(1, options.registers..<whole.shape[1]).variance(0).mean().item
    return ["loss": loss.item, "variance": spread, "gradient": norm]
  }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let tokens = state.target(state.schema.rows(of: batch))
    return Features(global: tokens.flattened(from: 1))
  }
}

/// Tokens of columns and a transformer over those that are seen.
struct ColumnEncoder: Layer {
  var tokenizer: FeatureTokenizer
  var encoder: TokenTransformer

  mutating func visit(_ v: inout some LayerVisitor) {
    v("tokenizer", &tokenizer)
    v("encoder", &encoder)
  }

  /// - Parameter seen: the tokens of each row that go in, `[B, n]`; all of them if nil.
  /// - Returns: `[B, n, D]`.
  func callAsFunction(_ rows: TableRows, seen: IndexTensor? = nil, _ context: ForwardContext? = nil) -> Tensor {
    let tokens = tokenizer(rows)
    let placed: Tensor =
      tokens + linePositions(tokens.shape[1], width: tokens.shape[2], base: 100, inTurn: true)
    return encoder(seen.map { placed.tokens($0) } ?? placed, context)
  }
}

/// The context encoder and the predictor.
struct ColumnStudent: Layer {
  var encoder: ColumnEncoder
  var embed: Linear
  var maskToken: Tensor  // [P]
  var predictor: TokenTransformer
  var norm: LayerNorm
  var proj: Linear
  /// Tokens of a row, registers among them.
  private let places: Int

  init(_ schema: TableSchema, _ options: TJEPAOptions, random: RandomStream) {
    let (d, p) = (options.encoder.width, options.predictor.width)
    encoder = ColumnEncoder(
      tokenizer: FeatureTokenizer(
        schema, width: d, registers: options.registers, hasTypes: options.hasTypes, random: random.child("tokenizer")),
      encoder: TokenTransformer(options.encoder, random: random.child("encoder")))
    embed = .uniform(d, p, random: random.child("embed"))
    var stream = random.child("mask_token")
    maskToken = stream.truncatedNormal([p], deviation: 0.02)
    predictor = TokenTransformer(options.predictor, random: random.child("predictor"))
    norm = LayerNorm(p, epsilon: 1e-5)
    proj = .uniform(p, d, random: random.child("proj"))
    places = options.registers + schema.count
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("encoder", &encoder)
    v("embed", &embed)
    v("mask_token", &maskToken)
    v("predictor", &predictor)
    v("norm", &norm)
    v("proj", &proj)
  }

  /// What the student expects at the targets.
  ///
  /// - Parameters:
  ///   - seen: tokens of the context, `[b, n]`.
  ///   - targets: tokens to predict, `[b, sets, m]`.
  /// - Returns: `[b, sets, m, D]`.
  func predictions(
    _ rows: TableRows, _ seen: IndexTensor, _ targets: IndexTensor, _ context: ForwardContext? = nil
  ) -> Tensor {
    let (b, n, sets, m) = (rows.count, seen.shape[1], targets.shape[1], targets.shape[2])
    let p = maskToken.shape[0]
    let positions = linePositions(places, width: p, base: 10000, inTurn: false)
    let z: Tensor = embed(encoder(rows, seen: seen, context?.child("encoder"))) + positions.gathered(seen)  // [b, n, P]
    let asked: Tensor = positions.gathered(targets) + maskToken  // [b, sets, m, P]
    let each = z.expandedAxis(1).broadcast(to: [b, sets, n, p])
    let input = concat([each, asked], axis: 2).reshaped([b * sets, n + m, p])
    let output = predictor(input, context?.child("predictor")).slice(1, n..<n + m)
    return proj(norm(output)).reshaped([b, sets, m, proj.weight.shape[0]])
  }
}
