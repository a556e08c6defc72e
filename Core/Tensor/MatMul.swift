import COpenBLAS

/// A matrix as BLAS sees it: where it starts, the distance of its rows, and whether it lies transposed.
struct BLASMatrix {
  var base: UnsafeMutablePointer<Real>
  var leading: Int
  var isTransposed: Bool
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

/// The same, cut into tiles of rows (or columns) of c for the thread pool; the cuts depend on m, n, k only.
func tiledGemm(
  _ m: Int, _ n: Int, _ k: Int, alpha: Real = 1, _ a: BLASMatrix, _ b: BLASMatrix, beta: Real = 0,
  _ c: UnsafeMutablePointer<Real>, leading ldc: Int
) {
  let work = 2 * m * n * k
  let wanted = min(16, work / 6_000_000)
  if m == 0 || n == 0 { return }
  if wanted < 2 {
    gemm(m, n, k, alpha: alpha, a, b, beta: beta, c, leading: ldc)
  } else if m >= n {
    let rows = (((m + wanted - 1) / wanted) + 15) / 16 * 16
    ThreadPool.shared.forEach((m + rows - 1) / rows) { i in
      let first = i * rows
      var part = a
      part.base += a.isTransposed ? first : first * a.leading
      gemm(min(rows, m - first), n, k, alpha: alpha, part, b, beta: beta, c + first * ldc, leading: ldc)
    }
  } else {
    let columns = (((n + wanted - 1) / wanted) + 15) / 16 * 16
    ThreadPool.shared.forEach((n + columns - 1) / columns) { i in
      let first = i * columns
      var part = b
      part.base += b.isTransposed ? first * b.leading : first
      gemm(m, min(columns, n - first), k, alpha: alpha, a, part, beta: beta, c + first, leading: ldc)
    }
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

  /// Product without history; see `matmul`.
  fileprivate static func product(_ a: Tensor, _ b: Tensor) -> Tensor {
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
  let product = Tensor.product(flat.detached, weight.detached.transposed())
  if let bias {
    let (p, b) = (product.base, bias.detached.contiguous())
    forTiles(rows, max(1, tileElements / max(width, 1))) { first, n in
      kernels.biasAdd(n, width, p + first * width, b.base, p + first * width)
    }
    withExtendedLifetime(b) {}
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
