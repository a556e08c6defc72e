import ReproData
import ReproNN
import ReproTensor
import Synchronization

/// A matrix that carries features from node to node, `[N, N]`.
enum Propagation: Sendable {
  case sparse(SparseMatrix)
  case dense(Tensor)

  /// P x   [N, D] -> [N, D]
  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .sparse(let p): matmul(p, x)
    case .dense(let p): matmul(p, x)
    }
  }

  /// Of the nodes of neighbouring numbers alone.
  func window(_ range: Range<Int>) -> Propagation {
    switch self {
    case .sparse(let p): .sparse(p.window(range))
    case .dense(let p): .dense(p.slice(0, range).slice(1, range).contiguous())
    }
  }

  /// All elements, `[N, N]`.
  var matrix: Tensor {
    switch self {
    case .sparse(let p): p.dense()
    case .dense(let p): p
    }
  }
}

/// The structural views of one graph, as matrices, and its features.
struct GraphViews: Sendable {
  enum Kind: String, Sendable, CaseIterable { case adjacency, ppr, heat }

  /// What becomes of the small elements of a diffusion.
  enum Sparsity: Sendable, Equatable {
    case none
    /// Only elements above one of 1e-5, 1e-4, 1e-3, 1e-2 stay: that one which leaves a number a node that is nearest to
    /// the graph's mean degree. Then columns are scaled to 0...1. As the authors' code does for CiteSeer.
    case degree
    /// The largest elements of each row stay.
    case rows(Int)
  }

  struct Options: Sendable, Equatable {
    var kinds: [Kind]
    /// How often I is added to A; the authors' code adds it twice.
    var selfLoops = 2
    var alpha: Real = 0.2
    var time: Real = 5
    var sparsity = Sparsity.none
    /// Whether every row of the features is divided by its sum.
    var normalizesFeatures = true
  }

  /// One for each view, in the order of the options.
  let propagations: [Propagation]
  let features: SparseMatrix
  var nodes: Int { features.rows }

  init(_ graph: GraphData, _ options: Options) {
    let structure = graph.structure
    let edges = graph.neighbours.count
    // A view that is asked for twice is made once.
    var made: [Kind: Propagation] = [:]
    for kind in options.kinds where made[kind] == nil {
      switch kind {
      case .adjacency: made[kind] = .sparse(Self.normalized(structure, selfLoops: options.selfLoops))
      case .ppr:
        made[kind] = Self.sparsified(structure.pageRankDiffusion(alpha: options.alpha), options.sparsity, edges: edges)
      case .heat:
        made[kind] = Self.sparsified(structure.heatDiffusion(time: options.time), options.sparsity, edges: edges)
      }
    }
    propagations = options.kinds.compactMap { made[$0] }
    features = (options.normalizesFeatures ? graph.features.rowNormalized : graph.features).matrix
  }

  /// D^(-1/2) (A + k I) D^(-1/2), D the degrees of A + k I.
  static func normalized(_ graph: Graph, selfLoops: Int) -> SparseMatrix {
    var looped = graph
    for _ in 0..<selfLoops { looped = looped.withSelfLoops }
    let a = looped.adjacency
    let degrees = a.rowSums()
    let alone = degrees.isEqual(Tensor(0))
    let factor: Tensor = (degrees + alone).pow(-0.5)
    return a.scaled(rows: factor, columns: factor)
  }

  /// - Parameter edges: 2 E, of which the mean degree is 2 E / N.
  static func sparsified(_ diffusion: Tensor, _ sparsity: Sparsity, edges: Int) -> Propagation {
    switch sparsity {
    case .none: return .dense(diffusion)
    case .rows(let count): return .sparse(SparseMatrix(diffusion, largestPerRow: count))
    case .degree:
      let thresholds: [Real] = [1e-5, 1e-4, 1e-3, 1e-2]
      let counts = thresholds.map { Int(Tensor($0).isLess(diffusion, orEqual: true).sum().item) }
      let distances = counts.map { abs($0 - edges) }
      let threshold = thresholds[distances.firstIndex(of: distances.min() ?? 0) ?? 0]
      let kept: Tensor = diffusion * Tensor(threshold).isLess(diffusion, orEqual: true)
      let low = kept.amin(0, keepsAxis: true)
      let width: Tensor = kept.amax(0, keepsAxis: true) - low
      let scaled: Tensor = (kept - low) / (width + width.isEqual(Tensor(0)))
      return .sparse(SparseMatrix(scaled, atLeast: .leastNormalMagnitude))
    }
  }
}

/// What was made of the last value that somebody asked about: diffusions take seconds, and every step needs the same.
final class LastMade<Key: Equatable & Sendable, Value: Sendable>: Sendable {
  private let last = Mutex<(key: Key, value: Value)?>(nil)

  func callAsFunction(_ key: Key, _ make: (Key) throws -> Value) rethrows -> Value {
    try last.withLock { last in
      if let last, last.key == key { return last.value }
      let value = try make(key)
      last = (key, value)
      return value
    }
  }
}
