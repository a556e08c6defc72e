import Glibc
import ReproTensor
import TestSupport
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct LearningMetricTests {
    @Test func taskAfterTaskByHand() {
      let c = ContinualLearning(accuracy: [[0.9], [0.7, 0.8], [0.6, 0.9, 0.5]])
      expectNear(c.finalAccuracy, 2.0 / 3)
      expectNear(c.incrementalAccuracy, (0.9 + 0.75 + 2.0 / 3) / 3)
      // Task 0 falls from 0.9 to 0.6, task 1 rises from 0.8 to 0.9.
      expectNear(c.forgetting, (0.3 - 0.1) / 2)
      expectNear(c.backwardTransfer, (-0.3 + 0.1) / 2)
      let one = ContinualLearning(accuracy: [[0.5]])
      #expect(one.forgetting == 0 && one.backwardTransfer == 0 && one.finalAccuracy == 0.5)
      // The best time before the end counts, not the first.
      let late = ContinualLearning(accuracy: [[0.5, 0, 0], [0.8, 0.5, 0], [0.4, 0.5, 0.5]])
      expectNear(late.forgetting, (0.4 + 0) / 2)
    }

    @Test func disturbancesByHand() {
      let r = Robustness(clean: 0.8, disturbed: [[0.6, 0.4], [0.8, 0.6]])
      expectNear(r.meanAccuracy, 0.6)
      expectNear(r.relativeDrop, 0.25)
      // Errors 1.0 and 0.6 against 0.5 and 0.6.
      expectNear(r.meanCorruptionError(reference: [[0.8, 0.7], [0.7, 0.7]]), (2 + 1) / 2.0)
      #expect(Robustness(clean: 0, disturbed: [[0]]).relativeDrop == 0)
      let groups = worstGroup([true, true, false, true], groups: [0, 0, 2, 2])
      #expect(groups.worst == 0.5 && groups.gap == 0.25)
    }

    @Test func episodesByHandAndAgainstScipy() throws {
      let e = EpisodeSummary(returns: [0, 10, 1, 3], successes: [false, true, false, true])
      #expect(e.meanReturn == 3.5 && e.successRate == 0.5 && e.interquartileMean == 2)
      expectNear(e.normalizedReturn(random: 1.5, reference: 5.5), 0.5)
      expectNear(discountedReturn([1, 2, 4], discount: 0.5), 3)
      let v = try MetricVectors()
      let values = rows(try v.tensor("novelty/new")).map { $0[0] }
      let many = EpisodeSummary(returns: values, successes: values.map { $0 > 0 })
      expectNear(many.interquartileMean, try v.doubles("novelty/iqm")[0], 1e-12, "interquartile mean (scipy trim_mean)")
    }

    @Test func novelSamplesAreToldByDistanceAndByLogits() throws {
      let v = try MetricVectors()
      let logits = try v.tensor("classes/logits")
      let energy = InDistributionScore.energy(logits)
      expectAllNear(energy, try v.doubles("novelty/energy"), 1e-6, "energy (scipy logsumexp)")
      expectAllNear(
        MahalanobisScore(
          train: try v.tensor("novelty/train"), labels: try v.integers("novelty/group"), classes: 4, epsilon: 1e-9)(
            try v.tensor("novelty/new")), try v.doubles("novelty/mahalanobis"), 1e-4, "Mahalanobis distance (numpy)")
      let two = Tensor([2, 2], [0, 0, 3, -1])
      expectAllNear(InDistributionScore.logit(two), [0, 3])
      expectAllNear(InDistributionScore.probability(two), [0.5, 1 / (1 + exp(-4))], 1e-6)
      // The second nearest of three directions.
      let train = Tensor([3, 2], [1, 0, 0, 1, -1, 0])
      expectAllNear(neighbourScores(Tensor([1, 2], [2, 0]), train: train, k: 2), [0], 1e-6)
    }
  }
}
