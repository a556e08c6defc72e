import ReproTensor
import TestSupport

/// The rows of convolutions, pooling, batch normalisation and recomputation.
extension OpTable {
  /// The gradient of `sum(f(x)^2)` by the k-th input, as a function that can be differentiated once more.
  static func derivative(_ k: Int, _ inputs: [Tensor], of f: TensorFunction) -> Tensor {
    let x = inputs.map { $0.isTracked ? $0 : $0.tracked }
    let g = gradients(of: f(x).squared().sum(), with: [x[k]], createGraph: true)[0]
    return inputs.contains { $0.isTracked } ? g : g.detached
  }

  private static let planes: [[Shape]] = [[[3, 4]], [[2, 5, 4]], [[1, 2, 4, 5]], [[0, 3, 4]]]
  private static let largePlanes: [[Shape]] = [[[4, 9, 33, 31]]]
  private static let distinct: [Layout] = [.rows, .turned, .window]
  private static let images: [[Shape]] = [
    [[2, 3, 5, 4], [4, 3, 3, 3], [4]], [[1, 1, 3, 3], [1, 1, 3, 3], [1]], [[0, 2, 4, 4], [3, 2, 3, 3], [3]],
  ]
  private static let largeImages: [[Shape]] = [
    [[3, 20, 40, 41], [8, 20, 3, 3], [8]], [[40, 33, 4, 4], [40, 33, 3, 3], [40]],
  ]

  static let convolutions: [Op] = [
    Op("conv2d", images, large: largeImages) { conv2d($0[0], $0[1], $0[2]) },
    Op("conv2d(same size)", images, large: largeImages) { conv2d($0[0], $0[1], $0[2], padding: 1) },
    Op("conv2d(stride)", images, large: largeImages) { conv2d($0[0], $0[1], $0[2], stride: 2, padding: 1) },
    Op("conv2d(dilation)", images, large: largeImages) {
      conv2d($0[0], $0[1], $0[2], stride: [1, 2], padding: [2, 3], dilation: 2)
    },
    Op(
      "conv2d(pointwise)", [[[2, 3, 2, 4], [5, 3, 1, 1]], [[1, 1, 1, 1], [2, 1, 1, 1]]],
      large: [[[3, 64, 20, 21], [48, 64, 1, 1]], [[70, 64, 4, 4], [48, 64, 1, 1]]]
    ) { conv2d($0[0], $0[1]) },
    Op(
      "conv2d(groups)", [[[2, 4, 3, 4], [6, 2, 2, 3]], [[1, 2, 3, 3], [4, 1, 3, 2]]],
      large: [[[3, 20, 40, 41], [8, 10, 3, 3]]]
    ) { conv2d($0[0], $0[1], padding: 1, groups: 2) },
    Op("conv2d(itself)", [[[2, 2, 3, 3]], [[1, 1, 2, 2]]], large: [[[8, 8, 20, 21]]]) {
      conv2d($0[0], $0[0], padding: 1)
    },
    Op(
      "convTranspose2d", [[[2, 3, 3, 4], [3, 2, 3, 3], [2]], [[1, 1, 1, 2], [1, 3, 2, 2], [3]]],
      large: [[[3, 20, 30, 31], [20, 8, 3, 3], [8]]]
    ) { convTranspose2d($0[0], $0[1], $0[2], stride: 2, padding: 1, outputPadding: 1) },
    Op("conv2d(gradient by the input)", images, large: largeImages) {
      derivative(0, $0) { conv2d($0[0], $0[1] * 0.3, $0[2], padding: 1) }
    },
    Op("conv2d(gradient by the weight)", images, large: largeImages) {
      derivative(1, $0) { conv2d($0[0], $0[1], $0[2], stride: 2, padding: 1) }
    },
    Op("maxPooled", planes, large: largePlanes, .apart(0.1), layouts: distinct) { $0[0].maxPooled(2, stride: [1, 2]) },
    Op("maxPooled(padded)", planes, large: largePlanes, .apart(0.1), layouts: distinct) {
      $0[0].maxPooled(3, stride: 2, padding: 1)
    },
    Op("maxPooled(gradient)", planes, large: largePlanes, .apart(0.1), layouts: distinct) {
      derivative(0, $0) { $0[0].maxPooled(2) }
    },
    Op("maxPooled(second derivative)", planes, large: largePlanes, .apart(0.1), layouts: distinct) {
      derivative(0, $0) { derivative(0, $0) { $0[0].maxPooled(2) * $0[0].maxPooled(2) } }
    },
    Op("averagePooled", planes, large: largePlanes) { $0[0].averagePooled(2) },
    Op("averagePooled(padded)", planes, large: largePlanes) { $0[0].averagePooled(3, stride: 2, padding: 1) },
    Op("averagePooled(inside)", planes, large: largePlanes) {
      $0[0].averagePooled([3, 2], stride: 1, padding: 1, countsPadding: false)
    },
    Op("averagePooled(gradient)", planes, large: largePlanes) {
      derivative(0, $0) { $0[0].averagePooled(2).squared() }
    },
    Op("globalAveragePooled", planes, large: largePlanes) { $0[0].globalAveragePooled() },
    Op(
      "batchNormalized",
      [
        [[4, 3], [3], [3]], [[2, 3, 5], [3], [3]], [[3, 2, 2, 3], [2], [2]], [[1, 2, 7], [2], [2]],
        [[5, 1], [1], [1]],
      ],
      large: [[[7, 20, 13, 17], [20], [20]], [[701, 65], [65], [65]]], layouts: distinct
    ) { $0[0].batchNormalized(gain: $0[1], bias: $0[2], epsilon: 0.1).output },
    Op("recomputed", [[[3, 4], [4]], [[], []], [[2, 1, 3], [3]]], large: [[[3, 20011], [20011]]]) { again($0) },
    Op("recomputed(itself twice)", [[[3, 4]], [[]]], large: [[[3, 20011]]]) { again([$0[0], again([$0[0], $0[0]])]) },
    Op("recomputed(gradient)", [[[3, 4], [4]], [[], []]], large: [[[3, 20011], [20011]]]) {
      derivative(0, $0) { again($0) }
    },
  ]

  private static func again(_ inputs: [Tensor]) -> Tensor {
    func body(_ x: [Tensor]) -> Tensor { (x[0] * x[1]).tanh() + x[0].sin() }
    return recomputed(inputs, first: body, again: body)
  }
}
