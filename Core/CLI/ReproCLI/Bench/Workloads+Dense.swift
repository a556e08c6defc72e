import ReproNN
import ReproTensor

extension Workload {
  /// One product, one chain of row-wise ops, one loss: the reference script's workloads without a model.
  static let dense: [Workload] = [
    Workload("gemm", "a product of two 2048 x 2048 matrices", unit: "operation") {
      let n = 2048
      var stream = Self.stream("gemm")
      let (a, b) = (stream.normal([n, n]), stream.normal([n, n]))
      let operations = 2 * Double(n * n * n)
      return Step(units: operations, operations: operations) { _ = matmul(a, b).select(0, 0).select(0, 0).item }
    },
    Workload("elementwise", "layer norm, GELU and sum of [64, 196, 384], no gradients", unit: "element") {
      var stream = Self.stream("elementwise")
      let (x, gain) = (stream.normal([64, 196, 384]), stream.normal([384]))
      return Step(units: Double(x.count)) { _ = x.layerNormalized(gain: gain, bias: gain, thenGelu: true).sum().item }
    },
    Workload("infonce", "InfoNCE of 1024 embeddings of width 128, and its gradient", unit: "sample") {
      var stream = Self.stream("infonce")
      let (n, width) = (1024, 128)
      let start = stream.normal([n, width])
      let pairs = IndexTensor((0..<n).map { ($0 + n / 2) % n })
      return Step(units: Double(n), operations: 6 * Double(n * n * width)) {
        let z = start.tracked
        let unit = z.l2Normalized()
        let scores: Tensor = (matmul(unit, unit.transposed()) / 0.1).fillingDiagonal(-1e9)
        let loss = crossEntropy(scores, labels: pairs)
        let gradient = gradients(of: loss, with: [z])[0]
        _ = (loss.item, gradient)
      }
    },
  ]
}
