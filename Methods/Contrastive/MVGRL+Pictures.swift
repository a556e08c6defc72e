import ReproData
import ReproEngine
import ReproTensor

extension MVGRL: PictureSource {
  /// Where the test nodes are in the plane in which they differ most, view by view and in their sum; and where a walk
  /// from a node of each class ends.
  public func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    guard let graph = (context.data as? any GraphDataset)?.graph, !graph.test.isEmpty else { return [] }
    let batch = try context.data.batch(Array(0..<min(1000, graph.test.count)), of: .test)
    let (nodes, labels) = (batch.integers("node"), batch.integers())
    var known = graph
    known.trainLabels = []
    let views = views(of: known)
    let encoded = zip(state.best.gcn, views.propagations).map { gcn, p in gcn(gcn.projected(views.features), p) }
    let sum = encoded.dropFirst().reduce(encoded[0]) { $0 + $1 }
    let panels = (encoded.count > 1 ? encoded : []) + [sum]
    let names = (encoded.count > 1 ? options.views.kinds.map(\.rawValue) : []) + [encoded.count > 1 ? "sum" : "nodes"]
    let side = panels.count > 2 ? 260 : 360
    var canvas = Canvas(width: side * panels.count, height: side)
    for (i, panel) in panels.enumerated() {
      canvas.frame(i * side + 2, 2, side - 4, side - 4, .hidden)
      for (place, label) in zip(plane(panel.gathered(IndexTensor(nodes))), labels) {
        let (x, y) = (i * side + 8 + Int(place.x * Double(side - 20)), 8 + Int(place.y * Double(side - 20)))
        canvas.fill(x, y, 4, 4, Colour.distinct[label % Colour.distinct.count])
      }
    }
    var pictures = [
      Picture(
        "nodes", title: "Test nodes in the space of their encodings",
        alternative: "\(panels.count) panels, each with \(nodes.count) points in the colours of "
          + "\(graph.classes.count) classes.",
        caption:
          "Each point is a test node, its colour its class, which training never saw. Every panel shows the two "
          + "directions in which these encodings differ most.",
        .image(canvas.image, columns: names))
    ]
    if let diffusion = zip(options.views.kinds, views.propagations).first(where: { $0.0 != .adjacency })?.1 {
      pictures.append(flow(diffusion, nodes, labels, graph.classes))
    }
    return pictures
  }

  /// The two main directions of points `[N, D]`, each stretched to 0...1.
  private func plane(_ x: Tensor) -> [(x: Double, y: Double)] {
    let centred: Tensor = x - x.mean(0, keepsAxis: true)
    let main = min(2, x.shape[1])
    let flat = matmul(centred, centred.svd().vt.slice(0, 0..<main).transposed())
    func stretched(_ values: [Real]) -> [Double] {
      // A few nodes far outside would press all others together.
      let order = values.sorted()
      let (low, high) = (Double(order[order.count / 100]), Double(order[order.count - 1 - order.count / 100]))
      return values.map { high > low ? min(1, max(0, (Double($0) - low) / (high - low))) : 0.5 }
    }
    let first = stretched(flat.select(1, 0).contiguous().values)
    let second = stretched(flat.select(1, main - 1).contiguous().values)
    return zip(first, second).map { (x: $0, y: $1) }
  }

  /// How much of the diffusion between test nodes goes from class to class.
  private func flow(_ diffusion: Propagation, _ nodes: [Int], _ labels: [Int], _ classes: [String]) -> Picture {
    let places = IndexTensor(nodes)
    let part = diffusion.matrix.gathered(places).gathered(places, axis: 1)
    let members = IndexTensor(labels).oneHot(classes.count)  // [N, C]
    let mass = matmul(members.transposed(), matmul(part, members))
    let shares = (mass / maximum(mass.sum(1, keepsAxis: true), Tensor(.leastNormalMagnitude))).values
    let rows = classes.indices.map { i in classes.indices.map { Double(shares[i * classes.count + $0]) } }
    let kept = classes.indices.reduce(0.0) { $0 + rows[$1][$1] } / Double(classes.count)
    return Picture(
      "diffusion", title: "Where diffusion leads",
      alternative:
        "A matrix of \(classes.count) classes: in the mean, a share of \((kept * 100).rounded() / 100) of the "
        + "diffusion from a class stays within it.",
      caption:
        "Of the diffusion between test nodes that starts at nodes of the class of the row, the share that reaches nodes "
        + "of the class of the column. The second view carries features along it; what leaves the diagonal blurs them.",
      .matrix(
        Picture.Matrix(
          rowAxis: "from class", columnAxis: "to class", rows: classes, columns: classes, values: rows,
          unit: "share of the row")))
  }
}
