import Glibc
import ReproTensor

/// A number that changes over training, as a function of progress in [0, 1].
///
///     linear: from + (to - from) t     cosine: to + (from - to) (1 + cos(pi t)) / 2     t = min(progress / over, 1)
public struct Schedule: Sendable, Equatable {
  public enum Form: String, Sendable, CaseIterable { case linear, cosine }
  public var from: Double
  public var to: Double
  /// The fraction of training after which `to` is reached.
  public var over: Double
  public var form: Form

  public init(from: Double, to: Double, over: Double = 1, form: Form = .cosine) {
    require(over > 0 && over <= 1, "a schedule runs over a fraction (0, 1] of training, got \(over)")
    (self.from, self.to, self.over, self.form) = (from, to, over, form)
  }

  public static func constant(_ value: Double) -> Schedule { Schedule(from: value, to: value) }

  public func callAsFunction(_ progress: Double) -> Double {
    let t = min(max(progress / over, 0), 1)
    switch form {
    case .linear: return from + (to - from) * t
    case .cosine: return to + (from - to) * (1 + cos(Double.pi * t)) / 2
    }
  }
}
