import ReproTensor

/// A long short-term memory over sequences, of several layers and one or two directions.   [B, N, D] -> [B, N, directions H]
///
///     i, f, o = sigmoid(W x + b + W' h + b');   g = tanh(W_g x + b_g + W'_g h + b'_g)
///     c := f c + i g;   h := o tanh(c)
///
/// Names, layout (gates i, f, g, o) and initialisation are those of PyTorch's `LSTM` with `batch_first`.
/// - Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
public struct LSTM: Layer {
  var stack: RecurrentStack

  /// The same parameters as `GRU`.
  public init(
    _ inputs: Int, _ width: Int, layers: Int = 1, isBidirectional: Bool = false, dropout: Real = 0,
    random: RandomStream
  ) {
    stack = RecurrentStack(
      inputs, width, gates: 4, layers: layers, isBidirectional: isBidirectional, dropout: dropout, random: random)
  }

  public mutating func visit(_ v: inout some LayerVisitor) { stack.visit(&v) }

  /// - Parameters:
  ///   - x: `[B, N, D]`.
  ///   - initial: hidden and cell states, each `[layers * directions, B, H]`; zeros if nil.
  ///   - lengths: how many steps of each sample count; later outputs are 0.
  /// - Returns: outputs `[B, N, directions H]`, hidden and cell states at the end, `[layers * directions, B, H]`.
  public func callAsFunction(
    _ x: Tensor, initial: (hidden: Tensor, cell: Tensor)? = nil, lengths: [Int]? = nil,
    _ context: ForwardContext? = nil
  ) -> (outputs: Tensor, hidden: Tensor, cell: Tensor) {
    let width = stack.width
    let (outputs, states) = stack.run(
      x, initial: initial.map { [$0.hidden, $0.cell] }, kinds: 2, lengths: lengths, context
    ) { fromInputs, weights, states in
      let gates: Tensor = fromInputs + linear(states[0], weights.states, weights.stateBias)  // [B, 4 H]
      func gate(_ k: Int) -> Tensor { gates.slice(1, (k * width)..<((k + 1) * width)) }
      let c: Tensor = gate(1).sigmoid() * states[1] + gate(0).sigmoid() * gate(2).tanh()
      return [gate(3).sigmoid() * c.tanh(), c]
    }
    return (outputs, states[0], states[1])
  }
}
