import ReproData
import ReproNN
import ReproTensor

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
  func features(of batch: Batch) throws -> Features { try method.embed(state, batch) }
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
