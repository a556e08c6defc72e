import ReproConfig
import ReproData
import ReproTensor
import Synchronization
import TestSupport
import Testing

@testable import ReproEngine

/// The monitors: what they find, what they leave alone, and that nobody can tell from the bits that they were there.
@Suite struct HealthTests {
  private func sphere(_ n: Int, _ d: Int) -> Tensor { RandomStream(seed: 1).child("sphere").normalTensor([n, d]) }

  @Test func spreadEmbeddingsHaveDeviationOneAndFullRank() throws {
    let found = try #require(EmbeddingSpread(sphere(256, 8)))
    #expect((found.deviation - 1).magnitude < 0.02 && found.rank > 7.8 && found.rank <= 8.0001)
  }

  @Test func collapsedEmbeddingsHaveNeither() throws {
    let same = try #require(EmbeddingSpread(Tensor([32, 4], (0..<128).map { Real($0 % 4) + 1 })))
    #expect(same.deviation < 1e-6)
    // Two opposite points: one direction.
    let line = try #require(EmbeddingSpread(Tensor([32, 4], (0..<128).map { ($0 / 4) % 2 == 0 ? 1 : -1 })))
    #expect((line.rank - 1).magnitude < 1e-3 && (line.deviation - 1).magnitude < 0.01)
    #expect(EmbeddingSpread(Tensor([2, 1], [.nan, 1])) == nil)
  }

  /// Runs a monitor over steps with the given metrics and embeddings.
  private func findings(
    _ steps: Int, _ plan: HealthPlan = HealthPlan(), embeddings: Tensor? = nil, _ metrics: (Int) -> Metrics
  ) -> [HealthFinding] {
    var plan = plan
    plan.leastSteps = 1
    var monitor = HealthMonitor(plan, stage: "s", steps: steps)
    var log = MetricLog()
    return (0..<steps).flatMap { step -> [HealthFinding] in
      let now = metrics(step)
      log.append(stage: "s", step: step, now)
      return monitor.look(step: step, now, log) { embeddings }
    }
  }

  @Test func aHealthyStageHasNoFindings() {
    let found = findings(100, embeddings: sphere(64, 16)) { step in
      ["loss": 5 - Real(step) * 0.02, "gradient": 1 + Real(step % 3), "target-entropy": 3, "usage-entropy": 5]
    }
    #expect(found == [])
  }

  @Test func aCollapseIsFoundAtTheFirstLookAfterAQuarterAndSaidOnce() {
    let found = findings(80, embeddings: Tensor([64, 4], Array(repeating: 0.5, count: 256))) { _ in [:] }
    #expect(found.map(\.kind) == [.collapse] && found[0].step == 19)
    #expect(found[0].text.contains("is the stop-gradient, the centring or the predictor missing?"))
  }

  @Test func stagesOfAFewStepsAreNotJudged() {
    var monitor = HealthMonitor(HealthPlan(), stage: "s", steps: 40)
    let same = Tensor([64, 4], Array(repeating: 0.5, count: 256))
    let found = (0..<40).flatMap { monitor.look(step: $0, ["target-entropy": 0], MetricLog()) { same } }
    #expect(found == [])
  }

  @Test func aCollapseOfDimensionsIsFound() {
    let line = Tensor([64, 4], (0..<256).map { ($0 / 4) % 2 == 0 ? 1 : -1 })
    #expect(findings(8, embeddings: line) { _ in [:] }.map(\.kind) == [.rank])
  }

  @Test func aLossAtItsTrivialValueIsFound() {
    var plan = HealthPlan()
    plan.trivialLoss = 5.545
    let near = findings(40, plan) { ["loss": $0 < 5 ? 7 : 5.55] }
    #expect(near.map(\.kind) == [.trivialLoss] && near[0].text.contains("does not depend on the input"))
    // Without a named value: a loss that is where it began after half of the stage.
    let still = findings(40) { ["loss": 5.545 + ($0 % 2 == 0 ? 0.001 : -0.001)] }
    #expect(still.map(\.kind) == [.trivialLoss] && still[0].step >= 19)
  }

  @Test func theTeachersEntropyIsWatchedAtBothEnds() {
    #expect(findings(4) { _ in ["target-entropy": 0.001, "usage-entropy": 3] }.map(\.kind) == [.entropy])
    let uniform = findings(4) { _ in ["target-entropy": 5.545, "usage-entropy": 5.5451] }
    #expect(uniform.map(\.kind) == [.entropy] && uniform[0].text.contains("say nothing about their input"))
  }

  @Test func gradientsThatExplodeOrVanishAreFound() {
    let burst = findings(60) { ["gradient": $0 == 50 ? 500 : 1] }
    #expect(burst.map(\.kind) == [.gradient] && burst[0].step == 50 && burst[0].text.contains("500 times its median"))
    #expect(findings(4) { _ in ["gradient": 0] }.first?.text.contains("nothing is trained") == true)
    // Large gradients of the first steps are no explosion.
    #expect(findings(60) { ["gradient": $0 < 3 ? 900 : 1] } == [])
  }

  // MARK: In runs

  private func recipe(_ health: String) throws -> Recipe {
    let text = try runnableRecipe(steps: 40).node.yaml()
    return try Recipe(YAMLNode(parsing: text + health, file: "toy.yaml"))
  }

  @Test func theMonitorsDoNotChangeABitOfTheTraining() throws {
    try withTemporaryFolder { folder in
      let often = try runnableRunner(recipe("health: {every: 0.025, least_steps: 1}\n"), folder: folder + "/often").run
      { _ in }
      let never = try runnableRunner(recipe("health: {every: 1, samples: 8}\n"), folder: folder + "/never").run { _ in }
      #expect(often.weightsSHA256 == never.weightsSHA256 && often.curves == never.curves)
      #expect(often.measurements == never.measurements)
    }
  }

  @Test func whereTheRecipeSaysSoAFindingEndsTheRunAsDiverged() throws {
    try withTemporaryFolder { folder in
      let said = Mutex<[String]>([])
      let notices = Notices { text in said.withLock { $0.append(text) } }
      // Every embedding is closer than a deviation of one.
      let warned = try runnableRunner(
        recipe("health: {least_deviation: 1, every: 0.25, least_steps: 1}\n"), folder: folder + "/warned",
        notices: notices
      ).run { _ in }
      #expect(warned.status == .finished)
      #expect(
        said.withLock { $0.first }?.hasPrefix("method-3, first, step 9: the embeddings of 32 samples are") == true)
      let journal = try HealthJournal(folder: folder + "/warned").findings
      #expect(journal.map(\.stage) == ["first", "second"] && journal.allSatisfy { $0.kind == .collapse })
      let stopped = try runnableRunner(
        recipe("health: {least_deviation: 1, every: 0.25, least_steps: 1, stop: [collapse]}\n"),
        folder: folder + "/stopped"
      ).run { _ in }
      #expect(stopped.status == .diverged && stopped.measurements.isEmpty)
      #expect(stopped.reason?.hasPrefix("first, step 9: the embeddings of 32 samples are almost equal") == true)
    }
  }

  @Test func badHealthSectionsAreRefusedWithTheirPlace() throws {
    let line = try runnableRecipe(steps: 40).node.yaml().split(separator: "\n").count + 1
    #expect(
      reproError { _ = try recipe("health: {stop: [colapse]}\n") }?.description
        == "toy.yaml:\(line):17: health.stop[0] is 'colapse', expected one of collapse, rank, trivial-loss, entropy, "
        + "gradient; did you mean 'collapse'?")
    #expect(
      reproError { _ = try recipe("health: {evry: 0.1}\n") }?.description.contains(
        "unknown key 'evry' in health; did you mean 'every'?") == true)
  }
}

extension RandomStream {
  fileprivate func normalTensor(_ shape: [Int]) -> Tensor {
    var stream = self
    return stream.normal(Shape(shape))
  }
}
