import ReproTensor

@testable import ReproNN

/// Wrong uses of losses.
extension LayerMistake {
  static let losses: [LayerMistake] = [
    LayerMistake("crossEntropy needs logits [N, C] and labels [N], got [2, 3] and [3]") {
      crossEntropy(t(2, 3), labels: [0, 1, 2])
    },
    LayerMistake("crossEntropy needs weights [3] and smoothing in 0 ..< 1, got [2] and 0.0") {
      crossEntropy(t(2, 3), labels: [0, 1], weights: t(2))
    },
    LayerMistake("crossEntropy needs weights [3] and smoothing in 0 ..< 1, got [3] and 1.0") {
      crossEntropy(t(2, 3), targets: t(2, 3), smoothing: 1)
    },
    LayerMistake("crossEntropy needs logits and targets of one shape [..., C], got [2, 3] and [3]") {
      crossEntropy(t(2, 3), targets: t(3))
    },
    LayerMistake("crossEntropyRows needs two [N, K] and temperature > 0, got [3], [2, 3], 1.0") {
      klDivergence(targets: t(3), logits: t(2, 3))
    },
    LayerMistake("binaryCrossEntropy needs logits and targets of one shape, got [2] and [3]") {
      binaryCrossEntropy(logits: t(2), targets: t(3))
    },
    LayerMistake("focalLoss needs logits and targets of one shape and gamma >= 0, got [2], [2], -1.0") {
      focalLoss(logits: t(2), targets: t(2), gamma: -1)
    },
    LayerMistake("focalLoss needs gamma >= 0, got -1.0") { focalLoss(t(1, 2), labels: [0], gamma: -1) },
    LayerMistake("squaredError needs two tensors of one shape, got [2] and [3]") { squaredError(t(2), t(3)) },
    LayerMistake("absoluteError needs two tensors of one shape, got [2] and [3]") { absoluteError(t(2), t(3)) },
    LayerMistake("huberLoss needs two tensors of one shape, got [2] and [3]") { smoothL1(t(2), t(3)) },
    LayerMistake("huberLoss needs delta > 0, got 0.0") { huberLoss(t(2), t(2), delta: 0) },
    LayerMistake("tripletLoss needs three [N, D], got [2, 3], [2, 3] and [1, 3]") {
      tripletLoss(anchors: t(2, 3), positives: t(2, 3), negatives: t(1, 3))
    },
    LayerMistake("infoNCE needs two [N, D] and temperature > 0, got [2, 3], [2, 3], 0.0") {
      infoNCE(t(2, 3), keys: t(2, 3), temperature: 0)
    },
    LayerMistake(
      "infoNCE needs queries and positives [N, D], negatives [K, D] and temperature > 0, got [2, 3], [2, 3], [4, 2], 1.0"
    ) { infoNCE(t(2, 3), positives: t(2, 3), negatives: t(4, 2), temperature: 1) },
    LayerMistake("ntXent needs two [N >= 2, D] and temperature > 0, got [1, 3], [1, 3], 1.0") {
      ntXent(t(1, 3), t(1, 3), temperature: 1)
    },
  ]
}
