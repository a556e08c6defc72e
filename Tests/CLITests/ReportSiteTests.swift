import Foundation
import ReproConfig
import ReproData
import TestSupport
import Testing

@testable import ReproCLI
@testable import ReproEngine

/// The whole site: what every page must be, and what it says about results of every kind.
@Suite struct ReportSiteTests {
  // MARK: The repository's own site

  @Test func everyPageOfTheRepositoryIsWellFormedLinkedDescribedAndSmall() throws {
    try withTemporaryFolder { folder in
      let site = try Site(roots: [Person.repository], runs: folder + "/no-runs", plugins: .builtIn)
      #expect(site.problems.isEmpty, "\(site.problems)")
      _ = try SiteWriter(site: site, folder: folder + "/site").write()
      let pages = try ReportRoot.texts(folder + "/site")
      try checkPages(pages)
      #expect(pages.keys.count { $0.hasPrefix("papers/") } == site.papers.count)
      let index = try Markup(#require(pages["index.html"]))
      let rows = index.all("tr").filter { $0.classes.contains("paper") }
      #expect(rows.count == site.papers.count && site.papers.count >= 119)
      let tiles = index.all("a").filter { $0.classes.contains("tile") }
      #expect(Set(tiles.compactMap { $0["href"] }) == Set(site.papers.map(\.address)))
    }
  }

  @Test func theSameInputsGiveTheSameBytes() throws {
    let pages = try (0..<2).map { _ in
      let site = try Site(roots: [Person.repository], runs: "/nowhere", plugins: .builtIn)
      return try SiteWriter(site: site, folder: "/nowhere").pages().map { $0.path + "\n" + $0.text }
    }
    #expect(pages[0] == pages[1])
  }

  @Test func theCatalogueOfPapersAgreesWithTheRegistryAndTheMethods() throws {
    let facts = try PaperFacts.all(root: Person.repository)
    #expect(facts.count == 119)
    let counts = Dictionary(grouping: facts, by: \.family).mapValues(\.count)
    #expect(
      counts == [.multimodal: 28, .contrastive: 25, .geometric: 23, .masked: 17, .distillation: 15, .evaluation: 11])
    let registry = try Registry(path: Person.repository + "/registry.yaml")
    for entry in registry.entries {
      guard let fact = facts.first(where: { $0.id == entry.id }) else { continue }
      #expect(fact.family == entry.family, "\(entry.id)")
      #expect(entry.arxiv.isEmpty || fact.arxiv == entry.arxiv, "\(entry.id)")
      if let card = Plugins.builtIn.methods.first(where: { $0.card.id == entry.id })?.card {
        #expect(card.title == fact.title && card.year == fact.year, "\(entry.id)")
      }
    }
    #expect(facts.flatMap(\.reported).allSatisfy { $0.value?.isFinite == true })
  }

  /// What must be true of the pages of every site.
  private func checkPages(_ pages: [String: String]) throws {
    let read = try Dictionary(
      uniqueKeysWithValues: pages.filter { $0.key.hasSuffix(".html") }.map { path, text in
        (path, try Result { try Markup(text) }.mapError { Markup.Fault(description: "\(path): \($0)") }.get())
      })
    for (path, page) in read {
      #expect(pages[path, default: ""].utf8.count < SiteWriter.largestPage, "\(path) is too large")
      #expect(Set(page.ids).count == page.ids.count, "\(path) has an id twice")
      #expect(page.all("h1").count == 1 && page.all("title").first?.text.isEmpty == false, "\(path)")
      for image in page.all("img") {
        #expect(image["alt"]?.isEmpty == false, "\(path): \(image["src"] ?? "") has no alternative text")
        #expect(image["width"] != nil && image["height"] != nil, "\(path) jumps while it loads")
      }
      for svg in page.all("svg") where svg["aria-hidden"] != "true" {
        let names = (svg["aria-labelledby"] ?? "").split(separator: " ").map(String.init)
        let texts = names.compactMap { id in page.elements.first { $0["id"] == id }?.text }
        #expect(texts.count == 2 && texts.allSatisfy { !$0.isEmpty }, "\(path) has a drawing without words")
      }
      for script in page.all("script") {
        #expect(script["src"]?.hasSuffix(Script.name) == true && script.text.isEmpty, "\(path)")
      }
      #expect(page.elements.allSatisfy { !$0.attributes.contains { $0.name.hasPrefix("on") } }, "\(path)")
      let links = page.elements.compactMap { $0["href"] } + page.all("img").compactMap { $0["src"] }
      for link in links + page.all("script").compactMap({ $0["src"] }) {
        if link.hasPrefix("https://") || link.hasPrefix("data:image/svg+xml,") { continue }
        let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let place = parts[0].isEmpty ? path : resolved(parts[0], from: path)
        #expect(pages[place] != nil, "\(path) leads to \(link), which does not exist")
        if parts.count > 1, let target = read[place] {
          #expect(target.ids.contains(parts[1]), "\(path) leads to \(link), a place that does not exist")
        }
      }
    }
  }

  private func resolved(_ link: String, from page: String) -> String {
    var parts = page.split(separator: "/").dropLast().map(String.init)
    for part in link.split(separator: "/") {
      if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
    }
    return parts.joined(separator: "/")
  }

  // MARK: Results of every kind

  @Test func zeroRunsAreSaidAndTheCatalogueIsWrittenAllTheSame() throws {
    let papers = "- {id: other, title: Another paper, year: 2020, venue: V, family: contrastive, kind: theory}\n"
    try withReportRoot(papers: papers) { root in
      let pages = try root.pages()
      try checkPages(pages)
      let index = try Markup(#require(pages["index.html"])).text
      #expect(index.contains("Nothing has been run yet.") && index.contains("./repro run toy-small"))
      #expect(index.contains("Another paper") && index.contains("planned"))
      let page = try Markup(#require(pages["papers/toy.html"])).text
      #expect(page.contains("Not run yet. Planned: 5 seeds, method > random and half."))
      #expect(page.contains("./repro run toy-small --arms method --seeds 0"))
    }
  }

  @Test func recordedResultsAreShownWithEverySeed() throws {
    try withReportRoot { root in
      try root.record()
      let pages = try root.pages()
      try checkPages(pages)
      let page = try Markup(#require(pages["papers/toy.html"]))
      #expect(page.text.contains("is above zero on all 5 seeds; on average it is +0.198 in knn.top1."))
      // Against the first rival, and from the first level of the trend to its last.
      #expect(page.all("circle").count { $0.text.hasPrefix("seed 3: +0.190") } == 2)
      // Two rivals, the margin's comparison, and the trend's differences, five seeds each; the trend's levels 3 x 5.
      #expect(page.all("circle").count { $0.text.hasPrefix("seed ") } == 5 * 4 + 15)
      #expect(page.text.contains("0.510 ± 0.016"))  // method, knn.top1
      #expect(page.all("path").contains { $0.classes == ["band", "s1"] }, "curves of the golden")
      #expect(page.text.contains("c0ffee") && page.text.contains("toy data") && page.text.contains("isa test"))
      #expect(page.text.contains("method 0.510, random 0.312"))  // beside the reported number
      #expect(!page.text.contains("Stale."))
      let index = try Markup(#require(pages["index.html"]))
      #expect(!index.text.contains("Nothing has been run yet"))
      #expect(index.all("tr").contains { $0.classes.contains("v-yes") && $0.classes.contains("is-executed") })
    }
  }

  @Test func resultsOfOtherCodeAreCalledStale() throws {
    try withReportRoot { root in
      try root.record()
      let path = try root.entry.golden
      var golden = try Golden(path: path)
      golden.record(
        try root.records(.tiny, [("method", [0.7]), ("random", [0.3]), ("half", [0.4])]), because: "a repair",
        commit: "d")
      try golden.write(path)
      let pages = try root.pages()
      #expect(
        try Markup(#require(pages["papers/toy.html"])).text.contains("the bits of the tiny scale changed (a repair)"))
      #expect(try Markup(#require(pages["index.html"])).all("tr").contains { $0.classes.contains("is-stale") })
    }
  }

  @Test func finishedRunsWithoutARecordAreShownAsSuchAndTheirTimesAdded() throws {
    try withReportRoot { root in
      let records = try root.records(.small, ReportRoot.accuracies)
      try root.finish(Array(records.dropLast()))
      #expect(try root.site().papers[0].isExecuted == false, "one run is missing")
      try root.finish(records)
      let site = try root.site()
      #expect(site.papers[0].recipes[0].isLocal && site.papers[0].minutes == 15)
      let found =
        "[{\"kind\": \"collapse\", \"stage\": \"pretrain\", \"step\": 7, \"text\": \"all embeddings <are> equal\"}]"
      try write(found, to: "\(root.runs)/toy-small/small/half-3/health.json")
      let page = try Markup(#require(root.pages()["papers/toy.html"])).text
      #expect(page.contains("Not recorded.") && page.contains("above zero on all 5 seeds"))
      #expect(page.contains("all runs together 15 min 0 s, 7 min 30 s of a processor"))
      #expect(page.contains("half-3: pretrain, step 7: all embeddings <are> equal"))
    }
  }

  @Test func runsOfAnotherRecipeAreNotTaken() throws {
    try withReportRoot { root in
      var records = try root.records(.small, ReportRoot.accuracies)
      records[0].recipeSHA256 = String(repeating: "f", count: 64)
      try root.finish(records)
      #expect(try root.site().papers[0].recipes[0].records.count == records.count - 1)
    }
  }

  @Test func aDivergedSeedIsSaid() throws {
    try withReportRoot { root in
      try root.record()
      let path = try root.entry.golden
      var golden = try Golden(path: path)
      golden.results[.small]?.cells[1].status = .diverged
      golden.results[.small]?.cells[1].measurements = []
      try golden.write(path)
      let page = try Markup(#require(root.pages()["papers/toy.html"])).text
      #expect(page.contains("No verdict: method diverged with seed 1") && page.contains("5, 1 diverged"))
    }
  }

  @Test func whatCannotBeReadIsSaidOnTheFirstPageAndHidesNothingElse() throws {
    try withReportRoot { root in
      try root.record()
      let path = try root.entry.golden
      try write(String(decoding: try bytes(path), as: UTF8.self).replacing("c0ffee", with: "decaf"), to: path)
      let site = try root.site()
      #expect(site.problems.count == 1 && site.problems[0].found.contains("checksum"))
      let pages = try root.pages()
      try checkPages(pages)
      #expect(try Markup(#require(pages["index.html"])).text.contains("its checksum does not match"))
      #expect(pages["papers/toy.html"] != nil)
    }
  }

  @Test func textOfRecipesAndNotesIsShownAndNeverObeyed() throws {
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    let papers = """
      - id: other
        title: "\(evil)"
        year: 2020
        venue: "\(evil)"
        code: "javascript:alert(3)"
        family: contrastive
        kind: method
        claims: [{id: c, statement: "\(evil)"}]
        reported: [{metric: "\(evil)", value: 1, source: "\(evil)", verified: false}]

      """
    try withReportRoot(papers: papers, notes: "# N\n\n\(evil)\n\n[x](javascript:alert(4))\n") {
      $0.replacing("STATEMENT", with: evil).replacing("DATASET", with: evil).replacing("DEVIATION", with: evil)
    } _: { root in
      try root.record()
      let pages = try root.pages()
      try checkPages(pages)
      for (path, text) in pages where path.hasSuffix(".html") {
        #expect(!text.contains("<script>alert") && !text.contains("<img src=x"), "\(path)")
        #expect(!text.contains("href=\"javascript:"), "\(path)")
      }
      #expect(try Markup(#require(pages["papers/toy.html"])).text.ranges(of: evil).count >= 4)
      #expect(try Markup(#require(pages["papers/other.html"])).text.ranges(of: evil).count >= 4)
    }
  }

  @Test func aPaperWithManyRecipesKeepsItsPageSmall() throws {
    try withReportRoot { root in
      try root.record()
      let text = try String(contentsOfFile: root.folder + "/Reproductions/toy/toy-small.yaml", encoding: .utf8)
      var site = try root.site()
      var results = site.papers[0].recipes[0]
      // Every recipe with 20 seeds of 24 points of 8 metrics.
      let curves = (0..<8).map { m in
        RunRecord.Curve(
          stage: "pretrain", metric: "metric\(m)", steps: Array(0..<24), values: (0..<24).map { Double($0) / 7 })
      }
      for i in results.small?.cells.indices ?? 0..<0 { results.small?.cells[i].curves = curves }
      site.papers[0].recipes = (0..<6).map { _ in results }
      let page = try PaperPage(paper: site.papers[0], site: site).page().text(families: [])
      #expect(page.utf8.count < SiteWriter.largestPage && !text.isEmpty)
    }
  }

  // MARK: The folder

  @Test func anEarlierReportIsReplacedAndNothingElseTouched() throws {
    let papers = "- {id: other, title: Another paper, year: 2020, venue: V, family: contrastive, kind: theory}\n"
    try withReportRoot(papers: papers) { root in
      #expect(try root.pages()["papers/other.html"] != nil)
      try write("mine", to: root.out + "/papers/mine.txt")
      try FileManager.default.removeItem(atPath: root.folder + "/Reproductions/papers.yaml")
      let pages = try root.pages()
      #expect(pages["papers/other.html"] == nil && pages["papers/mine.txt"] == "mine")
      let attributes = try FileManager.default.attributesOfItem(atPath: root.out + "/index.html")
      #expect(attributes[.posixPermissions] as? Int == 0o644, "a web server must read it")
    }
  }

  @Test func aFolderOfSomebodyElseIsRefused() throws {
    try withReportRoot { root in
      try write("thesis", to: root.out + "/thesis.tex")
      let error = reproError { _ = try root.pages() }
      #expect(error?.found == "the folder holds 'thesis.tex' and no earlier report" && error?.exitCode == 2)
      #expect(SafeFile.list(root.out) == ["thesis.tex"])
    }
  }

  @Test func aListOfFilesThatLeadsElsewhereRemovesNothingThere() throws {
    try withReportRoot { root in
      try write("precious", to: root.folder + "/precious.txt")
      try write("../precious.txt\n/etc/hostname\n", to: root.out + "/files.txt")
      _ = try root.pages()
      #expect(SafeFile.exists(root.folder + "/precious.txt"))
    }
  }

  @Test(arguments: [
    ("- {id: a, title: T, year: 2020, venue: V, family: nothing, kind: method}", "papers.yaml:1:51: "),
    ("- {id: a/../b, title: T, year: 2020, venue: V, family: masked, kind: method}", "1:8"),
    ("- {id: a, title: T, year: 2020, venue: V, family: masked, kind: method, abstract: x}", "unknown key 'abstract'"),
    (
      "- {id: b, title: T, year: 2020, venue: V, family: masked, kind: method}\n- {id: a, title: T, year: 2020, venue: V, family: masked, kind: method}",
      "sorted by id"
    ),
  ])
  func aCardThatIsWrongIsNamedWithItsPlace(card: String, words: String) throws {
    try withReportRoot(papers: card + "\n") { root in
      let error = try #require(reproError { _ = try root.site() })
      #expect("\(error)".contains(words), "\(error)")
    }
  }
}
