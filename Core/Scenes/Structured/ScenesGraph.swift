import ReproConfig
import ReproData
import ReproTensor

/// `scenes-graph`: one graph of linked documents: a stochastic block model with words.
///
/// What is drawn:
/// - class: the nodes are dealt out to `classes` classes of equal size in random order.
/// - edges: every pair of nodes is joined with a probability that gives a node `inside` neighbours of its own class
///   and `outside` neighbours of other classes in the mean.
/// - words: each node has `length` different words of `words`; every class owns an equal part of the vocabulary, and a
///   word comes from the part of the node's class with probability `topic`, else from anywhere.
///
/// Options (defaults): `nodes` 20...5000 (300); `classes` 2...20 (4); `inside` 0...50 (4); `outside` 0...50 (1);
/// `words` 8...2000 (64); `length` 1...100 (8); `topic` 0...1 (0.5); `train` (40), `validation` (60), `test` (120):
/// numbers of nodes, class after class in turn; the other nodes are in no part.
///
/// Columns: `node`, `features` [words] (1 for a word that is there), label `label`; `graph` has the whole.
///
/// Source: Holland, Laskey and Leinhardt 1983, "Stochastic blockmodels: first steps".
public struct ScenesGraph: GraphDataset {
  public static let card = DatasetCard(
    id: "scenes-graph", title: "Procedural linked documents", source: "drawn by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever a node, a word or an edge does.
  static let version = 1

  public let spec: DataSpec
  public let graph: GraphData
  /// The class of each node.
  let labels: [Int]
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    let nodes = try options.int("nodes", in: 20...5000, default: 300)
    let classes = try options.int("classes", in: 2...20, default: 4)
    let inside = try options.double("inside", in: 0...50, default: 4)
    let outside = try options.double("outside", in: 0...50, default: 1)
    let words = try options.int("words", in: 8...2000, default: 64)
    let length = try options.int("length", in: 1...100, default: 8)
    let topic = try options.double("topic", in: 0...1, default: 0.5)
    let sizes = try splitSizes(&options, train: 40, validation: 60, test: 120)
    let taken = sizes.values.reduce(0, +)
    guard taken <= nodes, 2 * length <= words, classes <= words else {
      throw ReproError(
        .usage, at: "\(options.node.mark)",
        found: "\(taken) nodes in the parts of \(nodes), \(length) of \(words) words, \(classes) classes",
        expected: "no more nodes than there are, at least twice as many words as a node has, a word for each class")
    }
    let random = RandomStream(seed: root.seed).child("scenes-graph")
    var order = random.child("classes")
    let dealt = order.permutation(nodes)  // class after class in turn
    var labels = [Int](repeating: 0, count: nodes)
    for (place, node) in dealt.enumerated() { labels[node] = place % classes }
    let names = (0..<classes).map { "class \($0)" }
    let cuts = [sizes[.train] ?? 0, sizes[.validation] ?? 0, sizes[.test] ?? 0]
    let (first, second) = (cuts[0], cuts[0] + cuts[1])
    graph = try GraphData(
      edges: Self.edges(labels, classes, inside, outside, random.child("edges")),
      features: Self.words(labels, classes, words, length, topic, random.child("words")), classes: names,
      labels: labels, train: Array(dealt[..<first]), validation: Array(dealt[first..<second]),
      test: Array(dealt[second..<second + cuts[2]]), place: "scenes-graph")
    self.labels = labels
    description =
      "seed=\(root.seed) nodes=\(nodes) classes=\(classes) inside=\(inside) outside=\(outside) words=\(words) "
      + "length=\(length) topic=\(topic)"
    spec = DataSpec(
      fields: [
        FieldSpec("node", .identity(count: nodes), isLabel: false),
        FieldSpec("features", .real(shape: [words], unit: "1"), isLabel: false),
        FieldSpec("label", .category(classes: names), isLabel: true),
      ], sizes: sizes)
  }

  public var fingerprint: String { "scenes-graph/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let part = split == .train ? graph.train : split == .validation ? graph.validation : graph.test
    let nodes = indices.map { index -> Int in
      require(part.indices.contains(index), "sample \(index) of \(part.count) in scenes-graph/\(split.rawValue)")
      return part[index]
    }
    return Batch(
      indices: indices,
      columns: [
        ("node", .integers(nodes)), ("features", .reals(graph.features.dense(nodes))),
        ("label", .integers(nodes.map { labels[$0] })),
      ])
  }

  private static func edges(
    _ labels: [Int], _ classes: Int, _ inside: Double, _ outside: Double, _ random: RandomStream
  ) -> [(Int, Int)] {
    let size = Double(labels.count) / Double(classes)
    let near = min(1, inside / max(1, size - 1))
    let far = min(1, outside / (Double(labels.count) - size))
    var edges: [(Int, Int)] = []
    for a in labels.indices {
      var stream = random.child("node", a)
      for b in (a + 1)..<max(a + 1, labels.count) where stream.bernoulli(labels[a] == labels[b] ? near : far) {
        edges.append((a, b))
      }
    }
    return edges
  }

  private static func words(
    _ labels: [Int], _ classes: Int, _ words: Int, _ length: Int, _ topic: Double, _ random: RandomStream
  ) -> SparseRows {
    let part = words / classes
    var result = SparseRows(offsets: [0], columns: [], values: [], width: words)
    for (node, label) in labels.enumerated() {
      var stream = random.child("node", node)
      var own: Set<Int> = []
      while own.count < length {
        // A small part of the vocabulary may be used up: words from anywhere fill the rest.
        let fits = own.count < part && stream.bernoulli(topic)
        own.insert(fits ? label * part + stream.integer(below: part) : stream.integer(below: words))
      }
      result.columns += own.sorted()
      result.values += [Float](repeating: 1, count: length)
      result.offsets.append(result.columns.count)
    }
    return result
  }
}
