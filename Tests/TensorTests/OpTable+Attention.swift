import ReproTensor
import TestSupport

/// The rows of attention between sequences.
extension OpTable {
  /// Queries, keys and values; the third case needs several blocks of each.
  private static let sequences: [[Shape]] = [
    [[2, 2, 3, 4], [2, 2, 5, 4], [2, 2, 5, 3]], [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]],
    [[1, 1, 130, 2], [1, 1, 260, 2], [1, 1, 260, 1]], [[2, 1, 5, 3], [2, 1, 2, 3], [2, 1, 2, 3]],
    [[0, 2, 3, 4], [0, 2, 3, 4], [0, 2, 3, 4]], [[2, 1, 0, 3], [2, 1, 2, 3], [2, 1, 2, 3]],
    [[2, 1, 2, 3], [2, 1, 0, 3], [2, 1, 0, 1]],
  ]
  private static let longSequences: [[Shape]] = [
    [[2, 3, 300, 16], [2, 3, 520, 16], [2, 3, 520, 8]], [[1, 1, 150, 64], [1, 1, 1030, 64], [1, 1, 1030, 64]],
  ]
  private static let biases: [[Shape]] = [
    [2, 3, 5], [2, 2, 3, 5], [3, 1], [1, 5], [2, 1, 1, 5], [1], [2, 1, 3, 1],
  ].map {
    [[2, 2, 3, 4], [2, 2, 5, 4], [2, 2, 5, 3], $0]
  }

  /// 1 where a key is allowed; row 1 (and every fifth after it) has none.
  static func allowed(_ queries: Int, _ keys: Int) -> Tensor {
    Tensor([queries, keys]) { values in
      for i in values.indices {
        let isForbidden = i / keys % 5 == 1 || (i * 7 + i / keys) % 4 == 0
        values[i] = isForbidden ? 0 : 1
      }
    }
  }

  static let attentions: [Op] = [
    Op("attention", sequences, large: longSequences) { attention($0[0], $0[1], $0[2]) },
    Op("attention(causal)", sequences, large: longSequences) { attention($0[0], $0[1], $0[2], isCausal: true) },
    Op("attention(scale)", sequences, large: longSequences) { attention($0[0], $0[1], $0[2], scale: 0.3) },
    Op("attention(mask)", sequences, large: longSequences) {
      attention($0[0], $0[1], $0[2], mask: allowed($0[0].shape[2], $0[1].shape[2]))
    },
    Op(
      "attention(bias)", biases,
      large: longSequences.flatMap { s in [[1, s[0][2], s[1][2]], [s[1][2]]].map { s + [Shape($0)] } }
    ) { attention($0[0], $0[1], $0[2], bias: $0[3]) },
    Op("attention(everything)", biases, large: []) {
      attention(
        $0[0], $0[1], $0[2], bias: $0[3], mask: allowed($0[0].shape[2], $0[1].shape[2]), isCausal: true, scale: 2)
    },
    Op("attention(itself)", [[[2, 2, 4, 3]], [[1, 1, 1, 2]]], large: [[[2, 3, 300, 16]]]) {
      attention($0[0], $0[0], $0[0], isCausal: true)
    },
    Op("attention(heads inside)", [[[2, 4, 3, 2], [2, 5, 3, 2]], [[1, 1, 1, 3], [1, 2, 1, 3]]], large: []) { x in
      let (q, k) = (x[0].transposed(1, 2), x[1].transposed(1, 2))
      return attention(q, k, k).transposed(1, 2).flattened(from: 2)
    },
  ]
}
