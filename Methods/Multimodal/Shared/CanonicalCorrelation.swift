import ReproNN
import ReproTensor

/// Canonical correlation analysis: the directions of two views in which they agree best, in closed form.
///
///     C_aa = A^T A / n + r tr(A^T A / n) / D I,  C_bb alike,  C_ab = A^T B / n          (A, B centred)
///     C_aa^(-1/2) C_ab C_bb^(-1/2) = U diag(rho) V^T
///     x -> (x - mean_a) C_aa^(-1/2) U_k diag(rho_k^p),   y -> (y - mean_b) C_bb^(-1/2) V_k diag(rho_k^p)
///
/// p = 0 is the classical analysis; a power of the correlations makes directions count that agree.
/// - Source: Hotelling 1936, "Relations between two sets of variates"; the power: Gong et al. 2014 (arXiv 1212.4522),
///   Section 3.2.
public struct CanonicalCorrelation: Layer {
  public var meanA, meanB: Tensor  // [1, D]
  public var mapA, mapB: Tensor  // [D, k]
  public var correlations: Tensor  // [k], descending
  /// How many times it was fitted; before the first, both views stay as they are.
  public private(set) var fits = 0

  /// - Parameters:
  ///   - widths: of the two views.
  ///   - dimensions: directions that are kept, at most the smaller width.
  public init(_ widths: (Int, Int), dimensions: Int) {
    require(
      dimensions >= 1 && dimensions <= min(widths.0, widths.1),
      "\(dimensions) directions of views with \(widths.0) and \(widths.1) columns")
    (meanA, meanB) = (.zeros([1, widths.0]), .zeros([1, widths.1]))
    (mapA, mapB) = (.zeros([widths.0, dimensions]), .zeros([widths.1, dimensions]))
    correlations = .zeros([dimensions])
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("mean_a", &meanA, .buffer)
    v("mean_b", &meanB, .buffer)
    v("map_a", &mapA, .buffer)
    v("map_b", &mapB, .buffer)
    v("correlations", &correlations, .buffer)
    v.integer("fits", &fits)
  }

  /// Fits both maps to rows that belong together.
  ///
  /// - Parameters:
  ///   - a, b: `[n, D_a]`, `[n, D_b]`, row i of both the same sample; n > 1.
  ///   - regularization: r > 0, as a share of the mean variance.
  ///   - power: p >= 0.
  public mutating func fit(_ a: Tensor, _ b: Tensor, regularization: Real, power: Real) {
    require(
      a.rank == 2 && b.rank == 2 && a.shape[0] == b.shape[0] && a.shape[0] > 1 && regularization > 0,
      "canonical correlation needs two [n > 1, D] and r > 0, got \(a.shape), \(b.shape), \(regularization)")
    let n = Real(a.shape[0])
    (meanA, meanB) = (a.detached.mean(0, keepsAxis: true), b.detached.mean(0, keepsAxis: true))
    let (x, y) = (a.detached - meanA, b.detached - meanB)
    let (whitenA, whitenB) = (whitening(x, regularization), whitening(y, regularization))
    let shared = matmul(matmul(whitenA, matmul(x.transposed(), y) / n), whitenB)
    let (u, rho, vt) = shared.svd()
    let k = correlations.count
    correlations = rho.slice(0, 0..<k)
    let weight = correlations.pow(power)  // [k]
    mapA = matmul(whitenA, u.slice(1, 0..<k)) * weight
    mapB = matmul(whitenB, vt.slice(0, 0..<k).transposed()) * weight
    fits += 1
  }

  /// C^(-1/2) of centred rows.
  private func whitening(_ x: Tensor, _ regularization: Real) -> Tensor {
    let d = x.shape[1]
    let covariance = matmul(x.transposed(), x) / Real(x.shape[0])
    let variance = x.squared().sum().item / Real(x.count)
    // A view that never changes has no directions; the smallest normal number keeps its inverse finite.
    let ridge: Real = max(regularization * variance, .leastNormalMagnitude.squareRoot())
    let (values, vectors) = covariance.eigh()
    let scale = (values.clamped(0, .greatestFiniteMagnitude) + ridge).rsqrt()
    return matmul(vectors * scale.reshaped([1, d]), vectors.transposed())
  }

  /// Rows of the first view in the common space, `[n, k]`; as they are before the first fit.
  public func first(_ a: Tensor) -> Tensor { fits == 0 ? a : matmul(a - meanA, mapA) }

  /// Rows of the second view in the common space.
  public func second(_ b: Tensor) -> Tensor { fits == 0 ? b : matmul(b - meanB, mapB) }
}
