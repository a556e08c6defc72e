import Glibc
import ReproTensor

/// Where points of one picture lie in another, by the most similar feature of a place.
///
/// - Parameters:
///   - points: `[K, 2]`, right and down in 0...1 of the first picture.
///   - source, target: features of places of both, `[rows, columns, D]`; the first is read bilinearly.
/// - Returns: `[K, 2]`, the centres of the most similar places of the second picture, in 0...1; the first of equals.
/// - Source: keypoint transfer by nearest neighbours of dense features, Amir et al. 2021 (arXiv 2112.05814), Section 5.3.
public func correspondences(of points: Tensor, source: Tensor, target: Tensor) -> Tensor {
  require(
    points.rank == 2 && points.shape[1] == 2 && source.rank == 3 && target.rank == 3
      && source.shape[2] == target.shape[2],
    "correspondences need [K, 2] and two [rows, columns, D], got \(points.shape), \(source.shape), \(target.shape)")
  let depth = source.shape[2]
  // Grid coordinates of -1...1 with cells as areas.
  let grid = (points * 2 - 1).reshaped([1, 1, points.shape[0], 2])
  let read = source.permuted([2, 0, 1]).expandedAxis(0).gridSampled(grid, outside: .border)
  let queries = read.reshaped([depth, points.shape[0]]).transposed()
  let places = target.reshaped([-1, depth])
  let (rows, columns) = (target.shape[0], target.shape[1])
  let best = cosineSimilarities(queries, places).argmax().values
  var centers: [Real] = []
  for place in best {
    centers.append((Real(place % columns) + 0.5) / Real(columns))
    centers.append((Real(place / columns) + 0.5) / Real(rows))
  }
  return Tensor([points.shape[0], 2], centers)
}

/// Percentage of correct keypoints: the share of points within a part of a reference length of the truth, 0 to 1.
///
/// - Parameters:
///   - predicted, truth: `[K, 2]`.
///   - alpha: 0.1 for PCK@0.1.
///   - length: the reference, such as the larger side of the object's box, in the points' unit.
///   - isVisible: which points count.
/// - Returns: nil if no point counts.
/// - Source: Yang and Ramanan 2013; Min et al. 2019 (SPair-71k, arXiv 1908.10543), Section 4.
public func keypointAccuracy(
  _ predicted: Tensor, _ truth: Tensor, alpha: Double, length: Double, isVisible: ((Int) -> Bool)? = nil
) -> Double? {
  let distances = pointDistances(predicted, truth)
  let counted = distances.indices.filter { isVisible?($0) ?? true }
  guard !counted.isEmpty else { return nil }
  return Double(counted.count { distances[$0] <= alpha * length }) / Double(counted.count)
}

/// Carries the classes of a first frame through a video by similarity of places.
///
/// Each place of a frame takes the mean label of its `neighbours` most similar places, weighted by exp(cos / temperature), among
/// places within `radius` in the first frame and the last `context` ones.
/// - Source: Jabri et al. 2020 (arXiv 2006.14613), Section 3.3 and Caron et al. 2021 (DINO, arXiv 2104.14294), Section 4.2.2 and
///   the authors' code: 5 neighbours, temperature 0.1, 7 frames, radius 12.
public struct MaskPropagation: Sendable {
  public var neighbours = 5
  public var temperature = 0.1
  public var context = 7
  public var radius = 12
  public init() {}

  /// - Parameters:
  ///   - frames: features of places, `[T, rows, columns, D]`.
  ///   - first: labels of the places of the first frame, `[rows, columns, C]`, shares of the classes.
  /// - Returns: `[T, rows, columns, C]`; the first frame is as given.
  public func callAsFunction(_ frames: Tensor, first: Tensor) -> Tensor {
    require(
      frames.rank == 4 && first.rank == 3 && frames.shape[1] == first.shape[0] && frames.shape[2] == first.shape[1],
      "propagation needs [T, rows, columns, D] and [rows, columns, C], got \(frames.shape) and \(first.shape)")
    let (rows, columns, classes) = (first.shape[0], first.shape[1], first.shape[2])
    let n = rows * columns
    let unit = frames.reshaped([frames.shape[0], n, frames.shape[3]]).l2Normalized()
    var labels = [first.reshaped([n, classes])]
    for t in 1..<max(frames.shape[0], 1) {
      let sources = [0] + (max(1, t - context)..<t)
      let keys = concat(sources.map { unit.select(0, $0) })  // [S n, D]
      let known = concat(sources.map { labels[$0] })
      let similar = matmul(unit.select(0, t), keys.transposed())  // [n, S n]
      let width = keys.shape[0]
      let next = similar.withElements { s in
        known.withElements { known in
          Tensor([n, classes]) { out in
            let out = out
            ThreadPool.shared.forEach(n) { i in
              carry(i, Array(s[(i * width)..<((i + 1) * width)]), known, rows, columns, classes, out)
            }
          }
        }
      }
      labels.append(next)
    }
    return stack(labels).reshaped([frames.shape[0], rows, columns, classes])
  }

  /// The label of place i from its similarities to all source places.
  private func carry(
    _ i: Int, _ row: [Real], _ known: UnsafeBufferPointer<Real>, _ rows: Int, _ columns: Int, _ classes: Int,
    _ out: UnsafeMutableBufferPointer<Real>
  ) {
    let n = rows * columns
    let (r, c) = (i / columns, i % columns)
    let near = row.indices.filter { j in
      abs(j % n / columns - r) <= radius && abs(j % n % columns - c) <= radius
    }
    let best = near.sorted { row[$0] > row[$1] || (row[$0] == row[$1] && $0 < $1) }.prefix(neighbours)
    let weights = best.map { exp((Double(row[$0]) - Double(row[best[0]])) / temperature) }
    let total = weights.reduce(0, +)
    for k in 0..<classes {
      let sum = zip(best, weights).reduce(0.0) { $0 + Double(known[$1.0 * classes + k]) * $1.1 }
      out[i * classes + k] = Real(sum / total)
    }
  }
}
