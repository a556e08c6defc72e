import ReproConfig
import ReproData
import ReproNN
import ReproTensor
import Synchronization
import TestSupport
import Testing

@testable import ReproEngine

/// Runs, their interruptions and what they leave on disk.
@Suite struct RunTests {
  private func bytes(_ path: String) throws -> [UInt8] { try SafeFile.read(path) }

  /// Runs, and asks for a stop once `steps` steps are done. Nil if the run was stopped.
  private func run(_ runner: CellRunner, stopAfter steps: Int) throws -> RunRecord? {
    let done = Mutex(0)
    var runner = runner
    runner.mustStop = { done.withLock { $0 >= steps } }
    do {
      return try runner.run { _ in done.withLock { $0 += 1 } }
    } catch let error as ReproError where error.domain == .interrupted { return nil }
  }

  @Test func aRunStoppedAtAnyStepEndsWithTheSameRecord() throws {
    try withTemporaryFolder { folder in
      _ = try runnableRunner(runnableRecipe(), folder: folder + "/whole").run { _ in }
      let whole = try bytes(folder + "/whole/record.json")
      // 12 steps of the first stage and 5 of the second: stops inside of both, and where one ends.
      for stop in [1, 2, 7, 11, 12, 13, 16] {
        let runner = try runnableRunner(runnableRecipe(), folder: "\(folder)/\(stop)")
        #expect(try run(runner, stopAfter: stop) == nil)
        _ = try runner.run { _ in }
        #expect(try bytes("\(folder)/\(stop)/record.json") == whole, "stopped after \(stop) steps")
      }
    }
  }

  @Test func aRunStoppedAfterEveryStepEndsWithTheSameRecord() throws {
    try withTemporaryFolder { folder in
      _ = try runnableRunner(runnableRecipe(), folder: folder + "/whole").run { _ in }
      let runner = try runnableRunner(runnableRecipe(), folder: folder + "/halting")
      var starts = 1
      while try run(runner, stopAfter: 1) == nil { starts += 1 }
      #expect(starts > 15)
      #expect(try bytes(folder + "/halting/record.json") == bytes(folder + "/whole/record.json"))
    }
  }

  @Test func aRunThatNeedsMoreMemoryThanItMayTakeStopsAfterItsFirstStep() throws {
    try withTemporaryFolder { folder in
      var runner = try runnableRunner(runnableRecipe(), folder: folder + "/run")
      runner.memory = .limit(1)
      let error = #expect(throws: ReproError.self) { try runner.run { _ in } }
      let needed = try #require(error?.found.split(separator: " ").first { Int($0) != nil })
      #expect(
        error?.description
          == "toy method-3: the first step of 'first' needed \(needed) MiB, expected at most the 1 MiB of "
          + "--max-memory; a smaller batch or model, or a higher limit")
      // Nothing is lost: with more memory the same folder goes on.
      runner.memory = .limit(1 << 20)
      #expect(try runner.run { _ in }.status == .finished)
    }
  }

  @Test func aRunThatNeedsMoreThanIsFreeIsWarnedOfEachStage() throws {
    try withTemporaryFolder { folder in
      let said = Mutex<[String]>([])
      let notices = Notices { text in said.withLock { $0.append(text) } }
      var runner = try runnableRunner(runnableRecipe(), folder: folder + "/run", notices: notices)
      runner.memory = .share(1)
      #expect(try runner.run { _ in }.status == .finished)
      let lines = said.withLock { $0 }
      #expect(lines.count == 2)
      #expect(lines.allSatisfy { $0.contains("and 1 MiB are free for each run; fewer --jobs, or a smaller batch") })
    }
  }

  @Test func stepsThatAreComputedTwiceChangeNothing() throws {
    try withTemporaryFolder { folder in
      _ = try runnableRunner(runnableRecipe(), folder: folder + "/once").run { _ in }
      for every in [1, 3] {
        var runner = try runnableRunner(runnableRecipe(), folder: "\(folder)/\(every)")
        runner.recomputesEvery = every
        _ = try runner.run { _ in }
        #expect(try bytes("\(folder)/\(every)/record.json") == bytes(folder + "/once/record.json"))
      }
    }
  }

  @Test func aStepWithOtherBitsTheSecondTimeStopsTheRunBeforeIt() throws {
    try withTemporaryFolder { folder in
      var runner = try runnableRunner(runnableRecipe("{type: toy, forgets_at: 7}"), folder: folder + "/run")
      runner.recomputesEvery = 3  // steps 2, 5, 8
      let error = #expect(throws: ReproError.self) { try runner.run { _ in } }
      #expect(
        error?.description
          == "toy method-3: first, step 8, computed twice: map.bias has other bits the second time, expected the same "
          + "bits; a fault of memory or processor, or a method with hidden state; the run is saved as it was before "
          + "this step")
      let file = try HDF5File.open(folder + "/run/checkpoint.h5")
      #expect(try file.integer("step") == 8)
    }
  }

  @Test func aFinishedRunIsNotRunAgain() throws {
    try withTemporaryFolder { folder in
      let runner = try runnableRunner(runnableRecipe(), folder: folder + "/run")
      let first = try runner.run { _ in }
      var steps = 0
      #expect(try runner.run { _ in steps += 1 } == first)
      #expect(steps == 0)
    }
  }

  @Test func aRunOfAnotherRecipeIsMovedAsideAndSaid() throws {
    try withTemporaryFolder { folder in
      let said = Mutex<[String]>([])
      let notices = Notices { text in said.withLock { $0.append(text) } }
      _ = try runnableRunner(runnableRecipe(), folder: folder + "/run").run { _ in }
      let before = try bytes(folder + "/run/record.json")
      _ = try runnableRunner(runnableRecipe("{type: toy, noise: 0.2}"), folder: folder + "/run", notices: notices).run {
        _ in
      }
      #expect(try bytes(folder + "/run.old1/record.json") == before)
      #expect(said.withLock { $0.count } == 1)
    }
  }

  @Test func aDamagedCheckpointIsNamedAndThePreviousOneUsed() throws {
    try withTemporaryFolder { folder in
      let reference = try runnableRunner(runnableRecipe(), folder: folder + "/whole").run { _ in }
      let said = Mutex<[String]>([])
      var runner = try runnableRunner(
        runnableRecipe(), folder: folder + "/run",
        notices: Notices { text in said.withLock { $0.append(text) } })
      runner.checkpointInterval = 0  // one after every step, so that there is a previous one
      #expect(try run(runner, stopAfter: 7) == nil)
      let path = folder + "/run/checkpoint.h5"
      var content = try bytes(path)
      content[content.count / 2] ^= 0x40
      try SafeFile.write(path, bytes: content)
      let record = try runner.run { _ in }
      #expect(record.weightsSHA256 == reference.weightsSHA256)
      let words = said.withLock { $0 }
      #expect(words.contains { $0.hasPrefix("damaged checkpoint: \(path)") })
      #expect(words.contains { $0.contains("going on from") && $0.contains("checkpoint.previous.h5") })
    }
  }

  @Test func whenNoCheckpointIsWholeTheRunStopsInsteadOfTrainingAgain() throws {
    try withTemporaryFolder { folder in
      let runner = try runnableRunner(runnableRecipe(), folder: folder + "/run")
      #expect(try run(runner, stopAfter: 7) == nil)
      for name in SafeFile.list(folder + "/run") where name.hasSuffix(".h5") {
        try SafeFile.write("\(folder)/run/\(name)", text: "nothing")
      }
      let error = #expect(throws: ReproError.self) { try runner.run { _ in } }
      #expect(error?.domain == .data)
      #expect(error?.hint == "remove the run's folder to train it again")
    }
  }

  @Test func aLossThatIsNotFiniteEndsTheRunAsDivergedAndKeepsTheState() throws {
    try withTemporaryFolder { folder in
      let record = try runnableRunner(runnableRecipe("{type: toy, diverges_at: 3}"), folder: folder + "/run").run { _ in
      }
      #expect(record.status == .diverged)
      #expect(record.reason == "first, step 3: loss is nan")
      #expect(record.measurements.isEmpty)
      #expect(SafeFile.exists(folder + "/run/non-finite.h5"))
      // The record of a diverged run reads back, NaN included.
      let read = try RunRecord(JSONValue(path: folder + "/run/record.json"), at: "")
      #expect(read.reason == record.reason)
      #expect(read.curves.first?.values.contains { $0.isNaN } == true)
    }
  }

  @Test func aGradientThatIsNotFiniteEndsTheRunWithItsNameAndLeavesTheParametersFinite() throws {
    try withTemporaryFolder { folder in
      let record = try runnableRunner(runnableRecipe("{type: toy, breaks_at: 5}"), folder: folder + "/run").run { _ in }
      #expect(record.status == .diverged)
      #expect(record.reason == "first, step 5: the first bad gradient is that of bias (optimizer main)")
      var state = ToyMethod.State(map: Linear(3, 3, random: RandomStream(seed: 0)), seen: 0)
      try HDF5File.open(folder + "/run/non-finite.h5").read(&state, under: "state")
      #expect(state.firstNonFinite == nil && state.seen == 48)
    }
  }

  @Test func metricsHaveALineForEveryStepOfEveryStage() throws {
    try withTemporaryFolder { folder in
      _ = try runnableRunner(runnableRecipe(), folder: folder + "/run").run { _ in }
      let text = String(decoding: try bytes(folder + "/run/metrics.jsonl"), as: UTF8.self)
      let lines = text.split(separator: "\n")
      #expect(lines.count == 12 + 5)
      #expect(lines.first?.hasPrefix(#"{"stage":"first","step":0,"loss":"#) == true)
      #expect(lines.last?.hasPrefix(#"{"stage":"second","step":4,"loss":"#) == true)
    }
  }

  @Test func aBatchLargerThanTheDataIsRefusedWithItsPlace() throws {
    try withTemporaryFolder { folder in
      let recipe = try Recipe(
        YAMLNode(
          parsing: String(decoding: Array(try runnableRecipe().node.yaml().utf8), as: UTF8.self)
            .replacing("batch: 8", with: "batch: 64"), file: "toy.yaml"))
      let error = #expect(throws: ReproError.self) { try runnableRunner(recipe, folder: folder + "/run").run { _ in } }
      #expect(error?.expected == "at most the 32 training samples")
    }
  }
}

@Suite struct VerificationTests {
  private func record(_ value: Double, weights: String = "a", fingerprint: Fingerprint = .current) -> RunRecord {
    RunRecord(
      cell: CellID(recipe: "r", scale: .tiny, arm: "method", seed: 0), paper: "p", status: .finished, reason: nil,
      recipeSHA256: "", planSHA256: "", fingerprint: fingerprint, commit: "", data: "", weightsSHA256: weights,
      curves: [RunRecord.Curve(stage: "s", metric: "loss", steps: [0], values: [value])],
      measurements: [RunRecord.Measurement(name: "knn.top1", value: value)])
  }

  private func golden(_ record: RunRecord) throws -> Golden.Results {
    var golden = Golden(recipe: "r")
    golden.record([record], because: "test", commit: "c")
    return try #require(golden.results[.tiny])
  }

  @Test func equalRunsHaveTheSameBits() throws {
    let result = Verification.compare([record(0.5)], with: try golden(record(0.5)), tolerance: 0)
    #expect(result.map(\.outcome) == [.sameBits])
  }

  @Test func otherWeightsWithEqualNumbersAreNotTheSameBits() throws {
    let result = Verification.compare([record(0.5, weights: "b")], with: try golden(record(0.5)), tolerance: 0)
    #expect(result.map(\.outcome) == [.within(largest: 0, because: "the code's bits moved")])
  }

  @Test func aDifferenceUpToTheToleranceTimesTheLargerOfOneAndTheGoldenIsAllowed() throws {
    let old = try golden(record(4))
    #expect(Verification.compare([record(4.03)], with: old, tolerance: 0.01)[0].outcome.isGood)
    #expect(!Verification.compare([record(4.05)], with: old, tolerance: 0.01)[0].outcome.isGood)
    let small = try golden(record(0.1))
    #expect(Verification.compare([record(0.109)], with: small, tolerance: 0.01)[0].outcome.isGood)
    #expect(!Verification.compare([record(0.111)], with: small, tolerance: 0.01)[0].outcome.isGood)
  }

  @Test func aCellThatWasNotRerunIsMissing() throws {
    #expect(!Verification.compare([], with: try golden(record(1)), tolerance: 1)[0].outcome.isGood)
  }

  @Test func anotherFingerprintIsNamed() throws {
    let other = Fingerprint(items: Fingerprint.current.items.map { $0.name == "isa" ? ("isa", "abacus") : $0 })
    let old = try golden(record(1, weights: "b", fingerprint: other))
    #expect(
      Verification.compare([record(1)], with: old, tolerance: 0).map(\.outcome)
        == [.within(largest: 0, because: "recorded with another isa")])
  }

  @Test func goldensReadBackAsTheyWereWritten() throws {
    try withTemporaryFolder { folder in
      var golden = Golden(recipe: "r")
      golden.record([record(1.0 / 3)], because: "a \"quoted\" reason", commit: "c")
      try golden.write(folder + "/golden/r.json")
      #expect(try Golden(path: folder + "/golden/r.json") == golden)
    }
  }

  @Test func aGoldenWithNaNIsRefused() throws {
    try withTemporaryFolder { folder in
      var golden = Golden(recipe: "r")
      golden.record([record(0.5)], because: "x", commit: "c")
      try golden.write(folder + "/r.json")
      let text = String(decoding: try SafeFile.read(folder + "/r.json"), as: UTF8.self)
      try SafeFile.write(folder + "/r.json", text: text.replacing("0x1p-1", with: "nan"))
      #expect(throws: ReproError.self) { try Golden(path: folder + "/r.json") }
    }
  }
}

@Suite struct TrainingDataTests {
  private func data() throws -> TrainingData {
    var options = try Section(YAMLNode(parsing: "{train: 20}", file: ""), name: "data")
    let provider = try ToyData(&options, root: DataRoot(cache: "", mirror: nil, seed: 1))
    try options.finish()
    return try TrainingData(provider, labelled: false, random: RandomStream(seed: 1))
  }

  @Test func everyEpochVisitsEverySampleOnce() throws {
    let data = try data()
    let epochs = try (0..<2).map { epoch in
      try (0..<5).flatMap { try data.batch(step: epoch * 5 + $0, size: 4).indices }
    }
    #expect(epochs.allSatisfy { $0.sorted() == Array(0..<20) })
    #expect(epochs[0] != epochs[1], "two epochs have the same order")
  }

  @Test func aStepsBatchDoesNotDependOnTheStepsBefore() throws {
    let (a, b) = (try data(), try data())
    for step in 0..<7 { _ = try a.batch(step: step, size: 4) }
    #expect(try a.batch(step: 7, size: 4).indices == b.batch(step: 7, size: 4).indices)
  }

  @Test func anEpochOfChosenSamplesVisitsEachOfThemOnceAndNobodyElse() throws {
    let (data, chosen) = (try data(), [19, 3, 4, 11, 7, 2, 13])
    let epochs = try (0..<2).map { epoch in
      try (0..<2).flatMap { try data.batch(step: epoch * 2 + $0, size: 3, among: chosen).indices }
    }
    #expect(epochs.allSatisfy { Set($0).count == 6 && $0.allSatisfy(chosen.contains) })
    #expect(epochs[0] != epochs[1])
  }

  @Test func labelsAreNotHandedOut() throws {
    #expect(try data().all().columns.map(\.name) == ["x"])
  }
}
