import ReproConfig
import ReproData
import ReproEngine

/// A recipe on the page of its paper: what was run, what came out of every arm, curves, pictures, options, provenance.
struct RecipeSections {
  let results: PaperPage.RecipeResults
  /// Recipes on the page: they share its room.
  let among: Int

  private var recipe: Recipe { results.recipe }

  func html() throws -> [HTML] {
    [
      .section(
        recipe.id, nil,
        [
          .element("h2", [:], [HTML(recipe.id)]), .p(class: "meta", HTML(try summary())), measurements, health,
          curves, pictures, deviations, try details(),
        ].filter { $0 != .empty })
    ]
  }

  /// `scenes-objects, 5 arms x 8 seeds, pretrain 600 steps of 64`
  private func summary() throws -> String {
    let scale: Scale = recipe.scales.contains(.small) ? .small : .tiny
    let cell = try recipe.resolve(scale: scale, arm: recipe.arms[0].name)
    let stages = cell.stages.map { stage in
      "\(stage.name) \(stage.steps) steps" + (stage.batch.map { " of \($0) samples" } ?? "")
    }
    var words = ["\(scale.rawValue) scale", "data \(cell.data.type)"]
    words.append("\(counted(recipe.arms.count, "arm")) \u{00D7} \(counted(cell.seeds.count, "seed"))")
    words += stages
    if let seconds = results.seconds {
      let ofProcessors = results.processorSeconds.map { ", \(duration($0)) of a processor" } ?? ""
      words.append("all runs together \(duration(seconds))\(ofProcessors)")
    }
    return words.joined(separator: " \u{00B7} ")
  }

  // MARK: Every arm

  private var measurements: HTML {
    guard let small = results.small else { return .empty }
    var metrics: [String] = []
    for name in small.cells.flatMap({ $0.measurements.map(\.name) }) where !metrics.contains(name) {
      metrics.append(name)
    }
    let arms = recipe.arms.map(\.name).filter { arm in small.cells.contains { $0.arm == arm } }
    func values(_ arm: String, _ metric: String) -> [Double] {
      small.cells.filter { $0.arm == arm }.compactMap { cell in
        cell.measurements.first { $0.name == metric }?.value
      }
    }
    let places = metrics.map { metric in commonDecimals(arms.map { Statistics.mean(values($0, metric)) }) }
    let rows = arms.map { arm -> [HTML] in
      let cells = small.cells.filter { $0.arm == arm }
      let diverged = cells.count { $0.status == .diverged }
      let seeds = "\(cells.count)" + (diverged > 0 ? ", \(diverged) diverged" : "")
      return [HTML(arm), HTML(seeds)] + zip(metrics, places).map { HTML(spread(values(arm, $0), $1)) }
    }
    let head =
      [HTML("Arm"), HTML("Seeds")]
      + metrics.map { metric in
        let parts = metric.split(separator: ".", maxSplits: 1).map(String.init)
        return parts.count < 2 ? HTML(metric) : HTML(parts[0]) + .element("br") + HTML(parts[1])
      }
    return .element("h3", [:], ["Every arm"])
      + .table(
        caption: "Mean \u{00B1} standard deviation over seeds, small scale", head: head, rows: rows,
        numbers: Set(1..<(metrics.count + 2))) + sanity(small)
  }

  private func spread(_ values: [Double], _ places: Int) -> String {
    guard !values.isEmpty else { return "\u{2013}" }
    let mean = aligned(Statistics.mean(values), places)
    return values.count == 1 ? mean : "\(mean) \u{00B1} \(aligned(Statistics.deviation(values), places))"
  }

  /// What shows that nothing is broken, and whether it does.
  private func sanity(_ small: Golden.Results) -> HTML {
    let lines = recipe.sanity.map { floor -> HTML in
      let values = small.cells.filter { $0.arm == floor.arm }.compactMap { $0.value(floor.metric) }
      let mean = Statistics.mean(values)
      let holds = (floor.atLeast.map { mean >= $0 } ?? true) && (floor.atMost.map { mean <= $0 } ?? true)
      let bound =
        floor.atLeast.map { "at least \(shortest($0))" } ?? floor.atMost.map { "at most \(shortest($0))" } ?? ""
      let found = values.isEmpty ? "not measured" : "\(readable(mean)), \(holds ? "holds" : "FAILS")"
      return .element(
        "li", [:], [HTML("\(floor.arm), \(floor.metric) \(bound): \(found) (\(floor.because))")])
    }
    return lines.isEmpty
      ? .empty : .element("h4", [:], ["Sanity floor"]) + .element("ul", ["class": "meta"], lines)
  }

  /// What the monitors said about runs in this folder: a collapse, a loss at its trivial value.
  private var health: HTML {
    if results.health.isEmpty { return .empty }
    let shown = results.health.prefix(8).map { finding in
      HTML.element("li", [:], [.code(finding.run), HTML(": \(finding.text)")])
    }
    let rest = results.health.count - shown.count
    return .element("h4", [:], ["Warnings during training"])
      + .element("ul", ["class": "meta"], shown + (rest > 0 ? [.element("li", [:], ["and \(rest) more"])] : []))
  }

  // MARK: Curves

  private var curves: HTML {
    let all = Self.curves(of: results)
    var plots: [(stage: String, metric: String)] = []
    for curve in all.flatMap(\.curves)
    where !plots.contains(where: { $0.stage == curve.stage && $0.metric == curve.metric }) {
      plots.append((curve.stage, curve.metric))
    }
    // Losses first; a page has room for so many plots of a few thousand bytes.
    let room = max(1, 12 / among)
    let order = plots.filter { $0.metric == "loss" } + plots.filter { $0.metric != "loss" }
    let figures = order.enumerated().prefix(room).compactMap { i, plot -> HTML? in
      let bands = recipe.arms.compactMap { arm -> Band? in
        let curves = all.first { $0.arm == arm.name }?.curves.filter {
          $0.stage == plot.stage && $0.metric == plot.metric
        }
        return Self.band(arm.name, curves ?? [])
      }
      guard !bands.isEmpty else { return nil }
      let title = plots.contains { $0.stage != plot.stage } ? "\(plot.stage): \(plot.metric)" : plot.metric
      let svg = CurvePlot(
        id: "curve-\(recipe.id)-\(i)", title: title, xAxis: "step of \(plot.stage)", yAxis: plot.metric, bands: bands
      ).svg
      return .element("figure", [:], [svg.html])
    }
    if figures.isEmpty {
      guard results.small != nil else { return .empty }
      return .element("h3", [:], ["Learning curves"])
        + .p(
          class: "note", "This record holds no curves; they are drawn once the small scale has been run: ",
          .code("./repro run \(recipe.id)"), ".")
    }
    return .element("h3", [:], ["Learning curves"])
      + .p(class: "note", "Lines are means over seeds, bands reach from the lowest seed to the highest.")
      + .div("pair", figures)
  }

  /// The recorded curves; where a record holds none, those of the folder of runs.
  static func curves(of results: PaperPage.RecipeResults) -> [(arm: String, curves: [RunRecord.Curve])] {
    results.recipe.arms.map { arm in
      let recorded = (results.small?.cells ?? []).filter { $0.arm == arm.name }.flatMap(\.curves)
      let run = results.records.filter { $0.cell.arm == arm.name }.flatMap { Golden.Cell($0).curves }
      return (arm.name, recorded.isEmpty ? run : recorded)
    }
  }

  /// One curve for each seed, joined: steps that all of them have.
  static func band(_ name: String, _ curves: [RunRecord.Curve]) -> Band? {
    guard let first = curves.first(where: { !$0.steps.isEmpty }) else { return nil }
    let fitting = curves.filter { $0.steps == first.steps && $0.values.count == first.steps.count }
    var band = Band(name: name, steps: [], mean: [], low: [], high: [])
    for (i, step) in first.steps.enumerated() {
      let values = fitting.map { $0.values[i] }.filter(\.isFinite)
      guard let low = values.min(), let high = values.max() else { continue }
      band.steps.append(Double(step))
      band.mean.append(Statistics.mean(values))
      band.low.append(low)
      band.high.append(high)
    }
    return band.steps.isEmpty ? nil : band
  }

  // MARK: Pictures

  private var pictures: HTML {
    let arm = recipe.arms[0].name
    guard let of = results.picturesOf else {
      guard let scale = [Scale.small, .tiny].first(where: recipe.scales.contains),
        let seed = (try? recipe.resolve(scale: scale, arm: arm))?.seeds.first
      else { return .empty }
      let option = scale == .small ? "" : " --scale \(scale.rawValue)"
      return .element("h3", [:], ["Pictures"])
        + .p(
          class: "note",
          "Pictures are drawn at the end of a run and are no part of the record; this folder of runs has none. To make "
            + "them: ",
          .code("./repro run \(recipe.id)\(option) --arms \(arm) --seeds \(seed)"), ", then ", .code("./repro report"),
          ".")
    }
    let place = "Arm \(of.arm), \(of.scale.rawValue) scale, the first seed."
    return .element("h3", [:], ["Pictures"])
      + .p(class: "note", HTML(place + (of.scale == .tiny ? " Hardly trained: the tiny scale lasts seconds." : "")))
      + .join(results.pictures.enumerated().map { PictureFigure(picture: $1, results: results, index: $0).html })
  }

  // MARK: Behind it

  private var deviations: HTML {
    if recipe.deviations.isEmpty { return .empty }
    return .element("h3", [:], ["Where the recipe departs from the paper"])
      + .element("ul", [:], recipe.deviations.map { .element("li", [:], [HTML($0)]) })
  }

  private func details() throws -> HTML {
    let scale: Scale = recipe.scales.contains(.small) ? .small : .tiny
    let arm = recipe.arms[0].name
    let cell = try recipe.resolve(scale: scale, arm: arm)
    let arms = recipe.arms.map { arm in
      (arm.name, HTML(arm.changes.isEmpty ? "the method as described" : arm.changes.joined(separator: ", ")))
    }
    let options = HTML.element(
      "details", [:],
      [
        .element(
          "summary", [:], [HTML("Every option of arm \(arm) at scale \(scale.rawValue), and how the other arms differ")]
        ),
        .facts(arms), .listing(cell.text, name: "Resolved recipe"),
      ])
    return options + provenance(cell)
  }

  private func provenance(_ cell: ResolvedRecipe) -> HTML {
    guard let golden = results.golden else { return .empty }
    var facts: [(String, HTML)] = [("Recipe, sha256", .code(SHA256.hex(of: cell.canonical)))]
    for scale in Scale.allCases {
      guard let part = golden.results[scale] else { continue }
      let name = scale.rawValue
      facts.append(("Recorded, \(name)", HTML(counted(part.cells.count, "run"))))
      facts.append(("Bits, \(name)", .code(part.bitsSHA256)))
      facts.append(("Plan, \(name)", .code(part.planSHA256)))
      facts.append(("Data, \(name)", .code(part.data)))
      facts.append(
        (
          "Machine, \(name)",
          HTML(part.fingerprint.items.map { "\($0.name) \($0.value)" }.joined(separator: ", "))
        ))
    }
    let history = golden.history.reversed().map { event -> HTML in
      .element(
        "li", [:],
        [HTML("\(event.scale.rawValue): \(event.because) "), .code(String(event.commit.prefix(12)))])
    }
    return .element(
      "details", [:],
      [
        .element("summary", [:], ["Provenance: hashes, machine, and why the record moved"]), .facts(facts),
        .element("h4", [:], ["History, newest first"]), .element("ul", ["class": "meta"], Array(history)),
      ])
  }
}
