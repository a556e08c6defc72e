import Glibc
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct WeightedKNNTests {
    private let random = RandomStream(seed: 0)

    private func top1(_ data: FakeData, _ values: [(String, String)] = []) throws -> [Double] {
      try make(WeightedKNN.self, values).measure(EvaluationSubject(encoder: FakeEncoder(), data: data), random: random)
        .map(\.value)
    }

    /// The protocol by its definition: every similarity in Double, a full sort, a vote.
    private func bruteForce(_ data: FakeData, k: Int, temperature: Double, classes: Int) throws -> Double {
      let train = try data.batch(Array(0..<(data.spec.sizes[.train] ?? 0)), of: .train)
      let test = try data.batch(Array(0..<(data.spec.sizes[.test] ?? 0)), of: .test)
      guard case .reals(let a) = train["x"], case .reals(let b) = test["x"] else { return -1 }
      let (gallery, queries) = (rows(a), rows(b))
      var right = 0
      for (i, query) in queries.enumerated() {
        let s = gallery.map { cosine(query, $0) }
        let order = s.indices.sorted { s[$0] > s[$1] || (s[$0] == s[$1] && $0 < $1) }
        var votes = [Double](repeating: 0, count: classes)
        for j in order.prefix(k) { votes[train.integers()[j]] += exp(s[j] / temperature) }
        let best = votes.indices.max { votes[$0] < votes[$1] || (votes[$0] == votes[$1] && $0 > $1) }
        if best == test.integers()[i] { right += 1 }
      }
      return Double(right) / Double(queries.count)
    }

    @Test func aNearNeighbourOutvotesTwoFartherOnesAtLowTemperature() {
      // Similarities 1, 0.9, 0.9: e^(0.1 / 0.07) = 4.2 > 2 > e^(0.1 / 1) = 1.1.
      let far = Real(sqrt(1 - 0.81))
      let near = Neighbours(
        of: Tensor([1, 2], [2, 0]), in: Tensor([3, 2], [0.9, far, 0.9, -far, 5, 0]), k: 3)
      #expect(near.places == [2, 0, 1])
      #expect(abs(Double(near.similarities.values[1]) - 0.9) < 1e-6)
      #expect(near.votes(k: 3, labels: [0, 0, 1], classes: 2, temperature: 0.07) == [1])
      #expect(near.votes(k: 3, labels: [0, 0, 1], classes: 2, temperature: 1) == [0])
    }

    @Test func equalNeighboursComeByIndexAndEqualVotesByClass() {
      let gallery = Tensor([4, 2], [0, 1, 1, 0, 1, 0, 1, 0])
      let near = Neighbours(of: Tensor([1, 2], [1, 0]), in: gallery, k: 2)
      #expect(near.places == [1, 2])
      #expect(near.votes(k: 2, labels: [0, 2, 1, 0], classes: 3, temperature: 0.07) == [1])
    }

    @Test func agreesWithTheDefinition() throws {
      let data = classWorld(train: 307, test: 150, width: 12, signal: 2)
      let measured = try top1(data, [("k", "[7, 1, 20, 307]"), ("temperature", "0.1")])
      let expected = try [7, 1, 20, 307].map { try bruteForce(data, k: $0, temperature: 0.1, classes: 10) }
      #expect(measured == expected)
      #expect(Set(expected).count > 2)  // different k matter here
    }

    @Test func featuresThatNameTheClassGiveTheFractionOfHonestLabels() throws {
      // One test label in eight is wrong.
      let data = classWorld(train: 400, test: 200, signal: 1, noise: 0) { labels in
        labels.enumerated().map { i, label in i % 8 == 0 ? (label + 1) % 10 : label }
      }
      #expect(try top1(data) == [0.875])
    }

    @Test func featuresWithoutTheClassGiveChance() throws {
      let value = try top1(classWorld(train: 2000, test: 2000, signal: 0))[0]
      #expect(abs(value - 0.1) < 4 * sqrt(0.1 * 0.9 / 2000))
    }

    @Test func severalNumbersOfNeighboursHaveNames() throws {
      let knn = try make(WeightedKNN.self, [("k", "[20, 10, 5]")])
      #expect(knn.measurements.map(\.name) == ["top1", "top1-k10", "top1-k5"])
      #expect(try make(WeightedKNN.self, [("k", "3")]).measurements.map(\.name) == ["top1"])
      #expect(try make(WeightedKNN.self).ks == [20])
      #expect(try make(WeightedKNN.self).temperature == 0.07)
      #expect(
        message { _ = try make(WeightedKNN.self, [("k", "[5, 5]")]) }
          == "test.yaml:1:1: evaluate[0].k has 5 twice, expected different numbers")
      #expect(message { _ = try make(WeightedKNN.self, [("k", "[]")]) }.contains("k is empty"))
      #expect(message { _ = try make(WeightedKNN.self, [("k", "0")]) }.contains("'0'"))
    }

    @Test func moreNeighboursThanTrainingSamplesAreRefusedBeforeTheWorkStarts() throws {
      let encoder = FakeEncoder()
      let subject = EvaluationSubject(encoder: encoder, data: classWorld(train: 30, test: 10))
      let knn = try make(WeightedKNN.self, [("k", "[5, 31]")])
      #expect(
        message { _ = try knn.measure(subject, random: random) }
          == "knn/v1: split 'train' has 30 samples, expected at least 31; lower k or take more training samples")
      #expect(encoder.samples == 0)
    }

    @Test func bitsDoNotDependOnThreads() throws {
      let data = classWorld(train: 3000, test: 700, width: 96)
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: data)
      let train = try subject.labelled(.train).features.global
      let test = try subject.labelled(.test).features.global
      expectSameBits {
        let near = Neighbours(of: test, in: train, k: 20)
        return near.similarities.values.map { Double($0) } + near.places.map { Double($0) }
      }
    }
  }
}
