import Glibc
import ReproTensor

/// A learning rate as a function of progress in [0, 1]: a linear warm-up, then one of several ways to fall.
///
/// With warm-up fraction w, progress p and t = (p - w) / (1 - w):
///
///     p < w          start + (peak - start) p / w          (one cycle: along a cosine)
///     constant       peak
///     linear         peak + (final - peak) t
///     cosine         final + (peak - final) (1 + cos(pi t)) / 2
///     one cycle      the same cosine
///     step           peak factor^k,  k the number of milestones (in units of p) that p has reached
///     exponential    peak (final / peak)^t
///
/// - Source: cosine: Loshchilov and Hutter 2016 (arXiv 1608.03983), Eq. 5 without restarts; one cycle: Smith and Topin 2017
///   (arXiv 1708.07120), with the cosines of PyTorch's `OneCycleLR` and without its momentum.
public struct LearningRate: Sendable, Equatable {
  public enum Shape: Sendable, Equatable {
    case constant
    case linear
    case cosine
    case oneCycle
    case step(milestones: [Double], factor: Double)
    case exponential
  }
  public var shape: Shape
  public var peak: Double
  /// What is reached at the end; `constant` and `step` do not look at it.
  public var final: Double
  /// Where the warm-up begins.
  public var start: Double
  /// Fraction of training that warms up, in [0, 1).
  public var warmup: Double

  /// - Parameters:
  ///   - peak: >= 0 (> 0 for `exponential`).
  ///   - final: >= 0 (> 0 for `exponential`).
  ///   - warmup: in [0, 1).
  public init(_ shape: Shape = .cosine, peak: Double, final: Double = 0, start: Double = 0, warmup: Double = 0) {
    require(warmup >= 0 && warmup < 1, "warm-up is a fraction [0, 1) of training, got \(warmup)")
    if case .exponential = shape {
      require(peak > 0 && final > 0, "an exponential rate falls between positive values, got \(peak) to \(final)")
    }
    (self.shape, self.peak, self.final, self.start, self.warmup) = (shape, peak, final, start, warmup)
  }

  public func callAsFunction(_ progress: Double) -> Double {
    if progress < warmup {
      guard shape == .oneCycle else { return start + (peak - start) * progress / warmup }
      return Schedule(from: start, to: peak)(progress / warmup)
    }
    let t = min((progress - warmup) / (1 - warmup), 1)
    switch shape {
    case .constant: return peak
    case .linear: return Schedule(from: peak, to: final, form: .linear)(t)
    case .cosine, .oneCycle: return Schedule(from: peak, to: final)(t)
    case .step(let milestones, let factor):
      return milestones.reduce(peak) { progress >= $1 ? $0 * factor : $0 }
    case .exponential: return peak * pow(final / peak, t)
    }
  }
}
