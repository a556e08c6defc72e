import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproScenes
import ReproTensor
import Testing

@testable import Baselines

@Suite struct GraphBaselineTests {
  @Test func smoothingAveragesOverNeighboursAsOftenAsAsked() throws {
    let data = try smallGraph()
    let graph = data.graph
    func features(_ hops: Int) throws -> [[Double]] {
      let method = try make(SmoothedFeatures.self, "{hops: \(hops)}")
      let state = try method.makeState(for: data.spec, random: RandomStream(seed: 1))
      return rows(try method.embed(state, graph).global)
    }
    let raw = try features(0)
    for row in raw { #expect(abs(row.reduce(0, +) - 1) < 1e-6) }
    // By edges: z_i = sum_j x_j / sqrt((d_i + 1) (d_j + 1)), i itself among the j.
    var expected = raw
    for _ in 0..<2 {
      let before = expected
      for i in 0..<graph.nodes {
        let own = Array(graph.neighbours[graph.offsets[i]..<graph.offsets[i + 1]])
        expected[i] = before[i].map { $0 / Double(own.count + 1) }
        for j in own {
          let degrees = Double(own.count + 1) * Double(graph.offsets[j + 1] - graph.offsets[j] + 1)
          for k in expected[i].indices { expected[i][k] += before[j][k] / degrees.squareRoot() }
        }
      }
    }
    for (a, b) in zip(try features(2), expected) { for (x, y) in zip(a, b) { #expect(abs(x - y) < 1e-6) } }
  }

  @Test func aSupervisedNetworkLearnsTheLabelsOfTheTrainingNodesOnly() throws {
    let data = try smallGraph(", topic: 0.9, inside: 6, outside: 0.5")
    let method = try make(SupervisedGCN.self, "{hidden: 8, dropout: 0.2}")
    var state = try method.makeState(for: data.spec, random: RandomStream(seed: 2))
    let training = try TrainingData(data, labelled: true, random: RandomStream(seed: 1))
    var step = StepContext(
      step: 0, steps: 100, random: RandomStream(seed: 9), data: training, batchSize: 1, plan: .constant(rate: 0.02))
    let first = try #require(try method.step(&state, &step)["loss"])
    for i in 1..<100 {
      step = step.next(random: RandomStream(seed: 9).child("step", i))
      _ = try method.step(&state, &step)
    }
    let features = try method.embed(state, data.graph)
    let logits = try #require(features.outputs["logits"])
    let predicted = logits.argmax().values
    #expect(data.graph.train.allSatisfy { predicted[$0] == data.labelOf($0) } && first > 0.4)
    #expect(data.graph.test.count { predicted[$0] == data.labelOf($0) } >= 9, "of 12 test nodes")
    // The last layer reads the features: logits = features W^T + b.
    let again = matmul(features.global, state.second.lin.weight.transposed()) + state.second.bias
    for (a, b) in zip(again.values, logits.values) { #expect(abs(a - b) < 1e-4 * max(1, abs(b))) }
    let silent = try TrainingData(data, labelled: false, random: RandomStream(seed: 1))
    #expect(silent.graph?.trainLabels == [])
  }
}

extension DatasetProvider {
  /// The label of a node that stands in a part.
  fileprivate func labelOf(_ node: Int) -> Int? {
    for split in Split.allCases {
      guard let size = spec.sizes[split], let all = try? batch(Array(0..<size), of: split) else { continue }
      if let place = all.integers("node").firstIndex(of: node) { return all.integers()[place] }
    }
    return nil
  }
}

@Suite struct RawTableTests {
  @Test func numbersBecomeTheirRanksAmongTheTrainingRowsAndWordsOneHot() throws {
    var options = try Section(
      YAMLNode(parsing: "{numbers: 2, words: 1, chance: 0, levels: 3, train: 201, test: 50}", file: "t"), name: "data")
    let data = try ScenesTable(&options, root: DataRoot(cache: "", mirror: nil, seed: 1))
    let method = try make(RawTable.self, "{quantiles: 200}")
    var state = try method.makeState(for: data.spec, random: RandomStream(seed: 1))
    var step = StepContext(
      step: 0, steps: 1, random: RandomStream(seed: 1),
      data: try TrainingData(data, labelled: false, random: RandomStream(seed: 1)), batchSize: 1)
    _ = try method.step(&state, &step)
    let train = try data.batch(Array(0..<201), of: .train)
    let found = rows(try method.embed(state, train).global)
    for (k, name) in ["column-1", "column-2"].enumerated() {
      let values = train.reals(name).values
      let order = values.indices.sorted { values[$0] < values[$1] }
      // As many quantiles as gaps between rows: ranks are evenly spaced from -1 to 1.
      for (rank, row) in order.enumerated() { #expect(abs(found[row][k] - (Double(rank) / 100 - 1)) < 1e-5) }
    }
    for (row, word) in train.integers("column-3").enumerated() {
      #expect(Array(found[row][2...]) == (0..<3).map { $0 == word ? 1 : 0 })
    }
    let plain = try make(RawTable.self, "{quantiles: 0}")
    let same = try plain.makeState(for: data.spec, random: RandomStream(seed: 1))
    #expect(try plain.embed(same, train).global.values == train.reals("features").values)
  }
}
