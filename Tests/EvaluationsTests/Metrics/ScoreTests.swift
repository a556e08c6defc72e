import Glibc
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct ScoreTests {
    @Test func fourScoresByHand() {
      // Ranking + - + -: of four pairs three are in order; precisions 1 and 2/3 at recalls 1/2 and 1.
      let curve = ScoreCurve(scores: [4, 3, 2, 1], isPositive: [true, false, true, false])
      #expect(curve.area == 0.75)
      expectNear(curve.averagePrecision, (1 + 2.0 / 3) / 2)
      #expect(curve.equalErrorRate == 0.5)
      #expect(curve.falsePositiveRate(atTruePositiveRate: 0.5) == 0)
      #expect(curve.falsePositiveRate(atTruePositiveRate: 0.6) == 0.5)
      #expect(curve.bestAccuracy.accuracy == 0.75 && curve.bestAccuracy.threshold == 4)
      // All equal: chance.
      let flat = ScoreCurve(scores: [1, 1, 1, 1], isPositive: [true, false, false, false])
      #expect(flat.area == 0.5 && flat.averagePrecision == 0.25 && flat.equalErrorRate == 0.5)
      #expect(ScoreCurve(scores: [1], isPositive: [true]).area == nil)
      #expect(ScoreCurve(scores: [1], isPositive: [false]).averagePrecision == nil)
    }

    @Test func binaryScoresAgreeWithScikitLearnAndWithAllPairs() throws {
      let v = try MetricVectors()
      let (scores, truth) = (try v.doubles("binary/scores"), try v.integers("binary/truth").map { $0 == 1 })
      let curve = ScoreCurve(scores: scores, isPositive: truth)
      let expected = try v.doubles("binary/expected")
      expectNear(curve.area, expected[0], 1e-12, "AUROC (scikit-learn)")
      expectNear(curve.averagePrecision, expected[1], 1e-12, "average precision (scikit-learn)")
      expectNear(curve.equalErrorRate, expected[2], 1e-12, "EER (scipy root)")
      expectNear(curve.falsePositiveRate(atTruePositiveRate: 0.95), expected[3], 1e-12, "FPR95 (scikit-learn)")
      var (won, pairs) = (0.0, 0.0)
      for (s, p) in zip(scores, truth) where p {
        for (t, q) in zip(scores, truth) where !q {
          won += s > t ? 1 : s == t ? 0.5 : 0
          pairs += 1
        }
      }
      expectNear(curve.area, won / pairs)
      var best = 0
      for t in Set(scores) {
        let right: Int = scores.indices.count { (scores[$0] >= t) == truth[$0] }
        best = max(best, right)
      }
      expectNear(curve.bestAccuracy.accuracy, Double(best) / 200)
    }

    @Test func measuresOfClassesAgreeWithScikitLearn() throws {
      let v = try MetricVectors()
      let (labels, logits) = (try v.integers("classes/labels"), try v.tensor("classes/logits"))
      let predicted = logits.argmax().values
      let probabilities = logits.softmax()
      let confusion = Confusion(truth: labels, predicted: predicted, classes: 5)
      let found: [(String, Double?)] = [
        ("macro AUROC", meanOverClasses(of: probabilities, \.area) { labels[$0] == $1 }),
        ("macro AP", meanOverClasses(of: probabilities, \.averagePrecision) { labels[$0] == $1 }),
        ("accuracy", accuracy(predicted, labels)), ("balanced accuracy", confusion.meanClassAccuracy),
        ("macro F1", confusion.meanF1()), ("MCC", confusion.matthews), ("kappa", confusion.kappa),
        ("mIoU", confusion.meanIntersectionOverUnion()), ("top-2", topAccuracy(logits, labels, k: 2)),
        ("log loss", negativeLogLikelihood(logits, labels)), ("Brier", brierScore(probabilities, labels)),
      ]
      for ((name, value), expected) in zip(found, try v.doubles("classes/expected")) {
        expectNear(value, expected, name == "Brier" ? 1e-6 : 1e-9, "\(name) (scikit-learn)")
      }
      let calibration = Calibration(
        confidences: probabilities.amax().values.map { Double($0) }, isRight: zip(predicted, labels).map { $0 == $1 })
      expectAllNear(
        [calibration.expectedError, calibration.maximumError], try v.doubles("classes/calibration"), 1e-6, "ECE, MCE")
      expectNear(
        calibratingTemperature(logits, labels), try v.doubles("classes/temperature")[0], 1e-6, "temperature (scipy)")
    }

    @Test func aConfusionOfTwoClassesByHand() {
      // TP 3, FN 1, FP 2, TN 4: MCC = (3*4 - 2*1) / sqrt(5*4*6*5).
      let truth = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
      let confusion = Confusion(truth: truth, predicted: [1, 1, 1, 0, 1, 1, 0, 0, 0, 0], classes: 2)
      expectNear(confusion.matthews, 10 / 600.0.squareRoot())
      expectNear(confusion.f1(1), 6.0 / 9)
      expectNear(confusion.meanClassAccuracy, (0.75 + 4.0 / 6) / 2)
      expectNear(confusion.kappa, (0.7 - (0.4 * 0.5 + 0.6 * 0.5)) / 0.5)
      #expect(confusion.renamingPredictions([1, 0])[1, 0] == 3)
      #expect(Confusion(truth: [0, 0], predicted: [0, 0], classes: 2).matthews == 0)
    }

    @Test func binsOfConfidenceByHand() {
      // Two bins: (0.4: wrong), (0.8: right, 0.9: wrong): 1/3 * 0.4 + 2/3 * |0.5 - 0.85|.
      let c = Calibration(confidences: [0.4, 0.8, 0.9], isRight: [false, true, false], bins: 2)
      expectNear(c.expectedError, 0.4 / 3 + 2 * 0.35 / 3)
      expectNear(c.maximumError, 0.4)
      // An edge belongs to the lower bin.
      #expect(Calibration(confidences: [0.5], isRight: [true], bins: 2).bins.map(\.count) == [1, 0])
      #expect(Calibration(confidences: [0, 1], isRight: [true, true], bins: 2).bins.map(\.count) == [1, 1])
    }

    @Test func theTemperatureThatWasPlantedIsFound() {
      // Labels drawn so that softmax(logits) is right: three quarters at odds of three to one; the logits are doubled.
      let logits = Tensor(
        [4, 2], [Real](repeating: 0, count: 8).enumerated().map { $0.offset % 2 == 0 ? 2 * log(3) : 0 })
      expectNear(calibratingTemperature(logits, [0, 0, 0, 1]), 2, 1e-6)
    }

    @Test func correlationsAgreeWithScipyAndByHand() throws {
      let v = try MetricVectors()
      let (a, b) = (try v.doubles("correlation/a"), try v.doubles("correlation/b"))
      let expected = try v.doubles("correlation/expected")
      expectNear(pearson(a, b), expected[0], 1e-12, "Pearson (scipy)")
      expectNear(spearman(a, b), expected[1], 1e-12, "Spearman (scipy)")
      expectNear(kendall(a, b), expected[2], 1e-12, "Kendall (scipy)")
      #expect(averageRanks([3, 1, 3, 2]) == [3.5, 1, 3.5, 2])
      expectNear(spearman([1, 2, 3], [1, 8, 27]), 1)
      expectNear(kendall([1, 2, 3], [1, 3, 2]), 1.0 / 3)
      #expect(pearson([1, 1], [1, 2]) == nil && pearson([1], [1]) == nil && kendall([1, 1], [1, 2]) == nil)
    }

    @Test func errorsOfRegressionAgreeWithScikitLearn() throws {
      let v = try MetricVectors()
      let errors = RegressionErrors(predicted: try v.tensor("errors/predicted"), truth: try v.tensor("errors/truth"))
      expectAllNear(
        [errors.meanSquared, errors.meanAbsolute, errors.r2], try v.doubles("errors/expected"), 1e-12,
        "MSE, MAE, R2 (scikit-learn)")
      let hand = RegressionErrors(predicted: Tensor([2, 1], [1, 1]), truth: Tensor([2, 1], [0, 4]))
      #expect(hand.meanSquared == 5 && hand.meanAbsolute == 2 && hand.r2 == 1 - 10.0 / 8)
    }
  }
}
