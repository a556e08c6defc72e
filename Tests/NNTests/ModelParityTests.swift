import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

/// A whole model, its input and its optimizer, as make_model_vectors.py has them.
private struct ModelRow: Sendable, CustomTestStringConvertible {
  let name: String
  let check: @Sendable () throws -> Void
  var testDescription: String { name }

  init<L: Layer>(
    _ name: String, _ make: @escaping @Sendable () -> L, classes: Int, _ rule: Optimizer.Rule, rate: Real,
    _ logits: @escaping @Sendable (inout L, Tensor) -> Tensor
  ) {
    self.name = name
    check = { try expectModelParity(name, make(), classes: classes, rule, rate: rate, logits) }
  }
}

/// Demands that logits, loss and gradients are PyTorch's, and losses, parameters and running statistics of ten steps.
private func expectModelParity<L: Layer>(
  _ name: String, _ model: L, classes: Int, _ rule: Optimizer.Rule, rate: Real,
  _ logits: @Sendable (inout L, Tensor) -> Tensor
) throws {
  let file = try VectorFile("models.h5")
  var model = try model.patterned()
  let x = try file.tensor("\(name)/input")
  let trained = model.parameters.filter(\.isTrained).enumerated().sorted { $0.element.path < $1.element.path }
  /// Compares digests with consecutive numbers of the file, each in units of the tensor's own size.
  func expectAll(
    _ found: [(String, Tensor)], _ path: String, tolerance: Double, least: Double = 1e-2
  ) throws -> Double {
    var rest = try file.tensor("\(name)/\(path)").values[...]
    var worst = 0.0
    for (what, x) in found {
      let own = digest(x)
      let floor = x.count > digestLimit ? 0.1 * Double(x.squared().sum().item).squareRoot() : 1e-2
      let expected = Tensor([own.count], Array(rest.prefix(own.count)))
      worst = max(
        worst, expectClose(own, expected, tolerance: tolerance, floor: max(floor, least), "\(name) \(path) \(what)"))
      rest = rest.dropFirst(own.count)
    }
    #expect(rest.isEmpty, "\(name) \(path): \(rest.count) numbers are left")
    return worst
  }
  let losses = try file.tensor("\(name)/losses").values
  var optimizer = Optimizer(rule)
  for step in 0..<10 {
    var output = Tensor(0)
    let (loss, gradients) = valueAndGradients(of: &model) { model in
      let y = logits(&model, x)
      output = y.detached
      return crossEntropy(y, labels: IndexTensor(LayerRows.places(y.shape[0], classes)))
    }
    if step == 0 {
      let forward = try expectAll([("", output)], "logits", tolerance: 1e-5)
      let named = trained.map { ($0.element.path, gradients.values[$0.offset]) }
      let backward = try expectAll(
        named, "gradients", tolerance: 1e-4, least: leastGradient(gradients.values))
      ProofLog.record("parity forward", name, "logits", forward)
      ProofLog.record("parity gradient", name, "all parameters", backward)
    }
    let error = expectClose(loss, Tensor(losses[step]), tolerance: 1e-4, "\(name): loss of step \(step)")
    ProofLog.record("training", name, "loss of step \(step)", error)
    optimizer.update(&model, gradients, rate: rate)
  }
  let after = zip(model.parameters, model.tensors).sorted { $0.0.path < $1.0.path }
  let parameters = after.filter { $0.0.isTrained }.map { ($0.0.path, $0.1) }
  ProofLog.record("training", name, "parameters", try expectAll(parameters, "parameters", tolerance: 1e-4))
  let buffers = after.filter { $0.0.role == .buffer }.map { ($0.0.path, $0.1) }
  if !buffers.isEmpty {
    ProofLog.record("training", name, "buffers", try expectAll(buffers, "buffers", tolerance: 1e-4))
  }
}

@Suite("Whole models agree with PyTorch")
struct ModelParityTests {
  private static let rows: [ModelRow] = {
    let random = LayerRows.random
    let training = ForwardContext(random: random)
    let momentum = Optimizer.Rule.sgd(momentum: 0.9, nesterov: true)
    let adamW = Optimizer.Rule.adamW(beta1: 0.9, beta2: 0.99, epsilon: 1e-4)
    var resnet = ResNetConfiguration.resnet18
    (resnet.width, resnet.stem, resnet.classes) = (4, .cifar, 5)
    var unet = UNetConfiguration()
    (unet.channels, unet.width, unet.levels, unet.outputs) = (3, 4, 2, 3)
    return [
      ModelRow(
        "ResNet-18", { [resnet] in ResNet(resnet, random: random) }, classes: 5, momentum,
        rate: 0.001
      ) { (m: inout ResNet, x: Tensor) in m(x, training) },
      ModelRow(
        "U-Net", { [unet] in UNet(unet, random: random) }, classes: 3, momentum, rate: 0.001
      ) { (m: inout UNet, x: Tensor) in m(x, training).permuted([0, 2, 3, 1]).reshaped([-1, 3]) },
      ModelRow(
        "GRU", { SequenceClassifier(3, 5, classes: 4, random: random) }, classes: 4, adamW,
        rate: 0.01
      ) { $0($1) },
      ModelRow(
        "GCN", { GraphClassifier(3, 6, classes: 3, random: random) }, classes: 3, adamW, rate: 0.01
      ) { $0($1, LayerRows.graph.normalizedAdjacency) },
      ModelRow("PointNet", { LayerRows.pointNet() }, classes: 3, momentum, rate: 0.001) {
        (m: inout PointNet, x: Tensor) in
        m(x, training).logits
      },
    ]
  }()

  @Test("in logits, loss and gradients, and over ten steps of training", arguments: rows)
  private func agree(_ row: ModelRow) throws { try row.check() }

  @Test func everyModelHasVectors() throws {
    // The vision transformer is compared in VisionTransformerTests.
    #expect(try VectorFile("models.h5").names() == Self.rows.map(\.name).sorted())
  }
}
