import ReproEngine

/// A family of papers: what its methods have in common, and where its papers stand.
struct FamilyPage {
  let family: Family
  let site: Site

  var page: Page {
    let papers = site.papers.filter { $0.facts.family == family }
    let judged = papers.filter { $0.isExecuted && $0.primary != nil }
    return Page(
      title: family.title, description: family.sentence, home: "../", place: family.page,
      body: [
        .element("h1", [:], [HTML(family.title)]), .p(class: "lead", HTML(family.sentence)),
        .p(
          class: "meta",
          "\(counted(papers.count, "paper")), \(papers.count(where: \.isImplemented)) implemented, "
            + "\(papers.count(where: \.isExecuted)) run at small scale."),
        judged.isEmpty ? .empty : claims(judged), .element("h2", [:], ["Papers"]),
        PaperList(papers: papers, home: "../", caption: "Papers of this family").html,
      ])
  }

  private func claims(_ papers: [PaperPage.Paper]) -> HTML {
    let rows = papers.flatMap { paper in
      paper.orderedClaims.map { claim -> HTML in
        let text = claim.statement.isEmpty ? claim.claim : claim.statement
        return .element(
          "li", [:],
          [
            .element("span", [:], [Standing(claim.verdict).badge]),
            .element(
              "span", ["class": claim.isPrimary ? "primary" : nil],
              [
                .link("../\(paper.address)#\(claim.anchor)", HTML(text)),
                .element("small", ["class": "meta"], [HTML(" \(paper.facts.id)")]),
              ]),
          ])
      }
    }
    return .element("h2", [:], ["Claims"]) + .element("ul", ["class": "verdicts"], rows)
  }
}
