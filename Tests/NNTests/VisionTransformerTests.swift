import ReproNN
import ReproTensor
import TestSupport
import Testing

/// A vision transformer with a linear head on the class token and the mean of the patches.
struct Classifier: Layer {
  var body: VisionTransformer
  var head: Linear

  mutating func visit(_ v: inout some LayerVisitor) {
    body.visit(&v)
    v("head", &head)
  }

  func callAsFunction(_ images: Tensor, mask: Tensor? = nil) -> Tensor {
    let y = body(images, mask: mask)
    return head(concat([y.classToken, y.patches.mean(1)], axis: 1))
  }

  /// The model of `write_vit` in make_vectors.py.
  static func ofVectors() throws -> Classifier {
    var c = ViTConfiguration(imageSize: 12, patch: 4, channels: 3, width: 12, depth: 2, heads: 3)
    (c.registers, c.layerScale, c.hasMaskToken) = (2, 1, true)
    let random = RandomStream(seed: 1)
    var model = Classifier(body: VisionTransformer(c, random: random), head: Linear(24, 5, random: random))
    let file = try VectorFile("vit.h5")
    try model.replaceParameters { try file.contains("parameters/\($0)") ? try file.tensor("parameters/\($0)") : nil }
    return model
  }
}

@Suite("The vision transformer")
struct VisionTransformerTests {
  let file: VectorFile
  let model: Classifier

  init() throws {
    file = try VectorFile("vit.h5")
    model = try Classifier.ofVectors()
  }

  /// The labels of `write_vit`: places(4, 5).
  private var classes: IndexTensor { IndexTensor((0..<4).map { ($0 * 5 + 2) % 5 }) }

  @Test func hasTheNamesOfDINOv2Checkpoints() throws {
    #expect(model.parameters.map(\.path).sorted() == (try file.names("parameters")))
    #expect(
      model.parameters.map(\.path).prefix(6) == [
        "cls_token", "pos_embed", "register_tokens", "mask_token", "patch_embed.proj.weight", "patch_embed.proj.bias",
      ])
  }

  @Test(arguments: ["learnt size", "other size", "masked"])
  func agreesWithPyTorchInLogitsLossAndEveryGradient(_ name: String) throws {
    let images = try file.tensor("\(name)/images")
    let mask = try file.contains("\(name)/mask") ? try file.tensor("\(name)/mask") : nil
    let logits = expectClose(model(images, mask: mask), try file.tensor("\(name)/logits"), tolerance: 1e-5, "logits")
    ProofLog.record("parity forward", "ViT", name, logits)
    var copy = model
    let (loss, gradients) = valueAndGradients(of: &copy) { crossEntropy($0(images, mask: mask), labels: classes) }
    expectClose(loss, try file.tensor("\(name)/loss"), tolerance: 1e-5, "loss")
    let paths = model.parameters.map(\.path)
    #expect(gradients.values.count == paths.count)
    for (path, gradient) in zip(paths, gradients.values) {
      let error = expectClose(gradient, try file.tensor("\(name)/gradients/\(path)"), tolerance: 1e-4, path)
      ProofLog.record("parity gradient", "ViT", "\(name) \(path)", error)
    }
  }

  @Test func agreesWithPyTorchOverTenStepsOfTraining() throws {
    let images = try file.tensor("learnt size/images")
    let losses = try file.tensor("training/losses")
    var trained = model
    var optimizer = Optimizer(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-6))
    for step in 0..<10 {
      let (loss, gradients) = valueAndGradients(of: &trained) { crossEntropy($0(images), labels: classes) }
      let error = expectClose(loss, losses.select(0, step), tolerance: 1e-4, "loss of step \(step)")
      ProofLog.record("training", "ViT", "loss of step \(step)", error)
      optimizer.update(&trained, gradients, rate: 2e-3, decay: 0.1)
    }
    for (path, parameter) in zip(trained.parameters.map(\.path), trained.tensors) {
      let error = expectClose(parameter, try file.tensor("training/parameters/\(path)"), tolerance: 1e-4, path)
      ProofLog.record("training", "ViT", path, error)
    }
  }

  @Test func secondOrderGradientsReachThroughTheWholeModel() throws {
    // A gradient penalty: |d loss / d images|^2, differentiated by a direction in the space of images.
    let images = try file.tensor("learnt size/images").slice(0, 0..<1)
    expectSecondOrder(of: { (self.model($0[0]) * 0.1).logSoftmax() }, at: [images])
  }

  @Test func stochasticDepthDiffersByStepAndIsOffWithoutAContext() throws {
    var c = model.body.configuration
    c.dropPath = 0.5
    let vit = VisionTransformer(c, random: RandomStream(seed: 3))
    let images = try file.tensor("learnt size/images")
    func token(_ seed: UInt64?) -> Tensor {
      vit(images, seed.map { ForwardContext(random: RandomStream(seed: $0)) }).classToken
    }
    #expect(sameBits(token(nil), token(nil)) && sameBits(token(5), token(5)))
    #expect(!sameBits(token(5), token(6)) && !sameBits(token(5), token(nil)))
  }
}

@Suite("The signed distance network")
struct DistanceFieldParityTests {
  @Test func agreesWithPyTorchInValueGradientAndTheGradientOfALossOfTheGradient() throws {
    let file = try VectorFile("distance_field.h5")
    var c = SDFConfiguration()
    (c.width, c.layers, c.skips, c.beta, c.frequencies, c.features) = (24, 3, [2], 10, 1, 2)
    var network = SDFNetwork(c, random: RandomStream(seed: 1))
    try network.replaceParameters { try file.tensor("parameters/\($0)") }
    let points = try file.tensor("points")
    let y = network(points)
    let forward = [
      expectClose(y.distance, try file.tensor("distance"), tolerance: 1e-5, "distance"),
      expectClose(y.features, try file.tensor("features"), tolerance: 1e-5, "features"),
      expectClose(network.gradient(at: points), try file.tensor("gradient"), tolerance: 1e-5, "gradient"),
    ]
    let (loss, gradients) = valueAndGradients(of: &network) { n in
      let (y, gradient) = n.outputAndGradient(at: points, createGraph: true)
      let slope = gradient.squared().sum(-1).sqrt()
      return (slope - 1).squared().mean() + y.distance.abs().mean() + y.features.squared().mean()
    }
    expectClose(loss, try file.tensor("loss"), tolerance: 1e-5, "loss")
    for (info, gradient) in zip(network.parameters, gradients.values) {
      let error = expectClose(gradient, try file.tensor("gradients/\(info.path)"), tolerance: 1e-4, info.path)
      ProofLog.record("parity gradient", "distance field (second order)", info.path, error)
    }
    ProofLog.record("parity forward", "distance field", "value and gradient", forward.max() ?? 0)
  }
}
