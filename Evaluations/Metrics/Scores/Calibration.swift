import Glibc
import ReproTensor

/// Whether probabilities mean what they say.
public struct Calibration: Sendable {
  /// One bin of confidences.
  public struct Bin: Sendable {
    public var count = 0
    /// Sums over the samples of the bin.
    public var confidence = 0.0
    public var right = 0
  }

  public let bins: [Bin]
  private let count: Int

  /// - Parameters:
  ///   - confidences: probability of the predicted class, 0 to 1.
  ///   - isRight: whether that class is the truth.
  ///   - bins: number of bins of equal width, (i/B, (i+1)/B]; 0 belongs to the first.
  /// - Source: Guo et al. 2017 (arXiv 1706.04599), Eq. 3, with 15 bins there.
  public init(confidences: [Double], isRight: [Bool], bins count: Int = 15) {
    require(
      confidences.count == isRight.count && count >= 1,
      "calibration needs a truth for each of \(confidences.count) confidences and a bin")
    var bins = [Bin](repeating: Bin(), count: count)
    for (c, right) in zip(confidences, isRight) {
      let b = min(count - 1, max(0, Int((c * Double(count)).rounded(.up)) - 1))
      bins[b].count += 1
      bins[b].confidence += c
      if right { bins[b].right += 1 }
    }
    self.bins = bins
    self.count = confidences.count
  }

  /// Gaps |accuracy - confidence| of the bins that have samples, with their share of all samples.
  private var gaps: [(share: Double, gap: Double)] {
    bins.filter { $0.count > 0 }.map {
      (Double($0.count) / Double(max(count, 1)), abs(Double($0.right) - $0.confidence) / Double($0.count))
    }
  }

  /// Expected calibration error, sum_b n_b/N |accuracy_b - confidence_b|; 0 to 1, lower is better.
  public var expectedError: Double { gaps.reduce(0) { $0 + $1.share * $1.gap } }

  /// The largest gap of a bin; 0 to 1, lower is better.
  public var maximumError: Double { gaps.map(\.gap).max() ?? 0 }
}

/// The mean squared error of class probabilities, 1/N sum_i sum_c (p_ic - [y_i = c])^2; 0 to 2, lower is better.
///
/// - Parameter probabilities: `[N, C]`.
/// - Source: Brier 1950, his sum over all classes; for two classes twice what scikit-learn's brier_score_loss gives.
public func brierScore(_ probabilities: Tensor, _ truth: [Int]) -> Double {
  let (n, classes) = (probabilities.shape[0], probabilities.shape[1])
  require(n == truth.count, "\(truth.count) classes for probabilities \(probabilities.shape)")
  let sum = probabilities.withElements { p in
    (0..<n).reduce(0.0) { total, i in
      total
        + (0..<classes).reduce(0.0) { sum, c in
          let d = Double(p[i * classes + c]) - (c == truth[i] ? 1 : 0)
          return sum + d * d
        }
    }
  }
  return sum / Double(max(n, 1))
}

/// The mean negative log likelihood of the true classes under softmax(logits / temperature), nats; lower is better.
///
/// - Parameter logits: `[N, C]`.
public func negativeLogLikelihood(_ logits: Tensor, _ truth: [Int], temperature: Double = 1) -> Double {
  let (n, classes) = (logits.shape[0], logits.shape[1])
  require(n == truth.count, "\(truth.count) classes for logits \(logits.shape)")
  let sum = logits.withElements { z in
    (0..<n).reduce(0.0) { total, i in
      let row = (0..<classes).map { Double(z[i * classes + $0]) / temperature }
      let top = row.max() ?? 0
      return total + top + log(row.reduce(0.0) { $0 + exp($1 - top) }) - row[truth[i]]
    }
  }
  return sum / Double(max(n, 1))
}

/// The temperature that makes logits most likely, by golden section over log T in [log 0.05, log 20].
///
/// - Source: Guo et al. 2017 (arXiv 1706.04599), Section 4.2, who minimise the same loss.
public func calibratingTemperature(_ logits: Tensor, _ truth: [Int]) -> Double {
  let ratio = (5.0.squareRoot() - 1) / 2
  func loss(_ t: Double) -> Double { negativeLogLikelihood(logits, truth, temperature: exp(t)) }
  var (low, high) = (log(0.05), log(20.0))
  var (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
  var (fa, fb) = (loss(a), loss(b))
  for _ in 0..<60 {
    if fa <= fb {
      (high, b, fb) = (b, a, fa)
      a = high - ratio * (high - low)
      fa = loss(a)
    } else {
      (low, a, fa) = (a, b, fb)
      b = low + ratio * (high - low)
      fb = loss(b)
    }
  }
  return exp((low + high) / 2)
}
