import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import TestSupport
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct BoostingTests {
    @Test(arguments: [("pair", 2, 255, 20, 0.0), ("bins", 2, 16, 40, 1.0), ("three", 3, 255, 40, 0.5)])
    func treesAreThoseOfScikitLearn(name: String, classes: Int, bins: Int, leaf: Int, penalty: Double) throws {
      let file = try VectorFile("boosting.h5")
      let labels = try file.tensor("\(name)/labels").values.map { Int($0) }
      var options = GradientBoosting.Options()
      (options.rounds, options.depth, options.bins) = (classes == 2 ? 30 : 2, 3, bins)
      (options.leastSamples, options.penalty) = (leaf, penalty)
      let model = GradientBoosting(try file.tensor("\(name)/x"), labels, classes: classes, options: options)
      let found = model.scores(try file.tensor("\(name)/test"))
      let expected = try file.tensor("\(name)/scores")
      if classes == 2 {
        expectClose(found.slice(1, 1..<2), expected, tolerance: 2e-5)
        #expect(found.select(1, 0).values.allSatisfy { $0 == 0 })
      } else {
        // Scores are known up to a number that all classes of a sample share.
        expectClose(
          found - found.mean(1, keepsAxis: true), expected - expected.mean(1, keepsAxis: true), tolerance: 2e-5)
      }
    }

    @Test func oneSplitHasTheValuesOfTheEquation() {
      // Five of six below 2 are of class 0: one split, leaves -G / H of the log odds.
      let x = Tensor([10, 1], [0, 0.5, 1, 1.2, 1.4, 1.6, 3, 3.5, 4, 5])
      let labels = [0, 0, 0, 1, 0, 0, 1, 1, 1, 1]
      var options = GradientBoosting.Options()
      (options.rounds, options.depth, options.leastSamples, options.rate) = (1, 1, 1, 0.5)
      let model = GradientBoosting(x, labels, classes: 2, options: options)
      // p = 1/2 at the start: G = sum of p - y, H = n / 4.
      let left = -0.5 * (6 * 0.5 - 1) / (6 * 0.25)
      let right = -0.5 * (4 * 0.5 - 4) / (4 * 0.25)
      let found = model.scores(Tensor([4, 1], [-9, 2.2, 2.4, 99])).select(1, 1).values
      for (a, b) in zip(found, [left, left, right, right]) { #expect(abs(Double(a) - b) < 1e-6) }
    }

    @Test func whatNoLineTellsApartTreesDo() throws {
      var stream = RandomStream(seed: 4)
      let x = stream.uniform([600, 2], -1, 1)
      let labels = rowsOf(x).map { $0[0] * $0[1] > 0 ? 1 : 0 }
      let test = stream.uniform([400, 2], -1, 1)
      let truth = rowsOf(test).map { $0[0] * $0[1] > 0 ? 1 : 0 }
      let trees = GradientBoosting(x, labels, classes: 2).scores(test)
      let line = LogisticRegression(x, labels, classes: 2).model(test)
      #expect(accuracy(trees.argmax().values, truth) > 0.93)
      #expect(accuracy(line.argmax().values, truth) < 0.65)
    }

    @Test func theProbeMeasuresDrawsOrAllLabels() throws {
      let data = classWorld(train: 400, test: 200, width: 10, signal: 1, noise: 0.01)
      let all = try make(TreesProbe.self, [("rounds", "20"), ("least-samples", "2")]).values(data)
      // Of 64 bins none ends exactly where a class does.
      #expect((all["top1"] ?? 0) > 0.9 && all["spread"] == 0)
      let few = try make(
        TreesProbe.self, [("per-class", "5"), ("draws", "2"), ("rounds", "20"), ("least-samples", "2")]
      ).values(data)
      #expect((few["top1"] ?? 0) > 0.6 && few["auroc"] != nil)
      #expect(throws: (any Error).self) { try make(TreesProbe.self, [("per-class", "500")]).values(data) }
    }

    private func rowsOf(_ x: Tensor) -> [[Real]] {
      let values = x.values
      return (0..<x.shape[0]).map { Array(values[$0 * x.shape[1]..<($0 + 1) * x.shape[1]]) }
    }
  }
}
