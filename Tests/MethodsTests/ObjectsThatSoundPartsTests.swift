import Glibc
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Multimodal

/// The parts that the networks are made of, their options, and the alignment of the baseline.
@Suite struct ObjectsThatSoundPartsTests {
  // MARK: spectrograms

  @Test func aSpectrogramIsTheLogarithmOfMelPowersByDefinition() throws {
    let method = try hearing("ave-net")
    var stream = RandomStream(seed: 4)
    let wave = stream.normal([1, 64], deviation: 0.3)
    let found = method.options.spectrogram(wave)
    #expect(found.shape == [1, 1, 8, 3])
    let (x, filters) = (wave.values, rows(try #require(method.options.spectrogram.filters)))
    let loudest = 8.0 * 8.0  // half of the window's sum, squared
    let range = Glibc.log(loudest / 1e-3 + 1) / 2
    for t in 0..<3 {
      let power = (0...16).map { f -> Double in
        var (re, im) = (0.0, 0.0)
        for j in 0..<32 {
          let window = 0.5 - 0.5 * Glibc.cos(2 * .pi * Double(j) / 32)
          let angle = -2 * Double.pi * Double(f * j) / 32
          re += window * Double(x[t * 16 + j]) * Glibc.cos(angle)
          im += window * Double(x[t * 16 + j]) * Glibc.sin(angle)
        }
        return re * re + im * im
      }
      for m in 0..<8 {
        let energy = zip(filters[m], power).reduce(0.0) { $0 + $1.0 * $1.1 }
        let expected = Glibc.log(energy / 1e-3 + 1) / range - 1
        #expect(close(Double(found.values[m * 3 + t]), expected, 1e-4))
      }
    }
    #expect(method.options.spectrogram(.zeros([1, 64])).values.allSatisfy { $0 == -1 })
  }

  @Test func withoutFiltersAllFrequenciesAreShown() throws {
    let method = try hearing("ave-net", "").options.spectrogram
    #expect(method.rows == 8 && method.columns(of: 256) == 15)
    let plain = try make(ObjectsThatSound.self, "{spectrogram: {window: 480, hop: 240, mels: 0, rate: 48000}}")
    // 10 ms with half overlap: the paper's 257 x 200 comes from padding the frame to 512.
    #expect(plain.options.spectrogram.rows == 241 && plain.options.spectrogram.columns(of: 48_000) == 199)
  }

  // MARK: subnets

  @Test func subnetsOfThePaperHaveItsMaps() {
    let random = RandomStream(seed: 1)
    // The paper's depth and strides with fewer channels, which do not change the maps.
    let subnet = ConvolutionalSubnet(3, widths: [2, 2, 2, 4], convolutions: 2, stride: 2, random: random)
    #expect(subnet(.zeros([1, 3, 224, 224])).shape == [1, 4, 14, 14])
    let audio = ConvolutionalSubnet(1, widths: [2, 2, 2, 4], convolutions: 2, stride: 2, random: random)
    #expect(audio(.zeros([1, 1, 257, 200])).shape == [1, 4, 16, 12])
    #expect(subnet.blocks.count == 8)
    let fine = ConvolutionalSubnet(3, widths: [2, 2, 4], convolutions: 1, stride: 2, pools: 1, random: random)
    #expect(fine(.zeros([1, 3, 40, 40])).shape == [1, 4, 10, 10])
  }

  @Test func aSubnetIsConvolutionNormalisationAndReLUWithPoolingBetweenStages() {
    var stream = RandomStream(seed: 6)
    var subnet = ConvolutionalSubnet(2, widths: [3, 4], convolutions: 1, stride: 1, random: RandomStream(seed: 2))
    let x = stream.normal([2, 2, 6, 6])
    let first = conv2d(x, subnet.blocks[0].conv.weight, padding: 1)
    let mean = first.mean(axes: [0, 2, 3], keepsAxes: true)
    let variance = (first - mean).squared().mean(axes: [0, 2, 3], keepsAxes: true)
    let h = ((first - mean) / (variance + 1e-5).sqrt()).relu().maxPooled(2)
    let second = conv2d(h, subnet.blocks[1].conv.weight, padding: 1)
    let mean2 = second.mean(axes: [0, 2, 3], keepsAxes: true)
    let variance2 = (second - mean2).squared().mean(axes: [0, 2, 3], keepsAxes: true)
    let expected = ((second - mean2) / (variance2 + 1e-5).sqrt()).relu()
    let found = subnet(x, ForwardContext(random: RandomStream(seed: 1)))
    #expect(zip(found.values, expected.values).allSatisfy { abs($0 - $1) < 1e-4 })
    #expect(found.shape == [2, 4, 3, 3])
  }

  // MARK: canonical correlation

  /// Two views of three shared numbers with noise of different strength, and noise of their own.
  private func views(_ n: Int) -> (a: Tensor, b: Tensor) {
    var stream = RandomStream(seed: 11)
    let shared = stream.normal([n, 3]) * Tensor([1, 3], [3, 1, 0.3])
    let (a, b) = (stream.normal([3, 5]), stream.normal([3, 4]))
    return (
      matmul(shared, a) + stream.normal([n, 5], deviation: 0.5) + 2,
      matmul(shared, b) + stream.normal([n, 4], deviation: 0.5)
    )
  }

  private func covariance(_ x: Tensor, _ y: Tensor) -> [[Double]] {
    let (p, q) = (x - x.mean(0, keepsAxis: true), y - y.mean(0, keepsAxis: true))
    return rows(matmul(p.transposed(), q) / Real(x.shape[0]))
  }

  @Test func canonicalDirectionsAreWhiteAndAgreeInPairsOnly() {
    let (a, b) = views(400)
    var cca = CanonicalCorrelation((5, 4), dimensions: 3)
    #expect(sameBits(cca.first(a), a), "before the first fit nothing is changed")
    cca.fit(a, b, regularization: 1e-6, power: 0)
    let (u, v) = (cca.first(a), cca.second(b))
    let rho = cca.correlations.values.map { Double($0) }
    #expect(rho[0] >= rho[1] && rho[1] >= rho[2] && rho[0] < 1 && rho[2] > 0)
    for (name, found, diagonal) in [
      ("a", covariance(u, u), [1.0, 1, 1]), ("b", covariance(v, v), [1, 1, 1]), ("ab", covariance(u, v), rho),
    ] {
      for i in 0..<3 {
        for j in 0..<3 { #expect(abs(found[i][j] - (i == j ? diagonal[i] : 0)) < 3e-3, "\(name) \(i) \(j)") }
      }
    }
  }

  @Test func correlationsDoNotDependOnTheBasisOfAView() {
    let (a, b) = views(400)
    var stream = RandomStream(seed: 12)
    let turn = stream.normal([5, 5])
    var (one, two) = (CanonicalCorrelation((5, 4), dimensions: 4), CanonicalCorrelation((5, 4), dimensions: 4))
    one.fit(a, b, regularization: 1e-7, power: 0)
    two.fit(matmul(a, turn) - 7, b, regularization: 1e-7, power: 0)
    #expect(zip(one.correlations.values, two.correlations.values).allSatisfy { abs($0 - $1) < 5e-3 })
  }

  @Test func aPowerWeighsDirectionsByTheirCorrelation() {
    let (a, b) = views(200)
    var (plain, weighted) = (CanonicalCorrelation((5, 4), dimensions: 3), CanonicalCorrelation((5, 4), dimensions: 3))
    plain.fit(a, b, regularization: 1e-3, power: 0)
    weighted.fit(a, b, regularization: 1e-3, power: 2)
    let expected = plain.mapA * plain.correlations.squared()
    #expect(zip(weighted.mapA.values, expected.values).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test func aViewThatNeverChangesGivesFiniteMaps() {
    var cca = CanonicalCorrelation((2, 2), dimensions: 2)
    cca.fit(.ones([10, 2]), .zeros([10, 2]), regularization: 0.01, power: 1)
    #expect(cca.first(.ones([3, 2])).nonFiniteCount == 0 && cca.second(.ones([3, 2])).nonFiniteCount == 0)
  }

  @Test func theStageAlignFitsTheBaselineAndLeavesItsNetworkAlone() throws {
    let method = try hearing("l3-net")
    let start = try method.makeState(for: NoisyClips().spec, random: RandomStream(seed: 3))
    var (state, context) = (start, try clips(stage: "align"))
    let metrics = try method.step(&state, &context)
    #expect(bits(state.network) == bits(start.network))
    let alignment = try #require(state.alignment)
    #expect(alignment.fits == 1 && (metrics["best"] ?? 0) > 0)
    let batch = try NoisyClips().batch(Array(0..<24), of: .train)
    let outputs = try method.embed(state, batch).outputs
    let plain = try #require(outputs["visual-plain"])
    #expect(plain.shape == [24, 6])
    #expect(sameBits(try #require(outputs["visual"]), alignment.first(plain)))
    // Fitted to these very clips: their aligned features have the mean 0.
    #expect(try #require(outputs["visual"]).mean(0).values.allSatisfy { abs($0) < 1e-3 })
  }

  @Test func onlyTheBaselineCanBeAligned() throws {
    let method = try hearing("ave-net")
    var state = try method.makeState(for: NoisyClips().spec, random: RandomStream(seed: 3))
    var context = try clips(stage: "align")
    #expect(throws: (any Error).self) { try method.step(&state, &context) }
  }

  // MARK: options

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  @Test func wrongOptionsAndDataAreRefusedWithAReason() throws {
    #expect(message { _ = try hearing("avenet") }.contains("ave-net"))
    #expect(message { _ = try make(ObjectsThatSound.self, "{strides: [2]}") }.contains("1 strides"))
    #expect(message { _ = try hearing("l3-net", "pools: [1]") }.contains("pools is [1]"))
    #expect(message { _ = try make(ObjectsThatSound.self, "{augment: {scale: [1, 0.5]}}") }.contains("low to high"))
    let random = RandomStream(seed: 1)
    func refusal(_ more: String, _ data: DataSpec = NoisyClips().spec) -> String {
      message { _ = try hearing("l3-net", more).makeState(for: data, random: random) }
    }
    #expect(refusal("positives: echo").contains("no sound 'echo'"))
    #expect(refusal("", imageSpec(side: 16)).contains("column 'video'"))
    var hidden = NoisyClips().spec
    for i in hidden.fields.indices where hidden.fields[i].name == "marked" { hidden.fields[i].isLabel = true }
    #expect(refusal("negatives: marked", hidden).contains("methods may see"))
    let deep =
      "{widths: [4, 4, 4, 4, 4, 4], convolutions: 1, strides: [1, 1], spectrogram: {window: 32, hop: 2, mels: 64}}"
    #expect(
      message { _ = try make(ObjectsThatSound.self, deep).makeState(for: NoisyClips().spec, random: random) }
        .contains("use fewer stages"))
    let wide =
      "{network: l3-net, widths: [4], strides: [1, 1], cca: {dimensions: 5}, spectrogram: {window: 32, hop: 16}}"
    #expect(
      message { _ = try make(ObjectsThatSound.self, wide).makeState(for: NoisyClips().spec, random: random) }
        .contains("5 directions of 4"))
    let long = "{widths: [4], spectrogram: {window: 512}}"
    #expect(
      message { _ = try make(ObjectsThatSound.self, long).makeState(for: NoisyClips().spec, random: random) }
        .contains("window of 512"))
  }
}
