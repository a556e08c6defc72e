import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// MVGRL: the encodings of nodes in one view of a graph are told from those of shuffled features by the summary of another.
///
///     A~ = D^(-1/2) (A + 2 I) D^(-1/2),   S = alpha (I - (1 - alpha) D^(-1/2) (A + I) D^(-1/2))^(-1)         (Eq. 3)
///     H_v = PReLU(P_v X W_v^T + b_v),   c_v = sigmoid(mean_i H_v,i),   H'_v the same of X with shuffled rows
///     loss = mean BCE of f(H_v,i, c_u) to 1 and f(H'_v,i, c_u) to 0, over nodes i and ordered pairs of views v != u
///
/// With a single view u = v, which is DGI (Velickovic et al. 2018, arXiv 1809.10341). Nodes are embedded as the sum of
/// H_v over the views. A step sees windows of nodes with neighbouring numbers, or the whole graph; training ends when the
/// loss has not fallen for `patience` steps, and the weights of its best step count.
/// - Source: Hassani and Khasahmadi 2020 (arXiv 2006.05582), Section 3 and Eq. 7 with the node-level estimator of the
///   authors' code; deviations in Reproductions/mvgrl/NOTES.md.
public struct MVGRL: NodeEmbedding {
  public static let card = MethodCard(
    id: "mvgrl", title: "Contrastive Multi-View Representation Learning on Graphs", year: 2020, arxiv: "2006.05582",
    family: .contrastive)

  let options: MVGRLOptions
  private let known = LastMade<GraphData, GraphViews>()

  public init(_ section: inout Section) throws(ReproError) { options = try MVGRLOptions(&section) }

  /// An encoder for each view, and the discriminator that they share.
  struct Network: Layer {
    var gcn: [GraphEncoder]
    var disc: BilinearDiscriminator

    mutating func visit(_ v: inout some LayerVisitor) {
      v("gcn", &gcn)
      v("disc", &disc)
    }
  }

  public struct State: Layer {
    var model: Network
    var best: Network  // after the step with the smallest loss
    var bestLoss: Tensor = .full([1], .greatestFiniteMagnitude)
    var waited = 0  // steps since then

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("model", &model)
      v("best", &best, frozen: true)
      v("best_loss", &bestLoss, .buffer)
      v.integer("waited", &waited)
    }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    let width = try data.nodeFeatures(for: Self.card.id)
    let model = Network(
      gcn: options.views.kinds.indices.map {
        GraphEncoder(width, options.width, random: random.child("gcn", $0))
      }, disc: BilinearDiscriminator(options.width, random: random.child("disc")))
    return State(model: model, best: model)
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    if state.waited >= options.patience { return ["loss": state.bestLoss.item, "stopped": 1] }
    guard let graph = context.data?.graph else {
      throw ReproError(
        .usage, at: Self.card.id, found: "a stage without a graph", expected: "a data set that is a graph, and batch: 1"
      )
    }
    let views = views(of: graph)
    let size = options.window == 0 ? views.nodes : min(options.window, views.nodes)
    var stream = context.random.child("windows")
    let starts = (0..<options.windows).map { _ in stream.integer(below: views.nodes - size + 1) }
    // One order for all windows and views.
    var shuffle = context.random.child("shuffle")
    let order = IndexTensor(shuffle.permutation(size))
    let windows = starts.map { start in
      let range = start..<start + size
      return (range, size == views.nodes ? views.propagations : views.propagations.map { $0.window(range) })
    }
    let (value, gradients) = valueAndGradients(of: &state.model) { model in
      let projected = model.gcn.map { $0.projected(views.features) }
      let losses = windows.map { range, propagations in
        loss(model, projected.map { $0.slice(0, range) }, propagations, order)
      }
      return losses.dropFirst().reduce(losses[0]) { $0 + $1 } / Real(losses.count)
    }
    let norm = context.update(&state.model, gradients)
    state.waited += 1
    if value.item < state.bestLoss.item {
      (state.best, state.bestLoss, state.waited) = (state.model, .full([1], value.item), 0)
    }
    return ["loss": value.item, "gradient": norm, "stopped": 0]
  }

  public func embed(_ state: State, _ graph: GraphData) throws -> Features {
    let views = views(of: graph)
    let parts = zip(state.best.gcn, views.propagations).map { gcn, p in gcn(gcn.projected(views.features), p) }
    return Features(global: parts.dropFirst().reduce(parts[0]) { $0 + $1 })
  }

  func views(of graph: GraphData) -> GraphViews { known(graph) { GraphViews($0, options.views) } }

  // MARK: one step

  /// The loss of one window.
  ///
  /// - Parameters:
  ///   - projected: X W_v^T of its nodes for each view, `[n, D]`.
  ///   - propagations: P_v of its nodes.
  ///   - order: where the features of each node come from in the negatives.
  func loss(_ model: Network, _ projected: [Tensor], _ propagations: [Propagation], _ order: IndexTensor) -> Tensor {
    let encoded = zip(model.gcn, zip(projected, propagations)).map { gcn, view in
      // Shuffling rows commutes with W: the negatives cost no second projection.
      let (z, p) = view
      let both = p(concat([z, z.gathered(order)], axis: 1)).split(columns: z.shape[1])
      return (real: gcn.act(both.0 + gcn.bias), shuffled: gcn.act(both.1 + gcn.bias))
    }
    let summaries = encoded.map { $0.real.mean(0).sigmoid() }
    var (positive, negative): ([Tensor], [Tensor]) = ([], [])
    for (u, summary) in summaries.enumerated() {
      for (v, nodes) in encoded.enumerated() where v != u || encoded.count == 1 {
        positive.append(model.disc(nodes.real, summary))
        negative.append(model.disc(nodes.shuffled, summary))
      }
    }
    let (real, shuffled) = (concat(positive), concat(negative))
    return binaryCrossEntropy(
      logits: concat([real, shuffled]), targets: concat([.ones(real.shape), .zeros(shuffled.shape)]))
  }
}

extension Tensor {
  /// The first columns and the others.
  fileprivate func split(columns count: Int) -> (Tensor, Tensor) {
    (slice(1, 0..<count), slice(1, count..<shape[1]))
  }
}
