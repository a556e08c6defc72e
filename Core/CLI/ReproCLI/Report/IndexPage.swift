import ReproConfig
import ReproEngine

/// The first page: where all papers stand, at a glance and as a list.
struct IndexPage {
  let site: Site

  var page: Page {
    Page(
      title: Page.site,
      description:
        "\(site.papers.count) papers on multi-view self-supervised learning: what each reported, what a rerun at "
        + "small scale measured, and whether its claim holds over seeds.",
      place: "index.html", usesScript: true,
      body: [
        .element("h1", [:], ["Does it hold?"]),
        .p(
          class: "lead",
          "\(site.papers.count) papers on multi-view self-supervised learning. One after the other is rebuilt from its "
            + "text: as a readable method, a recipe and a record. Its claims are planned before the first look, run "
            + "over seeds, and judged by the same rules for all."),
        counts, empty, problems, .div("grid", [map, key, filter, warning, list]),
      ])
  }

  private var counts: HTML {
    func number(_ value: Int, _ words: String) -> HTML {
      .element("li", [:], [.element("b", [:], ["\(value)"]), .element("span", [:], [HTML(words)])])
    }
    let judged = site.papers.filter(\.isExecuted).compactMap(\.primary).map { Standing($0.verdict) }
    let stale = site.papers.count(where: \.isStale)
    return .element(
      "ul", ["class": "count"],
      [
        number(site.papers.count, "papers"), number(site.papers.count(where: \.isImplemented), "implemented"),
        number(site.papers.count(where: \.isExecuted), "run at small scale"),
        number(judged.count { $0.name == "yes" }, "primary claims supported"),
        number(judged.count { $0.name == "no" }, "not supported"),
        number(judged.count { $0.name == "open" }, "inconclusive"),
      ] + (stale > 0 ? [number(stale, "stale")] : []))
  }

  /// Said where nothing was run, instead of an empty page.
  private var empty: HTML {
    if site.papers.contains(where: \.isExecuted) { return .empty }
    let first = site.papers.flatMap(\.recipes).first { $0.recipe.scales.contains(.small) }?.recipe.id
    let name = first ?? "RECIPE"
    return .div(
      "panel warn",
      .p(
        .strong("Nothing has been run yet."), " This is the catalogue alone: no claim has results. To change that: ",
        .code("./repro run \(name)"), ", then ", .code("./repro report"), "."))
  }

  private var problems: HTML {
    if site.problems.isEmpty { return .empty }
    return .div(
      "panel warn",
      [.p(.strong("Some records could not be read"), " and are missing below:")]
        + [.element("ul", [:], site.problems.map { .element("li", [:], [.code("\($0)")]) })])
  }

  // MARK: At a glance

  private var map: HTML {
    let rows = site.families.flatMap { family -> [HTML] in
      let papers = site.papers.filter { $0.facts.family == family }
      return [
        .link(family.page, HTML(family.title + " "), .span("n", "\(papers.count)")),
        .element("ul", ["class": "tiles"], papers.map { .element("li", [:], [tile($0)]) }),
      ]
    }
    return .element("div", ["class": "map", "role": "group", "aria-label": "Every paper as a square"], rows)
  }

  private func tile(_ paper: PaperPage.Paper) -> HTML {
    let words = paper.standing.words + (paper.isStale ? ", stale" : "")
    return .link(
      paper.address, class: "tile " + paper.filterNames, title: "\(paper.facts.title): \(words)", paper.standing.mark,
      .unseen("\(paper.facts.title): \(words)"))
  }

  /// What the squares mean, for the ones that occur.
  private var key: HTML {
    let used = Standing.allCases.filter { standing in site.papers.contains { $0.standing == standing } }
    let items = used.map { standing -> HTML in
      .element(
        "li", [:], [.span("tile v-\(standing.name)", standing.mark), HTML(standing.words)])
    }
    let stale: [HTML] =
      site.papers.contains(where: \.isStale)
      ? [.element("li", [:], [.span("tile is-stale"), "stale: the code has changed since"])] : []
    return .element("ul", ["class": "key", "aria-label": "Meaning of the squares"], items + stale)
  }

  // MARK: Filters

  private var filter: HTML {
    let stale = site.papers.count(where: \.isStale)
    let choices: [(id: StaticString, words: String, count: Int)] = [
      ("show-all", "All", site.papers.count),
      ("show-implemented", "Implemented", site.papers.count(where: \.isImplemented)),
      ("show-executed", "Run", site.papers.count(where: \.isExecuted)),
      ("show-yes", "Supported", site.papers.count { $0.standing.name == "yes" }),
      ("show-no", "Not supported", site.papers.count { $0.standing.name == "no" }),
      ("show-open", "Inconclusive", site.papers.count { $0.standing.name == "open" }),
      ("show-stale", "Stale", stale),
    ]
    let labels = choices.enumerated().map { i, choice -> HTML in
      let button = HTML.element(
        "input",
        [
          "type": "radio", "name": "show", "id": "\(choice.id)", "checked": i == 0 ? "checked" : nil,
        ])
      return .element("label", [:], [button, HTML("\(choice.words) \(choice.count)")])
    }
    return .element("fieldset", ["class": "filter"], [.element("legend", [:], ["Show"])] + labels)
  }

  private var warning: HTML {
    .p(
      class: "note",
      "Small scale tests claims, not absolute numbers: minutes on two cores, small pictures, a few thousand samples. "
        + "Reported and measured numbers stand side by side to be read, not to be equal. ",
      .link("statistics.html", "How to read this"), ".")
  }

  // MARK: List

  private var list: HTML {
    .join(
      site.families.map { family in
        .section(
          family.rawValue, "family",
          [
            .element("h2", [:], [.link(family.page, HTML(family.title))]),
            PaperList(papers: site.papers.filter { $0.facts.family == family }, home: "", caption: family.title).html,
          ])
      }, separator: "\n")
  }
}

/// Papers as a table: title, verdict, what was reported and what was measured.
struct PaperList {
  let papers: [PaperPage.Paper]
  let home: String
  let caption: String

  var html: HTML {
    let head = ["Paper", "Verdict", "Reported", "Measured here", "Minutes"].enumerated().map { i, name in
      HTML.element("th", ["scope": "col", "class": i == 4 ? "number" : nil], [HTML(name)])
    }
    let starred = papers.contains { number($0)?.isVerified == false }
    return .element(
      "table", ["class": "papers"],
      [
        .element("caption", ["class": "unseen"], [HTML(caption)]),
        .element("thead", [:], [.element("tr", [:], head)]), .element("tbody", [:], papers.map(row)),
      ]) + (starred ? .p(class: "note", "* from memory, not looked up in the paper") : .empty)
  }

  private func row(_ paper: PaperPage.Paper) -> HTML {
    let facts = paper.facts
    let place = facts.venue.isEmpty ? (facts.year > 0 ? "\(facts.year)" : facts.id) : facts.venue
    func cell(_ name: StaticString, _ content: HTML, isNumber: Bool = false) -> HTML {
      .element("td", ["data-name": content == .empty ? nil : "\(name)", "class": isNumber ? "number" : nil], [content])
    }
    let verdict = paper.standing.badge + (paper.isStale ? " " + .span("badge stale", "stale") : .empty)
    return .element(
      "tr", ["class": paper.filterNames],
      [
        .element(
          "th", ["scope": "row"],
          [
            .link(home + paper.address, HTML(facts.title)),
            .element("small", [:], [HTML(facts.kind == .method ? place : "\(place), \(facts.kind.rawValue)")]),
          ]),
        .element("td", [:], [verdict]), cell("Reported", reported(paper)),
        cell("Measured", measured(paper)),
        cell("Minutes", paper.minutes.map { HTML(decimals($0, $0 < 10 ? 1 : 0)) } ?? .empty, isNumber: true),
      ])
  }

  /// The number that belongs to the primary claim, else the first with a rival.
  private func number(_ paper: PaperPage.Paper) -> PaperNumber? {
    let own = paper.recipes.flatMap { $0.recipe.reported.map(PaperNumber.init) }
    let numbers = own.isEmpty ? paper.facts.reported : own
    let primary = paper.primary.flatMap { claim in numbers.first { $0.claim == claim.claim } }
    return primary ?? numbers.first { $0.baselineValue != nil } ?? numbers.first
  }

  /// `0.471 vs 0.442`, and of what.
  private func reported(_ paper: PaperPage.Paper) -> HTML {
    guard let number = number(paper) else { return .empty }
    return HTML(number.words + (number.isVerified ? "" : "*")) + .element("small", [:], [HTML(number.metric)])
  }

  private func measured(_ paper: PaperPage.Paper) -> HTML {
    guard let comparison = paper.primary?.decisive else { return .empty }
    let means = comparison.arms.map { readable($0.mean) }
    let effect = readable(comparison.mean, digits: 2, sign: true)
    return HTML(means.prefix(2).joined(separator: " vs "))
      + .element("small", [:], [HTML("\(comparison.metric), \(effect)")])
  }
}

extension PaperNumber {
  /// `0.471 vs 0.442`, with units.
  var words: String {
    func text(_ value: Double) -> String { typographic(shortest(value)) + (unit.map { " \($0)" } ?? "") }
    guard let value else { return "" }
    return text(value) + (baselineValue.map { " vs \(text($0))" } ?? "")
  }
}

/// A number as a person wrote it: 82 and not 82.0.
func shortest(_ value: Double) -> String {
  let text = "\(value)"
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
