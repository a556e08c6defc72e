// The loops of attention over blocks of queries and keys of fixed sizes: a block of scores stays in the cache.

/// The matrices `[N, d]` of all heads, read in place where the last axis lies without gaps.
private struct HeadMatrices {
  let tensor: Tensor
  let leading: Int

  init(_ x: Tensor) {
    let isReadable = x.strides[3] == 1 && (x.strides[2] >= x.shape[3] || x.shape[2] == 1)
    tensor = isReadable ? x.detached : x.detached.copied()
    leading = max(tensor.strides[2], tensor.shape[3])
  }

  /// Rows from `row` on of a head's matrix.
  func rows(_ batch: Int, _ head: Int, from row: Int, transposed: Bool = false) -> BLASMatrix {
    BLASMatrix(
      base: tensor.base + batch * tensor.strides[0] + head * tensor.strides[1] + row * leading, leading: leading,
      isTransposed: transposed)
  }

  /// Room for `[B, H, N, d]` that lies as `[B, N, H, d]`.
  static func room(_ shape: Shape, zero: Bool = false) -> Tensor {
    let stored: Shape = [shape[0], shape[2], shape[1], shape[3]]
    return (zero ? Tensor.zeros(stored) : Tensor(uninitialized: stored)).permuted([0, 2, 1, 3])
  }
}

/// A tensor that broadcasts to the scores: its elements in rows, and the strides that find them.
private struct ScoreTerm {
  let tensor: Tensor
  let strides: Shape

  init?(_ x: Tensor?, _ scores: Shape) {
    guard let x = x?.detached.contiguous() else { return nil }
    tensor = x
    strides = x.broadcastStrides(to: scores)
  }

  func offset(_ batch: Int, _ head: Int) -> Int { batch * strides[0] + head * strides[1] }
}

/// Attention of `[B, H, N, d]` on `[B, H, M, d]`; scores have the shape `[B, H, N, M]`.
struct BlockedAttention {
  private let q, k, v: HeadMatrices
  private let bias, mask: ScoreTerm?
  private let scores: Shape
  private let d, e: Int
  private let scale: Real
  private let isCausal: Bool

  /// Queries and keys of a block: 128 KB of scores.
  private static let blockQueries = 128
  private static let blockKeys = 256

  init(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ terms: AttentionTerms) {
    (self.q, self.k, self.v) = (HeadMatrices(q), HeadMatrices(k), HeadMatrices(v))
    scores = [q.shape[0], q.shape[1], q.shape[2], k.shape[2]]
    (d, e) = (q.shape[3], v.shape[3])
    (bias, mask) = (ScoreTerm(terms.bias, scores), ScoreTerm(terms.mask, scores))
    (scale, isCausal) = (terms.scale, terms.isCausal)
  }

  private var heads: Int { scores[0] * scores[1] }
  private var queries: Int { scores[2] }
  private var keys: Int { scores[3] }
  private var queryBlocks: Int { (queries + Self.blockQueries - 1) / Self.blockQueries }
  private var keyBlocks: Int { (keys + Self.blockKeys - 1) / Self.blockKeys }

  private func queryRange(_ block: Int) -> Range<Int> {
    block * Self.blockQueries..<min((block + 1) * Self.blockQueries, queries)
  }

  private func keyRange(_ block: Int) -> Range<Int> {
    block * Self.blockKeys..<min((block + 1) * Self.blockKeys, keys)
  }

  /// Whether some of the keys may be seen by some of the queries.
  private func meets(_ rows: Range<Int>, _ columns: Range<Int>) -> Bool {
    !isCausal || columns.lowerBound < rows.upperBound
  }

  /// Elements of the scratch of a block of scores.
  private var blockCount: Int { min(Self.blockQueries, queries) * min(Self.blockKeys, keys) }

  /// S of one block, row by row; -infinity where a key is not allowed.
  private func scores(
    _ batch: Int, _ head: Int, _ rows: Range<Int>, _ columns: Range<Int>, _ s: UnsafeMutablePointer<Real>
  ) {
    let n = columns.count
    gemm(
      rows.count, n, d, alpha: scale, q.rows(batch, head, from: rows.lowerBound),
      k.rows(batch, head, from: columns.lowerBound, transposed: true), s, leading: n)
    if let bias {
      let at = bias.offset(batch, head) + columns.lowerBound * bias.strides[3]
      for (i, row) in rows.enumerated() {
        kernels.add(
          n, s + i * n, 1, bias.tensor.base + at + row * bias.strides[2], bias.strides[3], s + i * n)
      }
    }
    if let mask {
      var forbidden = -Real.infinity
      let at = mask.offset(batch, head) + columns.lowerBound * mask.strides[3]
      for (i, row) in rows.enumerated() {
        kernels.select(
          n, mask.tensor.base + at + row * mask.strides[2], mask.strides[3], s + i * n, 1, &forbidden, 0, s + i * n)
      }
    }
    if isCausal {
      for (i, row) in rows.enumerated() where row + 1 < columns.upperBound {
        let first = max(row + 1, columns.lowerBound)
        kernels.fill(columns.upperBound - first, -.infinity, s + i * n + (first - columns.lowerBound))
      }
    }
  }

  /// The output, and log(sum(exp(S))) of each query, `[B, H, N]`; infinity for one without keys.
  func forward() -> (out: Tensor, logSums: Tensor) {
    let out = HeadMatrices.room([scores[0], scores[1], queries, e])
    let logSums = Tensor(uninitialized: [scores[0], scores[1], queries])
    let target = HeadMatrices(out)
    let work = 2 * min(Self.blockQueries, queries) * keys * (d + e)
    forTiles(heads * queryBlocks, max(1, 4_000_000 / (work + 1))) { first, count in
      let block = min(Self.blockQueries, queries)
      let scratch = Tensor(uninitialized: [blockCount + 3 * block])
      for tile in first..<(first + count) {
        forward(
          tile / queryBlocks, queryRange(tile % queryBlocks), scratch.base, scratch.base + blockCount, target,
          logSums.base)
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime((self, logSums)) {}
    return (out, logSums)
  }

  /// One block of queries: the largest score so far and the sum below it grow from one block of keys to the next.
  private func forward(
    _ index: Int, _ rows: Range<Int>, _ s: UnsafeMutablePointer<Real>, _ state: UnsafeMutablePointer<Real>,
    _ out: HeadMatrices, _ logSums: UnsafeMutablePointer<Real>
  ) {
    let (batch, head) = (index / scores[1], index % scores[1])
    let (top, sum, factor) = (state, state + rows.count, state + 2 * rows.count)
    let o = out.rows(batch, head, from: rows.lowerBound)
    kernels.fill(rows.count, -.infinity, top)
    kernels.fill(rows.count, 0, sum)
    for block in 0..<keyBlocks where meets(rows, keyRange(block)) {
      let columns = keyRange(block)
      let n = columns.count
      scores(batch, head, rows, columns, s)
      for i in 0..<rows.count {
        let largest = kernels.max(n, s + i * n)
        let new = largest > top[i] || largest != largest ? largest : top[i]
        // Without any key so far the scores stay -infinity: there is nothing to subtract.
        let shift = new == -.infinity ? 0 : new
        kernels.affine(n, 1, s + i * n, -shift, s + i * n)
        factor[i] = top[i] - shift
        top[i] = new
      }
      kernels.exp(rows.count, factor, factor)
      kernels.exp(rows.count * n, s, s)
      for i in 0..<rows.count {
        sum[i] = sum[i] * factor[i] + kernels.sum(n, s + i * n)
        if block > 0 { kernels.affine(e, factor[i], o.base + i * o.leading, 0, o.base + i * o.leading) }
      }
      gemm(
        rows.count, e, n, BLASMatrix(base: s, leading: n, isTransposed: false),
        v.rows(batch, head, from: columns.lowerBound), beta: block > 0 ? 1 : 0, o.base, leading: o.leading)
    }
    kernels.log(rows.count, sum, factor)
    for i in 0..<rows.count {
      let isEmpty = sum[i] == 0
      kernels.affine(e, isEmpty ? 0 : 1 / sum[i], o.base + i * o.leading, 0, o.base + i * o.leading)
      logSums[index * queries + rows.lowerBound + i] = isEmpty ? .infinity : top[i] + factor[i]
    }
  }

  /// The gradients of queries, keys, values and, if wanted, bias.
  func backward(_ g: Tensor, _ out: Tensor, _ logSums: Tensor, wantsBias: Bool) -> [Tensor?] {
    let go = HeadMatrices(g)
    let inner = innerProducts(go, HeadMatrices(out))
    let gk = HeadMatrices.room([scores[0], scores[1], keys, d], zero: true)
    let gv = HeadMatrices.room([scores[0], scores[1], keys, e], zero: true)
    let gbias = wantsBias ? bias.map { Tensor.zeros($0.tensor.shape) } : nil
    // Heads that share a part of the bias add to it one after the other. With few heads, blocks of keys are handled at
    // once, and what each of the parts adds to the queries' gradient is summed in the end.
    let groups = wantsBias ? headsByBias() : (0..<heads).map { [$0] }
    let parts = wantsBias ? 1 : max(1, min(keyBlocks, (8 + heads - 1) / heads))
    let gq = Tensor.zeros([parts, scores[0], queries, scores[1], d])
    let run = Pass(
      go: go, inner: inner, logSums: logSums, gk: HeadMatrices(gk), gv: HeadMatrices(gv), gbias: gbias)
    let work = 4 * queries * keys * (d + e) / parts
    forTiles(groups.count * parts, max(1, 4_000_000 / (work + 1))) { first, count in
      let scratch = Tensor(uninitialized: [2, blockCount])
      for tile in first..<(first + count) {
        let part = tile % parts
        let mine = HeadMatrices(gq.select(0, part).permuted([0, 2, 1, 3]))
        for index in groups[tile / parts] {
          for block in (part * keyBlocks / parts)..<((part + 1) * keyBlocks / parts) {
            backward(index, keyRange(block), run, mine, scratch.base, scratch.base + blockCount)
          }
        }
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime((self, run)) {}
    let sum = parts == 1 ? gq.select(0, 0) : gq.sum(0)
    return [sum.permuted([0, 2, 1, 3]), gk, gv, gbias]
  }

  /// What one backward pass reads and writes.
  private struct Pass {
    let go: HeadMatrices
    let inner, logSums: Tensor
    let gk, gv: HeadMatrices
    let gbias: Tensor?
  }

  /// sum_e(g out) of each query, `[B, H, N]`.
  private func innerProducts(_ g: HeadMatrices, _ out: HeadMatrices) -> Tensor {
    let y = Tensor(uninitialized: [scores[0], scores[1], queries])
    let target = y.base
    forTiles(heads, max(1, tileElements / (queries * e))) { first, count in
      for index in first..<(first + count) {
        let a = g.rows(index / scores[1], index % scores[1], from: 0)
        let b = out.rows(index / scores[1], index % scores[1], from: 0)
        for i in 0..<queries {
          target[index * queries + i] = kernels.dot(e, a.base + i * a.leading, b.base + i * b.leading)
        }
      }
    }
    withExtendedLifetime((g, out)) {}
    return y
  }

  /// The heads, together with those that see the same part of the bias.
  private func headsByBias() -> [[Int]] {
    guard let bias else { return [] }
    var groups: [[Int]] = []
    var group: [Int: Int] = [:]
    for index in 0..<heads {
      let offset = bias.offset(index / scores[1], index % scores[1])
      if let at = group[offset] {
        groups[at].append(index)
      } else {
        group[offset] = groups.count
        groups.append([index])
      }
    }
    return groups
  }

  /// One block of keys against all queries: the weights P are exp(S - log sum).
  private func backward(
    _ index: Int, _ columns: Range<Int>, _ run: Pass, _ gq: HeadMatrices, _ p: UnsafeMutablePointer<Real>,
    _ gs: UnsafeMutablePointer<Real>
  ) {
    let (batch, head) = (index / scores[1], index % scores[1])
    let n = columns.count
    let (pl, pi) = (run.logSums.base + index * queries, run.inner.base + index * queries)
    let gk = run.gk.rows(batch, head, from: columns.lowerBound)
    let gv = run.gv.rows(batch, head, from: columns.lowerBound)
    for block in 0..<queryBlocks where meets(queryRange(block), columns) {
      let rows = queryRange(block)
      let go = run.go.rows(batch, head, from: rows.lowerBound)
      let weights = BLASMatrix(base: p, leading: n, isTransposed: true)
      scores(batch, head, rows, columns, p)
      for (i, row) in rows.enumerated() { kernels.affine(n, 1, p + i * n, -pl[row], p + i * n) }
      kernels.exp(rows.count * n, p, p)
      gemm(n, e, rows.count, weights, go, beta: 1, gv.base, leading: gv.leading)
      gemm(
        rows.count, n, e, go, v.rows(batch, head, from: columns.lowerBound, transposed: true), gs, leading: n)
      for (i, row) in rows.enumerated() { kernels.affine(n, 1, gs + i * n, -pi[row], gs + i * n) }
      kernels.multiply(rows.count * n, p, 1, gs, 1, gs)
      addToBias(batch, head, rows, columns, gs, run.gbias)
      var change = BLASMatrix(base: gs, leading: n, isTransposed: false)
      let to = gq.rows(batch, head, from: rows.lowerBound)
      gemm(
        rows.count, d, n, alpha: scale, change, k.rows(batch, head, from: columns.lowerBound), beta: 1, to.base,
        leading: to.leading)
      change.isTransposed = true
      gemm(
        n, d, rows.count, alpha: scale, change, q.rows(batch, head, from: rows.lowerBound), beta: 1, gk.base,
        leading: gk.leading)
    }
  }

  private func addToBias(
    _ batch: Int, _ head: Int, _ rows: Range<Int>, _ columns: Range<Int>, _ gs: UnsafeMutablePointer<Real>,
    _ gbias: Tensor?
  ) {
    guard let gbias, let bias else { return }
    let n = columns.count
    let to = gbias.base + bias.offset(batch, head) + columns.lowerBound * bias.strides[3]
    for (i, row) in rows.enumerated() {
      let target = to + row * bias.strides[2]
      if bias.strides[3] == 1 {
        kernels.axpy(n, 1, gs + i * n, target)
      } else {
        target[0] += kernels.sum(n, gs + i * n)
      }
    }
  }
}
