import ReproTensor

/// How each parameter's learning rate and weight decay differ from the common ones.
///
/// The default decays weights only: no bias, no gain (the usual rule for transformers).
public struct ParameterScaling: Sendable {
  /// Factors of the learning rate and of the weight decay.
  public typealias Factors = (rate: Real, decay: Real)
  private let rule: @Sendable (ParameterInfo) -> Factors
  /// Whether it is `standard`, which asks for no names.
  private(set) var isStandard = false

  public init(_ rule: @escaping @Sendable (ParameterInfo) -> Factors) { self.rule = rule }

  public static let standard: ParameterScaling = {
    var scaling = ParameterScaling { (1, $0.role == .weight ? 1 : 0) }
    scaling.isStandard = true
    return scaling
  }()

  public func callAsFunction(_ p: ParameterInfo) -> Factors { rule(p) }
}

/// An optimizer with the state that it keeps for every parameter; a layer, so that checkpoints save it.
public struct Optimizer: Layer {
  public enum Rule: Sendable, Equatable {
    /// v = momentum v + g + decay w;  w -= rate (nesterov ? g + momentum v : v)
    case sgd(momentum: Real, nesterov: Bool)
    /// Adam with decoupled decay, bias corrected (Loshchilov and Hutter 2017, arXiv 1711.05101, Algorithm 2).
    case adamW(beta1: Real, beta2: Real, epsilon: Real)
  }

  public let rule: Rule
  /// Updates made so far.
  public private(set) var step = 0
  private var first: [Tensor] = []
  private var second: [Tensor] = []

  public init(_ rule: Rule) { self.rule = rule }

  /// An optimizer with its state laid out for a layer, so that a checkpoint can be read into it.
  public init(_ rule: Rule, for layer: some Layer) {
    self.rule = rule
    prepare(layer.trainedParameters(named: false).map(\.shape))
  }

  /// An optimizer with state of the given shapes, to be filled from a checkpoint.
  public init(_ rule: Rule, first: [Shape], second: [Shape]) {
    self.rule = rule
    self.first = first.map { .zeros($0) }
    self.second = second.map { .zeros($0) }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v.integer("step", &step)
    for i in first.indices {
      v.enter("first", i, frozen: false)
      v("moment", &first[i], .buffer)
      v.leave()
    }
    for i in second.indices {
      v.enter("second", i, frozen: false)
      v("moment", &second[i], .buffer)
      v.leave()
    }
  }

  private mutating func prepare(_ shapes: [Shape]) {
    guard first.isEmpty else { return }
    first = shapes.map { .zeros($0) }
    if case .adamW = rule { second = shapes.map { .zeros($0) } }
  }

  /// One update of the trained parameters of a layer.
  ///
  /// - Parameters:
  ///   - gradients: in the order of `visit`, from `valueAndGradients(of:)` of the same layer.
  ///   - rate: the learning rate now.
  ///   - decay: the weight decay now.
  public mutating func update<L: Layer>(
    _ layer: inout L, _ gradients: Gradients, rate: Real, decay: Real = 0, scaling: ParameterScaling = .standard
  ) {
    let trained = layer.trainedParameters(named: !scaling.isStandard)
    require(
      trained.count == gradients.values.count,
      "an update needs a gradient for each of \(trained.count) parameters, got \(gradients.values.count)")
    prepare(trained.map(\.shape))
    require(
      first.count == trained.count, "the optimizer has state for \(first.count) parameters, the layer \(trained.count)")
    step += 1
    var updater = Updater(
      optimizer: self, gradients: gradients.values, factors: trained.map { scaling($0) }, rate: rate, decay: decay)
    (first, second) = ([], [])  // the updater holds the only reference and writes in place
    Profile.measure("optimizer") { layer.visit(&updater) }
    (first, second) = (updater.optimizer.first, updater.optimizer.second)
  }

  private struct Updater: LayerVisitor {
    var optimizer: Optimizer
    let gradients: [Tensor]
    let factors: [ParameterScaling.Factors]
    let rate, decay: Real
    var next = 0
    var place = FrozenDepth()

    mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
      guard role != .buffer, !place.isFrozen else { return }
      let i = next
      next += 1
      let (rateFactor, decayFactor) = factors[i]
      let (r, d) = (rate * rateFactor, decay * decayFactor)
      switch optimizer.rule {
      case .sgd(let momentum, let nesterov):
        t.stepSGD(gradients[i], &optimizer.first[i], rate: r, decay: d, momentum: momentum, nesterov: nesterov)
      case .adamW(let beta1, let beta2, let epsilon):
        t.stepAdamW(
          gradients[i], &optimizer.first[i], &optimizer.second[i], step: optimizer.step, rate: r, decay: d,
          beta1: beta1, beta2: beta2, epsilon: epsilon)
      }
    }
    mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(frozen) }
    mutating func leave() { place.leave() }
  }
}

extension Gradients {
  /// Scaled so that the norm is at most `limit`; gives the norm before.
  public mutating func clip(to limit: Real) -> Real {
    let length = norm
    if length > limit {
      let factor = limit / (length + 1e-6)
      values = values.map { $0 * factor }
    }
    return length
  }

  /// The same for each group of parameters by itself: `group` names the group of a parameter. Gives the largest norm.
  public mutating func clip(to limit: Real, layer: some Layer, by group: (ParameterInfo) -> String) -> Real {
    let names = layer.trainedParameters(named: true).map(group)
    var order: [String] = []
    for name in names where !order.contains(name) { order.append(name) }
    var largest: Real = 0
    for name in order {
      let members = names.indices.filter { names[$0] == name }
      var part = Gradients(members.map { values[$0] })
      largest = max(largest, part.clip(to: limit))
      for (k, i) in members.enumerated() { values[i] = part.values[k] }
    }
    return largest
  }
}
