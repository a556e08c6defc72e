import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct InstanceRetrievalTests {
    private let random = RandomStream(seed: 0)

    /// A test split with these features and identities.
    private func world(_ x: Tensor, _ identity: [Int]) -> FakeData {
      FakeData(
        [
          FieldSpec("x", .real(shape: [x.shape[1]], unit: "1"), isLabel: false),
          FieldSpec("instance", .identity(count: (identity.max() ?? 0) + 1), isLabel: true),
        ], [.test: [("x", .reals(x)), ("instance", .integers(identity))]])
    }

    private func measured(_ x: Tensor, _ identity: [Int]) throws -> [Double] {
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: world(x, identity))
      return try make(InstanceRetrieval.self).measure(subject, random: random).map(\.value)
    }

    private func ranking(_ scores: [Real], relevant: [Int], query: Int) -> RelevantRanks {
      RelevantRanks(scores: scores, relevant: relevant, excluding: [query])
    }

    @Test func averagePrecisionOfARankingByHand() {
      // Without the query (3) the order is 5, 0, 4, 1, 2: relevant at ranks 1 and 4.
      let first = ranking([0.8, 0.3, 0.1, 1, 0.5, 0.9], relevant: [1, 5], query: 3)
      #expect(abs(first.averagePrecision - (1 + 2.0 / 4) / 2) < 1e-15)
      #expect(first.hits(at: 1))
      // Relevant at ranks 2 and 3 and 5.
      let second = ranking([0.8, 0.3, 0.1, 1, 0.5, 0.9], relevant: [0, 4, 2], query: 3)
      #expect(abs(second.averagePrecision - (1.0 / 2 + 2.0 / 3 + 3.0 / 5) / 3) < 1e-15)
      #expect(!second.hits(at: 1))
    }

    @Test func equalSimilaritiesRankByIndex() {
      let scores = [Real](repeating: 0.5, count: 5)
      #expect(ranking(scores, relevant: [1], query: 0).averagePrecision == 1)
      #expect(ranking(scores, relevant: [4], query: 0).averagePrecision == 0.25)
      #expect(abs(ranking(scores, relevant: [2, 4], query: 0).averagePrecision - (1.0 / 2 + 2.0 / 4) / 2) < 1e-15)
    }

    @Test func agreesWithTheDefinition() throws {
      var stream = RandomStream(seed: 5)
      let identity = (0..<180).map { _ in stream.integer(below: 40) }
      let x = stream.normal([180, 8]) + Tensor.full([180], 1.5).placed(IndexTensor(identity.map { $0 % 8 }), of: 8)
      // The same by a full sort of every gallery.
      let features = rows(x)
      var (precisions, first): ([Double], Int) = ([], 0)
      for q in features.indices {
        let near: [Double] = features.map { cosine(features[q], $0) }
        let gallery: [Int] = features.indices.filter { $0 != q }.sorted { i, j in
          near[i] > near[j] || (near[i] == near[j] && i < j)
        }
        let hits = gallery.map { identity[$0] == identity[q] }
        guard hits.contains(true) else { continue }
        var (found, sum) = (0, 0.0)
        for (rank, hit) in hits.enumerated() where hit {
          found += 1
          sum += Double(found) / Double(rank + 1)
        }
        precisions.append(sum / Double(found))
        first += hits[0] ? 1 : 0
      }
      let n = Double(precisions.count)
      let values = try measured(x, identity)
      #expect(abs(values[0] - precisions.reduce(0, +) / n) < 1e-12)
      #expect(values[1] == Double(first) / n)
      #expect(values[2] == 180 - n)
    }

    @Test func featuresThatNameTheIndividualRetrieveAllAndLonersAreLeftOut() throws {
      let identity = (0..<50).map { $0 % 10 } + [10, 11, 12]
      let x = Tensor.ones([53]).placed(IndexTensor(identity), of: 13)
      #expect(try measured(x, identity) == [1, 1, 3])
    }

    @Test func featuresWithoutTheIndividualGiveChance() throws {
      // Of N other samples R are relevant: E[AP] = (H_N + (R - 1) / (N - 1) (N - H_N)) / N, by linearity over ranks.
      var stream = RandomStream(seed: 6)
      let values = try measured(stream.normal([600, 32]), (0..<600).map { $0 % 60 })
      let (n, r) = (599.0, 9.0)
      let harmonic = (1...599).reduce(0) { $0 + 1 / Double($1) }
      let expected = (harmonic + (r - 1) / (n - 1) * (n - harmonic)) / n
      #expect(abs(values[0] - expected) < 0.004)
      #expect(values[1] < 0.04)
      #expect(values[2] == 0)
    }

    @Test func aSplitWithoutAnyPairIsRefused() {
      #expect(
        message { _ = try measured(Tensor.ones([4, 2]), [0, 1, 2, 3]) }
          == "retrieval/v1: no two of 4 test samples have the same 'instance', expected several views of each "
          + "individual; take more test samples, or fewer individuals")
    }

    @Test func bitsDoNotDependOnThreads() throws {
      var stream = RandomStream(seed: 7)
      let x = stream.normal([1500, 96])
      let identity = (0..<1500).map { $0 % 300 }
      expectSameBits { rankings(of: x, identity).compactMap { $0?.averagePrecision } }
    }
  }
}
