import ReproNN
import ReproTensor

/// CLIP's loss: of all captions of the batch each image picks its own, and the other way round.
///
///     L = [ 1/N sum_i CE(exp(s) I_i T^T, i) + 1/N sum_i CE(exp(s) T_i I^T, i) ] / 2
///
/// - Parameters:
///   - images, texts: I and T, `[N, E]`, normalised; row i of both belongs together.
///   - logScale: s, `[]` or `[1, 1]`.
///   - gathersGradients: false: what a row is compared with is a constant, as where embeddings are gathered from many
///     machines by a call that keeps no graph; each embedding then learns from its own row of logits only.
/// - Returns: a scalar in nats, log N for equal embeddings; and the logits of images over texts, `[N, N]`, a constant.
/// - Source: Radford et al. 2021 (CLIP, arXiv 2103.00020), Figure 3; SLIP (arXiv 2112.12750), the authors' `CLIPLoss`,
///   which gathers without a graph on more than one machine.
func imageTextContrast(
  _ images: Tensor, _ texts: Tensor, logScale: Tensor, gathersGradients: Bool
) -> (loss: Tensor, logits: Tensor) {
  require(
    images.rank == 2 && texts.shape == images.shape,
    "imageTextContrast needs two [N, E], got \(images.shape) and \(texts.shape)")
  let scale = logScale.exp()
  let own = IndexTensor(Array(0..<images.shape[0]))
  func kept(_ x: Tensor) -> Tensor { gathersGradients ? x : x.detached }
  let perImage = matmul(images, kept(texts).transposed()) * scale  // [N, N]
  let perText = matmul(texts, kept(images).transposed()) * scale
  let loss = (crossEntropy(perImage, labels: own) + crossEntropy(perText, labels: own)) / 2
  return (loss, perImage.detached)
}

/// The share of rows whose largest number stands on the diagonal: of samples that find their partner in the batch.
func shareOnDiagonal(_ scores: Tensor) -> Real {
  let found = scores.detached.argmax().values
  return Real(found.enumerated().count { $0.offset == $0.element }) / Real(max(found.count, 1))
}
