import ReproNN
import ReproTensor
import TestSupport
import Testing

@Suite("Dropout")
struct DropoutTests {
  private func context(_ i: Int) -> ForwardContext { ForwardContext(random: RandomStream(seed: 7).child("step", i)) }

  @Test func isTheIdentityWithoutAContextOrARate() {
    let x = Tensor([2, 2], [1, 2, 3, 4])
    #expect(sameBits(Dropout(0.5)(x, nil), x) && sameBits(Dropout(0)(x, context(0)), x))
    #expect(Dropout(1)(x, context(0)).values == [0, 0, 0, 0])
  }

  @Test(arguments: [0.1, 0.5, 0.9])
  func keepsTheExpectationAndDropsAtItsRate(_ rate: Double) {
    let n = 20000
    let y = Dropout(Real(rate))(.ones([n]), context(1)).values
    let kept = y.filter { $0 != 0 }
    #expect(kept.allSatisfy { abs(Double($0) - 1 / (1 - rate)) < 1e-5 })
    let deviation = (Double(n) * rate * (1 - rate)).squareRoot()
    #expect(abs(Double(kept.count) - Double(n) * (1 - rate)) < 4 * deviation)
  }

  @Test func dropsWholeChannelsOrSamples() {
    let channels = Dropout(0.5, unit: .channels)(.ones([20, 10, 3, 2]), context(2))
    let samples = Dropout.path(0.5)(.ones([200, 3, 2]), context(3))
    for (y, size) in [(channels, 6), (samples, 6)] {
      let values = y.values
      for i in 0..<(y.count / size) { #expect(Set(values[i * size..<(i + 1) * size]).count == 1) }
      let dropped = stride(from: 0, to: values.count, by: size).count { values[$0] == 0 }
      #expect(abs(dropped - 100) < 4 * 8, "200 draws of 1/2: deviation 7.1")
    }
  }

  @Test func differsByItsStreamAndItsGradientIsItsMask() {
    let x = Tensor.ones([100]).tracked
    let y = Dropout(0.4)(x, context(4))
    #expect(sameBits(y, Dropout(0.4)(x, context(4))) && !sameBits(y, Dropout(0.4)(x, context(5))))
    #expect(sameBits(gradients(of: y.sum(), with: [x])[0], y.detached))
  }

  @Test func ofAttentionWeightsWithoutLuckIsPlainAttention() {
    // The composed path that dropout takes equals the fused one where nothing is dropped.
    var c = TransformerConfiguration(width: 8, heads: 2, hidden: 8)
    let x = {
      var s = RandomStream(seed: 1); return s.normal([2, 5, 8])
    }()
    let padding = Tensor([2, 5], [0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    let visible = AttentionContext(isCausal: true, padding: padding)
    let plain = TransformerEncoderBlock(c, random: RandomStream(seed: 2))
    c.dropout = 1e-7
    let dropping = TransformerEncoderBlock(c, random: RandomStream(seed: 2))
    expectClose(dropping(x, visible, context(6)), plain(x, visible), tolerance: 1e-5)
    c.dropout = 0.3
    let random = TransformerEncoderBlock(c, random: RandomStream(seed: 2))
    #expect(sameBits(random(x, visible, context(6)), random(x, visible, context(6))))
    #expect(relativeError(random(x, visible, context(6)), random(x, visible, context(7))) > 1e-2)
    #expect(sameBits(random(x, visible), plain(x, visible)))
  }
}

@Suite("Attention weights with dropout")
struct DroppedAttentionTests {
  @Test func aSampleThatIsAllPaddingGivesZerosAndFiniteGradients() {
    let layer = MultiHeadAttention(8, heads: 2, dropout: 0.3, random: RandomStream(seed: 2))
    var stream = RandomStream(seed: 3)
    let x = stream.normal([2, 5, 8]).tracked
    let padding = Tensor([2, 5], [1, 1, 1, 1, 1, 0, 0, 0, 1, 1])
    let y = layer(x, AttentionContext(padding: padding), ForwardContext(random: RandomStream(seed: 4)))
    #expect(y.select(0, 0).values.allSatisfy { $0 == 0 }, "the bias, which begins at 0")
    #expect(y.select(0, 1).values.allSatisfy { $0.isFinite && $0 != 0 })
    let g = gradients(of: y.squared().sum(), with: [x])[0]
    #expect(g.values.allSatisfy { $0.isFinite })
  }
}

@Suite("Estimators")
struct EstimatorTests {
  @Test func straightThroughPassesTheValueForwardAndTheGradientBack() {
    let x = Tensor([3], [0.2, 0.7, -1]).tracked
    let y = x.straightThrough(to: Tensor([3], [0, 1, -1]))
    #expect(y.values == [0, 1, -1])
    #expect(gradients(of: (y * Tensor([3], [2, 3, 4])).sum(), with: [x])[0].values == [2, 3, 4])
    // Second order: d/dx sum(y^2) = 2 y, whose derivative by x is 2 through y.
    let z = x.straightThrough(to: Tensor([3], [0, 1, -1]))
    let first = gradients(of: z.squared().sum(), with: [x], createGraph: true)[0]
    #expect(gradients(of: first.sum(), with: [x])[0].values == [2, 2, 2])
  }

  @Test func gradientReversalTurnsTheGradientOnly() {
    let x = Tensor([2], [3, -1]).tracked
    let y = x.gradientReversed(0.5)
    #expect(y.values == [3, -1])
    #expect(gradients(of: y.squared().sum(), with: [x])[0].values == [-3, 1])
    let again = gradients(of: x.gradientReversed().squared().sum(), with: [x], createGraph: true)[0]
    #expect(gradients(of: again.sum(), with: [x])[0].values == [2, 2], "the sign turns twice")
  }

  @Test func gumbelDrawsFollowTheSoftmaxOfTheirLogits() {
    let logits = Tensor([3], [0, 1, 2]).broadcast(to: [30000, 3])
    let p = Tensor([3], [0, 1, 2]).softmax().values
    for isHard in [false, true] {
      let y = gumbelSoftmax(logits, temperature: 0.5, isHard: isHard, random: RandomStream(seed: 3))
      expectClose(y.sum(1), .ones([30000]), tolerance: 1e-6)
      let places = y.argmax().values
      for k in 0..<3 {
        let share = Double(places.count { $0 == k }) / 30000
        let deviation = (Double(p[k]) * Double(1 - p[k]) / 30000).squareRoot()
        #expect(abs(share - Double(p[k])) < 4 * deviation, "the largest is a draw of the softmax")
      }
      if isHard { #expect(Set(y.values) == [0, 1]) }
    }
  }

  @Test func aHardDrawHasTheGradientOfTheSoftOne() {
    let logits = Tensor([2, 3], [0.1, 0.5, -1, 2, 0, 1]).tracked
    let w = Tensor([2, 3], [1, 2, 3, 4, 5, 6])
    func gradient(_ isHard: Bool) -> Tensor {
      let y = gumbelSoftmax(logits, temperature: 0.7, isHard: isHard, random: RandomStream(seed: 4))
      return gradients(of: (y * w).sum(), with: [logits])[0]
    }
    #expect(sameBits(gradient(true), gradient(false)) && gradient(true).abs().sum().item > 0.01)
  }

  @Test func reparametrisedDrawsHaveTheirMomentsAndGradients() {
    let mean = Tensor([2], [1, -2]).tracked
    let logVariance = Tensor([2], [0, 2]).tracked
    let n = 40000
    let g = DiagonalGaussian(mean: mean.broadcast(to: [n, 2]), logVariance: logVariance.broadcast(to: [n, 2]))
    let x = g.sample(RandomStream(seed: 5))
    let (m, v) = (x.mean(0).values, x.variance(0).values)
    for k in 0..<2 {
      let variance = [1.0, 7.38905609893065][k]
      #expect(abs(Double(m[k]) - [1.0, -2.0][k]) < 4 * (variance / Double(n)).squareRoot())
      #expect(abs(Double(v[k]) / variance - 1) < 4 * (2 / Double(n)).squareRoot())
    }
    // d E[x^2] / d mean = 2 mean;  d E[x^2] / d log variance = variance.
    let found = gradients(of: x.squared().sum() / Real(n), with: [mean, logVariance])
    expectClose(found[0], Tensor([2], [2, -4]), tolerance: 0.03)
    expectClose(found[1], Tensor([2], [1, 7.389]), tolerance: 0.06)
  }

  @Test func movingCodesSettleOnTheMeansOfTheirVectors() {
    // Two tight clusters and two codes: the codes become the clusters' means.
    var quantizer = MovingVectorQuantizer(2, 1, decay: 0.5, random: RandomStream(seed: 1))
    quantizer.codes = Tensor([2, 1], [-1, 1])
    quantizer.sums = quantizer.codes
    let x = Tensor([6, 1], [-5, -4, -3, 2, 3, 7])
    for _ in 0..<40 { _ = quantizer(x, ForwardContext(random: RandomStream(seed: 0))) }
    expectClose(quantizer.codes, Tensor([2, 1], [-4, 4]), tolerance: 1e-4)
    let y = quantizer(x)
    #expect(y.indices.values == [0, 0, 0, 1, 1, 1] && abs(y.perplexity - 2) < 1e-5)
    #expect(quantizer.parameterCount == 0)
  }
}
