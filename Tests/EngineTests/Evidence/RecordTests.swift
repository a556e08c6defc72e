import Glibc
import ReproConfig
import ReproData
import Synchronization
import TestSupport
import Testing

@testable import ReproEngine

/// What is written down about runs: whether it belongs to the code, whether it was edited, whether it may be taken
/// over.
@Suite struct RecordTests {
  private func record(
    _ value: Double, scale: Scale, arm: String = "a", seed: UInt64 = 0, status: RunRecord.Status = .finished
  ) -> RunRecord {
    RunRecord(
      cell: CellID(recipe: "judged", scale: scale, arm: arm, seed: seed), paper: "toy", status: status, reason: nil,
      recipeSHA256: "r", planSHA256: "p", fingerprint: .current, commit: "c", data: "d", weightsSHA256: "w",
      curves: [
        RunRecord.Curve(
          stage: "s", metric: "loss", steps: Array(0..<100), values: (0..<100).map { value + 1 / Double($0 + 1) })
      ],
      measurements: status == .diverged ? [] : [RunRecord.Measurement(name: "two-way.top1", value: value)])
  }

  // MARK: Goldens

  @Test func aGoldenKeepsDivergedRunsAndThinnedCurves() throws {
    try withTemporaryFolder { folder in
      var golden = Golden(recipe: "judged")
      var diverged = record(0.5, scale: .small, seed: 1, status: .diverged)
      diverged.curves[0].values[99] = .nan
      golden.record(
        [record(1.0 / 3, scale: .small), diverged], because: "x", commit: "c", tiny: "t", attempt: 2, provenBug: "aTest"
      )
      try golden.write(folder + "/g.json")
      let read = try Golden(path: folder + "/g.json")
      let cells = try #require(read.results[.small]?.cells)
      #expect(cells[1].status == .diverged && cells[1].losses[0].value.isNaN && cells[1].measurements.isEmpty)
      #expect(cells[0].hasSameBits(as: try #require(golden.results[.small]).cells[0]))
      #expect(cells[0].curves.first?.values.count == 20 && cells[0].curves.first?.steps.first == 2)
      #expect(read.history == golden.history && read.attempts == 2 && read.history[0].provenBug == "aTest")
      #expect(read.results[.small]?.tinySHA256 == "t" && read.results[.small]?.recipes.first?.sha256 == "r")
    }
  }

  @Test func aNumberChangedByHandIsSaid() throws {
    try withTemporaryFolder { folder in
      var golden = Golden(recipe: "judged")
      golden.record([record(0.5, scale: .tiny)], because: "x", commit: "c")
      try golden.write(folder + "/g.json")
      let text = String(decoding: try SafeFile.read(folder + "/g.json"), as: UTF8.self)
      try SafeFile.write(folder + "/g.json", text: text.replacing("[0.5, \"0x1p-1\"]", with: "[0.75, \"0x1.8p-1\"]"))
      let error = reproError { _ = try Golden(path: folder + "/g.json") }
      #expect(
        error?.description
          == "\(folder)/g.json: its checksum does not match: it was edited by hand, merged or damaged; "
          + "restore it from version control, or record it again")
      // Blanks mean nothing.
      try SafeFile.write(folder + "/g.json", text: text.replacing("  ", with: " "))
      #expect(throws: Never.self) { try Golden(path: folder + "/g.json") }
    }
  }

  private let old = """
    {"format": 1, "recipe": "judged",
     "history": [{"scale": "tiny", "because": "first", "commit": "c"}, {"scale": "small", "because": "first", "commit": "c"}],
     "tiny": {"fingerprint": {}, "plan_sha256": "p", "data": "d", "cells": []},
     "small": {"fingerprint": {}, "plan_sha256": "p", "data": "d", "cells": [
       {"arm": "a", "seed": "3", "status": "finished", "weights_sha256": "w", "losses": [],
        "measurements": [{"name": "two-way.top1", "value": 0.5, "bits": "0x1p-1"}]}]}}
    """

  @Test func aGoldenOfFormatOneIsReadAndItsLooksAreCounted() throws {
    try withTemporaryFolder { folder in
      try SafeFile.write(folder + "/g.json", text: old)
      let golden = try Golden(path: folder + "/g.json")
      #expect(golden.attempts == 1 && golden.history[1].seeds == [3])
      #expect(golden.results[.small]?.cells[0].measurements[0].value == 0.5)
      try SafeFile.write(folder + "/g.json", text: old.replacing("0.5", with: "0.6"))
      #expect(
        reproError { _ = try Golden(path: folder + "/g.json") }?.found
          == "two-way.top1 of a has two values: it was edited by hand")
      try SafeFile.write(folder + "/g.json", text: old.replacing("\"format\": 1", with: "\"format\": 9"))
      #expect(reproError { _ = try Golden(path: folder + "/g.json") }?.found == "the golden has format 9")
    }
  }

  // MARK: Staleness

  private let claim = "id: x, primary: true, metric: two-way.top1, form: superiority, better: a, than: b"

  private func recorded(_ recipe: Recipe, tinyValue: Double = 0.25) throws -> Golden {
    var golden = Golden(recipe: "judged")
    golden.record([record(tinyValue, scale: .tiny)], because: "tiny", commit: "c")
    var small = record(0.5, scale: .small)
    small.planSHA256 = SHA256.hex(of: try recipe.plan())
    small.recipeSHA256 = SHA256.hex(of: try recipe.resolve(scale: .small, arm: "a").canonical)
    golden.record([small], because: "small", commit: "c", tiny: golden.results[.tiny]?.bitsSHA256 ?? "")
    return golden
  }

  @Test func resultsAreStaleOnceTheTinyBitsThePlanOrTheOptionsChange() throws {
    let recipe = try judgedRecipe(claim)
    let golden = try recorded(recipe)
    #expect(try Staleness(of: recipe, nil) == .notRecorded)
    #expect(try Staleness(of: recipe, golden) == .current)
    var moved = golden
    moved.record([record(0.25 + 1e-9, scale: .tiny)], because: "a repaired loss", commit: "c")
    #expect(try Staleness(of: recipe, moved).words == "STALE: the bits of the tiny scale changed (a repaired loss)")
    let replanned = try judgedRecipe(claim + ", delta: 0.1")
    #expect(try Staleness(of: replanned, golden) == .stale(because: ["the plan of the claims changed"]))
    let changed = try judgedRecipe(claim, options: ", method.noise: 0.05")
    #expect(try Staleness(of: changed, golden) == .stale(because: ["the options of arm a changed"]))
    var older = golden
    older.results[.small]?.tinySHA256 = ""
    #expect(try Staleness(of: recipe, older).isStale)
  }

  @Test func thePlanHoldsArmsMetricFormMarginDeltaSeedsAndSteps() throws {
    let plan = try judgedRecipe(claim).plan()
    let others = [
      try judgedRecipe(claim + ", delta: 0.01"), try judgedRecipe(claim + ", margin: 0.01"),
      try judgedRecipe(claim + ", n: 5"), try judgedRecipe(claim.replacing("top1", with: "error")),
      try judgedRecipe(claim.replacing("than: b", with: "than: c")),
      try judgedRecipe(claim.replacing("superiority", with: "non-inferiority") + ", margin: 0.01"),
      try judgedRecipe(claim, seeds: "10"), try judgedRecipe(claim, options: ", first.steps: 4"),
      try judgedRecipe(claim + ", attempt: 2"), try judgedRecipe(claim.replacing("primary: true, ", with: "")),
    ]
    for other in others { #expect(try other.plan() != plan) }
    #expect(try judgedRecipe(claim + ", statement: prose may change").plan() == plan)
  }

  // MARK: Looks

  private func look(_ plan: String, tiny: String = "t", seeds: [UInt64] = Array(0..<8)) -> Look {
    Look(planSHA256: plan, tinySHA256: tiny, recipes: [Golden.Digest(name: "a", sha256: "r")], seeds: seeds)
  }

  private func lookedAt(_ look: Look, attempt: Int = 1) -> Golden {
    var golden = Golden(recipe: "judged")
    var records = look.seeds.map { record(0.5, scale: .small, seed: $0) }
    for i in records.indices { records[i].planSHA256 = look.planSHA256 }
    golden.record(records, because: "x", commit: "c", tiny: look.tinySHA256, attempt: attempt)
    return golden
  }

  @Test func aChangeAfterALookTakesTheNextBlockOfSeedsOrATestOfTheBug() throws {
    try withTemporaryFolder { folder in
      let ledger = try LookLedger(folder: folder)
      #expect(try ledger.attempt(for: look("p"), after: nil, provenBug: nil).number == 1)
      let golden = lookedAt(look("p"))
      // The same again is no new look; more seeds of the same plan are its extension.
      #expect(try ledger.attempt(for: look("p"), after: golden, provenBug: nil).number == 1)
      #expect(try ledger.attempt(for: look("p", seeds: Array(0..<10)), after: golden, provenBug: nil).number == 1)
      let error = reproError { _ = try ledger.attempt(for: look("p", tiny: "u"), after: golden, provenBug: nil) }
      #expect(error?.found == "0, 1, 2, 3, 4, 5, 6, 7 were looked at before, and the code changed since")
      #expect(error?.hint?.hasPrefix("set seeds: [8, 9, 10, 11, 12, 13, 14, 15] in scales.small") == true)
      #expect(
        reproError { _ = try ledger.attempt(for: look("q"), after: golden, provenBug: nil) }?.found.contains("the plan")
          == true)
      #expect(try ledger.attempt(for: look("q"), after: golden, provenBug: "aTestThatFailed").number == 2)
      #expect(try ledger.attempt(for: look("q", seeds: Array(8..<16)), after: golden, provenBug: nil).number == 2)
    }
  }

  @Test func looksThatNobodyRecordedCountToo() throws {
    try withTemporaryFolder { folder in
      var ledger = try LookLedger(folder: folder)
      try ledger.add(look("p", seeds: [0, 1]))
      try ledger.add(look("p", seeds: [1, 2]))
      #expect(try LookLedger(folder: folder).looks == [look("p", seeds: [0, 1, 2])])
      try ledger.add(look("q", seeds: [0, 1, 2]))
      // Two looks were taken; the third one wants fresh seeds, and counts as the third.
      #expect(throws: ReproError.self) {
        try ledger.attempt(for: look("s", seeds: [2, 3]), after: nil, provenBug: nil)
      }
      let third = try ledger.attempt(for: look("s", seeds: [3, 4]), after: nil, provenBug: nil)
      #expect(third.number == 3 && third.unrecorded.count == 2)
      var golden = lookedAt(look("p"))
      golden.recordLooks(third.unrecorded, before: 3, commit: "c")
      #expect(golden.history.suffix(2).map(\.attempt) == [1, 2])
      let text = String(decoding: try SafeFile.read(folder + "/looks.json"), as: UTF8.self)
      try SafeFile.write(folder + "/looks.json", text: text.replacing("\"q\"", with: "\"p\""))
      #expect(throws: ReproError.self) { try LookLedger(folder: folder) }
    }
  }

  // MARK: Runs

  @Test func aRecordSaysWhatItNeedsToBeRunAgainAndNoticesChangesByHand() throws {
    try withTemporaryFolder { folder in
      let runner = try runnableRunner(runnableRecipe(), folder: folder + "/run")
      let record = try runner.run { _ in }
      let stored = try ResolvedRecipe(stored: YAMLNode(parsing: record.resolved, file: "record"))
      #expect(SHA256.hex(of: stored.canonical) == record.recipeSHA256)
      let path = folder + "/run/record.json"
      #expect(try RunRecord(JSONValue(path: path), at: path) == record)
      let text = String(decoding: try SafeFile.read(path), as: UTF8.self)
      try SafeFile.write(path, text: text.replacing("\"seed\": \"3\"", with: "\"seed\": \"4\""))
      let error = reproError { _ = try runner.finishedRecord() }
      #expect(error?.found.hasPrefix("its checksum does not match") == true)
      try SafeFile.write(path, text: text.replacing("\"format\": 2", with: "\"format\": 3"))
      #expect(reproError { _ = try runner.finishedRecord() }?.found == "the record has format 3")
    }
  }

  @Test func aFinishedRunOfAnotherBuildIsRunAgainUnlessTheTinyBitsAreTheSame() throws {
    try withTemporaryFolder { folder in
      let said = Mutex<[String]>([])
      let notices = Notices { text in said.withLock { $0.append(text) } }
      var runner = try runnableRunner(runnableRecipe(), folder: folder + "/run", notices: notices)
      runner.code = CodeStamp(executable: "old build", tiny: "bits")
      let first = try runner.run { _ in }
      func steps(_ code: CodeStamp, keep: Bool = false) throws -> Int {
        runner.code = code
        runner.keepsOtherCode = keep
        var count = 0
        _ = try runner.run { _ in count += 1 }
        return count
      }
      #expect(try steps(CodeStamp(executable: "old build")) == 0)
      #expect(try steps(CodeStamp(executable: "new build", tiny: "bits")) == 0)
      #expect(try steps(CodeStamp(executable: "new build", tiny: "other bits"), keep: true) == 0)
      #expect(try steps(CodeStamp(executable: "new build", tiny: "other bits")) > 0)
      #expect(
        said.withLock { $0 } == ["\(folder)/run: the program changed; the earlier run was moved to \(folder)/run.old1"])
      #expect(try RunRecord(JSONValue(path: folder + "/run.old1/record.json"), at: "") == first)
    }
  }

  @Test func aRunWhoseRecipeWasTakenAwayIsKept() throws {
    try withTemporaryFolder { folder in
      let record = try runnableRunner(runnableRecipe(), folder: folder + "/run").run { _ in }
      #expect(rename(folder + "/run/recipe.yaml", folder + "/elsewhere.yaml") == 0)
      _ = try runnableRunner(runnableRecipe("{type: toy, noise: 0.2}"), folder: folder + "/run").run { _ in }
      #expect(try RunRecord(JSONValue(path: folder + "/run.old1/record.json"), at: "") == record)
    }
  }

  @Test(arguments: ["recipe: {", "recipe: toy\nmeth\u{0}d: x\n", ""])
  func aRunWhoseRecipeIsDamagedIsMovedAsideAndRunAgain(_ damage: String) throws {
    try withTemporaryFolder { folder in
      let said = Mutex<[String]>([])
      let notices = Notices { text in said.withLock { $0.append(text) } }
      let done = Mutex(0)
      var runner = try runnableRunner(runnableRecipe(), folder: folder + "/run", notices: notices)
      runner.mustStop = { done.withLock { $0 >= 4 } }
      #expect(throws: ReproError.self) { try runner.run { _ in done.withLock { $0 += 1 } } }
      runner.mustStop = { false }
      try SafeFile.write(folder + "/run/recipe.yaml", text: damage)
      let record = try runner.run { _ in }
      let moved = "\(folder)/run: its recipe.yaml is damaged; the earlier run was moved to \(folder)/run.old1"
      #expect(said.withLock { $0 } == [moved])
      #expect(SafeFile.exists(folder + "/run.old1/checkpoint.h5"))
      #expect(try record == runnableRunner(runnableRecipe(), folder: folder + "/undisturbed").run { _ in })
    }
  }

  @Test func aStoppedRunOfAnotherBuildIsNotGoneOnWith() throws {
    try withTemporaryFolder { folder in
      let done = Mutex(0)
      var runner = try runnableRunner(runnableRecipe(), folder: folder + "/run")
      runner.mustStop = { done.withLock { $0 >= 4 } }
      runner.code = CodeStamp(executable: "old build")
      #expect(throws: ReproError.self) { try runner.run { _ in done.withLock { $0 += 1 } } }
      runner.mustStop = { false }
      runner.code = CodeStamp(executable: "new build")
      var steps: [Int] = []
      _ = try runner.run { steps.append($0.step) }
      #expect(steps.first == 1, "it began anew")
      #expect(SafeFile.exists(folder + "/run.old1/checkpoint.h5"))
    }
  }
}
