// Sampling and neighbours in sets of points, `[..., N, D]`, by squared Euclidean distance. The distance of two points is
// always the same sum in the same order, so that equal distances are equal, and ties fall to the smaller index.

/// One set of points with the coordinates of each axis side by side, `[D, N]`, so that distances to all points are loops
/// without gaps.
private struct Columns {
  let count, axes: Int
  let base: UnsafeMutablePointer<Real>

  /// Distances from a point to the points `first..<(first + n)`.
  @inline(__always)
  func distances(
    to point: UnsafePointer<Real>, step: Int, from first: Int, _ n: Int, _ out: UnsafeMutablePointer<Real>
  ) {
    writeSquaredDistances(point, step: step, base + first, axes, n, leading: count, out)
  }
}

/// Points per block of distances: what fits into the innermost cache.
private let block = 1024

/// Requires point sets of one batch shape and dimension.
private func requireSets(_ op: StaticString, _ queries: Tensor, _ points: Tensor) {
  require(
    queries.rank >= 2 && points.rank >= 2 && queries.shape[-1] == points.shape[-1]
      && queries.shape.array.dropLast(2) == points.shape.array.dropLast(2),
    "\(op) needs queries [..., M, D] and points [..., N, D], got \(queries.shape) and \(points.shape)")
}

/// Writes one result of `width` indices for each query; `body(i, query, points, distances, out)` for query i of all sets.
private func forEachQuery(
  _ queries: Tensor, _ points: Tensor, width: Int,
  _ body: (Int, UnsafePointer<Real>, Columns, UnsafeMutablePointer<Real>, UnsafeMutableBufferPointer<Int>) -> Void
) -> IndexTensor {
  let (m, n, d) = (queries.shape[-2], points.shape[-2], points.shape[-1])
  let (q, p) = (queries.detached.contiguous(), points.detached.transposed().contiguous())
  let (from, columns) = (q.base, p.base)
  let shape = Shape(queries.shape.array.dropLast() + [width])
  let values = [Int](unsafeUninitializedCapacity: shape.count) { out, written in
    out.initialize(repeating: 0)
    let results = out
    forTiles(shape.count / max(width, 1), max(1, 50_000 / max(n * d, 1))) { first, count in
      let room = Tensor(uninitialized: [block])
      for i in first..<(first + count) {
        let set = Columns(count: n, axes: d, base: columns + i / m * n * d)
        let result = UnsafeMutableBufferPointer(rebasing: results[(i * width)..<((i + 1) * width)])
        body(i, from + i * d, set, room.base, result)
      }
      withExtendedLifetime(room) {}
    }
    written = shape.count
  }
  withExtendedLifetime((q, p)) {}
  return IndexTensor(shape, values)
}

/// The nearest points of each query, nearest first; of equally near ones the smaller index first.
///
/// Memory grows with the number of queries only.
/// - Parameters:
///   - queries: `[..., M, D]`.
///   - points: `[..., N, D]`.
///   - count: how many neighbours, at most N (N - 1 without itself).
///   - excludesItself: leaves out point i for query i: the queries are the points.
/// - Returns: indices among the N points, `[..., M, count]`.
public func nearestNeighbours(
  _ queries: Tensor, among points: Tensor, count: Int, excludesItself: Bool = false
) -> IndexTensor {
  requireSets("nearestNeighbours", queries, points)
  let (m, n) = (queries.shape[-2], points.shape[-2])
  require(
    count >= 0 && count <= n - (excludesItself ? 1 : 0) && (!excludesItself || m == n),
    "nearestNeighbours: \(count) neighbours of \(queries.shape) among \(points.shape)"
      + (excludesItself ? " without itself" : ""))
  if count == 0 { return IndexTensor(Shape(queries.shape.array.dropLast() + [0]), []) }
  return forEachQuery(queries, points, width: count) { i, query, set, distances, out in
    let own = excludesItself ? i % m : -1
    withUnsafeTemporaryAllocation(of: Real.self, capacity: count) { best in
      var found = 0
      for first in stride(from: 0, to: n, by: block) {
        let length = min(block, n - first)
        set.distances(to: query, step: 1, from: first, length, distances)
        for j in 0..<length where first + j != own && (found < count || distances[j] < best[count - 1]) {
          // Insertion behind all that are as near: the smaller index stays in front.
          var place = min(found, count - 1)
          while place > 0, distances[j] < best[place - 1] {
            best[place] = best[place - 1]
            out[place] = out[place - 1]
            place -= 1
          }
          best[place] = distances[j]
          out[place] = first + j
          found = min(found + 1, count)
        }
      }
    }
  }
}

/// The directed edges from each point's nearest other points to it, `[N, D] -> [2, N k]`: sources, then targets; sorted by
/// target, then by distance.
public func nearestNeighbourGraph(_ points: Tensor, count k: Int) -> IndexTensor {
  require(points.rank == 2, "nearestNeighbourGraph needs points [N, D], got \(points.shape)")
  let sources = nearestNeighbours(points, among: points, count: k, excludesItself: true)
  let targets = (0..<sources.count).map { $0 / max(k, 1) }
  return IndexTensor([2, sources.count], sources.values + targets)
}

/// The first `count` points, by index, that are nearer than the radius to each query.
///
/// Where fewer are found, the first one fills the rest; where none is, the nearest point stands for all.
/// - Parameters:
///   - queries: `[..., M, D]`.
///   - points: `[..., N >= 1, D]`.
///   - radius: > 0, in units of the coordinates; a point at exactly this distance is outside.
/// - Returns: indices among the N points, `[..., M, count]`.
/// - Source: Qi et al. 2017 (PointNet++, arXiv 1706.02413), section 3.2; the filling is that of the authors' code.
public func ballQuery(_ queries: Tensor, among points: Tensor, radius: Real, count: Int) -> IndexTensor {
  requireSets("ballQuery", queries, points)
  let n = points.shape[-2]
  require(
    radius > 0 && count > 0 && n > 0,
    "ballQuery needs a radius and a count > 0 and points, got \(radius), \(count), \(points.shape)")
  let limit = radius * radius
  return forEachQuery(queries, points, width: count) { _, query, set, distances, out in
    var (found, nearest, least) = (0, 0, Real.infinity)
    for first in stride(from: 0, to: n, by: block) where found < count {
      let length = min(block, n - first)
      set.distances(to: query, step: 1, from: first, length, distances)
      for j in 0..<length where found < count {
        if distances[j] < least { (nearest, least) = (first + j, distances[j]) }
        if distances[j] < limit {
          out[found] = first + j
          found += 1
        }
      }
    }
    for i in found..<count { out[i] = found > 0 ? out[0] : nearest }
  }
}

extension Tensor {
  /// Points chosen one after the other, each the furthest from all chosen before, `[..., N, D] -> [..., count]`; of equally
  /// far ones the smaller index.
  ///
  /// - Parameter start: the index of the first point.
  /// - Source: Eldar et al. 1997, "The farthest point strategy for progressive image sampling".
  public func furthestPoints(_ count: Int, from start: Int = 0) -> IndexTensor {
    require(
      rank >= 2 && count >= 0 && count <= shape[-2] && start >= 0 && start < Swift.max(shape[-2], 1),
      "furthestPoints: \(count) of \(shape) from point \(start)")
    let (n, d) = (shape[-2], shape[-1])
    let result = Shape(shape.array.dropLast(2) + [count])
    if result.count == 0 { return IndexTensor(result, []) }
    let p = detached.transposed().contiguous()
    let columns = p.base
    let values = [Int](unsafeUninitializedCapacity: result.count) { out, written in
      out.initialize(repeating: start)
      let chosen = out
      forTiles(result.count / count, 1) { first, sets in
        let room = Tensor(uninitialized: [2, n])
        let (least, distances) = (room.base, room.base + n)
        for i in first..<(first + sets) {
          let set = Columns(count: n, axes: d, base: columns + i * n * d)
          kernels.fill(n, .infinity, least)
          for k in 1..<Swift.max(count, 1) {
            set.distances(to: set.base + chosen[i * count + k - 1], step: n, from: 0, n, distances)
            var (best, furthest) = (0, -Real.infinity)
            for j in 0..<n {
              if distances[j] < least[j] { least[j] = distances[j] }
              if least[j] > furthest { (best, furthest) = (j, least[j]) }
            }
            chosen[i * count + k] = best
          }
        }
        withExtendedLifetime(room) {}
      }
      written = result.count
    }
    withExtendedLifetime(p) {}
    return IndexTensor(result, values)
  }
}
