import ReproTensor
import TestSupport

/// The rows of distances, transport, soft places and likelihoods.
extension OpTable {
  private static let distinct: [Layout] = [.rows, .turned, .window]
  private static let pairs: [[Shape]] = [
    [[3, 2], [4, 2]], [[1, 1], [1, 1]], [[2, 3, 3], [2, 2, 3]], [[2, 3], [0, 3]], [[0, 2], [2, 2]],
  ]
  private static let largePairs: [[Shape]] = [[[301, 7], [133, 7]], [[3, 70, 2], [3, 130, 2]]]
  private static let sets: [[Shape]] = [[[4, 2], [3, 2]], [[1, 3], [1, 3]], [[2, 3, 3], [2, 2, 3]]]
  private static let largeSets: [[Shape]] = [[[301, 70], [1133, 70]], [[3, 3001, 2], [3, 13, 2]]]

  /// Points around 3 i + offset: a set with offset 0 and one with offset 1 leave no doubt who is nearest to whom.
  private static func spread(_ x: Tensor, _ offset: Real) -> Tensor {
    x * 0.1 + Tensor([x.shape[-2], 1], (0..<x.shape[-2]).map { Real(3 * $0) + offset })
  }

  static let distances: [Op] = [
    Op("squaredDistances", pairs, large: largePairs) { squaredDistances($0[0], $0[1]) },
    Op("squaredDistances(product)", pairs, large: largePairs, .normal, .positive) {
      squaredDistances($0[0], $0[1] + 2, .product)
    },
    Op("squaredDistances(itself)", [[[3, 2]], [[1, 4]], [[2, 2, 3]]], large: [[[150, 7]]]) {
      squaredDistances($0[0], $0[0])
    },
    Op("distances", pairs, large: largePairs, .normal, .positive) {
      ReproTensor.distances($0[0], $0[1] + 3)
    },
    Op("norm", [[[3]], [[3, 2]], [[2, 1, 3]], [[0, 3]]], large: [[[301, 133]]], .positive) { $0[0].norm() },
    Op("norm(first, kept)", [[[3]], [[3, 2]], [[2, 0]]], large: [[[301, 133]]], .positive) {
      $0[0].norm(0, keepsAxis: true)
    },
    Op("cosineSimilarities", pairs, large: [[[301, 7], [133, 7]]], .positive) { cosineSimilarities($0[0], $0[1]) },
    Op("cosineSimilarity", [[[3, 2], [3, 2]], [[4], [4]]], large: [[[301, 133], [301, 133]]], .positive) {
      cosineSimilarity($0[0], $0[1])
    },
    Op("cosineSimilarity(first axis)", [[[3, 2], [3, 2]]], large: [[[301, 133], [301, 133]]], .positive) {
      cosineSimilarity($0[0], $0[1], axis: 0)
    },
    Op("chamferDistance", sets, large: largeSets, layouts: distinct) {
      chamferDistance(spread($0[0], 0), spread($0[1], 1))
    },
    Op("chamferDistance(not squared)", sets, large: largeSets, layouts: distinct) {
      chamferDistance(spread($0[0], 0), spread($0[1], 1), squared: false)
    },
    Op("sinkhorn", [[[3, 4]], [[1, 2]], [[2, 3, 2]]], large: [[[181, 133]]]) {
      sinkhorn(cost: $0[0], epsilon: 0.5, iterations: 4)
    },
    Op(
      "sinkhorn(masses)", [[[3, 4], [3], [4]], [[2, 2, 3], [2], [3]]], large: [[[181, 133], [181], [133]]],
      .normal, .positive
    ) {
      sinkhorn(cost: $0[0], epsilon: 1, iterations: 3, rows: $0[1], columns: $0[2])
    },
    Op("softArgmax", [[[1]], [[7]], [[3, 5]], [[0, 3]]], large: [[[301, 133]]]) { $0[0].softArgmax() },
    Op("softArgmax(first)", [[[4]], [[3, 5]]], large: [[[301, 133]]]) { $0[0].softArgmax(0, scale: 2) },
    Op("softArgmax2D", [[[2, 3]], [[1, 1]], [[2, 3, 4]], [[0, 2, 2]]], large: [[[7, 61, 133]]]) {
      $0[0].softArgmax2D(scale: 1.5)
    },
    Op("logLikelihood", [[[3]], [[4, 1]], [[3, 5]], [[2, 1, 3]], [[0, 3]]], large: [[[301, 133]]]) { x in
      let shape = x[0].shape.dropping(-1)
      return x[0].logLikelihood(of: IndexTensor(shape, places(shape.count, below: x[0].shape[-1]).values))
    },
  ]
}
