import Foundation
import ReproConfig
import ReproEngine
import TestSupport
import Testing

@testable import ReproCLI

/// The lines of `repro list` are kept between calls, and must never be those of yesterday's files.
@Suite struct ListingTests {
  @Test func aListOf119JudgedPapersCostsLessThanFiftyMilliseconds() throws {
    try withPerson { here in
      try write119Papers(below: here.here)
      let person = Person(here: here.here, root: here.here)
      let first = try person.types("list")
      #expect(first.status == 0 && first.errors == "")
      #expect(first.output.split(separator: "\n").count { $0.contains("SUPPORTED") } == 119)
      func seconds(_ words: String) throws -> Double {
        // Processor time of the best of five: other programs of a busy machine do not count.
        let times = try (0..<5).map { _ in
          let line = "TIMEFORMAT='%U %S'; time '\(Person.program)' \(words) >/dev/null"
          let words = try person.types(["-c", line], program: "/bin/bash").errors.split { $0 == " " || $0 == "\n" }
          return words.compactMap { Double($0) }.reduce(0, +)
        }
        return times.min() ?? .infinity
      }
      // On a processor that needs long to start any program at all, 20 ms for the list itself.
      let (listing, starting) = (try seconds("list"), try seconds("list --help"))
      #expect(listing < max(0.05, starting + 0.02), "\(listing) s, of which \(starting) s start the program")
      #expect(try person.types("list").output == first.output)
    }
  }

  /// SLIP's recipe and golden under 119 names.
  private func write119Papers(below root: String) throws {
    let folder = Person.repository + "/Reproductions/slip"
    let recipe = try String(contentsOfFile: folder + "/slip-small.yaml", encoding: .utf8)
    var golden = try Golden(path: folder + "/golden/slip-small.json")
    var registry = ""
    for index in 100..<219 {
      let (paper, name) = ("paper-\(index)", "recipe-\(index)")
      registry += "- {id: \(paper), family: multimodal, type: SLIP, recipes: [\(name)], status: recorded}\n"
      let text = recipe.replacing("recipe: slip-small", with: "recipe: \(name)").replacing(
        "paper: slip", with: "paper: \(paper)")
      try write(text, to: "\(root)/Reproductions/\(paper)/\(name).yaml")
      golden.recipe = name
      try write(golden.json().text(), to: "\(root)/Reproductions/\(paper)/golden/\(name).json")
    }
    try write(registry, to: root + "/registry.yaml")
  }

  private static let claim = """
    claims: [{id: learns, primary: true, metric: knn.top1, form: superiority, better: method, than: random, delta: 0.01}]
    reported: [{claim: learns, metric: top-1, dataset: D, model: M, value: 0.811, source: S, verified: true}]

    """

  private func withListed(_ body: (Workshop) throws -> Void) throws {
    let scales = "small: {train: 64, test: 32, pretrain.steps: 4, batch: 16, seeds: 8}"
    try withWorkshop {
      $0.replacing("arms:\n", with: "  \(scales)\narms:\n") + Self.claim
    } _: {
      try body($0)
    }
  }

  @Test func aChangedFileIsSeenAtOnceEvenWithItsOldSize() throws {
    try withListed { workshop in
      let place = "\(workshop.root)/\(Workshop.place)"
      #expect(try workshop.person.types("list").output.contains(" 0.811 "))
      let text = try String(contentsOfFile: place, encoding: .utf8)
      for value in ["0.812", "0.813", "0.814"] {
        try write(text.replacing("0.811", with: value), to: place)
        #expect(try workshop.person.types("list").output.contains(" \(value) "))
      }
      try write(
        "- {id: dinov2, family: distillation, type: DINOv2, recipes: [probe], status: partial, why: later}\n",
        to: workshop.root + "/registry.yaml")
      let listed = try workshop.person.types("list").output
      #expect(listed.contains(" partial") && !listed.contains(" recorded"))
    }
  }

  @Test func damagedKeptLinesAreMadeAnew() throws {
    try withListed { workshop in
      let first = try workshop.person.types("list")
      #expect(first.status == 0)
      let folder = workshop.root + "/cache/list"
      let file = try #require(FileManager.default.contentsOfDirectory(atPath: folder).first)
      let kept = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      #expect(kept.contains("0.811"))
      // Believed, any of these would change or empty the list.
      for damaged in ["", "x", kept.replacing("0.811", with: "0.911"), String(kept.dropLast(9)), "{}"] {
        try write(damaged, to: "\(folder)/\(file)")
        let again = try workshop.person.types("list")
        #expect(again.output == first.output && again.errors == "" && again.status == 0)
      }
    }
  }

  @Test func theListNeedsNoCache() throws {
    try withListed { workshop in
      var person = workshop.person
      let first = try person.types("list")
      try write("", to: workshop.root + "/no-folder")
      person.environment["REPRO_CACHE"] = workshop.root + "/no-folder"
      let again = try person.types("list")
      #expect(again.output == first.output && again.errors == "" && again.status == 0)
    }
  }
}
