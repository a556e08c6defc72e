import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct GroupedKNNTests {
    private let random = RandomStream(seed: 0)

    /// The world of classes with a column `group`: 1 for classes 0 to 2.
    private func world(only group: Int? = nil) throws -> FakeData {
      let data = classWorld(train: 400, test: 200, signal: 1.5)
      var columns: [Split: [(name: String, values: Column)]] = [:]
      for split in [Split.train, .test] {
        let all = try data.batch(Array(0..<(data.spec.sizes[split] ?? 0)), of: split)
        let groups = all.integers().map { $0 < 3 ? 1 : 0 }
        let kept = groups.indices.filter { group == nil || groups[$0] == group }
        columns[split] =
          all.columns.map { ($0.name, $0.values.rows(kept)) } + [("group", .integers(kept.map { groups[$0] }))]
      }
      return FakeData(
        data.spec.fields + [FieldSpec("group", .category(classes: ["other", "wanted"]), isLabel: true)], columns)
    }

    @Test func everyGroupIsMeasuredAsIfItWereAlone() throws {
      let found = try make(GroupedKNN.self, [("groups", "[wanted, other]"), ("k", "7")])
        .measure(EvaluationSubject(encoder: FakeEncoder(), data: try world()), random: random)
      let alone = try [1, 0].map { group in
        try make(WeightedKNN.self, [("k", "7")])
          .measure(EvaluationSubject(encoder: FakeEncoder(), data: try world(only: group)), random: random)[0].value
      }
      #expect(found.map(\.name) == ["top1-wanted", "top1-other"])
      #expect(found.map(\.value) == alone)
      #expect(alone[0] > alone[1], "three classes are easier than seven")
    }

    @Test func whatIsMeasuredIsKnownBeforehand() throws {
      #expect(try make(GroupedKNN.self, [("groups", "[wanted]")]).measurements.map(\.name) == ["top1-wanted"])
      #expect(message { _ = try make(GroupedKNN.self) }.contains("groups is []"))
      let unknown = try make(GroupedKNN.self, [("groups", "[nobody]")])
      let spec = try world().spec
      #expect(message { try unknown.check(spec) }.contains("no category 'nobody'"))
    }
  }
}
