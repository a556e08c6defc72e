import ReproNN
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  /// Against scikit-learn 1.x; the numbers are made by Tests/Vectors/evaluations.py.
  @Suite struct VectorTests {
    @Test func weightedVotesAgreeWithScikitLearn() {
      let near = Neighbours(of: Formula.features(60, 30, 6), in: Formula.features(0, 60, 6), k: 11)
      let known = Formula.labels(0, 60, 4)
      #expect(
        near.votes(k: 5, labels: known, classes: 4, temperature: 0.07)
          == [2, 1, 1, 2, 0, 2, 1, 3, 3, 0, 3, 1, 3, 3, 2, 3, 0, 2, 3, 0, 2, 3, 3, 1, 2, 3, 3, 0, 3, 1])
      #expect(
        near.votes(k: 11, labels: known, classes: 4, temperature: 0.07)
          == [2, 2, 2, 2, 0, 2, 1, 3, 3, 0, 3, 1, 3, 3, 2, 3, 0, 2, 3, 0, 2, 3, 3, 1, 2, 3, 3, 0, 3, 1])
    }

    @Test func averagePrecisionsAgreeWithScikitLearn() {
      let found = rankings(of: Formula.features(60, 30, 6), Formula.labels(60, 30, 12)).compactMap { $0 }
      let expected = [
        0.0544827586, 0.53968254, 0.1, 0.5, 0.0833333333, 0.0945317782, 0.163461538, 0.0344827586, 0.142857143,
        0.0786423028, 0.104568229, 0.0384615385, 0.395833333, 0.555555556, 0.333333333, 0.25, 0.158730159, 0.28015873,
        0.0344827586, 0.100529101, 0.28015873, 0.2, 0.0344827586, 0.159482759, 0.491071429, 0.0909090909, 0.25, 0.125,
        0.187830688,
      ]
      #expect(found.count == expected.count)
      for (ranking, value) in zip(found, expected) { #expect(abs(ranking.averagePrecision - value) < 1e-9) }
      #expect(abs(Double(found.count { $0.ranks[0] == 0 }) / Double(found.count) - 0.10344827586206896) < 1e-15)
    }

    @Test func intersectionsOverUnionsAgreeWithScikitLearn() {
      // Six classes of which the last is predicted but never shown; a seventh that is neither.
      let truth = Formula.labels(0, 200, 5)
      let other = Formula.labels(50, 200, 6)
      var confusion = Confusion(classes: 7)
      for i in 0..<200 { confusion.count(truth: truth[i], predicted: i % 3 == 0 ? other[i] : truth[i]) }
      let expected = [0.48, 0.617647059, 0.594594595, 0.615384615, 0.594594595, 0]
      for (c, value) in expected.enumerated() {
        #expect(abs((confusion.intersectionOverUnion(c) ?? -1) - value) < 1e-9)
      }
      #expect(confusion.intersectionOverUnion(6) == nil)
      #expect(abs(confusion.meanIntersectionOverUnion() - 0.48370347723288903) < 1e-15)
      #expect(abs(confusion.pixelAccuracy - 0.71) < 1e-15)
    }

    @Test func theHeadConvergesToTheOptimumOfLogisticRegression() {
      let x = Formula.features(0, 60, 3)
      let labels = Formula.labels(0, 60, 3)
      let inputs = Standardizer(x)(x)
      var heads = LinearHeads(
        rates: [0.2, 1], inputs: 3, classes: 3, rule: .sgd(momentum: 0.9, nesterov: false),
        random: RandomStream(seed: 1))
      for _ in 0..<1500 { heads.step(inputs, labels, factor: 1) }
      let p = heads(inputs.slice(0, 0..<3)).reshaped([3, 2, 3]).softmax()
      let expected = [
        0.246203663, 0.688195752, 0.065600585, 0.357805012, 0.335704769, 0.306490219, 0.250377741, 0.631575311,
        0.118046948,
      ]
      for r in 0..<2 {
        for (value, optimum) in zip(p.select(1, r).values, expected) { #expect(abs(Double(value) - optimum) < 2e-5) }
      }
    }
  }
}
