import ReproTensor

@testable import ReproNN

/// Classes of sequences from the last states of a recurrent network.
struct SequenceClassifier: Layer {
  var gru: GRU
  var head: Linear

  init(_ inputs: Int, _ width: Int, classes: Int, random: RandomStream) {
    gru = GRU(inputs, width, layers: 2, isBidirectional: true, random: random.child("gru"))
    head = .uniform(4 * width, classes, random: random.child("head"))
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("gru", &gru)
    v("head", &head)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let state = gru(x).state  // [4, B, H]
    return head(state.transposed(0, 1).reshaped([x.shape[0], -1]))
  }
}

/// Two graph convolutions.
struct GraphClassifier: Layer {
  var conv1, conv2: GCNConv

  init(_ inputs: Int, _ width: Int, classes: Int, random: RandomStream) {
    conv1 = GCNConv(inputs, width, random: random.child("conv1"))
    conv2 = GCNConv(width, classes, random: random.child("conv2"))
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("conv2", &conv2)
  }

  func callAsFunction(_ x: Tensor, _ propagation: SparseMatrix) -> Tensor {
    conv2(conv1(x, propagation).relu(), propagation)
  }
}
