import ReproConfig
import ReproEngine

/// One claim: verdict, plain words, a plot of every seed, and the numbers behind it.
struct ClaimSection {
  let result: ClaimResult
  /// As the recipe states it.
  let claim: Claim?
  let isStale: Bool
  /// Whether the recipe has to be named: a paper has several.
  let naming: Bool

  var html: HTML {
    var badges: [HTML] = [Standing(result.verdict).badge]
    if isStale { badges.append(.span("badge stale", "stale")) }
    badges.append(.span("meta", HTML(kind)))
    let title = result.statement.isEmpty ? result.claim : result.statement
    var parts: [HTML] = [
      .element("h3", [:], [HTML(title)]), .div("badges", badges), .p(class: "sentence", HTML(plain)),
    ]
    if result.verdict != .notRun {
      parts.append(.div("pair", plots + [glance]))
      parts.append(numbers)
    }
    return .section(result.anchor, "claim", parts)
  }

  private var kind: String {
    var words = [result.isPrimary ? "primary claim" : result.isExploratory ? "exploratory" : "secondary claim"]
    words.append("\(result.metric)")
    if naming { words.append(result.recipe) }
    return words.joined(separator: " \u{00B7} ")
  }

  // MARK: In words

  /// What happened, for somebody who has not read about statistics.
  private var plain: String {
    guard result.verdict != .notRun, !result.comparisons.isEmpty else {
      let seeds = counted(result.plannedSeeds, "seed")
      return "Not run yet. Planned: \(seeds)" + (claim.map { ", \($0.form.words)." } ?? ".")
    }
    var sentences = result.comparisons.map(sentence)
    switch result.verdict {
    case .supported:
      sentences.append(
        result.delta == nil ? "" : "That is at least the \(number(result.delta)) that would matter.")
    case .supportedSmall:
      sentences.append("There is an effect, but less than the \(number(result.delta)) that would matter.")
    case .notSupported:
      sentences.append("An effect of \(number(result.delta)), which would matter, can be ruled out at this scale.")
    case .reversed: sentences.append("At this scale the opposite of the claim holds.")
    case .inconclusive:
      sentences.append(inconclusive)
    case .exploratory: sentences.append("Suggested by the results themselves, so it gets no verdict.")
    case .notRun: break
    }
    return sentences.filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// Why there is no verdict, most of all where every seed has won.
  private var inconclusive: String {
    if !result.problems.isEmpty { return "No verdict: \(result.problems.joined(separator: "; "))." }
    if result.p < 0.05 && result.adjustedP >= 0.05 {
      let by =
        result.attemptP >= 0.05
        ? "after \(result.attempts) attempts" : "among all secondary claims of this paper"
      return "By itself that would do (p = \(Statistics.pText(result.p))), but \(by) such luck is less rare "
        + "(p = \(Statistics.pText(result.adjustedP))): no verdict."
    }
    return "That shows neither the claim nor its absence."
  }

  private func number(_ value: Double?) -> String { value.map { readable($0, digits: 2) } ?? "amount" }

  private func sentence(_ c: Comparison) -> String {
    let n = c.differences.count
    if n == 0 { return "\(typographic(c.label, spaced: true)): no seeds." }
    let wins = c.differences.count { $0 > c.threshold }
    let who = wins == n ? (n == 1 ? "the only seed" : "all \(n) seeds") : "\(wins) of \(n) seeds"
    let mean = readable(c.mean, digits: 2, sign: true)
    switch c.kind {
    case .superiority, .largerGain:
      let over = c.margin > 0 ? "more than the margin of \(readable(c.margin, digits: 2))" : "zero"
      return
        "\(typographic(c.label, spaced: true)) is above \(over) on \(who); on average it is \(mean) in \(c.metric)."
    case .nonInferiority:
      return
        "\(typographic(c.label, spaced: true)) loses less than \(readable(c.margin, digits: 2)) on \(who); on average "
        + "it is \(mean) in \(c.metric)."
    case .equivalence:
      let inside = c.differences.count { abs($0) < c.margin }
      return "\(typographic(c.label, spaced: true)) stays within \(readable(c.margin, digits: 2)) on \(inside) of \(n) "
        + "seeds; on average it is \(mean) in \(c.metric)."
    case .trend:
      return
        "From the first level to the last, \(c.metric) moves by \(mean) on average, in the claimed direction on \(who)."
    case .rankCorrelation:
      return "The two metrics order the arms alike with a rank correlation of \(mean) on average."
    }
  }

  // MARK: Plots

  private var plots: [HTML] {
    let shown = result.comparisons.filter { !$0.differences.isEmpty }
    // Comparisons of one metric share an axis.
    var groups: [[Comparison]] = []
    for comparison in shown {
      if let i = groups.firstIndex(where: {
        $0[0].metric == comparison.metric && $0[0].kind == comparison.kind && $0[0].margin == comparison.margin
      }) {
        groups[i].append(comparison)
      } else {
        groups.append([comparison])
      }
    }
    let figures = groups.enumerated().flatMap { i, group -> [HTML] in
      let id = "\(result.anchor)-\(i)"
      var figures = [figure(forest(group, id).svg)]
      if let levels = levels(group[0], id + "-levels") { figures.append(figure(levels.svg)) }
      return figures
    }
    return figures
  }

  private func figure(_ svg: SVG) -> HTML { .element("figure", [:], [svg.html]) }

  private func forest(_ group: [Comparison], _ id: String) -> ForestPlot {
    let first = group[0]
    let unit = first.unit == "1" || first.unit.isEmpty ? "" : " (\(first.unit))"
    let axis = first.kind == .rankCorrelation ? "rank correlation" : "difference in \(first.metric)\(unit)"
    let isEffect = [.superiority, .largerGain, .trend].contains(first.kind) && first.metric == result.metric
    return ForestPlot(
      id: id, title: "\(result.claim): \(first.metric), every seed", axis: axis + ", to the right: for the claim",
      rows: group.map { c in
        ForestRow(
          label: typographic(c.label, spaced: true), seeds: zip(c.seeds, c.differences).map { ($0, $1) }, mean: c.mean,
          interval: c.interval.flatMap { $0.low <= $0.high ? $0.low...$0.high : nil })
      },
      margins: first.kind == .equivalence ? [-first.margin, first.margin] : [first.threshold],
      delta: isEffect ? result.delta : nil)
  }

  private func levels(_ c: Comparison, _ id: String) -> LevelPlot? {
    guard c.kind == .trend, c.arms.count >= 3 else { return nil }
    let seeds = c.seeds.compactMap { seed -> (UInt64, [Double])? in
      let values = c.arms.compactMap { arm in arm.values.first { $0.seed == seed }?.value }
      return values.count == c.arms.count ? (seed, values) : nil
    }
    return LevelPlot(
      id: id, title: "\(result.claim): \(c.metric) from level to level", axis: "\(c.metric)", levels: c.arms.map(\.arm),
      seeds: seeds)
  }

  // MARK: Numbers

  private var numbers: HTML {
    let rows = result.comparisons.map { c -> [HTML] in
      let places = commonDecimals([c.mean, c.interval?.low ?? 0, c.interval?.high ?? 0])
      return [
        HTML(typographic(c.label, spaced: true))
          + .element("small", ["class": "meta"], [.element("br"), HTML("\(c.metric)")]),
        "\(c.differences.count)", HTML(aligned(c.mean, places, sign: true)),
        HTML(aligned(c.deviation, places)),
        HTML(c.interval.map { "\(aligned($0.low, places)) to \(aligned($0.high, places))" } ?? "\u{2013}"),
        HTML(Statistics.pText(c.p)), HTML(c.tP.map(Statistics.pText) ?? "\u{2013}"),
        HTML(c.smallestDetectable.map { readable($0, digits: 2) } ?? "\u{2013}"),
      ]
    }
    let table = HTML.table(
      caption: "Paired differences, in the direction of the claim",
      head: ["Comparison", "Seeds", "Mean", "SD", "Interval", "p, exact", "p, paired t", "Detectable"],
      rows: rows, numbers: Set(1...7))
    let each = result.comparisons.map { c in
      let values = zip(c.seeds, c.differences).map { "\($0): \(readable($1, sign: true))" }.joined(separator: ",  ")
      return HTML.element(
        "p", ["class": "meta"], [HTML("\(typographic(c.label, spaced: true)), \(c.metric), seed by seed: \(values)")])
    }
    return .element(
      "details", [:],
      [.element("summary", [:], ["Every number, and what the test assumes"]), table] + each
        + [
          .element("p", ["class": "meta"], [HTML(result.sentence)]),
          .element("p", ["class": "meta"], [HTML(ClaimResult.assumption)]),
        ])
  }

  /// The numbers of the comparison that decides.
  private var glance: HTML {
    guard let c = result.decisive else { return .empty }
    var facts: [(String, HTML)] = []
    if result.comparisons.count > 1 {
      facts.append(("Decided by", HTML("\(typographic(c.label, spaced: true)), \(c.metric)")))
    }
    facts.append(("Seeds", "\(c.differences.count)"))
    let places = commonDecimals([c.mean, c.interval?.low ?? 0, c.interval?.high ?? 0])
    facts.append(("Mean difference", HTML(aligned(c.mean, places, sign: true))))
    if let interval = c.interval {
      let ends = "\(aligned(interval.low, places)) to \(aligned(interval.high, places))"
      facts.append(("Interval", HTML("\(ends) (\(interval.percent) %)")))
    }
    facts.append(("p", HTML(Statistics.pText(result.p))))
    if result.attempts > 1 {
      facts.append(("p, \(result.attempts) attempts", HTML(Statistics.pText(result.attemptP))))
    }
    if !result.isPrimary && !result.isExploratory {
      facts.append(("p, adjusted", HTML(Statistics.pText(result.adjustedP))))
    }
    facts.append(("Smallest p possible", HTML(Statistics.pText(result.floorP))))
    if c.margin > 0 { facts.append(("Margin", HTML(readable(c.margin, digits: 2)))) }
    if ![.nonInferiority, .equivalence].contains(c.kind) {
      facts.append(("Would matter", HTML(result.delta.map { readable($0, digits: 2) } ?? "any effect")))
    }
    if let effect = c.smallestDetectable { facts.append(("Detectable", HTML(readable(effect, digits: 2)))) }
    if let claim { facts.append(("Claimed", HTML(typographic(claim.form.words, spaced: true)))) }
    return .facts(facts)
  }
}

extension HTML {
  /// Names with their values, one below the other.
  static func facts(_ items: [(String, HTML)]) -> HTML {
    element(
      "dl", ["class": "facts"],
      items.flatMap { name, value in [element("dt", [:], [HTML(name)]), element("dd", [:], [value])] })
  }
}

/// A label of arms with the sign that printers use between them: `method − no-koleo`.
func typographic(_ label: String, spaced: Bool) -> String { label.replacing(" - ", with: " \u{2212} ") }
