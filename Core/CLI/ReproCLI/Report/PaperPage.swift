import ReproConfig
import ReproData
import ReproEngine

/// The page of a paper: its card, its claims, reported beside measured, curves, pictures, recipe, provenance, notes.
struct PaperPage {
  let paper: Paper
  let site: Site

  private var facts: PaperFacts { paper.facts }

  func page() throws -> Page {
    let recipes = try paper.recipes.flatMap { try RecipeSections(results: $0, among: paper.recipes.count).html() }
    var body = [crumbs, .element("h1", [:], [HTML(facts.title)]), meta, verdicts, contents]
    body += [claims, PaperNumbers(paper: paper).html] + recipes + [notes]
    return Page(
      title: facts.title,
      description:
        "\(facts.title): \(paper.standing.words). Reported beside measured, with the claims tested over seeds.",
      home: "../", body: body.filter { $0 != .empty })
  }

  private var crumbs: HTML {
    .element(
      "p", ["class": "crumbs meta"],
      [
        .link("../index.html", "All papers"), " \u{203A} ",
        .link("../\(facts.family.page)", HTML(facts.family.title)),
      ])
  }

  private var meta: HTML {
    var items: [HTML] = []
    if facts.venue.isEmpty {
      if facts.year > 0 { items.append("\(facts.year)") }
    } else {
      items.append(HTML(facts.venue))
    }
    items.append(HTML(facts.kind.rawValue))
    if !facts.modality.isEmpty { items.append(HTML(facts.modality.joined(separator: ", "))) }
    if let arxiv = facts.arxiv { items.append(.link("https://arxiv.org/abs/\(arxiv)", "arXiv \(arxiv)")) }
    if let code = facts.code { items.append(.link(code, "authors\u{2019} code")) }
    if let entry = paper.entry { items.append("implemented as " + .code(entry.type)) }
    return .element("p", ["class": "meta"], [.join(items, separator: " \u{00B7} ")])
  }

  // MARK: At a glance

  private var verdicts: HTML {
    guard paper.isImplemented else { return planned }
    if paper.claims.isEmpty {
      return .div("panel", .p("The method is implemented; its recipes make no claim yet."))
    }
    let rows = paper.orderedClaims.map { claim -> HTML in
      .element(
        "li", [:],
        [
          .element("span", [:], [Standing(claim.verdict).badge]),
          .element(
            "span", ["class": claim.isPrimary ? "primary" : nil],
            [.link("#\(claim.anchor)", HTML(claim.statement.isEmpty ? claim.claim : claim.statement))]),
        ])
    }
    return .div("panel", .element("ul", ["class": "verdicts"], rows)) + state
  }

  /// What keeps the verdicts from being the last word.
  private var state: HTML {
    var notes: [HTML] = []
    // Recipes with the same reason share a sentence.
    var stale: [(reasons: [String], recipes: [String])] = []
    for results in paper.recipes {
      guard let reasons = results.stale else { continue }
      if let i = stale.firstIndex(where: { $0.reasons == reasons }) {
        stale[i].recipes.append(results.recipe.id)
      } else {
        stale.append((reasons, [results.recipe.id]))
      }
    }
    for (reasons, recipes) in stale {
      notes.append(
        .p(
          .strong("Stale."), " The small scale of ", names(recipes),
          " was recorded with other code than today\u{2019}s: \(reasons.joined(separator: "; ")). To run it again: ",
          .code("./repro run \(recipes[0]) --record --because TEXT"), "."))
    }
    let local = paper.recipes.filter(\.isLocal).map(\.recipe.id)
    if !local.isEmpty {
      notes.append(
        .p(
          .strong("Not recorded."), " The numbers of ", names(local),
          " come from finished runs on this machine, not from a record in the repository."))
    }
    let waiting = paper.recipes.filter { $0.small == nil && !$0.recipe.claims.isEmpty }.map(\.recipe.id)
    if !waiting.isEmpty {
      notes.append(
        .p(
          .strong("Not run."), " The small scale of ", names(waiting), " has no results. To run it: ",
          .code("./repro run \(waiting[0])"), "."))
    }
    if let why = paper.entry?.why, !why.isEmpty { notes.append(.p(HTML(why))) }
    return notes.isEmpty ? .empty : .div("panel warn", notes)
  }

  private func names(_ recipes: [String]) -> HTML { .join(recipes.map(HTML.code), separator: ", ") }

  private var planned: HTML {
    var items: [HTML] = [.p(.strong("Planned."), " This paper has a place in the catalogue and no code yet.")]
    if !facts.claims.isEmpty {
      items.append(.p("What is to be tested:"))
      items.append(.element("ul", [:], facts.claims.map { .element("li", [:], [HTML($0.statement)]) }))
    }
    return .div("panel", items)
  }

  private var contents: HTML {
    guard paper.isImplemented else { return .empty }
    var links: [HTML] = []
    if !paper.claims.isEmpty { links.append(.link("#claims", "Claims")) }
    if PaperNumbers(paper: paper).hasRows { links.append(.link("#numbers", "Reported beside measured")) }
    links += paper.recipes.map { .link("#\($0.recipe.id)", HTML($0.recipe.id)) }
    if paper.notes != nil { links.append(.link("#notes", "Notes")) }
    return links.count < 2 ? .empty : .element("nav", ["class": "contents", "aria-label": "On this page"], links)
  }

  // MARK: Claims

  private var claims: HTML {
    if paper.claims.isEmpty { return .empty }
    let several = paper.recipes.count(where: { !$0.recipe.claims.isEmpty }) > 1
    return .section(
      "claims", nil,
      [
        .element("h2", [:], ["Claims"]),
        .p(
          class: "note",
          "Each dot is one seed: the same world, data order and start for both arms. The diamond is the mean, the bar "
            + "its interval. ", .link("../statistics.html", "How claims are judged"), "."),
      ]
        + paper.orderedClaims.map { result in
          let results = paper.recipes.first { $0.recipe.id == result.recipe }
          return ClaimSection(
            result: result, claim: results?.recipe.claims.first { $0.id == result.claim },
            isStale: results?.stale != nil, naming: several
          ).html
        })
  }

  private var notes: HTML {
    guard let notes = paper.notes else { return .empty }
    // The first heading repeats the paper's name.
    let lines = notes.split(separator: "\n", omittingEmptySubsequences: false)
    let text = lines.first?.hasPrefix("# ") == true ? lines.dropFirst().joined(separator: "\n") : notes
    return .section("notes", nil, [.element("h2", [:], ["Notes"]), Markdown.html(text, level: 3)])
  }

  /// Where a picture lies, from the first page.
  static func address(of picture: PictureFolder.Stored, _ results: RecipeResults) -> String {
    "pictures/\(results.recipe.id)/\(picture.name).png"
  }
}

/// Reported beside measured: every number of the paper with ours where a claim joins them.
struct PaperNumbers {
  let paper: PaperPage.Paper

  var hasRows: Bool { !rows.isEmpty }

  var html: HTML {
    let rows = rows
    if rows.isEmpty { return .empty }
    let title = paper.isImplemented ? "Reported beside measured" : "Reported"
    let head: [HTML] =
      ["What the paper reports", "Reported", "Source"] + (paper.isImplemented ? ["Measured here"] : [])
    return .section(
      "numbers", nil,
      [
        .element("h2", [:], [HTML(title)]),
        .table(
          caption: "Numbers of the paper, at its own scale"
            + (paper.isImplemented ? "; ours, at small scale, are no target for them" : ""),
          head: head, rows: rows),
      ])
  }

  private var rows: [[HTML]] {
    let own = paper.recipes.flatMap { results in results.recipe.reported.map { (results.recipe.id, PaperNumber($0)) } }
    var numbers: [(String, PaperNumber)] = []
    // What belongs to a claim comes first; recipes of one paper often repeat its numbers.
    let all = own.isEmpty ? paper.facts.reported.map { ("", $0) } : own
    for number in all.filter({ $0.1.claim != nil }) + all.filter({ $0.1.claim == nil })
    where !numbers.contains(where: { $0.1.isSame(as: number.1) }) { numbers.append(number) }
    return numbers.map { recipe, number in
      let place = [number.dataset, number.model].compactMap { $0 }.joined(separator: ", ")
      let what = HTML(number.metric) + .element("small", ["class": "meta"], [.element("br"), HTML(place)])
      let rival = number.baseline.map { HTML.element("small", ["class": "meta"], [.element("br"), "rival: \($0)"]) }
      let source = HTML(number.source ?? "") + (number.isVerified ? "" : memory(number.source == nil))
      let row = [what, HTML(number.words) + (number.baselineValue == nil ? .empty : rival ?? .empty), source]
      return paper.isImplemented ? row + [measured(number, recipe)] : row
    }
  }

  private func memory(_ isFirst: Bool) -> HTML {
    .element("em", [:], [isFirst ? "from memory, not looked up" : ", from memory, not looked up"])
  }

  private func measured(_ number: PaperNumber, _ recipe: String) -> HTML {
    guard let id = number.claim, let claim = paper.claims.first(where: { $0.recipe == recipe && $0.claim == id }),
      let comparison = claim.comparisons.first
    else { return HTML("\u{2013}") }
    let means = comparison.arms.map { "\($0.arm) \(readable($0.mean))" }.joined(separator: ", ")
    return HTML(means)
      + .element("small", ["class": "meta"], [.element("br"), .link("#\(claim.anchor)", HTML("\(comparison.metric)"))])
  }
}
