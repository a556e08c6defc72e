import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// A graph convolutional network trained on the labels of a few nodes: the sanity floor of recipes on graphs.
///
///     Z = P dropout(relu(P dropout(X) W_1 + b_1)) W_2 + b_2,   P = D^(-1/2) (A + I) D^(-1/2)
///     loss = mean over labelled nodes of -log softmax(Z_i)[label]
///
/// A node's features are P relu(...), what the last layer reads.
/// - Source: Kipf and Welling 2016 (arXiv 1609.02907), Eq. 9 and 10; weight decay is the stage's, on both layers.
public struct SupervisedGCN: NodeEmbedding {
  public static let card = MethodCard(
    id: "supervised-gcn", title: "Semi-Supervised Classification with Graph Convolutional Networks", year: 2016,
    arxiv: "1609.02907", family: .baseline, isSupervised: true)

  let hidden: Int
  let dropout: Real

  public init(_ s: inout Section) throws(ReproError) {
    hidden = try s.int("hidden", in: 1...8192, default: 16)
    dropout = Real(try s.double("dropout", in: 0...0.95, default: 0.5))
  }

  public struct State: Layer {
    var first: GCNConv
    var second: GCNConv

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("first", &first)
      v("second", &second)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    guard case .real(let shape, _) = data[field: "features"]?.kind, data[field: "node"] != nil,
      case .category(let classes) = data[field: "label"]?.kind
    else {
      throw ReproError(
        .usage, at: Self.card.id,
        found: "a data set with the columns \(data.fields.map(\.name).joined(separator: ", "))",
        expected: "a graph: columns node, features and a category 'label'")
    }
    return State(
      first: GCNConv(shape.count, hidden, random: random.child("first")),
      second: GCNConv(hidden, classes.count, random: random.child("second")))
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    guard let graph = context.data?.graph else {
      throw ReproError(
        .usage, at: Self.card.id, found: "a stage without a graph", expected: "a data set that is a graph, and batch: 1"
      )
    }
    let propagation = graph.structure.normalizedAdjacency
    let drop = ForwardContext(random: context.random.child("drop"))
    let nodes = IndexTensor(graph.train)
    var accuracy: Real = 0
    let (loss, gradients) = valueAndGradients(of: &state) { model in
      let h = hidden(of: model, graph, propagation, drop)
      let logits = model.second(h, propagation).gathered(nodes)
      accuracy = Real(zip(logits.argmax().values, graph.trainLabels).count { $0 == $1 }) / Real(nodes.count)
      return crossEntropy(logits, labels: IndexTensor(graph.trainLabels))
    }
    let norm = context.update(&state, gradients)
    return ["loss": loss.item, "accuracy": accuracy, "gradient": norm]
  }

  public func embed(_ state: State, _ graph: GraphData) throws -> Features {
    let propagation = graph.structure.normalizedAdjacency
    let h = hidden(of: state, graph, propagation, nil)
    return Features(global: matmul(propagation, h), outputs: ["logits": state.second(h, propagation)])
  }

  /// relu(P X W_1 + b_1), dropped out.   [N, hidden]
  private func hidden(
    of state: State, _ graph: GraphData, _ propagation: SparseMatrix, _ context: ForwardContext?
  ) -> Tensor {
    let layer = Dropout(dropout)
    var x = graph.features.rowNormalized.matrix
    if let context { x = x.with(values: layer(x.values, context.child("input"))) }  // a word that is not there stays so
    let projected = matmul(x, state.first.lin.weight.transposed())
    let h = (matmul(propagation, projected) + state.first.bias).relu()
    return layer(h, context?.child("hidden"))
  }
}
