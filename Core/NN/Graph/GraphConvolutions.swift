import ReproTensor

/// A graph convolution.   [N, D] -> [N, K]
///
///     y = D^(-1/2) (A + I) D^(-1/2) x W^T + b
///
/// - Source: Kipf and Welling 2016 (GCN, arXiv 1609.02907), Eq. 2; names are PyTorch Geometric's.
public struct GCNConv: Layer {
  public var lin: Linear
  public var bias: Tensor  // [K]

  public init(_ inputs: Int, _ outputs: Int, random: RandomStream) {
    lin = .glorot(inputs, outputs, bias: false, random: random.child("lin"))
    bias = .zeros([outputs])
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("bias", &bias, .bias)
    v("lin", &lin)
  }

  /// - Parameter propagation: of the graph, usually `graph.normalizedAdjacency`, made once.
  public func callAsFunction(_ x: Tensor, _ propagation: SparseMatrix) -> Tensor {
    matmul(propagation, lin(x)) + bias
  }
}

/// Sums over neighbours, passed through a network.   [N, D] -> [N, K]
///
///     y_i = network((1 + epsilon) x_i + sum_{j -> i} w_ij x_j)
///
/// - Source: Xu et al. 2018 (GIN, arXiv 1810.00826), Eq. 4.1.
public struct GINConv: Layer {
  public var nn: DenseNetwork
  /// Weight of the node itself, trained from 0; nil for none.
  public var eps: Tensor?  // [1]

  public init(_ nn: DenseNetwork, learnsEpsilon: Bool = true) {
    self.nn = nn
    eps = learnsEpsilon ? .zeros([1]) : nil
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("nn", &nn)
    v("eps", &eps, .gain)
  }

  public func callAsFunction(_ x: Tensor, _ adjacency: SparseMatrix) -> Tensor {
    let own = eps.map { x * ($0 + 1) } ?? x
    return nn(own + matmul(adjacency, x))
  }
}

/// A node and what its neighbours say, each through a map of its own.   [N, D] -> [N, K]
///
///     y_i = W_l aggregate_{j -> i}(x_j) + b + W_r x_i
///
/// - Source: Hamilton et al. 2017 (GraphSAGE, arXiv 1706.02216), Algorithm 1; names are PyTorch Geometric's.
public struct SAGEConv: Layer {
  public enum Aggregation: String, Sendable, CaseIterable {
    case mean, max, sum
  }
  public var linL, linR: Linear
  let aggregation: Aggregation
  /// Whether outputs are scaled to unit length (line 7 of the algorithm).
  let normalizes: Bool

  public init(
    _ inputs: Int, _ outputs: Int, aggregation: Aggregation = .mean, normalizes: Bool = false, random: RandomStream
  ) {
    linL = .uniform(inputs, outputs, random: random.child("lin_l"))
    linR = .uniform(inputs, outputs, bias: false, random: random.child("lin_r"))
    (self.aggregation, self.normalizes) = (aggregation, normalizes)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("lin_l", &linL)
    v("lin_r", &linR)
  }

  public func callAsFunction(_ x: Tensor, _ graph: Graph) -> Tensor {
    let heard: Tensor
    switch aggregation {
    case .mean: heard = matmul(graph.meanAdjacency, x)
    case .sum: heard = matmul(graph.adjacency, x)
    case .max: heard = x.gathered(graph.sources).scatteredMax(graph.targets, rows: graph.nodes)
    }
    let y = linL(heard) + linR(x)
    return normalizes ? y.l2Normalized() : y
  }
}

/// Attention of every node on its neighbours and itself.   [N, D] -> [N, H C], or [N, C] where heads are averaged
///
///     e_ij = leaky relu(a_src . W x_j + a_dst . W x_i);   alpha_ij = softmax over j -> i of e_ij;   y_i = sum_j alpha_ij W x_j + b
///
/// - Source: Velickovic et al. 2017 (GAT, arXiv 1710.10903), Eq. 1 to 6; names are PyTorch Geometric's.
public struct GATConv: Layer {
  public var lin: Linear
  public var attSrc, attDst: Tensor  // [1, H, C]
  public var bias: Tensor  // [H C], or [C]
  let heads, width: Int
  let joins: Bool
  let slope: Real
  let dropout: Dropout

  /// - Parameters:
  ///   - outputs: C, of each head.
  ///   - joins: whether the heads stand side by side; else their mean is taken.
  ///   - slope: of the leaky relu below 0.
  ///   - dropout: of the attention, while training.
  public init(
    _ inputs: Int, _ outputs: Int, heads: Int = 1, joins: Bool = true, slope: Real = 0.2, dropout: Real = 0,
    random: RandomStream
  ) {
    lin = .glorot(inputs, heads * outputs, bias: false, random: random.child("lin"))
    func attention(_ name: String) -> Tensor {
      var stream = random.child(name)
      let bound = (6 / Real(heads + outputs)).squareRoot()
      return stream.uniform([1, heads, outputs], -bound, bound)
    }
    (attSrc, attDst) = (attention("att_src"), attention("att_dst"))
    bias = .zeros([joins ? heads * outputs : outputs])
    (self.heads, width, self.joins) = (heads, outputs, joins)
    (self.slope, self.dropout) = (slope, Dropout(dropout))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("att_src", &attSrc)
    v("att_dst", &attDst)
    v("bias", &bias, .bias)
    v("lin", &lin)
  }

  /// - Parameter graph: without self-loops; they are added.
  public func callAsFunction(_ x: Tensor, _ graph: Graph, _ context: ForwardContext? = nil) -> Tensor {
    let n = graph.nodes
    require(x.rank == 2 && x.shape[0] == n, "a graph of \(n) nodes needs features [\(n), D], got \(x.shape)")
    let looped = graph.withSelfLoops
    let h = lin(x).reshaped(to: [n, heads, width])
    let (from, to) = ((h * attSrc).sum(-1), (h * attDst).sum(-1))  // [N, H]
    let scores: Tensor = from.gathered(looped.sources) + to.gathered(looped.targets)  // [E, H]
    let attention = Activation.leakyReLU(slope)(scores).scatteredSoftmax(looped.targets, rows: n)
    let alpha = dropout(attention, context).expandedAxis(-1)  // [E, H, 1]
    let y = (h.gathered(looped.sources) * alpha).scattered(looped.targets, rows: n)  // [N, H, C]
    return (joins ? y.reshaped(to: [n, heads * width]) : y.mean(1)) + bias
  }
}

/// A convolution over hyperedges.   [N, D] -> [N, K]
///
///     y = D_v^(-1/2) H W D_e^(-1) H^T D_v^(-1/2) x Theta + b,   D_v = diag(H w),  D_e = diag(H^T 1)
///
/// - Source: Feng et al. 2019 (HGNN, arXiv 1809.09401), Eq. 10 and 11.
public struct HypergraphConv: Layer {
  public var lin: Linear
  public var bias: Tensor  // [K]

  public init(_ inputs: Int, _ outputs: Int, random: RandomStream) {
    lin = .glorot(inputs, outputs, bias: false, random: random.child("lin"))
    bias = .zeros([outputs])
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("bias", &bias, .bias)
    v("lin", &lin)
  }

  public func callAsFunction(_ x: Tensor, _ hypergraph: Hypergraph) -> Tensor {
    let (h, w) = (hypergraph.incidence, hypergraph.weights)
    let nodes = degreePower(matmul(h, w), -0.5).expandedAxis(-1)  // [N, 1]
    let edges = (degreePower(matmul(h.transposed, Tensor.ones([h.rows])), -1) * w).expandedAxis(-1)  // [E, 1]
    return matmul(h, matmul(h.transposed, lin(x) * nodes) * edges) * nodes + bias
  }
}
