import ReproConfig
import ReproNN
import ReproTensor

/// An optimizer with its schedules, as a stage of a recipe writes it:
///
///     {type: adamw, lr: 0.001, final_lr: 0, warmup: 0.1, weight_decay: {from: 0.04, to: 0.4}, clip: 3, betas: [0.9, 0.999]}
///     {type: sgd, lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.0005}
///     {type: lars, lr: 0.2, trust: 0.001, schedule: step, milestones: [0.6, 0.8], factor: 0.1}
///
/// Types are adamw, adam, sgd, lars, lamb. The learning rate warms up linearly from 0 and then falls as `schedule` says
/// (cosine, linear, constant, step, exponential, one-cycle) to `final_lr`; weight decay follows a cosine from `from` to `to`;
/// all durations are fractions of the stage. `clip` limits the norm of the gradient, `clip_value` each of its elements.
public struct OptimizerPlan: Sendable {
  public var rule: Optimizer.Rule
  public var rate: LearningRate
  public var decay: Schedule
  /// The largest gradient norm; nil for no clipping.
  public var clip: Double?
  /// The largest magnitude of an element of the gradient; nil for no clipping.
  public var clipValue: Double?

  public static func constant(rate: Double) -> OptimizerPlan {
    OptimizerPlan(
      rule: .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), rate: LearningRate(peak: rate, final: rate),
      decay: .constant(0), clip: nil)
  }

  public init(rule: Optimizer.Rule, rate: LearningRate, decay: Schedule, clip: Double?) {
    (self.rule, self.rate, self.decay, self.clip) = (rule, rate, decay, clip)
  }

  public init(_ section: inout Section) throws(ReproError) {
    rule = try section.optimizerRule()
    rate = try section.learningRate()
    decay = try section.schedule("weight_decay", in: 0...10, default: .constant(0))
    clip = section.has("clip") ? try section.double("clip", in: 1e-6...1e6) : nil
    clipValue = section.has("clip_value") ? try section.double("clip_value", in: 1e-6...1e6) : nil
  }
}

extension Section {
  fileprivate mutating func optimizerRule() throws(ReproError) -> Optimizer.Rule {
    let type = try choice("type", ["adamw", "adam", "sgd", "lars", "lamb"])
    switch type {
    case "sgd":
      return .sgd(
        momentum: Real(try double("momentum", in: 0...0.9999, default: 0.9)),
        nesterov: try bool("nesterov", default: false))
    case "lars":
      return .lars(
        momentum: Real(try double("momentum", in: 0...0.9999, default: 0.9)),
        trust: Real(try double("trust", in: 1e-6...10, default: 1e-3)))
    default:
      let betas = try doubles("betas", count: 2, in: 0...0.99999, default: [0.9, 0.999])
      let epsilon = Real(try double("epsilon", in: 1e-16...1, default: type == "lamb" ? 1e-6 : 1e-8))
      let (beta1, beta2) = (Real(betas[0]), Real(betas[1]))
      switch type {
      case "adam": return .adam(beta1: beta1, beta2: beta2, epsilon: epsilon)
      case "lamb": return .lamb(beta1: beta1, beta2: beta2, epsilon: epsilon)
      default: return .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon)
      }
    }
  }

  fileprivate mutating func learningRate() throws(ReproError) -> LearningRate {
    let peak = try double("lr", in: 0...100)
    let warmup = try double("warmup", in: 0...0.99, default: 0)
    let shapes = ["cosine", "linear", "constant", "step", "exponential", "one-cycle"]
    switch try choice("schedule", shapes, default: "cosine") {
    case "constant": return LearningRate(.constant, peak: peak, warmup: warmup)
    case "step":
      let milestones = try doubles("milestones", in: 0...1)
      return LearningRate(
        .step(milestones: milestones, factor: try double("factor", in: 1e-6...1, default: 0.1)), peak: peak,
        warmup: warmup)
    case "exponential":
      let positive = max(peak, 1e-30)  // a rate of 0 stays 0 for all purposes
      return LearningRate(
        .exponential, peak: positive, final: try double("final_lr", in: 1e-30...100, default: positive / 100),
        warmup: warmup)
    case let shape:
      let final = try double("final_lr", in: 0...100, default: 0)
      return LearningRate(
        shape == "linear" ? .linear : shape == "one-cycle" ? .oneCycle : .cosine, peak: peak, final: final,
        warmup: warmup)
    }
  }

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
