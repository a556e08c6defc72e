import ReproNN
import ReproTensor

/// Logits of images or vectors, `[B, classes]`.
private protocol Classifies: Layer {
  mutating func logits(_ x: Tensor) -> Tensor
}

private struct Perceptron: Classifies {
  var layers: [Linear]

  init(_ widths: [Int], random: RandomStream) {
    layers = (1..<widths.count).map { i in
      let deviation = 1 / Real(widths[i - 1]).squareRoot()
      return Linear(widths[i - 1], widths[i], deviation: deviation, random: random.child("layer", i))
    }
  }

  mutating func visit(_ v: inout some LayerVisitor) { v("layers", &layers) }

  func logits(_ x: Tensor) -> Tensor {
    layers.dropLast().reduce(x) { $1($0).relu() }.through(layers.last)
  }
}

extension Tensor {
  fileprivate func through(_ layer: Linear?) -> Tensor { layer.map { $0(self) } ?? self }
}

private struct ViTClassifier: Classifies {
  var body: VisionTransformer
  var head: Linear

  init(_ c: ViTConfiguration, random: RandomStream) {
    body = VisionTransformer(c, random: random.child("body"))
    head = Linear(c.width, 10, random: random.child("head"))
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("body", &body)
    v("head", &head)
  }

  func logits(_ x: Tensor) -> Tensor { head(body(x).classToken) }

  /// Floating point operations of the products of one image forward and backward: twice as many backward as forward, but
  /// no gradient with respect to the image.
  static func operations(_ c: ViTConfiguration) -> Double {
    let patches = (c.imageSize / c.patch) * (c.imageSize / c.patch)
    let (n, d) = (Double(patches + 1), Double(c.width))
    let block = n * 12 * d * d + 2 * n * n * d
    let embedding = Double(patches * c.channels * c.patch * c.patch) * d
    return 6 * (Double(c.depth) * block + 10 * d) + 4 * embedding
  }
}

private struct ResNetClassifier: Classifies {
  var body: ResNet
  mutating func visit(_ v: inout some LayerVisitor) { v("body", &body) }
  mutating func logits(_ x: Tensor) -> Tensor { body(x, ForwardContext(random: RandomStream(seed: 0))) }

  /// Floating point operations of the convolutions of one 32 x 32 image, forward and backward.
  static func operations(width: Int) -> Double {
    var forward = 9.0 * 3 * Double(width) * 1024
    let backwardOfStem = forward  // no gradient with respect to the image
    var (inputs, area) = (width, 1024)
    for stage in 0..<4 {
      let outputs = width << stage
      if stage > 0 { area /= 4 }
      for block in 0..<2 {
        let first = block == 0 ? inputs : outputs
        forward += Double(area) * Double(9 * first * outputs + 9 * outputs * outputs)
        if first != outputs { forward += Double(area) * Double(first * outputs) }
      }
      inputs = outputs
    }
    return 6 * (forward - backwardOfStem) + 4 * backwardOfStem
  }
}

extension Workload {
  /// One optimisation step with AdamW at rate 0.001 on a batch of random inputs: the reference script's models.
  static let training: [Workload] = [
    Workload("mlp", "training step of an MLP 784-256-256-10 with ReLU, batch 128", unit: "sample") {
      let widths = [784, 256, 256, 10]
      let inner = Double(256 * 256 + 256 * 10)
      return trainingStep(
        Perceptron(widths, random: Self.stream("mlp")), inputs: [128, 784],
        operations: 6 * inner + 4 * Double(784 * 256))
    },
    Workload("vit-tiny-32", "training step of ViT-Ti/4 on 32 x 32, batch 64", unit: "image", steps: 10) {
      let c = ViTConfiguration(imageSize: 32, patch: 4, channels: 3, width: 192, depth: 12, heads: 3)
      return trainingStep(
        ViTClassifier(c, random: Self.stream("vit-tiny")), inputs: [64, 3, 32, 32],
        operations: ViTClassifier.operations(c))
    },
    Workload("vit-small-96", "training step of ViT-S/8 on 96 x 96, batch 16", unit: "image", steps: 10) {
      let c = ViTConfiguration(imageSize: 96, patch: 8, channels: 3, width: 384, depth: 12, heads: 6)
      return trainingStep(
        ViTClassifier(c, random: Self.stream("vit-small")), inputs: [16, 3, 96, 96],
        operations: ViTClassifier.operations(c))
    },
    Workload("resnet18w16-32", "training step of ResNet-18, a quarter as wide, 32 x 32, batch 64", unit: "image") {
      residualStep(width: 16)
    },
    Workload("resnet18-32", "training step of ResNet-18 on 32 x 32, batch 64", unit: "image", steps: 10) {
      residualStep(width: 64)
    },
  ]

  private static func residualStep(width: Int) -> Step {
    var c = ResNetConfiguration.resnet18
    (c.width, c.stem, c.classes) = (width, .cifar, 10)
    return trainingStep(
      ResNetClassifier(body: ResNet(c, random: Self.stream("resnet18"))), inputs: [64, 3, 32, 32],
      operations: ResNetClassifier.operations(width: width))
  }

  /// - Parameters:
  ///   - inputs: the shape of a batch.
  ///   - operations: floating point operations of one sample.
  private static func trainingStep<M: Classifies>(_ model: M, inputs: Shape, operations: Double) -> Step {
    var inputStream = Self.stream("inputs")
    let x = inputStream.normal(inputs)
    let labels = Self.labels(inputs[0], classes: 10)
    let model = Box(model)
    let optimizer = Box(Optimizer(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), for: model.value))
    let batch = Double(inputs[0])
    return Step(units: batch, operations: batch * operations) {
      let (loss, gradients) = valueAndGradients(of: &model.value) { crossEntropy($0.logits(x), labels: labels) }
      optimizer.value.update(&model.value, gradients, rate: 1e-3, decay: 0.01)
      _ = loss.item
    }
  }
}
