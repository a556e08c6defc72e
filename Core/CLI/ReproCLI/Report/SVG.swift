/// A drawing in its own coordinates, scaled to the width that the page gives it. Colours come from the page's style
/// sheet by class, so that a drawing follows dark mode and print.
struct SVG {
  let width, height: Double
  /// What the drawing is called, and what it shows, for those who cannot see it.
  let title, description: String
  /// Makes ids unique on a page.
  let id: String
  private(set) var parts: [HTML] = []

  init(width: Double, height: Double, id: String, title: String, description: String) {
    (self.width, self.height, self.id, self.title, self.description) = (width, height, id, title, description)
  }

  /// The element.
  var html: HTML {
    .element(
      "svg",
      [
        "viewBox": "0 0 \(Self.number(width)) \(Self.number(height))", "role": "img",
        "aria-labelledby": "\(id)-t \(id)-d", "class": "plot",
      ],
      [
        .element("title", ["id": "\(id)-t"], [HTML(title)]), .element("desc", ["id": "\(id)-d"], [HTML(description)]),
      ] + parts)
  }

  /// A coordinate: two decimals, as few characters as possible.
  static func number(_ x: Double) -> String {
    let scaled = (x * 100).rounded()
    guard scaled.isFinite, abs(scaled) < 1e12 else { return "0" }
    let n = Int(scaled)
    let (whole, rest) = (abs(n) / 100, abs(n) % 100)
    let sign = n < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    return "\(sign)\(whole)." + (rest % 10 == 0 ? "\(rest / 10)" : rest < 10 ? "0\(rest)" : "\(rest)")
  }

  enum Anchor: String { case start, middle, end }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ name: String) {
    parts.append(
      .element(
        "line",
        [
          "x1": Self.number(x1), "y1": Self.number(y1), "x2": Self.number(x2), "y2": Self.number(y2), "class": name,
        ]))
  }

  mutating func rect(_ x: Double, _ y: Double, _ w: Double, _ h: Double, _ name: String, radius: Double = 0) {
    parts.append(
      .element(
        "rect",
        [
          "x": Self.number(x), "y": Self.number(y), "width": Self.number(max(w, 0)), "height": Self.number(max(h, 0)),
          "rx": radius > 0 ? Self.number(radius) : nil, "class": name,
        ]))
  }

  mutating func circle(_ x: Double, _ y: Double, _ r: Double, _ name: String, hint: String? = nil) {
    parts.append(
      .element(
        "circle", ["cx": Self.number(x), "cy": Self.number(y), "r": Self.number(r), "class": name],
        hint.map { [.element("title", [:], [HTML($0)])] } ?? []))
  }

  /// A square of a matrix; `share`, 0...1, is how much of its colour it gets.
  mutating func cell(_ x: Double, _ y: Double, _ side: Double, _ share: Double, hint: String) {
    parts.append(
      .element(
        "rect",
        [
          "x": Self.number(x), "y": Self.number(y), "width": Self.number(side), "height": Self.number(side),
          "class": "cell", "fill-opacity": Self.number(min(max(share, 0), 1)),
        ], [.element("title", [:], [HTML(hint)])]))
  }

  mutating func text(
    _ x: Double, _ y: Double, _ text: String, _ name: String = "label", anchor: Anchor = .start, turned: Bool = false
  ) {
    parts.append(
      .element(
        "text",
        [
          "x": Self.number(x), "y": Self.number(y), "class": name,
          "text-anchor": anchor == .start ? nil : anchor.rawValue,
          "transform": turned ? "rotate(-90 \(Self.number(x)) \(Self.number(y)))" : nil,
        ], [HTML(text)]))
  }

  /// A line through points, or a filled area if it is closed.
  mutating func path(_ points: [(x: Double, y: Double)], _ name: String, closed: Bool = false) {
    guard let first = points.first else { return }
    var d = "M\(Self.number(first.x)) \(Self.number(first.y))"
    if points.count > 1 {
      d += "L" + points.dropFirst().map { "\(Self.number($0.x)) \(Self.number($0.y))" }.joined(separator: " ")
    }
    parts.append(.element("path", ["d": d + (closed ? "Z" : ""), "class": name]))
  }

  /// About how wide a label is, in the drawing's units: small sans serif letters.
  static func width(of text: String) -> Double {
    text.unicodeScalars.reduce(0) { sum, c in
      sum + ("iljtf.,:;|!'()[] ".unicodeScalars.contains(c) ? 3.6 : "mwMW%@".unicodeScalars.contains(c) ? 10 : 6.6)
    }
  }
}

/// A straight scale from values to coordinates.
struct LinearScale {
  let values: ClosedRange<Double>
  let from, to: Double

  func callAsFunction(_ value: Double) -> Double {
    from + (value - values.lowerBound) / (values.upperBound - values.lowerBound) * (to - from)
  }
}
