import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import TestSupport
import Testing

/// A residual network that learns classes: running statistics, activation checkpoints, evaluation of a state that is a `let`.
private struct MiniSupervised: MethodPlugin {
  static let card = MethodCard(
    id: "mini-supervised", title: "Supervised residual network", year: 2015, arxiv: "1512.03385", family: .baseline,
    isSupervised: true)

  let checkpoints: Bool

  init(_ options: inout Section) throws(ReproError) {
    checkpoints = try options.bool("checkpoints", default: false)
  }

  func makeState(for data: DataSpec, random: RandomStream) throws -> ResNet {
    guard case .category(let classes)? = data[field: "label"]?.kind else {
      throw ReproError(.usage, found: "the data set has no classes", expected: "a column 'label'")
    }
    var c = ResNetConfiguration.resnet18
    (c.width, c.stem, c.classes, c.checkpoints) = (4, .cifar, classes.count, checkpoints)
    return ResNet(c, random: random)
  }

  func step(_ network: inout ResNet, _ context: inout StepContext) throws -> Metrics {
    let batch = try context.batch()
    let images = randomCrops(batch.images(), size: 16, context.random.child("crop"))
    let labels = IndexTensor(batch.integers())
    let training = ForwardContext(random: context.random.child("forward"))
    let (loss, gradients) = valueAndGradients(of: &network) { network in
      crossEntropy(network(images, training), labels: labels)
    }
    context.update(&network, gradients)
    return ["loss": loss.item]
  }

  func embed(_ network: ResNet, _ batch: Batch) -> Features {
    let output = network.features(randomCrops(batch.images(), size: 16, RandomStream(seed: 0)))
    return Features(global: output.pooled, dense: output.maps[3].permuted([0, 2, 3, 1]))
  }
}

@Suite struct ResidualNetwork {
  private func run(checkpoints: Bool, steps: Int = 4, seed: UInt64 = 3) throws -> (
    method: MiniSupervised, state: ResNet, losses: [Real]
  ) {
    let method = try make(MiniSupervised.self, ["checkpoints": "\(checkpoints)"])
    var state = try method.makeState(for: makeWaves().spec, random: RandomStream(seed: seed))
    var losses: [Real] = []
    let data = try waves(labelled: true)
    var context = StepContext(step: 0, steps: steps, random: RandomStream(seed: 4), data: data, batchSize: 8)
    for k in 1...steps {
      losses.append(try #require(method.step(&state, &context)["loss"]))
      context = context.next(random: RandomStream(seed: 4).child("step", k))
    }
    return (method, state, losses)
  }

  @Test func checkpointsChangeNoBitOfTheTrainingAndCountEveryBatchOnce() throws {
    let (plain, recomputed) = (try run(checkpoints: false), try run(checkpoints: true))
    #expect(bits(plain.state) == bits(recomputed.state) && plain.losses == recomputed.losses)
    #expect(recomputed.state.bn1.batches == 4 && recomputed.state.layer4[1].bn2.batches == 4)
  }

  @Test func evaluationOfAConstantStateLeavesItAndSeesEverySampleByItself() throws {
    let (method, state, _) = try run(checkpoints: false)
    let before = bits(state)
    let batch = try waves(labelled: true).all()
    let all = method.embed(state, batch)
    #expect(all.global.shape == [48, 32] && all.dense?.shape == [48, 2, 2, 32])
    // Running statistics: a sample's features do not depend on its companions, as a batch's own would.
    let first = method.embed(state, Batch(indices: [0], columns: batch.columns.map { ($0.name, $0.values.rows([0])) }))
    let difference = (first.global - all.global.slice(0, 0..<1)).abs().amax().item
    #expect(difference < 1e-5 && bits(state) == before)
  }

  @Test(arguments: [3, 4, 5, 6]) func itLearnsTheClassesOfTheWaves(_ seed: UInt64) throws {
    let losses = try run(checkpoints: false, steps: 60, seed: seed).losses
    let late = losses.suffix(10).reduce(0, +) / 10
    ProofLog.record("contract", "residual network", "late loss of seed \(seed)", Double(late))
    // Guessing gives log 3 = 1.1. Four seeds end at 0.605 to 0.656, deviation 0.025: 60 steps of 8 crops are not enough for less.
    #expect(abs(losses[0] - 1.1) < 1 && late < 0.7, "log 3 = 1.1 by guessing, \(late) at the end")
  }
}
