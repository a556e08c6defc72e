import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct LanguageProtocolTests {
    private let captions = ["a red ball on a box", "two blue cups stand here", "one green cone"]

    private func world() -> FakeData {
      table(
        inputs: [("x", .ones([3, 4]))],
        labels: [
          ("caption", .text, .texts(captions)), ("other", .text, .texts(["red ball", "cups", "cone"])),
          ("answer", .text, .texts(["The ball", "two cups", "cone"])),
          ("objects", .real(shape: [3], unit: "1"), .reals(Tensor([3, 3], [1, 0, 1, 0, 1, 0, 0, 0, 0]))),
        ])
    }

    private func writer(_ texts: [String]) -> AbleEncoder {
      var encoder = AbleEncoder(width: 4)
      encoder.write = { texts[$0] }
      return encoder
    }

    @Test func captionsAreScoredLikeTheMetricsSay() throws {
      let same = try make(Captions.self).values(world(), encoder: writer(captions))
      #expect(same["bleu1"] == 1 && same["rouge-l"] == 1)
      let texts = ["a ball on a red box", "blue cups here", "a cone"]
      let found = try make(Captions.self, [("references", "[caption, other]")]).values(world(), encoder: writer(texts))
      let pairs = zip(texts, zip(captions, ["red ball", "cups", "cone"])).map { CaptionPair($0, [$1.0, $1.1]) }
      expectNear(found["cider"], ciderD(pairs))
      expectNear(found["bleu1"], bleu(pairs, order: 1))
      expectNear(found["meteor-like"], pairs.reduce(0) { $0 + meteorLike($1) } / 3)
      #expect((found["cider"] ?? 0) > 0.1)
      #expect(
        message { try make(Captions.self, [("references", "[x]")]).check(world().spec) }.contains(
          "captions/v1: column 'x' is real numbers [4] in 1"))
      #expect(
        message { _ = try make(Captions.self).values(world()) }
          == "captions/v1: the method writes no text, expected a method that is TextGenerating; leave captions/v1 out for "
          + "this method")
    }

    @Test func answersAreComparedWithoutArticles() throws {
      let found = try make(Answers.self).values(world(), encoder: writer(["ball", "two", "a cone"]))
      #expect(found["exact"] == 2.0 / 3 && found["vqa"] == 2.0 / 3)
      expectNear(found["f1"], (1 + 2.0 / 3 + 1) / 3)
    }

    @Test func objectsThatAreNotShownAreCounted() throws {
      let encoder = writer(["a ball and a mug", "cups", "a box"])
      let found = try make(Hallucination.self, [("names", "[ball, cup|mug, box]")]).values(world(), encoder: encoder)
      // Said: ball, cup (not shown) | cup | box (not shown); shown: ball, box, cup, of which ball and cup are said.
      let share: Double = 2.0 / 3
      let expected: [String: Double] = ["per-mention": 0.5, "per-text": share, "coverage": share]
      #expect(found == expected)
      #expect(
        message { try make(Hallucination.self, [("names", "[ball]")]).check(world().spec) }.contains(
          "column 'objects' has the shape [3], expected [1], a number for each name"))
    }

    @Test func similarTextsAreRankedByTheirCosine() throws {
      // The text tower knows the last digit: pairs are alike or not.
      let data = table(
        inputs: [("x", .ones([4, 4]))],
        labels: [
          ("first", .text, .texts(["1", "2", "1", "3"])), ("second", .text, .texts(["1", "1", "2", "3"])),
          ("score", .real(shape: [1], unit: "1"), .reals(Tensor([4, 1], [5, 1, 2, 4]))),
        ])
      let found = try make(TextSimilarity.self).values(data, encoder: AbleEncoder(width: 4))
      expectNear(found["spearman"], spearman([1, 0, 0, 1], [5, 1, 2, 4]) ?? 0)
      expectNear(found["pearson"], pearson([1, 0, 0, 1], [5, 1, 2, 4]) ?? 0)
      // One point for all texts orders nothing.
      let flat = try make(TextSimilarity.self, [("second", "first")]).values(data, encoder: AbleEncoder(width: 4))
      #expect(flat == ["spearman": 0, "pearson": 0])
    }
  }
}
