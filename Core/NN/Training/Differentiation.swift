import ReproTensor

/// The gradients of a layer's trained parameters, in the order of `visit`.
public struct Gradients: Sendable {
  public var values: [Tensor]
  public init(_ values: [Tensor]) { self.values = values }

  /// The Euclidean length over all parameters together.
  public var norm: Real {
    // Squares are summed per parameter, then over parameters in order.
    Profile.measure("gradient norm") { values.reduce(Real(0)) { $0 + $1.sumOfSquares }.squareRoot() }
  }

  /// Sum of two gradients of the same layer.
  public static func + (a: Gradients, b: Gradients) -> Gradients {
    Gradients(zip(a.values, b.values).map { $0 + $1 })
  }

  /// The sum over shards in a fixed tree: ((0+1)+(2+3))+..., whoever computed which shard.
  public static func sum(_ shards: [Gradients]) -> Gradients {
    require(!shards.isEmpty, "a sum of gradients needs at least one shard")
    var level = shards
    while level.count > 1 {
      level = stride(from: 0, to: level.count, by: 2).map { i in
        i + 1 < level.count ? level[i] + level[i + 1] : level[i]
      }
    }
    return level[0]
  }
}

/// Replaces trained parameters by tracked ones, or back.
private struct Tracker: LayerVisitor {
  let tracks: Bool
  var place = FrozenDepth()
  var variables: [Tensor] = []
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    guard tracks else {
      t = t.detached
      return
    }
    guard role != .buffer, !place.isFrozen else { return }
    t = t.tracked
    variables.append(t)
  }
  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(frozen) }
  mutating func leave() { place.leave() }
}

/// A layer whose parameters are variables, for as long as a graph over it lives.
public struct TrackedLayer<L: Layer> {
  public var layer: L
  let variables: [Tensor]

  /// Gradients of a scalar (or of `y` with a seed) with respect to the trained parameters.
  public func gradients(of y: Tensor, seed: Tensor? = nil) -> Gradients {
    Gradients(ReproTensor.gradients(of: y, seed: seed, with: variables))
  }

  /// The layer with constant parameters and the buffers that the forward pass left.
  public var released: L {
    var copy = layer
    var tracker = Tracker(tracks: false)
    copy.visit(&tracker)
    return copy
  }
}

extension Layer {
  /// This layer with every trained parameter as a variable.
  public func tracked() -> TrackedLayer<Self> {
    var copy = self
    var tracker = Tracker(tracks: true)
    copy.visit(&tracker)
    return TrackedLayer(layer: copy, variables: tracker.variables)
  }
}

/// The value of a loss and its gradients with respect to the trained parameters of a layer.
///
/// `body` sees the layer with tracked parameters; what it writes into buffers (running statistics) is kept.
public func valueAndGradients<L: Layer>(
  of layer: inout L, _ body: (inout L) throws -> Tensor
) rethrows -> (value: Tensor, gradients: Gradients) {
  var tracked = layer.tracked()
  let loss = try body(&tracked.layer)
  let result = tracked.gradients(of: loss)
  layer = tracked.released
  return (loss.detached, result)
}

/// The loss and gradients of a batch cut into micro-shards: each shard is encoded alone, the loss sees all of them.
///
///     z_s = encode(layer, s);  L = loss(concat_s z_s);  dL/dw = tree sum over s of (dz_s/dw)^T dL/dz_s
///
/// Shards meet only in `loss`, so one rank or four, at once or one after the other, give the same bits: every shard has
/// its own variables, and their gradients are added in a fixed tree.
/// - Parameters:
///   - shards: how many; named by the recipe, never by the machine.
///   - recomputes: encode twice instead of keeping all graphs: memory of one shard at a time (Gao et al. 2021, "Scaling
///     deep contrastive learning batch size under memory limited setup", arXiv 2101.06983).
///   - encode: outputs of one shard, `[n_s, ...]` each; must be a pure function of the layer and the shard. Every shard starts
///     from the same buffers; what the shards leave in them (running statistics) is averaged in a fixed tree.
///   - loss: a scalar of the joined outputs.
public func shardedValueAndGradients<L: Layer>(
  of layer: inout L, shards: Int, recomputes: Bool = false, encode: (inout L, Int) throws -> [Tensor],
  loss: ([Tensor]) throws -> Tensor
) rethrows -> (value: Tensor, gradients: Gradients) {
  require(shards >= 1, "a batch has at least one shard, got \(shards)")
  var graphs: [(tracked: TrackedLayer<L>, outputs: [Tensor])] = []
  var outputs: [[Tensor]] = []
  var passed: [L] = []
  for shard in 0..<shards {
    if recomputes {
      var frozen = layer
      outputs.append(try encode(&frozen, shard).map(\.detached))
      passed.append(frozen)
    } else {
      var tracked = layer.tracked()
      let z = try encode(&tracked.layer, shard)
      graphs.append((tracked, z))
      passed.append(tracked.released)
      outputs.append(z.map(\.detached))
    }
  }
  let joined = (0..<(outputs.first?.count ?? 0)).map { k in concat(outputs.map { $0[k] }).tracked }
  let value = try loss(joined)
  let upstream = gradients(of: value, with: joined)
  var sum = GradientAccumulator()
  var starts = [Int](repeating: 0, count: joined.count)
  for shard in 0..<shards {
    if recomputes {
      var tracked = layer.tracked()
      let z = try encode(&tracked.layer, shard)
      graphs.append((tracked, z))
    }
    let (tracked, z) = graphs[recomputes ? graphs.count - 1 : shard]
    // One scalar whose gradient with respect to z_k is the part of dL/dz_k that belongs to this shard.
    var seeded = Tensor(0)
    for k in z.indices where z[k].isTracked {
      let range = starts[k]..<(starts[k] + z[k].shape[0])
      seeded = seeded + (z[k] * upstream[k].slice(0, range)).sum()
    }
    for k in z.indices { starts[k] += z[k].shape[0] }
    sum.add(tracked.gradients(of: seeded))
    if recomputes { graphs.removeLast() }
  }
  layer.takeBuffers(meanOf: passed)
  return (value.detached, sum.total)
}
