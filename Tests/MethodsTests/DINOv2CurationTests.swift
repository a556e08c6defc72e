import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Distillation

@Suite(.serialized) struct DINOv2CurationTests {
  /// Rectangles with roles: every fifth sample is curated, every second wanted.
  private struct Pool: DatasetProvider {
    static let card = DatasetCard(id: "pool", title: "Pool", source: "this test", licence: "Apache-2.0")
    let base = Rectangles()
    var fingerprint: String { "pool" }
    init() {}
    init(_ options: inout Section, root: DataRoot) throws {}
    var spec: DataSpec {
      var spec = base.spec
      spec.fields += ["role", "truth"].map { FieldSpec($0, .category(classes: ["no", "yes"]), isLabel: false) }
      return spec
    }
    func batch(_ indices: [Int], of split: Split) throws -> Batch {
      var batch = try base.batch(indices, of: split)
      batch.columns.append(("role", .integers(indices.map { $0 % 5 == 0 ? 1 : 0 })))
      batch.columns.append(("truth", .integers(indices.map { $0 % 2 })))
      return batch
    }
  }

  private func context(_ stage: String, step: Int = 0) throws -> StepContext {
    StepContext(
      stage: stage, step: step, steps: 4, random: RandomStream(seed: 9).child("step", step),
      data: try TrainingData(Pool(), labelled: false, random: RandomStream(seed: 1)), batchSize: 4)
  }

  private func method(_ subset: String, size: Int = 12) throws -> DINOv2 {
    try smallDINOv2("curation: {subset: \(subset), size: \(size)}")
  }

  private func state(_ method: DINOv2) throws -> DINOv2.State {
    try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 3))
  }

  // MARK: retrieval

  @Test func neighboursOfAllCuratedSamplesAreTakenRankByRank() {
    // Angles of the pool: 0, 10, 20, 90, 100; the curated samples look along 1 and 95 degrees.
    func at(_ degrees: [Double]) -> Tensor {
      Tensor(
        [degrees.count, 2], degrees.flatMap { [Real(Glibc.cos($0 * .pi / 180)), Real(Glibc.sin($0 * .pi / 180))] })
    }
    let pool = at([0, 10, 20, 91, 100])
    #expect(retrieved(like: at([1, 95]), from: pool, count: 2) == [0, 3])
    #expect(retrieved(like: at([1, 95]), from: pool, count: 4) == [0, 3, 1, 4])
    // Lengths do not matter, and nobody is taken twice.
    #expect(retrieved(like: at([1, 1, 95]) * 7, from: pool * 0.1, count: 3) == [0, 3, 1])
    #expect(retrieved(like: at([1]), from: pool, count: 5) == [0, 1, 2, 3, 4])
  }

  @Test func retrievalAgreesWithItsDefinition() {
    var stream = RandomStream(seed: 21)
    let (curated, pool) = (stream.normal([7, 5]), stream.normal([60, 5]))
    let (a, b) = (rows(curated), rows(pool))
    func cosine(_ x: [Double], _ y: [Double]) -> Double {
      let dot = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
      return dot / (x.reduce(0) { $0 + $1 * $1 } * y.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }
    var expected: [Int] = []
    for rank in 0..<60 {
      for x in a {
        let order = b.indices.sorted { cosine(x, b[$0]) > cosine(x, b[$1]) }
        if !expected.contains(order[rank]) { expected.append(order[rank]) }
      }
    }
    #expect(retrieved(like: curated, from: pool, count: 25) == Array(expected.prefix(25)))
  }

  // MARK: what is trained on

  @Test(arguments: ["retrieved", "random", "oracle"])
  func onlyChosenSamplesOfThePoolAreTrainedOn(_ subset: String) throws {
    let method = try method(subset)
    var (state, step) = (try state(method), try context("pretrain"))
    let metrics = try method.step(&state, &step)
    let chosen = try #require(state.chosen).indices
    #expect(Set(chosen).count == 12 && chosen.allSatisfy { $0 % 5 != 0 }, "curated samples are not of the pool")
    let share = Real(chosen.count { $0 % 2 == 1 }) / 12
    #expect(metrics["wanted"] == share)
    if subset == "oracle" { #expect(share == 1) }
    // Three steps of four samples are one epoch of the chosen ones, and later steps choose nothing new.
    let seen = try (0..<3).flatMap { k in try context("pretrain", step: k).batch(among: chosen).indices }
    #expect(seen.sorted() == chosen.sorted())
    var later = try context("pretrain", step: 2)
    _ = try method.step(&state, &later)
    #expect(state.chosen?.indices == chosen)
  }

  @Test func theRetrieverIsTrainedOnThePoolAndThenLooksForNeighbours() throws {
    let method = try method("retrieved")
    let start = try state(method)
    var (state, step) = (start, try context("retriever"))
    _ = try method.step(&state, &step)
    #expect(bits(state.model) == bits(start.model), "the network itself waits")
    let retriever = try #require(state.retriever)
    #expect(bits(retriever.student) != bits(try #require(start.retriever).student))
    var next = try context("pretrain")
    _ = try method.step(&state, &next)
    #expect(bits(try #require(state.retriever)) == bits(retriever), "and the retriever stays")
    let all = try Pool().batch(Array(0..<64), of: .train)
    let x = retriever.teacher.backbone(all.images().normalizedTensor).classToken
    let (curated, pool) = ((0..<64).filter { $0 % 5 == 0 }, (0..<64).filter { $0 % 5 != 0 })
    let found = retrieved(
      like: x.gathered(IndexTensor(curated)), from: x.gathered(IndexTensor(pool)), count: 12)
    #expect(state.chosen?.indices == found.map { pool[$0] })
  }

  @Test func withoutCurationTheStateIsAsBefore() throws {
    let state = try state(smallDINOv2())
    #expect(state.retriever == nil && state.chosen == nil)
  }

  @Test func dataWithoutRolesAndPoolsThatAreTooSmallAreNamed() throws {
    func found(_ size: Int, _ data: any DatasetProvider) throws -> String {
      let method = try method("retrieved", size: size)
      var (state, step) = (
        try state(method),
        StepContext(
          stage: "pretrain", step: 0, steps: 4, random: RandomStream(seed: 9),
          data: try TrainingData(data, labelled: false, random: RandomStream(seed: 1)), batchSize: 4)
      )
      do { _ = try method.step(&state, &step) } catch { return "\(error)" }
      return "no error"
    }
    #expect(try found(12, Rectangles()).contains("expected a column 'role' that training may see"))
    #expect(try found(52, Pool()).contains("52 of 51 samples to choose from"))
  }
}
