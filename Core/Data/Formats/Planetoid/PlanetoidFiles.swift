import ReproConfig

/// The published files of a Planetoid graph, `ind.<name>.x`, `.tx`, `.allx`, `.y`, `.ty`, `.ally`, `.graph`,
/// `.test.index`, put together as its authors do.
///
/// Nodes are the rows of `allx`, then those that `test.index` names, row i of `tx` belonging to its line i; numbers
/// that it leaves out have no words and no label (Citeseer). The first rows of `allx`, as many as `y` has, are for
/// training, the next 500 for validation. Edges are taken once, those from a node to itself are dropped.
///
/// - Source: Yang, Cohen, Salakhutdinov 2016 (arXiv 1603.08861), github.com/kimiyoung/planetoid; the order of the test
///   nodes as in Kipf, Welling 2017 (arXiv 1609.02907), github.com/tkipf/gcn.
enum PlanetoidFiles {
  static func read(folder: String, name: String, validation: Int = 500) throws -> (GraphData, labels: [Int]) {
    func pickle(_ ending: String) throws -> PlanetoidPickle {
      let path = Path.join(folder, "ind.\(name).\(ending)")
      return try PlanetoidPickle(try SafeFile.read(path, limit: 1 << 28), file: path)
    }
    let (all, tests) = (try pickle("allx").matrix(), try pickle("tx").matrix())
    let (allLabels, classes) = try pickle("ally").classes()
    let testLabels = try pickle("ty").classes().labels
    let train = try pickle("y").classes().labels.count
    let path = Path.join(folder, "ind.\(name).test.index")
    var cursor = TextCursor(try SafeFile.read(path, limit: 1 << 24), file: path)
    var order: [Int] = []
    while cursor.advanceToWords() { order.append(try cursor.integer("the node", in: all.rows...1 << 30)) }
    let nodes = (order.max() ?? all.rows - 1) + 1
    guard order.count == tests.rows, testLabels.count == tests.rows, allLabels.count == all.rows,
      all.width == tests.width, Set(order).count == order.count, nodes <= all.rows + 2 * order.count + 1000,
      train + validation <= all.rows
    else {
      throw ReproError.data(
        path, "\(order.count) test nodes up to \(nodes - 1), \(tests.rows) rows of words, \(testLabels.count) labels",
        expected: "files that fit together")
    }
    var rows = [Int](repeating: -1, count: nodes - all.rows)
    for (i, node) in order.enumerated() { rows[node - all.rows] = i }
    var features = all
    var labels = allLabels
    for row in rows {
      if row >= 0 {
        let range = tests.offsets[row]..<tests.offsets[row + 1]
        features.columns += tests.columns[range]
        features.values += tests.values[range]
      }
      features.offsets.append(features.columns.count)
      labels.append(row >= 0 ? testLabels[row] : -1)
    }
    var seen: Set<[Int]> = []
    var edges: [(Int, Int)] = []
    for (node, neighbours) in try pickle("graph").neighbours() {
      for other in neighbours where other != node {
        let edge = [min(node, other), max(node, other)]
        if seen.insert(edge).inserted { edges.append((edge[0], edge[1])) }
      }
    }
    let graph = try GraphData(
      edges: edges, features: features, classes: (0..<classes).map { "class \($0)" }, labels: labels,
      train: Array(0..<train), validation: Array(train..<train + validation), test: order.sorted(),
      place: Path.join(folder, "ind.\(name)"))
    return (graph, labels)
  }
}
