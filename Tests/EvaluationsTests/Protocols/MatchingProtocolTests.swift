import Glibc
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct MatchingProtocolTests {
    /// Forty samples of eight classes; view `b` is view `a` plus noise.
    private func views(noise: Real) -> FakeData {
      var stream = RandomStream(seed: 2)
      let a = stream.normal([40, 12])
      return table(
        inputs: [("x", a)], outputs: [("b", a + stream.normal([40, 12], deviation: noise)), ("c", .ones([40, 5]))],
        labels: [
          ("label", .category(classes: Array(classNames.prefix(8))), .integers((0..<40).map { $0 % 8 })),
          ("caption", .text, .texts((0..<40).map { "class \($0 % 8)" })),
        ])
    }

    @Test func pairsAreFoundByTheirOtherView() throws {
      let exact = try make(CrossRetrieval.self, [("to", "b")]).values(views(noise: 0))
      #expect(
        exact["r1"] == 1 && exact["map"] == 1 && exact["mrr"] == 1 && exact["median-rank"] == 1 && exact["ndcg10"] == 1)
      // Noisy views, by definition.
      let data = views(noise: 2)
      let found = try make(CrossRetrieval.self, [("to", "b"), ("k", "[1, 3]"), ("ndcg", "[2, 40]")]).values(data)
      let all = try data.batch(Array(0..<40), of: .test)
      guard case .reals(let a) = all["x"], case .reals(let b) = all["out-b"] else { return }
      let (p, q) = (rows(a), rows(b))
      let ranks = p.indices.map { i in
        q.indices.count { cosine(p[i], q[$0]) > cosine(p[i], q[i]) }
      }
      expectNear(found["r1"], Double(ranks.count { $0 < 1 }) / 40)
      expectNear(found["r3"], Double(ranks.count { $0 < 3 }) / 40)
      expectNear(found["mrr"], ranks.reduce(0.0) { $0 + 1 / Double($1 + 1) } / 40)
      expectNear(found["ndcg40"], ranks.reduce(0.0) { $0 + 1 / log2(Double($1 + 2)) } / 40)
      expectNear(found["ndcg2"], ranks.reduce(0.0) { $0 + ($1 < 2 ? 1 / log2(Double($1 + 2)) : 0) } / 40)
      #expect((found["r1"] ?? 1) < 1 && (found["r3"] ?? 0) > 0.2)
    }

    @Test func labelsDecideWhatIsRelevantAndQueriesLeaveTheirOwnView() throws {
      let data = views(noise: 2)
      let cross = try make(CrossRetrieval.self, [("to", "b"), ("match", "label")]).values(data)
      let within = try make(CrossRetrieval.self, [("to", "global"), ("match", "label")]).values(data)
      let all = try data.batch(Array(0..<40), of: .test)
      guard case .reals(let a) = all["x"], case .reals(let b) = all["out-b"] else { return }
      func precision(_ p: [[Double]], _ q: [[Double]], leavesOwn: Bool) -> Double {
        let values = p.indices.map { i -> Double in
          let near: [Double] = q.map { cosine(p[i], $0) }
          let order = q.indices.filter { !leavesOwn || $0 != i }.sorted { near[$0] > near[$1] }
          let hits = order.indices.filter { order[$0] % 8 == i % 8 }
          return hits.enumerated().reduce(0.0) { $0 + Double($1.offset + 1) / Double($1.element + 1) }
            / Double(hits.count)
        }
        return values.reduce(0, +) / 40
      }
      expectNear(cross["map"], precision(rows(a), rows(b), leavesOwn: false))
      expectNear(within["map"], precision(rows(a), rows(a), leavesOwn: true))
    }

    @Test func textsAreReadByTheTextTower() throws {
      let labels = (0..<24).map { $0 % 8 }
      let data = table(
        inputs: [("x", IndexTensor(labels).oneHot(12))],
        labels: [
          ("label", .category(classes: (0..<8).map { "kind-\($0)" }), .integers(labels)),
          ("caption", .text, .texts(labels.map { "this is \($0)" })),
        ])
      let encoder = AbleEncoder(width: 12)
      let found = try make(CrossRetrieval.self, [("to", "caption"), ("match", "label")]).values(data, encoder: encoder)
      #expect(found["map"] == 1)
      #expect(encoder.texts.all.count == 24)
      let zero = AbleEncoder(width: 12)
      #expect(try make(ZeroShot.self).values(data, encoder: zero)["top1"] == 1)
      #expect(zero.texts.all == (0..<8).map { "a photo of a kind \($0)." })
    }

    @Test func promptsAreAveragedOnTheSphere() throws {
      // Class "1" is told by its digit in one template and by the last vector in the other.
      let data = table(
        inputs: [("x", Tensor([2, 4], [1, 0, 0, 0, 0, 1, 0, 0.5]))],
        labels: [("label", .category(classes: ["0", "1"]), .integers([0, 1]))])
      let encoder = AbleEncoder(width: 4)
      let zero = try make(ZeroShot.self, [("templates", "[{}, nothing{}]"), ("names", "[7, 1]")])
      #expect(zero.templates == ["{}", "nothing{}"] && zero.names == ["7", "1"])
      _ = try zero.values(data, encoder: encoder)
      #expect(encoder.texts.all == ["7", "nothing7", "1", "nothing1"])
      #expect(
        message { _ = try make(ZeroShot.self, [("templates", "[a photo]")]) }
          == "test.yaml:1:1: the template 'aphoto' has no place for the name, expected a text with {}")
      #expect(
        message { try make(ZeroShot.self, [("names", "[a]")]).check(data.spec) }
          == "zero-shot/v1: 1 names for the 2 classes of 'label', expected one for each class")
      #expect(
        message { _ = try make(ZeroShot.self).values(data, encoder: AbleEncoder(width: 5)) }.contains(
          "'global' has 4 features and texts have 5"))
    }

    @Test func pairsOfTwoColumnsAreToldByPromptsThatNameBoth() throws {
      // Pair (a, b) is told by the digit 3 a + b, the last one of its prompt.
      let (first, second) = ([0, 1, 1, 0], [2, 0, 2, 1])
      let data = table(
        inputs: [("x", IndexTensor(zip(first, second).map { 3 * $0 + $1 }).oneHot(6))],
        labels: [
          ("label", .category(classes: ["0", "1"]), .integers(first)),
          ("texture", .category(classes: ["0", "1", "2"]), .integers(second)),
        ])
      struct PairEncoder: TextEncoder {
        let base = FakeEncoder()
        let seen = Log<String>()
        func features(of batch: Batch) throws -> Features { try base.features(of: batch) }
        func features(of texts: [String]) throws -> Tensor {
          for text in texts { seen.add(text) }
          let digits = texts.map { $0.compactMap(\.wholeNumberValue) }
          return IndexTensor(digits.map { 3 * $0[1] + $0[0] }).oneHot(6)  // the texture is named first
        }
      }
      let encoder = PairEncoder()
      let zero = try make(ZeroShot.self, [("with", "texture"), ("templates", "[{with}of{}]")])
      #expect(try zero.values(data, encoder: encoder)["top1"] == 1)
      #expect(encoder.seen.all == ["0of0", "1of0", "2of0", "0of1", "1of1", "2of1"])
      // One texture taken for another is an error of the pair.
      let shown = FakeEncoder(change: { x in x.gathered(IndexTensor([1, 1, 2, 3])) })
      struct Mistaken: TextEncoder {
        let inner: PairEncoder, shown: FakeEncoder
        func features(of batch: Batch) throws -> Features { try shown.features(of: batch) }
        func features(of texts: [String]) throws -> Tensor { try inner.features(of: texts) }
      }
      #expect(try zero.values(data, encoder: Mistaken(inner: encoder, shown: shown))["top1"] == 0.75)
      #expect(
        message { _ = try make(ZeroShot.self, [("with", "texture")]) }.contains("has no place for the second name"))
      #expect(
        message { _ = try make(ZeroShot.self, [("templates", "[{with}of{}]")]) }.contains("there is no second column"))
      #expect(
        message { try make(ZeroShot.self, [("with", "shape"), ("templates", "[{with}{}]")]).check(data.spec) }.contains(
          "no column 'shape'"))
    }

    @Test func theZeroShotConfusionShowsWhatIsTakenForWhich() throws {
      let labels = [0, 0, 1, 1]
      let data = table(
        inputs: [("x", IndexTensor([0, 1, 1, 1]).oneHot(2))],
        labels: [("label", .category(classes: ["kind 0", "kind 1"]), .integers(labels))])
      let subject = EvaluationSubject(encoder: AbleEncoder(width: 2), data: data)
      let pictures = try make(ZeroShot.self).pictures(
        PictureContext(data: data, subject: subject, random: RandomStream(seed: 1)))
      #expect(pictures.map(\.name) == ["zero-shot-label"])
      guard case .matrix(let matrix) = pictures.first?.content else {
        Issue.record("no matrix")
        return
      }
      #expect(matrix.values == [[0.5, 0.5], [0, 1]] && matrix.rows == ["kind 0", "kind 1"])
      #expect(pictures[0].alternative.contains("of 4 test pictures, 3 are nearest"))
    }

    @Test func viewsOfDifferentSpacesAndSearchesAmongThemselvesAreRefused() throws {
      #expect(
        message { _ = try make(CrossRetrieval.self, [("to", "c")]).values(views(noise: 0)) }
          == "cross-retrieval/v1: 'global' has 12 features and 'c' 5, expected vectors of one space")
      #expect(
        message { try make(CrossRetrieval.self, [("to", "global")]).check(views(noise: 0).spec) }.contains(
          "'global' is searched among itself with match: pair"))
      #expect(
        message { _ = try make(CrossRetrieval.self, [("k", "[5, 5]")]) }
          == "test.yaml:1:1: evaluate[0].k is [5, 5], expected different numbers, at least one")
      #expect(
        message { _ = try make(CrossRetrieval.self, [("to", "caption")]).values(views(noise: 0)) }.contains(
          "the method reads no text"))
    }

    @Test func agreementOfViewsIsThatOfAllPairs() throws {
      let data = views(noise: 1)
      let found = try make(ViewAgreement.self, [("to", "b")]).values(data)
      let all = try data.batch(Array(0..<40), of: .test)
      guard case .reals(let a) = all["x"], case .reals(let b) = all["out-b"] else { return }
      let (p, q) = (rows(a), rows(b))
      var (own, others) = (0.0, 0.0)
      for i in 0..<40 {
        for j in 0..<40 { if i == j { own += cosine(p[i], q[j]) } else { others += cosine(p[i], q[j]) } }
      }
      expectNear(found["cosine-gap"], own / 40 - others / 1560, 1e-6)
      expectNear(found["alignment"], 2 - 2 * own / 40, 1e-5)
      expectNear(found["cka"], linearCKA(a, b))
      #expect(try make(ViewAgreement.self, [("to", "c")]).values(data) == ["alignment": 0, "cka": 0, "cosine-gap": 0])
    }

    @Test func pairsAreVerifiedByAThresholdOfTheTrainingSplit() throws {
      let exact = try make(PairVerification.self, [("to", "b"), ("match", "pair")]).values(views(noise: 0))
      #expect(exact["auc"] == 1 && exact["eer"] == 0 && (exact["accuracy"] ?? 0) > 0.99)
      let none = try make(PairVerification.self, [("match", "instance"), ("pairs", "4000")]).values(
        classWorld(train: 400, test: 400, signal: 0))
      #expect(abs((none["auc"] ?? 0) - 0.5) < 0.03 && abs((none["eer"] ?? 0) - 0.5) < 0.03)
      let some = try make(PairVerification.self).values(classWorld(train: 300, test: 300, signal: 2))
      #expect((some["auc"] ?? 0) > 0.6 && (some["accuracy"] ?? 0) > 0.55)
      let lonely = classWorld(train: 10, test: 10)
      #expect(
        message { _ = try make(PairVerification.self).values(lonely) }
          == "verification/v1: split 'train' has no pairs of both kinds by 'instance', expected samples that match and "
          + "samples that do not")
    }
  }
}
