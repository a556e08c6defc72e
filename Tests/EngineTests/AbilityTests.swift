import ReproConfig
import ReproData
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import ReproEngine

/// A method that offers everything that protocols may ask for.
private struct AbleMethod: FineTunable, TextEmbedding, TextGenerating {
  static let card = MethodCard(id: "able", title: "Able", year: 2000, arxiv: nil, family: .multimodal)
  init() {}
  init(_ options: inout Section) throws(ReproError) {}
  func makeState(for data: DataSpec, random: RandomStream) -> Linear { Linear(3, 2, deviation: 0.5, random: random) }
  func step(_ state: inout Linear, _ context: inout StepContext) throws -> Metrics { ["loss": 0] }
  func embed(_ state: Linear, _ batch: Batch) throws -> Features {
    guard case .reals(let x) = batch["x"] else { throw ReproError(.data, found: "no x") }
    return Features(global: state(x), outputs: ["twice": x * 2])
  }
  func network(of state: Linear) -> Linear { state }
  func embedding(_ network: inout Linear, of batch: Batch, context: ForwardContext?) throws -> Tensor {
    guard case .reals(let x) = batch["x"] else { throw ReproError(.data, found: "no x") }
    return network(x)
  }
  func embed(_ state: Linear, texts: [String]) throws -> Tensor {
    Tensor([texts.count, 1], texts.map { Real($0.count) })
  }
  func texts(_ state: Linear, for batch: Batch) throws -> [String] { batch.indices.map { "sample \($0)" } }
}

/// A protocol that wants an output which toys do not have.
private struct DemandingEvaluation: Evaluation {
  static let card = EvaluationCard(
    id: "demanding/v1", title: "Demanding", source: "this test", measurements: [MeasurementSpec("sum", unit: "1")])
  init(_ options: inout Section) throws(ReproError) {}
  func check(encoderOf subject: EvaluationSubject) throws {
    if try subject.featureShapes().outputs["depth"] == nil { throw ReproError(.usage, found: "no depth") }
  }
  func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    [("sum", 0)]
  }
}

@Suite struct AbilityTests {
  private func data() throws -> ToyData {
    var section = try Section(YAMLNode(parsing: "train: 8", file: "data"), name: "data")
    return try ToyData(&section, root: DataRoot(cache: "", mirror: nil, seed: 1))
  }

  @Test func abilitiesOfMethodsReachEvaluations() throws {
    let method = AbleMethod()
    let state = method.makeState(for: try data().spec, random: RandomStream(seed: 1))
    let subject = EvaluationSubject(encoder: FrozenEncoder(method: method, state: state), data: try data())
    let inputs = subject.inputs(of: try subject.samples([0, 1, 2], of: .test))
    #expect(inputs.columns.map(\.name) == ["x"])
    #expect(try subject.featureShapes() == .init(global: [2], dense: nil, outputs: ["twice": [3]]))
    #expect(try subject.texts?.features(of: ["a", "bcd"]).values == [1, 3])
    #expect(try subject.writer?.texts(for: inputs) == ["sample 0", "sample 1", "sample 2"])
    func trained<E: TrainableEncoder>(_ encoder: E) throws -> (before: [Tensor], after: [Tensor], frozen: [Tensor]) {
      var network = encoder.network
      let (_, gradients) = try valueAndGradients(of: &network) { n in
        try encoder.embedding(&n, of: inputs, context: nil).squared().mean()
      }
      var optimizer = Optimizer(.sgd(momentum: 0, nesterov: false), for: network)
      optimizer.update(&network, gradients, rate: 0.1)
      return (state.tensors, network.tensors, encoder.network.tensors)
    }
    let encoder = try #require(subject.trainable)
    let (before, after, frozen) = try trained(encoder)
    #expect(before[0].values != after[0].values && before[0].values == frozen[0].values)
    #expect(try subject.globalFeatures(of: inputs).values == subject.labelled(.test, limit: 3).features.global.values)
  }

  @Test func methodsWithoutAbilitiesOfferNone() throws {
    let node = try YAMLNode(parsing: "{}", file: "method")
    var section = try Section(node, name: "method")
    let method = try ToyMethod(&section)
    let state = method.makeState(for: try data().spec, random: RandomStream(seed: 1))
    let subject = EvaluationSubject(encoder: FrozenEncoder(method: method, state: state), data: try data())
    #expect(subject.trainable == nil && subject.texts == nil && subject.writer == nil)
  }

  @Test func whatAMethodLacksIsRefusedBeforeTraining() throws {
    try withTemporaryFolder { folder in
      let plugins = Plugins(
        methods: [ToyMethod.self], datasets: [ToyData.self], evaluations: [DemandingEvaluation.self])
      let recipe = try Recipe(
        YAMLNode(
          parsing: """
            recipe: toy
            paper: toy
            method: {type: toy}
            data: {provider: toy}
            stages:
              - {name: first, steps: 12, batch: 8, optimizer: {type: adamw, lr: 0.01}}
            scales: {tiny: {seeds: 1}}
            arms: {method: {}}
            evaluate: [{type: demanding/v1}]
            """, file: "toy.yaml"))
      let runner = CellRunner(
        plugins: plugins, recipe: try recipe.resolve(scale: .tiny, arm: "method"), seed: 3, planSHA256: "plan",
        folder: folder + "/cell", commit: "commit", dataCache: folder, mirror: nil, notices: .silent)
      var steps = 0
      #expect(throws: ReproError(.usage, found: "no depth")) { _ = try runner.run { _ in steps += 1 } }
      #expect(steps == 0)
    }
  }
}
