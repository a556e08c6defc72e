import ReproNN
import ReproTensor

/// Views of graphs: nodes, edges or features go missing at random.
///
/// - Source: You et al. 2020 (GraphCL, arXiv 2010.13902), Table 1; edges and features as in Zhu et al. 2020 (GRACE, arXiv
///   2006.04131), Section 3.2.
extension Graph {
  /// Without each edge with the given probability. An undirected graph, whose two directions are two edges, stays one.
  ///
  /// - Parameter undirected: whether an edge and the one back go together.
  public func droppingEdges(_ probability: Double, undirected: Bool = true, random: RandomStream) -> Graph {
    require((0...1).contains(probability), "edges are dropped with probability 0 to 1, got \(probability)")
    let kept = (0..<sources.count).filter { e in
      let (a, b) = (sources.values[e], targets.values[e])
      let pair = undirected ? min(a, b) * nodes + max(a, b) : a * nodes + b
      var stream = random.child("edge", pair)
      return !stream.bernoulli(probability)
    }
    return keeping(edges: kept)
  }

  /// With each node cut off with the given probability: its edges go, its number stays.
  ///
  /// - Returns: the graph, and which nodes are left.
  public func droppingNodes(_ probability: Double, random: RandomStream) -> (graph: Graph, kept: [Bool]) {
    require((0...1).contains(probability), "nodes are dropped with probability 0 to 1, got \(probability)")
    var stream = random
    let kept = (0..<nodes).map { _ in !stream.bernoulli(probability) }
    return (
      keeping(edges: (0..<sources.count).filter { kept[sources.values[$0]] && kept[targets.values[$0]] }), kept
    )
  }

  private func keeping(edges: [Int]) -> Graph {
    Graph(
      nodes: nodes, sources: IndexTensor(edges.map { sources.values[$0] }),
      targets: IndexTensor(edges.map { targets.values[$0] }),
      weights: weights.map { edges.isEmpty ? .zeros([0]) : $0.gathered(IndexTensor(edges)) })
  }

  /// Features of nodes `[N, D]` with whole columns set to 0, each with the given probability.
  public static func maskingFeatures(_ x: Tensor, _ probability: Double, random: RandomStream) -> Tensor {
    require((0...1).contains(probability) && x.rank == 2, "features [N, D] are masked with probability 0 to 1")
    var stream = random
    return x * Tensor([x.shape[1]], (0..<x.shape[1]).map { _ in stream.bernoulli(probability) ? 0 : 1 })
  }
}
