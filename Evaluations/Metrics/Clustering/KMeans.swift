import ReproTensor

/// Lloyd's k-means: centres that make the sum of squared distances small.
public struct KMeans: Sendable {
  public let centers: Tensor  // [K, D]
  /// The nearest centre of each sample, the first of equals.
  public let clusters: [Int]
  /// The sum of squared distances to these centres.
  public let inertia: Double
  /// Rounds until nothing changed, or the limit.
  public let iterations: Int

  /// From given centres, until no sample changes its cluster.
  ///
  /// A cluster that loses all samples moves to the sample that is farthest from its centre.
  /// - Parameters:
  ///   - x: `[N, D]`, N >= K.
  ///   - centers: `[K, D]`.
  /// - Source: Lloyd 1982.
  public init(_ x: Tensor, from centers: Tensor, iterations limit: Int = 300) {
    require(
      x.rank == 2 && centers.rank == 2 && x.shape[1] == centers.shape[1] && centers.shape[0] <= x.shape[0],
      "k-means needs [N, D] and [K <= N, D], got \(x.shape) and \(centers.shape)")
    let k = centers.shape[0]
    var centers = centers
    var clusters = nearest(x, centers)
    var rounds = 0
    while rounds < limit {
      rounds += 1
      centers = x.scatteredMean(IndexTensor(clusters), rows: k)
      var sizes = [Int](repeating: 0, count: k)
      for c in clusters { sizes[c] += 1 }
      if sizes.contains(0) {
        // The farthest samples, each used once, take the places of the empty clusters in order.
        let distances = squaredDistances(of: x, to: centers, clusters)
        let far = distances.indices.sorted {
          distances[$0] > distances[$1] || (distances[$0] == distances[$1] && $0 < $1)
        }
        let empty = sizes.indices.filter { sizes[$0] == 0 }
        let rows = (0..<k).map { c in
          empty.firstIndex(of: c).map { x.select(0, far[$0]) } ?? centers.select(0, c)
        }
        centers = stack(rows)
      }
      let next = nearest(x, centers)
      let isDone = next == clusters && !sizes.contains(0)
      clusters = next
      if isDone { break }
    }
    (self.centers, self.clusters, self.iterations) = (centers, clusters, rounds)
    inertia = squaredDistances(of: x, to: centers, clusters).reduce(0, +)
  }

  /// The best of several starts from k-means++ centres (of equal inertia the first).
  ///
  /// - Source: Arthur and Vassilvitskii 2007 (k-means++), one candidate a centre.
  public init(_ x: Tensor, clusters k: Int, restarts: Int = 10, iterations: Int = 300, random: RandomStream) {
    require(k >= 1 && restarts >= 1 && k <= x.shape[0], "k-means needs 1...\(x.shape[0]) clusters, got \(k)")
    var best: KMeans?
    for start in 0..<restarts {
      let found = KMeans(
        x, from: KMeans.spreadCenters(x, k, random: random.child("start", start)), iterations: iterations)
      if best.map({ found.inertia < $0.inertia }) ?? true { best = found }
    }
    guard let best else { requirementFailed("k-means needs a start") }
    self = best
  }

  /// K samples, each drawn in proportion to its squared distance to those before.
  static func spreadCenters(_ x: Tensor, _ k: Int, random: RandomStream) -> Tensor {
    var stream = random
    var chosen = [stream.integer(below: x.shape[0])]
    var distance = [Double](repeating: .infinity, count: x.shape[0])
    while chosen.count < k {
      let last = x.slice(0, chosen[chosen.count - 1]..<(chosen[chosen.count - 1] + 1))
      for (i, d) in (x - last).squared().sum(-1).values.enumerated() { distance[i] = min(distance[i], Double(d)) }
      let isSpread = distance.contains { $0 > 0 }
      chosen.append(isSpread ? stream.categorical(distance) : chosen.count)  // fewer different samples than clusters
    }
    return x.gathered(IndexTensor(chosen))
  }

  /// The nearest centre of other samples.
  public func callAsFunction(_ x: Tensor) -> [Int] { nearest(x, centers) }
}

/// The nearest centre of each row, the first of equals; a few rows at a time.
private func nearest(_ x: Tensor, _ centers: Tensor) -> [Int] {
  let n = x.shape[0]
  // About the centres' middle, so that little cancels in the product.
  let middle = centers.mean(0, keepsAxis: true)
  let c = centers - middle
  let lengths = c.squared().sum(-1)
  let rows = max(1, min(4096, 1_000_000 / centers.shape[0]))
  var clusters: [Int] = []
  clusters.reserveCapacity(n)
  for first in stride(from: 0, to: n, by: rows) {
    let part = x.slice(0, first..<min(first + rows, n)) - middle
    clusters += (lengths - matmul(part, c.transposed()) * 2).argmin().values
  }
  return clusters
}

/// The squared distance of each row to the centre of its cluster.
private func squaredDistances(of x: Tensor, to centers: Tensor, _ clusters: [Int]) -> [Double] {
  let (n, d) = (x.shape[0], x.shape[1])
  var distances = [Double](repeating: 0, count: n)
  x.withElements { x in
    centers.withElements { c in
      distances.withUnsafeMutableBufferPointer { out in
        let out = out
        let tile = 512
        ThreadPool.shared.forEach((n + tile - 1) / tile) { t in
          for i in (t * tile)..<min((t + 1) * tile, n) {
            var sum = 0.0
            for k in 0..<d {
              let difference = Double(x[i * d + k]) - Double(c[clusters[i] * d + k])
              sum += difference * difference
            }
            out[i] = sum
          }
        }
      }
    }
  }
  return distances
}
