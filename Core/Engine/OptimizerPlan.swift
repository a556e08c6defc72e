import ReproConfig
import ReproNN
import ReproTensor

/// An optimizer with its schedules, as a stage of a recipe writes it:
///
///     {type: adamw, lr: 0.001, final_lr: 0, warmup: 0.1, weight_decay: {from: 0.04, to: 0.4}, clip: 3, betas: [0.9, 0.999]}
///     {type: sgd, lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.0005}
///
/// The learning rate warms up linearly from 0 and falls along a cosine to `final_lr`; weight decay follows a cosine from
/// `from` to `to`; all durations are fractions of the stage.
public struct OptimizerPlan: Sendable {
  public var rule: Optimizer.Rule
  public var rate: WarmupCosine
  public var decay: Schedule
  /// The largest gradient norm; nil for no clipping.
  public var clip: Double?

  public static func constant(rate: Double) -> OptimizerPlan {
    OptimizerPlan(
      rule: .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), rate: WarmupCosine(peak: rate, final: rate),
      decay: .constant(0), clip: nil)
  }

  public init(rule: Optimizer.Rule, rate: WarmupCosine, decay: Schedule, clip: Double?) {
    (self.rule, self.rate, self.decay, self.clip) = (rule, rate, decay, clip)
  }

  public init(_ section: inout Section) throws(ReproError) {
    switch try section.choice("type", ["adamw", "sgd"]) {
    case "sgd":
      rule = .sgd(
        momentum: Real(try section.double("momentum", in: 0...0.9999, default: 0.9)),
        nesterov: try section.bool("nesterov", default: false))
    default:
      let betas = try section.doubles("betas", count: 2, in: 0...0.99999, default: [0.9, 0.999])
      rule = .adamW(
        beta1: Real(betas[0]), beta2: Real(betas[1]),
        epsilon: Real(try section.double("epsilon", in: 1e-16...1, default: 1e-8)))
    }
    rate = WarmupCosine(
      peak: try section.double("lr", in: 0...100), final: try section.double("final_lr", in: 0...100, default: 0),
      warmup: try section.double("warmup", in: 0...0.99, default: 0))
    decay = try section.schedule("weight_decay", in: 0...10, default: .constant(0))
    clip = section.has("clip") ? try section.double("clip", in: 1e-6...1e6) : nil
  }
}

extension Section {
  /// A number, or a schedule `{from: a, to: b, over: fraction, shape: linear | cosine}`.
  public mutating func schedule(
    _ key: String, in range: ClosedRange<Double>, shape: Schedule.Form = .cosine, default fallback: Schedule? = nil
  ) throws(ReproError) -> Schedule {
    if !has(key), let fallback {
      _ = take(key)
      return fallback
    }
    let node = try require(key)
    guard case .mapping = node.content else { return .constant(try node.double(named: "\(name).\(key)", in: range)) }
    var section = try Section(node, name: "\(name).\(key)")
    let result = Schedule(
      from: try section.double("from", in: range), to: try section.double("to", in: range),
      over: try section.double("over", in: 1e-6...1, default: 1),
      form: try section.choice("shape", Schedule.Form.allCases.map(\.rawValue), default: shape.rawValue) == "linear"
        ? .linear : .cosine)
    try section.finish()
    return result
  }
}
