import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

@Suite("Residual networks")
struct ResNetTests {
  private let context = ForwardContext(random: RandomStream(seed: 0))

  private func configuration(
    _ base: ResNetConfiguration = .resnet18, width: Int, stem: ResNetConfiguration.Stem = .cifar, classes: Int? = nil
  ) -> ResNetConfiguration {
    var c = base
    (c.width, c.stem, c.classes) = (width, stem, classes)
    return c
  }

  @Test(arguments: zip([ResNetConfiguration.resnet18, .resnet34, .resnet50], [11_689_512, 21_797_672, 25_557_032]))
  func theyHaveAsManyParametersAsTorchvisions(_ base: ResNetConfiguration, _ count: Int) {
    var c = base
    c.classes = 1000
    #expect(ResNet(c, random: RandomStream(seed: 1)).parameterCount == count)
  }

  @Test func parametersAreNamedAsByTorchvision() {
    let network = ResNet(configuration(width: 4, stem: .imageNet, classes: 10), random: RandomStream(seed: 1))
    let paths = network.parameters.map(\.path)
    let norm = ["weight", "bias", "running_mean", "running_var"]
    #expect(Array(paths.prefix(5)) == ["conv1.weight"] + norm.map { "bn1.\($0)" })
    let block = ["conv1.weight"] + norm.map { "bn1.\($0)" } + ["conv2.weight"] + norm.map { "bn2.\($0)" }
    let down = ["downsample.0.weight"] + norm.map { "downsample.1.\($0)" }
    #expect(paths.filter { $0.hasPrefix("layer1.0.") } == block.map { "layer1.0.\($0)" })
    #expect(paths.filter { $0.hasPrefix("layer3.0.") } == (block + down).map { "layer3.0.\($0)" })
    #expect(Array(paths.suffix(2)) == ["fc.weight", "fc.bias"])
    #expect(paths.count == 5 + 8 * 10 + 3 * 5 + 2)
    expectEveryTensorIsVisited(network)
    expectEveryTensorIsVisited(ResNet(configuration(.resnet50, width: 2), random: RandomStream(seed: 1)))
  }

  @Test func mapsHalveFromStageToStageAndThePooledOutputIsTheMeanOfTheLast() {
    let x = RandomStream(seed: 2).child("x")
    var stream = x
    let images = stream.normal([2, 3, 33, 40])
    let small = ResNet(configuration(width: 4), random: x).features(images)
    #expect(small.maps.map(\.shape) == [[2, 4, 33, 40], [2, 8, 17, 20], [2, 16, 9, 10], [2, 32, 5, 5]])
    let c = configuration(.resnet50, width: 4, stem: .imageNet, classes: 7)
    let network = ResNet(c, random: x)
    let large = network.features(images)
    #expect(large.maps.map(\.shape) == [[2, 16, 9, 10], [2, 32, 5, 5], [2, 64, 3, 3], [2, 128, 2, 2]])
    expectClose(large.pooled, large.maps[3].mean(axes: [2, 3]), tolerance: 1e-6)
    #expect(network(images).shape == [2, 7] && large.pooled.shape == [2, c.outputs])
  }

  @Test func weightsBeginWithTheVarianceOfKaimingAndTheFanOut() {
    let network = ResNet(configuration(width: 32, stem: .imageNet, classes: 50), random: RandomStream(seed: 3))
    for (weight, fanOut) in [(network.conv1.weight, 32 * 49), (network.layer2[0].conv1.weight, 64 * 9)] {
      let (mean, square) = (Double(weight.mean().item), Double(weight.squared().mean().item))
      let expected = 2 / Double(fanOut)
      #expect(abs(square / expected - 1) < 0.1 && abs(mean) < 0.1 * expected.squareRoot())
    }
    let fc = network.fc?.weight.values.map { abs($0) } ?? []
    let bound = 1 / Real(256).squareRoot()
    #expect((fc.max() ?? 0) <= bound && (fc.max() ?? 0) > 0.99 * bound)
    let conv = Conv2d(6, 8, kernel: 3, groups: 2, random: RandomStream(seed: 3))
    let limit = 1 / Real(27).squareRoot()
    for values in [conv.weight.values, conv.bias?.values ?? []] {
      #expect(values.allSatisfy { abs($0) <= limit } && values.contains { abs($0) > 0.6 * limit })
    }
  }

  @Test func aZeroInitializedBlockIsItsShortcut() {
    var c = configuration(width: 4)
    c.zeroInitialized = true
    var stream = RandomStream(seed: 5)
    let x = stream.normal([2, 4, 5, 5])
    var block = ResNet(c, random: stream).layer1[1]
    #expect(sameBits(block(x, context), x.relu()))
  }

  @Test func checkpointedTrainingHasTheSameBits() {
    func train(_ checkpoints: Bool) -> [Tensor] {
      var c = configuration(width: 4, classes: 3)
      c.checkpoints = checkpoints
      var network = ResNet(c, random: RandomStream(seed: 6))
      var stream = RandomStream(seed: 7)
      let images = stream.normal([3, 3, 12, 12])
      let (loss, gradients) = valueAndGradients(of: &network) { n in
        crossEntropy(n(images, context), labels: [0, 2, 1])
      }
      return [loss] + gradients.values + network.tensors
    }
    for (a, b) in zip(train(false), train(true)) { #expect(sameBits(a, b)) }
  }
}
