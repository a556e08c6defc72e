import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

@Suite("Residual networks agree with PyTorch")
struct ResNetParityTests {
  private struct Network: Sendable, CustomTestStringConvertible {
    let name: String
    let configuration: ResNetConfiguration
    let size: Int
    var testDescription: String { name }
  }

  private static let networks: [Network] = {
    func made(_ base: ResNetConfiguration, _ width: Int, _ stem: ResNetConfiguration.Stem) -> ResNetConfiguration {
      var c = base
      (c.width, c.stem, c.classes) = (width, stem, 5)
      return c
    }
    let bottleneck = ResNetConfiguration(blocks: [1, 2, 1, 1], isBottleneck: true)
    return [
      Network(name: "resnet18", configuration: made(.resnet18, 3, .imageNet), size: 40),
      Network(name: "resnet18-cifar", configuration: made(.resnet18, 4, .cifar), size: 16),
      Network(name: "bottleneck", configuration: made(bottleneck, 2, .cifar), size: 12),
    ]
  }()

  @Test(arguments: networks) private func outputsGradientsAndRunningStatistics(_ n: Network) throws {
    let file = try VectorFile("resnet.h5")
    var network = ResNet(n.configuration, random: RandomStream(seed: 1))
    let trained = network.parameters.filter(\.isTrained)
    let buffers = network.parameters.filter { !$0.isTrained }
    try network.replaceParameters { path in
      if path.hasSuffix("running_mean") { return .zeros(buffers.first { $0.path == path }?.shape ?? []) }
      if path.hasSuffix("running_var") { return .ones(buffers.first { $0.path == path }?.shape ?? []) }
      guard let number = trained.firstIndex(where: { $0.path == path }) else { return nil }
      let shape = trained[number].shape
      return shape.rank == 4
        ? pattern(number, shape, 4 / Double(shape.count / shape[0]).squareRoot())
        : pattern(number, shape, 0.5, path.hasSuffix("weight") && shape.rank == 1 ? 1 : 0)
    }
    let images = pattern(999, [3, 3, n.size, n.size], 4)
    let seed = pattern(998, [3, 5], 2)
    let context = ForwardContext(random: RandomStream(seed: 0))
    var output = Tensor(0)
    let (_, gradients) = valueAndGradients(of: &network) { network in
      let y = network(images, context)
      output = y.detached
      return (y * seed).sum()
    }
    var forward = expectClose(output, try file.tensor("\(n.name)/training"), tolerance: 1e-5, "training")
    var backward = 0.0
    for (info, gradient) in zip(trained, gradients.values) {
      let expected = try file.tensor("\(n.name)/gradients/\(info.path)")
      // A sum over all elements is compared in units of what the elements could add up to.
      let found = expected.rank == 0 && gradient.rank > 0 ? (gradient * pattern(7, gradient.shape, 2)).sum() : gradient
      let floor = expected.rank == 0 ? Double(gradient.squared().sum().item).squareRoot() : 1e-2
      backward = max(backward, expectClose(found, expected, tolerance: 2e-4, floor: floor, info.path))
    }
    for _ in 0..<2 { _ = network(images * 0.5, context) }
    let frozen = network
    forward = max(forward, expectClose(frozen(images), try file.tensor("\(n.name)/frozen"), tolerance: 1e-5, "frozen"))
    for (info, buffer) in zip(network.parameters, network.tensors) where !info.isTrained {
      let expected = try file.tensor("\(n.name)/buffers/\(info.path)")
      forward = max(forward, expectClose(buffer, expected, tolerance: 1e-5, info.path))
    }
    ProofLog.record("parity forward", n.name, "training and frozen", forward)
    ProofLog.record("parity gradient", n.name, "all parameters", backward)
  }
}
