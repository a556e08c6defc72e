/// Two affine maps of the last axis with GELU between them: the MLP of a transformer block, `[..., D] -> [..., E]`.
///
///     y = gelu(x W1^T + b1) W2^T + b2
///
/// It keeps what comes before the GELU and computes the GELU again in the derivative, together with its slope, with which it
/// shares the exponential: half of the memory of the composition for hardly more time.
/// - Parameters:
///   - weight1, bias1: `[H, D]` and `[H]`.
///   - weight2, bias2: `[E, H]` and `[E]`.
/// - Source: Vaswani et al. 2017 (arXiv 1706.03762), Eq. 2; GELU: Hendrycks and Gimpel 2016 (arXiv 1606.08415).
public func feedForward(_ x: Tensor, _ weight1: Tensor, _ bias1: Tensor, _ weight2: Tensor, _ bias2: Tensor) -> Tensor {
  require(
    x.rank >= 1 && weight1.rank == 2 && weight2.rank == 2 && x.shape[-1] == weight1.shape[1]
      && weight2.shape[1] == weight1.shape[0] && bias1.shape == [weight1.shape[0]] && bias2.shape == [weight2.shape[0]],
    "feedForward needs x [..., D], weights [H, D] and [E, H], biases [H] and [E], "
      + "got \(x.shape), \(weight1.shape), \(weight2.shape), \(bias1.shape), \(bias2.shape)")
  let (rows, hidden, width) = (x.shape.array.dropLast().reduce(1, *), weight1.shape[0], weight2.shape[0])
  let flat = x.reshaped(to: [rows, x.shape[-1]])
  let before = Tensor(uninitialized: [rows, hidden])
  let y = Tensor(uninitialized: [rows, width])
  do {
    let after = Tensor(uninitialized: [rows, hidden])
    let (b1, b2) = (bias1.detached.contiguous(), bias2.detached.contiguous())
    let (p, h, out, start1, start2) = (before.base, after.base, y.base, b1.base, b2.base)
    Tensor.multiply(flat, byRowsOf: weight1, into: before) { block in
      block.forEachRun(of: hidden) { at, rows, columns, first in
        kernels.biasGelu(rows, columns, p + at, start1 + first, p + at, h + at)
      }
    }
    Tensor.multiply(after, byRowsOf: weight2, into: y) { block in
      block.forEachRun(of: width) { at, rows, columns, first in
        kernels.biasAdd(rows, columns, out + at, start2 + first, out + at)
      }
    }
    withExtendedLifetime((b1, b2)) {}
  }
  return y.recorded("feedForward", inputs: [flat, weight1, bias1, weight2, bias2]) { s in
    s.createGraph
      ? feedForwardDerivative(s, flat, weight1, bias1, weight2, bias2)
      : fusedFeedForwardDerivative(s, flat.detached, before, weight1.detached, weight2.detached)
  }.reshaped(to: Shape(x.shape.array.dropLast() + [width]))
}

/// The derivative as a recorded computation.
private func feedForwardDerivative(
  _ s: VJPScope, _ x: Tensor, _ weight1: Tensor, _ bias1: Tensor, _ weight2: Tensor, _ bias2: Tensor
) -> [Tensor?] {
  let g = s.gradient
  let before = linear(s(x), s(weight1), s(bias1))
  let after = before.gelu()
  let gh: Tensor = matmul(g, s(weight2)) * before.geluSlope()
  return [
    matmul(gh, s(weight1)), matmul(gh.transposed(), s(x)), gh.sum(0), matmul(g.transposed(), after), g.sum(0),
  ]
}

private func fusedFeedForwardDerivative(
  _ s: VJPScope, _ x: Tensor, _ before: Tensor, _ weight1: Tensor, _ weight2: Tensor
) -> [Tensor?] {
  let g = s.gradient.contiguous()
  let gh = Tensor(uninitialized: before.shape)
  let gw2 = secondWeightGradient(s, g, before, weight2, into: gh)
  return [
    s.needs(0) ? matmul(gh, weight1) : nil,
    s.needs(1) ? matmul(gh.transposed(), x) : nil,
    s.needs(2) ? gh.sum(0) : nil,
    gw2,
    s.needs(4) ? g.sum(0) : nil,
  ]
}

/// Fills `gh`, the gradient with respect to `before`, and gives that of the second weight; what comes after the GELU lives
/// no longer than this.
private func secondWeightGradient(
  _ s: VJPScope, _ g: Tensor, _ before: Tensor, _ weight2: Tensor, into gh: Tensor
) -> Tensor? {
  let hidden = before.shape[1]
  let after = Tensor(uninitialized: before.shape)
  let (pg, ph, pb) = (gh.base, after.base, before.base)
  Tensor.multiply(g, byRowsOf: weight2.transposed(), into: gh) { block in
    block.forEachRun(of: hidden) { at, rows, columns, _ in
      // Several rows are whole rows, one behind the other.
      kernels.geluBoth(rows * columns, pg + at, pb + at, pg + at, ph + at)
    }
  }
  withExtendedLifetime((before, after)) {}
  return s.needs(3) ? matmul(g.transposed(), after) : nil
}
