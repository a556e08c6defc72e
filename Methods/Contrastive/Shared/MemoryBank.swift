import ReproNN
import ReproTensor

/// A feature of every training sample, old but cheap: the negatives (and positives) of instance-wise contrast.
///
///     row_n <- (m row_n + (1 - m) z_n) / |m row_n + (1 - m) z_n|      after the scores of the batch were taken
///
/// - Source: Wu et al. 2018 (arXiv 1805.01978), Section 3.2; initial rows, momentum and order as in the code of Tian et al.
///   2019 (arXiv 1906.05849).
struct MemoryBank: Layer {
  /// `[N, D]`
  var rows: Tensor

  /// - Parameter random: draws the first rows, uniform within 1 / sqrt(D / 3) of 0: of length 1 on average.
  init(count: Int, width: Int, random: RandomStream) {
    require(count > 0 && width > 0, "a memory bank of \(count) rows of \(width)")
    var stream = random.child("bank")
    let bound = 1 / (Real(width) / 3).squareRoot()
    rows = stream.uniform([count, width], -bound, bound)
  }

  mutating func visit(_ v: inout some LayerVisitor) { v("rows", &rows, .buffer) }

  /// Dot products of features with chosen rows; no gradient flows into the bank.
  ///
  ///     s_bj = z_b . row_(chosen_bj) / temperature
  ///
  /// - Parameters:
  ///   - z: `[B, D]`, unit rows.
  ///   - chosen: `[B, K]`, each in 0 ..< N.
  /// - Returns: `[B, K]`.
  func scores(_ z: Tensor, _ chosen: IndexTensor, temperature: Real) -> Tensor {
    let (n, d) = (rows.shape[0], rows.shape[1])
    require(
      z.rank == 2 && z.shape[1] == d && chosen.shape.rank == 2 && chosen.shape[0] == z.shape[0],
      "bank \(rows.shape) needs features [B, \(d)] and rows [B, K], got \(z.shape) and \(chosen.shape)")
    let k = chosen.shape[1]
    // All products at once are one matrix product; they pay while the bank is not much larger than what is chosen.
    if n <= 32 * k {
      return (matmul(z, rows.transposed()) / temperature).takenAlong(1, chosen)
    }
    let picked = rows.gathered(chosen)  // [B, K, D]
    return matmul(picked, z.expandedAxis(-1)).squeezed(-1) / temperature
  }

  /// Moves the rows of some samples towards their new features.
  ///
  /// - Parameters:
  ///   - samples: distinct, each in 0 ..< N.
  ///   - z: `[B, D]`, unit rows; constants.
  ///   - momentum: m in [0, 1].
  mutating func update(_ samples: [Int], with z: Tensor, momentum: Real) {
    let moved = (rows.gathered(IndexTensor(samples)) * momentum + z.detached * (1 - momentum)).l2Normalized()
    for (i, sample) in samples.enumerated() { rows.replaceRows(from: sample, by: moved.slice(0, i..<(i + 1))) }
  }
}

/// Rows of the bank for each sample of a batch: its own first, then k drawn uniformly with replacement, the own not
/// excluded; `[B, k + 1]`.
///
/// - Parameters:
///   - samples: rows of the batch's samples in the bank.
///   - rows: N.
///   - random: sample i draws from `child("sample", i)`, so that shards do not matter.
/// - Source: the authors' `NCEAverage`, where an alias table draws from N equal weights: the same as drawing evenly.
func contrastedRows(_ samples: [Int], negatives k: Int, of rows: Int, random: RandomStream) -> IndexTensor {
  IndexTensor(
    [samples.count, k + 1],
    samples.enumerated().flatMap { i, sample -> [Int] in
      var stream = random.child("sample", i)
      return [sample] + (0..<k).map { _ in stream.integer(below: rows) }
    })
}
