import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// Features of nodes averaged over their neighbourhood, with nothing trained: what learning has to beat.
///
///     Z = P^K X,   P = D^(-1/2) (A + I) D^(-1/2), or the PageRank diffusion
///
/// K = 0 leaves the features as they are; logistic regression on K = 2 is the paper's SGC. Rows of X are divided by
/// their sums.
/// - Source: Wu et al. 2019 (arXiv 1902.07153), Eq. 8.
public struct SmoothedFeatures: NodeEmbedding {
  public static let card = MethodCard(
    id: "smoothed-features", title: "Simplifying Graph Convolutional Networks", year: 2019, arxiv: "1902.07153",
    family: .baseline)

  /// K.
  let hops: Int
  let usesPageRank: Bool
  let alpha: Real

  public init(_ s: inout Section) throws(ReproError) {
    hops = try s.int("hops", in: 0...100, default: 2)
    usesPageRank = try s.choice("by", ["adjacency", "ppr"], default: "adjacency") == "ppr"
    alpha = Real(try s.double("alpha", in: 0.001...1, default: 0.2))
  }

  public struct State: Layer {
    public mutating func visit(_ v: inout some LayerVisitor) {}
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    guard data[field: "node"] != nil, data[field: "features"] != nil else {
      throw ReproError(
        .usage, at: Self.card.id,
        found: "a data set with the columns \(data.fields.map(\.name).joined(separator: ", "))",
        expected: "a graph: columns node and features")
    }
    return State()
  }

  /// Nothing is trained; a loss of 0 says so.
  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics { ["loss": 0] }

  public func embed(_ state: State, _ graph: GraphData) throws -> Features {
    var z = graph.features.rowNormalized.matrix.dense()
    guard hops > 0 else { return Features(global: z) }
    if usesPageRank {
      let diffusion = graph.structure.pageRankDiffusion(alpha: alpha)
      for _ in 0..<hops { z = matmul(diffusion, z) }
    } else {
      let propagation = graph.structure.normalizedAdjacency
      for _ in 0..<hops { z = matmul(propagation, z) }
    }
    return Features(global: z)
  }
}
