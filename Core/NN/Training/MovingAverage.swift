import ReproTensor

/// How a moving average's rate changes.
public enum AverageRate: Sendable, Equatable {
  /// A function of progress in [0, 1], as the teachers of BYOL and DINO use it.
  case scheduled(Schedule)
  /// min(limit, (1 + t) / (10 + t)) after t updates, so that the start is forgotten soon.
  case warmedUp(limit: Double)
  /// t / (t + 1): the plain mean of all values so far (Polyak averaging).
  case uniform

  /// The rate of an update.
  ///
  /// - Parameters:
  ///   - updates: how many came before, t.
  ///   - progress: of training, in [0, 1].
  public func callAsFunction(updates: Int, progress: Double) -> Double {
    switch self {
    case .scheduled(let schedule): schedule(progress)
    case .warmedUp(let limit): min(limit, Double(1 + updates) / Double(10 + updates))
    case .uniform: Double(updates) / Double(updates + 1)
    }
  }
}

/// A copy of a layer that follows it as a moving average: saved with it, never trained.
///
///     average := rate * average + (1 - rate) * layer;   buffers and whole numbers are copied
///
/// - Source: Polyak and Juditsky 1992; as a teacher Tarvainen and Valpola 2017 (arXiv 1703.01780).
public struct MovingAverage<L: Layer>: Layer {
  public private(set) var value: L
  /// Updates so far.
  public private(set) var updates = 0
  let rate: AverageRate

  /// An average that begins as the layer itself.
  public init(of layer: L, rate: AverageRate) {
    value = layer
    self.rate = rate
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("value", &value, frozen: true)
    v.integer("updates", &updates)
  }

  /// Follows the layer after an update of it; progress is that of training, in [0, 1].
  public mutating func follow(_ layer: L, progress: Double = 0) {
    value.average(with: layer, rate: Real(rate(updates: updates, progress: progress)))
    updates += 1
  }
}
