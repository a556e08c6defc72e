import ReproConfig
import ReproTensor

/// Citation graphs with the public semi-supervised split: Cora (2,708 papers, 7 classes), Citeseer (3,327, 6), and
/// PubMed (19,717, 3) where somebody has it.
///
/// Samples are nodes: `node` (its number), `features` (bag of words), `label`; 20 training nodes a class, 500 for
/// validation, 1,000 for the test. `graph` has the whole without the labels of the latter. Options: `graph` (`cora`,
/// `citeseer`, `pubmed`), `path` (the folder of the published files `ind.<graph>.*`, or an npz file with the arrays
/// below; needed for PubMed, which mirrors lack), `measure` (`test`; `validation` for tuning: the validation nodes then
/// stand in the place of the test nodes, so that nothing is chosen on those).
///
/// The arrays: `num_classes`, `edges` `(E, 2)` (each undirected edge once), `x_indptr`, `x_indices`, `x_data` (features
/// by rows), `num_features`, `labels` (-1 for none), `train`, `val`, `test` (node numbers).
///
/// Source: Yang, Cohen, Salakhutdinov 2016, "Revisiting semi-supervised learning with graph embeddings"
/// (arXiv 1603.08861); Sen et al. 2008.
public struct Planetoid: TabledDataset, GraphDataset {
  public static let card = DatasetCard(.planetoid, source: "Yang, Cohen, Salakhutdinov 2016, arXiv 1603.08861")

  public let graph: GraphData
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let name = try options.choice("graph", ["cora", "citeseer", "pubmed"])
    let isTuned = try options.choice("measure", ["test", "validation"], default: "test") == "validation"
    let path = try options.ifPresent("path") { node, name throws(ReproError) in try node.string(named: name) }
    if let path, SafeFile.isFolder(path) {
      let (graph, labels) = try PlanetoidFiles.read(folder: path, name: name)
      let endings = ["x", "tx", "allx", "y", "ty", "ally", "graph", "test.index"]
      let digests = try endings.map { try SafeFile.sha256(Path.join(path, "ind.\(name).\($0)")) }
      let fingerprint = "planetoid/\(name) v1, sha256 \(SHA256.hex(of: digests.joined()))"
      try self.init(graph, labels, isTuned: isTuned, fingerprint: fingerprint)
      return
    }
    let bytes: [UInt8]
    let (file, fingerprint): (String, String)
    if let path {
      (bytes, file) = (try SafeFile.read(path), path)
      fingerprint = "planetoid/\(name) v1, sha256 \(SHA256.hex(of: bytes))"
    } else if name == "pubmed" {
      throw ReproError(
        .usage, at: "\(options.node.mark)", found: "no mirror has PubMed",
        hint: "give path: the folder of the published files ind.pubmed.*")
    } else {
      file = "planetoid/\(name).npz"
      bytes = try root.bytes("\(name).npz", of: .planetoid)
      fingerprint = "planetoid/\(name) v1, sha256 \(SourceSet.planetoid.digest)"
    }
    let (graph, labels) = try Self.read(bytes, file: file)
    try self.init(graph, labels, isTuned: isTuned, fingerprint: fingerprint)
  }

  private init(_ graph: GraphData, _ labels: [Int], isTuned: Bool, fingerprint: String) throws {
    self.graph = graph
    let features = graph.features
    let shape: Shape = [features.width]
    samples = try SampleTable(
      "planetoid",
      columns: [
        .identities("node", Array(0..<graph.nodes), count: graph.nodes, isLabel: false),
        SampleColumn(FieldSpec("features", .real(shape: shape, unit: "1"), isLabel: false), count: graph.nodes) {
          .reals(features.dense($0))
        },
        SampleColumn(
          FieldSpec("label", .category(classes: graph.classes), isLabel: true), count: graph.nodes
        ) { rows in .integers(rows.map { labels[$0] }) },
      ],
      rows: [
        .train: graph.train, .validation: graph.validation, .test: isTuned ? graph.validation : graph.test,
      ], fingerprint: fingerprint + (isTuned ? ", measured on validation nodes" : ""))
  }

  /// The graph of an npz file, and the labels of all nodes.
  static func read(_ bytes: [UInt8], file: String) throws -> (GraphData, labels: [Int]) {
    let archive = try NPZArchive(bytes, file: file)
    func one(_ name: String) throws -> Int {
      let values = try archive.integers(name)
      guard values.count == 1, values[0] > 0, values[0] < 1 << 30 else {
        throw ReproError.data("\(file):\(name)", "\(values.prefix(4))", expected: "one number above 0")
      }
      return values[0]
    }
    let edges = try archive.array("edges")
    guard case .int32(let ends) = edges.values, edges.extents.count == 2, edges.extents[1] == 2 else {
      throw ReproError.data(
        "\(file):edges", "\(edges.values.descr) \(edges.extents)", expected: "<i4 of shape (E, 2)")
    }
    let data = try archive.array("x_data")
    guard case .float32(let values) = data.values else {
      throw ReproError.data("\(file):x_data", "\(data.values.descr)", expected: "<f4")
    }
    let features = SparseRows(
      offsets: try archive.integers("x_indptr"), columns: try archive.integers("x_indices"), values: values,
      width: try one("num_features"))
    guard features.offsets.count == (try one("num_nodes")) + 1 else {
      throw ReproError.data("\(file):x_indptr", "\(features.offsets.count) offsets", expected: "one more than nodes")
    }
    let count = try one("num_classes")
    guard count < 1 << 16 else { throw ReproError.data("\(file):num_classes", "\(count) classes") }
    let labels = try archive.integers("labels")
    let graph = try GraphData(
      edges: (0..<ends.count / 2).map { (Int(ends[2 * $0]), Int(ends[2 * $0 + 1])) }, features: features,
      classes: (0..<count).map { "class \($0)" }, labels: labels, train: try archive.integers("train"),
      validation: try archive.integers("val"), test: try archive.integers("test"), place: file)
    return (graph, labels)
  }
}
