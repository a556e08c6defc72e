/// A curve with what lies around it: the mean over seeds, and the lowest and highest of them.
struct Band {
  var name: String
  var steps: [Double]
  var mean, low, high: [Double]
}

/// Curves over steps: one line and one band for each arm.
struct CurvePlot {
  var id: String
  var title: String
  var xAxis, yAxis: String
  var bands: [Band]

  /// Lines that differ in colour and in dashes; more than this cannot be told apart.
  static let styles = 6
  private static let width = 460.0, left = 52.0, right = 12.0, plotHeight = 190.0, foot = 40.0

  var svg: SVG {
    let bands = bands.prefix(Self.styles)
    let values = bands.flatMap { $0.low + $0.high + $0.mean }.filter(\.isFinite)
    let steps = bands.flatMap(\.steps)
    let yTicks = Ticks(values.min() ?? 0, values.max() ?? 1, count: 4)
    let xTicks = Ticks(0, steps.max() ?? 1, count: 5, extends: false)
    let entries = legend(bands.map(\.name))
    let top = 12 + 18 * Double((entries.last?.row ?? -1) + 1)
    let bottom = top + Self.plotHeight
    let x = LinearScale(values: xTicks.range, from: Self.left, to: Self.width - Self.right)
    let y = LinearScale(values: yTicks.range, from: bottom, to: top)
    var svg = SVG(width: Self.width, height: bottom + Self.foot, id: id, title: title, description: description)
    for value in yTicks.values {
      svg.line(Self.left, y(value), Self.width - Self.right, y(value), "grid")
      svg.text(Self.left - 6, y(value) + 4, yTicks.label(value), anchor: .end)
    }
    for value in xTicks.values {
      svg.line(x(value), bottom, x(value), bottom + 4, "tick")
      svg.text(x(value), bottom + 17, xTicks.label(value), anchor: .middle)
    }
    svg.line(Self.left, bottom, Self.width - Self.right, bottom, "tick")
    svg.text((Self.left + Self.width - Self.right) / 2, bottom + 34, xAxis, "label axis", anchor: .middle)
    svg.text(12, (top + bottom) / 2, yAxis, "label axis", anchor: .middle, turned: true)
    for (i, band) in bands.enumerated() {
      let edge =
        zip(band.steps, band.high).map { (x($0), y($1)) } + zip(band.steps, band.low).reversed().map { (x($0), y($1)) }
      if band.low != band.high { svg.path(edge, "band s\(i + 1)", closed: true) }
    }
    for (i, band) in bands.enumerated() {
      svg.path(zip(band.steps, band.mean).map { (x($0), y($1)) }, "curve s\(i + 1)")
    }
    for (i, entry) in entries.enumerated() {
      let line = 10 + 18 * Double(entry.row)
      svg.path([(entry.x, line), (entry.x + 22, line)], "curve s\(i + 1)")
      svg.text(entry.x + 28, line + 4, entry.name)
    }
    return svg
  }

  /// Places of the names above the plot, from left to right, row by row.
  private func legend(_ names: [String]) -> [(name: String, x: Double, row: Int)] {
    var (x, row) = (Self.left, 0)
    return names.map { name in
      let room = 28 + SVG.width(of: name) + 16
      if x > Self.left && x + room > Self.width { (x, row) = (Self.left, row + 1) }
      defer { x += room }
      return (name, x, row)
    }
  }

  private var description: String {
    bands.prefix(Self.styles).map { band in
      guard let first = band.mean.first, let last = band.mean.last, let low = band.low.last, let high = band.high.last
      else { return "\(band.name): no points." }
      let spread = low < high ? ", seeds from \(readable(low)) to \(readable(high)) at the end" : ""
      return "\(band.name): from \(readable(first)) to \(readable(last))\(spread)."
    }.joined(separator: " ")
  }
}

/// Levels of a trend: each seed a thin line from level to level, the mean a thick one.
struct LevelPlot {
  var id: String
  var title: String
  var axis: String
  var levels: [String]
  /// One value for each level.
  var seeds: [(seed: UInt64, values: [Double])]

  private static let width = 460.0, left = 52.0, right = 30.0, top = 14.0, plotHeight = 180.0

  var svg: SVG {
    let values = seeds.flatMap(\.values).filter(\.isFinite)
    let ticks = Ticks(values.min() ?? 0, values.max() ?? 1, count: 4)
    let bottom = Self.top + Self.plotHeight
    let y = LinearScale(values: ticks.range, from: bottom, to: Self.top)
    let x = LinearScale(
      values: 0...Double(max(levels.count - 1, 1)), from: Self.left + 30, to: Self.width - Self.right - 20)
    let means = levels.indices.map { level in
      seeds.reduce(0) { $0 + $1.values[level] } / Double(max(seeds.count, 1))
    }
    let words = zip(levels, means).map { "\($0) \(readable($1))" }.joined(separator: ", ")
    var svg = SVG(
      width: Self.width, height: bottom + 44, id: id, title: title,
      description: "Means over \(counted(seeds.count, "seed")): \(words).")
    for value in ticks.values {
      svg.line(Self.left, y(value), Self.width - Self.right, y(value), "grid")
      svg.text(Self.left - 6, y(value) + 4, ticks.label(value), anchor: .end)
    }
    svg.text(12, (Self.top + bottom) / 2, axis, "label axis", anchor: .middle, turned: true)
    for (i, level) in levels.enumerated() {
      // Long names of many levels would touch: every second one stands lower.
      let drop = levels.count > 4 && i % 2 == 1 ? 14.0 : 0
      svg.text(x(Double(i)), bottom + 18 + drop, level, anchor: .middle)
    }
    for seed in seeds where seed.values.allSatisfy(\.isFinite) {
      svg.path(seed.values.enumerated().map { (x(Double($0)), y($1)) }, "thread")
      for (i, value) in seed.values.enumerated() {
        svg.circle(x(Double(i)), y(value), 3, "dot", hint: "seed \(seed.seed): \(readable(value))")
      }
    }
    if means.allSatisfy(\.isFinite) {
      svg.path(means.enumerated().map { (x(Double($0)), y($1)) }, "curve s1")
    }
    return svg
  }
}
