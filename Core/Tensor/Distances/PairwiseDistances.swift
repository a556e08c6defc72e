// Distances between all rows of two sets, and norms.

/// How squared distances of all pairs are computed.
public enum DistanceMethod: Sendable {
  /// sum_d (a_d - b_d)^2: nothing cancels; for points in space and rows that may be close together.
  case differences
  /// |a|^2 + |b|^2 - 2 a b as one matrix product, not below 0: faster for many features. Its error is about the precision
  /// times |a|^2 + |b|^2, however close a and b are; rows should be centred or normalised.
  case product
}

/// Squared Euclidean distances of all pairs of rows, `[..., M, D] [..., N, D] -> [..., M, N]`.
///
///     y_ij = |a_i - b_j|^2
///
/// - Parameters:
///   - a, b: equal leading axes.
///   - method: `differences` by default.
public func squaredDistances(_ a: Tensor, _ b: Tensor, _ method: DistanceMethod = .differences) -> Tensor {
  require(
    a.rank >= 2 && b.rank == a.rank && a.shape.dropping(-2) == b.shape.dropping(-2),
    "squaredDistances needs [..., M, D] and [..., N, D], got \(a.shape) and \(b.shape)")
  if method == .product {
    let lengths: Tensor = a.squared().sum(-1, keepsAxis: true) + b.squared().sum(-1).expandedAxis(-2)
    return (lengths - matmul(a, b.transposed()) * 2).clamped(0, .infinity)
  }
  return summedDifferences(a, b).recorded("squaredDistances", a, b) { s in
    // 2 sum_j g_ij (a_i - b_j) = 2 (a_i sum_j g_ij - sum_j g_ij b_j), around a common middle so that little cancels.
    let g = s.gradient
    let middle = a.shape[-2] == 0 ? Tensor(0) : a.detached.mean(-2, keepsAxis: true)
    let (x, y): (Tensor, Tensor) = (s(a) - middle, s(b) - middle)
    return (
      s.needs(0) ? (x * g.sum(-1, keepsAxis: true) - matmul(g, y)) * 2 : nil,
      s.needs(1) ? (y * g.sum(-2).expandedAxis(-1) - matmul(g.transposed(), x)) * 2 : nil
    )
  }
}

/// sum_d (a_id - b_jd)^2 without history.
private func summedDifferences(_ a: Tensor, _ b: Tensor) -> Tensor {
  let (m, n, d) = (a.shape[-2], b.shape[-2], a.shape[-1])
  let (x, y) = (a.detached.contiguous(), b.detached.transposed().contiguous())  // [..., D, N]
  let z = Tensor(uninitialized: a.shape.with(-1, n))
  let (p, q, target) = (x.base, y.base, z.base)
  forTiles(z.count / max(n, 1), max(1, tileElements / max(1, n * max(d, 1)))) { first, rows in
    for row in first..<(first + rows) {
      writeSquaredDistances(p + row * d, q + (row / m) * d * n, d, n, leading: n, target + row * n)
    }
  }
  withExtendedLifetime((x, y)) {}
  return z
}

/// out[j] = sum_d (point_d - columns[d, j])^2 for j in 0..<count, in the order of d; the coordinates of the point are `step`
/// apart and the rows of `columns` `leading`.
@inline(__always)
func writeSquaredDistances(
  _ point: UnsafePointer<Real>, step: Int = 1, _ columns: UnsafePointer<Real>, _ d: Int, _ count: Int, leading: Int,
  _ out: UnsafeMutablePointer<Real>
) {
  kernels.fill(count, 0, out)
  for k in 0..<d {
    let (value, column) = (point[k * step], columns + k * leading)
    for j in 0..<count {
      let difference = value - column[j]
      out[j] += difference * difference
    }
  }
}

extension Tensor {
  /// sqrt(x), whose gradient is 0 where x is 0 and not infinite.
  fileprivate func safeSquareRoot() -> Tensor {
    let isZero = isEqual(Tensor(0))
    return ReproTensor.select(isZero, Tensor(0), ReproTensor.select(isZero, Tensor(1), self).sqrt())
  }

  /// The Euclidean length along an axis, the last by default; its gradient is 0 where the length is 0.
  public func norm(_ axis: Int = -1, keepsAxis: Bool = false) -> Tensor {
    squared().sum(axis, keepsAxis: keepsAxis).safeSquareRoot()
  }
}

/// Euclidean distances of all pairs of rows, `[..., M, D] [..., N, D] -> [..., M, N]`; the gradient of a distance of 0 is 0.
public func distances(_ a: Tensor, _ b: Tensor, _ method: DistanceMethod = .differences) -> Tensor {
  squaredDistances(a, b, method).safeSquareRoot()
}

/// Cosines of all pairs of rows, `[..., M, D] [..., N, D] -> [..., M, N]`.
///
/// - Parameter epsilon: the least length by which a row is divided; a row of zeros has the cosine 0.
public func cosineSimilarities(_ a: Tensor, _ b: Tensor, epsilon: Real = 1e-8) -> Tensor {
  matmul(a.l2Normalized(epsilon: epsilon), b.l2Normalized(epsilon: epsilon).transposed())
}

/// The cosine of two tensors of one shape along an axis, the last by default: `[..., D] [..., D] -> [...]`.
///
/// - Parameter epsilon: the least length by which a row is divided; a row of zeros has the cosine 0.
public func cosineSimilarity(_ a: Tensor, _ b: Tensor, axis: Int = -1, epsilon: Real = 1e-8) -> Tensor {
  require(a.shape == b.shape, "cosineSimilarity needs two tensors of one shape, got \(a.shape) and \(b.shape)")
  let product: Tensor = a.l2Normalized(axis, epsilon: epsilon) * b.l2Normalized(axis, epsilon: epsilon)
  return product.sum(axis)
}

/// The chamfer distance of point sets, `[..., M, D] [..., N, D] -> [...]`; memory grows with M + N, not with M N.
///
///     y = 1/M sum_i min_j d(a_i, b_j) + 1/N sum_j min_i d(a_i, b_j)
///
/// The gradient flows to each point and to its nearest neighbour (the first of equals).
/// - Parameters:
///   - a, b: points; equal leading axes, at least one point in each set.
///   - squared: whether d is the squared distance (the default), or the distance.
/// - Source: Fan et al. 2017 (arXiv 1612.00603), Section 4.2, there with sums in place of means.
public func chamferDistance(_ a: Tensor, _ b: Tensor, squared: Bool = true) -> Tensor {
  require(
    a.rank >= 2 && b.rank == a.rank && a.shape.dropping(-2) == b.shape.dropping(-2) && a.shape[-2] > 0
      && b.shape[-2] > 0,
    "chamferDistance needs point sets [..., M, D] and [..., N, D] that are not empty, got \(a.shape) and \(b.shape)")
  func oneWay(_ x: Tensor, _ y: Tensor) -> Tensor {
    let (m, n, d) = (x.shape[-2], y.shape[-2], x.shape[-1])
    let nearest = nearestNeighbours(x, among: y, count: 1).values.enumerated().map { $1 + $0 / m * n }
    let partner = y.reshaped([y.count / max(d, 1), d]).gathered(IndexTensor(nearest)).reshaped(to: x.shape)
    let difference: Tensor = x - partner
    return (squared ? difference.squared().sum(-1) : difference.norm()).mean(-1)
  }
  return oneWay(a, b) + oneWay(b, a)
}
