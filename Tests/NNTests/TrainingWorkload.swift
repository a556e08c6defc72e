import ReproTensor
import Testing

@testable import ReproNN

/// A model in training on made data, larger than a tile, for the tests of bits and of memory.
struct TrainingWorkload: Sendable, CustomTestStringConvertible {
  let name: String
  /// Trains a fresh model for so many steps, calling the closure after each; gives all parameters, buffers and moments.
  let run: @Sendable (_ steps: Int, _ afterStep: (Int) -> Void) -> [Tensor]
  var testDescription: String { name }

  init<L: Layer>(
    _ name: String, _ rule: Optimizer.Rule, _ make: @escaping @Sendable (RandomStream) -> L,
    _ loss: @escaping @Sendable (inout L, RandomStream) -> Tensor
  ) {
    self.name = name
    run = { steps, afterStep in
      let random = RandomStream(seed: 1)
      var model = make(random)
      var optimizer = Optimizer(rule)
      for step in 0..<steps {
        var (_, gradients) = valueAndGradients(of: &model) { loss(&$0, random.child("step", step)) }
        _ = gradients.clip(to: 1e-3)  // always scales, so that every step does the same
        optimizer.update(&model, gradients, rate: 1e-2, decay: 0.05)
        afterStep(step)
      }
      return model.tensors + optimizer.tensors
    }
  }

  static let all: [TrainingWorkload] = [visionTransformer, residualNetwork, recurrentNetwork, graphNetwork]

  static func labels(_ n: Int) -> IndexTensor { IndexTensor((0..<n).map { $0 % 5 }) }
  private static let adamW = Optimizer.Rule.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8)

  static let visionTransformer = TrainingWorkload("ViT", adamW) { random in
    var c = ViTConfiguration(imageSize: 32, patch: 4, channels: 3, width: 96, depth: 2, heads: 3)
    (c.registers, c.layerScale, c.dropPath) = (2, 0.1, 0.05)
    return Classifier(body: VisionTransformer(c, random: random), head: Linear(192, 5, random: random))
  } _: { model, random in
    var stream = random
    let y = model.body(stream.normal([12, 3, 32, 32]), ForwardContext(random: random.child("depth")))
    return crossEntropy(model.head(concat([y.classToken, y.patches.mean(1)], axis: 1)), labels: labels(12))
  }

  static let residualNetwork = TrainingWorkload("ResNet", .sgd(momentum: 0.9, nesterov: true)) { random in
    var c = ResNetConfiguration(blocks: [1, 1, 1, 1], isBottleneck: false)
    (c.width, c.stem, c.classes) = (16, .cifar, 5)
    return ResNet(c, random: random)
  } _: { model, random in
    var stream = random
    let y = model(stream.normal([8, 3, 32, 32]), ForwardContext(random: random))
    return crossEntropy(y, labels: labels(8))
  }

  static let recurrentNetwork = TrainingWorkload("GRU", .lamb(beta1: 0.9, beta2: 0.999, epsilon: 1e-6)) { random in
    SequenceClassifier(24, 96, classes: 5, random: random)
  } _: { model, random in
    var stream = random
    return crossEntropy(model(stream.normal([48, 9, 24])), labels: labels(48))
  }

  static let graphNetwork = TrainingWorkload("GCN", .lars(momentum: 0.9, trust: 0.01)) { random in
    GraphClassifier(48, 64, classes: 5, random: random)
  } _: { model, random in
    var stream = random
    return crossEntropy(model(stream.normal([1500, 48]), propagation), labels: labels(1500))
  }

  /// A ring of 1500 nodes with long chords.
  private static let propagation = Graph.undirected(
    nodes: 1500, edges: (0..<1500).flatMap { [($0, ($0 + 1) % 1500), ($0, ($0 * 7 + 100) % 1500)] }
  ).normalizedAdjacency
}
