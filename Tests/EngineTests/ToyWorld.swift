import ReproConfig
import ReproData
import ReproNN
import ReproTensor
import Synchronization
import Testing

@testable import ReproEngine

/// Points on a line with a hidden slope: small enough that a whole run takes milliseconds.
struct ToyData: DatasetProvider {
  static let card = DatasetCard(id: "toy", title: "Points on a line", source: "this test", licence: "none")
  let seed: UInt64
  let train: Int

  init(_ options: inout Section, root: DataRoot) throws {
    train = try options.int("train", in: 0...1000, default: 32)
    seed = root.seed
  }

  var spec: DataSpec {
    DataSpec(
      fields: [
        FieldSpec("x", .real(shape: [3], unit: "1"), isLabel: false),
        FieldSpec("y", .identity(count: 10), isLabel: true),
      ], sizes: [.train: train, .test: 8])
  }
  var fingerprint: String { "toy/1" }

  func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let rows = indices.map { i -> Tensor in
      var stream = RandomStream(seed: seed).child(split.rawValue, i)
      return stream.normal([3])
    }
    return Batch(indices: indices, columns: [("x", .reals(stack(rows))), ("y", .integers(indices.map { $0 % 10 }))])
  }
}

/// How often steps of `ToyMethod` were computed with `forgets_at`: what a method must not have.
let hiddenState = Atomic<Int>(0)

/// Fits a linear map to itself under noise; diverges when told to.
struct ToyMethod: MethodPlugin {
  static let card = MethodCard(id: "toy", title: "Toy", year: 2000, arxiv: nil, family: .masked)
  let divergesAt: Int
  /// The step at which the gradient of the bias alone is not finite.
  let breaksAt: Int
  let noise: Double
  /// The step from which on results depend on how often steps were computed.
  let forgetsAt: Int

  init(_ options: inout Section) throws(ReproError) {
    divergesAt = try options.int("diverges_at", in: -1...1000, default: -1)
    breaksAt = try options.int("breaks_at", in: -1...1000, default: -1)
    noise = try options.double("noise", in: 0...1, default: 0.1)
    forgetsAt = try options.int("forgets_at", in: -1...1000, default: -1)
  }

  struct State: Layer {
    var map: Linear
    var seen: Int
    mutating func visit(_ v: inout some LayerVisitor) {
      v("map", &map)
      v.integer("seen", &seen)
    }
  }

  func makeState(for data: DataSpec, random: RandomStream) -> State {
    State(map: Linear(3, 3, deviation: 0.5, random: random.child("map")), seen: 0)
  }

  func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    guard case .reals(let x) = try context.batch()["x"] else { throw ReproError(.data, found: "no x") }
    #expect(try context.batch()["y"] == nil, "labels reached a method that is not supervised")
    var stream = context.random.child("noise")
    let noisy = x + stream.normal(x.shape, deviation: Real(noise))
    let (loss, found) = valueAndGradients(of: &state.map) { ($0(noisy) - x).squared().mean() }
    var gradients = found
    if context.step == breaksAt { gradients.values[1] = gradients.values[1] * .infinity }
    if forgetsAt >= 0, context.step >= forgetsAt {
      let count = hiddenState.wrappingAdd(1, ordering: .relaxed).newValue
      gradients.values[1] = gradients.values[1] + Real(count)
    }
    context.update(&state.map, gradients)
    state.seen += x.shape[0]
    return ["loss": context.step == divergesAt ? .nan : loss.item]
  }

  func embed(_ state: State, _ batch: Batch) throws -> Features {
    guard case .reals(let x) = batch["x"] else { throw ReproError(.data, found: "no x") }
    return Features(global: state.map(x))
  }
}

/// The sum of all features: any bit that differs shows.
struct ToyEvaluation: Evaluation {
  static let card = EvaluationCard(
    id: "toy/v1", title: "Sum", source: "this test", measurements: [MeasurementSpec("sum", unit: "1")])
  init(_ options: inout Section) throws(ReproError) {}
  func check(_ data: DataSpec) throws(ReproError) {}
  func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    [("sum", Double(try subject.labelled(.test).features.global.sum().item))]
  }
}

let toyPlugins = Plugins(methods: [ToyMethod.self], datasets: [ToyData.self], evaluations: [ToyEvaluation.self])

func runnableRecipe(_ method: String = "{type: toy}", steps: Int = 12) throws -> Recipe {
  try Recipe(
    YAMLNode(
      parsing: """
        recipe: toy
        paper: toy
        method: \(method)
        data: {provider: toy}
        stages:
          - {name: first, steps: \(steps), batch: 8, optimizer: {type: adamw, lr: 0.01}}
          - {name: second, steps: 5, batch: 16, optimizer: {type: sgd, lr: 0.01, momentum: 0.9}}
        scales: {tiny: {seeds: 1}}
        arms: {method: {}}
        evaluate: [{type: toy/v1}]
        """, file: "toy.yaml"))
}

func runnableRunner(_ recipe: Recipe, folder: String, notices: Notices = .silent) throws -> CellRunner {
  CellRunner(
    plugins: toyPlugins, recipe: try recipe.resolve(scale: .tiny, arm: "method"), seed: 3, planSHA256: "plan",
    folder: folder, commit: "commit", dataCache: folder, mirror: nil, notices: notices)
}
