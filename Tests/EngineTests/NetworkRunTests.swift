import Glibc
import ReproConfig
import ReproData
import ReproNN
import ReproTensor
import Synchronization
import TestSupport
import Testing

@testable import ReproEngine

// Threads and repeated runs of the same kinds of networks: Tests/NNTests/TrainingBitsTests.

/// A network with a loss on made data: what a run needs of it.
protocol TrainedNetwork: Layer {
  static var id: String { get }
  init(random: RandomStream)
  mutating func loss(_ context: ForwardContext) -> Tensor
}

private func labels(_ n: Int) -> IndexTensor { IndexTensor((0..<n).map { $0 % 5 }) }

/// A transformer with everything that draws random numbers in its forward pass.
struct TrainedTransformer: TrainedNetwork {
  static let id = "vit"
  var body: VisionTransformer
  var head: Linear
  init(random: RandomStream) {
    var c = ViTConfiguration(imageSize: 32, patch: 8, channels: 3, width: 48, depth: 2, heads: 3)
    (c.registers, c.layerScale, c.dropPath) = (2, 0.1, 0.2)
    body = VisionTransformer(c, random: random.child("body"))
    head = Linear(48, 5, random: random.child("head"))
  }
  mutating func visit(_ v: inout some LayerVisitor) {
    v("body", &body)
    v("head", &head)
  }
  mutating func loss(_ context: ForwardContext) -> Tensor {
    var stream = context.random.child("images")
    return crossEntropy(head(body(stream.normal([12, 3, 32, 32]), context).classToken), labels: labels(12))
  }
}

/// A residual network, whose running statistics belong to the state.
struct TrainedResNet: TrainedNetwork {
  static let id = "resnet"
  var net: ResNet
  init(random: RandomStream) {
    var c = ResNetConfiguration(blocks: [1, 1, 1, 1], isBottleneck: false)
    (c.width, c.stem, c.classes) = (8, .cifar, 5)
    net = ResNet(c, random: random)
  }
  mutating func visit(_ v: inout some LayerVisitor) { v("net", &net) }
  mutating func loss(_ context: ForwardContext) -> Tensor {
    var stream = context.random.child("images")
    return crossEntropy(net(stream.normal([8, 3, 16, 16]), context), labels: labels(8))
  }
}

struct TrainedGRU: TrainedNetwork {
  static let id = "gru"
  var gru: GRU
  var head: Linear
  init(random: RandomStream) {
    gru = GRU(12, 32, layers: 2, isBidirectional: true, random: random.child("gru"))
    head = .uniform(128, 5, random: random.child("head"))
  }
  mutating func visit(_ v: inout some LayerVisitor) {
    v("gru", &gru)
    v("head", &head)
  }
  mutating func loss(_ context: ForwardContext) -> Tensor {
    var stream = context.random.child("sequences")
    let state = gru(stream.normal([24, 7, 12])).state  // [4, B, 32]
    return crossEntropy(head(state.transposed(0, 1).reshaped([24, -1])), labels: labels(24))
  }
}

struct TrainedGCN: TrainedNetwork {
  static let id = "gcn"
  var conv1, conv2: GCNConv
  init(random: RandomStream) {
    conv1 = GCNConv(16, 32, random: random.child("conv1"))
    conv2 = GCNConv(32, 5, random: random.child("conv2"))
  }
  mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("conv2", &conv2)
  }
  mutating func loss(_ context: ForwardContext) -> Tensor {
    var stream = context.random.child("nodes")
    let x = stream.normal([400, 16])
    return crossEntropy(conv2(conv1(x, Self.propagation).relu(), Self.propagation), labels: labels(400))
  }
  /// A ring of 400 nodes with long chords.
  private static let propagation = Graph.undirected(
    nodes: 400, edges: (0..<400).flatMap { [($0, ($0 + 1) % 400), ($0, ($0 * 7 + 100) % 400)] }
  ).normalizedAdjacency
}

/// Trains a network as a method of a recipe.
struct NetworkMethod<N: TrainedNetwork>: MethodPlugin {
  static var card: MethodCard { MethodCard(id: N.id, title: N.id, year: 2000, arxiv: nil, family: .masked) }
  init(_ options: inout Section) throws(ReproError) {}
  func makeState(for data: DataSpec, random: RandomStream) -> N { N(random: random) }
  func step(_ state: inout N, _ context: inout StepContext) throws -> Metrics {
    let forward = ForwardContext(random: context.random)
    let (loss, gradients) = valueAndGradients(of: &state) { $0.loss(forward) }
    context.update(&state, gradients)
    return ["loss": loss.item]
  }
  func embed(_ state: N, _ batch: Batch) throws -> Features {
    guard case .reals(let x) = batch["x"] else { throw ReproError(.data, found: "no x") }
    return Features(global: x)
  }
}

/// Which network, with which optimizer, as one run.
private struct NetworkRun: Sendable, CustomTestStringConvertible {
  let network: String
  var testDescription: String { network }
  static let all = ["vit", "resnet", "gru", "gcn"].map(NetworkRun.init)

  static let optimizers = [
    "vit": "{type: adamw, lr: 0.01, weight_decay: 0.05}", "resnet": "{type: sgd, lr: 0.05, momentum: 0.9}",
    "gru": "{type: adamw, lr: 0.01}", "gcn": "{type: sgd, lr: 0.1, momentum: 0.9}",
  ]

  func runner(folder: String, seed: UInt64 = 3) throws -> CellRunner {
    let optimizer = try #require(Self.optimizers[network])
    let recipe = try Recipe(
      YAMLNode(
        parsing: """
          recipe: networks
          paper: networks
          method: {type: \(network)}
          data: {provider: toy}
          stages: [{name: fit, steps: 6, optimizer: \(optimizer)}]
          scales: {tiny: {seeds: 1}}
          arms: {method: {}}
          evaluate: [{type: toy/v1}]
          """, file: "networks.yaml"))
    var runner = CellRunner(
      plugins: Plugins(
        methods: [
          NetworkMethod<TrainedTransformer>.self, NetworkMethod<TrainedResNet>.self, NetworkMethod<TrainedGRU>.self,
          NetworkMethod<TrainedGCN>.self,
        ], datasets: [ToyData.self], evaluations: [ToyEvaluation.self]),
      recipe: try recipe.resolve(scale: .tiny, arm: "method"), seed: seed, planSHA256: "plan", folder: folder,
      commit: "commit", dataCache: folder, mirror: nil, notices: .silent)
    runner.checkpointInterval = 0
    return runner
  }

  /// Trains until a step is done, then dies without a word.
  func die(after steps: Int, folder: String) throws {
    var done = 0
    _ = try runner(folder: folder).run { _ in
      done += 1
      if done == steps { kill(getpid(), SIGKILL) }
    }
  }
}

/// Networks of every kind through whole runs: the record holds the SHA-256 of all weights and statistics and the losses.
@Suite("Runs of every kind of network have the same bytes", .serialized)
struct NetworkRunTests {
  private func record(_ folder: String) throws -> [UInt8] { try SafeFile.read(folder + "/record.json") }

  @Test(arguments: NetworkRun.all) fileprivate func stoppedAfterEveryStep(_ run: NetworkRun) throws {
    try withTemporaryFolder { folder in
      _ = try run.runner(folder: folder + "/whole").run { _ in }
      var starts = 0
      while !SafeFile.exists(folder + "/halting/record.json"), starts < 20 {
        let done = Mutex(0)
        var runner = try run.runner(folder: folder + "/halting")
        runner.mustStop = { done.withLock { $0 >= 1 } }
        starts += 1
        do { _ = try runner.run { _ in done.withLock { $0 += 1 } } } catch let error as ReproError {
          #expect(error.domain == .interrupted)
        }
      }
      #expect(starts > 5)
      #expect(try record(folder + "/halting") == record(folder + "/whole"))
    }
  }

  @Test(arguments: NetworkRun.all) fileprivate func killedAndResumed(_ run: NetworkRun) async throws {
    try await withTemporaryFolder { folder async throws in
      let network = run.network
      await #expect(processExitsWith: .signal(SIGKILL)) { [network = network as String, folder = folder as String] in
        try NetworkRun(network: network).die(after: 4, folder: folder + "/killed")
      }
      #expect(!SafeFile.exists(folder + "/killed/record.json"))
      #expect(SafeFile.exists(folder + "/killed/checkpoint.h5"))
      var steps = 0
      _ = try run.runner(folder: folder + "/killed").run { _ in steps += 1 }
      #expect(steps < 6, "it went on instead of beginning again")
      _ = try run.runner(folder: folder + "/whole").run { _ in }
      #expect(try record(folder + "/killed") == record(folder + "/whole"))
    }
  }

  @Test(arguments: NetworkRun.all) fileprivate func asOneJobAndAsTwoAtOnce(_ run: NetworkRun) async throws {
    try await withTemporaryFolder { folder async throws in
      for seed: UInt64 in [3, 4] { _ = try run.runner(folder: "\(folder)/one-\(seed)", seed: seed).run { _ in } }
      await withTaskGroup(of: Void.self) { group in
        for seed: UInt64 in [3, 4] {
          let network = run.network
          group.addTask {
            await #expect(processExitsWith: .success) {
              [network = network as String, folder = folder as String, seed = seed as UInt64] in
              ThreadPool.shared.threads = 1
              _ = try NetworkRun(network: network).runner(folder: "\(folder)/two-\(seed)", seed: seed).run { _ in }
            }
          }
        }
      }
      for seed in [3, 4] { #expect(try record("\(folder)/two-\(seed)") == record("\(folder)/one-\(seed)")) }
      #expect(try record("\(folder)/one-3") != record("\(folder)/one-4"))
    }
  }
}
