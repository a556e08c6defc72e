import ReproConfig
import ReproData
import ReproTensor
import TestSupport
import Testing

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
      #expect(free.all()["label"] == nil && free.count == 2)
      let taught = try TrainingData(provider, labelled: true, random: random)
      #expect(taught.graph?.trainLabels == [0, 0] && taught.graph?.test == [2])
    }
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
