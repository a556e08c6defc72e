@testable import ReproTensor

extension Mistake {
  static let distances: [Mistake] = [
    Mistake("squaredDistances needs [..., M, D] and [..., N, D], got [2, 3] and [4, 5]") {
      squaredDistances(t(2, 3), t(4, 5))
    },
    Mistake("squaredDistances needs [..., M, D] and [..., N, D], got [2, 2, 3] and [1, 4, 3]") {
      ReproTensor.distances(t(2, 2, 3), t(1, 4, 3))
    },
    Mistake("cosineSimilarity needs two tensors of one shape, got [2] and [3]") { cosineSimilarity(t(2), t(3)) },
    Mistake(
      "chamferDistance needs point sets [..., M, D] and [..., N, D] that are not empty, got [2, 3] and [0, 3]"
    ) { chamferDistance(t(2, 3), t(0, 3)) },
    Mistake("sinkhorn needs a cost [..., M, N], epsilon > 0 and iterations >= 1, got [2, 3], 0.0, 1") {
      sinkhorn(cost: t(2, 3), epsilon: 0, iterations: 1)
    },
    Mistake("softArgmax2D needs planes [..., H, W], got [3]") { t(3).softArgmax2D() },
    Mistake("logLikelihood of [2, 3] needs labels of all axes but the last, got [3]") {
      t(2, 3).logLikelihood(of: [0, 1, 2])
    },
    Mistake("logLikelihood: index 3 is outside of the last axis of [2, 3]") { t(2, 3).logLikelihood(of: [0, 3]) },
  ]
}
