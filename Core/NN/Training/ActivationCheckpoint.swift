import ReproTensor

/// A part of a network that keeps no activations: they are computed again when the derivative needs them.
///
///     x = checkpointed(&block, x) { block, x in block(x, context) }
///
/// Value, gradients (of the parameters and of x) and buffers are those of the plain call, to the bit where x and the
/// parameters are used by this part only. Buffers (running statistics) are those of the first pass: the second one works on
/// a copy. The segment is a pure function of its two arguments: randomness comes from a context, which is a value.
/// - Parameters:
///   - layer: whatever has parameters in the segment.
///   - x: the input; anything else that has a gradient must be a parameter of the layer.
public func checkpointed<L: Layer>(
  _ layer: inout L, _ x: Tensor, _ segment: @escaping (inout L, Tensor) -> Tensor
) -> Tensor {
  let template = layer
  func run(_ inputs: [Tensor]) -> (L, Tensor) {
    var copy = template.replacing(Array(inputs.dropFirst()))
    let y = segment(&copy, inputs[0])
    return (copy, y)
  }
  var passed = layer
  let y = recomputed([x] + layer.tensors) { inputs in
    let (copy, y) = run(inputs)
    passed = copy
    return y
  } again: { inputs in
    run(inputs).1
  }
  layer.takeBuffers(from: passed)
  return y
}

/// The same for a layer that is not changed by its call.
public func checkpointed<L: Layer>(
  _ layer: L, _ x: Tensor, _ segment: @escaping (L, Tensor) -> Tensor
) -> Tensor {
  recomputed([x] + layer.tensors) { inputs in
    segment(layer.replacing(Array(inputs.dropFirst())), inputs[0])
  } again: { inputs in
    segment(layer.replacing(Array(inputs.dropFirst())), inputs[0])
  }
}

extension Layer {
  /// This layer with other tensors, in the order of `visit`.
  func replacing(_ tensors: [Tensor]) -> Self {
    var copy = self
    var replacer = Replacer(tensors: tensors)
    copy.visit(&replacer)
    return copy
  }
}

private struct Replacer: LayerVisitor {
  let tensors: [Tensor]
  var next = 0
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    t = tensors[next]
    next += 1
  }
}
