import Glibc
import ReproTensor
import TestSupport
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct RankTests {
    @Test func aRankingByHand() {
      // Order of items: 2 (0.9), 0 (0.8), 3 (0.5), 1 (0.1); 0 and 1 are relevant: ranks 1 and 3.
      let r = RelevantRanks(scores: [0.8, 0.1, 0.9, 0.5], relevant: [0, 1])
      #expect(r.ranks == [1, 3] && r.items == [0, 1])
      expectNear(r.averagePrecision, (1.0 / 2 + 2.0 / 4) / 2)
      #expect(r.reciprocalRank == 0.5 && !r.hits(at: 1) && r.hits(at: 2))
      #expect(r.recall(at: 3) == 0.5 && r.precision(at: 2) == 0.5)
      expectNear(r.averagePrecision(at: 2), 0.25)
      expectNear(r.ndcg(at: 4), (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3)))
      // Item 0 gains 1, item 1 gains 3: the best order has the 3 first.
      expectNear(r.ndcg(at: 4) { $0 == 1 ? 3 : 1 }, (1 / log2(3) + 3 / log2(5)) / (3 + 1 / log2(3)))
      // Without item 2 all move up; equal scores rank by index.
      #expect(RelevantRanks(scores: [0.8, 0.1, 0.9, 0.5], relevant: [0, 1], excluding: [2]).ranks == [0, 2])
      #expect(RelevantRanks(scores: [1, 1, 1], relevant: [1]).ranks == [1])
      let none = RelevantRanks(scores: [1, 2], relevant: [])
      #expect(
        none.averagePrecision == 0 && none.reciprocalRank == 0 && none.ndcg(at: 2) == 0 && none.recall(at: 1) == 0)
    }

    @Test func rankingsAgreeWithScikitLearnAndWithAFullSort() throws {
      let v = try MetricVectors()
      let (scores, gains) = (try v.tensor("ranking/scores"), try v.integers("ranking/gains"))
      var found: [RelevantRanks] = []
      for i in 0..<12 {
        let row = scores.select(0, i).values
        let own = Array(gains[(i * 40)..<((i + 1) * 40)])
        let relevant = own.indices.filter { own[$0] > 0 }
        let r = RelevantRanks(scores: row, relevant: relevant)
        let order = row.indices.sorted { row[$0] > row[$1] || (row[$0] == row[$1] && $0 < $1) }
        #expect(r.ranks == order.indices.filter { own[order[$0]] > 0 })
        expectNear(
          r.ndcg(at: 10) { Double(own[$0]) }, try v.doubles("ranking/ndcg10")[i], 1e-12, "nDCG@10 (scikit-learn)")
        expectNear(r.averagePrecision, try v.doubles("ranking/ap")[i], 1e-12, "AP of a ranking (scikit-learn)")
        expectNear(
          RelevantRanks(scores: row, relevant: [i]).reciprocalRank, try v.doubles("ranking/rr")[i], 1e-12,
          "reciprocal rank (scikit-learn)")
        found.append(r)
      }
      let all = RetrievalSummary(found.map { $0 } + [nil])
      #expect(all.queries == 12 && all.leftOut == 1)
      let firsts = found.map { Double($0.ranks[0] + 1) }.sorted()
      #expect(all.medianRank == (firsts[5] + firsts[6]) / 2)
      expectNear(all.meanReciprocalRank, firsts.reduce(0) { $0 + 1 / $1 } / 12)
      expectNear(all.recall(at: 3), Double(firsts.count { $0 <= 3 }) / 12)
      expectNear(all.meanRank, firsts.reduce(0, +) / 12)
    }

    @Test func queriesSeeTheirOwnGalleryInAnyOrderOfThreads() {
      var stream = RandomStream(seed: 5)
      let (q, g) = (stream.normal([300, 8]), stream.normal([500, 8]))
      let (a, b) = (rows(q), rows(g))
      expectSameBits {
        let found = relevantRanks(queries: q, gallery: g, excluding: { [$0] }) {
          $0 % 7 == 0 ? [] : [$0 + 1, $0 + 100]
        }
        return found.map { $0.map { Double($0.ranks[0]) } ?? -1 }
      }
      let found = relevantRanks(queries: q, gallery: g) { [$0] }
      for i in stride(from: 0, to: 300, by: 50) {
        let s = b.map { cosine(a[i], $0) }
        #expect(found[i]?.ranks == [s.count { $0 > s[i] }])
      }
    }

    @Test func concentrationOfRecommendationsByHand() {
      #expect(giniCoefficient([1, 1, 1, 1]) == 0)
      #expect(giniCoefficient([0, 0, 0, 4]) == 0.75)
      // Mean absolute difference over twice the mean.
      let x = [3.0, 1, 4, 1, 5]
      let pairs = x.reduce(0.0) { sum, a in sum + x.reduce(0.0) { $0 + abs(a - $1) } }
      expectNear(giniCoefficient(x), pairs / (2 * 5 * 14))
      #expect(catalogueCoverage([[1, 2], [2, 3]], items: 6) == 0.5)
      #expect(median([3, 1, 2]) == 2 && median([4, 1, 2, 3]) == 2.5 && median([]) == nil)
    }

    @Test func roundingIsNoDirection() {
      // A circle of 200 points in a plane of 64 dimensions: two equal singular values and 62 of zero.
      let points: [Float] = (0..<200).flatMap { i in
        let angle = 2 * Double.pi * Double(i) / 200
        return (0..<64).map { j in
          let (u, v) = (cos(0.7 * Double(j)), sin(0.7 * Double(j)))
          return Float(cos(angle) * u + sin(angle) * v)
        }
      }
      let lengths = (0..<64).reduce(into: (0.0, 0.0, 0.0)) { sums, j in
        let (u, v) = (cos(0.7 * Double(j)), sin(0.7 * Double(j)))
        (sums.0, sums.1, sums.2) = (sums.0 + u * u, sums.1 + v * v, sums.2 + u * v)
      }
      // The squares of the singular values are N / 2 times the eigenvalues of [[u u, u v], [u v, v v]].
      let (mean, half) = ((lengths.0 + lengths.1) / 2, (lengths.0 - lengths.1) / 2)
      let root = (half * half + lengths.2 * lengths.2).squareRoot()
      let expected = effectiveRank([(mean + root).squareRoot(), (mean - root).squareRoot()])
      expectNear(rankMe(Tensor([200, 64], points)), expected, 1e-4, "RankMe of a plane")
    }

    @Test func representationsAgreeWithNumpyAndScipy() throws {
      let v = try MetricVectors()
      let (x, y) = (try v.tensor("representation/x"), try v.tensor("representation/y"))
      let expected = try v.doubles("representation/expected")
      let spectrum = covarianceSpectrum(x)
      expectAllNear(spectrum, try v.doubles("representation/spectrum"), 1e-5, "covariance spectrum (numpy)")
      expectNear(effectiveRank(spectrum), expected[0], 1e-5, "effective rank (scipy entropy)")
      expectNear(rankMe(x), expected[1], 1e-4, "RankMe (scipy entropy)")
      expectNear(uniformity(x), expected[2], 1e-5, "uniformity (scipy pdist)")
      expectNear(linearCKA(x, y), expected[3], 1e-5, "linear CKA (Gram matrices)")
      let c = CollapseIndicators(x)
      expectAllNear([c.normalizedDeviation, c.variance, c.meanCosine], Array(expected[4...]), 1e-5, "collapse (numpy)")
    }

    @Test func representationsByHand() {
      #expect(effectiveRank([2, 2, 2]) > 2.999999 && effectiveRank([5, 0]) == 1 && effectiveRank([0, 0]) == 0)
      #expect(participationRatio([1, 1, 0]) == 2)
      // Two opposite points are at a squared distance of 4.
      let poles = Tensor([2, 2], [1, 0, -1, 0])
      expectNear(uniformity(poles), -8, 1e-6)
      expectNear(uniformity(.ones([5, 3])), 0, 1e-6)
      expectNear(alignment(poles, poles), 0)
      expectNear(alignment(poles, -poles), 4, 1e-6)
      expectNear(alignment(poles, -poles, alpha: 1), 2, 1e-6)
      // A rotation and a scale change nothing.
      var stream = RandomStream(seed: 1)
      let x = stream.normal([40, 3])
      expectNear(linearCKA(x, matmul(x, stream.normal([3, 3]).qr().q) * 3), 1, 1e-5)
      let point = CollapseIndicators(Tensor.ones([10, 4]) * 3)
      #expect(point.normalizedDeviation < 1e-6 && point.variance < 1e-9)
      expectNear(point.meanCosine, 1, 1e-6)
      let half = CollapseIndicators(concat([stream.normal([100, 3]), .ones([100, 1])], axis: 1))
      #expect(half.deadDimensions == 0.25)
      let sphere = CollapseIndicators(stream.normal([4000, 16]))
      expectNear(sphere.normalizedDeviation, 1, 0.02)
    }

    @Test func headsThatLookAtThemselvesLookNoWay() {
      // One head looks at itself, one everywhere: on a row of three places the mean distance is (0+1+2 + 1+0+1 + 2+1+0)/9.
      let own = IndexTensor([0, 1, 2]).oneHot(3).expandedAxis(0)
      let all = Tensor.full([1, 3, 3], 1.0 / 3)
      let found = attentionDistances(concat([own, all]).expandedAxis(0), rows: 1, columns: 3)
      expectAllNear(found, [0, 8.0 / 9], 1e-6)
      expectAllNear(
        attentionDistances(Tensor([1, 1, 4, 4], [Real](repeating: 0.25, count: 16)), rows: 2, columns: 2),
        [(2 + 2.0.squareRoot()) / 4], 1e-6)
    }
  }
}
