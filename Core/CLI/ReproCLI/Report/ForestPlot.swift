/// One comparison of a claim: a difference for each seed, their mean and the interval.
struct ForestRow {
  /// `method − no-koleo`
  var label: String
  /// In the direction of the claim; a seed that diverged has no number.
  var seeds: [(seed: UInt64, difference: Double)]
  var mean: Double?
  var interval: ClosedRange<Double>?
}

/// A claim as a forest plot: every seed a dot, the mean with its interval below them, the margin and the smallest
/// effect that would matter as lines.
struct ForestPlot {
  var id: String
  var title: String
  /// What is measured, with its unit.
  var axis: String
  var rows: [ForestRow]
  /// What a difference has to exceed, drawn as a line; two of them for an equivalence.
  var margins: [Double]
  /// The smallest effect that would matter.
  var delta: Double?

  private static let width = 460.0
  private static let left = 14.0, right = 14.0, head = 34.0, foot = 44.0
  /// Height of a row's name.
  private static let name = 20.0
  private static let dot = 4.0

  var svg: SVG {
    let values = rows.flatMap { row in
      row.seeds.map(\.difference) + (row.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
    }
    let shown = (values + margins + [0] + (delta.map { [$0] } ?? [])).filter(\.isFinite)
    let ticks = Ticks(shown.min() ?? 0, shown.max() ?? 1, count: 5)
    let x = LinearScale(values: ticks.range, from: Self.left + 6, to: Self.width - Self.right - 6)
    let heights = rows.map { 44 + Self.dot * 2 * Double(max(levels($0, x).max() ?? 0, 1)) }
    let bottom = Self.head + heights.reduce(0, +)
    var svg = SVG(width: Self.width, height: bottom + Self.foot, id: id, title: title, description: description)
    for value in ticks.values { svg.text(x(value), bottom + 16, ticks.label(value), anchor: .middle) }
    drawNotes(&svg, x)
    svg.text(Self.width / 2, bottom + 36, axis, "label axis", anchor: .middle)
    var top = Self.head
    for (row, height) in zip(rows, heights) {
      drawLines(&svg, x, ticks, top + Self.name...top + height)
      draw(row, at: top, height: height, x, &svg)
      top += height
    }
    return svg
  }

  /// Lines of one row: below its name, so that nothing runs through the letters.
  private func drawLines(_ svg: inout SVG, _ x: LinearScale, _ ticks: Ticks, _ y: ClosedRange<Double>) {
    for value in ticks.values {
      svg.line(x(value), y.lowerBound, x(value), y.upperBound, value == 0 ? "zero" : "grid")
    }
    for margin in margins { svg.line(x(margin), y.lowerBound, x(margin), y.upperBound, "margin") }
    if let delta { svg.line(x(delta), y.lowerBound, x(delta), y.upperBound, "delta") }
  }

  /// What the lines mean, in a line of its own above the rows; two labels that would touch stand one above the other.
  private func drawNotes(_ svg: inout SVG, _ x: LinearScale) {
    var notes = margins.map { ($0, $0 == 0 ? "no difference" : "margin \(readable($0, digits: 2))") }
    if let delta { notes.append((delta, "would matter: \(readable(delta, digits: 2))")) }
    var taken: [ClosedRange<Double>] = []
    for (value, text) in notes {
      let half = SVG.width(of: text) / 2 + 4
      let center = min(max(x(value), Self.left + half), Self.width - Self.right - half)
      let place = (center - half)...(center + half)
      let level = Double(taken.count { $0.overlaps(place) })
      taken.append(place)
      svg.text(center, Self.head - 6 - 13 * level, text, "label quiet", anchor: .middle)
    }
  }

  private func draw(_ row: ForestRow, at top: Double, height: Double, _ x: LinearScale, _ svg: inout SVG) {
    let base = top + height - 24
    let order = row.seeds.indices.sorted {
      (row.seeds[$0].difference, row.seeds[$0].seed) < (row.seeds[$1].difference, row.seeds[$1].seed)
    }
    svg.text(Self.left, top + 14, row.label, "label name")
    for (i, level) in zip(order, levels(row, x)) {
      let value = row.seeds[i].difference
      guard value.isFinite else { continue }
      svg.circle(
        x(value), base - Self.dot * 2 * Double(level), Self.dot, value > (margins.first ?? 0) ? "dot" : "dot against",
        hint: "seed \(row.seeds[i].seed): \(readable(value, sign: true))")
    }
    let y = base + 12
    if let interval = row.interval, interval.lowerBound.isFinite, interval.upperBound.isFinite {
      svg.line(x(interval.lowerBound), y, x(interval.upperBound), y, "interval")
      for end in [interval.lowerBound, interval.upperBound] { svg.line(x(end), y - 4, x(end), y + 4, "interval") }
    }
    if let mean = row.mean, mean.isFinite {
      let (cx, r) = (x(mean), 5.5)
      svg.path([(cx - r, y), (cx, y - r), (cx + r, y), (cx, y + r)], "mean", closed: true)
    }
  }

  /// How high each dot is stacked, in the order of their values, so that none hides another.
  private func levels(_ row: ForestRow, _ x: LinearScale) -> [Int] {
    var ends: [Double] = []
    return row.seeds.map(\.difference).sorted().map { value in
      let place = x(value)
      let free = ends.firstIndex { place - $0 >= Self.dot * 2 } ?? ends.count
      if free == ends.count { ends.append(place) } else { ends[free] = place }
      return free
    }
  }

  /// The plot in words.
  private var description: String {
    rows.map { row in
      let each = row.seeds.map { "seed \($0.seed) \(readable($0.difference, sign: true))" }.joined(separator: ", ")
      let mean = row.mean.map { "; mean \(readable($0, sign: true))" } ?? ""
      let interval =
        row.interval.map { "; interval \(readable($0.lowerBound)) to \(readable($0.upperBound))" } ?? ""
      return "\(row.label): \(each.isEmpty ? "no seeds" : each)\(mean)\(interval)."
    }.joined(separator: " ")
  }
}
