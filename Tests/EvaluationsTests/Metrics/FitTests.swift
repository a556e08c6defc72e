import Glibc
import ReproTensor
import TestSupport
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct FitTests {
    @Test func agreementOfClustersAgreesWithScikitLearn() throws {
      let v = try MetricVectors()
      let a = ClusterAgreement(truth: try v.integers("agreement/truth"), clusters: try v.integers("agreement/clusters"))
      let (h, c) = a.homogeneityAndCompleteness
      expectAllNear(
        [a.accuracy, a.purity, a.normalizedMutualInformation, a.adjustedRandIndex, h, c, a.mutualInformation],
        try v.doubles("agreement/expected"), 1e-12,
        "ACC, purity, NMI, ARI, homogeneity, completeness, MI (scikit-learn)")
    }

    @Test func agreementByHandAndByAllMatchings() {
      // Clusters 1 1 0 0 0 2 for classes 0 0 1 1 0 0: the best matching gets 0 <- 1, 1 <- 0: 4 of 6.
      let (truth, clusters) = ([0, 0, 1, 1, 0, 0], [1, 1, 0, 0, 0, 2])
      let a = ClusterAgreement(truth: truth, clusters: clusters)
      #expect(a.accuracy == 4.0 / 6 && a.matching == [1, 0, nil])
      #expect(a.purity == 5.0 / 6)
      // Pairs together in both: 1 + 1 of 15; A = 7, B = 4, E = 28/15.
      expectNear(a.adjustedRandIndex, (2 - 28.0 / 15) / (5.5 - 28.0 / 15))
      let same = ClusterAgreement(truth: [0, 1, 1], clusters: [2, 0, 0])
      #expect(same.accuracy == 1 && same.normalizedMutualInformation == 1 && same.adjustedRandIndex == 1)
      #expect(ClusterAgreement(truth: [0, 0], clusters: [0, 0]).normalizedMutualInformation == 1)
      // All 24 matchings of four clusters.
      var stream = RandomStream(seed: 4)
      let t = (0..<50).map { _ in stream.integer(below: 4) }
      let c = (0..<50).map { _ in stream.integer(below: 4) }
      var best = 0
      for code in 0..<256 {
        let names = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6]
        if Set(names).count == 4 { best = max(best, zip(t, c).count { $0 == names[$1] }) }
      }
      #expect(ClusterAgreement(truth: t, clusters: c).accuracy == Double(best) / 50)
    }

    @Test func lloydAgreesWithScikitLearnFromTheSameStart() throws {
      let v = try MetricVectors()
      let x = try v.tensor("kmeans/x")
      let found = KMeans(x, from: x.slice(0, 0..<6))
      #expect(found.clusters == (try v.integers("kmeans/clusters")))
      expectAllNear(
        found.centers.values.map { Double($0) }, try v.doubles("kmeans/centers"), 1e-6, "k-means centres (scikit-learn)"
      )
      expectNear(found.inertia, try v.doubles("kmeans/inertia")[0], 1e-6, "k-means inertia (scikit-learn)")
      // Restarts find what fifty of scikit-learn's find.
      let best = KMeans(x, clusters: 6, restarts: 20, random: RandomStream(seed: 1))
      expectNear(best.inertia, try v.doubles("kmeans/best")[0], 1e-5, "k-means, best of restarts (scikit-learn)")
    }

    @Test func clustersThatLoseAllSamplesAreFilledAgain() {
      let x = Tensor([4, 1], [0, 1, 10, 11])
      let found = KMeans(x, from: Tensor([2, 1], [5, 100]))
      #expect(Set(found.clusters).count == 2 && found.clusters[0] == found.clusters[1])
      #expect(found.inertia == 1)
      // More clusters than different samples.
      let twins = KMeans(Tensor([3, 1], [1, 1, 1]), clusters: 3, random: RandomStream(seed: 0))
      #expect(twins.inertia == 0)
    }

    @Test func clustersAreTheSameBitsForAnyThreads() {
      var stream = RandomStream(seed: 2)
      let x = stream.normal([3000, 16])
      expectSameBits {
        let k = KMeans(x, clusters: 7, restarts: 2, iterations: 20, random: RandomStream(seed: 3))
        return k.centers.values.map { Double($0) } + k.clusters.map { Double($0) } + [k.inertia]
      }
    }

    @Test func ridgeAgreesWithScikitLearnForTallAndWideTables() throws {
      let v = try MetricVectors()
      for name in ["tall", "wide"] {
        let fit = RidgeRegression(try v.tensor("ridge/\(name)/x"), try v.tensor("ridge/\(name)/y"))
        for (key, alpha) in [("0.1", 0.1), ("10", 10.0)] {
          let model = fit.solution(alpha: alpha)
          let label = "ridge \(name) \(key) (scikit-learn)"
          expectAllNear(
            model.weight.values.map { Double($0) }, try v.doubles("ridge/\(name)/\(key)/weight"), 2e-4,
            label + " weight")
          expectAllNear(
            model.bias.values.map { Double($0) }, try v.doubles("ridge/\(name)/\(key)/bias"), 2e-4, label + " bias")
        }
      }
    }

    @Test func ridgeOfOneInputByHand() {
      // x = -1, 1, y = 0, 4: sum x y = 4 about the means, sum x^2 = 2: w = 4 / (2 + 2) = 1, b = 2.
      let model = RidgeRegression(Tensor([2, 1], [-1, 1]), Tensor([2, 1], [0, 4])).solution(alpha: 2)
      expectAllNear(model.weight.values.map { Double($0) } + model.bias.values.map { Double($0) }, [1, 2], 1e-6)
    }

    @Test func logisticRegressionAgreesWithScikitLearn() throws {
      let v = try MetricVectors()
      let (x, labels) = (try v.tensor("logistic/x"), try v.integers("logistic/labels"))
      for (key, strength) in [("0.01", 0.01), ("1", 1.0), ("100", 100.0)] {
        let fit = LogisticRegression(x, labels, classes: 4, strength: strength, tolerance: 1e-6)
        #expect(fit.iterations < 300)
        expectAllNear(
          fit.model(x).softmax().values.map { Double($0) }, try v.doubles("logistic/\(key)/probabilities"), 1e-4,
          "logistic regression, probabilities, C = \(key) (scikit-learn)")
        expectAllNear(
          fit.model.weight.values.map { Double($0) }, try v.doubles("logistic/\(key)/weight"), 1e-3,
          "logistic regression, weights, C = \(key) (scikit-learn)")
      }
    }

    @Test func logisticRegressionOfAConstantGivesTheShares() {
      let fit = LogisticRegression(.zeros([8, 2]), [0, 0, 0, 0, 0, 0, 1, 1], classes: 3, strength: 1)
      let p = fit.model(.zeros([1, 2])).softmax().values
      #expect(fit.hasConverged)
      expectAllNear([Double(p[0]), Double(p[1])], [0.75, 0.25], 1e-3)
      #expect(p[2] < 1e-3)
    }

    @Test func logisticRegressionIsTheSameBitsForAnyThreads() {
      var stream = RandomStream(seed: 2)
      let x = stream.normal([2000, 24])
      let labels = (0..<2000).map { $0 % 5 }
      expectSameBits {
        let fit = LogisticRegression(x, labels, classes: 5, iterations: 15)
        return fit.model.weight.values.map { Double($0) } + [fit.loss]
      }
    }

    @Test func alreadyFittedModelsStayWhereTheyAre() throws {
      let v = try MetricVectors()
      let (x, labels) = (try v.tensor("logistic/x"), try v.integers("logistic/labels"))
      let first = LogisticRegression(x, labels, classes: 4, tolerance: 1e-5)
      let again = LogisticRegression(x, labels, classes: 4, tolerance: 1e-4, start: first.model)
      #expect(again.hasConverged && again.iterations == 0)
      expectNear(again.loss, first.loss, 1e-6)
    }
  }
}
