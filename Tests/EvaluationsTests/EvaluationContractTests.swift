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
        func bytes(_ count: Int, below: Int) -> [UInt8] { (0..<(count * n)).map { UInt8($0 * 7 % below) } }
        func pictures(_ frames: Int, _ height: Int, _ width: Int, _ channels: Int, below: Int) -> Column {
          .images(
            ImageBatch(
              count: n, frames: frames, height: height, width: width, channels: channels,
              bytes: bytes(frames * height * width * channels, below: below)))
        }
        func some(_ shape: [Int]) -> Column { .reals(stream.uniform(Shape([n] + shape), 0.2, 1)) }
        func counts(_ shape: [Int], below: Int) -> Column {
          let all = Shape([n] + shape)
          return .reals(Tensor(all, (0..<all.count).map { Real($0 * 5 % 7 % below) }))
        }
        func texts(_ prefix: String) -> Column { .texts((0..<n).map { "\(prefix) class\($0 % 3)" }) }
        return [
          ("x", .reals(stream.normal([n, 4]))), ("places", .reals(stream.normal([n, 2, 2, 4]))),
          ("label", .integers((0..<n).map { $0 % 3 })), ("instance", .integers((0..<n).map { $0 % 7 })),
          ("mask", pictures(1, 4, 4, 1, below: 3)), ("instances", pictures(1, 4, 4, 1, below: 4)),
          ("masks", pictures(3, 4, 4, 1, below: 3)),
          ("target", pictures(1, 12, 16, 3, below: 256)), ("image", pictures(1, 8, 8, 3, below: 256)),
          ("depth", some([4, 4])), ("normals", some([4, 4, 3])), ("flow", some([4, 4, 2])), ("surface", some([5, 6])),
          ("factor", some([2])), ("keypoints", some([3, 2])), ("boxes", counts([2, 5], below: 2)),
          ("voxels", counts([3, 3, 3], below: 2)), ("joints", some([4, 3])), ("pose", some([3, 4])),
          ("model", some([5, 3])), ("direction", some([3])), ("objects", counts([2], below: 2)), ("score", some([1])),
          ("relevant", counts([6], below: 2)), ("seen", counts([6], below: 3)), ("caption", texts("a")),
          ("answer", texts("the")), ("first", texts("one")), ("second", texts("two")), ("out-logits", some([3])),
          ("out-depth", some([4, 4])), ("out-normals", some([2, 2, 3])), ("out-flow", some([4, 4, 2])),
          ("out-image", some([12, 16, 3])), ("out-map", some([2, 2])), ("out-surface", some([6, 6])),
          ("out-signed-distance", some([9])), ("out-text", some([4])), ("out-frames", some([3, 2, 2, 4])),
          ("out-boxes", some([3, 4])), ("out-box-scores", some([3, 2])), ("out-voxels", some([3, 3, 3])),
          ("out-voxel-logits", some([3, 3, 3, 2])), ("out-joints", some([4, 3])), ("out-pose", some([3, 4])),
          ("out-direction", some([3])), ("out-likelihood", some([2])), ("out-episode", some([2])),
          ("out-scores", some([6])), ("out-attention", some([2, 4, 4])), ("out-masks", some([3, 2, 2])),
          ("out-mask-scores", some([3, 3])), ("parts", counts([5], below: 4)), ("out-part-logits", some([5, 4])),
          ("out-task-logits", some([3, 3])), ("out-surfaces", some([2, 6, 6])), ("out-ray-depth", some([7, 4])),
          ("out-spread", some([1])), ("rival", some([2, 2])), ("out-score", some([1])),
        ]
      }
      let train = columns(40)
      let kinds: [String: FieldKind] = [
        "label": .category(classes: Array(classNames.prefix(3))), "instance": .identity(count: 7),
        "mask": .labelMap(height: 4, width: 4, classes: ["background", "a", "b"]),
        "instances": .image(height: 4, width: 4, channels: 1),
        "masks": .frames(count: 3, height: 4, width: 4, channels: 1),
        "target": .image(height: 12, width: 16, channels: 3), "image": .image(height: 8, width: 8, channels: 3),
      ]
      let fields = train.map { name, values -> FieldSpec in
        let isInput = ["x", "places", "image"].contains(name) || name.hasPrefix("out-")
        guard case .reals(let x) = values else { return FieldSpec(name, kinds[name] ?? .text, isLabel: !isInput) }
        return FieldSpec(name, .real(shape: x.shape.dropping(0), unit: "1"), isLabel: !isInput)
      }
      return FakeData(fields, [.train: train, .test: columns(30)])
    }

    /// Options that protocols need, or that make them quick.
    private let options: [String: [(String, String)]] = [
      "knn/v1": [("k", "[5, 3]")], "ridge-probe/v1": [("target", "factor")], "mlp-probe/v1": [("epochs", "2")],
      "low-label-probe/v1": [("per-class", "4"), ("draws", "2")], "fine-tune/v1": [("steps", "3"), ("batch", "8")],
      "few-shot/v1": [("ways", "3"), ("queries", "4"), ("episodes", "5")],
      "localization/v1": [("region", "mask"), ("classes", "[a, b]")],
      "novelty/v1": [("known", "[class0, class1]"), ("k", "3")], "pose/v1": [("clusters", "3")],
      "detection/v1": [("scores", "box-scores")], "hallucination/v1": [("names", "[class0, class1]")],
      "correspondence/v1": [("pairs", "10")], "verification/v1": [("pairs", "200")],
      "view-agreement/v1": [("to", "text")], "instance-segmentation/v1": [("scores", "mask-scores")],
      "panoptic-segmentation/v1": [("scores", "mask-scores"), ("confidence", "0.3")],
      "view-correspondence/v1": [("output", "score"), ("swap", "out-score"), ("match", "label")],
      "sounding-object/v1": [("sound", "out-map"), ("pixels", "1")],
      "knn-groups/v1": [("group", "label"), ("groups", "[class0, class1]"), ("k", "3")],
    ]

    @Test func protocolsHaveVersionedNamesOfTheirOwn() {
      let ids = evaluations.map { $0.card.id }
      #expect(Set(["knn/v1", "linear-probe/v1", "linear-segmentation/v1", "retrieval/v1"]).isSubset(of: ids))
      #expect(Set(ids).count == ids.count)
      for evaluation in evaluations {
        let names = evaluation.card.measurements.map(\.name)
        #expect(!names.isEmpty && Set(names).count == names.count)
        #expect(evaluation.card.source.contains("20") || evaluation.card.source.contains("19"))  // a year
        let parts = evaluation.card.id.split(separator: "/")
        #expect(parts.count == 2 && isIdentifier(parts[0]) && parts[1].wholeMatch(of: /v[1-9][0-9]*/) != nil)
        #expect(names.allSatisfy { isIdentifier($0) })
      }
    }

    @Test func everyProtocolStandsOnThePageOfEvaluations() throws {
      // This file is <package>/Tests/EvaluationsTests/EvaluationContractTests.swift.
      let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
      let page = String(
        decoding: try SafeFile.read(parts.joined(separator: "/") + "/docs/evaluations.md"), as: UTF8.self)
      for evaluation in evaluations { #expect(page.contains("`\(evaluation.card.id)`"), "\(evaluation.card.id)") }
    }

    @Test func protocolsMeasureExactlyWhatTheyAnnounceInTheSameBitsEachTime() throws {
      func check(_ type: (some Evaluation).Type) throws {
        let evaluation = try make(type, options[type.card.id] ?? [])
        let data = world()
        try evaluation.check(data.spec)
        try evaluation.check(encoderOf: EvaluationSubject(encoder: AbleEncoder(width: 4), data: data))
        let runs = try (0..<2).map { _ in
          try evaluation.measure(
            EvaluationSubject(encoder: AbleEncoder(width: 4), data: data), random: RandomStream(seed: 9))
        }
        #expect(runs[0].map(\.name) == evaluation.measurements.map(\.name), "\(type.card.id)")
        #expect(runs[0].map(\.value.bitPattern) == runs[1].map(\.value.bitPattern), "\(type.card.id)")
        #expect(runs[0].allSatisfy { $0.value.isFinite }, "\(type.card.id)")
        let names = evaluation.measurements.map(\.name)
        #expect(Set(names).count == names.count)
      }
      for evaluation in evaluations { try check(evaluation) }
    }

    @Test func protocolsGiveTheSameBitsForAnyThreads() throws {
      func values(_ type: (some Evaluation).Type, _ data: FakeData) throws -> [Double] {
        try make(type, options[type.card.id] ?? [])
          .measure(EvaluationSubject(encoder: AbleEncoder(width: 4), data: data), random: RandomStream(seed: 9))
          .map(\.value)
      }
      let data = world()
      try expectSameBits { try evaluations.flatMap { try values($0, data) } }
    }

    @Test func methodsWithoutWhatAProtocolNeedsAreRefusedBeforeTraining() throws {
      let bare = EvaluationSubject(encoder: FakeEncoder(), data: classWorld(train: 20, test: 20, classes: 2, width: 4))
      func refusal(_ type: (some Evaluation).Type) -> String {
        message { try make(type, options[type.card.id] ?? []).check(encoderOf: bare) }
      }
      #expect(
        refusal(Prediction.self)
          == "prediction/v1: the method gives no output 'logits'; its outputs are none, expected a "
          + "method with output 'logits'; leave prediction/v1 out for this method, or name another output")
      #expect(refusal(FineTune.self).contains("fine-tune/v1: the method offers no network that can be trained further"))
      #expect(refusal(ZeroShot.self).contains("zero-shot/v1: the method reads no text"))
      #expect(refusal(CrossRetrieval.self).contains("no output 'text'"))
      for type in [Normals.card.id, Flow.card.id, Surface.card.id, SignedDistance.card.id] {
        #expect(evaluations.contains { $0.card.id == type && refusal($0).contains("the method gives no output") })
      }
      // What exists has another shape.
      let odd = EvaluationSubject(
        encoder: FakeEncoder(),
        data: table(
          outputs: [("depth", .ones([3, 5])), ("logits", .ones([3, 4]))],
          labels: [("label", .category(classes: ["a", "b"]), .integers([0, 1, 0]))]))
      #expect(
        message { try make(Depth.self).check(encoderOf: odd) }
          == "depth/v1: output 'depth' has the shape [5] for a sample, expected [rows, columns]")
      #expect(
        message { try make(Prediction.self).check(encoderOf: odd) }.contains("has 4 scores, column 'label' 2 classes"))
      #expect(
        message { try make(LogisticProbe.self, [("features", "depht")]).check(encoderOf: odd) }
          .contains("the method gives no output 'depht'; its outputs are 'depth', 'logits'"))
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
      spec.fields = Array(spec.fields.prefix(5))
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
