import Glibc
import TestSupport
import Testing

@testable import ReproTensor

@Suite("Reverse accumulation")
struct AutogradTests {
  private let x = Tensor([3], [0.5, -1, 2]).tracked

  @Test func gradientsReachIntermediatesAndVariablesAtOnce() {
    let y = x.squared()
    let z = y * 3 + x
    let g = gradients(of: z.sum(), with: [y, x])
    #expect(g[0].values == [3, 3, 3])
    #expect(g[1].values == [4, -5, 13], "2 * 3 x + 1: through y and past it")
  }

  @Test func aVariableUsedOftenGetsTheSumOfItsUses() {
    let y = x * x * x + x + x  // 3 x^2 + 2
    #expect(gradients(of: y.sum(), with: [x, x]).map(\.values) == [[2.75, 5, 14], [2.75, 5, 14]])
  }

  @Test func whatDoesNotDependGetsZeros() {
    let other = Tensor([2, 2], [1, 2, 3, 4]).tracked
    let g = gradients(of: x.sum(), with: [other, x])
    #expect(g[0].values == [0, 0, 0, 0] && g[0].shape == [2, 2] && g[1].values == [1, 1, 1])
    #expect(gradients(of: Tensor(1), with: [x])[0].values == [0, 0, 0], "a constant depends on nothing")
  }

  @Test func theGradientOfAVariableByItselfIsTheSeed() {
    #expect(gradients(of: x, seed: Tensor([3], [1, 2, 3]), with: [x])[0].values == [1, 2, 3])
  }

  @Test func detachedStopsGradientsAndKeepsValues() {
    let y = x.detached * x
    #expect(gradients(of: y.sum(), with: [x])[0].values == x.values)
    #expect(!x.detached.isTracked && sameBits(x.detached, x))
    #expect(!(x.detached * 2).isTracked && (x * 2).isTracked)
  }

  @Test func aGraphIsFreedByTheFirstPassAndKeptOnRequest() {
    let y = x.exp().sum()
    let first = gradients(of: y, with: [x], keepGraph: true)[0]
    #expect(sameBits(first, gradients(of: y, with: [x])[0]))
    #expect(y.node?.derivative == nil, "what the graph saved is freed")
  }

  @Test func aSeedWithAHistoryRecordsNothingInAFirstOrderPass() {
    let seed = Tensor([3], [1, 2, 3]).tracked
    #expect(!gradients(of: x * x, seed: seed, with: [x])[0].isTracked)
    #expect(gradients(of: x * x, seed: seed, with: [x], createGraph: true)[0].isTracked)
  }

  @Test func thirdDerivativesFollowTheirClosedForm() {
    // d^3/dx^3 of x^5 is 60 x^2; of sin x is -cos x.
    let v = Tensor([2], [1, 2]).tracked
    var (y, z) = (v.pow(5).sum(), v.sin().sum())
    for _ in 0..<3 {
      y = gradients(of: y, with: [v], createGraph: true)[0].sum()
      z = gradients(of: z, with: [v], createGraph: true)[0].sum()
    }
    expectClose(y, Tensor(300), tolerance: 1e-5)
    expectClose(z, -v.detached.cos().sum(), tolerance: 1e-5)
    // x^2 at 0: the third derivative is 0 and not 0 * infinity.
    let zero = Tensor([1], [0]).tracked
    var w = zero.pow(2).sum()
    for _ in 0..<3 { w = gradients(of: w, with: [zero], createGraph: true)[0].sum() }
    #expect(w.item == 0)
  }

  @Test func aCustomDerivativeReplacesThatOfItsForward() {
    let round = Tensor.custom("straight through", [x], forward: { x in x[0].isLess(Tensor(0)) }) { g, _, _ in [g] }
    #expect(round.values == [0, 1, 0])
    #expect(gradients(of: (round * Tensor([3], [1, 2, 3])).sum(), with: [x])[0].values == [1, 2, 3])
    let reversed = Tensor.custom("reversal", [x], forward: { $0[0] }) { g, _, _ in [-g] }
    #expect(gradients(of: reversed.sum(), with: [x])[0].values == [-1, -1, -1])
    // The output is there for the derivative, differentiable once more.
    let e = Tensor.custom("exp", [x], forward: { $0[0].exp() }) { g, _, y in [g * y] }
    let first = gradients(of: e.sum(), with: [x], createGraph: true)[0]
    expectClose(gradients(of: first.sum(), with: [x])[0], x.detached.exp(), tolerance: 1e-6)
  }

  @Test func usesOfAVariableAreAddedFromTheNewestToTheOldest() {
    // With `big`, at which odd numbers end, every order of these four gives another sum.
    let big: Real = isDouble ? 0x1p53 : 0x1p24
    let factors: [Real] = [big, 1, -big, 3]
    func gradient(_ order: [Int]) -> Real {
      let v = Tensor([1], [1]).tracked
      let parts = factors.map { v * $0 }
      return gradients(of: order.map { parts[$0] }.reduce(Tensor(0), +).sum(), with: [v])[0].item
    }
    let expected = ((factors[3] + factors[2]) + factors[1]) + factors[0]
    #expect(expected != ((factors[0] + factors[1]) + factors[2]) + factors[3])
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] { #expect(gradient(order) == expected) }
  }

  @Test func gradientsInPlaceNeverChangeATensorThatSomeoneHolds() {
    // a + a hands the same tensor to both sides; the sum must not be written into the seed.
    let seed = Tensor([3], [1, 2, 3])
    let y = (x + x) + (x + x)
    #expect(gradients(of: y, seed: seed, with: [x])[0].values == [4, 8, 12])
    #expect(seed.values == [1, 2, 3])
  }

  @Test func aDerivativeMayDifferentiateVariablesOfItsOwn() {
    // The derivative of x^3 by another pass, inside of the pass that asks for it.
    func cube(_ x: Tensor) -> Tensor {
      Tensor.custom("cube", [x], forward: { $0[0] * $0[0] * $0[0] }) { g, inputs, _ in
        let v = inputs[0].detached.tracked
        return [gradients(of: (v * v * v).sum(), with: [v])[0] * g]
      }
    }
    let y = cube(x.sin()) * x
    let expected = x.values.map { 3 * sin($0) * sin($0) * cos($0) * $0 + sin($0) * sin($0) * sin($0) }
    for (a, b) in zip(gradients(of: y.sum(), with: [x])[0].values, expected) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func recomputationsInsideOfOthersHaveTheDerivativesOfThePlainComputation() {
    func inner(_ t: [Tensor]) -> Tensor { (t[0] * t[1]).sin() }
    func outer(_ t: [Tensor], _ part: ([Tensor]) -> Tensor) -> Tensor { part([t[0].squared(), t[1]]) * t[1] }
    let w = Tensor([3], [0.3, -0.7, 0.4]).tracked
    func recomputing(_ t: [Tensor]) -> Tensor { recomputed(t, first: inner, again: inner) }
    let plain = outer([x, w], inner)
    let nested = recomputed([x, w]) {
      outer($0, recomputing)
    } again: {
      outer($0, recomputing)
    }
    expectClose(nested.detached, plain.detached, tolerance: 1e-6)
    // First, second and third order, and one first-order pass over the recorded derivative.
    var (a, b) = (plain, nested)
    for order in 1...3 {
      let found = gradients(of: a.sum(), with: [x, w], createGraph: true, keepGraph: true)
      let again = gradients(of: b.sum(), with: [x, w], createGraph: true, keepGraph: true)
      for (p, q) in zip(found, again) { expectClose(q.detached, p.detached, tolerance: 1e-4, "order \(order)") }
      (a, b) = (found[0] * found[1], again[0] * again[1])
    }
    for (p, q) in zip(gradients(of: a.sum(), with: [x, w]), gradients(of: b.sum(), with: [x, w])) {
      expectClose(q, p, tolerance: 1e-3, "a pass that records nothing")
    }
  }

  /// The definition of self-attention in ops.
  private func composedSelfAttention(_ qkv: Tensor, heads: Int) -> Tensor {
    let (b, n, d) = (qkv.shape[0], qkv.shape[1], qkv.shape[2] / 3 / heads)
    let parts = qkv.reshaped(to: [b, n, 3, heads, d]).permuted([2, 0, 3, 1, 4])  // [3, B, H, N, d]
    let scores = matmul(parts.select(0, 0), parts.select(0, 1).transposed())  // [B, H, N, N]
    return matmul(scores.softmax(scale: 1 / Real(d).squareRoot()), parts.select(0, 2))
      .permuted([0, 2, 1, 3]).reshaped(to: [b, n, heads * d])
  }

  @Test func theFusedAttentionIsTheComposedOne() {
    var stream = RandomStream(seed: 4)
    for (shape, heads) in [([2, 5, 12], 2), ([1, 1, 3], 1), ([3, 7, 18], 3)] as [(Shape, Int)] {
      let qkv = stream.normal(shape)
      expectClose(
        selfAttention(qkv, heads: heads), composedSelfAttention(qkv, heads: heads), tolerance: isDouble ? 1e-14 : 1e-6)
    }
  }

  @Test func halvesAreSharedAtATieAndBoundsCountAsInside() {
    let (a, b) = (Tensor([3], [1, 2, 3]).tracked, Tensor([3], [1, 3, 2]).tracked)
    #expect(gradients(of: maximum(a, b).sum(), with: [a, b]).map(\.values) == [[0.5, 0, 1], [0.5, 1, 0]])
    #expect(gradients(of: minimum(a, b).sum(), with: [a, b]).map(\.values) == [[0.5, 1, 0], [0.5, 0, 1]])
    #expect(gradients(of: a.clamped(1, 2).sum(), with: [a])[0].values == [1, 1, 0])
    let ties = Tensor([2, 3], [5, 5, 1, 0, 2, 2]).tracked
    #expect(gradients(of: ties.amax().sum(), with: [ties])[0].values == [1, 0, 0, 0, 1, 0], "the first of equals")
    #expect(ties.argmax().values == [0, 1])
  }
}
