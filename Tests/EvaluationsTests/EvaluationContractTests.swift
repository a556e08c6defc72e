import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct EvaluationContractTests {
    /// A data set that every protocol can use.
    private func world() -> FakeData {
      var stream = RandomStream(seed: 1)
      func columns(_ n: Int) -> [(name: String, values: Column)] {
        [
          ("x", .reals(stream.normal([n, 4]))), ("places", .reals(stream.normal([n, 2, 2, 4]))),
          ("label", .integers((0..<n).map { $0 % 3 })), ("instance", .integers((0..<n).map { $0 % 7 })),
          (
            "mask",
            .images(
              ImageBatch(count: n, height: 4, width: 4, channels: 1, bytes: (0..<(16 * n)).map { UInt8($0 % 3) }))
          ),
        ]
      }
      return FakeData(
        [
          FieldSpec("x", .real(shape: [4], unit: "1"), isLabel: false),
          FieldSpec("places", .real(shape: [2, 2, 4], unit: "1"), isLabel: false),
          FieldSpec("label", .category(classes: Array(classNames.prefix(3))), isLabel: true),
          FieldSpec("instance", .identity(count: 7), isLabel: true),
          FieldSpec("mask", .labelMap(height: 4, width: 4, classes: ["background", "a", "b"]), isLabel: true),
        ], [.train: columns(40), .test: columns(30)])
    }

    @Test func protocolsHaveVersionedNamesOfTheirOwn() {
      let ids = evaluations.map { $0.card.id }
      #expect(ids == ["knn/v1", "linear-probe/v1", "linear-segmentation/v1", "retrieval/v1"])
      #expect(Set(ids).count == ids.count)
      for evaluation in evaluations {
        let names = evaluation.card.measurements.map(\.name)
        #expect(!names.isEmpty && Set(names).count == names.count)
        #expect(evaluation.card.source.contains("20"))  // a year
      }
    }

    @Test func protocolsMeasureExactlyWhatTheyAnnounceInTheSameBitsEachTime() throws {
      func check(_ type: (some Evaluation).Type) throws {
        let evaluation = try make(type, type == WeightedKNN.self ? [("k", "[5, 3]")] : [])
        try evaluation.check(world().spec)
        let runs = try (0..<2).map { _ in
          try evaluation.measure(
            EvaluationSubject(encoder: FakeEncoder(), data: world()), random: RandomStream(seed: 9))
        }
        #expect(runs[0].map(\.name) == evaluation.measurements.map(\.name))
        #expect(runs[0].map(\.value.bitPattern) == runs[1].map(\.value.bitPattern))
        #expect(runs[0].allSatisfy { $0.value.isFinite })
      }
      for evaluation in evaluations { try check(evaluation) }
    }

    @Test func unknownAndImpossibleOptionsAreRefused() {
      #expect(message { _ = try make(WeightedKNN.self, [("temprature", "1")]) }.contains("did you mean 'temperature'?"))
      #expect(message { _ = try make(WeightedKNN.self, [("temperature", "0")]) }.contains("temperature is '0'"))
      #expect(message { _ = try make(LinearProbe.self, [("rates", "[]")]) }.contains("rates is empty"))
      #expect(message { _ = try make(LinearProbe.self, [("epochs", "0")]) }.contains("epochs is '0'"))
      #expect(message { _ = try make(LinearSegmentation.self, [("limit", "1")]) }.contains("limit is '1'"))
      #expect(message { _ = try make(InstanceRetrieval.self, [("k", "1")]) }.contains("unknown key 'k'"))
    }

    @Test func dataWithoutTheColumnIsRefusedWithTheColumnsThatItHas() throws {
      var spec = world().spec
      spec.fields[2].name = "class"
      #expect(
        message { try make(WeightedKNN.self).check(spec) }
          == "knn/v1: the data set has no column 'label'; its columns are 'x' (real numbers [4] in 1), 'places' (real "
          + "numbers [2, 2, 4] in 1), 'class' (3 categories), 'instance' (identities), 'mask' (a label map), expected "
          + "a column of categories; name another column: 'class'")
      try make(WeightedKNN.self, [("label", "class")]).check(spec)
      #expect(
        message { try make(LinearProbe.self, [("label", "instance")]).check(spec) }.contains(
          "linear-probe/v1: column 'instance' is identities"))
      #expect(
        message { try make(InstanceRetrieval.self, [("label", "mask")]).check(spec) }.contains("'mask' is a label map"))
      try make(InstanceRetrieval.self, [("label", "class")]).check(spec)
      spec.sizes[.test] = 0
      #expect(message { try make(LinearSegmentation.self).check(spec) }.contains("split 'test' has 0 samples"))
    }

    @Test func labelsOutsideOfTheirClassesAreRefused() throws {
      let data = classWorld(train: 30, test: 20) { labels in labels.map { $0 == 3 ? 10 : $0 } }
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: data)
      #expect(
        message { _ = try make(WeightedKNN.self).measure(subject, random: RandomStream(seed: 0)) }
          == "knn/v1: sample 3 has 10 in column 'label', expected 0 to 9")
    }
  }
}
