/// Softmax attention of each head of a sequence on itself, from packed queries, keys and values.
///
///     out_h = softmax(q_h k_h^T / sqrt(d)) v_h,   d = D / heads
///
/// - Parameters:
///   - qkv: `[B, N, 3 D]`: queries, keys, values, each of `heads` heads side by side.
///   - heads: divides D.
/// - Returns: `[B, N, D]`, heads side by side.
/// - Source: Vaswani et al. 2017 (arXiv 1706.03762), Eq. 1; the packing is timm's.
public func selfAttention(_ qkv: Tensor, heads: Int) -> Tensor {
  require(
    qkv.rank == 3 && heads > 0 && qkv.shape[2] % (3 * heads) == 0,
    "selfAttention needs [B, N, 3 * heads * d] for \(heads) heads, got \(qkv.shape)")
  let packed = qkv.contiguous()
  let plan = AttentionPlan(packed.shape, heads: heads)
  let out = plan.forward(packed)
  return out.recorded("selfAttention", packed) { s in
    if s.createGraph { return attentionDerivative(s.gradient, s(packed), heads: heads) }
    return plan.backward(packed.detached, s.gradient.contiguous())
  }
}

/// The derivative with respect to `qkv`, as a recorded computation.
private func attentionDerivative(_ g: Tensor, _ qkv: Tensor, heads: Int) -> Tensor {
  let (b, n, d) = (qkv.shape[0], qkv.shape[1], qkv.shape[2] / 3 / heads)
  let scale = 1 / Real(d).squareRoot()
  let parts = qkv.reshaped(to: [b, n, 3, heads, d]).permuted([2, 0, 3, 1, 4])
  let (q, k, v) = (parts.select(0, 0), parts.select(0, 1), parts.select(0, 2))
  let weights = matmul(q, k.transposed()).softmax(scale: scale)  // [B, H, N, N]
  let go = g.reshaped(to: [b, n, heads, d]).permuted([0, 2, 1, 3])  // [B, H, N, d]
  let gw = matmul(go, v.transposed())
  let gs: Tensor = (gw - (gw * weights).sum(-1, keepsAxis: true)) * weights * scale
  let all = stack([matmul(gs, k), matmul(gs.transposed(), q), matmul(weights.transposed(), go)])  // [3, B, H, N, d]
  return all.permuted([1, 3, 0, 2, 4]).reshaped(to: qkv.shape)
}

/// Sizes and loops of the fused attention.
private struct AttentionPlan {
  let batch, n, width, heads, d: Int
  let scale: Real

  init(_ shape: Shape, heads: Int) {
    (batch, n, width) = (shape[0], shape[1], shape[2] / 3)
    self.heads = heads
    d = width / heads
    scale = 1 / Real(d).squareRoot()
  }

  /// Heads that one tile computes: about four million floating point operations.
  private var headsPerTile: Int { max(1, 4_000_000 / (4 * n * n * d + 1)) }

  private func matrix(_ base: UnsafeMutablePointer<Real>, leading: Int, transposed: Bool = false) -> BLASMatrix {
    BLASMatrix(base: base, leading: leading, isTransposed: transposed)
  }

  /// Where the queries of head i lie in `qkv`, the keys `width` further, the values twice that.
  private func place(_ i: Int) -> Int { (i / heads) * n * 3 * width + (i % heads) * d }

  /// The weights of heads first ..< first + count, `[count, N, N]`.
  private func weights(_ qkv: UnsafeMutablePointer<Real>, _ first: Int, _ count: Int, _ w: UnsafeMutablePointer<Real>) {
    for i in first..<(first + count) {
      let q = qkv + place(i)
      gemm(
        n, n, d, matrix(q, leading: 3 * width), matrix(q + width, leading: 3 * width, transposed: true),
        w + (i - first) * n * n, leading: n)
    }
    kernels.softmax(count * n, n, scale, w, w)
  }

  func forward(_ qkv: Tensor) -> Tensor {
    let out = Tensor(uninitialized: [batch, n, width])
    if qkv.count == 0 { return out }
    let (p, o) = (qkv.base, out.base)
    forTiles(batch * heads, headsPerTile) { first, count in
      let scratch = Tensor(uninitialized: [count, n, n])
      let w = scratch.base
      weights(p, first, count, w)
      for i in first..<(first + count) {
        gemm(
          n, d, n, matrix(w + (i - first) * n * n, leading: n), matrix(p + place(i) + 2 * width, leading: 3 * width),
          o + (i / heads) * n * width + (i % heads) * d, leading: width)
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime(qkv) {}
    return out
  }

  /// The weights are computed again: that costs less time than to read them from memory, and none of the memory.
  func backward(_ qkv: Tensor, _ g: Tensor) -> Tensor {
    let result = Tensor(uninitialized: qkv.shape)
    if qkv.count == 0 { return result }
    let (p, pg, r) = (qkv.base, g.base, result.base)
    forTiles(batch * heads, headsPerTile) { first, count in
      let scratch = Tensor(uninitialized: [2, count, n, n])
      let (w, gs) = (scratch.base, scratch.base + count * n * n)
      weights(p, first, count, w)
      for i in first..<(first + count) {
        let (at, plane) = (place(i), (i - first) * n * n)
        let go = matrix(pg + (i / heads) * n * width + (i % heads) * d, leading: width)
        gemm(n, n, d, go, matrix(p + at + 2 * width, leading: 3 * width, transposed: true), gs + plane, leading: n)
        gemm(n, d, n, matrix(w + plane, leading: n, transposed: true), go, r + at + 2 * width, leading: 3 * width)
      }
      kernels.softmaxBackward(count * n, n, scale, w, gs, gs)
      for i in first..<(first + count) {
        let (at, s) = (place(i), gs + (i - first) * n * n)
        gemm(n, d, n, matrix(s, leading: n), matrix(p + at + width, leading: 3 * width), r + at, leading: 3 * width)
        gemm(
          n, d, n, matrix(s, leading: n, transposed: true), matrix(p + at, leading: 3 * width), r + at + width,
          leading: 3 * width)
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime((qkv, g)) {}
    return result
  }
}
