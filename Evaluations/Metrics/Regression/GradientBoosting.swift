import Glibc
import ReproTensor

/// Classes by a sum of regression trees, each fitted to the gradient of the cross entropy (one tree a class and round;
/// of two classes one tree).
///
///     f := f + rate * tree;   a leaf's value is -G / (H + penalty);
///     gain of a split = G_l^2 / (H_l + penalty) + G_r^2 / (H_r + penalty) - G^2 / (H + penalty)
///
/// G and H sum first and second derivatives over the samples of a node. Features are cut into bins of equal counts
/// first; splits lie between bins. Nothing is random; sums are in Double and in a fixed order.
/// - Source: Friedman 2001, "Greedy function approximation"; second-order gains of Chen and Guestrin 2016 (XGBoost,
///   arXiv 1603.02754), Eq. 5 to 7; bins and defaults of scikit-learn's HistGradientBoostingClassifier, with which it
///   agrees where the depth and not the number of leaves is limited.
public struct GradientBoosting: Sendable {
  public struct Options: Sendable, Equatable {
    public var rounds = 100
    public var rate = 0.1
    /// Splits between the root and a leaf, at most.
    public var depth = 4
    /// Bins of a feature, at most 255.
    public var bins = 255
    /// Added to the second derivatives.
    public var penalty = 0.0
    /// Samples of a leaf, at least.
    public var leastSamples = 20
    public init() {}
  }

  let options: Options
  let classes: Int
  /// Where every score starts: log odds of the second class, or log shares.
  let start: [Double]
  /// `rounds` lists of trees, one for each score.
  let trees: [[BoostedTree]]

  /// - Parameters:
  ///   - x: `[N, D]`.
  ///   - labels: 0 ..< classes.
  public init(_ x: Tensor, _ labels: [Int], classes: Int, options: Options = Options()) {
    require(
      x.rank == 2 && labels.count == x.shape[0] && !labels.isEmpty && classes >= 2,
      "boosting needs [N, D] and N labels of two classes or more, got \(x.shape), \(labels.count) and \(classes)")
    require((2...255).contains(options.bins), "boosting has 2 to 255 bins, got \(options.bins)")
    (self.options, self.classes) = (options, classes)
    let n = labels.count
    let bins = FeatureBins(x, bins: options.bins)
    let scores = classes == 2 ? 1 : classes
    var counts = [Double](repeating: 0, count: classes)
    for label in labels { counts[label] += 1 }
    // A class that does not occur gets a tiny share instead of an infinite logarithm.
    let shares = counts.map { max($0 / Double(n), 1e-12) }
    start = classes == 2 ? [log(shares[1] / shares[0])] : shares.map { log($0) }
    var f = start.map { [Double](repeating: $0, count: n) }
    var (g, h) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
    var trees: [[BoostedTree]] = []
    for _ in 0..<options.rounds {
      var round: [BoostedTree] = []
      let before = f
      for k in 0..<scores {
        for i in 0..<n {
          let p = Self.probability(before, i, k)
          g[i] = p - ((scores == 1 ? labels[i] == 1 : labels[i] == k) ? 1 : 0)
          h[i] = p * (1 - p)
        }
        let grown = BoostedTree.grown(bins, g, h, options)
        for i in 0..<n { f[k][i] += grown.values[i] }
        round.append(grown.tree)
      }
      trees.append(round)
    }
    self.trees = trees
  }

  /// sigmoid(f) of one score, softmax(f)_k of several.
  private static func probability(_ f: [[Double]], _ i: Int, _ k: Int) -> Double {
    if f.count == 1 { return 1 / (1 + exp(-f[0][i])) }
    let top = f.reduce(-Double.infinity) { max($0, $1[i]) }
    return exp(f[k][i] - top) / f.reduce(0) { $0 + exp($1[i] - top) }
  }

  /// Scores of classes, `[N, D] -> [N, C]`; of two classes the first one's is 0.
  public func scores(_ x: Tensor) -> Tensor {
    let (n, d) = (x.shape[0], x.shape[1])
    let trees = trees
    let start = start
    let (columns, isPair) = (classes, classes == 2)
    return x.withElements { values in
      nonisolated(unsafe) let values = values
      return Tensor([n, columns]) { target in
        nonisolated(unsafe) let target = target
        ThreadPool.shared.forEach((n + 63) / 64) { tile in
          for i in tile * 64..<min(n, (tile + 1) * 64) {
            let row = UnsafeBufferPointer(rebasing: values[i * d..<(i + 1) * d])
            if isPair { target[i * columns] = 0 }
            for k in start.indices {
              let f = trees.reduce(start[k]) { $0 + $1[k].value(row) }
              target[i * columns + (isPair ? 1 : k)] = Real(f)
            }
          }
        }
      }
    }
  }
}

/// The features of samples as numbers of bins, feature by feature.
struct FeatureBins: Sendable {
  let samples, features: Int
  /// `[D][N]`.
  let numbers: [UInt8]
  /// Of each feature the largest value of every bin but the last, ascending.
  let limits: [[Real]]

  /// Limits are the means of neighbouring values where there are few, else evenly spaced quantiles.
  init(_ x: Tensor, bins: Int) {
    (samples, features) = (x.shape[0], x.shape[1])
    let (n, d) = (samples, features)
    var limits = [[Real]](repeating: [], count: d)
    var numbers = [UInt8](repeating: 0, count: n * d)
    x.withElements { values in
      for k in 0..<d {
        let sorted = (0..<n).map { values[$0 * d + k] }.sorted()
        var different = [sorted[0]]
        for value in sorted where value > different[different.count - 1] { different.append(value) }
        if different.count <= bins {
          limits[k] = zip(different, different.dropFirst()).map { ($0 + $1) / 2 }
        } else {
          for q in 1..<bins {
            let (place, rest) = (q * n).quotientAndRemainder(dividingBy: bins)
            let limit = rest == 0 ? (sorted[place - 1] + sorted[place]) / 2 : sorted[place]
            if limits[k].last.map({ limit > $0 }) ?? true { limits[k].append(limit) }
          }
        }
        let own = limits[k]
        for i in 0..<n {
          // The first limit that is not below the value.
          var (low, high) = (0, own.count)
          while low < high {
            let middle = (low + high) / 2
            if own[middle] < values[i * d + k] { low = middle + 1 } else { high = middle }
          }
          numbers[k * n + i] = UInt8(low)
        }
      }
    }
    (self.limits, self.numbers) = (limits, numbers)
  }
}

/// A tree of splits `x[feature] <= limit`, left where that holds.
struct BoostedTree: Sendable {
  struct Node: Sendable {
    var feature = -1  // -1: a leaf
    var limit: Real = 0
    var left = 0, right = 0
    var value = 0.0
  }

  private(set) var nodes: [Node] = []

  func value(_ row: UnsafeBufferPointer<Real>) -> Double {
    var at = 0
    while nodes[at].feature >= 0 {
      at = row[nodes[at].feature] <= nodes[at].limit ? nodes[at].left : nodes[at].right
    }
    return nodes[at].value
  }

  private struct Split {
    var gain = 0.0
    var feature = -1, bin = 0
  }

  /// A tree, and what it adds to each sample that it was grown on.
  static func grown(
    _ bins: FeatureBins, _ g: [Double], _ h: [Double], _ options: GradientBoosting.Options
  ) -> (tree: BoostedTree, values: [Double]) {
    var tree = BoostedTree()
    var values = [Double](repeating: 0, count: bins.samples)
    func leaf(_ samples: [Int]) -> Double {
      let (sum, weight) = (samples.reduce(0) { $0 + g[$1] }, samples.reduce(0) { $0 + h[$1] })
      return weight + options.penalty > 0 ? -options.rate * sum / (weight + options.penalty) : 0
    }
    tree.nodes.append(Node())
    var open = [(node: 0, samples: Array(0..<bins.samples), depth: 0)]
    while let (node, samples, depth) = open.popLast() {
      let split = depth < options.depth ? best(bins, samples, g, h, options) : Split()
      guard split.feature >= 0 else {
        let value = leaf(samples)
        tree.nodes[node].value = value
        for i in samples { values[i] = value }
        continue
      }
      let column = split.feature * bins.samples
      let left = samples.filter { Int(bins.numbers[column + $0]) <= split.bin }
      let right = samples.filter { Int(bins.numbers[column + $0]) > split.bin }
      tree.nodes[node].feature = split.feature
      tree.nodes[node].limit = bins.limits[split.feature][split.bin]
      (tree.nodes[node].left, tree.nodes[node].right) = (tree.nodes.count, tree.nodes.count + 1)
      tree.nodes += [Node(), Node()]
      open.append((tree.nodes[node].right, right, depth + 1))
      open.append((tree.nodes[node].left, left, depth + 1))
    }
    return (tree, values)
  }

  /// The split with the largest gain above 0; of equals that of the first feature and bin.
  private static func best(
    _ bins: FeatureBins, _ samples: [Int], _ g: [Double], _ h: [Double], _ options: GradientBoosting.Options
  ) -> Split {
    let least = options.leastSamples
    guard samples.count >= 2 * least, samples.count >= 2 else { return Split() }
    let (sumG, sumH) = (samples.reduce(0) { $0 + g[$1] }, samples.reduce(0) { $0 + h[$1] })
    func strength(_ a: Double, _ b: Double) -> Double { a * a / (b + options.penalty) }
    let whole = strength(sumG, sumH)
    var found = [Split](repeating: Split(), count: bins.features)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      ThreadPool.shared.forEach((bins.features + 15) / 16) { tile in
        for k in tile * 16..<min(bins.features, (tile + 1) * 16) {
          let count = bins.limits[k].count + 1
          guard count > 1 else { continue }
          withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * count) { sums in
            for j in sums.indices { sums[j] = 0 }
            bins.numbers.withUnsafeBufferPointer { numbers in
              for i in samples {
                let b = Int(numbers[k * bins.samples + i])
                sums[3 * b] += g[i]
                sums[3 * b + 1] += h[i]
                sums[3 * b + 2] += 1
              }
            }
            var (a, b, n) = (0.0, 0.0, 0.0)
            for bin in 0..<count - 1 {
              a += sums[3 * bin]
              b += sums[3 * bin + 1]
              n += sums[3 * bin + 2]
              let rest = (g: sumG - a, h: sumH - b, n: Double(samples.count) - n)
              guard n >= Double(least), rest.n >= Double(least), n > 0, rest.n > 0, b > 1e-3, rest.h > 1e-3 else {
                continue
              }
              let gain = strength(a, b) + strength(rest.g, rest.h) - whole
              if gain > found[k].gain { found[k] = Split(gain: gain, feature: k, bin: bin) }
            }
          }
        }
      }
    }
    return found.reduce(Split()) { $1.gain > $0.gain ? $1 : $0 }
  }
}
