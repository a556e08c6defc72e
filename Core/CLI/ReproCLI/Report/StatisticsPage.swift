import ReproConfig
import ReproEngine

/// How to read the report: what is tested, how, and what it does not say.
struct StatisticsPage {
  let site: Site

  var page: Page {
    Page(
      title: "How to read this",
      description:
        "What a verdict means: planned claims, paired seeds, an exact test, and what small scale cannot say.",
      place: "statistics.html",
      body: [
        .element("h1", [:], ["How to read this"]),
        .p(
          class: "lead",
          "A paper says: our method beats that baseline. We train both, several times, under equal conditions, and ask "
            + "one question that can be answered with yes, no or not yet."),
        warning, seeds, test, verdicts, plan, numbers, catalogue,
      ])
  }

  private var warning: HTML {
    .div(
      "panel warn",
      .p(
        .strong("Small scale tests claims, not absolute numbers."),
        " Our runs take minutes on two processor cores, with small "
          + "networks, small pictures and a few thousand samples. That an accuracy here is far below the "
          + "paper\u{2019}s says nothing about the paper. And a claim that fails here may well hold at the "
          + "authors\u{2019} scale: NOT SUPPORTED means \u{201C}not at this scale, by this much\u{201D}, never "
          + "\u{201C}the paper is wrong\u{201D}."))
  }

  private var seeds: HTML {
    .section(
      "seeds", nil,
      [
        .element("h2", [:], ["Every dot is a fair race"]),
        .p(
          "A seed fixes everything that chance decides: the starting weights, the order of the data, the procedural "
            + "world or the subset of the training data. Method and baseline run with the same seed, so they meet the "
            + "same luck. Their difference is one dot. Eight seeds give eight dots; a run that diverged stays, "
            + "and counts as the worst."),
        .div(
          "pair",
          .element(
            "figure", [:],
            [
              example("yes", [0.021, 0.034, 0.017, 0.028, 0.041]).svg.html,
              caption("Five of five: the claim is supported."),
            ]),
          .element(
            "figure", [:],
            [
              example("no", [0.021, 0.064, -0.004, 0.048, 0.051]).svg.html,
              caption("Four of five, with a larger mean: not enough. Luck does this too often."),
            ])),
      ])
  }

  private func caption(_ text: String) -> HTML { .element("figcaption", [:], [HTML(text + " (Invented numbers.)")]) }

  private func example(_ id: String, _ values: [Double]) -> ForestPlot {
    ForestPlot(
      id: "example-\(id)", title: "An invented example", axis: "difference in accuracy, to the right: for the claim",
      rows: [
        ForestRow(
          label: "method \u{2212} baseline", seeds: values.enumerated().map { (UInt64($0), $1) },
          mean: Statistics.mean(values), interval: (values.min() ?? 0)...(values.max() ?? 0))
      ], margins: [0], delta: 0.01)
  }

  private var test: HTML {
    .section(
      "test", nil,
      [
        .element("h2", [:], ["All five seeds must win"]),
        .p(
          "Suppose the method were no better than the baseline. Then each difference could just as well have come out "
            + "with the other sign. With five seeds there are 2\u{2075} = 32 ways to choose signs; only one of them "
            + "has all five on the method\u{2019}s side. If that is what we see, chance would have done it in 1 of 32 "
            + "cases: p = 0.031. One seed that loses, and p is at least 0.0625, above the limit of 0.05. So with five "
            + "seeds the rule is simple: all of them must win. With eight seeds (256 ways) a narrow loss can be made "
            + "up for by clear wins, and an effect as large as one standard deviation of the differences is found four "
            + "times out of five."),
        .p(
          "This is the exact sign-flip test of the mean. It assumes that differences would be symmetric if the claim "
            + "were false. The bar below the dots is the interval that belongs to this very test, so that bar and "
            + "verdict cannot disagree; a paired t test stands beside it in the tables."),
        .p(
          "Other claims have tests of the same kind: \u{201C}no worse\u{201D} moves the line by a margin that was "
            + "fixed before; \u{201C}the same\u{201D} needs both sides; \u{201C}more of it helps\u{201D} is "
            + "Page\u{2019}s trend test; \u{201C}beats A and B\u{201D} must beat each."),
      ])
  }

  private var verdicts: HTML {
    let rows: [(Verdict, HTML)] = [
      (
        .supported,
        "Chance would rarely do this (p below 0.05), and the effect is at least as large as the one that we said "
          + "beforehand would matter."
      ),
      (.supportedSmall, "There is an effect, but it is smaller than the one that would matter."),
      (.notSupported, "An effect as large as the one that would matter can be ruled out at this scale."),
      (.reversed, "Not supported, and the opposite would pass the test."),
      (.inconclusive, "Neither can be shown: too few seeds, a missing run, or differences that vary too much."),
    ]
    return .section(
      "verdicts", nil,
      [
        .element("h2", [:], ["Verdicts"]),
        .element(
          "ul", ["class": "verdicts"],
          rows.map { verdict, words in row(Standing(verdict).badge, words) } + [
            row(
              .span("badge stale", "stale"),
              "The code has changed since these numbers were recorded: a few seconds of training give other bits than "
                + "they did then. The verdict stands until the runs are made again, but nobody should lean on it.")
          ]),
      ])
  }

  private func row(_ badge: HTML, _ words: HTML) -> HTML {
    .element("li", [:], [.element("span", [:], [badge]), .element("span", [:], [words])])
  }

  private var plan: HTML {
    .section(
      "plan", nil,
      [
        .element("h2", [:], ["Planned before looking"]),
        .p(
          "Arms, metric, test, margin, the smallest effect that would matter and the number of seeds are written down "
            + "and hashed before the first run that counts. Settings are tuned on other seeds (1000 and above), with "
            + "the same number of trials for every arm. Who looks and then changes something takes the next block of "
            + "unused seeds, and p is multiplied by the number of attempts."),
        .p(
          "Each paper has one primary claim. Its other claims pay for their number (Holm\u{2019}s method); what only "
            + "the results suggested is called exploratory and gets no verdict. An honest negative result stays on "
            + "the page."),
      ])
  }

  private var numbers: HTML {
    .section(
      "reported", nil,
      [
        .element("h2", [:], ["Reported and measured"]),
        .p(
          "What a paper reports is shown beside what we measured, never as a target. Every reported number names its "
            + "place; those that nobody looked up there are marked as from memory. Each recipe also has a sanity "
            + "floor, such as a supervised arm or chance, which shows that nothing is broken."),
        .p(
          "Pictures show one run, the first seed, chosen before it was run: they explain a method and prove nothing."),
      ])
  }

  /// The primary claims of all papers together.
  private var catalogue: HTML {
    let all = site.catalogue
    let intro = HTML.p(
      "A hundred claims tested at 0.05 would give five lucky ones even if none were true. So the primary claims of all "
        + "papers are also judged together: q is the share of false discoveries that one accepts by calling a claim a "
        + "discovery (Benjamini and Hochberg). A test with n seeds cannot give a p below 1 / 2",
      .element("sup", [:], ["n"]),
      "; beside q stands the smallest value that each claim could have reached, so that a floor is not read as "
        + "a failure."
    )
    let head = HTML.element("h2", [:], ["All primary claims together"])
    if all.primaries.isEmpty {
      return .section("together", nil, [head, intro, .p(class: "note", "No primary claim has results yet.")])
    }
    let rows = all.primaries.indices.map { i -> [HTML] in
      let claim = all.primaries[i]
      return [
        .link("papers/\(claim.paper).html#\(claim.anchor)", HTML("\(claim.paper): \(claim.claim)")),
        Standing(claim.verdict).badge, "\(claim.n)", HTML(Statistics.pText(claim.attemptP)),
        HTML(Statistics.pText(all.q[i])), HTML(Statistics.pText(all.reachable[i])),
      ]
    }
    return .section(
      "together", nil,
      [
        head, intro,
        .table(
          caption: "Primary claims", head: ["Claim", "Verdict", "Seeds", "p", "q", "smallest q"], rows: rows,
          numbers: [2, 3, 4, 5]),
      ])
  }
}
