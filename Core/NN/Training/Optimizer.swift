import ReproTensor

/// An optimizer with the state that it keeps for every parameter; a layer, so that checkpoints save it.
public struct Optimizer: Layer {
  public enum Rule: Sendable, Equatable {
    /// v = momentum v + g + decay w;  w -= rate (nesterov ? g + momentum v : v)
    case sgd(momentum: Real, nesterov: Bool)
    /// Adam with decoupled decay, bias corrected (Loshchilov and Hutter 2017, arXiv 1711.05101, Algorithm 2).
    case adamW(beta1: Real, beta2: Real, epsilon: Real)
    /// Adam with the decay in the gradient, g + decay w, bias corrected (Kingma and Ba 2014, arXiv 1412.6980, Algorithm 1).
    case adam(beta1: Real, beta2: Real, epsilon: Real)
    /// Layer-wise adaptive rates (You et al. 2017, arXiv 1708.03888, Algorithm 1):
    ///
    ///     local = trust |w| / (|g| + decay |w|);  v = momentum v + rate local (g + decay w);  w -= v
    ///
    /// Weights are adapted; biases and gains have local = 1, as in SimCLR and BYOL (arXiv 2006.07733, Section 3.3), and so
    /// has whatever has length 0.
    case lars(momentum: Real, trust: Real)
    /// Adam's direction with a step of the weight's length (You et al. 2019, arXiv 1904.00962, Algorithm 2, phi(z) = z):
    ///
    ///     r = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + decay w;  w -= rate |w| / |r| r
    ///
    /// Weights are adapted; biases and gains take rate r.
    case lamb(beta1: Real, beta2: Real, epsilon: Real)
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
    switch rule {
    case .sgd, .lars: break
    case .adamW, .adam, .lamb: second = shapes.map { .zeros($0) }
    }
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
      case .adam(let beta1, let beta2, let epsilon):
        t.stepAdam(
          gradients[i], &optimizer.first[i], &optimizer.second[i], step: optimizer.step, rate: r, decay: d,
          beta1: beta1, beta2: beta2, epsilon: epsilon)
      case .lars(let momentum, let trust):
        t.stepLARS(
          gradients[i], &optimizer.first[i], rate: r, decay: d, momentum: momentum, trust: trust,
          adapts: role == .weight)
      case .lamb(let beta1, let beta2, let epsilon):
        t.stepLAMB(
          gradients[i], &optimizer.first[i], &optimizer.second[i], step: optimizer.step, rate: r, decay: d,
          beta1: beta1, beta2: beta2, epsilon: epsilon, adapts: role == .weight)
      }
    }
    mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(frozen) }
    mutating func leave() { place.leave() }
  }
}
