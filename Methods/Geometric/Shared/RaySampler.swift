import Glibc
import ReproTensor

/// Where along rays a field is asked: evenly at first, then where it seems to be opaque.
///
/// The first samples are even between entry and exit of the unit ball, moved together by one jitter for each ray. Then, in
/// `rounds`, the field at what is known gives weights, with the FIXED sharpness 64 2^i of round i and without gradients, and
/// equally many new samples are placed at the quantiles of these weights.
/// - Source: Wang et al. 2021 (NeuS, arXiv 2106.10689), Section 3.3 and supplement; details as in the authors' code.
struct RaySampler: Sendable {
  let even, important, rounds: Int
  /// How the weights are made from the field: that of the arm that is trained.
  let rendering: Rendering

  /// Samples of a ray.
  var count: Int { even + important }

  /// - Parameters:
  ///   - jitter: one number for each ray, within -0.5 to 0.5 of the first samples' spacing; nil for none.
  ///   - field: distances (or densities) `[N]` at places `[N, 3]`, without history.
  /// - Returns: ascending depths `[R, S]`, constants.
  func depths(_ rays: Rays, jitter: [Double]?, field: (Tensor) -> Tensor) -> Tensor {
    let n = rays.count
    let middles = rays.middles.values
    var lines = (0..<n).map { r -> RayLine in
      let shift = (jitter?[r] ?? 0) * 2 / Double(even)
      return RayLine(
        depths: (0..<even).map { i in
          Double(middles[r]) - 1 + 2 * Double(i) / Double(max(even - 1, 1)) + shift
        })
    }
    func ask(_ added: [[Double]]) -> [[Double]] {
      let width = added[0].count
      let depths = Tensor([n, width], added.flatMap { $0.map { Real($0) } })
      let values = field(rays.places(at: depths)).values
      return (0..<n).map { r in (0..<width).map { Double(values[r * width + $0]) } }
    }
    if important > 0 {
      let values = ask(lines.map(\.depths))
      let origins = rays.origins.values, directions = rays.directions.values
      for r in 0..<n {
        lines[r].values = values[r]
        let o = (0..<3).map { Double(origins[3 * r + $0]) }
        let d = (0..<3).map { Double(directions[3 * r + $0]) }
        lines[r].nearest = (o[0] * o[0] + o[1] * o[1] + o[2] * o[2], o[0] * d[0] + o[1] * d[1] + o[2] * d[2])
      }
      for round in 0..<rounds {
        let sharpness = 64 * Double(1 << round)
        let added = lines.map { $0.quantiles(important / rounds, rendering, sharpness: sharpness) }
        // The last samples are not asked for here: rendering asks at the middles of all sections.
        let values = round + 1 < rounds ? ask(added) : added
        for r in 0..<n { lines[r].insert(added[r], values[r]) }
      }
    }
    return Tensor([n, count], lines.flatMap { $0.depths.map { Real($0) } })
  }

  /// Lengths of the sections that begin at the depths `[R, S]`; the last is as long as the first samples are apart.
  func lengths(of depths: Tensor) -> Tensor {
    let (r, s) = (depths.shape[0], depths.shape[1])
    let last = Tensor.full([r, 1], 2 / Real(even))
    if s == 1 { return last }
    return concat([depths.slice(1, 1..<s) - depths.slice(1, 0..<(s - 1)), last], axis: 1)
  }
}

/// The samples of one ray, ascending, with what the field says there.
struct RayLine {
  var depths: [Double]
  var values: [Double] = []
  /// |o|^2 and o . d, for the distance of a sample from the origin.
  var nearest = (0.0, 0.0)

  private func isInside(_ t: Double) -> Bool { nearest.0 + 2 * t * nearest.1 + t * t < 1 }

  /// The weight of each section between neighbouring samples.
  func weights(_ rendering: Rendering, sharpness s: Double) -> [Double] {
    func logistic(_ u: Double) -> Double { 1 / (1 + exp(-u)) }
    var (result, left, slopeBefore) = ([Double](), 1.0, 0.0)
    for i in 0..<(depths.count - 1) {
      let length: Double = depths[i + 1] - depths[i]
      let middle: Double = (values[i] + values[i + 1]) / 2
      var opacity: Double
      switch rendering {
      case .unbiased:
        let slope: Double = (values[i + 1] - values[i]) / (length + 1e-5)
        // The steeper of this and the section before: robust where a ray passes a thin part.
        var used: Double = min(max(min(slopeBefore, slope), -1000), 0)
        slopeBefore = slope
        if !isInside(depths[i]) && !isInside(depths[i + 1]) { used = 0 }
        let (before, after) = (logistic((middle - used * length / 2) * s), logistic((middle + used * length / 2) * s))
        opacity = (before - after + 1e-5) / (before + 1e-5)
      case .naive:
        let p = logistic(middle * s)
        opacity = 1 - exp(-s * p * (1 - p) * length)
      case .density:
        opacity = 1 - exp(-middle * length)
      }
      opacity = min(max(opacity, 0), 1)
      result.append(opacity * left)
      left *= 1 - opacity + 1e-7
    }
    return result
  }

  /// Depths at evenly spaced quantiles of the weights; between two samples the weight is spread evenly.
  func quantiles(_ count: Int, _ rendering: Rendering, sharpness: Double) -> [Double] {
    let w = weights(rendering, sharpness: sharpness).map { $0 + 1e-5 }
    let total = w.reduce(0, +)
    var ends = [0.0]
    for x in w { ends.append(ends[ends.count - 1] + x / total) }
    var place = 1
    return (0..<count).map { k in
      let u: Double = (Double(k) + 0.5) / Double(count)
      while place < ends.count - 1 && ends[place] <= u { place += 1 }
      let width: Double = ends[place] - ends[place - 1]
      let part: Double = (u - ends[place - 1]) / (width < 1e-5 ? 1 : width)
      return depths[place - 1] + part * (depths[place] - depths[place - 1])
    }
  }

  /// Adds ascending samples.
  mutating func insert(_ newDepths: [Double], _ newValues: [Double]) {
    var (d, v): ([Double], [Double]) = ([], [])
    var i = 0
    for k in newDepths.indices {
      while i < depths.count && depths[i] <= newDepths[k] {
        d.append(depths[i])
        v.append(values[i])
        i += 1
      }
      d.append(newDepths[k])
      v.append(newValues[k])
    }
    (depths, values) = (d + depths[i...], v + values[i...])
  }
}
