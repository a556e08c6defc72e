import Glibc
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct StructureProtocolTests {
    @Test func equalVotesAreCountedByDefinition() throws {
      let data = classWorld(train: 200, test: 90, width: 12, signal: 1)
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: data)
      let (train, test) = (try subject.labelled(.train), try subject.labelled(.test))
      let (a, b) = (rows(train.features.global), rows(test.features.global))
      func expected(_ k: Int, _ far: ([Double], [Double]) -> Double) -> Double {
        let right = b.indices.count { i in
          let distances: [Double] = a.map { far($0, b[i]) }
          let near: [Int] = a.indices.sorted { p, q in
            distances[p] < distances[q] || (distances[p] == distances[q] && p < q)
          }
          var votes = [Int](repeating: 0, count: 10)
          for j in near.prefix(k) { votes[train.labels.integers()[j]] += 1 }
          return votes.firstIndex(of: votes.max() ?? 0) == test.labels.integers()[i]
        }
        return Double(right) / 90
      }
      let found = try make(PlainKNN.self, [("k", "[7, 1]")]).values(data)
      #expect(found == ["top1": expected(7) { -cosine($0, $1) }, "top1-k1": expected(1) { -cosine($0, $1) }])
      let euclidean = try make(PlainKNN.self, [("distance", "euclidean"), ("k", "4")]).values(data)
      #expect(euclidean["top1"] == expected(4) { zip($0, $1).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } })
    }

    @Test func calibrationIsThatOfTheMethodsLogits() throws {
      // Always sure of class 0 with odds of three to one, right in one of two cases.
      let logits = Tensor([8, 2], (0..<16).map { $0 % 2 == 0 ? Real(log(3.0)) : 0 })
      let data = table(
        outputs: [("logits", logits)],
        labels: [("label", .category(classes: ["a", "b"]), .integers([0, 1, 0, 1, 0, 1, 0, 1]))])
      let found = try make(CalibrationProtocol.self).values(data)
      expectNear(found["ece"], 0.25, 1e-6)
      expectNear(found["brier"], (2 * 0.0625 + 2 * 0.5625) / 2, 1e-6)
      expectNear(found["nll"], -(log(0.75) + log(0.25)) / 2, 1e-6)
      // Halves are right only for logits of 0: the highest temperature comes near.
      #expect((found["scaled-ece"] ?? 1) < 0.02)
    }

    @Test func unknownClassesAreTold() throws {
      // Classes 0 to 4 are known; features are unit vectors of the class.
      let data = classWorld(train: 300, test: 200, signal: 1, noise: 0.1)
      let known = ("known", "[class0, class1, class2, class3, class4]")
      for score in ["neighbour", "mahalanobis"] {
        let found = try make(Novelty.self, [known, ("score", score)]).values(data)
        #expect((found["auroc"] ?? 0) > 0.999 && (found["fpr95"] ?? 1) < 0.01)
      }
      // The score alone decides: a score of which half is in order.
      let logits = Tensor([4, 2], [3, 0, 1, 0, 2, 0, 0, 0])
      let told = table(
        outputs: [("logits", logits)],
        labels: [("label", .category(classes: ["a", "b"]), .integers([0, 0, 1, 1]))])
      let found = try make(Novelty.self, [("known", "[a]"), ("score", "logit")]).values(told)
      #expect(found["auroc"] == 0.75)
      #expect(
        message { try make(Novelty.self, [("known", "[c]")]).check(told.spec) }
          == "novelty/v1: column 'label' has no class 'c', expected 'a', 'b'")
      #expect(
        message { _ = try make(Novelty.self, [("known", "[a, b]"), ("score", "logit")]).values(told) }.contains(
          "the test split has 4 known samples of 4"))
    }

    /// The mean of each channel is all that this encoder sees.
    private struct Colour: Encoder {
      func features(of batch: Batch) throws -> Features {
        let images = batch.images()
        let size = images.height * images.width
        return Features(
          global: Tensor([images.count, 3]) { out in
            for i in 0..<images.count {
              for c in 0..<3 {
                let sum = (0..<size).reduce(0) { $0 + Int(images.bytes[(i * size + $1) * 3 + c]) }
                out[i * 3 + c] = Real(sum) / Real(size)
              }
            }
          })
      }
    }

    @Test func disturbedPicturesLoseWhatTheEncoderNeeds() throws {
      // The class is the colour, 100 or 156 in the first channel.
      let labels = (0..<60).map { $0 % 2 }
      let bytes = labels.flatMap { label -> [UInt8] in
        (0..<64).flatMap { _ -> [UInt8] in [label == 0 ? 100 : 156, 128, 128] }
      }
      let kind = FieldKind.image(height: 8, width: 8, channels: 3)
      let images = Column.images(ImageBatch(count: 60, height: 8, width: 8, channels: 3, bytes: bytes))
      let columns: [(name: String, values: Column)] = [("image", images), ("label", .integers(labels))]
      let data = FakeData(
        [
          FieldSpec("image", kind, isLabel: false),
          FieldSpec("label", .category(classes: ["dark", "light"]), isLabel: true),
        ], [.train: columns, .test: columns])
      let found = try make(RobustnessProtocol.self).values(data, encoder: Colour())
      #expect(found["clean"] == 1)
      // More light makes the dark ones light: half are wrong.
      #expect((found["worst"] ?? 1) <= 0.75 && (found["accuracy"] ?? 0) > 0.75)
      expectNear(found["drop"], 1 - (found["accuracy"] ?? 0))
      #expect(
        message { try make(RobustnessProtocol.self).check(classWorld(train: 5, test: 5).spec) }.contains(
          "the data set has no input images"))
    }

    @Test func disturbancesDoWhatTheyAreCalled() {
      let bytes = (0..<(16 * 16)).map { UInt8($0 % 16 < 8 ? 50 : 200) }
      let images = ImageBatch(count: 1, height: 16, width: 16, channels: 1, bytes: bytes)
      func disturbed(_ kind: Disturbance, _ strength: Double) -> [Double] {
        kind.applied(
          to: Batch(indices: [0], columns: [("image", .images(images))]), strength: strength,
          random: RandomStream(seed: 1)
        ).images().bytes.map { Double($0) }
      }
      let clean = bytes.map { Double($0) }
      func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
      #expect(disturbed(.light, 0) == clean && disturbed(.contrast, 0) == clean && disturbed(.blur, 0) == clean)
      #expect(disturbed(.light, 0.5) == clean.map { min(255, $0 + 51) })
      #expect(Set(disturbed(.contrast, 1)) == [110, 140])  // 125 -+ 75 / 5
      expectNear(mean(disturbed(.noise, 0.5)), 125, 0.05)
      let square = disturbed(.square, 1)
      #expect(square.count { $0 == 128 } == 64)
      // A blur of radius 2 changes the edge only.
      let blurred = disturbed(.blur, 1)
      #expect(blurred[0] == 50 && blurred[15] == 200 && blurred[7] == 50 + 150 * 0.4)
    }

    @Test func episodesAndLikelihoodsAreSummedUp() throws {
      let control = try make(Control.self).values(
        table(outputs: [("episode", Tensor([4, 2], [0, 0, 10, 1, 1, 0, 3, 1]))]))
      #expect(control == ["return": 3.5, "success": 0.5, "iqm": 2])
      // Two texts of 3 and 1 tokens: 8 bits together.
      let model = try make(LanguageModel.self).values(
        table(outputs: [("likelihood", Tensor([2, 2], [Real(-6 * log(2.0)), 3, Real(-2 * log(2.0)), 1]))]))
      expectNear(model["perplexity"], 4, 1e-6)
      expectNear(model["bits"], 2, 1e-6)
      #expect(
        message {
          try make(Control.self).check(
            encoderOf: EvaluationSubject(encoder: FakeEncoder(), data: table(outputs: [("episode", .ones([2, 3]))])))
        }.contains("output 'episode' has the shape [3] for a sample, expected [2], a return and a success"))
    }

    @Test func recommendationsLeaveOutWhatUsersHaveSeen() throws {
      let scores = Tensor([3, 4], [4, 3, 2, 1, 1, 2, 3, 4, 1, 2, 3, 4])
      let seen = Tensor([3, 4], [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
      let relevant = Tensor([3, 4], [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0])
      let data = table(
        outputs: [("scores", scores)],
        labels: [
          ("relevant", .real(shape: [4], unit: "1"), .reals(relevant)),
          ("seen", .real(shape: [4], unit: "1"), .reals(seen)),
        ])
      // User 0 gets 1 2 3 and wants 2 and 3; user 1 gets 2 1 0 and wants 2; user 2 wants nothing.
      let found = try make(Recommendation.self, [("k", "[1, 2]")]).values(data)
      #expect(found["recall1"] == 0.5 && found["recall2"] == (0.5 + 1) / 2)
      #expect(found["hr1"] == 0.5 && found["hr2"] == 1)
      let second = 1 / log2(3.0)
      let first: Double = second / (1 + second)
      expectNear(found["ndcg2"], (first + 1) / 2)
      expectNear(found["mrr"], 0.75)
      expectNear(found["map"], ((1.0 / 2 + 2.0 / 3) / 2 + 1) / 2)
      #expect(found["coverage"] == 0.75 && found["left-out"] == 1)  // items 1, 2 and 3 lead a list
    }
  }
}
