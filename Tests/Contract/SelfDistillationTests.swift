import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import Testing

/// DINOv2's skeleton: the student sees all crops, the teacher the large ones, and follows the student slowly.
private struct MiniDINO: MethodPlugin {
  static let card = MethodCard(
    id: "mini-dino", title: "Self-distillation", year: 2023, arxiv: "2304.07193", family: .distillation)

  let prototypes: Int
  let momentum: Schedule
  let studentTemperature: Real = 0.1
  let teacherTemperature: Real = 0.05

  init(_ options: inout Section) throws(ReproError) {
    prototypes = try options.int("prototypes", in: 2...65536)
    momentum = try options.schedule("momentum", in: 0...1, default: Schedule(from: 0.9, to: 1))
  }

  struct State: Layer {
    var student, teacher: TinyViT
    mutating func visit(_ v: inout some LayerVisitor) {
      v("student", &student)
      v("teacher", &teacher, frozen: true)
    }
  }

  func makeState(for data: DataSpec, random: RandomStream) -> State {
    let student = TinyViT(outputs: prototypes, random: random.child("student"))
    return State(student: student, teacher: student)
  }

  func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let (globals, locals) = crops(try context.batch().images(), context.random)
    let targets = globals.map { (state.teacher($0) / teacherTemperature).softmax() }  // [B, K], constants
    let (loss, gradients) = valueAndGradients(of: &state.student) { student in
      let predictions = (globals + locals).map { (student($0) / studentTemperature).logSoftmax() }
      return crossEntropy(targets, predictions)
    }
    let norm = context.update(&state.student, gradients)
    state.teacher.average(with: state.student, rate: Real(momentum(context.progress)))
    return ["loss": loss.item, "gradient-norm": norm]
  }

  func embed(_ state: State, _ batch: Batch) -> Features {
    let images = randomCrops(batch.images(), size: 32, RandomStream(seed: 0))
    return Features(global: state.teacher.backbone(images).classToken)
  }

  func crops(_ images: ImageBatch, _ random: RandomStream) -> (globals: [Tensor], locals: [Tensor]) {
    (
      (0..<2).map { randomCrops(images, size: 32, random.child("global", $0)) },
      (0..<2).map { randomCrops(images, size: 16, random.child("local", $0)) }
    )
  }

  /// Mean over all pairs of a target and another crop's prediction, and over the batch.
  private func crossEntropy(_ targets: [Tensor], _ predictions: [Tensor]) -> Tensor {
    var terms: [Tensor] = []
    for (i, p) in targets.enumerated() {
      for (j, log) in predictions.enumerated() where j != i { terms.append(-(p * log).sum(-1).mean()) }
    }
    return stack(terms).mean()
  }
}

@Suite struct SelfDistillation {
  @Test func aStepMeasuresTheCrossEntropyOfTeacherAndStudentAndTheTeacherFollows() throws {
    let method = try make(MiniDINO.self, ["prototypes": "7"])
    let before = method.makeState(for: DataSpec(fields: [], sizes: [:]), random: RandomStream(seed: 3))
    var context = StepContext(step: 0, steps: 10, random: RandomStream(seed: 4), data: try waves(), batchSize: 6)
    #expect(try context.batch().columns.map(\.name) == ["image"])  // no labels for the unsupervised
    var state = before
    let metrics = try method.step(&state, &context)

    let (globals, locals) = method.crops(try context.batch().images(), context.random)
    var expected = 0.0
    for i in 0..<2 {
      let teacher = logProbabilities(before.teacher(globals[i]), temperature: 0.05)
      for (j, crop) in (globals + locals).enumerated() where j != i {
        let student = logProbabilities(before.student(crop), temperature: 0.1)
        for (t, s) in zip(teacher, student) { expected -= zip(t, s).reduce(0) { $0 + Glibc.exp($1.0) * $1.1 } / 6 / 6 }
      }
    }
    #expect(abs(Double(try #require(metrics["loss"])) - expected) < 1e-4)

    let (old, new, teacher) = (bits(before.student), bits(state.student), bits(state.teacher))
    for i in old.indices {
      #expect(old[i] != new[i], "\(before.student.parameters[i].path) did not move")
      for k in old[i].indices { #expect(abs(teacher[i][k] - (0.9 * old[i][k] + 0.1 * new[i][k])) < 1e-6) }
    }
  }

  @Test func theSameSeedGivesTheSameBitsOverSeveralStepsWhateverTheNumberOfThreads() throws {
    func run(threads: Int) throws -> [[Real]] {
      ThreadPool.shared.threads = threads
      let method = try make(MiniDINO.self, ["prototypes": "7"])
      var state = method.makeState(for: DataSpec(fields: [], sizes: [:]), random: RandomStream(seed: 3))
      var context = StepContext(step: 0, steps: 3, random: RandomStream(seed: 0), data: try waves(), batchSize: 12)
      for k in 1...3 {
        _ = try method.step(&state, &context)
        context = context.next(random: RandomStream(seed: 0).child("step", k))
      }
      return bits(state)
    }
    #expect(try run(threads: 1) == run(threads: 2))
  }
}

/// Log-softmax of rows, by hand and in Double.
private func logProbabilities(_ logits: Tensor, temperature: Double) -> [[Double]] {
  let (rows, columns, values) = (logits.shape[0], logits.shape[1], logits.values)
  return (0..<rows).map { r in
    let z = (0..<columns).map { Double(values[r * columns + $0]) / temperature }
    let total = Glibc.log(z.reduce(0) { $0 + Glibc.exp($1) })
    return z.map { $0 - total }
  }
}
