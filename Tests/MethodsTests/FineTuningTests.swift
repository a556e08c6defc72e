import Baselines
import Distillation
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import TestSupport
import Testing

/// Networks that are trained further through `FineTunable` alone, as protocols do it.
@Suite(.serialized) struct FineTuningTests {
  /// Noise, redder in class 0 and greener in class 1; all brightnesses alike.
  private func tints(_ count: Int, seed: UInt64) -> (inputs: Batch, labels: IndexTensor) {
    var stream = RandomStream(seed: seed)
    let labels = (0..<count).map { $0 % 2 }
    var bytes: [UInt8] = []
    for label in labels {
      for _ in 0..<(16 * 16) {
        for channel in 0..<3 {
          bytes.append(UInt8((channel == label ? 135 : 115) + stream.uniform(-100, 100)))
        }
      }
    }
    let images = ImageBatch(count: count, height: 16, width: 16, channels: 3, bytes: bytes)
    return (Batch(indices: Array(0..<count), columns: [("image", .images(images))]), IndexTensor(labels))
  }

  private struct WithHead<Network: Layer>: Layer {
    var network: Network
    var head: Linear
    mutating func visit(_ v: inout some LayerVisitor) {
      v("network", &network)
      v("head", &head)
    }
  }

  /// The network after so many steps of AdamW on two classes, and how often it is right about new pictures.
  private func trained<M: FineTunable>(
    _ method: M, _ state: M.State, steps: Int
  ) throws -> (network: M.Network, accuracy: Double) {
    let (train, test) = (tints(48, seed: 1), tints(40, seed: 2))
    var start = method.network(of: state)
    let width = try method.embedding(&start, of: train.inputs, context: nil).shape[1]
    var model = WithHead(network: start, head: Linear(width, 2, deviation: 0.01, random: RandomStream(seed: 3)))
    var optimizer = Optimizer(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), for: model)
    for step in 0..<steps {
      let context = ForwardContext(random: RandomStream(seed: 4).child("step", step))
      let (_, gradients) = try valueAndGradients(of: &model) { model in
        let x = try method.embedding(&model.network, of: train.inputs, context: context)
        return crossEntropy(model.head(x), labels: train.labels)
      }
      optimizer.update(&model, gradients, rate: 0.005)
    }
    let found = model.head(try method.embedding(&model.network, of: test.inputs, context: nil)).argmax().values
    return (model.network, Double(zip(found, test.labels.values).count { $0 == $1 }) / 40)
  }

  /// What `FineTunable` promises, for any method whose state is given.
  private func expectFineTunes<M: FineTunable>(_ method: M, unused: [String] = []) throws {
    let state = try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 5))
    let before = bits(state)
    var network = method.network(of: state)
    let inputs = tints(6, seed: 6).inputs
    let frozen = try method.embedding(&network, of: inputs, context: nil)
    #expect(sameBits(frozen, try method.embed(state, inputs).global), "it starts from the features that are measured")

    let (tuned, accuracy) = try trained(method, state, steps: 25)
    #expect(accuracy > 0.9, "\(M.card.id): \(accuracy) of two classes")
    #expect(try trained(method, state, steps: 0).accuracy < 0.9, "the task must be learnt")
    for (old, new) in zip(method.network(of: state).named, tuned.tensors) {
      #expect(sameBits(old.value, new) == unused.contains(old.name), "\(M.card.id): \(old.name)")
    }
    #expect(bits(state) == before, "the state of the run stays as it is")
  }

  /// Whether a pass of training draws random numbers, and the frozen one none.
  private func isRandom<M: FineTunable>(_ method: M) throws -> Bool {
    let state = try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 5))
    let inputs = tints(8, seed: 6).inputs
    func features(_ seed: UInt64?) throws -> Tensor {
      var network = method.network(of: state)
      return try method.embedding(
        &network, of: inputs, context: seed.map { ForwardContext(random: RandomStream(seed: $0)) })
    }
    #expect(try sameBits(features(nil), features(nil)) && sameBits(features(1), features(1)))
    return try !sameBits(features(1), features(2))
  }

  private func supervised(_ more: String = "") throws -> SupervisedViT {
    try make(SupervisedViT.self, "{patch: 4, width: 12, depth: 2, heads: 3, init_deviation: 0.2\(more)}")
  }

  @Test func theTeachersBackboneOfDINOv2LearnsFromLabels() throws {
    try expectFineTunes(smallDINOv2("registers: 1"), unused: ["mask_token"])
    #expect(try !isRandom(smallDINOv2()))
    #expect(try isRandom(smallDINOv2("drop_path: 0.5")), "stochastic depth while it trains")
  }

  @Test func theBackboneOfTheSupervisedNetworkLearnsFromOtherLabels() throws {
    try expectFineTunes(supervised())
    #expect(try !isRandom(supervised()) && isRandom(supervised(", drop_path: 0.5")))
  }
}
