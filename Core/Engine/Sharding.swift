import ReproNN
import ReproTensor

// A batch is cut into micro-shards, each computed by itself. Whoever computes which (one rank or four, at once or one after
// the other), the bits are the same, because samples meet in two places only: `gather`, and the `loss` of
// `valueAndGradients(of:samples:encode:loss:)`.

extension StepContext {
  /// The rows of one micro-shard in a batch of `count` samples.
  public func rows(ofShard shard: Int, count: Int) -> Range<Int> {
    require(count % shards == 0, "a batch of \(count) cannot be cut into \(shards) equal shards")
    require(shard >= 0 && shard < shards, "shard \(shard) is outside of 0..<\(shards)")
    let n = count / shards
    return shard * n..<(shard + 1) * n
  }

  /// What `encode` gives for each micro-shard of a batch, joined along the first axis; constants, without a gradient.
  ///
  /// For a teacher's targets, a momentum encoder's keys, features to cluster.
  /// - Parameters:
  ///   - count: samples of the batch, a multiple of `shards`.
  ///   - encode: output `[n_s, ...]` of the given rows of the batch; sees no other rows.
  public func gather(_ count: Int, _ encode: (Range<Int>) throws -> Tensor) rethrows -> Tensor {
    concat(try (0..<shards).map { try encode(rows(ofShard: $0, count: count)).detached })
  }

  /// The same for several outputs, each `[n_s, ...]` with its own n_s.
  public func gather(_ count: Int, _ encode: (Range<Int>) throws -> [Tensor]) rethrows -> [Tensor] {
    let outputs = try (0..<shards).map { try encode(rows(ofShard: $0, count: count)) }
    return outputs[0].indices.map { k in concat(outputs.map { $0[k].detached }) }
  }

  /// The value of a loss over the whole batch, and its gradients with respect to a part of the state.
  ///
  ///     z = concat_s encode(layer, rows_s);  L = loss(z);  dL/dw = tree sum over s of (dz_s/dw)^T dL/dz_s
  ///
  /// - Parameters:
  ///   - count: samples of the batch, a multiple of `shards`.
  ///   - encode: outputs `[n_s, ...]` of the given rows; may run twice, so a pure function of the layer and the rows.
  ///     Buffers that it changes (running statistics) end as the mean over the shards.
  ///   - loss: a scalar of the joined outputs `[count, ...]`, in the order in which `encode` gives them.
  public func valueAndGradients<L: Layer>(
    of layer: inout L, samples count: Int, encode: (inout L, Range<Int>) throws -> [Tensor],
    loss: ([Tensor]) throws -> Tensor
  ) rethrows -> (value: Tensor, gradients: Gradients) {
    try shardedValueAndGradients(
      of: &layer, shards: shards, recomputes: recomputes,
      encode: { layer, shard in try encode(&layer, rows(ofShard: shard, count: count)) }, loss: loss)
  }

  /// The same for encoders with one output.
  public func valueAndGradients<L: Layer>(
    of layer: inout L, samples count: Int, encode: (inout L, Range<Int>) throws -> Tensor,
    loss: (Tensor) throws -> Tensor
  ) rethrows -> (value: Tensor, gradients: Gradients) {
    try valueAndGradients(of: &layer, samples: count) { layer, rows in
      [try encode(&layer, rows)]
    } loss: { outputs in
      try loss(outputs[0])
    }
  }
}
