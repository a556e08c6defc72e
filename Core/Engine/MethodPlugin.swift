import ReproConfig
import ReproData
import ReproNN
import ReproTensor

/// The five families of methods; the studies that run other papers' methods; the baselines that several of them share.
public enum Family: String, Sendable, CaseIterable {
  case contrastive, distillation, masked, geometric, multimodal, evaluation, baseline
}

/// A method's page in the catalogue.
public struct MethodCard: Sendable {
  /// kebab-case; what recipes write under `method.type`.
  public var id: String
  public var title: String
  public var year: Int
  /// arXiv number, or nil for what is not on arXiv.
  public var arxiv: String?
  public var family: Family
  /// Whether training may see the labels of the training split.
  public var isSupervised: Bool

  public init(id: String, title: String, year: Int, arxiv: String?, family: Family, isSupervised: Bool = false) {
    (self.id, self.title, self.year, self.arxiv, self.family) = (id, title, year, arxiv, family)
    self.isSupervised = isSupervised
  }
}

/// Named numbers of one training step, in the order in which they are shown; the first is the loss that is minimised.
public struct Metrics: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public private(set) var items: [(name: String, value: Double)] = []

  public init(dictionaryLiteral elements: (String, Real)...) { for (name, value) in elements { self[name] = value } }

  public subscript(name: String) -> Real? {
    get { items.first { $0.name == name }.map { Real($0.value) } }
    set {
      items.removeAll { $0.name == name }
      if let newValue { items.append((name, Double(newValue))) }
    }
  }

  /// Adds a number behind the others.
  public mutating func append(_ name: String, _ value: Double) { items.append((name, value)) }

  /// The same numbers with the named one in front.
  public func leading(_ name: String) -> Metrics {
    var result = self
    result.items = items.filter { $0.name == name } + items.filter { $0.name != name }
    return result
  }

  public static func == (a: Metrics, b: Metrics) -> Bool {
    a.items.elementsEqual(b.items) { $0.name == $1.name && $0.value.bitPattern == $1.value.bitPattern }
  }
}

/// What a frozen encoder says about samples.
public struct Features: Sendable {
  /// One vector per sample, `[B, D]`.
  public var global: Tensor
  /// One vector per place of a grid, `[B, rows, columns, D]`; nil for encoders without places.
  public var dense: Tensor?
  /// What else the method says about each sample, by name, each `[B, ...]`: `depth`, `text`, `audio`, `logits`, `joints`.
  /// An evaluation that needs one names it and refuses a method without it.
  public var outputs: [String: Tensor]
  public init(global: Tensor, dense: Tensor? = nil, outputs: [String: Tensor] = [:]) {
    (self.global, self.dense, self.outputs) = (global, dense, outputs)
  }
}

/// A method of a paper: what is trained, one step of its training, and what evaluations see of it.
///
/// A step has full control: adversarial pairs, clustering phases, teachers, queues, environments and scenes without a data set
/// all fit, because the state is one value (any layer) and `context` offers data, randomness and updates without asking for
/// any of them. Methods never see a test split, and see labels only if their card says that they are supervised.
public protocol MethodPlugin: Sendable {
  /// Everything that must be saved: networks, teacher, queue, counters.
  associatedtype State: Layer
  static var card: MethodCard { get }
  init(_ options: inout Section) throws(ReproError)
  func makeState(for data: DataSpec, random: RandomStream) throws -> State
  /// One optimisation step; returns what it measured, the loss first.
  func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics
  /// Frozen features of a batch, deterministic.
  func embed(_ state: State, _ batch: Batch) throws -> Features
}

/// What one training step may use.
public struct StepContext: Sendable {
  /// The stage's name in the recipe.
  public let stage: String
  /// This step, counted from 0, of how many in the stage.
  public let step, steps: Int
  /// The stream of this step; views, masks and dropout draw from its children.
  public let random: RandomStream
  /// Into how many micro-shards a batch is cut.
  public let shards: Int
  /// Whether shards are encoded twice instead of keeping all their graphs: memory for time, never other bits.
  public let recomputes: Bool
  /// The training split, for what looks at more than a batch (clustering, memory banks by sample); nil without a data set.
  public let data: TrainingData?
  /// Samples in a batch; 0 without a data set.
  public let batchSize: Int
  let plan: OptimizerPlan
  /// Plans of optimizers that differ from `plan`, by name.
  let plans: [String: OptimizerPlan]
  var optimizers: [NamedOptimizer]
  /// The first parameter whose gradient was not finite in this step; the update was not made, and the run stops.
  public internal(set) var nonFiniteGradient: String?

  struct NamedOptimizer: Sendable {
    let name: String
    var optimizer: Optimizer
  }

  /// A context outside of a run, for tests and for programs that drive a method themselves.
  ///
  /// - Parameters:
  ///   - plan: the optimizer of the stage.
  ///   - plans: optimizers of other plans, by the name that `update(_:_:optimizer:)` is given.
  public init(
    stage: String = "train", step: Int, steps: Int, random: RandomStream, data: TrainingData? = nil, batchSize: Int = 0,
    shards: Int = 1, recomputes: Bool = false, plan: OptimizerPlan = .constant(rate: 1e-3),
    plans: [String: OptimizerPlan] = [:]
  ) {
    self.init(
      stage: stage, step: step, steps: steps, random: random, data: data, batchSize: batchSize, shards: shards,
      recomputes: recomputes, plan: plan, plans: plans, optimizers: [])
  }

  init(
    stage: String, step: Int, steps: Int, random: RandomStream, data: TrainingData?, batchSize: Int, shards: Int,
    recomputes: Bool, plan: OptimizerPlan, plans: [String: OptimizerPlan], optimizers: [NamedOptimizer]
  ) {
    require(shards >= 1, "a batch has at least one micro-shard, got \(shards)")
    (self.stage, self.step, self.steps, self.random) = (stage, step, steps, random)
    (self.data, self.batchSize, self.shards, self.recomputes) = (data, batchSize, shards, recomputes)
    (self.plan, self.plans, self.optimizers) = (plan, plans, optimizers)
  }

  /// Progress of the stage, `step / steps`, in [0, 1).
  public var progress: Double { Double(step) / Double(max(steps, 1)) }

  /// The next step's context, with the optimizers' states of this one; for programs that drive a method themselves.
  public func next(random: RandomStream) -> StepContext {
    StepContext(
      stage: stage, step: step + 1, steps: steps, random: random, data: data, batchSize: batchSize, shards: shards,
      recomputes: recomputes, plan: plan, plans: plans, optimizers: optimizers)
  }

  /// This step's samples of the training split: each epoch visits all of them once, in an order drawn from the seed.
  public func batch() throws -> Batch {
    guard let data, batchSize > 0 else {
      requirementFailed("stage '\(stage)' has no data or no batch size; its method asks for a batch")
    }
    return try data.batch(step: step, size: batchSize)
  }

  /// This step's samples, of some of the training split alone.
  public func batch(among places: [Int]) throws -> Batch {
    guard let data, batchSize > 0 else {
      requirementFailed("stage '\(stage)' has no data or no batch size; its method asks for a batch")
    }
    return try data.batch(step: step, size: batchSize, among: places)
  }

  /// One update of a part of the state by the stage's optimizer, at this step's learning rate and decay.
  ///
  /// - Parameters:
  ///   - name: which optimizer: one name for each part that is updated by itself. It has its own state, and its own plan
  ///     where the recipe gives one under this name (`optimizers: {critic: {...}}`), else the stage's.
  ///   - scaling: factors of single parameters.
  ///   - clipGroup: groups of parameters whose gradients are clipped together; all of them without it.
  /// - Returns: the gradient norm before clipping (of the group with the largest); infinity for a gradient that is not finite,
  ///   with which no update is made.
  @discardableResult
  public mutating func update<L: Layer>(
    _ layer: inout L, _ gradients: Gradients, optimizer name: String = "main", scaling: ParameterScaling = .standard,
    clipGroup: ((ParameterInfo) -> String)? = nil
  ) -> Real {
    let plan = plans[name] ?? plan
    if let bad = gradients.firstNonFinite(of: layer) {
      // The parameters stay as they are, so that what is saved shows the state that led here.
      nonFiniteGradient = nonFiniteGradient ?? "\(bad) (optimizer \(name))"
      return .infinity
    }
    var gradients = gradients
    if let limit = plan.clipValue { gradients.clip(toValue: Real(limit)) }
    let norm: Real
    if let limit = plan.clip {
      if let clipGroup {
        norm = gradients.clip(to: Real(limit), layer: layer, by: clipGroup)
      } else {
        norm = gradients.clip(to: Real(limit))
      }
    } else {
      norm = gradients.norm
    }
    if !optimizers.contains(where: { $0.name == name }) {
      optimizers.append(NamedOptimizer(name: name, optimizer: Optimizer(plan.rule, for: layer)))
    }
    for i in optimizers.indices where optimizers[i].name == name {
      optimizers[i].optimizer.update(
        &layer, gradients, rate: Real(plan.rate(progress)), decay: Real(plan.decay(progress)), scaling: scaling)
    }
    return norm
  }
}
