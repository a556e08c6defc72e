import TestSupport
import Testing

@testable import ReproTensor

@Suite("Sorting, extremes and what is different")
struct OrderingTests {
  @Test func equalElementsKeepTheirOrderAndNaNComesLastInBothDirections() {
    let x = Tensor([7], [2, .nan, 1, 2, .infinity, 1, .nan])
    #expect(x.argsort().values == [2, 5, 0, 3, 4, 1, 6])
    #expect(x.argsort(descending: true).values == [4, 0, 3, 2, 5, 1, 6])
    #expect(x.sorted().values.values.prefix(5) == [1, 1, 2, 2, .infinity])
    #expect(Tensor([3], [0, -0.0, 0]).argsort(descending: true).values == [0, 1, 2])
  }

  /// Short lists of best elements are kept by insertion, long ones are sorted: both give the first k of the sorted line.
  @Test(arguments: [0, 1, 2, 7, 20, 64, 100, 255])
  func theBestAreTheFirstOfTheSorted(_ k: Int) {
    var stream = RandomStream(seed: 3)
    var x = (stream.normal([3, 255, 2]) * 8).rounded()  // many are equal
    x.withMutableElements { p in for i in stride(from: 0, to: p.count, by: 97) { p[i] = .nan } }
    for largest in [true, false] {
      let (values, indices) = x.topK(k, axis: 1, largest: largest)
      let order = x.argsort(1, descending: largest)
      for o in 0..<3 {
        for j in 0..<k {
          for i in 0..<2 {
            #expect(indices.values[(o * k + j) * 2 + i] == order.values[(o * 255 + j) * 2 + i])
          }
        }
      }
      #expect(sameBits(values, x.takenAlong(1, indices)))
    }
  }

  @Test func onlyNaNGivesTheFirstPlaces() {
    #expect(Tensor([20], [Real](repeating: .nan, count: 20)).topK(2).indices.values == [0, 1])
  }

  @Test func placesOfExtremesAreTheFirstOfEqualsAndOfANaN() {
    let x = Tensor([2, 4], [1, 5, 5, 0, 3, .nan, 9, -1])
    #expect(x.argmax().values == [1, 1] && x.argmin().values == [3, 1])
    #expect(x.argmax(0).values == [1, 1, 1, 0] && x.argmin(0).values == [0, 1, 0, 1])
    #expect(x.maxWithIndices(0).indices.shape == [4])
    #expect(x.minWithIndices(0, keepsAxis: true).indices.shape == [1, 4])
    #expect(x.amax(0).values[1].isNaN && x.amax(0).values[2] == 9)
  }

  @Test func whatIsDifferentIsFoundWithItsPlacesAndNumbers() {
    let (values, inverse, counts) = Tensor([2, 3], [3, .nan, 1, 3, .nan, 0]).unique()
    #expect(values.values.prefix(3) == [0, 1, 3] && values.count == 4 && values.values[3].isNaN)
    #expect(inverse == IndexTensor([2, 3], [2, 3, 1, 2, 3, 0]) && counts == [1, 1, 2, 2])
    let labels = IndexTensor([2, 2], [7, -1, 7, 4]).unique()
    #expect(labels.values == [-1, 4, 7] && labels.inverse == IndexTensor([2, 2], [2, 0, 2, 1]))
    #expect(labels.counts == [1, 1, 2])
    #expect(Tensor.zeros([0]).unique().values.shape == [0])
  }
}

@Suite("Functions at their edges")
struct FunctionEdgeTests {
  @Test func powersOfZeroHaveTheGradientsOfTheirLimits() {
    let (x, p) = (Tensor([4], [0, 0, 2, 0]).tracked, Tensor([4], [0, 2, 0, 1]).tracked)
    let y = x.pow(p)
    #expect(y.values == [1, 0, 1, 0])
    let g = gradients(of: y.sum(), with: [x, p])
    #expect(g[0].values == [0, 0, 0, 1])
    expectClose(g[1], Tensor([4], [0, 0, 0.6931471805599453, 0]), tolerance: 1e-6)
  }

  @Test func anEluOfALargeNumberHasAGradientOfOne() {
    let x = Tensor([3], [1000, 0, -1000]).tracked
    let y = x.elu(alpha: 2)
    #expect(y.values == [1000, 0, -2])
    #expect(gradients(of: y.sum(), with: [x])[0].values == [1, 2, 0])
    #expect(Tensor([2], [-1000, 1000]).logSigmoid().values == [-1000, 0])
  }

  @Test func stepsAreConstants() {
    let x = Tensor([4], [-1.5, -0.2, 0.5, 2.5]).tracked
    #expect(x.sign().values == [-1, -1, 1, 1] && x.floor().values == [-2, -1, 0, 2])
    #expect(x.rounded().values == [-2, 0, 0, 2])
    #expect(!x.sign().isTracked && !x.floor().isTracked && !x.rounded().isTracked)
  }

  @Test func aStraightThroughEstimatorPassesTheGradientOn() {
    let x = Tensor([2], [0.4, 1.7]).tracked
    let y = x.straightThrough(to: x.rounded())
    #expect(y.values == [0, 2])
    // d/dx of y^2 with dy/dx = 1
    let g = gradients(of: y.squared().sum(), with: [x], createGraph: true)[0]
    #expect(g.values == [0, 4])
    #expect(gradients(of: g.sum(), with: [x])[0].values == [2, 2])
  }

  @Test func aReversedGradientIsTheGradientTimesMinusItsStrength() {
    let x = Tensor([2], [1, 3]).tracked
    let y = x.gradientReversed(0.5)
    #expect(sameBits(y.detached, x.detached))
    #expect(gradients(of: y.squared().sum(), with: [x])[0].values == [-1, -3])
  }

  @Test func aRunningSumIsAddedInDoublePrecision() {
    let y = Tensor.full([100_000], 0.1).cumulativeSum(0)
    #expect((Double(y.values[99_999]) - 10_000).magnitude < 2e-3)
  }

  @Test func theProductOfNothingIsOne() {
    #expect(Tensor.zeros([0, 2]).product(0).values == [1, 1])
    #expect(Tensor([3], [2, 0, 5]).product(0).item == 0)
    let x = Tensor([3], [2, 0, 5]).tracked
    #expect(gradients(of: x.product(0), with: [x])[0].values == [0, 10, 0])
  }

  @Test func patternsOfExtentsMayComeFromVariables() {
    let (x, heads) = (Tensor([1, 2, 4], [0, 1, 2, 3, 4, 5, 6, 7]), 2)
    #expect(x.rearranged("b n (h d) -> b h n d", h: heads).values == [0, 1, 4, 5, 2, 3, 6, 7])
    #expect(x.rearranged("b n d -> (b d) n", sizes: [:]).values == [0, 4, 1, 5, 2, 6, 3, 7])
  }
}
