import Glibc
import ReproTensor

/// Scores that are larger for samples like those of training; AUROC and FPR95 of `ScoreCurve` say how well they tell others.
public enum InDistributionScore: String, Sendable, CaseIterable {
  /// The largest softmax probability (Hendrycks and Gimpel 2017, arXiv 1610.02136).
  case probability
  /// The largest logit (Hendrycks et al. 2022, arXiv 1911.11132).
  case logit
  /// log sum exp of the logits (Liu et al. 2020, arXiv 2010.03759, Eq. 4 with temperature 1, sign turned).
  case energy

  /// `[N, C] -> N scores`
  public func callAsFunction(_ logits: Tensor) -> [Double] {
    switch self {
    case .probability: logits.softmax().amax().values.map { Double($0) }
    case .logit: logits.amax().values.map { Double($0) }
    case .energy: logits.logSumExp().values.map { Double($0) }
    }
  }
}

/// The cosine with the k-th nearest training sample: a score that needs no classes.
///
/// - Parameters: x: `[N, D]`; train: `[M, D]`, M >= k.
/// - Source: Sun et al. 2022 (arXiv 2204.06507), Section 4; the squared distance there is 2 - 2 cos.
public func neighbourScores(_ x: Tensor, train: Tensor, k: Int) -> [Double] {
  Neighbours(of: x, in: train, k: k).similarities.select(1, k - 1).values.map { Double($0) }
}

/// Minus the least Mahalanobis distance to a class mean, with one covariance for all classes.
///
///     s(x) = -min_c (x - m_c)^T S^-1 (x - m_c),   S = 1/N sum_i (x_i - m_{y_i})(x_i - m_{y_i})^T + epsilon mean(diag) I
///
/// - Source: Lee et al. 2018 (arXiv 1807.03888), Eq. 1 and 2.
public struct MahalanobisScore: Sendable {
  private let means: Tensor  // [C, D]
  private let factor: Tensor  // [D, D], L of S = L L^T

  /// - Parameters:
  ///   - train: `[N, D]`; labels: 0 ..< classes; a class without samples is never nearest.
  ///   - epsilon: what is added to the covariance, in parts of its mean variance.
  public init(train: Tensor, labels: [Int], classes: Int, epsilon: Double = 1e-4) {
    require(train.rank == 2 && labels.count == train.shape[0], "\(labels.count) labels for \(train.shape)")
    let shown = (0..<classes).filter { labels.contains($0) }
    let all = train.scatteredMean(IndexTensor(labels), rows: classes)
    means = all.gathered(IndexTensor(shown))
    let centred = train - all.gathered(IndexTensor(labels))
    let covariance = matmul(centred.transposed(), centred) / Real(train.shape[0])
    let d = train.shape[1]
    let mean = (0..<d).reduce(Real(0)) { $0 + covariance.values[$1 * d + $1] } / Real(d)
    let ridge = Tensor.full([d], max(mean * Real(epsilon), 1e-12)).placed(IndexTensor(Array(0..<d)), of: d)
    factor = (covariance + ridge).cholesky()
  }

  public func callAsFunction(_ x: Tensor) -> [Double] {
    let perClass = (0..<means.shape[0]).map { c in
      // |L^-1 (x - m)|^2
      solveTriangular(factor, (x - means.select(0, c)).transposed(), upper: false).squared().sum(0)
    }
    return stack(perClass).amin(0).values.map { -Double($0) }
  }
}
