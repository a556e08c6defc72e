// Entropic optimal transport, and coordinates of soft maxima.

/// The plan of entropic optimal transport by Sinkhorn's iterations, in the logarithmic domain.
///
///     P = diag(u) exp(-C / epsilon) diag(v);   repeat: v so that the columns sum to b, then u so that the rows sum to a
///
/// The number of iterations is fixed and all are differentiated through. The rows' sums are exact, those of the columns
/// are approached.
/// - Parameters:
///   - cost: C, `[..., M, N]`.
///   - epsilon: > 0, in the unit of the cost; small values give sharp plans and need more iterations.
///   - iterations: at least 1.
///   - rows, columns: the masses a and b, `[M]` and `[N]` (or with the cost's leading axes), positive; 1/M and 1/N if nil.
/// - Returns: P, `[..., M, N]`.
/// - Source: Cuturi 2013 (arXiv 1306.0895), Algorithm 1; in logarithms as Peyre and Cuturi 2019 (arXiv 1803.00567), Eq. 4.43.
public func sinkhorn(
  cost: Tensor, epsilon: Real, iterations: Int, rows: Tensor? = nil, columns: Tensor? = nil
) -> Tensor {
  require(
    cost.rank >= 2 && epsilon > 0 && iterations >= 1,
    "sinkhorn needs a cost [..., M, N], epsilon > 0 and iterations >= 1, got \(cost.shape), \(epsilon), \(iterations)")
  let (m, n) = (cost.shape[-2], cost.shape[-1])
  let logRows = (rows ?? .full([m], 1 / Real(m))).log().expandedAxis(-1)  // [..., M, 1]
  let logColumns = (columns ?? .full([n], 1 / Real(n))).log().expandedAxis(-2)  // [..., 1, N]
  let kernel = cost * (-1 / epsilon)
  var u = Tensor.zeros([m, 1])
  var v = Tensor.zeros([1, n])
  for _ in 0..<iterations {
    v = logColumns - (kernel + u).logSumExp(-2, keepsAxis: true)
    u = logRows - (kernel + v).logSumExp(-1, keepsAxis: true)
  }
  let plan: Tensor = kernel + u + v
  return plan.exp()
}

extension Tensor {
  /// The expected place under the softmax along an axis:   y = sum_i i softmax(scale * x)_i,   `[..., n] -> [...]`
  ///
  /// - Parameters:
  ///   - axis: the last by default; places are 0 ... n - 1.
  ///   - scale: the sharpness, 1 / temperature.
  public func softArgmax(_ axis: Int = -1, scale: Real = 1) -> Tensor {
    let p = movedToLast(axis).softmax(scale: scale)
    return (p * Tensor([p.shape[-1]], (0..<p.shape[-1]).map { Real($0) })).sum(-1)
  }

  /// The expected column and row under the softmax over planes, `[..., H, W] -> [..., 2]` in pixels, (column, row).
  ///
  /// - Parameter scale: the sharpness, 1 / temperature.
  /// - Source: Sun et al. 2018 (arXiv 1711.08229), Eq. 2.
  public func softArgmax2D(scale: Real = 1) -> Tensor {
    require(rank >= 2, "softArgmax2D needs planes [..., H, W], got \(shape)")
    let (h, w) = (shape[-2], shape[-1])
    let p = flattened(from: -2).softmax(scale: scale)
    let places = Tensor([h * w, 2], (0..<(h * w)).flatMap { [Real($0 % w), Real($0 / w)] })
    return matmul(p.expandedAxis(-2), places).squeezed(-2)
  }
}
