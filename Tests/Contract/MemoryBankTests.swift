import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import Testing

/// MoCo's skeleton: two views agree, against a queue of keys that a slowly following encoder made earlier.
private struct MiniMoCo: MethodPlugin {
  static let card = MethodCard(
    id: "mini-moco", title: "Momentum contrast", year: 2019, arxiv: "1911.05722", family: .contrastive)

  let queueLength: Int
  let temperature: Real

  init(_ options: inout Section) throws(ReproError) {
    queueLength = try options.int("queue", in: 1...1_000_000, default: 32)
    temperature = Real(try options.double("temperature", in: 0.001...10, default: 0.2))
  }

  struct State: Layer {
    var query, key: TinyViT
    var queue: FeatureQueue
    mutating func visit(_ v: inout some LayerVisitor) {
      v("query", &query)
      v("key", &key, frozen: true)
      v("queue", &queue)
    }
  }

  func makeState(for data: DataSpec, random: RandomStream) -> State {
    let query = TinyViT(outputs: 10, random: random.child("query"))
    return State(query: query, key: query, queue: FeatureQueue(capacity: queueLength, width: 10, random: random))
  }

  func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let images = try context.batch().images()
    let (a, b) = (view(images, "a", context), view(images, "b", context))
    let keys = context.gather(images.count) { state.key(b.slice(0, $0)).l2Normalized() }  // [B, D]
    let negatives = state.queue.rows  // [K, D]
    let (loss, gradients) = context.valueAndGradients(of: &state.query, samples: images.count) { query, rows in
      query(a.slice(0, rows)).l2Normalized()
    } loss: { queries in
      let positive = (queries * keys).sum(-1, keepsAxis: true)  // [B, 1]
      let logits = concat([positive, matmul(queries, negatives.transposed())], axis: 1) / temperature  // [B, 1 + K]
      return -logits.logSoftmax().slice(1, 0..<1).mean()
    }
    context.update(&state.query, gradients)
    state.key.average(with: state.query, rate: 0.9)
    state.queue.push(keys)
    return ["loss": loss.item]
  }

  func view(_ images: ImageBatch, _ name: String, _ context: StepContext) -> Tensor {
    randomCrops(images, size: 32, context.random.child(name))
  }

  func embed(_ state: State, _ batch: Batch) -> Features {
    Features(global: state.query.backbone(randomCrops(batch.images(), size: 32, RandomStream(seed: 0))).classToken)
  }
}

@Suite struct MemoryBank {
  private func run(shards: Int, recomputes: Bool, steps: Int = 5) throws -> (state: MiniMoCo.State, losses: [Double]) {
    let method = try make(MiniMoCo.self)
    var state = method.makeState(for: DataSpec(fields: [], sizes: [:]), random: RandomStream(seed: 3))
    var losses: [Double] = []
    var context = StepContext(
      step: 0, steps: steps, random: RandomStream(seed: 4), data: try waves(), batchSize: 8, shards: shards,
      recomputes: recomputes)
    for k in 1...steps {
      losses.append(Double(try #require(method.step(&state, &context)["loss"])))
      context = context.next(random: RandomStream(seed: 4).child("step", k))
    }
    return (state, losses)
  }

  @Test func shardsAtOnceAndOneAfterTheOtherGiveTheSameBits() throws {
    let (together, first) = try run(shards: 2, recomputes: false)
    let (inTurn, second) = try run(shards: 2, recomputes: true)
    #expect(bits(together) == bits(inTurn) && first == second)
    #expect(together.queue.head == inTurn.queue.head && together.queue.head == 5 * 8 % 32)
  }

  @Test func theLossDoesNotKnowIntoHowManyShardsTheBatchWasCut() throws {
    let whole = try run(shards: 1, recomputes: false, steps: 2).losses
    let cut = try run(shards: 4, recomputes: false, steps: 2).losses
    for (a, b) in zip(whole, cut) { #expect(abs(a - b) < 1e-4) }
  }

  @Test func theQueueHoldsTheKeysInTheOrderOfTheirStepsAndReplacesTheOldest() throws {
    let method = try make(MiniMoCo.self, ["queue": "16"])
    var state = method.makeState(for: DataSpec(fields: [], sizes: [:]), random: RandomStream(seed: 3))
    var context = StepContext(step: 0, steps: 3, random: RandomStream(seed: 4), data: try waves(), batchSize: 8)
    var keys: [[Real]] = []
    for k in 1...3 {
      keys.append(state.key(method.view(try context.batch().images(), "b", context)).l2Normalized().values)
      _ = try method.step(&state, &context)
      context = context.next(random: RandomStream(seed: 4).child("step", k))
    }
    #expect(state.queue.rows.values == keys[2] + keys[1])
    #expect(state.queue.head == 8)
  }
}
