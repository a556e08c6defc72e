import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct ProbeProtocolTests {
    /// One test label in eight is wrong, features name the class: every probe reaches exactly 7/8.
    private let honest = classWorld(train: 400, test: 200, width: 10, signal: 1, noise: 0.01) { labels in
      labels.enumerated().map { i, label in i % 8 == 0 ? (label + 1) % 10 : label }
    }
    private let blind = classWorld(train: 1000, test: 1000, signal: 0)
    private let hard = classWorld(train: 600, test: 400, classes: 4, width: 6, signal: 1, noise: 1)

    @Test func featuresThatNameTheClassGiveTheFractionOfHonestLabels() throws {
      #expect(try make(LogisticProbe.self).values(honest)["top1"] == 0.875)
      #expect(try make(MLPProbe.self).values(honest)["top1"] == 0.875)
      let few = try make(LowLabelProbe.self, [("per-class", "2"), ("draws", "3")]).values(honest)
      #expect(few["top1"] == 0.875 && few["spread"] == 0)
    }

    @Test func pooledSplitsTrainOnSomeOfEachClassAndTestOnAllOthers() throws {
      let task = ClassTask.Options(label: "label", features: FeatureSource("global"))
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: hard)
      let pool = ClassTask(
        joining: try [Split.train, .test].map { try ClassTask(subject, $0, task, for: "test") })
      #expect(pool.count == 1000)
      let probe = try make(PooledProbe.self, [("per-class", "7")])
      let (train, test) = try probe.parts(of: pool, RandomStream(seed: 3))
      #expect(train.count == 28 && test.count == 972)
      #expect((0..<4).allSatisfy { c in train.labels.count { $0 == c } == 7 })
      // Together they are the pool: the sums of all features agree.
      let sum = Double(train.x.sum().item) + Double(test.x.sum().item)
      #expect(abs(sum - Double(pool.x.sum().item)) < 1e-2)
      let found = try make(PooledProbe.self, [("per-class", "20"), ("draws", "2")]).values(hard)
      #expect((found["top1"] ?? 0) > 0.4 && (found["spread"] ?? 0) > 0)
      #expect(throws: (any Error).self) { try make(PooledProbe.self, [("per-class", "400")]).values(hard) }
    }

    @Test func featuresWithoutTheClassGiveChance() throws {
      for value in [
        try make(LogisticProbe.self).values(blind)["top1"],
        try make(MLPProbe.self, [("epochs", "3")]).values(blind)["top1"],
        try make(LowLabelProbe.self).values(blind)["top1"],
      ] {
        #expect(abs((value ?? 1) - 0.1) < 4 * sqrt(0.1 * 0.9 / 1000))
      }
      let chance = try make(LogisticProbe.self).values(blind)["auroc"] ?? 0
      #expect(abs(chance - 0.5) < 0.04)
    }

    @Test func probesReachTheBestPossibleAccuracyOfNoisyClasses() throws {
      // Four unit vectors plus noise: the best rule is the largest coordinate.
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: hard)
      let test = try subject.labelled(.test)
      let best = accuracy(test.features.global.slice(1, 0..<4).argmax().values, test.labels.integers())
      for found in [
        try make(LogisticProbe.self).values(hard)["top1"], try make(MLPProbe.self).values(hard)["top1"],
      ] { #expect(abs((found ?? 0) - best) < 0.04) }
    }

    @Test func thePenaltyThatGeneralisesIsChosen() throws {
      // As many features of noise as samples: a strong penalty is better than none.
      let data = classWorld(train: 600, test: 10, classes: 3, width: 500, signal: 2, noise: 1)
      let train = try ClassTask(
        EvaluationSubject(encoder: FakeEncoder(), data: data), .train,
        options([]) { s throws(ReproError) in try ClassTask.Options(&s) },
        for: "test")
      for strengths in [[1000, 0.01], [0.01, 1000]] {
        #expect(PenalizedHead(train, strengths: strengths, random: RandomStream(seed: 1)).strength == 0.01)
      }
    }

    @Test func ridgeFindsALinearFactorAndNoOther() throws {
      var stream = RandomStream(seed: 3)
      let x = stream.normal([200, 5])
      let factor = matmul(x, stream.normal([5, 2])) + 3
      func world(_ target: Tensor) -> FakeData {
        table(inputs: [("x", x)], labels: [("factor", .real(shape: [2], unit: "1"), .reals(target))])
      }
      let found = try make(RidgeProbe.self, [("target", "factor")]).values(world(factor))
      #expect((found["r2"] ?? 0) > 0.9999 && (found["rmse"] ?? 1) < 0.01)
      let noise = try make(RidgeProbe.self, [("target", "factor")]).values(world(stream.normal([200, 2])))
      #expect((noise["r2"] ?? 1) < 0.1)
      #expect(
        message { try make(RidgeProbe.self, [("target", "x")]).check(blind.spec) }
          == "no error")
      #expect(
        message { try make(RidgeProbe.self, [("target", "label")]).check(blind.spec) }.contains(
          "ridge-probe/v1: column 'label' is 10 categories"))
      #expect(message { _ = try make(RidgeProbe.self) }.contains("has no 'target'"))
    }

    @Test func episodesOfOneShotAreTheNearestExample() throws {
      let protocolUnderTest = try make(
        FewShot.self, [("ways", "3"), ("shots", "1"), ("queries", "4"), ("episodes", "40")])
      let found = try protocolUnderTest.values(hard)
      // The same episodes by hand: the drawn class whose only example is nearest in cosine.
      let test = try EvaluationSubject(encoder: FakeEncoder(), data: hard).labelled(.test)
      let (x, labels) = (rows(test.features.global), test.labels.integers())
      let members = (0..<4).map { c in labels.indices.filter { labels[$0] == c } }
      var values: [Double] = []
      for episode in 0..<40 {
        var stream = RandomStream(seed: 7).child("episode", episode)
        let chosen = Array(stream.permutation(4).prefix(3))
        let drawn = chosen.map { c in stream.permutation(members[c].count).prefix(5).map { members[c][$0] } }
        var right = 0
        for (way, own) in drawn.enumerated() {
          for q in own[1...] {
            let s = drawn.map { cosine(x[$0[0]], x[q]) }
            if s.indices.max(by: { s[$0] < s[$1] }) == way { right += 1 }
          }
        }
        values.append(Double(right) / 12)
      }
      let mean = values.reduce(0, +) / 40
      #expect(abs((found["top1"] ?? 0) - mean) < 1e-12)
      let spread = sqrt(values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 39)
      #expect(abs((found["half-width"] ?? 0) - 1.96 * spread / sqrt(40)) < 1e-12)
      let logistic = try make(FewShot.self, [("ways", "3"), ("head", "logistic"), ("episodes", "20")]).values(honest)
      #expect((logistic["top1"] ?? 0) > 0.7)
    }

    @Test func episodesThatCannotBeDrawnAreRefused() throws {
      #expect(
        message { try make(FewShot.self, [("ways", "11")]).check(blind.spec) }
          == "few-shot/v1: column 'label' has 10 classes, expected at least the 11 of an episode; lower ways")
      let thin = classWorld(train: 10, test: 100)
      #expect(
        message { _ = try make(FewShot.self, [("queries", "10")]).values(thin) }.contains(
          "0 classes of the test split have 11 samples"))
      #expect(message { _ = try make(FewShot.self, [("head", "median")]) }.contains("head is 'median'"))
    }

    @Test func outputsCanStandInForGlobalFeatures() throws {
      let labels = (0..<60).map { $0 % 3 }
      let data = table(
        outputs: [("tokens", IndexTensor(labels).oneHot(6).reshaped([60, 2, 3]))],
        labels: [("label", .category(classes: ["a", "b", "c"]), .integers(labels))])
      #expect(try make(LogisticProbe.self, [("features", "tokens")]).values(data)["top1"] == 1)
      #expect((try make(LogisticProbe.self).values(data)["top1"] ?? 1) < 0.5)
    }

    @Test func fineTuningTrainsTheNetworkAndNotOnlyTheHead() throws {
      // The class is the sign of a product: a linear head on a frozen linear network cannot tell.
      let data = classWorld(train: 400, test: 300, classes: 3, width: 6, signal: 1, noise: 0.6)
      let encoder = AbleEncoder(width: 6)
      let tuned = try make(FineTune.self, [("steps", "150"), ("rates", "[0.01]"), ("batch", "32")])
        .values(data, encoder: encoder)
      let test = try EvaluationSubject(encoder: FakeEncoder(), data: data).labelled(.test)
      let best = accuracy(test.features.global.slice(1, 0..<3).argmax().values, test.labels.integers())
      #expect(abs((tuned["top1"] ?? 0) - best) < 0.05)
      // The state of the method stays as it is.
      #expect(encoder.network.weight.values == IndexTensor(Array(0..<6)).oneHot(6).values)
    }

    @Test func fineTuningOnFewLabelsTakesThatMany() throws {
      let data = classWorld(train: 100, test: 50, classes: 5, width: 5)
      let all = try LabelledInputs(
        EvaluationSubject(encoder: FakeEncoder(), data: data), .train, label: "label", classes: 5, for: "test")
      let few = drawn(3, ofEach: 5, all.labels, random: RandomStream(seed: 1))
      #expect(few.count == 15 && few == few.sorted() && Set(few).count == 15)
      #expect((0..<5).allSatisfy { c in few.count { all.labels[$0] == c } == 3 })
      #expect(
        message { try make(FineTune.self, [("per-class", "30")]).check(data.spec) }.contains(
          "split 'train' has 100 samples, expected at least 150"))
      #expect(!all.inputs.columns.map(\.name).contains("label"))
    }

    @Test func augmentedImagesAreShiftedAndFlippedWholes() {
      // One bright pixel in the middle of 16 x 16: it stays within two places of the middle (or of its mirror image).
      var bytes = [UInt8](repeating: 0, count: 64 * 256)
      for i in 0..<64 { bytes[i * 256 + 8 * 16 + 3] = 200 }
      let images = ImageBatch(count: 64, height: 16, width: 16, channels: 1, bytes: bytes)
      let batch = Batch(indices: Array(0..<64), columns: [("image", .images(images)), ("x", .integers(Array(0..<64)))])
      let moved = flippedAndShifted(batch, random: RandomStream(seed: 1))
      #expect(moved.integers("x") == Array(0..<64))
      let places = (0..<64).compactMap { i in
        moved.images().bytes[(i * 256)..<((i + 1) * 256)].firstIndex(of: 200).map { $0 - i * 256 }
      }
      #expect(places.count == 64)
      #expect(places.allSatisfy { abs($0 / 16 - 8) <= 2 && (abs($0 % 16 - 3) <= 2 || abs($0 % 16 - 12) <= 2) })
      let flipped = places.count { $0 % 16 > 8 }
      #expect(flipped > 16 && flipped < 48 && Set(places).count > 20)
    }

    @Test func predictionsAreTheMethodsOwn() throws {
      let labels = [0, 1, 1, 0, 1]
      func data(_ logits: Tensor) -> FakeData {
        table(outputs: [("logits", logits)], labels: [("label", .category(classes: ["no", "yes"]), .integers(labels))])
      }
      // One number for two classes: three of five are right; of six pairs five are in order.
      let found = try make(Prediction.self).values(data(Tensor([5], [-1, 2, -0.5, 0.5, 1])))
      #expect(found["top1"] == 0.6)
      expectNear(found["auroc"], 5.0 / 6)
      // TP 2, FN 1, FP 1, TN 1.
      expectNear(found["mcc"], 1.0 / 6)
      let two = try make(Prediction.self).values(data(Tensor([5, 2], [3, 2, 0, 2, 0.5, 0, 0, 0.5, 1, 2])))
      #expect(two["top1"] == 0.6)
      expectNear(two["auroc"], 5.0 / 6)
    }

    @Test func headsThatLookAroundAreToldFromThoseThatDoNot() throws {
      // Two pictures of 2 x 2 places; the first head looks at itself, the second everywhere alike.
      let own = IndexTensor([0, 1, 2, 3]).oneHot(4)
      let all = Tensor.full([4, 4], 0.25)
      let found = try make(AttentionDistance.self).values(
        table(outputs: [("attention", stack([stack([own, all]), stack([own, all])]))]))
      let far: Double = (2 + 2.0.squareRoot()) / 4
      expectNear(found["distance"], far / 2, 1e-6)
      expectNear(found["nearest"], 0)
      expectNear(found["farthest"], far, 1e-6)
      let odd = EvaluationSubject(
        encoder: FakeEncoder(), data: table(outputs: [("attention", .ones([1, 2, 3, 3]))]))
      #expect(
        message { try make(AttentionDistance.self).check(encoderOf: odd) }.contains(
          "has 3 places, expected a square number of them; set rows and columns"))
    }

    @Test func clustersOfSeparateClassesAreTheClasses() throws {
      let found = try make(Clustering.self).values(classWorld(train: 1, test: 200, signal: 1, noise: 0.05))
      #expect(found == ["accuracy": 1, "nmi": 1, "ari": 1, "purity": 1])
      let chance = try make(Clustering.self, [("restarts", "2")]).values(classWorld(train: 1, test: 1000, signal: 0))
      #expect(abs(chance["ari"] ?? 1) < 0.01 && (chance["accuracy"] ?? 1) < 0.2)
      #expect(
        message { try make(Clustering.self, [("clusters", "300")]).check(honest.spec) }.contains(
          "split 'test' has 200 samples, expected at least 300"))
    }

    @Test func healthTellsASphereFromAPoint() throws {
      let sphere = try make(Health.self).values(classWorld(train: 1, test: 2000, width: 16, signal: 0))
      #expect((sphere["effective-rank"] ?? 0) > 15.5 && abs((sphere["deviation"] ?? 0) - 1) < 0.02)
      #expect(abs(sphere["cosine"] ?? 1) < 0.01)
      // All samples of one direction.
      let line = try make(Health.self).values(
        classWorld(train: 1, test: 500, width: 16, signal: 0),
        encoder: FakeEncoder(change: { $0.slice(1, 0..<1) * Tensor.ones([16]) }))
      #expect(abs((line["effective-rank"] ?? 0) - 1) < 0.01)
      let point = try make(Health.self).values(
        classWorld(train: 1, test: 500, width: 16, signal: 0), encoder: FakeEncoder(change: { $0 * 0 + 1 }))
      #expect((point["deviation"] ?? 1) < 1e-5 && abs((point["cosine"] ?? 0) - 1) < 1e-5)
      #expect(abs(point["uniformity"] ?? 1) < 1e-4)
    }
  }
}
