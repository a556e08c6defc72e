import ReproTensor

/// Cosine similarities of every query to the whole gallery, a few queries at a time.
///
///     s_ij = <q_i, g_j> / (|q_i| |g_j|)
///
/// - Parameters:
///   - queries: `[Q, D]`; gallery: `[G, D]`. A feature of length 0 is similar to nothing: 0.
///   - body: gets i and the row s_i, `G` numbers, for every i; in any order and on several threads, so it writes only
///     to places that belong to i.
func forEachSimilarityRow(
  _ queries: Tensor, _ gallery: Tensor, _ body: (Int, UnsafeBufferPointer<Real>) -> Void
) {
  let q = queries.l2Normalized()
  let g = gallery.l2Normalized().transposed()
  let width = gallery.shape[0]
  // 8 MB of similarities at once; the cut depends on the sizes only.
  let rows = max(1, min(256, 2_000_000 / max(width, 1)))
  let tile = 16
  for first in stride(from: 0, to: queries.shape[0], by: rows) {
    let n = min(rows, queries.shape[0] - first)
    matmul(q.slice(0, first..<(first + n)), g).withElements { s in
      ThreadPool.shared.forEach((n + tile - 1) / tile) { t in
        for i in (t * tile)..<min((t + 1) * tile, n) {
          body(first + i, UnsafeBufferPointer(rebasing: s[(i * width)..<((i + 1) * width)]))
        }
      }
    }
  }
}
