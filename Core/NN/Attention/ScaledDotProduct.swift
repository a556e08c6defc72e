import ReproTensor

/// Softmax attention of `[B, H, N, d]` on `[B, H, M, d]`, written in ops.
func attention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, bias: Tensor? = nil, mask: Tensor? = nil, isCausal: Bool = false,
  scale: Real? = nil
) -> Tensor {
  var scores: Tensor = matmul(q, k.transposed()) / Real(q.shape[3]).squareRoot()
  if let bias { scores = scores + bias }
  if let mask { scores = select(mask, scores, Tensor(-.infinity)) }
  if isCausal {
    let (n, m) = (q.shape[2], k.shape[2])
    let future = Tensor([n, m]) { p in for i in 0..<n { for j in 0..<m { p[i * m + j] = j > i ? 1 : 0 } } }
    scores = select(future, Tensor(-.infinity), scores)
  }
  return matmul(scores.softmax(), v)
}
