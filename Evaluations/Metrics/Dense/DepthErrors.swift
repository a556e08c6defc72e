import Glibc
import ReproTensor

/// The usual errors of a depth map against the truth.
///
///     abs rel = mean |p - t| / t          sq rel   = mean (p - t)^2 / t
///     RMSE = sqrt(mean (p - t)^2)         RMSE log = sqrt(mean (log p - log t)^2)
///     delta_k = share of pixels with max(p / t, t / p) < 1.25^k
///
/// - Source: Eigen et al. 2014 (arXiv 1406.2283), Section 4.
public struct DepthErrors: Sendable, Equatable {
  /// sqRel and rmse carry the unit of the truth (m); the others are pure numbers. Lower is better, but for deltas.
  public var absRel, sqRel, rmse, rmseLog, delta1, delta2, delta3: Double

  /// How a prediction is brought to the truth's scale before it is compared.
  public enum Scaling: String, Sendable, CaseIterable {
    /// Not at all.
    case none
    /// Times median(truth) / median(prediction): for methods that see one moving camera and cannot know the scale
    /// (Zhou et al. 2017, arXiv 1704.07813, Section 4.1).
    case median
    /// Scale and shift of least squares (Ranftl et al. 2020, arXiv 1907.01341, Eq. 4, there in disparity).
    case affine
  }

  /// The errors of one map.
  ///
  /// - Parameters:
  ///   - predicted, truth: pixel by pixel, in the same unit unless a scaling is chosen.
  ///   - range: pixels whose truth lies in it are valid; predictions are clamped to it after scaling.
  ///   - isScored: which of the valid pixels count; all without it. The scale comes from all valid pixels.
  /// - Returns: nil if no pixel counts.
  public init?(
    predicted: [Double], truth: [Double], scaling: Scaling, range: ClosedRange<Double> = 1e-3...80,
    isScored: ((Int) -> Bool)? = nil
  ) {
    require(
      predicted.count == truth.count && range.lowerBound > 0,
      "depth errors need two maps of one size and a range above 0, got \(predicted.count), \(truth.count), \(range)")
    let valid = truth.indices.filter { range.contains(truth[$0]) }
    let (scale, shift) = DepthErrors.fit(valid.map { predicted[$0] }, valid.map { truth[$0] }, scaling)
    let scored = isScored.map { valid.filter($0) } ?? valid
    guard !scored.isEmpty else { return nil }
    var (relative, squaredRelative, squares, logs) = (0.0, 0.0, 0.0, 0.0)
    var within = (0, 0, 0)
    for i in scored {
      let t = truth[i]
      let p = min(max(predicted[i] * scale + shift, range.lowerBound), range.upperBound)
      relative += abs(p - t) / t
      squaredRelative += (p - t) * (p - t) / t
      squares += (p - t) * (p - t)
      let ratio = log(p) - log(t)
      logs += ratio * ratio
      let worse = max(p / t, t / p)
      if worse < 1.25 { within.0 += 1 }
      if worse < 1.5625 { within.1 += 1 }
      if worse < 1.953125 { within.2 += 1 }
    }
    let n = Double(scored.count)
    (absRel, sqRel) = (relative / n, squaredRelative / n)
    (rmse, rmseLog) = ((squares / n).squareRoot(), (logs / n).squareRoot())
    (delta1, delta2, delta3) = (Double(within.0) / n, Double(within.1) / n, Double(within.2) / n)
  }

  /// The mean over maps of each error, as KITTI's benchmark for one camera counts; nil without maps.
  public init?(meanOf maps: [DepthErrors]) {
    guard !maps.isEmpty else { return nil }
    func mean(_ value: (DepthErrors) -> Double) -> Double { maps.reduce(0) { $0 + value($1) } / Double(maps.count) }
    (absRel, sqRel, rmse, rmseLog) = (mean(\.absRel), mean(\.sqRel), mean(\.rmse), mean(\.rmseLog))
    (delta1, delta2, delta3) = (mean(\.delta1), mean(\.delta2), mean(\.delta3))
  }

  private static func fit(_ predicted: [Double], _ truth: [Double], _ scaling: Scaling) -> (Double, Double) {
    switch scaling {
    case .none: return (1, 0)
    case .median:
      guard let p = median(predicted), let t = median(truth), p != 0 else { return (1, 0) }
      return (t / p, 0)
    case .affine:
      let n = Double(max(predicted.count, 1))
      let (mp, mt) = (predicted.reduce(0, +) / n, truth.reduce(0, +) / n)
      var (pp, pt) = (0.0, 0.0)
      for (p, t) in zip(predicted, truth) {
        pp += (p - mp) * (p - mp)
        pt += (p - mp) * (t - mt)
      }
      let scale = pp > 0 ? pt / pp : 0
      return (scale, mt - scale * mp)
    }
  }
}

/// Angles between predicted and true surface normals, degrees.
public struct NormalErrors: Sendable, Equatable {
  /// Degrees, lower is better.
  public var mean, median, rms: Double
  /// Shares of pixels below 11.25, 22.5 and 30 degrees.
  public var within11, within22, within30: Double

  /// - Parameter angles: degrees; nil without any.
  /// - Source: Fouhey et al. 2013, the measures of NYUv2.
  public init?(angles: [Double]) {
    guard let middle = Evaluations.median(angles) else { return nil }
    let n = Double(angles.count)
    mean = angles.reduce(0, +) / n
    median = middle
    rms = (angles.reduce(0) { $0 + $1 * $1 } / n).squareRoot()
    func share(_ limit: Double) -> Double { Double(angles.count { $0 < limit }) / n }
    (within11, within22, within30) = (share(11.25), share(22.5), share(30))
  }
}

/// The angle of each pair of rows, degrees in 0...180; 90 where either has length 0.
///
/// - Parameters: a, b: `[N, D]`.
public func anglesBetween(_ a: Tensor, _ b: Tensor) -> [Double] {
  require(a.shape == b.shape && a.rank == 2, "angles need two [N, D], got \(a.shape) and \(b.shape)")
  let d = a.shape[1]
  return a.withElements { p in
    b.withElements { q in
      (0..<a.shape[0]).map { i in
        var (pq, pp, qq) = (0.0, 0.0, 0.0)
        for k in (i * d)..<((i + 1) * d) {
          pq += Double(p[k]) * Double(q[k])
          pp += Double(p[k]) * Double(p[k])
          qq += Double(q[k]) * Double(q[k])
        }
        let length = pp.squareRoot() * qq.squareRoot()
        return length > 0 ? acos(max(-1, min(1, pq / length))) * 180 / .pi : 90
      }
    }
  }
}

/// Errors of optical flow.
public struct FlowErrors: Sendable, Equatable {
  /// End-point error, the mean length of the difference, pixels.
  public var endPoint: Double
  /// The share of pixels that are off by more than 3 pixels and more than 5 % of the true length (KITTI's Fl).
  public var outliers: Double

  /// - Parameters:
  ///   - predicted, truth: `[N, 2]`, pixels.
  ///   - isValid: which pixels count; all without it.
  /// - Returns: nil if none counts.
  /// - Source: Otte and Nagel 1994 (end-point error); Menze and Geiger 2015 (Fl).
  public init?(predicted: Tensor, truth: Tensor, isValid: ((Int) -> Bool)? = nil) {
    require(
      predicted.shape == truth.shape && truth.rank == 2 && truth.shape[1] == 2,
      "flow errors need two [N, 2], got \(predicted.shape) and \(truth.shape)")
    let (p, t) = (predicted.values, truth.values)
    var (sum, bad, n) = (0.0, 0, 0)
    for i in 0..<truth.shape[0] where isValid?(i) ?? true {
      let (dx, dy) = (Double(p[2 * i]) - Double(t[2 * i]), Double(p[2 * i + 1]) - Double(t[2 * i + 1]))
      let error = (dx * dx + dy * dy).squareRoot()
      let length = (Double(t[2 * i]) * Double(t[2 * i]) + Double(t[2 * i + 1]) * Double(t[2 * i + 1])).squareRoot()
      sum += error
      if error > 3, error > 0.05 * length { bad += 1 }
      n += 1
    }
    guard n > 0 else { return nil }
    (endPoint, outliers) = (sum / Double(n), Double(bad) / Double(n))
  }
}
