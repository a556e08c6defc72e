import TestSupport
import Testing

@testable import ReproTensor

@Suite("Distances, transport and soft places")
struct DistanceTests {
  @Test func differencesDoNotCancelFarFromTheOriginButTheProductDoes() {
    // Two points one unit apart, far away: |a|^2 is 2^26, where single precision counts in steps of 8.
    let far: Real = isDouble ? 1e9 : 8192
    let (a, b) = (Tensor([1, 2], [far, 0]), Tensor([2, 2], [far + 1, 0, far, 2]))
    #expect(squaredDistances(a, b).values == [1, 4])
    #expect(squaredDistances(a, b, .product).values[0] != 1)
    let x = a.tracked
    #expect(gradients(of: squaredDistances(x, b).sum(), with: [x])[0].values == [-2, -4])
  }

  @Test func aDistanceOfZeroHasTheGradientZero() {
    let x = Tensor([2, 2], [1, 2, 4, 6]).tracked
    let d = distances(x, x)
    #expect(d.values == [0, 5, 5, 0])
    let g = gradients(of: d.sum(), with: [x], createGraph: true)[0]
    expectClose(g, Tensor([2, 2], [-1.2, -1.6, 1.2, 1.6]), tolerance: 1e-6)
    #expect(gradients(of: g.squared().sum(), with: [x])[0].values.allSatisfy { $0.isFinite })
    let zero = Tensor.zeros([3]).tracked
    #expect(gradients(of: zero.norm(), with: [zero])[0].values == [0, 0, 0])
  }

  @Test func theChamferDistanceIsThatOfTheLoops() {
    var stream = RandomStream(seed: 4)
    let (a, b) = (stream.normal([2, 40, 3]), stream.normal([2, 1500, 3]))
    let all = squaredDistances(a, b)
    let expected = all.amin(-1).mean(-1) + all.amin(-2).mean(-1)
    expectClose(chamferDistance(a, b), expected, tolerance: 1e-6)
    #expect(chamferDistance(a, a).values == [0, 0])
  }

  @Test func ofNearestPointsTheFirstTakesTheGradient() {
    let a = Tensor([1, 1], [0])
    let b = Tensor([2, 1], [1, -1]).tracked
    // 1 from a to its nearest and 1 on the way back: (1 + 1/2) 2 b_0 and (1/2) 2 b_1.
    #expect(gradients(of: chamferDistance(a, b), with: [b])[0].values == [3, -1])
  }

  @Test func plansOfTransportHaveTheirMassesEvenForSmallEpsilon() {
    var stream = RandomStream(seed: 5)
    let cost = stream.uniform([2, 5, 7])
    let plan = sinkhorn(cost: cost, epsilon: 0.002, iterations: 2000)
    expectClose(plan.sum(-1), .full([2, 5], 0.2), tolerance: 1e-4)
    expectClose(plan.sum(-2), .full([2, 7], Real(1) / 7), tolerance: 1e-2)
    // The plan of the assignment problem: with as many rows as columns and little entropy it picks the diagonal here.
    let square = Tensor([3, 3], [0, 1, 1, 1, 0, 1, 1, 1, 0])
    expectClose(
      sinkhorn(cost: square, epsilon: 0.01, iterations: 5) * 3, IndexTensor([0, 1, 2]).oneHot(3), tolerance: 1e-6)
  }

  @Test func softPlacesOfASharpPeakAreItsPlace() {
    var x = Tensor.zeros([4, 5])
    x.withMutableElements { $0[2 * 5 + 3] = 100 }
    expectClose(x.softArgmax2D(), Tensor([2], [3, 2]), tolerance: 1e-6)
    expectClose(Tensor.zeros([4, 5]).softArgmax2D(), Tensor([2], [2, 1.5]), tolerance: 1e-6)
    expectClose(x.softArgmax(0, scale: 5), Tensor([5], [1.5, 1.5, 1.5, 2, 1.5]), tolerance: 1e-6)
  }

  @Test func theLikelihoodIsThatOfTheLogarithmOfASoftmax() {
    let x = Tensor([2, 3], [1, 2, -.infinity, 1000, 0, -1000])
    let y = x.logLikelihood(of: [1, 0])
    #expect(sameBits(y, x.logSoftmax().picked([1, 0])))
    #expect(y.values[1] == 0)
  }
}
