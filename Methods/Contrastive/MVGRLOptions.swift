import ReproConfig
import ReproData
import ReproTensor

/// Every ingredient of MVGRL that a recipe can change.
struct MVGRLOptions: Sendable {
  /// D.
  let width: Int
  let views: GraphViews.Options
  /// Nodes of a window (0: the whole graph), and windows of a step.
  let window, windows: Int
  /// Steps without a smaller loss after which training ends.
  let patience: Int

  init(_ s: inout Section) throws(ReproError) {
    width = try s.int("width", in: 1...8192, default: 512)
    let words = try s.strings("views", default: ["adjacency", "ppr"])
    let names = GraphViews.Kind.allCases.map(\.rawValue)
    let kinds = words.compactMap { GraphViews.Kind(rawValue: $0) }
    guard kinds.count == words.count, (1...4).contains(kinds.count) else {
      throw ReproError(
        .usage, at: "\(s.node["views"]?.mark ?? s.node.mark)", found: "views \(words.joined(separator: ", "))",
        expected: "one to four of \(names.joined(separator: ", "))")
    }
    var views = GraphViews.Options(kinds: kinds)
    views.selfLoops = try s.int("self_loops", in: 1...2, default: 2)
    views.alpha = Real(try s.double("alpha", in: 0.001...1, default: 0.2))
    views.time = Real(try s.double("time", in: 0...50, default: 5))
    let sparsity = try s.choice("sparsify", ["none", "degree", "rows"], default: "none")
    let keep = try s.int("keep", in: 1...100_000, default: 64)
    views.sparsity = sparsity == "none" ? .none : sparsity == "degree" ? .degree : .rows(keep)
    views.normalizesFeatures = try s.bool("normalize_features", default: true)
    self.views = views
    window = try s.int("window", in: 0...1_000_000, default: 2000)
    windows = try s.int("windows", in: 1...64, default: 4)
    patience = try s.int("patience", in: 1...1_000_000, default: 20)
  }
}

extension DataSpec {
  /// The number of features of a node, for a method of nodes.
  func nodeFeatures(for method: String) throws(ReproError) -> Int {
    guard self[field: "node"] != nil, case .real(let shape, _) = self[field: "features"]?.kind, shape.rank == 1 else {
      throw ReproError(
        .usage, at: method, found: "a data set with the columns \(fields.map(\.name).joined(separator: ", "))",
        expected: "a graph: columns node and features, as planetoid has them")
    }
    return shape[0]
  }
}
