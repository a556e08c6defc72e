import ReproTensor

/// Least squares with a penalty on the weights, in closed form for any number of penalties at once.
///
///     W = argmin |Y - mean Y - (X - mean X) W^T|^2 + alpha |W|^2,   b = mean Y - W mean X
///
/// One eigendecomposition of the smaller of X^T X and X X^T (centred) serves all penalties: in its basis the solution is
/// a division. The intercept is not penalised.
/// - Source: Hoerl and Kennard 1970; as scikit-learn's Ridge.
public struct RidgeRegression: Sendable {
  private let meanX, meanY: Tensor  // [D], [K]
  /// Eigenvalues, not negative, `[R]`.
  private let spectrum: Tensor
  /// Eigenvectors of X^T X as rows of `basis`, `[R, D]`, and the targets seen by them, `[R, K]`: W^T = basis^T (S / (values + alpha)).
  private let basis, projected: Tensor
  private let rows: Int

  /// - Parameters:
  ///   - x: inputs, `[N, D]`; y: targets, `[N, K]`; N >= 1, finite.
  public init(_ x: Tensor, _ y: Tensor) {
    require(
      x.rank == 2 && y.rank == 2 && x.shape[0] == y.shape[0] && x.shape[0] >= 1,
      "ridge regression needs [N, D] and [N, K], got \(x.shape) and \(y.shape)")
    (meanX, meanY) = (x.mean(0), y.mean(0))
    let (a, b) = (x - meanX, y - meanY)
    rows = x.shape[0]
    if x.shape[1] <= x.shape[0] {
      let (values, vectors) = matmul(a.transposed(), a).eigh()  // columns of vectors
      spectrum = maximum(values, Tensor(0))
      basis = vectors.transposed().contiguous()
      projected = matmul(basis, matmul(a.transposed(), b))
    } else {
      // X X^T = U S U^T: W^T = X^T U (S + alpha)^-1 U^T Y.
      let (values, vectors) = matmul(a, a.transposed()).eigh()
      spectrum = maximum(values, Tensor(0))
      basis = matmul(vectors.transposed(), a)
      projected = matmul(vectors.transposed(), b)
    }
  }

  /// The solution for one penalty.
  ///
  /// - Parameter alpha: > 0, in the unit of X^2 summed over samples.
  public func solution(alpha: Double) -> LinearModel {
    require(alpha > 0, "ridge regression needs a penalty > 0, got \(alpha)")
    let scaled = projected / (spectrum + Real(alpha)).expandedAxis(-1)  // [R, K]
    let weight = matmul(scaled.transposed(), basis)  // [K, D]
    return LinearModel(weight: weight, bias: meanY - matmul(weight, meanX.expandedAxis(-1)).squeezed(-1))
  }
}

/// A fitted linear map, `y = x W^T + b`.
public struct LinearModel: Sendable {
  public var weight: Tensor  // [K, D]
  public var bias: Tensor  // [K]
  public init(weight: Tensor, bias: Tensor) { (self.weight, self.bias) = (weight, bias) }

  /// `[..., D] -> [..., K]`
  public func callAsFunction(_ x: Tensor) -> Tensor { linear(x, weight, bias) }

  /// The largest output of each row, the first of equals.
  public func classes(_ x: Tensor) -> [Int] { self(x).argmax().values }
}
