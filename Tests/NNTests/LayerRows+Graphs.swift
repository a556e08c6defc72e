import ReproTensor

@testable import ReproNN

extension LayerRows {
  /// Five nodes: 3 hears 0 over two edges, 4 hears nobody.
  static let graph = Graph(nodes: 5, sources: [0, 1, 1, 2, 0, 0, 2, 4], targets: [1, 0, 2, 1, 3, 3, 3, 2])
  static func weighted(_ w: Tensor) -> Graph {
    Graph(nodes: 5, sources: graph.sources, targets: graph.targets, weights: w)
  }
  private static let members = [[0, 1, 2], [2, 3], [1, 3, 0, 2]]

  static let graphs: [LayerRow] = [
    LayerRow("GCN", { GCNConv(3, 2, random: random) }) { $0($1[0], graph.normalizedAdjacency) },
    LayerRow("GCN weighted", { GCNConv(3, 2, random: random) }) {
      $0($1[0], weighted($1[1].abs() + 0.2).normalizedAdjacency)
    },
    LayerRow("GIN", { gin(true) }) { $0($1[0], graph.adjacency) },
    LayerRow("GIN plain", { gin(false) }) { $0($1[0], graph.adjacency) },
    LayerRow("GraphSAGE mean", { SAGEConv(3, 2, random: random) }) { $0($1[0], graph) },
    LayerRow("GraphSAGE sum", { SAGEConv(3, 2, aggregation: .sum, random: random) }) { $0($1[0], graph) },
    LayerRow("GraphSAGE max", { SAGEConv(3, 2, aggregation: .max, random: random) }) { $0($1[0], graph) },
    LayerRow("GraphSAGE normalized", { SAGEConv(3, 2, normalizes: true, random: random) }) { $0($1[0], graph) },
    LayerRow("GAT", { GATConv(3, 2, random: random) }) { $0($1[0], graph) },
    LayerRow("GAT heads", { GATConv(3, 2, heads: 3, random: random) }) { $0($1[0], graph) },
    LayerRow("GAT mean of heads", { GATConv(3, 4, heads: 2, joins: false, random: random) }) { $0($1[0], graph) },
    LayerRow("hypergraph", { HypergraphConv(3, 2, random: random) }) {
      $0($1[0], Hypergraph(nodes: 5, members: members))
    },
    LayerRow("hypergraph weighted", { HypergraphConv(3, 2, random: random) }) {
      $0($1[0], Hypergraph(nodes: 5, members: members, weights: $1[1].abs() + 0.5))
    },
  ]

  private static func gin(_ learns: Bool) -> GINConv {
    GINConv(DenseNetwork([3, 4, 2], random: random), learnsEpsilon: learns)
  }

  // MARK: points

  static func pointNet(channels: Int = 3, transforms: Bool = false) -> PointNet {
    var c = PointNetConfiguration()
    (c.channels, c.widths, c.hidden, c.classes) = (channels, [4, 5, 8], [7, 6], 3)
    (c.transformsFeatures, c.dropout) = (transforms, 0)
    return PointNet(c, random: random)
  }

  private static func transformNet(_ k: Int) -> TransformNet {
    var c = PointNetConfiguration()
    (c.widths, c.hidden) = ([4, 5, 6], [5, 4])
    return TransformNet(k, c, random: random)
  }

  private static let training = ForwardContext(random: random)

  /// Centres and neighbours of make_graph_vectors.py.
  private static func neighbourhoods(_ x: Tensor) -> (centres: IndexTensor, around: IndexTensor) {
    let (b, n) = (x.shape[0], x.shape[1])
    return (IndexTensor([b, 3], places(b * 3, n)), IndexTensor([b, 3, 4], places(b * 12, n)))
  }

  private static func parts(_ set: PointSet) -> Tensor { joined([set.places] + (set.features.map { [$0] } ?? [])) }

  static let points: [LayerRow] = [
    LayerRow("pointwise map", { PointwiseMap(3, 4, random: random) }) { $0($1[0]) },
    LayerRow("transform net", { transformNet(3) }) { (m: inout TransformNet, x: [Tensor]) in m(x[0], training) },
    LayerRow("transform net frozen", { transformNet(2) }) { net, x in
      let frozen = net
      return frozen(x[0])
    },
    LayerRow("PointNet", { pointNet() }) { (m: inout PointNet, x: [Tensor]) in m(x[0], training).logits },
    LayerRow("PointNet with features", { pointNet(channels: 5, transforms: true) }) { net, x in
      let y = net(x[0], training)
      return joined([y.logits, y.features.orthogonalityPenalty])
    },
    LayerRow("PointNet frozen", { pointNet(transforms: true) }) { net, x in
      let frozen = net
      let y = frozen(x[0])
      return joined([y.logits, y.features.orthogonalityPenalty])
    },
    LayerRow("pointwise stack", { PointwiseStack([3, 5, 4], random: random) }) {
      (m: inout PointwiseStack, x: [Tensor]) in m(x[0], training)
    },
    LayerRow("set abstraction", { SetAbstraction(features: 0, widths: [4, 5], random: random) }) { layer, x in
      let near = neighbourhoods(x[0])
      return parts(layer(PointSet(places: x[0]), centres: near.centres, neighbours: near.around, training))
    },
    LayerRow("set abstraction features", { SetAbstraction(features: 2, widths: [4], random: random) }) { layer, x in
      let near = neighbourhoods(x[0])
      let set = PointSet(places: x[0], features: x[1])
      return parts(layer(set, centres: near.centres, neighbours: near.around, training))
    },
    LayerRow("set abstraction frozen", { SetAbstraction(features: 2, widths: [4], random: random) }) { layer, x in
      let (near, frozen) = (neighbourhoods(x[0]), layer)
      return parts(
        frozen(PointSet(places: x[0], features: x[1]), centres: near.centres, neighbours: near.around))
    },
    LayerRow("set abstraction whole", { SetAbstraction(features: 2, widths: [4], random: random) }) {
      (layer: inout SetAbstraction, x: [Tensor]) in
      layer(wholeOf: PointSet(places: x[0], features: x[1]), training)
    },
    LayerRow("feature propagation", { FeaturePropagation(features: 6, widths: [3], random: random) }) {
      (layer: inout FeaturePropagation, x: [Tensor]) in
      layer(PointSet(places: x[0], features: x[3]), from: PointSet(places: x[1], features: x[2]), training)
    },
    LayerRow("feature propagation from two", { FeaturePropagation(features: 4, widths: [3], random: random) }) {
      (layer: inout FeaturePropagation, x: [Tensor]) in
      layer(PointSet(places: x[0]), from: PointSet(places: x[1], features: x[2]), training)
    },
  ]
}
