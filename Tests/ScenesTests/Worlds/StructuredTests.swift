import Glibc
import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

@Suite struct StructuredTests {
  @Test func rowsOfATableAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    func table(_ seed: UInt64) throws -> ScenesTable { try world(ScenesTable.self, seed: seed, ("numbers", "3")) }
    try expectsPureSamples(try table(1), other: try table(2), [3, 0, 9, 1, 4], changing: "features")
  }

  @Test func columnsOfATableAreTellingAndColumnsOfChanceAreNot() throws {
    let data = try world(ScenesTable.self, seed: 5, ("train", "2000"), ("noise", "0"))
    let batch = try data.batch(Array(0..<2000), of: .train)
    let labels = batch.integers()
    #expect((800...1200).contains(labels.reduce(0, +)))
    #expect(data.spec.fields.count == 22 && batch.reals("features").shape == [2000, 8 + 24 + 6])
    func column(_ k: Int) -> [Double] { batch.reals("column-\(k)").values.map(Double.init) }
    func correlation(_ a: [Double], _ b: [Double]) -> Double {
      let n = Double(a.count)
      let (x, y) = (a.reduce(0, +) / n, b.reduce(0, +) / n)
      var (ab, aa, bb) = (0.0, 0.0, 0.0)
      for i in a.indices {
        ab += (a[i] - x) * (b[i] - y)
        aa += (a[i] - x) * (a[i] - x)
        bb += (b[i] - y) * (b[i] - y)
      }
      return ab / (aa * bb).squareRoot()
    }
    // Five factors stand behind 14 columns: every one of numbers is bound to another, none to chance.
    for a in 1...8 {
      let others = (1...8).filter { $0 != a }.map { abs(correlation(column(a), column($0))) }
      #expect((others.max() ?? 0) > 0.15, "column \(a)")
      for c in 15...20 { #expect(abs(correlation(column(a), column(c))) < 0.1) }
    }
    for k in 9...14 { #expect(Set(batch.integers("column-\(k)")).isSubset(of: 0..<4)) }
  }

  @Test func aGraphHasTheDegreesAndWordsThatItsOptionsSay() throws {
    let data = try world(
      ScenesGraph.self, seed: 3, ("nodes", "1200"), ("inside", "6"), ("outside", "2"), ("topic", "0.8"))
    let graph = data.graph
    var (inside, outside) = (0, 0)
    for i in 0..<graph.nodes {
      for j in graph.neighbours[graph.offsets[i]..<graph.offsets[i + 1]] {
        if data.labels[i] == data.labels[j] { inside += 1 } else { outside += 1 }
      }
    }
    #expect(abs(Double(inside) / 1200 - 6) < 0.4 && abs(Double(outside) / 1200 - 2) < 0.25)
    #expect((0..<4).allSatisfy { c in data.labels.count { $0 == c } == 300 })
    // 0.8 of the words come from the class's quarter of the vocabulary, and a quarter of the others; a little less,
    // as no word is taken twice.
    var own = 0
    for i in 0..<graph.nodes {
      let words = graph.features.columns[graph.features.offsets[i]..<graph.features.offsets[i + 1]]
      #expect(words.count == 8 && Set(words).count == 8)
      own += words.count { $0 / 16 == data.labels[i] }
    }
    #expect(abs(Double(own) / 9600 - 0.85) < 0.05, "\(Double(own) / 9600)")
  }

  @Test func partsOfAGraphAreBalancedAndItsLabelsAreThoseOfItsBatches() throws {
    let data = try world(ScenesGraph.self, seed: 3)
    let batch = try data.batch(Array(0..<40), of: .train)
    #expect(batch.integers() == data.graph.trainLabels && batch.integers("node") == data.graph.train)
    #expect((0..<4).allSatisfy { c in batch.integers().count { $0 == c } == 10 })
    #expect(batch.reals("features").sum().item == 320)
    let again = try world(ScenesGraph.self, seed: 3)
    #expect(again.graph == data.graph && again.fingerprint == data.fingerprint)
    #expect(try world(ScenesGraph.self, seed: 4).graph != data.graph)
    #expect(throws: (any Error).self) { try world(ScenesGraph.self, seed: 3, ("nodes", "100")) }
  }
}
