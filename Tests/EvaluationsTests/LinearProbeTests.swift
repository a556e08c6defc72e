import Glibc
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct LinearHeadsTests {
    @Test func theGradientIsThatOfTheCrossEntropy() {
      var stream = RandomStream(seed: 2)
      let logits = (stream.normal([5, 3, 4]) * 2).tracked
      let labels = [0, 3, 1, 3, 2]
      let places = IndexTensor([5, 3], labels.flatMap { [$0, $0, $0] })
      let expected = gradients(of: -logits.logSoftmax().picked(places).sum(), with: [logits])[0].values
      let found = crossEntropyGradient(logits.detached, labels).values
      for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-6) }
      let void = crossEntropyGradient(logits.detached, [0, -1, 1, 3, -1]).values
      #expect(Array(void[..<12]) == Array(found[..<12]))
      #expect(void[12..<24].allSatisfy { $0 == 0 } && void[48...].allSatisfy { $0 == 0 })
    }

    @Test func headsTrainAsByHandAndDoNotFeelEachOther() {
      let (n, d, c) = (24, 5, 3)
      let rates = [0.02, 0.3]
      let x = Formula.features(0, n, d)
      let labels = Formula.labels(0, n, c).enumerated().map { i, label in i % 7 == 6 ? -1 : label }
      var heads = LinearHeads(
        rates: rates, inputs: d, classes: c, rule: .sgd(momentum: 0.9, nesterov: false), random: RandomStream(seed: 4))
      // The same with loops in Double: v = 0.9 v + g, w = w - rate factor v, g the gradient of the mean cross entropy.
      let inputs = rows(x)
      let start = rows(heads.heads[0].weight)
      #expect(rows(heads.heads[1].weight) == start)
      var weights = rates.map { _ in start }
      var biases = rates.map { _ in [Double](repeating: 0, count: c) }
      var (vw, vb) = (weights.map { $0.map { $0.map { _ in 0.0 } } }, biases)
      for step in 0..<40 {
        let factor = 1 - Double(step) / 40
        let batch = (0..<8).map { (step * 8 + $0) % n }
        heads.step(x.gathered(IndexTensor(batch)), batch.map { labels[$0] }, factor: factor)
        let counted = batch.filter { labels[$0] >= 0 }
        for r in rates.indices {
          var gw = vw[r].map { $0.map { _ in 0.0 } }
          var gb = [Double](repeating: 0, count: c)
          for i in counted {
            let z = (0..<c).map { k in (0..<d).reduce(biases[r][k]) { $0 + weights[r][k][$1] * inputs[i][$1] } }
            let total = z.reduce(0) { $0 + exp($1) }
            for k in 0..<c {
              let g = (exp(z[k]) / total - (labels[i] == k ? 1 : 0)) / Double(counted.count)
              gb[k] += g
              for j in 0..<d { gw[k][j] += g * inputs[i][j] }
            }
          }
          for k in 0..<c {
            vb[r][k] = 0.9 * vb[r][k] + gb[k]
            biases[r][k] -= rates[r] * factor * vb[r][k]
            for j in 0..<d {
              vw[r][k][j] = 0.9 * vw[r][k][j] + gw[k][j]
              weights[r][k][j] -= rates[r] * factor * vw[r][k][j]
            }
          }
        }
      }
      for r in rates.indices {
        for (a, b) in zip(rows(heads.heads[r].weight), weights[r]) {
          for (p, q) in zip(a, b) { #expect(abs(p - q) < 1e-5) }
        }
        for (p, q) in zip(heads.heads[r].bias?.values ?? [], biases[r]) { #expect(abs(Double(p) - q) < 1e-5) }
      }
      #expect(abs(weights[1][0][0] - start[0][0]) > 0.1)  // they did move
    }

    @Test func standardisedFeaturesHaveMeanZeroAndVarianceOneAndConstantsVanish() {
      var stream = RandomStream(seed: 8)
      let free = stream.normal([20_000, 2]) * 3 + Tensor([2], [100, -5])
      let x = concat([free, Tensor.full([20_000, 1], 7)], axis: 1)
      let y = Standardizer(x)(x.reshaped([100, 200, 3]))
      #expect(y.shape == [100, 200, 3])
      let columns = rows(y)
      for k in 0..<3 {
        let mean = columns.reduce(0) { $0 + $1[k] } / 20_000
        let variance = columns.reduce(0) { $0 + ($1[k] - mean) * ($1[k] - mean) } / 20_000
        #expect(abs(mean) < 1e-4)
        #expect(abs(variance - (k == 2 ? 0 : 1)) < 1e-3)
      }
    }

    @Test func anEpochVisitsEachSampleOnceAndTheNextInAnotherOrder() {
      var epochs = Epochs(count: 23, batch: 5, random: RandomStream(seed: 1))
      #expect(epochs.steps == 4)
      let first = (0..<4).flatMap { epochs.samples(ofStep: $0) }
      let second = (4..<8).flatMap { epochs.samples(ofStep: $0) }
      #expect(Set(first).count == 20 && Set(second).count == 20 && first != second)
      #expect((0..<4).flatMap { epochs.samples(ofStep: $0) } == first)  // any step by itself
      #expect(Epochs(count: 3, batch: 5, random: RandomStream(seed: 1)).steps == 1)
    }
  }

  @Suite struct LinearProbeTests {
    private let random = RandomStream(seed: 0).child("probe")

    private func top1(_ data: FakeData, _ values: [(String, String)] = []) throws -> Double {
      try make(LinearProbe.self, values).measure(EvaluationSubject(encoder: FakeEncoder(), data: data), random: random)[
        0
      ]
      .value
    }

    @Test func twoGaussiansAreToldApartAsWellAsBayesAllows() throws {
      // Means at distance 2.4 in unit noise: no classifier is right more often than Phi(1.2).
      let data = classWorld(train: 6000, test: 6000, classes: 2, width: 12, signal: Real(2.4 / sqrt(2)))
      let bayes = erfc(-1.2 / sqrt(2)) / 2
      #expect(abs(try top1(data) - bayes) < 4 * sqrt(bayes * (1 - bayes) / 6000))
    }

    @Test func featuresThatNameTheClassGiveTheFractionOfHonestLabels() throws {
      let data = classWorld(train: 600, test: 200, signal: 1, noise: 0.05) { labels in
        labels.enumerated().map { i, label in i % 8 == 0 ? (label + 1) % 10 : label }
      }
      #expect(try top1(data) == 0.875)
    }

    @Test func featuresWithoutTheClassGiveChance() throws {
      let value = try top1(classWorld(train: 2000, test: 2000, signal: 0), [("epochs", "10")])
      #expect(abs(value - 0.1) < 4 * sqrt(0.1 * 0.9 / 2000))
    }

    @Test func theRateThatGeneralisesIsChosen() throws {
      let data = classWorld(train: 1000, test: 100, signal: 2)
      for (rates, best) in [("[1e-9, 0.05]", 0.05), ("[0.05, 1e-9]", 0.05), ("[0.05, 1e5]", 0.05)] {
        let probe = try make(LinearProbe.self, [("rates", rates), ("epochs", "10"), ("batch", "128")])
        let fitted = try probe.fit(EvaluationSubject(encoder: FakeEncoder(), data: data), classes: 10, random: random)
        #expect(fitted.heads.rates == [best * 0.5])  // scaled by batch / 256
      }
      #expect(firstLargest([0.2, 0.7, 0.7, 0.1]) == 1)
      #expect(firstLargest([.nan, 0.1, 0.3]) == 2)
    }

    @Test func theTestSplitIsNotReadBeforeTheHeadIsTrained() throws {
      let probe = try make(LinearProbe.self, [("epochs", "3")])
      let data = classWorld(train: 500, test: 200)
      let fitted = try probe.fit(EvaluationSubject(encoder: FakeEncoder(), data: data), classes: 10, random: random)
      #expect(Set(data.reads.all) == [.train])
      // With other test labels: the same rate and weights, another result.
      let other = classWorld(train: 500, test: 200) { $0.map { ($0 + 1) % 10 } }
      let again = try probe.fit(EvaluationSubject(encoder: FakeEncoder(), data: other), classes: 10, random: random)
      #expect(fitted.heads.rates == again.heads.rates)
      #expect(fitted.heads.heads[0].weight.values == again.heads.heads[0].weight.values)
      #expect(try top1(data, [("epochs", "3")]) != top1(other, [("epochs", "3")]))
    }

    @Test func aTenthOfEachClassIsHeldOut() {
      let labels = (0..<400).map { $0 < 300 ? $0 % 2 : $0 < 396 ? 2 : $0 < 398 ? 3 : $0 == 398 ? 4 : 5 }
      let held = heldOut(labels, classes: 7, random: random)
      let counts = (0..<7).map { c in held.count { labels[$0] == c } }
      #expect(counts == [15, 15, 10, 1, 0, 0, 0])
      #expect(Set(held).count == held.count && held == held.sorted())
      #expect(held == heldOut(labels, classes: 7, random: random))
      #expect(held != heldOut(labels, classes: 7, random: random.child("another")))
      #expect(heldOut([0, 1], classes: 2, random: random).count == 1)
    }

    @Test func whatARateIsChosenByIsNotTrainedOn() {
      let labels = (0..<200).map { $0 * 7 % 4 }
      let parts = parted(labels, classes: 4, random: random)
      #expect(parts.held == heldOut(labels, classes: 4, random: random))
      #expect(Set(parts.kept).isDisjoint(with: parts.held) && (parts.kept + parts.held).sorted() == Array(0..<200))
      let task = ClassTask(classes: 4, x: Tensor([200, 1], (0..<200).map { Real($0) }), labels: labels)
      let (kept, held) = task.parted(random)
      #expect(kept.x.values.map { Int($0) } == parts.kept && held.x.values.map { Int($0) } == parts.held)
      #expect(kept.labels == parts.kept.map { labels[$0] } && held.labels == parts.held.map { labels[$0] })
    }

    @Test func bitsDoNotDependOnThreads() throws {
      let subject = EvaluationSubject(
        encoder: FakeEncoder(), data: classWorld(train: 2000, test: 100, width: 96, signal: 2))
      let probe = try make(LinearProbe.self, [("epochs", "4")])
      try expectSameBits {
        let fitted = try probe.fit(subject, classes: 10, random: random)
        return fitted.heads.heads[0].weight.values.map { Double($0) } + fitted.heads.rates
      }
    }
  }
}
