import Glibc
import ReproTensor
import TestSupport
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct TextMetricTests {
    /// The random corpus of the vectors: words are numbers, -1 fills up.
    private func corpus(_ v: MetricVectors) throws -> [CaptionPair] {
      let candidates = try v.tensor("text/candidates")
      let references = try v.tensor("text/references")
      func words(_ x: Tensor) -> [String] { x.values.filter { $0 >= 0 }.map { "w\(Int($0))" } }
      return (0..<candidates.shape[0]).map { i in
        CaptionPair(
          candidate: words(candidates.select(0, i)),
          references: (0..<3).map { words(references.select(0, i).select(0, $0)) })
      }
    }

    @Test func captionsAgreeWithTheSecondImplementation() throws {
      let v = try MetricVectors()
      let pairs = try corpus(v)
      let expected = try v.doubles("text/expected")
      for n in 1...4 { expectNear(bleu(pairs, order: n), expected[n - 1], 1e-12, "BLEU-\(n) (Python)") }
      expectNear(ciderD(pairs), expected[4], 1e-12, "CIDEr-D (Python)")
      let rouge = pairs.reduce(0.0) { $0 + rougeL($1) } / Double(pairs.count)
      expectNear(rouge, expected[5], 1e-12, "ROUGE-L (all subsequences, Python)")
    }

    @Test func captionsByHand() {
      // The example of Papineni et al.: "the" seven times has a clipped unigram precision of 2/7.
      let the = CaptionPair("the the the the the the the", ["The cat is on the mat.", "There is a cat on the mat."])
      expectNear(bleu([the], order: 1), 2.0 / 7)
      #expect(bleu([the]) == 0)
      let same = CaptionPair("a red box on a table", ["a red box on a table"])
      expectNear(bleu([same]), 1)
      // Two of four words, order kept: brevity exp(1 - 4/2), precisions 1 and 1.
      expectNear(bleu([CaptionPair("a red", ["a red box here"])], order: 2), exp(-1))
      let five = CaptionPair("police killed the gunman", ["police kill the gunman"])
      expectNear(rougeL(five, beta: 1), 0.75)  // Lin's example: three of four words in order
      expectNear(rougeL(CaptionPair("the gunman kill police", ["police kill the gunman"]), beta: 1), 0.5)
      #expect(rougeL(CaptionPair("", ["a"])) == 0 && meteorLike(CaptionPair("b", ["a"])) == 0)
      // All six words in one chunk: 1 - 0.5 / 216.
      expectNear(meteorLike(same), 1 - 0.5 / 216)
      // Two of three words match in two chunks: P = 2/3, R = 1.
      let split = CaptionPair("red tall box", ["red box"])
      let f = 10 * (2.0 / 3) / (1 + 9 * 2.0 / 3)
      expectNear(meteorLike(split), f * 0.5)
      #expect(ciderD([same]) == 0)
      // Three words have no run of four.
      expectNear(ciderD([same, CaptionPair("two blue cups", ["two blue cups"])]), (10 + 7.5) / 2)
    }

    @Test func wordsAndDistancesByHand() {
      #expect(words(of: "Don't stop: a 2nd try, 'quoted'!") == ["don't", "stop", "a", "2nd", "try", "quoted"])
      #expect(levenshtein(Array("kitten"), Array("sitting")) == 3)
      #expect(levenshtein([1, 2, 3], [2, 1, 3]) == 2)
      #expect(levenshtein([1, 2, 3], [2, 1, 3], swaps: true) == 1)
      #expect(levenshtein([Int](), [1, 2]) == 2)
      #expect(commonSubsequence(Array("ABCBDAB"), Array("BDCABA")) == 4)
      // By the recursive definition.
      func slow(_ a: ArraySlice<Int>, _ b: ArraySlice<Int>) -> Int {
        guard let x = a.first, let y = b.first else { return max(a.count, b.count) }
        if x == y { return slow(a.dropFirst(), b.dropFirst()) }
        return 1 + min(slow(a.dropFirst(), b), slow(a, b.dropFirst()), slow(a.dropFirst(), b.dropFirst()))
      }
      var stream = RandomStream(seed: 3)
      for _ in 0..<20 {
        let a = (0..<6).map { _ in stream.integer(below: 3) }
        let b = (0..<5).map { _ in stream.integer(below: 3) }
        #expect(levenshtein(a, b) == slow(a[...], b[...]))
      }
    }

    @Test func answersByHand() {
      #expect(exactMatch("The red Box.", ["red box"]) && !exactMatch("red boxes", ["red box"]))
      expectNear(answerF1("a big red box", ["red box"]), 0.8)
      #expect(answerF1("the", ["a"]) == 1 && answerF1("", ["box"]) == 0)
      // Ten people, three say so: leaving one of them out leaves two of three.
      let people = ["two", "two", "two"] + [String](repeating: "three", count: 7)
      expectNear(vqaAccuracy("two", people), (3 * 2.0 / 3 + 7) / 10)
      #expect(vqaAccuracy("three", people) == 1 && vqaAccuracy("four", people) == 0)
      #expect(vqaAccuracy("two", ["two"]) == 1 && vqaAccuracy("one", ["two"]) == 0)
    }

    @Test func inventedObjectsByHand() {
      let found = HallucinatedObjects(
        texts: ["A red ball beside two boxes.", "A traffic light and a ball", "Nothing"],
        shown: [["ball"], ["light", "ball", "cup"], []],
        vocabulary: [("ball", ["sphere"]), ("box", ["crate"]), ("light", ["traffic light"]), ("cup", ["mug"])])
      // Mentions: ball, box | light, ball: one of four is invented, in one of three texts; 3 of 4 shown are said.
      #expect(found.perMention == 0.25 && found.perText == 1.0 / 3 && found.coverage == 0.75)
      let polling = ObjectPolling(answers: [true, true, false, true], truth: [true, false, false, true])
      #expect(polling.accuracy == 0.75 && polling.recall == 1 && polling.yesShare == 0.75)
      expectNear(polling.precision, 2.0 / 3)
      expectNear(polling.f1, 0.8)
    }

    @Test func perplexityOfAUniformModelIsItsVocabulary() {
      expectNear(perplexity([Double](repeating: -log(7), count: 5)), 7)
      expectNear(perplexity(logits: .zeros([4, 6]), tokens: [1, -1, 5, 0]), 6, 1e-9)
      // Half a bit here, two bits there.
      expectNear(perplexity([-log(2), -log(8)]), 4)
    }
  }
}
