import ReproTensor

// Pixels, points and motions of pinhole cameras: x right, y down, z ahead; the middle of the pixel in row j and column i is
// (i, j), as in grids that align corners.

/// Intrinsics of the same picture, resampled so that its pixel (i, j) lies at (factor i, factor j).
///
/// - Parameters:
///   - intrinsics: K, `[B, 3, 3]`, pixels.
///   - factor: how much coarser the grid is: 4 for the features of a second stage.
/// - Returns: `[B, 3, 3]`.
public func coarseIntrinsics(_ intrinsics: Tensor, factor: Int) -> Tensor {
  intrinsics * Tensor([3, 1], [1 / Real(factor), 1 / Real(factor), 1])
}

/// Where every pixel looks, at depth 1.
///
///     ray = K^-1 (i, j, 1)
///
/// - Parameter intrinsics: K, `[B, 3, 3]`, pixels; regular.
/// - Returns: `[B, 3, rows * columns]`, row by row.
public func pixelRays(_ intrinsics: Tensor, rows: Int, columns: Int) -> Tensor {
  require(
    intrinsics.rank == 3 && intrinsics.shape[1] == 3 && intrinsics.shape[2] == 3,
    "pixel rays need intrinsics [B, 3, 3], got \(intrinsics.shape)")
  let pixels = Tensor([3, rows * columns]) { p in
    for i in 0..<(rows * columns) {
      p[i] = Real(i % columns)
      p[rows * columns + i] = Real(i / columns)
      p[2 * rows * columns + i] = 1
    }
  }
  return matmul(intrinsics.inverse(), pixels)
}

/// Points of the camera's frame at the given depths, `x = d K^-1 (i, j, 1)`.
///
/// - Parameters:
///   - depth: along z, `[B, 1, rows, columns]`.
///   - intrinsics: K, `[B, 3, 3]`, pixels.
/// - Returns: `[B, 3, rows * columns]`.
public func backprojected(_ depth: Tensor, _ intrinsics: Tensor) -> Tensor {
  require(
    depth.rank == 4 && depth.shape[1] == 1 && depth.shape[0] == intrinsics.shape[0],
    "backprojection needs depth [B, 1, H, W] and intrinsics [B, 3, 3], got \(depth.shape), \(intrinsics.shape)")
  let rays = pixelRays(intrinsics, rows: depth.shape[2], columns: depth.shape[3])
  return depth.reshaped([depth.shape[0], 1, -1]) * rays
}

/// Pixels of another camera in which points are seen.
///
///     (u, v) = (q_x, q_y) / (q_z + 1e-7),   q = K (R x + t)
///
/// - Parameters:
///   - points: of this camera's frame, `[B, 3, N]`.
///   - intrinsics: K of the other camera, `[B, 3, 3]`.
///   - motion: [R t; 0 1] from this camera's frame into the other's, `[B, 4, 4]`.
/// - Returns: `[B, 2, N]`; what lies behind the other camera gives pixels without meaning.
/// - Source: Zhou et al. 2017 (arXiv 1704.07813), Eq. 2; the 1e-7 is Monodepth2's.
public func projected(_ points: Tensor, _ intrinsics: Tensor, _ motion: Tensor) -> Tensor {
  require(
    points.rank == 3 && points.shape[1] == 3 && motion.rank == 3 && motion.shape[1] == 4 && motion.shape[2] == 4,
    "projection needs points [B, 3, N] and motions [B, 4, 4], got \(points.shape) and \(motion.shape)")
  let p = matmul(intrinsics, motion.slice(1, 0..<3))  // [B, 3, 4]
  let q: Tensor = matmul(p.slice(2, 0..<3), points) + p.slice(2, 3..<4)  // [B, 3, N]
  return q.slice(1, 0..<2) / (q.slice(1, 2..<3) + 1e-7)
}

/// The grid for `gridSampled(alignsCorners: true)` that samples an image at pixels.
///
/// - Parameters:
///   - pixels: `[B, 2, rows * columns]`: column, then row.
///   - rows, columns: of the grid.
///   - image: rows and columns of what is sampled.
/// - Returns: `[B, rows, columns, 2]`.
public func samplingGrid(_ pixels: Tensor, rows: Int, columns: Int, image: (rows: Int, columns: Int)) -> Tensor {
  let scale = Tensor([2, 1], [2 / Real(max(image.columns - 1, 1)), 2 / Real(max(image.rows - 1, 1))])
  return (pixels * scale - 1).transposed().reshaped([pixels.shape[0], rows, columns, 2])
}

/// A picture of another camera as this camera would see it, if the depths are right.
///
/// - Parameters:
///   - image: of the other camera, `[B, C, H, W]`; a constant, no gradient reaches it.
///   - depth: of this camera, `[B, 1, H', W']`.
///   - intrinsics: K, `[B, 3, 3]`; of both.
///   - motion: from this camera's frame into the other's, `[B, 4, 4]`.
/// - Returns: `[B, C, H', W']`; outside of the image its border is repeated. Differentiable by depth and motion, once.
/// - Source: Watson et al. 2021 (arXiv 2104.14540), Eq. 1: I_{n->t} = I_n< proj(D_t, T_{t->n}, K) >.
public func warped(_ image: Tensor, depth: Tensor, intrinsics: Tensor, motion: Tensor) -> Tensor {
  let pixels = projected(backprojected(depth, intrinsics), intrinsics, motion)
  return sampled(image, at: pixels).reshaped([image.shape[0], image.shape[1], depth.shape[2], depth.shape[3]])
}

/// Depth from the sigmoid output of a network.
///
///     1 / depth = 1 / far + (1 / near - 1 / far) sigmoid
///
/// - Parameters:
///   - disparity: in (0, 1), any shape.
///   - range: near and far, 0 < near < far, in the network's own unit.
/// - Source: Godard et al. 2019 (arXiv 1806.01260), `disp_to_depth` of their code.
public func depthOfDisparity(_ disparity: Tensor, _ range: ClosedRange<Real>) -> Tensor {
  let (least, most) = (1 / range.upperBound, 1 / range.lowerBound)
  return (disparity * (most - least) + least).reciprocal()
}
