/// A computation that keeps none of its intermediate results: they are computed again when a derivative needs them.
///
/// Its value and its gradients are those of `body`, for the memory of one call and the time of one more (activation
/// checkpointing). The gradient of an input that is used outside as well is a sum of two parts, so that its last bits may
/// differ from those of the plain computation; all others are the same bits.
/// - Parameters:
///   - inputs: everything through which gradients flow; `body` sees no other tracked tensor.
///   - first: the computation of the value, called once and at once, on constants; may note what else it has made.
///   - body: the same computation, called again in the derivative.
/// - Source: Chen et al. 2016, "Training deep nets with sublinear memory cost", arXiv 1604.06174.
public func recomputed(
  _ inputs: [Tensor], first: ([Tensor]) -> Tensor, again body: @escaping ([Tensor]) -> Tensor
) -> Tensor {
  let y = first(inputs.map(\.detached))
  require(
    !y.isTracked, "a recomputed computation uses a tracked tensor that is not among its \(inputs.count) inputs")
  return y.recorded("recomputed", inputs: inputs) { s in
    var arguments = inputs.map { s($0) }
    var wanted: [Tensor] = []
    for i in arguments.indices where s.needs(i) {
      // A variable of its own for each input: the pass below must end here, not in the graph around it.
      arguments[i] = s.createGraph ? arguments[i].aliased : arguments[i].tracked
      wanted.append(arguments[i])
    }
    var found = gradients(of: body(arguments), seed: s.gradient, with: wanted, createGraph: s.createGraph)[...]
    return inputs.indices.map { s.needs($0) ? found.removeFirst() : nil }
  }
}

extension Tensor {
  /// The same tensor as a node of its own.
  fileprivate var aliased: Tensor { recorded("aliased", self) { s in s.gradient } }
}
