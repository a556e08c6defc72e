import Glibc
import ReproNN
import ReproTensor
import TestSupport
import Testing

/// What DINOv2 adds to a vision transformer.
@Suite struct BackboneTests {
  private func configuration(depth: Int = 2, registers: Int = 0, layerScale: Real? = nil) -> ViTConfiguration {
    var c = ViTConfiguration(imageSize: 16, patch: 4, channels: 3, width: 12, depth: depth, heads: 3)
    (c.registers, c.layerScale, c.hasMaskToken, c.deviation) = (registers, layerScale, true, 0.3)
    return c
  }

  private func network(_ c: ViTConfiguration) -> VisionTransformer {
    // Tokens start near 0; larger ones show where they go.
    VisionTransformer(c, random: RandomStream(seed: 1)).rewritten { path, t in
      guard ["cls_token", "register_tokens", "mask_token"].contains(path) else { return nil }
      var stream = RandomStream(seed: 2).child(path)
      return stream.normal(t.shape)
    }
  }

  private func images(_ n: Int = 3) -> Tensor {
    var stream = RandomStream(seed: 4)
    return stream.normal([n, 3, 16, 16])
  }

  @Test func registersAreLeftOutOfThePatchOutput() {
    for registers in [0, 1, 4] {
      let output = network(configuration(registers: registers))(images())
      #expect(output.patches.shape == [3, 16, 12] && output.classToken.shape == [3, 12])
    }
    // Without blocks tokens do not meet: registers change nothing, so the right ones were removed.
    let (with, without) = (
      network(configuration(depth: 0, registers: 3))(images()), network(configuration(depth: 0))(images())
    )
    #expect(sameBits(with.patches, without.patches) && sameBits(with.classToken, without.classToken))
  }

  @Test func registersHaveNoPositions() {
    // Attention does not see an order of tokens: only positions could tell exchanged registers apart.
    var net = network(configuration(registers: 2))
    let output = net(images())
    let r = net.registerTokens.map { $0.gathered(IndexTensor([0])) }
    net.registerTokens = r.map { concat([$0.slice(1, 1..<2), $0.slice(1, 0..<1)], axis: 1) }
    expectClose(net(images()).patches, output.patches, tolerance: 1e-5)
    var other = RandomStream(seed: 9)
    net.registerTokens = r.map { other.normal($0.shape, deviation: 3) }
    #expect(relativeError(net(images()).patches, output.patches) > 1e-3)
  }

  @Test func whatIsUnderAMaskIsNotSeen() {
    let net = network(configuration())
    let mask = Tensor([1, 16], (0..<16).map { $0 == 5 || $0 == 6 ? 1 : 0 })
    var (changed, visible) = (images(1), images(1))
    // Patch 5 is the second of the second row: pixels (4..<8, 4..<8); patch 10 is beyond the mask.
    changed.withMutableElements { $0[4 * 16 + 5] += 3 }
    visible.withMutableElements { $0[9 * 16 + 9] += 3 }
    let output = net(images(1), mask: mask).patches
    #expect(sameBits(net(changed, mask: mask).patches, output))
    #expect(!sameBits(net(visible, mask: mask).patches, output))
    #expect(!sameBits(net(images(1)).patches, output))
    #expect(sameBits(net(images(1), mask: .zeros([1, 16])).patches, net(images(1)).patches))
  }

  @Test func layerScaleOfZeroLeavesTheTokensAlone() {
    let still = network(configuration(layerScale: 0.1)).rewritten { path, t in
      path.contains("gamma") ? Tensor.zeros(t.shape) : nil
    }
    let (a, b) = (still(images()), network(configuration(depth: 0))(images()))
    expectClose(a.patches, b.patches, tolerance: 1e-6)
    expectClose(a.classToken, b.classToken, tolerance: 1e-6)
    let gammas = network(configuration(layerScale: 1e-5)).named.filter { $0.name.contains("gamma") }
    #expect(gammas.count == 4 && gammas.allSatisfy { $0.value.values.allSatisfy { $0 == 1e-5 } })
  }

  // MARK: stochastic depth

  private let x = Tensor([200, 1, 2], (0..<400).map { Real($0) })
  /// What is added to x and taken out again is rounded to the neighbours of x, 2^-15 apart for numbers of 256 to 512.
  private let rounding: Real = 0x1p-15

  @Test func aSmallRateSkipsSamplesOneByOne() {
    var kept = 0
    for trial in 0..<20 {
      let y = residual(x, rate: 0.1, ForwardContext(random: RandomStream(seed: UInt64(trial)))) { _ in
        .ones([200, 1, 2])
      }
      let change = (y - x).values
      for i in 0..<200 {
        #expect(abs(change[2 * i] - change[2 * i + 1]) <= rounding)
        #expect(change[2 * i] == 0 || abs(change[2 * i] - 1 / 0.9) <= rounding)
        kept += change[2 * i] == 0 ? 0 : 1
      }
    }
    // 4000 draws of 0.9: deviation 19.
    #expect(abs(kept - 3600) < 80)
  }

  @Test func aLargeRateComputesASubsetOfFixedSize() {
    var counts = [Int](repeating: 0, count: 200)
    for trial in 0..<50 {
      var computed = 0
      let y = residual(x, rate: 0.3, ForwardContext(random: RandomStream(seed: UInt64(trial)))) {
        computed = $0.shape[0]
        return .ones($0.shape)
      }
      #expect(computed == 140)
      let change = (y - x).values
      for i in 0..<200 where change[2 * i] != 0 {
        #expect(abs(change[2 * i] - 200.0 / 140) <= rounding)
        counts[i] += 1
      }
    }
    #expect(counts.reduce(0, +) == 50 * 140)
    #expect(counts.allSatisfy { $0 > 15 && $0 < 50 })  // 50 draws of 0.7: deviation 3.2
  }

  @Test func aLargeRateKeepsAtLeastOneSampleAndItsGradientIsThatOfTheSubset() {
    let one = Tensor([1, 1, 2], [1, 2])
    let y = residual(one, rate: 0.9, ForwardContext(random: RandomStream(seed: 1))) { $0 * 2 }
    #expect(y.values == [3, 6])
    let v = x.tracked
    let z = residual(v, rate: 0.5, ForwardContext(random: RandomStream(seed: 1))) { $0 * 3 }
    let g = gradients(of: z.sum(), with: [v])[0].values
    #expect(g.count { $0 == 1 } == 200 && g.count { $0 == 7 } == 200)
  }

  @Test func nothingIsSkippedOutsideOfTraining() {
    let y = residual(x, rate: 0.5, nil) { $0 * 2 }
    #expect(y.values == (x * 3).values)
  }
}
