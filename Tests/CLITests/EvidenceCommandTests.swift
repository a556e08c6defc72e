import Foundation
import ReproConfig
import ReproEngine
import Testing

@testable import ReproCLI

/// A recipe with a claim, from its first look to its second, and the commands that look at runs.
@Suite(.serialized) struct EvidenceCommandTests {
  private static func claimed(_ text: String) -> String {
    text.replacing("pretrain.steps: 40, batch: 16, seeds: 2}", with: "pretrain.steps: 5, batch: 16, seeds: 1}")
      .replacing("arms:\n", with: "  small: {train: 128, test: 64, pretrain.steps: 12, batch: 16, seeds: 5}\narms:\n")
        + """
        claims:
          - {id: helps, primary: true, metric: knn.top1, form: superiority, better: method, than: random, n: 5, delta: 0.9}

        """
  }

  private func golden(_ workshop: Workshop) throws -> Golden {
    try Golden(path: "\(workshop.root)/Reproductions/dinov2/golden/probe.json")
  }

  private func finishes(_ workshop: Workshop, _ words: String...) throws -> Person.Outcome {
    let outcome = try workshop.person.types(words)
    try #require(outcome.status == 0, "\(words): \(outcome.errors)")
    return outcome
  }

  @Test func aClaimIsRecordedJudgedAgainAndGoesStaleWithTheCode() throws {
    try withWorkshop(Self.claimed) { workshop in
      let small = ["run", "probe", "--scale", "small"]
      let unready = try workshop.person.types(small + ["--record", "--because", "first"])
      #expect(unready.status == 1)
      #expect(unready.complaint.contains("probe: the tiny scale is not recorded; record it first: repro run probe"))
      _ = try finishes(workshop, "run", "probe", "--scale", "tiny", "--record", "--because", "first")
      let missing = try workshop.person.types("verify", "--recorded")
      #expect(missing.status == 1 && missing.output.contains("MISSING: not recorded; repro run probe --scale small"))

      // A first glance at some of the cells belongs to the same look.
      _ = try finishes(workshop, "run", "probe", "--scale", "small", "--arms", "random", "--seeds", "0")
      let recorded = try finishes(workshop, "run", "probe", "--scale", "small", "--record", "--because", "first look")
      #expect(recorded.output.contains("helps (primary): "))
      #expect(!recorded.errors.contains("at scale tiny"), "the tiny runs of this program are found again")
      let first = try golden(workshop)
      #expect(first.attempts == 1 && first.results[.small]?.cells.count == 10)
      #expect(first.results[.small]?.tinySHA256 == first.results[.tiny]?.bitsSHA256)
      #expect(first.results[.small]?.verdicts.map(\.claim) == ["helps"])
      #expect(first.results[.small]?.cells[0].curves.isEmpty == false)

      let good = try finishes(workshop, "verify", "--recorded", "--json")
      let rows = try JSONValue(parsing: good.output, file: "rows").array ?? []
      #expect(rows.compactMap { $0["subject"]?.string } == ["tiny", "small", "helps"])
      #expect(rows.allSatisfy { $0["good"]?.bool == true })
      #expect(
        try finishes(workshop, "list").output.contains(first.results[.small]?.verdicts[0].verdict.rawValue ?? "?"))

      // Other steps are another plan: the seeds have been looked at.
      let place = "\(workshop.root)/\(Workshop.place)"
      let text = try String(contentsOfFile: place, encoding: .utf8)
      try write(text.replacing("pretrain.steps: 12", with: "pretrain.steps: 14"), to: place)
      let stale = try workshop.person.types("verify", "--recorded")
      #expect(stale.status == 1)
      #expect(stale.output.contains("STALE: the plan of the claims changed; the options of arm method changed"))
      #expect(try finishes(workshop, "list").output.contains(", STALE"))
      let again = try workshop.person.types(small + ["--record", "--because", "more steps"])
      #expect(again.status == 2)
      #expect(again.complaint.contains("0, 1, 2, 3, 4 were looked at before, and the plan changed since"))
      #expect(again.complaint.contains("set seeds: [5, 6, 7, 8, 9] in scales.small"))

      // The next block is the second attempt.
      let next = text.replacing("12, batch: 16, seeds: 5", with: "14, batch: 16, seeds: [5, 6, 7, 8, 9]")
      try write(next, to: place)
      let second = try finishes(workshop, "run", "probe", "--scale", "small", "--record", "--because", "more steps")
      #expect(second.output.contains("this is look 2 at evaluation seeds: p-values are multiplied by 2"))
      let twice = try golden(workshop)
      #expect(twice.attempts == 2 && twice.history.map(\.because) == ["first", "first look", "more steps"])
      #expect(twice.history[2].seeds == [5, 6, 7, 8, 9])
    }
  }

  /// Secondary claims of all recipes of a paper share their error: `run` says what `show` says afterwards.
  @Test func runAdjustsForThePapersOtherRecipes() throws {
    let secondary = { (text: String) in
      Self.claimed(text).replacing("primary: true", with: "primary: false").replacing(
        "better: method, than: random", with: "better: random, than: method")
    }
    try withWorkshop(secondary) { workshop in
      let other = secondary(Workshop.recipe).replacing("recipe: probe", with: "recipe: other").replacing(
        "helps", with: "too")
      try write(other, to: "\(workshop.root)/Reproductions/dinov2/other.yaml")
      try write(
        "- {id: dinov2, family: distillation, type: DINOv2, recipes: [other, probe], status: recorded}\n",
        to: workshop.root + "/registry.yaml")
      _ = try finishes(workshop, "run", "probe", "--scale", "tiny", "--record", "--because", "first")
      let printed = try finishes(workshop, "run", "probe", "--scale", "small", "--record", "--because", "look").output
      let shown = try finishes(workshop, "show", "probe").output
      let phrase = /p = ([0-9.]+).*?adjusted within the paper ([0-9.]+)/.dotMatchesNewlines()
      let (now, afterwards) = try (#require(printed.firstMatch(of: phrase)), #require(shown.firstMatch(of: phrase)))
      #expect(now.output.1 == afterwards.output.1 && now.output.2 == afterwards.output.2)
      let (p, adjusted) = try (#require(Double(now.output.1)), #require(Double(now.output.2)))
      #expect(adjusted > p && abs(adjusted - min(1, 2 * p)) < 1e-3)
    }
  }

  @Test func runsAreReplayedComparedListedAndCleaned() throws {
    try withWorkshop(Self.claimed) { workshop in
      let run = ["run", "probe", "--scale", "tiny"]
      _ = try workshop.person.types(run)
      let cell = "runs/probe/tiny/method-0"
      // From the record alone: the recipe's file may be gone.
      try FileManager.default.removeItem(atPath: "\(workshop.root)/\(cell)/recipe.yaml")
      #expect(try finishes(workshop, "replay", cell).output == "method-0: same bits\n")
      let comparison = try finishes(workshop, "compare", cell, "runs/probe/tiny/random-0").output
      #expect(comparison.contains("other bits") && comparison.contains("pretrain.steps") == false)
      #expect(comparison.contains("stages.0.steps") && comparison.contains("knn.top1"))
      let same = try finishes(workshop, "compare", cell, cell).output
      #expect(same.contains("the same bits in weights and measurements") && same.contains("pretrain loss, "))

      let status = try JSONValue(parsing: finishes(workshop, "status", "--json").output, file: "status").array?.first
      #expect(status?["done"]?.int == 2 && status?["planned"]?.int == 2 && status?["running"]?.array?.isEmpty == true)

      // Another recipe moves the run aside; cleaning takes what was moved, after a question.
      _ = try workshop.person.types(run + ["--set", "method.depth=2"])
      #expect(try workshop.person.types("clean").status == 2, "nobody was there to say yes")
      let cleaned = try finishes(workshop, "clean", "--yes").output
      #expect(cleaned.contains("method-0.old1") && cleaned.contains("removed "))
      #expect(!FileManager.default.fileExists(atPath: "\(workshop.root)/\(cell).old1"))
      #expect(FileManager.default.fileExists(atPath: "\(workshop.root)/\(cell)/checkpoint.h5"))
      #expect(try finishes(workshop, "clean").output == "nothing to clean in runs/\n")

      let record = "\(workshop.root)/\(cell)/record.json"
      let text = try String(contentsOfFile: record, encoding: .utf8)
      try write(text.replacing("\"status\": \"finished\"", with: "\"status\": \"diverged\""), to: record)
      let edited = try workshop.person.types("compare", cell, cell)
      #expect(edited.status == 3 && edited.complaint.contains("its checksum does not match"))
      #expect(try finishes(workshop, "status").output.contains("damaged: probe tiny method-0: "))
    }
  }

  @Test func resultsAreExported() throws {
    try withWorkshop(Self.claimed) { workshop in
      _ = try finishes(workshop, "run", "probe", "--scale", "tiny", "--record", "--because", "first")
      let csv = try finishes(workshop, "export").output
      #expect(csv.hasPrefix("recipe,scale,arm,seed,status,metric,value\r\nprobe,tiny,method,0,finished,knn.top1,0."))
      #expect(
        try finishes(workshop, "export", "--format", "claims").output.contains("dinov2,probe,helps,1,knn.top1,not run"))
      #expect(try finishes(workshop, "export", "--format", "model-index").output == "{model-index: []}\n")
      #expect(try workshop.person.types("export", "--format", "tensorboard").status == 2)
      let events = try finishes(workshop, "export", "--format", "tensorboard", "--to", "events")
      #expect(events.output.hasPrefix("wrote 2 runs to events/"))
      let file = "\(workshop.root)/events/probe/tiny/method-0/\(EventFile.name)"
      #expect(try bytes(file).prefix(12) == Data([24, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0x7F, 0x4B, 0x22]))
    }
  }

  @Test func aFailedCellDoesNotStopTheOthersAndIsNamed() throws {
    try withWorkshop(Self.claimed) { workshop in
      let folder = "\(workshop.root)/runs/probe/tiny"
      // A file where one of the runs wants its folder.
      try write("", to: folder + "/method-0")
      let outcome = try workshop.person.types("run", "probe", "--scale", "tiny")
      #expect(outcome.status == 3 && outcome.complaint.contains("repro: method-0: "))
      #expect(FileManager.default.fileExists(atPath: folder + "/random-0/record.json"))
      #expect(outcome.output.contains("random"))
    }
  }
}
