import ReproTensor

/// A directed graph: along each edge a message goes from its source to its target.
///
/// Several graphs make one by numbering the nodes of all of them; readouts then sum over each graph's nodes.
public struct Graph: Sendable {
  public let nodes: Int
  /// `[E]` each, in 0 ..< nodes.
  public let sources, targets: IndexTensor
  /// A factor of each edge, `[E]`; nil for 1.
  public let weights: Tensor?

  public init(nodes: Int, sources: IndexTensor, targets: IndexTensor, weights: Tensor? = nil) {
    let e = sources.count
    require(
      sources.shape == [e] && targets.shape == [e] && (weights?.shape ?? [e]) == [e],
      "a graph needs sources, targets and weights [E], got \(sources.shape), \(targets.shape) and "
        + "\(weights.map { "\($0.shape)" } ?? "none")")
    for i in sources.values + targets.values {
      require(i >= 0 && i < nodes, "an edge ends at node \(i), outside of 0..<\(nodes)")
    }
    (self.nodes, self.sources, self.targets, self.weights) = (nodes, sources, targets, weights)
  }

  /// A graph whose edges carry messages both ways.
  ///
  /// - Parameter edges: pairs of different nodes, each pair once.
  public static func undirected(nodes: Int, edges: [(Int, Int)]) -> Graph {
    Graph(
      nodes: nodes, sources: IndexTensor(edges.map { $0.0 } + edges.map { $0.1 }),
      targets: IndexTensor(edges.map { $0.1 } + edges.map { $0.0 }))
  }

  /// With an edge of weight 1 from every node to itself.
  public var withSelfLoops: Graph {
    let own = Array(0..<nodes)
    return Graph(
      nodes: nodes, sources: IndexTensor(sources.values + own), targets: IndexTensor(targets.values + own),
      weights: weights.map { concat([$0, .ones([nodes])]) })
  }

  /// The adjacency matrix, a row for each target and a column for each source, `[nodes, nodes]`.
  public var adjacency: SparseMatrix {
    SparseMatrix(rows: nodes, columns: nodes, rowIndices: targets, columnIndices: sources, values: weights)
  }

  /// D^(-1/2) (A + I) D^(-1/2), D the degrees of A + I; what a graph convolution multiplies by.
  ///
  /// - Source: Kipf and Welling 2016 (arXiv 1609.02907), Eq. 2. Made once for a graph, not in every layer.
  public var normalizedAdjacency: SparseMatrix {
    let a = withSelfLoops.adjacency
    let factor = degreePower(a.rowSums(), -0.5)
    return a.scaled(rows: factor, columns: factor)
  }

  /// D^(-1) A: the mean over the messages that arrive; 0 where none does.
  public var meanAdjacency: SparseMatrix {
    let a = adjacency
    return a.scaled(rows: degreePower(a.rowSums(), -1), columns: .ones([nodes]))
  }
}

/// degrees^p, 0 (and no gradient) where a degree is 0.
func degreePower(_ degrees: Tensor, _ p: Real) -> Tensor {
  let empty = degrees.isEqual(Tensor(0))
  return select(empty, Tensor(0), select(empty, Tensor(1), degrees).pow(p))
}

/// A graph whose edges join any number of nodes.
public struct Hypergraph: Sendable {
  /// 1 where a node (row) belongs to an edge (column), `[nodes, edges]`.
  public let incidence: SparseMatrix
  /// A positive factor of each edge, `[edges]`.
  public let weights: Tensor

  /// - Parameters:
  ///   - members: the nodes of each edge, all different.
  ///   - weights: `[edges]`; 1 if nil.
  public init(nodes: Int, members: [[Int]], weights: Tensor? = nil) {
    let n = members.count
    require(
      (weights?.shape ?? [n]) == [n], "a hypergraph of \(n) edges needs as many weights, got \(weights?.shape ?? [])")
    incidence = SparseMatrix(
      rows: nodes, columns: n,
      triplets: members.enumerated().flatMap { e, own in own.map { (row: $0, column: e, value: Real(1)) } })
    self.weights = weights ?? .ones([n])
  }
}
