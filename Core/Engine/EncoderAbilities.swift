import ReproConfig
import ReproData
import ReproNN
import ReproTensor
import Synchronization

// What a method may offer to evaluations beyond frozen features: a network that can be trained further, a text tower.

/// A method whose network protocols may train further under a loss of their own (fine-tuning, few labels).
public protocol FineTunable: MethodPlugin {
  /// What is trained; a copy of a part of the state, which itself stays as it is.
  associatedtype Network: Layer
  func network(of state: State) -> Network
  /// Differentiable features of a batch, `[B, D]`.
  ///
  /// - Parameters:
  ///   - network: tracked while it is trained; running statistics are written into it.
  ///   - batch: input columns only.
  ///   - context: randomness of a training pass (dropout, stochastic depth); nil for the frozen, deterministic pass.
  func embedding(_ network: inout Network, of batch: Batch, context: ForwardContext?) throws -> Tensor
}

/// A method that embeds text into the space of its other features.
public protocol TextEmbedding: MethodPlugin {
  /// A vector for each text, `[T, D]`, comparable with the features of samples by their cosine.
  func embed(_ state: State, texts: [String]) throws -> Tensor
}

/// A method that answers or describes samples in words.
public protocol TextGenerating: MethodPlugin {
  /// A text for each sample of a batch, deterministic.
  ///
  /// - Parameter batch: input columns only; a question is one of them.
  func texts(_ state: State, for batch: Batch) throws -> [String]
}

/// A method whose samples are the nodes of one graph: what it says about a node comes from the whole graph, which no
/// batch holds.
public protocol NodeEmbedding: MethodPlugin {
  /// Frozen features of all nodes, `[nodes, D]`, deterministic; outputs `[nodes, ...]`.
  ///
  /// - Parameter graph: without any labels.
  func embed(_ state: State, _ graph: GraphData) throws -> Features
}

extension NodeEmbedding {
  /// Nodes are embedded with their graph, never as a batch.
  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    throw ReproError(
      .usage, at: Self.card.id, found: "samples without a graph", expected: "a data set that is a graph (planetoid)")
  }
}

/// An encoder whose network can be trained further; see `FineTunable`.
public protocol TrainableEncoder: Encoder {
  associatedtype Network: Layer
  /// A fresh copy of the trained parameters.
  var network: Network { get }
  func embedding(_ network: inout Network, of batch: Batch, context: ForwardContext?) throws -> Tensor
}

/// An encoder that reads text; see `TextEmbedding`.
public protocol TextEncoder: Encoder {
  func features(of texts: [String]) throws -> Tensor
}

/// An encoder that writes text; see `TextGenerating`.
public protocol TextGenerator: Encoder {
  func texts(for batch: Batch) throws -> [String]
}

/// A method with a state that nobody changes any more.
struct FrozenEncoder<M: MethodPlugin>: Encoder {
  let method: M
  let state: M.State
  /// Features of all nodes, for a method of nodes on a data set that is a graph.
  private let nodes: NodeTable?

  /// - Parameter data: what the samples come from, for methods that look at the whole of it.
  init(method: M, state: M.State, data: (any DatasetProvider)? = nil) {
    (self.method, self.state) = (method, state)
    func table<N: NodeEmbedding>(_ method: N, _ graph: GraphData) -> NodeTable? {
      (state as? N.State).map { state in NodeTable { try method.embed(state, graph) } }
    }
    var graph = (data as? any GraphDataset)?.graph
    graph?.trainLabels = []
    nodes = graph.flatMap { graph in (method as? any NodeEmbedding).flatMap { table($0, graph) } }
  }

  func features(of batch: Batch) throws -> Features {
    try nodes?.features(of: batch) ?? method.embed(state, batch)
  }
}

/// Features of all nodes of a graph, computed when somebody asks for the first.
private final class NodeTable: Sendable {
  private let make: @Sendable () throws -> Features
  private let known = Mutex<Features?>(nil)

  init(_ make: @escaping @Sendable () throws -> Features) { self.make = make }

  /// The rows of a batch's nodes, by its column `node`.
  func features(of batch: Batch) throws -> Features {
    let all = try known.withLock { known in
      let all = try known ?? make()
      known = all
      return all
    }
    let places = IndexTensor(batch.integers("node"))
    return Features(
      global: all.global.gathered(places), outputs: all.outputs.mapValues { $0.gathered(places) })
  }
}

extension FrozenEncoder: TrainableEncoder where M: FineTunable {
  var network: M.Network { method.network(of: state) }
  func embedding(_ network: inout M.Network, of batch: Batch, context: ForwardContext?) throws -> Tensor {
    try method.embedding(&network, of: batch, context: context)
  }
}

extension FrozenEncoder: TextEncoder where M: TextEmbedding {
  func features(of texts: [String]) throws -> Tensor { try method.embed(state, texts: texts) }
}

extension FrozenEncoder: TextGenerator where M: TextGenerating {
  func texts(for batch: Batch) throws -> [String] { try method.texts(state, for: batch) }
}
