import ReproConfig
import ReproNN
import ReproTensor

/// A matrix with few values in each row, as index arrays.
public struct SparseRows: Sendable, Equatable {
  /// Row i has the places `offsets[i] ..< offsets[i + 1]` of the other two arrays.
  public var offsets: [Int]
  public var columns: [Int]
  public var values: [Float]
  /// The number of columns.
  public var width: Int

  public init(offsets: [Int], columns: [Int], values: [Float], width: Int) {
    (self.offsets, self.columns, self.values, self.width) = (offsets, columns, values, width)
  }

  public var rows: Int { offsets.count - 1 }

  /// Some rows with all their zeros, `[rows.count, width]`.
  public func dense(_ chosen: [Int]) -> Tensor {
    Tensor([chosen.count, width]) { target in
      for k in target.indices { target[k] = 0 }
      for (slot, row) in chosen.enumerated() {
        for k in offsets[row]..<offsets[row + 1] { target[slot * width + columns[k]] = Real(values[k]) }
      }
    }
  }

  /// All rows, `[rows, width]`, with their zeros left out.
  public var matrix: SparseMatrix {
    let row = (0..<rows).flatMap { [Int](repeating: $0, count: offsets[$0 + 1] - offsets[$0]) }
    return SparseMatrix(
      rows: rows, columns: width, rowIndices: IndexTensor(row), columnIndices: IndexTensor(columns),
      values: Tensor([values.count], values.map { Real($0) }))
  }

  /// The same rows, each divided by its sum; a row whose sum is 0 stays.
  public var rowNormalized: SparseRows {
    var result = self
    for row in 0..<rows {
      let sum = values[offsets[row]..<offsets[row + 1]].reduce(0, +)
      if sum != 0 { for k in offsets[row]..<offsets[row + 1] { result.values[k] /= sum } }
    }
    return result
  }

  /// Refuses offsets that do not rise from 0 to the number of values, columns out of range and values that are no
  /// numbers.
  func check(_ place: String) throws {
    guard offsets.first == 0, offsets.last == columns.count, columns.count == values.count,
      zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 })
    else { throw ReproError.data(place, "the row offsets do not rise from 0 to \(columns.count)") }
    if let bad = columns.firstIndex(where: { !(0..<width).contains($0) }) {
      throw ReproError.data(place, "column \(columns[bad]) at place \(bad)", expected: "0 to \(width - 1)")
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw ReproError.data(place, "the value at place \(bad) is \(values[bad])", expected: "a finite number")
    }
  }
}

/// One graph whose nodes are the samples: what methods may see of it. Labels of validation and test nodes are not here;
/// evaluations get them from the data set's batches.
public struct GraphData: Sendable, Equatable {
  public var nodes: Int { features.rows }
  /// The neighbours of node i are `neighbours[offsets[i] ..< offsets[i + 1]]`, rising; every undirected edge stands
  /// there twice.
  public var offsets: [Int]
  public var neighbours: [Int]
  /// A row for each node.
  public var features: SparseRows
  public var classes: [String]
  /// Nodes of the parts; nodes may be in none.
  public var train, validation, test: [Int]
  /// The classes of `train`, in its order.
  public var trainLabels: [Int]

  /// All features, `[nodes, width]`.
  public var denseFeatures: Tensor { features.dense(Array(0..<nodes)) }

  /// Undirected edges.
  public var edges: Int { neighbours.count / 2 }

  /// Its edges, both ways, as graph networks take them.
  public var structure: Graph {
    let sources = (0..<nodes).flatMap { [Int](repeating: $0, count: offsets[$0 + 1] - offsets[$0]) }
    return Graph(nodes: nodes, sources: IndexTensor(sources), targets: IndexTensor(neighbours))
  }

  /// From undirected edges, each given once.
  ///
  /// - Throws: `ReproError` at `place` for an edge to itself, to a node that does not exist, or given twice.
  public init(
    edges: [(Int, Int)], features: SparseRows, classes: [String], labels: [Int], train: [Int], validation: [Int],
    test: [Int], place: String
  ) throws {
    let nodes = features.rows
    try features.check("\(place):features")
    guard labels.count == nodes else { throw ReproError.data(place, "\(labels.count) labels of \(nodes) nodes") }
    if let node = labels.firstIndex(where: { $0 < -1 || $0 >= classes.count }) {
      throw ReproError.data(
        place, "label \(labels[node]) of node \(node)", expected: "0 to \(classes.count - 1), or -1 for none")
    }
    var degrees = [Int](repeating: 0, count: nodes)
    for (i, (a, b)) in edges.enumerated() {
      guard a != b, (0..<nodes).contains(a), (0..<nodes).contains(b) else {
        throw ReproError.data(place, "edge \(i) joins \(a) and \(b)", expected: "two different nodes below \(nodes)")
      }
      degrees[a] += 1
      degrees[b] += 1
    }
    offsets = degrees.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    var next = Array(offsets.dropLast())
    neighbours = [Int](repeating: 0, count: 2 * edges.count)
    for (a, b) in edges {
      neighbours[next[a]] = b
      neighbours[next[b]] = a
      next[a] += 1
      next[b] += 1
    }
    for i in 0..<nodes {
      neighbours[offsets[i]..<offsets[i + 1]].sort()
      let own = neighbours[offsets[i]..<offsets[i + 1]]
      if let (a, _) = zip(own, own.dropFirst()).first(where: { $0 == $1 }) {
        throw ReproError.data(place, "two edges join \(i) and \(a)", expected: "each edge once")
      }
    }
    for (name, part) in [("train", train), ("val", validation), ("test", test)] {
      if let node = part.first(where: { !(0..<nodes).contains($0) || labels[$0] < 0 }) {
        throw ReproError.data("\(place):\(name)", "node \(node)", expected: "nodes with a label, below \(nodes)")
      }
    }
    var seen: Set<Int> = []
    if let node = (train + validation + test).first(where: { !seen.insert($0).inserted }) {
      throw ReproError.data(place, "node \(node) is twice in the parts", expected: "once at most")
    }
    (self.features, self.classes) = (features, classes)
    (self.train, self.validation, self.test) = (train, validation, test)
    trainLabels = train.map { labels[$0] }
  }
}

/// A data set that is one graph: its samples are nodes, and methods may ask for the whole of it.
public protocol GraphDataset: DatasetProvider {
  var graph: GraphData { get }
}

/// What users took of items: what methods may see of it. The test pairs are not here; evaluations get them from the
/// data set's batches.
public struct InteractionData: Sendable, Equatable {
  public var users, items: Int
  /// A row for each user: the items of the training part, rising, with the weight of each.
  public var train: SparseRows
  /// A row for each user: whom the user knows, both ways; nil if the set has no such graph.
  public var friends: SparseRows?

  /// The users who took an item in the training part, for each item.
  public var byItem: SparseRows {
    var counts = [Int](repeating: 0, count: items)
    for item in train.columns { counts[item] += 1 }
    let offsets = counts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    var next = Array(offsets.dropLast())
    var columns = [Int](repeating: 0, count: train.columns.count)
    var values = [Float](repeating: 0, count: train.columns.count)
    for user in 0..<users {
      for k in train.offsets[user]..<train.offsets[user + 1] {
        columns[next[train.columns[k]]] = user
        values[next[train.columns[k]]] = train.values[k]
        next[train.columns[k]] += 1
      }
    }
    return SparseRows(offsets: offsets, columns: columns, values: values, width: users)
  }

  /// Rows from pairs in any order; of equal pairs the last counts.
  static func rows(_ pairs: [(row: Int, column: Int, value: Float)], rows: Int, width: Int) -> SparseRows {
    let order = pairs.indices.sorted {
      (pairs[$0].row, pairs[$0].column, $0) < (pairs[$1].row, pairs[$1].column, $1)
    }
    var result = SparseRows(offsets: [0], columns: [], values: [], width: width)
    for i in order {
      let pair = pairs[i]
      while result.offsets.count <= pair.row { result.offsets.append(result.columns.count) }
      if let start = result.offsets.last, start < result.columns.count, result.columns.last == pair.column {
        result.values[result.values.count - 1] = pair.value
      } else {
        result.columns.append(pair.column)
        result.values.append(pair.value)
      }
    }
    while result.offsets.count <= rows { result.offsets.append(result.columns.count) }
    return result
  }
}

/// A data set of interactions: its samples are pairs of user and item, and methods may ask for the whole training part.
public protocol InteractionDataset: DatasetProvider {
  var interactions: InteractionData { get }
}
