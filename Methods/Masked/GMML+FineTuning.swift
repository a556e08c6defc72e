import ReproData
import ReproEngine
import ReproNN
import ReproTensor

extension GMML: FineTunable {
  /// The backbone without the decoder, which is thrown away after pretraining.
  public func network(of state: State) -> VisionTransformer { state.backbone }

  /// The class token beside the mean of the patches, both after the last norm, `[B, 2 D]`.
  ///
  /// The authors put a classifier on each, train the sum of two cross entropies and average the logits; one linear
  /// layer on both side by side adds the same logits.
  public func embedding(_ network: inout VisionTransformer, of batch: Batch, context: ForwardContext?) throws -> Tensor
  {
    let output = network(batch.images().normalizedTensor, context)
    return concat([output.classToken, output.patches.mean(1)], axis: 1)
  }
}
