import ReproTensor

/// A gated recurrent network over sequences, of several layers and one or two directions.   [B, N, D] -> [B, N, directions H]
///
///     r = sigmoid(W_ir x + b_ir + W_hr h + b_hr);   z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
///     n = tanh(W_in x + b_in + r (W_hn h + b_hn));  h := (1 - z) n + z h
///
/// Names, layout (gates r, z, n) and initialisation are those of PyTorch's `GRU` with `batch_first`.
/// - Source: Cho et al. 2014 (arXiv 1406.1078), Section 2.3; with the reset behind the product, as PyTorch and cuDNN have it.
public struct GRU: Layer {
  var stack: RecurrentStack

  /// - Parameters:
  ///   - inputs: D.
  ///   - width: H.
  ///   - layers: 1 to 6; each sees the outputs of the one before.
  ///   - isBidirectional: whether each layer also runs from the end; both outputs stand side by side.
  ///   - dropout: between layers, while training.
  public init(
    _ inputs: Int, _ width: Int, layers: Int = 1, isBidirectional: Bool = false, dropout: Real = 0,
    random: RandomStream
  ) {
    stack = RecurrentStack(
      inputs, width, gates: 3, layers: layers, isBidirectional: isBidirectional, dropout: dropout, random: random)
  }

  public mutating func visit(_ v: inout some LayerVisitor) { stack.visit(&v) }

  /// - Parameters:
  ///   - x: `[B, N, D]`.
  ///   - initial: `[layers * directions, B, H]`; zeros if nil.
  ///   - lengths: how many steps of each sample count; later outputs are 0.
  /// - Returns: outputs `[B, N, directions H]` and the states at the end, `[layers * directions, B, H]`.
  public func callAsFunction(
    _ x: Tensor, initial: Tensor? = nil, lengths: [Int]? = nil, _ context: ForwardContext? = nil
  ) -> (outputs: Tensor, state: Tensor) {
    let width = stack.width
    let (outputs, states) = stack.run(x, initial: initial.map { [$0] }, kinds: 1, lengths: lengths, context) {
      fromInputs, weights, states in
      let h = states[0]
      let fromState = linear(h, weights.states, weights.stateBias)  // [B, 3 H]
      let gates = (fromInputs.slice(1, 0..<(2 * width)) + fromState.slice(1, 0..<(2 * width))).sigmoid()
      let (r, z) = (gates.slice(1, 0..<width), gates.slice(1, width..<(2 * width)))
      let candidate: Tensor =
        (fromInputs.slice(1, (2 * width)..<(3 * width)) + r * fromState.slice(1, (2 * width)..<(3 * width))).tanh()
      return [candidate + z * (h - candidate)]
    }
    return (outputs, states[0])
  }
}
