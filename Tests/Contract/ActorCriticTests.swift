import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import Testing

/// A cart on a line: the action pushes it, the reward is large at the middle.
private struct Cart: Layer {
  var position: Tensor = .full([1, 1], 0.8)

  mutating func visit(_ v: inout some LayerVisitor) { v("position", &position, .buffer) }

  /// Moves by a tenth of the action, `[1, 1]` in [-1, 1]; gives the reward.
  mutating func act(_ action: Tensor) -> Real {
    position = (position + action * 0.1).clamped(-1, 1)
    return -position.item * position.item
  }
}

/// A small network with one hidden layer.   [B, in] -> [B, 1]
private struct Net: Layer {
  var hidden, out: Linear
  init(_ inputs: Int, random: RandomStream) {
    hidden = Linear(inputs, 16, deviation: 0.5, random: random.child("hidden"))
    out = Linear(16, 1, deviation: 0.2, random: random.child("out"))
  }
  mutating func visit(_ v: inout some LayerVisitor) {
    v("hidden", &hidden)
    v("out", &out)
  }
  func callAsFunction(_ x: Tensor) -> Tensor { out(hidden(x).tanh()) }
}

/// Soft actor-critic's skeleton: the environment, its memory and three networks are one state; three optimizers take turns.
private struct MiniSAC: MethodPlugin {
  static let card = MethodCard(
    id: "mini-sac", title: "Soft actor-critic", year: 2018, arxiv: "1812.05905", family: .multimodal)

  let discount: Real = 0.9
  let deviation: Real = 0.3
  let targetEntropy: Real = -1

  init(_ options: inout Section) throws(ReproError) {}

  struct Temperature: Layer {
    var log: Tensor = .zeros([1])
    mutating func visit(_ v: inout some LayerVisitor) { v("log", &log, .bias) }
  }

  struct State: Layer {
    var cart = Cart()
    var memory: FeatureQueue  // rows: position, action, reward, next position
    var actor, critic, target: Net
    var temperature = Temperature()
    mutating func visit(_ v: inout some LayerVisitor) {
      v("cart", &cart)
      v("memory", &memory)
      v("actor", &actor)
      v("critic", &critic)
      v("target", &target, frozen: true)
      v("temperature", &temperature)
    }
  }

  func makeState(for data: DataSpec, random: RandomStream) -> State {
    let critic = Net(2, random: random.child("critic"))
    var memory = FeatureQueue(capacity: 64, width: 4, random: random)
    memory.rows = .zeros(memory.rows.shape)  // a cart that stands in the middle: true of this environment
    return State(memory: memory, actor: Net(1, random: random.child("actor")), critic: critic, target: critic)
  }

  func step(_ state: inout State, _ context: inout StepContext) -> Metrics {
    let reward = act(&state, context.random)
    var noise = context.random.child("noise")
    let rows = state.memory.rows  // [N, 4]
    let (here, action, next) = (rows.slice(1, 0..<1), rows.slice(1, 1..<2), rows.slice(1, 3..<4))
    let alpha = state.temperature.log.exp()

    let (nextAction, nextEntropy) = sample(state.actor, next, &noise)
    let value = state.target(concat([next, nextAction], axis: 1)) + alpha * nextEntropy
    let goal = rows.slice(1, 2..<3) + value * discount  // [N, 1], constant
    let (criticLoss, criticGradients) = valueAndGradients(of: &state.critic) { critic in
      (critic(concat([here, action], axis: 1)) - goal).squared().mean()
    }
    context.update(&state.critic, criticGradients, optimizer: "critic")

    var entropy = Tensor(0)
    let critic = state.critic  // the updated one, constant here
    let (actorLoss, actorGradients) = valueAndGradients(of: &state.actor) { actor in
      let (proposed, h) = sample(actor, here, &noise)
      entropy = h.detached
      return -(critic(concat([here, proposed], axis: 1)) + alpha * h).mean()
    }
    context.update(&state.actor, actorGradients, optimizer: "actor")

    let (_, temperatureGradients) = valueAndGradients(of: &state.temperature) { temperature in
      (temperature.log.exp() * (entropy - targetEntropy)).mean()
    }
    context.update(&state.temperature, temperatureGradients, optimizer: "temperature")
    state.target.average(with: state.critic, rate: 0.95)
    return ["actor": actorLoss.item, "critic": criticLoss.item, "reward": reward, "entropy": entropy.mean().item]
  }

  /// One step of the environment under the current policy, kept in the memory.
  func act(_ state: inout State, _ random: RandomStream) -> Real {
    var noise = random.child("explore")
    let before = state.cart.position
    let (action, _) = sample(state.actor, before, &noise)
    let reward = state.cart.act(action)
    state.memory.push(concat([before, action, Tensor([1, 1], [reward]), state.cart.position], axis: 1))
    return reward
  }

  /// A tanh-squashed normal action `[N, 1]` and its one-sample estimate of entropy, -log density, `[N, 1]`.
  private func sample(_ actor: Net, _ x: Tensor, _ noise: inout RandomStream) -> (action: Tensor, entropy: Tensor) {
    let unit = noise.normal([x.shape[0], 1])
    let action = (actor(x) + unit * deviation).tanh()
    let logNormal = unit.squared() * -0.5 - Real(0.5 * Glibc.log(2 * Double.pi)) - Real(Glibc.log(Double(deviation)))
    return (action, (1 - action.squared() + 1e-6).log() - logNormal)
  }

  func embed(_ state: State, _ batch: Batch) -> Features { Features(global: state.actor.hidden(state.cart.position)) }
}

@Suite struct ActorCritic {
  private func run(_ steps: Int, plans: [String: OptimizerPlan] = [:]) throws -> [(MiniSAC.State, Metrics)] {
    let method = try make(MiniSAC.self)
    var state = method.makeState(for: DataSpec(fields: [], sizes: [:]), random: RandomStream(seed: 3))
    var context = StepContext(
      step: 0, steps: steps, random: RandomStream(seed: 4), plan: .constant(rate: 0.01), plans: plans)
    return (1...steps).map { k in
      let metrics = method.step(&state, &context)
      context = context.next(random: RandomStream(seed: 4).child("step", k))
      return (state, metrics)
    }
  }

  @Test func theMemoryHoldsWhatTheEnvironmentDid() throws {
    let history = try run(40)
    let rows = try #require(history.last).0.memory.rows.values
    var position: Real = 0.8
    for (k, (_, metrics)) in history.enumerated() {
      let row = Array(rows[(4 * k)..<(4 * k + 4)])
      let next = min(max(position + row[1] * 0.1, -1), 1)
      #expect(row[0] == position && row[3] == next && row[2] == -next * next && metrics["reward"] == row[2])
      #expect(row[1] >= -1 && row[1] <= 1)
      position = next
    }
  }

  @Test func everyOptimizerKeepsItsOwnStateAndPlan() throws {
    // The first step of Adam moves every parameter by its whole learning rate, towards a smaller loss.
    var slow = OptimizerPlan.constant(rate: 0.001)
    slow.rule = .sgd(momentum: 0, nesterov: false)
    let (state, metrics) = try #require(run(1, plans: ["critic": slow]).first)
    let entropy = try #require(metrics["entropy"])
    #expect(abs(state.temperature.log.item - (entropy > -1 ? -0.01 : 0.01)) < 1e-5)
    let start = try make(MiniSAC.self).makeState(for: DataSpec(fields: [], sizes: [:]), random: RandomStream(seed: 3))
    let moved = (state.actor.out.bias.map { $0.item } ?? 0) - (start.actor.out.bias.map { $0.item } ?? 0)
    #expect(abs(abs(moved) - 0.01) < 1e-5)
    let critic = zip(bits(state.critic), bits(start.critic)).flatMap { zip($0, $1).map { abs($0 - $1) } }
    #expect(critic.allSatisfy { $0 < 0.009 } && critic.contains { $0 > 0 })
  }

  @Test func theCartLearnsToStayInTheMiddle() throws {
    let history = try run(800)
    let late = history.suffix(200).map { $0.1["reward"] ?? -1 }.reduce(0, +) / 200
    let early = history.prefix(50).map { $0.1["reward"] ?? -1 }.reduce(0, +) / 50
    #expect(late > -0.05 && early < -0.3, "mean reward \(early) at first, \(late) at the end")
  }
}
