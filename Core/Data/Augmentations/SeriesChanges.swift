import Glibc
import ReproTensor

/// Changes of series of samples, `[T, C]`: sensors, sounds, joints, features of frames.
public enum SeriesChange {
  /// Values of a series at fractional places, linearly between neighbours, the ends repeated.
  static func sampled(_ series: Tensor, at places: [Double]) -> Tensor {
    let n = series.shape[0]
    require(n > 0, "an empty series cannot be resampled")
    let first = places.map { min(max(0, Int($0.rounded(.down))), n - 1) }
    let second = first.map { min($0 + 1, n - 1) }
    let extents = [places.count] + [Int](repeating: 1, count: series.rank - 1)
    let part = Tensor(Shape(extents), zip(places, first).map { Real(min(max(0, $0 - Double($1)), 1)) })
    return series.gathered(IndexTensor(first)) * (1 - part) + series.gathered(IndexTensor(second)) * part
  }

  /// The series `factor` times as fast: `T / factor` samples, rounded.
  ///
  /// - Parameter factor: > 0.
  public static func speed(_ series: Tensor, factor: Double) -> Tensor {
    require(factor > 0 && series.rank >= 1, "a speed is positive, got \(factor)")
    let n = series.shape[0]
    let count = max(1, Int((Double(n) / factor).rounded()))
    return sampled(series, at: (0..<count).map { Double($0) * factor })
  }

  /// Time runs faster and slower by turns: a smooth, rising curve through `knots` speeds drawn around 1.
  ///
  ///     t'(i) = (T - 1) sum_{j < i} v_j / sum_j v_j,   v the cosine interpolation of the knots
  ///
  /// - Parameters:
  ///   - knots: inner points, at least 1.
  ///   - deviation: of the speeds (0.2 in the paper); they are kept above 0.1.
  /// - Source: Um et al. 2017 (arXiv 1706.00527), Section III; they interpolate by cubic splines.
  public static func timeWarp(_ series: Tensor, knots: Int = 4, deviation: Double = 0.2, random: RandomStream) -> Tensor
  {
    let n = series.shape[0]
    require(knots >= 1 && deviation >= 0 && series.rank >= 1, "a time warp needs at least one knot, got \(knots)")
    guard n > 2 else { return series }
    var stream = random
    let speeds = (0..<(knots + 2)).map { _ in max(0.1, 1 + deviation * Double(stream.standardNormal())) }
    let own = (0..<(n - 1)).map { i -> Double in
      let at = Double(i) / Double(n - 2) * Double(knots + 1)
      let k = min(Int(at), knots)
      let blend = (1 - cos((at - Double(k)) * .pi)) / 2
      return speeds[k] * (1 - blend) + speeds[k + 1] * blend
    }
    let total = own.reduce(0, +)
    var place = 0.0
    var places = [0.0]
    for v in own {
      place += v
      places.append(place / total * Double(n - 1))
    }
    return sampled(series, at: places)
  }

  /// A window of `count` samples from a place drawn evenly.
  public static func window(_ series: Tensor, count: Int, random: RandomStream) -> Tensor {
    let n = series.shape[0]
    require(count > 0 && count <= n, "a window of \(count) is not inside of \(n) samples")
    var stream = random
    let first = stream.integer(below: n - count + 1)
    return series.slice(0, first..<(first + count))
  }

  /// Noise from a normal added to every number, and every channel times a factor from a normal around 1.
  public static func jittered(
    _ series: Tensor, noise: Double, scaling: Double, random: RandomStream
  ) -> Tensor {
    var (a, b) = (random.child("noise"), random.child("scaling"))
    let factors = b.normal([series.shape[-1]], deviation: Real(scaling), mean: 1)
    return series * factors + a.normal(series.shape, deviation: Real(noise))
  }

  /// The series cut into equal parts that change places: what came when is to be guessed.
  ///
  /// - Parameters:
  ///   - parts: at least 1; samples beyond `parts` equal ones are left out.
  ///   - orders: what is drawn from; the label is the place in the list.
  /// - Source: Misra et al. 2016 (arXiv 1603.08561) and Lee et al. 2017 (arXiv 1708.01246): the order of frames.
  public static func reordered(
    _ series: Tensor, parts: Int, orders: [[Int]], random: RandomStream
  ) -> (series: Tensor, label: Int) {
    let length = series.shape[0] / max(parts, 1)
    require(
      parts >= 1 && length >= 1 && !orders.isEmpty && orders.allSatisfy { $0.sorted() == Array(0..<parts) },
      "\(series.shape[0]) samples are reordered in \(parts) parts by orders of them")
    var stream = random
    let label = stream.integer(below: orders.count)
    let rows = orders[label].flatMap { part in (0..<length).map { part * length + $0 } }
    return (series.gathered(IndexTensor(rows)), label)
  }
}

/// Changes of spectrograms, `[F, T]`: bands of frequencies and spans of time are hidden, time is warped.
///
/// - Source: Park et al. 2019 (SpecAugment, arXiv 1904.08779), Section 2.
public struct SpecAugment: Sendable, Equatable {
  /// Greatest shift of the warp's centre, frames (W).
  public var warp = 0
  /// Bands, and the greatest number of frequencies of one (m_F, F).
  public var bands = 2, bandWidth = 27
  /// Spans, and the greatest number of frames of one (m_T, T); no more than `largestPart` of all frames.
  public var spans = 2, spanWidth = 100
  public var largestPart = 1.0

  public init() {}

  /// The changed spectrogram; what is hidden becomes `value`.
  public func callAsFunction(_ x: Tensor, value: Real = 0, random: RandomStream) -> Tensor {
    require(x.rank == 2, "a spectrogram is [F, T], got \(x.shape)")
    let (f, t) = (x.shape[0], x.shape[1])
    var y = x
    if warp > 0, t > 2 * warp {
      var stream = random.child("warp")
      let centre = Double(warp + stream.integer(below: t - 2 * warp))
      let target = centre + Double(stream.integer(below: 2 * warp + 1) - warp)
      let end = Double(t - 1)
      let places = (0..<t).map { i -> Double in
        let at = Double(i)
        if at <= target { return target > 0 ? at / target * centre : centre }
        return target < end ? centre + (at - target) / (end - target) * (end - centre) : end
      }
      y = SeriesChange.sampled(x.transposed(), at: places).transposed()
    }
    func hidden(_ n: Int, _ count: Int, _ most: Int, _ name: String) -> [Bool] {
      var mask = [Bool](repeating: false, count: n)
      for k in 0..<count {
        var stream = random.child(name, k)
        let width = min(n, stream.integer(below: most + 1))
        let first = stream.integer(below: n - width + 1)
        for i in first..<(first + width) { mask[i] = true }
      }
      return mask
    }
    let rows = hidden(f, bands, bandWidth, "band")
    let columns = hidden(t, spans, min(spanWidth, Int(largestPart * Double(t))), "span")
    let mask = Tensor([f, t]) { out in
      for i in 0..<f { for j in 0..<t { out[i * t + j] = rows[i] || columns[j] ? 1 : 0 } }
    }
    return select(mask, Tensor(value), y)
  }
}
