import ReproNN
import ReproTensor

/// One graph convolution on sparse features.   [N, F] -> [N, D]
///
///     H = PReLU(P X W^T + b)
struct GraphEncoder: Layer {
  var fc: Linear
  var bias: Tensor  // [D]
  var act = PReLU()

  init(_ inputs: Int, _ outputs: Int, random: RandomStream) {
    fc = .glorot(inputs, outputs, bias: false, random: random.child("fc"))
    bias = .zeros([outputs])
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("fc", &fc)
    v("bias", &bias, .bias)
    v("act", &act)
  }

  /// X W^T, before anything is carried along edges.
  func projected(_ features: SparseMatrix) -> Tensor { matmul(features, fc.weight.transposed()) }

  /// The encodings of projected features.
  func callAsFunction(_ projected: Tensor, _ propagation: Propagation) -> Tensor { act(propagation(projected) + bias) }
}

/// How well a node's encoding and the summary of a graph fit together.
///
///     f(h, c) = h^T W c + b
///
/// - Source: Velickovic et al. 2018 (DGI, arXiv 1809.10341), Eq. 4; the sigmoid is in the loss.
struct BilinearDiscriminator: Layer {
  var weight: Tensor  // [1, D, D]
  var bias: Tensor = .zeros([1])

  init(_ width: Int, random: RandomStream) {
    // Xavier on [1, D, D] as PyTorch counts it: D^2 inputs, D outputs.
    let bound = (6 / Real(width * width + width)).squareRoot()
    var stream = random.child("weight")
    weight = stream.uniform([1, width, width], -bound, bound)
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
  }

  /// - Parameters:
  ///   - h: encodings of nodes, `[N, D]`.
  ///   - summary: `[D]`.
  /// - Returns: logits, `[N]`.
  func callAsFunction(_ h: Tensor, _ summary: Tensor) -> Tensor {
    let d = h.shape[1]
    let direction = matmul(weight.reshaped([d, d]), summary.reshaped([d, 1]))  // W c
    return matmul(h, direction).reshaped([h.shape[0]]) + bias
  }
}
