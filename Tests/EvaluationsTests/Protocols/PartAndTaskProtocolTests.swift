import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct PartAndTaskProtocolTests {
    // MARK: Parts

    private func points(_ logits: Tensor, _ parts: [Real], _ labels: [Int]) -> FakeData {
      table(
        outputs: [("part-logits", logits)],
        labels: [
          ("parts", .real(shape: [4], unit: "1"), .reals(Tensor([labels.count, 4], parts))),
          ("label", .category(classes: ["mug", "table"]), .integers(labels)),
        ])
    }

    @Test func partsAreScoredWithinTheirCategory() throws {
      // Part 3 is never a mug's, however sure its score; the last point of the table is void.
      let predicted = [0, 0, 0, 1, 0, 0, 0, 0, 2, 3, 3, 2]
      let logits = IndexTensor([3, 4], predicted).oneHot(4) + Tensor([4], [0, 0, 0, 0.5])
      let other = IndexTensor([3, 4], [Int](repeating: 3, count: 4) + [Int](repeating: 0, count: 8)).oneHot(4)
      let data = points(logits + other, [0, 0, 1, 1, 0, 0, 0, 0, 2, 2, 3, -1], [0, 0, 1])
      let found = try make(PartSegmentation.self).values(data)
      // The first mug has IoU 2/3 and 1/2; the second no handle, and nobody saw one: 1 and 1; the table 1/2 and 1/2.
      expectNear(found["instance-miou"], (7.0 / 12 + 1 + 0.5) / 3)
      expectNear(found["category-miou"], ((7.0 / 12 + 1) / 2 + 0.5) / 2)
      expectNear(found["accuracy"], 9.0 / 11)
      // As one category all four parts can be predicted.
      let mixed = try make(PartSegmentation.self, [("label", "none")]).values(data)
      #expect(mixed["instance-miou"] == mixed["category-miou"] && mixed["accuracy"] != found["accuracy"])
    }

    @Test func manyObjectsOfPartsAreScoredLikeTheDefinition() throws {
      var stream = RandomStream(seed: 2)
      let (n, perCategory) = (40, 2)
      let labels = (0..<n).map { $0 % 2 }
      let parts = labels.flatMap { c in (0..<4).map { _ in Real(c * perCategory + stream.integer(below: 2)) } }
      let logits = stream.normal([n, 4, 4])
      let found = try make(PartSegmentation.self).values(points(logits, parts, labels))
      let scores = rows(logits)
      var (byCategory, right): ([[Double]], Int) = ([[], []], 0)
      for i in 0..<n {
        let own = [labels[i] * 2, labels[i] * 2 + 1]
        let predicted = (0..<4).map { k in scores[i * 4 + k][own[1]] > scores[i * 4 + k][own[0]] ? own[1] : own[0] }
        let truth = (0..<4).map { Int(parts[i * 4 + $0]) }
        right += zip(predicted, truth).count { $0 == $1 }
        let overlaps = own.map { part -> Double in
          let (a, b) = (Set((0..<4).filter { predicted[$0] == part }), Set((0..<4).filter { truth[$0] == part }))
          return a.union(b).isEmpty ? 1 : Double(a.intersection(b).count) / Double(a.union(b).count)
        }
        byCategory[labels[i]].append((overlaps[0] + overlaps[1]) / 2)
      }
      let means = byCategory.map { $0.reduce(0, +) / Double($0.count) }
      expectNear(found["instance-miou"], (byCategory[0] + byCategory[1]).reduce(0, +) / Double(n))
      expectNear(found["category-miou"], (means[0] + means[1]) / 2)
      expectNear(found["accuracy"], Double(right) / Double(4 * n))
    }

    @Test func partsOfPicturesComeFromSmallerMaps() throws {
      // Left part 0, right part 1, at twice the resolution; the corner is void.
      var bytes = (0..<16).map { UInt8($0 % 4 / 2) }
      bytes[0] = 255
      func data(_ logits: Tensor) -> FakeData {
        table(
          outputs: [("part-logits", logits)],
          labels: [
            (
              "parts", .labelMap(height: 4, width: 4, classes: ["left", "right"]),
              .images(ImageBatch(count: 1, height: 4, width: 4, channels: 1, bytes: bytes))
            )
          ])
      }
      let options = [("label", "none")]
      let good = data(IndexTensor([1, 2, 2], [0, 1, 0, 1]).oneHot(2))
      #expect(
        try make(PartSegmentation.self, options).values(good)
          == ["instance-miou": 1, "category-miou": 1, "accuracy": 1])
      let turned = try make(PartSegmentation.self, options).values(
        data(IndexTensor([1, 2, 2], [1, 0, 1, 0]).oneHot(2)))
      #expect(turned == ["instance-miou": 0, "category-miou": 0, "accuracy": 0])
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: data(.ones([1, 2, 2, 3])))
      #expect(
        message { try make(PartSegmentation.self, options).check(encoderOf: subject) }
          == "part-segmentation/v1: output 'part-logits' has the shape [2, 2, 3] for a sample, expected [rows, columns, 2]"
      )
    }

    @Test func partsThatNobodyCouldKnowAreRefused() throws {
      let logits = Tensor.ones([2, 4, 4])
      #expect(
        message { _ = try make(PartSegmentation.self).values(points(logits, [0, 1, 2, 4, 0, 0, 0, 0], [0, 1])) }
          == "part-segmentation/v1: sample 0 has part 4 in 'parts', expected 0 to 3, or void")
      let good = points(logits, [0, 1, 0, 1, 0, 1, 0, 1], [0, 1])
      let all = try good.batch([0, 1], of: .test).columns
      let few = try good.batch([0], of: .train).columns
      let data = FakeData(good.spec.fields, [.train: few, .test: all])
      #expect(
        message { _ = try make(PartSegmentation.self).values(data) }
          == "part-segmentation/v1: test sample 1 is of 'table', which no training sample is, expected training samples of "
          + "every category")
      #expect(
        message { try make(PartSegmentation.self, [("column", "label")]).check(good.spec) }.contains(
          "expected a part for each point or pixel; name another column: 'parts'"))
    }

    // MARK: Tasks

    private func learner(_ scores: Tensor, _ labels: [Int], classes: Int) -> FakeData {
      table(
        outputs: [("task-logits", scores)],
        labels: [("label", .category(classes: Array(classNames.prefix(classes))), .integers(labels))])
    }

    @Test func whatWasForgottenIsTheDropSinceItsBest() throws {
      // After the first task classes 0 and 1 are told apart; after the second, 0 is taken for 2 and the rest is right.
      let scores: [Real] =
        [0.9, 0.1, 0, 0, 0.4, 0.1, 0.5, 0] + [0.1, 0.9, 0, 0, 0, 0.9, 0, 0.1] + [0.9, 0, 0, 0, 0, 0, 0.9, 0]
        + [0.5, 0.6, 0, 0, 0, 0, 0.1, 0.9]
      let data = learner(Tensor([4, 2, 4], scores), [0, 1, 2, 3], classes: 4)
      #expect(
        try make(ClassIncremental.self).values(data) == [
          "accuracy": 0.75, "incremental": 0.875, "forgetting": 0.5, "backward-transfer": -0.5, "task-accuracy": 1,
        ])
      let subject = EvaluationSubject(
        encoder: FakeEncoder(), data: learner(.ones([4, 3, 4]), [0, 1, 2, 3], classes: 4))
      #expect(
        message { try make(ClassIncremental.self).check(encoderOf: subject) }
          == "continual/v1: output 'task-logits' has the shape [3, 4] for a sample, expected [tasks, 4], tasks of equally "
          + "many classes")
      #expect(
        message { _ = try make(ClassIncremental.self).values(learner(.ones([2, 2, 4]), [0, 1], classes: 4)) }
          == "continual/v1: no test sample is of task 1, expected samples of classes 2 to 3")
    }

    @Test func aLearnerOfThreeTasksIsScoredLikeTheDefinition() throws {
      var stream = RandomStream(seed: 4)
      let labels = (0..<300).map { $0 * 7 % 6 }  // more than a chunk
      let truth = IndexTensor(labels).oneHot(6).expandedAxis(1)
      let scores = stream.normal([300, 3, 6]) + truth * Tensor([3, 1], [1, 2, 0.5])
      let found = try make(ClassIncremental.self).values(learner(scores, labels, classes: 6))
      let all = rows(scores)
      func best(_ row: [Double], _ among: Range<Int>) -> Int { among.max { row[$0] < row[$1] } ?? 0 }
      func accuracy(_ t: Int, _ k: Int) -> Double {
        let own = labels.indices.filter { labels[$0] / 2 == k }
        return Double(own.count { best(all[$0 * 3 + t], 0..<6) == labels[$0] }) / Double(own.count)
      }
      let final = (0..<3).map { accuracy(2, $0) }
      expectNear(found["accuracy"], final.reduce(0, +) / 3)
      let seen = (0..<3).map { t in (0...t).reduce(0.0) { $0 + accuracy(t, $1) } / Double(t + 1) }
      expectNear(found["incremental"], seen.reduce(0, +) / 3)
      let drops = [max(accuracy(0, 0), accuracy(1, 0)) - final[0], accuracy(1, 1) - final[1]]
      expectNear(found["forgetting"], (drops[0] + drops[1]) / 2)
      expectNear(found["backward-transfer"], (final[0] - accuracy(0, 0) + final[1] - accuracy(1, 1)) / 2)
      let told = labels.indices.count { i in
        best(all[i * 3 + 2], (labels[i] / 2 * 2)..<(labels[i] / 2 * 2 + 2)) == labels[i]
      }
      expectNear(found["task-accuracy"], Double(told) / 300)
    }
  }
}
