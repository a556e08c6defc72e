import Glibc
import ReproTensor

/// How well a clustering agrees with classes; the numbers of both need not be equal.
public struct ClusterAgreement: Sendable {
  /// `counts[class][cluster]`
  private let counts: [[Int]]
  private let classSizes, clusterSizes: [Int]
  private let n: Int

  /// - Parameters:
  ///   - truth: classes, 0, 1, ...
  ///   - clusters: of the same samples, 0, 1, ...; at least one sample.
  public init(truth: [Int], clusters: [Int]) {
    require(
      truth.count == clusters.count && !truth.isEmpty, "agreement needs pairs, got \(truth.count), \(clusters.count)")
    require((truth.min() ?? 0) >= 0 && (clusters.min() ?? 0) >= 0, "classes and clusters are counted from 0")
    let (rows, columns) = ((truth.max() ?? 0) + 1, (clusters.max() ?? 0) + 1)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: columns), count: rows)
    for (t, c) in zip(truth, clusters) { counts[t][c] += 1 }
    self.counts = counts
    classSizes = counts.map { $0.reduce(0, +) }
    clusterSizes = (0..<columns).map { c in counts.reduce(0) { $0 + $1[c] } }
    n = truth.count
  }

  /// The class of each cluster under the one-to-one matching that gets most samples right; nil for clusters without one.
  public var matching: [Int?] {
    let best = linearAssignment(
      Tensor([counts.count, clusterSizes.count], counts.flatMap { $0.map { Real($0) } }), maximizes: true)
    var result = [Int?](repeating: nil, count: clusterSizes.count)
    for (row, column) in zip(best.rows, best.columns) { result[column] = row }
    return result
  }

  /// Accuracy under the best one-to-one matching of clusters and classes, 0 to 1 ("clustering accuracy").
  ///
  /// - Source: Yang et al. 2010; Xie et al. 2016 (arXiv 1511.06335), Eq. 10; the matching is Kuhn's and Munkres'.
  public var accuracy: Double {
    let right = matching.enumerated().reduce(0) { $0 + ($1.element.map { [k = $1.offset] in counts[$0][k] } ?? 0) }
    return Double(right) / Double(n)
  }

  /// The share of samples in the largest class of their cluster, 0 to 1; grows with the number of clusters.
  public var purity: Double {
    let right = clusterSizes.indices.reduce(0) { sum, c in sum + (counts.map { $0[c] }.max() ?? 0) }
    return Double(right) / Double(n)
  }

  private func entropy(_ sizes: [Int]) -> Double {
    -sizes.filter { $0 > 0 }.reduce(0.0) { $0 + Double($1) / Double(n) * log(Double($1) / Double(n)) }
  }

  /// Mutual information of clusters and classes, nats, at least 0.
  public var mutualInformation: Double {
    var sum = 0.0
    for (t, row) in counts.enumerated() {
      for (c, count) in row.enumerated() where count > 0 {
        let ratio = Double(count) * Double(n) / (Double(classSizes[t]) * Double(clusterSizes[c]))
        sum += Double(count) / Double(n) * log(ratio)
      }
    }
    return max(0, sum)
  }

  /// Mutual information over the arithmetic mean of both entropies (equal to the V-measure), 0 to 1; 1 if both are
  /// constant.
  ///
  /// - Source: Strehl and Ghosh 2002; the arithmetic mean as scikit-learn's default.
  public var normalizedMutualInformation: Double {
    let (a, b) = (entropy(classSizes), entropy(clusterSizes))
    return a == 0 && b == 0 ? 1 : mutualInformation / ((a + b) / 2)
  }

  /// Homogeneity (each cluster has members of one class) and completeness (each class is in one cluster), 0 to 1.
  ///
  /// - Source: Rosenberg and Hirschberg 2007.
  public var homogeneityAndCompleteness: (homogeneity: Double, completeness: Double) {
    let (a, b, information) = (entropy(classSizes), entropy(clusterSizes), mutualInformation)
    return (a == 0 ? 1 : information / a, b == 0 ? 1 : information / b)
  }

  /// Rand's index of pairs, adjusted for chance; at most 1, 0 by chance.
  ///
  ///     ARI = (sum_ij C(n_ij, 2) - E) / ((A + B) / 2 - E),  A = sum_i C(a_i, 2),  B = sum_j C(b_j, 2),  E = A B / C(n, 2)
  ///
  /// - Source: Hubert and Arabie 1985, Eq. 5.
  public var adjustedRandIndex: Double {
    func pairs(_ k: Int) -> Double { Double(k) * Double(k - 1) / 2 }
    let together = counts.reduce(0.0) { $0 + $1.reduce(0.0) { $0 + pairs($1) } }
    let a = classSizes.reduce(0.0) { $0 + pairs($1) }
    let b = clusterSizes.reduce(0.0) { $0 + pairs($1) }
    let expected = n < 2 ? 0 : a * b / pairs(n)
    let largest = (a + b) / 2
    return largest == expected ? 1 : (together - expected) / (largest - expected)
  }
}
