import Glibc
import ReproTensor

/// The eigenvalues of the covariance of features, descending, not negative: how much of them varies in how many directions.
///
/// - Parameter x: `[N, D]`, N >= 2; the covariance is divided by N.
/// - Returns: min(N, D) values.
public func covarianceSpectrum(_ x: Tensor) -> [Double] {
  require(x.rank == 2 && x.shape[0] >= 2, "a covariance needs [N >= 2, D], got \(x.shape)")
  let centred = x - x.mean(0)
  let n = x.shape[0]
  let gram = x.shape[1] <= n ? matmul(centred.transposed(), centred) : matmul(centred, centred.transposed())
  return gram.eigh().values.values.map { max(0, Double($0)) / Double(n) }.sorted(by: >)
}

/// The exponential of the entropy of a normalised spectrum: in how many directions it is spread.
///
///     p_i = s_i / sum s;   rank = exp(-sum p_i log p_i)
///
/// - Parameter spectrum: not negative. Eigenvalues of the covariance, or singular values (Roy and Vetterli's choice).
/// - Returns: 1 to the number of values; 0 for a spectrum of zeros.
/// - Source: Roy and Vetterli 2007, Section 2; RankMe of Garrido et al. 2023 (arXiv 2210.02885), Eq. 2, is this of the
///   singular values of features that are not centred.
public func effectiveRank(_ spectrum: [Double]) -> Double {
  let total = spectrum.reduce(0, +)
  guard total > 0 else { return 0 }
  return exp(-spectrum.filter { $0 > 0 }.reduce(0.0) { $0 + $1 / total * log($1 / total) })
}

/// (sum s)^2 / sum s^2 of a spectrum, another count of directions; 0 for a spectrum of zeros.
///
/// - Source: participation ratio, Gao et al. 2017.
public func participationRatio(_ spectrum: [Double]) -> Double {
  let squares = spectrum.reduce(0) { $0 + $1 * $1 }
  let total = spectrum.reduce(0, +)
  return squares > 0 ? total * total / squares : 0
}

/// RankMe: the effective rank of the singular values of features as they are.
///
/// From a decomposition of x itself: roots of the eigenvalues of x^T x would lift rounding from 1e-7 to 3e-4 of the largest
/// value in each empty direction, and so count directions that are not there.
///
/// - Parameter x: `[N, D]`.
public func rankMe(_ x: Tensor) -> Double { effectiveRank(x.singularValues().values.map { Double($0) }) }

/// Signs that features have collapsed.
public struct CollapseIndicators: Sendable {
  /// sqrt(D) times the mean over dimensions of the deviation of unit-length features: 1 for features spread evenly over
  /// the sphere, 0 for one point (Chen and He 2021, SimSiam, arXiv 2011.10566, Section 4.1, times sqrt(D)).
  public let normalizedDeviation: Double
  /// The mean over dimensions of the variance over samples, in units of the features squared.
  public let variance: Double
  /// The share of dimensions whose variance is below a thousandth of the mean one: dead directions.
  public let deadDimensions: Double
  /// The mean cosine of two different samples, -1 to 1; 1 for one point.
  public let meanCosine: Double

  /// - Parameter x: `[N, D]`, N >= 2.
  public init(_ x: Tensor) {
    require(x.rank == 2 && x.shape[0] >= 2, "collapse is seen in [N >= 2, D], got \(x.shape)")
    let (n, d) = (Double(x.shape[0]), Double(x.shape[1]))
    let unit = x.l2Normalized()
    normalizedDeviation = unit.standardDeviation(0).values.reduce(0.0) { $0 + Double($1) } / d * d.squareRoot()
    let variances = x.variance(0).values.map { Double($0) }
    let mean = variances.reduce(0, +) / d
    variance = mean
    deadDimensions = Double(variances.count { $0 <= mean / 1000 }) / d
    // sum_{i != j} <u_i, u_j> = |sum u|^2 - sum |u_i|^2
    let total = unit.sum(0).values.reduce(0.0) { $0 + Double($1) * Double($1) }
    let own = unit.withElements { $0.reduce(0.0) { $0 + Double($1) * Double($1) } }
    meanCosine = (total - own) / (n * (n - 1))
  }
}

/// Log of the mean Gaussian potential of pairs of features on the sphere: lower is more uniform.
///
///     uniformity = log mean_{i < j} exp(-t |u_i - u_j|^2),   u = x / |x|
///
/// - Parameters:
///   - x: `[N, D]`, N >= 2.
///   - t: 2 in the paper.
/// - Returns: -4 t to 0; 0 for one point.
/// - Source: Wang and Isola 2020 (arXiv 2005.10242), Section 4.1.2.
public func uniformity(_ x: Tensor, t: Double = 2) -> Double {
  require(x.rank == 2 && x.shape[0] >= 2, "uniformity needs [N >= 2, D], got \(x.shape)")
  let n = x.shape[0]
  var sums = [Double](repeating: 0, count: n)
  sums.withUnsafeMutableBufferPointer { sums in
    let sums = sums
    forEachSimilarityRow(x, x) { i, row in
      // |u - v|^2 = 2 - 2 cos for vectors of length 1.
      for j in 0..<i { sums[i] += exp(-t * max(0, 2 - 2 * Double(row[j]))) }
    }
  }
  return log(sums.reduce(0, +) / (Double(n) * Double(n - 1) / 2))
}

/// The mean distance of two views of the same sample on the sphere to the power alpha: lower is more aligned.
///
///     alignment = mean_i |u_i - v_i|^alpha,   u, v of length 1
///
/// - Parameters:
///   - a, b: `[N, D]`, row i of both of one sample.
///   - alpha: 2 in the paper.
/// - Returns: 0 to 2^alpha.
/// - Source: Wang and Isola 2020 (arXiv 2005.10242), Section 4.1.1.
public func alignment(_ a: Tensor, _ b: Tensor, alpha: Double = 2) -> Double {
  require(a.shape == b.shape && a.rank == 2, "alignment needs two [N, D], got \(a.shape) and \(b.shape)")
  let squares = (a.l2Normalized() - b.l2Normalized()).squared().sum(-1).values
  return squares.reduce(0.0) { $0 + pow(Double($1), alpha / 2) } / Double(max(squares.count, 1))
}

/// Linear centred kernel alignment of two representations of the same samples, by D x D products.
///
///     CKA = |Y^T X|_F^2 / (|X^T X|_F |Y^T Y|_F),   X, Y centred
///
/// - Parameters: x: `[N, D]`; y: `[N, E]`.
/// - Returns: 0 to 1; 0 where either is constant.
/// - Source: Kornblith et al. 2019 (arXiv 1905.00414), Section 3 and Eq. 3 with linear kernels.
public func linearCKA(_ x: Tensor, _ y: Tensor) -> Double {
  require(
    x.rank == 2 && y.rank == 2 && x.shape[0] == y.shape[0],
    "linearCKA needs [N, D] and [N, E], got \(x.shape), \(y.shape)")
  let (a, b) = (x - x.mean(0), y - y.mean(0))
  func squares(_ p: Tensor, _ q: Tensor) -> Double {
    matmul(p.transposed(), q).withElements { $0.reduce(0.0) { $0 + Double($1) * Double($1) } }
  }
  let own = squares(a, a).squareRoot() * squares(b, b).squareRoot()
  return own > 0 ? squares(a, b) / own : 0
}

/// How far heads look: the mean distance of two places, weighted by attention.
///
///     d_h = mean over images and queries i of sum_j A_hij |p_i - p_j|
///
/// - Parameters:
///   - attention: `[B, H, rows * columns, rows * columns]`, rows of weights that sum to 1 (without the class token).
///   - rows, columns: the grid of places; distances are in places.
/// - Returns: one distance for each head.
/// - Source: Dosovitskiy et al. 2021 (arXiv 2010.11929), Figure 7 and Appendix D.7.
public func attentionDistances(_ attention: Tensor, rows: Int, columns: Int) -> [Double] {
  let n = rows * columns
  require(
    attention.rank == 4 && attention.shape[2] == n && attention.shape[3] == n,
    "attention distances need [B, H, \(n), \(n)], got \(attention.shape)")
  let mean = attention.mean(0)  // [H, N, N]
  let heads = attention.shape[1]
  return mean.withElements { a in
    (0..<heads).map { h in
      var sum = 0.0
      for i in 0..<n {
        for j in 0..<n {
          let (dr, dc) = (Double(i / columns - j / columns), Double(i % columns - j % columns))
          sum += Double(a[(h * n + i) * n + j]) * (dr * dr + dc * dc).squareRoot()
        }
      }
      return sum / Double(n)
    }
  }
}
