import ReproConfig
import ReproNN
import ReproScenes
import ReproTensor
import Synchronization
import TestSupport
import Testing

@testable import ReproData
@testable import ReproEngine

@Suite struct WholeDataTests {
  /// Two joined pairs of nodes, one of each for training and for the test.
  private func graph() -> [UInt8] {
    func vector(_ values: [Int32]) -> NPYArray { NPYArray(extents: [values.count], values: .int32(values)) }
    return NPZArchive.archive([
      ("num_nodes", vector([4])), ("num_features", vector([2])), ("num_classes", vector([2])),
      ("edges", NPYArray(extents: [2, 2], values: .int32([0, 1, 2, 3]))), ("x_indptr", vector([0, 1, 2, 3, 4])),
      ("x_indices", vector([0, 1, 0, 1])), ("x_data", NPYArray(extents: [4], values: .float32([1, 1, 1, 1]))),
      ("labels", vector([0, 1, 1, 0])), ("train", vector([0, 3])), ("val", vector([1])), ("test", vector([2])),
    ])
  }

  @Test("A method sees the whole graph, its training labels only if it is supervised, and never others")
  func theGraphReachesMethods() throws {
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/g.npz", bytes: graph())
      let mark = YAMLNode.Mark(file: "recipe.yaml", line: 1, column: 1)
      let entries = [("graph", "pubmed"), ("path", "\(folder)/g.npz")].map {
        YAMLNode.Entry(key: $0.0, keyMark: mark, value: YAMLNode(.scalar($0.1, quoted: false), at: mark))
      }
      var section = try Section(YAMLNode(.mapping(entries), at: mark), name: "data")
      let provider = try Planetoid(&section, root: DataRoot(cache: folder, mirror: nil, seed: 1))
      let random = RandomStream(seed: 1)
      let free = try TrainingData(provider, labelled: false, random: random)
      #expect(free.graph?.neighbours == [1, 0, 3, 2] && free.graph?.trainLabels == [] && free.interactions == nil)
      #expect(try free.all()["label"] == nil && free.count == 2)
      let taught = try TrainingData(provider, labelled: true, random: random)
      #expect(taught.graph?.trainLabels == [0, 0] && taught.graph?.test == [2])
    }
  }

  /// Says of every node how many neighbours it has, and counts how often it was asked.
  private struct Degrees: NodeEmbedding {
    static let card = MethodCard(id: "degrees", title: "Degrees", year: 2000, arxiv: nil, family: .contrastive)
    let asked = Counter()
    init() {}
    init(_ options: inout Section) throws(ReproError) {}
    func makeState(for data: DataSpec, random: RandomStream) -> Linear { Linear(1, 1, random: random) }
    func step(_ state: inout Linear, _ context: inout StepContext) throws -> Metrics { ["loss": 0] }
    func embed(_ state: Linear, _ graph: GraphData) throws -> Features {
      asked.add()
      #expect(graph.trainLabels.isEmpty)
      let degrees = (0..<graph.nodes).map { Real(graph.offsets[$0 + 1] - graph.offsets[$0]) }
      let all = Tensor([graph.nodes, 1], degrees)
      return Features(global: all, outputs: ["number": Tensor([graph.nodes], (0..<graph.nodes).map { Real($0) })])
    }
  }

  private final class Counter: Sendable {
    private let value = Mutex(0)
    func add() { value.withLock { $0 += 1 } }
    var count: Int { value.withLock { $0 } }
  }

  @Test("A method of nodes is asked once for the whole graph, and evaluations get the rows of their nodes")
  func nodesAreEmbeddedWithTheirGraph() throws {
    let text = "{nodes: 30, classes: 2, words: 12, length: 3, train: 8, validation: 6, test: 12}"
    var options = try Section(YAMLNode(parsing: text, file: "data"), name: "data")
    let data = try ScenesGraph(&options, root: DataRoot(cache: "", mirror: nil, seed: 1))
    let method = Degrees()
    let state = method.makeState(for: data.spec, random: RandomStream(seed: 1))
    let encoder = FrozenEncoder(method: method, state: state, data: data)
    let subject = EvaluationSubject(encoder: encoder, data: data)
    for split in [Split.train, .test] {
      let found = try subject.labelled(split).features
      let nodes = split == .train ? data.graph.train : data.graph.test
      #expect(found.outputs["number"]?.values == nodes.map { Real($0) })
      #expect(
        found.global.values == nodes.map { Real(data.graph.offsets[$0 + 1] - data.graph.offsets[$0]) })
    }
    #expect(method.asked.count == 1)
    let alone = FrozenEncoder(method: method, state: state)
    #expect(
      reproError { _ = try alone.features(of: try data.batch([0], of: .test)) }?.found == "samples without a graph")
  }

  /// Ten images with a class, and how many rows were asked for at once.
  private struct Album: TabledDataset {
    static let card = DatasetCard(id: "album", title: "Album", source: "this test", licence: "none")
    let samples: SampleTable
    let most = Most()

    final class Most: Sendable {
      private let value = Mutex(0)
      func saw(_ count: Int) { value.withLock { $0 = max($0, count) } }
      var count: Int { value.withLock { $0 } }
    }

    init(_ options: inout Section, root: DataRoot) throws { try self.init() }
    init() throws {
      let field = FieldSpec("image", .image(height: 2, width: 2, channels: 3), isLabel: false)
      let images = SampleColumn(field, count: 13) { [most] rows in
        most.saw(rows.count)
        let bytes = rows.flatMap { row in (0..<12).map { UInt8(12 * row + $0) } }
        return .images(ImageBatch(count: rows.count, height: 2, width: 2, channels: 3, bytes: bytes))
      }
      let labels = try SampleColumn.labels((0..<13).map { $0 % 2 }, classes: ["a", "b"], source: "")
      samples = try SampleTable(
        "album", columns: [images, labels], rows: [.train: [12, 2, 9, 4, 5, 0, 7, 8, 3, 1], .test: [6]],
        fingerprint: "album v1")
    }
  }

  @Test(
    "A large split is not held: each batch is read alone, and is what a split in memory gives",
    arguments: [false, true])
  func largeSplitsAreReadBatchByBatch(_ labelled: Bool) throws {
    let (held, asked) = (try Album(), try Album())
    let random = RandomStream(seed: 1)
    let memory = try TrainingData(held, labelled: labelled, random: random, mostHeld: 120)
    let reader = try TrainingData(asked, labelled: labelled, random: random, mostHeld: 119)
    #expect(reader.count == 10 && memory.count == 10)
    for step in 0..<7 {
      let (a, b) = (try memory.batch(step: step, size: 3), try reader.batch(step: step, size: 3))
      #expect(a.indices == b.indices && a.images() == b.images())
      #expect(b.columns.map(\.name) == (labelled ? ["image", "label"] : ["image"]))
      if labelled { #expect(a.integers() == b.integers()) }
      let chosen = [8, 1, 0, 4]
      #expect(
        try memory.batch(step: step, size: 2, among: chosen).images()
          == reader.batch(step: step, size: 2, among: chosen).images())
    }
    #expect(try memory.first(4).images() == reader.first(4).images())
    #expect(held.most.count == 10 && asked.most.count == 4)
    #expect(try memory.all().images() == reader.all().images())
  }

  @Test("A recipe names a data set of the user's own by the name under which it was added")
  func addedSetsAreNamed() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: "\(folder)/cache", mirror: nil, seed: 1)
      try SafeFile.makeFolder("\(folder)/pets")
      for i in 0..<3 {
        let image = ImageBatch(
          count: 1, height: 8, width: 8, channels: 3, bytes: [UInt8](repeating: UInt8(i), count: 192))
        try PNG.write("\(folder)/pets/\(i).png", image)
      }
      _ = try UserDataCard.add("my-pets", path: "\(folder)/pets", format: .imagefolder, root: root)
      let plugins = Plugins(methods: [], datasets: [], evaluations: [])
      func data(_ text: String) throws -> any DatasetProvider {
        let node = try YAMLNode(parsing: text, file: "recipe.yaml")
        return try plugins.makeDataset(TypedOptions(node, name: "data", key: "provider"), root: root)
      }
      #expect(try data("{provider: my-pets, size: 8}").spec.sizes[.train] == 3)
      #expect(
        reproError { _ = try data("{provider: my-pets, sizes: 8}") }?.description
          == "recipe.yaml:1:21: unknown key 'sizes' in data; did you mean 'size'?")
      #expect(reproError { _ = try data("{provider: your-pets}") }?.found == "unknown data provider 'your-pets'")
    }
  }
}
