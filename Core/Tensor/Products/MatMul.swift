import COpenBLAS

/// A matrix as BLAS sees it: where it starts, the distance of its rows, and whether it lies transposed.
struct BLASMatrix {
  var base: UnsafeMutablePointer<Real>
  var leading: Int
  var isTransposed: Bool

  /// The same matrix without the rows (or columns) before this one.
  func fromRow(_ row: Int) -> BLASMatrix {
    BLASMatrix(base: base + (isTransposed ? row : row * leading), leading: leading, isTransposed: isTransposed)
  }
  func fromColumn(_ column: Int) -> BLASMatrix {
    BLASMatrix(base: base + (isTransposed ? column * leading : column), leading: leading, isTransposed: isTransposed)
  }
}

/// c = alpha * op(a) op(b) + beta * c, row-major, `[m, k] [k, n] -> [m, n]`, on the calling thread.
@inline(__always)
func gemm(
  _ m: Int, _ n: Int, _ k: Int, alpha: Real = 1, _ a: BLASMatrix, _ b: BLASMatrix, beta: Real = 0,
  _ c: UnsafeMutablePointer<Real>, leading ldc: Int
) {
  if isProfiling { profileProduct(m, n, k) }
  let (ta, tb) = (a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans)
  #if DoubleReal
    cblas_dgemm(
      CblasRowMajor, ta, tb, blasint(m), blasint(n), blasint(k), alpha, a.base, blasint(a.leading), b.base,
      blasint(b.leading), beta, c, blasint(ldc))
  #else
    cblas_sgemm(
      CblasRowMajor, ta, tb, blasint(m), blasint(n), blasint(k), alpha, a.base, blasint(a.leading), b.base,
      blasint(b.leading), beta, c, blasint(ldc))
  #endif
}

/// A block of the result of a product.
struct ProductBlock {
  let rows, columns: Range<Int>

  /// Calls `body` for every run of whole rows in a result with rows of `width`: once if the block has whole rows, else once
  /// for each row.
  @inline(__always)
  func forEachRun(of width: Int, _ body: (_ at: Int, _ rows: Int, _ columns: Int, _ firstColumn: Int) -> Void) {
    if columns.count == width { return body(rows.lowerBound * width, rows.count, width, 0) }
    for row in rows { body(row * width + columns.lowerBound, 1, columns.count, columns.lowerBound) }
  }
}

/// How a product is cut for the thread pool; a function of m, n, k alone.
enum ProductCut: Equatable {
  case whole
  /// Into parts of so many rows (or columns) of the result.
  case rows(Int), columns(Int)
  /// Into so many parts of the sum, each of so many terms, which are added in order.
  case terms(Int, parts: Int)

  init(_ m: Int, _ n: Int, _ k: Int) {
    let work = 2 * m * n * k
    let longest = max(m, n)
    if work < 12_000_000 {
      self = .whole
    } else if k >= 1024, k >= 4 * longest {
      // A small result of a long sum, such as the gradient of a weight: narrow parts of the result would each pack all of
      // the other matrix. The larger the result, the more it costs to add the parts.
      let parts = min(max(4, min(8, 600_000 / (m * n))), k / 512) / 2 * 2
      self = .terms(ProductCut.rounded(k, parts), parts: parts)
    } else {
      // Every part packs the whole of the other matrix, which costs about as much as 20 of its own rows: hence few and
      // wide parts, an even number of them.
      let parts = min(12, max(2, longest / 160 / 2 * 2))
      self = m >= n ? .rows(ProductCut.rounded(m, parts)) : .columns(ProductCut.rounded(n, parts))
    }
  }

  /// The part's length, a multiple of 16 where that leaves no part empty.
  private static func rounded(_ length: Int, _ parts: Int) -> Int { ((length + parts - 1) / parts + 15) / 16 * 16 }
}

/// The same, cut into parts for the thread pool; the cuts depend on m, n, k only.
///
/// - Parameter finish: called for each block of c as soon as it is there, while it still lies in the cache.
func tiledGemm(
  _ m: Int, _ n: Int, _ k: Int, alpha: Real = 1, _ a: BLASMatrix, _ b: BLASMatrix,
  _ c: UnsafeMutablePointer<Real>, leading ldc: Int, finish: (ProductBlock) -> Void = { _ in }
) {
  if m == 0 || n == 0 { return }
  switch ProductCut(m, n, k) {
  case .whole:
    gemm(m, n, k, alpha: alpha, a, b, c, leading: ldc)
    finish(ProductBlock(rows: 0..<m, columns: 0..<n))
  case .rows(let rows):
    ThreadPool.shared.forEach((m + rows - 1) / rows) { i in
      let first = i * rows
      let count = min(rows, m - first)
      gemm(count, n, k, alpha: alpha, a.fromRow(first), b, c + first * ldc, leading: ldc)
      finish(ProductBlock(rows: first..<first + count, columns: 0..<n))
    }
  case .columns(let columns):
    ThreadPool.shared.forEach((n + columns - 1) / columns) { i in
      let first = i * columns
      let count = min(columns, n - first)
      gemm(m, count, k, alpha: alpha, a, b.fromColumn(first), c + first, leading: ldc)
      finish(ProductBlock(rows: 0..<m, columns: first..<first + count))
    }
  case .terms(let terms, _):
    let parts = (k + terms - 1) / terms
    let partial = Tensor(uninitialized: [parts, m, n])
    let sums = partial.base
    ThreadPool.shared.forEach(parts) { i in
      let first = i * terms
      gemm(
        m, n, min(terms, k - first), alpha: alpha, a.fromColumn(first), b.fromRow(first), sums + i * m * n, leading: n)
    }
    forTiles(m, max(1, tileElements / n)) { first, rows in
      for i in 1..<parts {
        kernels.add(rows * n, sums + first * n, 1, sums + (i * m + first) * n, 1, sums + first * n)
      }
      for r in first..<(first + rows) { (c + r * ldc).update(from: sums + r * n, count: n) }
      finish(ProductBlock(rows: first..<first + rows, columns: 0..<n))
    }
    withExtendedLifetime(partial) {}
  }
}

extension Tensor {
  /// The last two axes as a BLAS matrix, if one of them has stride 1 and the other does not overlap.
  private var lastMatrix: (leading: Int, isTransposed: Bool)? {
    let (rows, columns) = (shape[-2], shape[-1])
    let (r, c) = (strides[-2], strides[-1])
    if (c == 1 || columns == 1) && (r >= columns || rows == 1) { return (max(r, columns, 1), false) }
    if (r == 1 || rows == 1) && (c >= rows || columns == 1) { return (max(c, rows, 1), true) }
    return nil
  }

  /// The matrix that BLAS may read in place, a copy if it cannot.
  private func readable() -> (Tensor, leading: Int, isTransposed: Bool) {
    if let m = lastMatrix { return (self, m.leading, m.isTransposed) }
    let x = detached.contiguous()
    return (x, max(shape[-1], 1), false)
  }

  /// Offsets of every matrix of the leading axes, broadcast to `batch`.
  private func matrixOffsets(_ batch: Shape) -> [Int] {
    let lead = Shape(shape.array.dropLast(2))
    let strides = Tensor(viewing: self, shape: lead, strides: Shape(self.strides.array.dropLast(2)), offset: offset)
      .broadcastStrides(to: batch)
    var offsets = [0]
    for axis in 0..<batch.rank {
      offsets = offsets.flatMap { at in (0..<batch[axis]).map { at + $0 * strides[axis] } }
    }
    return offsets
  }

  /// y = x W^T of `[R, in]` and `[out, in]`, without history; `finish` is told of each block that is there.
  static func multiply(
    _ x: Tensor, byRowsOf weight: Tensor, into y: Tensor,
    finish: (ProductBlock) -> Void = { _ in }
  ) {
    let (a, lda, ta) = x.readable()
    let (w, ldw, tw) = weight.readable()
    let (m, n, k) = (x.shape[0], weight.shape[0], weight.shape[1])
    if k == 0 {
      kernels.fill(y.count, 0, y.base)
      if y.count > 0 { finish(ProductBlock(rows: 0..<m, columns: 0..<n)) }
    } else {
      tiledGemm(
        m, n, k, BLASMatrix(base: a.base, leading: lda, isTransposed: ta),
        BLASMatrix(base: w.base, leading: ldw, isTransposed: !tw), y.base, leading: max(n, 1), finish: finish)
    }
    withExtendedLifetime((a, w, y)) {}
  }

  /// Product without history; see `matmul`.
  static func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (m, k, n) = (a.shape[-2], a.shape[-1], b.shape[-1])
    // Rows of all matrices at once against one matrix.
    if b.rank == 2, a.rank != 2 {
      let flat = a.detached.contiguous().reshaped(to: [a.shape.array.dropLast().reduce(1, *), k])
      return product(flat, b.detached).reshaped(to: Shape(a.shape.array.dropLast() + [n]))
    }
    guard let batch = Shape.broadcast(Shape(a.shape.array.dropLast(2)), Shape(b.shape.array.dropLast(2))) else {
      requirementFailed("matmul: the leading axes of \(a.shape) and \(b.shape) do not broadcast")
    }
    let y = Tensor(uninitialized: Shape(batch.array + [m, n]))
    let (x, lda, ta) = a.readable()
    let (w, ldb, tb) = b.readable()
    let (p, q, target) = (x.base, w.base, y.base)
    if k == 0 {
      kernels.fill(y.count, 0, target)
    } else if batch.count == 1 {
      tiledGemm(
        m, n, k, BLASMatrix(base: p, leading: lda, isTransposed: ta),
        BLASMatrix(base: q, leading: ldb, isTransposed: tb), target, leading: max(n, 1))
    } else {
      let (ao, bo) = (x.matrixOffsets(batch), w.matrixOffsets(batch))
      forTiles(batch.count, max(1, 4_000_000 / (2 * m * n * k + 1))) { first, count in
        for i in first..<(first + count) {
          gemm(
            m, n, k, BLASMatrix(base: p + ao[i], leading: lda, isTransposed: ta),
            BLASMatrix(base: q + bo[i], leading: ldb, isTransposed: tb), target + i * m * n, leading: max(n, 1))
        }
      }
    }
    withExtendedLifetime((x, w)) {}
    return y
  }
}

/// Matrix product over the last two axes, `[..., M, K] [..., K, N] -> [..., M, N]`; the leading axes broadcast.
///
/// Transposed and strided views are read in place.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor {
  require(
    a.rank >= 2 && b.rank >= 2 && a.shape[-1] == b.shape[-2],
    "matmul needs [..., M, K] and [..., K, N], got \(a.shape) and \(b.shape)")
  return Tensor.product(a.detached, b.detached).recorded("matmul", a, b) { s in
    var gb: Tensor?
    if s.needs(1) {
      if b.rank == 2, a.rank > 2 {
        let rows = a.shape.array.dropLast().reduce(1, *)
        gb = matmul(
          s(a).reshaped(to: [rows, a.shape[-1]]).transposed(), s.gradient.reshaped(to: [rows, b.shape[-1]]))
      } else {
        gb = matmul(s(a).transposed(), s.gradient).summed(to: b.shape)
      }
    }
    return (s.needs(0) ? matmul(s.gradient, s(b).transposed()).summed(to: a.shape) : nil, gb)
  }
}

/// An affine map of the last axis, `y = x W^T + b`, `[..., in] -> [..., out]`.
///
/// - Parameters:
///   - weight: `[out, in]`, PyTorch's layout.
///   - bias: `[out]`, or nil.
public func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
  require(
    weight.rank == 2 && x.rank >= 1 && x.shape[-1] == weight.shape[1]
      && (bias?.shape ?? [weight.shape[0]]) == [weight.shape[0]],
    "linear needs x [..., in], weight [out, in], bias [out], got \(x.shape), \(weight.shape), \(bias.map { "\($0.shape)" } ?? "none")"
  )
  let (rows, width) = (x.shape.array.dropLast().reduce(1, *), weight.shape[0])
  let flat = x.reshaped(to: [rows, x.shape[-1]])
  let product = Tensor(uninitialized: [rows, width])
  if let bias {
    let (p, b) = (product.base, bias.detached.contiguous())
    let start = b.base
    Tensor.multiply(flat, byRowsOf: weight, into: product) { block in
      block.forEachRun(of: width) { at, rows, columns, first in
        kernels.biasAdd(rows, columns, p + at, start + first, p + at)
      }
    }
    withExtendedLifetime(b) {}
  } else {
    Tensor.multiply(flat, byRowsOf: weight, into: product)
  }
  let inputs = bias.map { [flat, weight, $0] } ?? [flat, weight]
  return product.recorded("linear", inputs: inputs) { s in
    let g = s.gradient
    var parts: [Tensor?] = [
      s.needs(0) ? matmul(g, s(weight)) : nil,
      s.needs(1) ? matmul(g.transposed(), s(flat)) : nil,
    ]
    if bias != nil { parts.append(s.needs(2) ? g.sum(0) : nil) }
    return parts
  }.reshaped(to: Shape(x.shape.array.dropLast() + [width]))
}
