import Glibc
import ReproTensor

/// Peak signal-to-noise ratio, decibels, higher is better; infinite for equal images.
///
///     PSNR = 10 log10(peak^2 / mean (a - b)^2)
///
/// - Parameters:
///   - a, b: images of one shape, the same scale.
///   - peak: the largest possible value.
///   - isScored: which elements count, all without it (masked PSNR).
public func psnr(_ a: Tensor, _ b: Tensor, peak: Double = 1, isScored: ((Int) -> Bool)? = nil) -> Double {
  require(a.shape == b.shape && a.count > 0, "PSNR needs two images of one shape, got \(a.shape) and \(b.shape)")
  var (sum, n) = (0.0, 0)
  a.withElements { p in
    b.withElements { q in
      for i in p.indices where isScored?(i) ?? true {
        let d = Double(p[i]) - Double(q[i])
        sum += d * d
        n += 1
      }
    }
  }
  return sum > 0 ? 10 * log10(peak * peak * Double(n) / sum) : .infinity
}

/// Structural similarity with a Gaussian window, averaged over the places where the window fits and over channels.
///
///     SSIM = (2 mu_a mu_b + C1)(2 sigma_ab + C2) / ((mu_a^2 + mu_b^2 + C1)(sigma_a^2 + sigma_b^2 + C2))
///     C1 = (0.01 peak)^2,  C2 = (0.03 peak)^2;  moments under a Gaussian of 11 x 11 pixels, sigma 1.5
///
/// - Parameters:
///   - a, b: `[channels, rows, columns]`, rows and columns at least 11.
///   - peak: the largest possible value.
/// - Returns: -1 to 1; 1 for equal images.
/// - Source: Wang et al. 2004, Eq. 13 and Section III.B (variances divided by the sum of weights, no padding).
public func ssim(_ a: Tensor, _ b: Tensor, peak: Double = 1) -> Double {
  require(
    a.shape == b.shape && a.rank == 3 && a.shape[1] >= 11 && a.shape[2] >= 11,
    "SSIM needs two [channels, rows >= 11, columns >= 11], got \(a.shape) and \(b.shape)")
  let (channels, rows, columns) = (a.shape[0], a.shape[1], a.shape[2])
  let window = gaussianWindow(11, sigma: 1.5)
  let (c1, c2) = (0.0001 * peak * peak, 0.0009 * peak * peak)
  let (p, q) = (a.values.map { Double($0) }, b.values.map { Double($0) })
  var sums = [Double](repeating: 0, count: channels)
  sums.withUnsafeMutableBufferPointer { sums in
    let sums = sums
    ThreadPool.shared.forEach(channels) { c in
      let range = (c * rows * columns)..<((c + 1) * rows * columns)
      let (x, y) = (Array(p[range]), Array(q[range]))
      func filtered(_ value: (Int) -> Double) -> [Double] {
        filteredInside(x.indices.map(value), rows, columns, window)
      }
      let (mx, my) = (filtered { x[$0] }, filtered { y[$0] })
      let (xx, yy, xy) = (filtered { x[$0] * x[$0] }, filtered { y[$0] * y[$0] }, filtered { x[$0] * y[$0] })
      var sum = 0.0
      for i in mx.indices {
        let (m, n) = (mx[i], my[i])
        let top: Double = (2 * m * n + c1) * (2 * (xy[i] - m * n) + c2)
        let bottom: Double = (m * m + n * n + c1) * (xx[i] - m * m + yy[i] - n * n + c2)
        sum += top / bottom
      }
      sums[c] = sum / Double(mx.count)
    }
  }
  return sums.reduce(0, +) / Double(channels)
}

/// The weights of a Gaussian window, sum 1.
func gaussianWindow(_ size: Int, sigma: Double) -> [Double] {
  let raw = (0..<size).map { i -> Double in
    let d = Double(i) - Double(size - 1) / 2
    return exp(-d * d / (2 * sigma * sigma))
  }
  let total = raw.reduce(0, +)
  return raw.map { $0 / total }
}

/// A separable filter at the places where the whole window fits, `[rows, columns] -> [rows - w + 1, columns - w + 1]`.
private func filteredInside(_ x: [Double], _ rows: Int, _ columns: Int, _ window: [Double]) -> [Double] {
  let w = window.count
  let (height, width) = (rows - w + 1, columns - w + 1)
  var along = [Double](repeating: 0, count: rows * width)
  for r in 0..<rows {
    for c in 0..<width {
      var sum = 0.0
      for k in 0..<w { sum += window[k] * x[r * columns + c + k] }
      along[r * width + c] = sum
    }
  }
  var result = [Double](repeating: 0, count: height * width)
  for r in 0..<height {
    for c in 0..<width {
      var sum = 0.0
      for k in 0..<w { sum += window[k] * along[(r + k) * width + c] }
      result[r * width + c] = sum
    }
  }
  return result
}

/// The distance of two images in the features of a frozen encoder of our own, not the published LPIPS.
///
///     d = mean over places of |f_a / |f_a| - f_b / |f_b||^2
///
/// - Parameters: a, b: features of places of both, `[..., D]`.
/// - Returns: 0 to 4, lower is more alike; comparable only between runs that share the encoder.
/// - Source: Zhang et al. 2018 (arXiv 1801.03924), Eq. 1, with equal weights for all channels and one layer.
public func frozenFeatureDistance(_ a: Tensor, _ b: Tensor) -> Double {
  require(a.shape == b.shape && a.rank >= 1, "a feature distance needs one shape, got \(a.shape) and \(b.shape)")
  let squares = (a.l2Normalized() - b.l2Normalized()).squared().sum(-1)
  return squares.withElements { $0.reduce(0.0) { $0 + Double($1) } } / Double(max(squares.count, 1))
}

/// Whether the largest value of a map lies inside a region ("pointing game"); of equal values the first counts.
///
/// - Parameters:
///   - map: `[rows, columns]`; region: of another or the same resolution, `[height, width]`, positive inside. The cell of the
///     maximum is looked up at its centre.
/// - Source: Zhang et al. 2016 (arXiv 1608.00507), Section 4.1; localisation of sounds, Arandjelovic and Zisserman 2018
///   (arXiv 1712.06651), Section 5.
public func pointsInto(_ map: Tensor, region: Tensor) -> Bool {
  require(map.rank == 2 && region.rank == 2, "pointing needs two maps, got \(map.shape) and \(region.shape)")
  let best = map.reshaped([map.count]).argmax().values[0]
  let (row, column) = (best / map.shape[1], best % map.shape[1])
  let y = (2 * row + 1) * region.shape[0] / (2 * map.shape[0])
  let x = (2 * column + 1) * region.shape[1] / (2 * map.shape[1])
  return region.select(0, y).select(0, x).item > 0
}
