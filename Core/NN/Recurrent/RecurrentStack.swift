import ReproTensor

/// The weights of one layer and direction of a recurrent network, gates one after the other.
struct RecurrentWeights: Sendable {
  var inputs: Tensor  // weight_ih, [G H, D]
  var states: Tensor  // weight_hh, [G H, H]
  var inputBias: Tensor  // [G H]
  var stateBias: Tensor  // [G H]

  /// Uniform within 1 / sqrt(H): PyTorch's default.
  init(_ inputs: Int, _ width: Int, gates: Int, random: RandomStream) {
    let bound = 1 / Real(width).squareRoot()
    func uniform(_ name: String, _ shape: Shape) -> Tensor {
      var stream = random.child(name)
      return stream.uniform(shape, -bound, bound)
    }
    self.inputs = uniform("weight_ih", [gates * width, inputs])
    states = uniform("weight_hh", [gates * width, width])
    inputBias = uniform("bias_ih", [gates * width])
    stateBias = uniform("bias_hh", [gates * width])
  }
}

/// All layers and directions of a recurrent network.
struct RecurrentStack: Sendable {
  /// Forward and backward of layer 0, of layer 1, ...; forward only where it has one direction.
  var weights: [RecurrentWeights]
  let width, directions: Int
  let dropout: Dropout

  init(
    _ inputs: Int, _ width: Int, gates: Int, layers: Int, isBidirectional: Bool, dropout: Real, random: RandomStream
  ) {
    require(
      inputs > 0 && width > 0 && layers >= 1 && layers <= Self.names.count,
      "a recurrent network needs positive widths and 1 to \(Self.names.count) layers, got \(inputs), \(width), \(layers)"
    )
    let directions = isBidirectional ? 2 : 1
    weights = (0..<(layers * directions)).map { i in
      RecurrentWeights(
        i < directions ? inputs : width * directions, width, gates: gates, random: random.child("direction", i))
    }
    (self.width, self.directions, self.dropout) = (width, directions, Dropout(dropout))
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    for i in weights.indices {
      let names = Self.names[i / directions]
      let own = i % directions == 0 ? names.forward : names.backward
      v(own.0, &weights[i].inputs)
      v(own.1, &weights[i].states)
      v(own.2, &weights[i].inputBias, .bias)
      v(own.3, &weights[i].stateBias, .bias)
    }
  }

  /// What a cell computes from its gates' inputs `[B, G H]` (bias included) and the states before.
  typealias Cell = (_ fromInputs: Tensor, _ weights: RecurrentWeights, _ states: [Tensor]) -> [Tensor]

  /// Runs every layer and direction over a sequence.
  ///
  /// - Parameters:
  ///   - x: `[B, N, D]`.
  ///   - initial: states at the beginning, each `[layers * directions, B, H]`; zeros if nil.
  ///   - kinds: how many states a cell has; the first is its output.
  ///   - lengths: how many steps of each sample count; all if nil. Later outputs are 0, and states stay.
  /// - Returns: outputs of the last layer `[B, N, directions H]`, and the states at the end in the form of `initial`.
  func run(
    _ x: Tensor, initial: [Tensor]?, kinds: Int, lengths: [Int]?, _ context: ForwardContext?, _ cell: Cell
  ) -> (outputs: Tensor, states: [Tensor]) {
    require(
      x.rank == 3 && x.shape[1] > 0 && x.shape[2] == weights[0].inputs.shape[1],
      "a recurrent network needs [B, N > 0, \(weights[0].inputs.shape[1])], got \(x.shape)")
    let (b, n) = (x.shape[0], x.shape[1])
    require(
      lengths.map { $0.count == b && $0.allSatisfy { $0 > 0 && $0 <= n } } ?? true,
      "lengths of \(b) samples are in 1...\(n), got \(lengths ?? [])")
    let expected: Shape = [weights.count, b, width]
    require(
      initial.map { $0.count == kinds && $0.allSatisfy { $0.shape == expected } } ?? true,
      "initial states are \(kinds) of \(expected), got \(initial?.map(\.shape) ?? [])")
    // 1 where a step of a sample counts, `[B, 1]` for each step; nil where all do.
    let counts: [Tensor?] = (0..<n).map { t in
      guard let lengths, lengths.contains(where: { $0 <= t }) else { return nil }
      return Tensor([b, 1], lengths.map { t < $0 ? 1 : 0 })
    }
    var last: [[Tensor]] = []
    var sequence = x
    for layer in 0..<(weights.count / directions) {
      if layer > 0 { sequence = dropout(sequence, context?.child("layer", layer)) }
      let outputs = (0..<directions).map { direction in
        let i = layer * directions + direction
        let w = weights[i]
        let steps = unstacked(linear(sequence, w.inputs, w.inputBias))  // each [B, G H]
        var states = initial.map { $0.map { $0.select(0, i) } } ?? Array(repeating: .zeros([b, width]), count: kinds)
        var result = [Tensor](repeating: Tensor(0), count: n)
        for t in direction == 0 ? Array(0..<n) : Array((0..<n).reversed()) {
          let next = cell(steps[t], w, states)
          if let m = counts[t] {
            states = zip(next, states).map { new, old in old + (new - old) * m }
            result[t] = next[0] * m
          } else {
            states = next
            result[t] = next[0]
          }
        }
        last.append(states)
        return stack(result, axis: 1)  // [B, N, H]
      }
      sequence = concat(outputs, axis: 2)
    }
    return (sequence, (0..<kinds).map { k in stack(last.map { $0[k] }) })
  }

  /// The steps of `[B, N, D]`, each `[B, D]`.
  ///
  /// In halves of halves: the derivative of a slice is as large as what it was cut from, so that cutting N steps from the
  /// whole would cost N times the sequence instead of log N times.
  private func unstacked(_ x: Tensor) -> [Tensor] {
    let n = x.shape[1]
    if n == 1 { return [x.squeezed(1)] }
    return unstacked(x.slice(1, 0..<(n / 2))) + unstacked(x.slice(1, (n / 2)..<n))
  }

  private typealias Names = (StaticString, StaticString, StaticString, StaticString)

  /// PyTorch's names; a visitor's names are static.
  private static let names: [(forward: Names, backward: Names)] = [
    (
      ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
      ("weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse")
    ),
    (
      ("weight_ih_l1", "weight_hh_l1", "bias_ih_l1", "bias_hh_l1"),
      ("weight_ih_l1_reverse", "weight_hh_l1_reverse", "bias_ih_l1_reverse", "bias_hh_l1_reverse")
    ),
    (
      ("weight_ih_l2", "weight_hh_l2", "bias_ih_l2", "bias_hh_l2"),
      ("weight_ih_l2_reverse", "weight_hh_l2_reverse", "bias_ih_l2_reverse", "bias_hh_l2_reverse")
    ),
    (
      ("weight_ih_l3", "weight_hh_l3", "bias_ih_l3", "bias_hh_l3"),
      ("weight_ih_l3_reverse", "weight_hh_l3_reverse", "bias_ih_l3_reverse", "bias_hh_l3_reverse")
    ),
    (
      ("weight_ih_l4", "weight_hh_l4", "bias_ih_l4", "bias_hh_l4"),
      ("weight_ih_l4_reverse", "weight_hh_l4_reverse", "bias_ih_l4_reverse", "bias_hh_l4_reverse")
    ),
    (
      ("weight_ih_l5", "weight_hh_l5", "bias_ih_l5", "bias_hh_l5"),
      ("weight_ih_l5_reverse", "weight_hh_l5_reverse", "bias_ih_l5_reverse", "bias_hh_l5_reverse")
    ),
  ]
}
