import Foundation
import ReproConfig
import Testing

@testable import ReproCLI
@testable import ReproEngine

/// The writers of HTML, SVG and Markdown, and the round numbers of axes.
@Suite struct ReportWriterTests {
  // MARK: HTML

  @Test func textIsNeverMarkup() throws {
    let evil = "<script>alert('1' & \"2\")</script>\u{0}\u{202E}"
    let page: HTML = .p(class: evil, HTML(evil), "\(evil)", .code(evil))
    let read = try Markup(page.markup)
    #expect(read.elements.map(\.name) == ["p", "code"])
    #expect(
      read.elements[0]["class"] == evil.replacing("\u{0}", with: "\u{FFFD}").replacing("\u{202E}", with: "\u{FFFD}"))
    #expect(read.text.components(of: "<script>alert('1' & \"2\")</script>\u{FFFD}\u{FFFD}") == 3)
  }

  @Test func elementsWithoutContentAreClosedAsHTMLWantsIt() {
    #expect(HTML.element("br").markup == "<br/>")
    #expect(HTML.p().markup == "<p></p>")
    #expect(HTML.element("img", ["src": "a.png", "alt": nil]).markup == "<img src=\"a.png\"/>")
  }

  @Test(arguments: [
    "https://arxiv.org/abs/2304.07193", "http://a.b/?x=1:2", "../index.html#a:b", "index.html", "#claims", "?a:b",
  ])
  func addressesOfPagesBecomeLinks(address: String) {
    #expect(HTML.link(address, "here").markup.hasPrefix("<a href="))
  }

  @Test(arguments: [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x",
    "//evil.example/x", "\\\\evil.example", "file:///etc/passwd", "vbscript:x", "mailto:a@b",
  ])
  func otherAddressesStayText(address: String) {
    #expect(HTML.link(address, "here").markup == "here")
  }

  // MARK: Ticks and numbers

  @Test func ticksAreRoundNumbersThatCoverTheRange() {
    #expect(Ticks(0, 1).values.map { aligned($0, 1) } == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(
      Ticks(-0.0031, 0.0127).values.map { Ticks(-0.0031, 0.0127).label($0) } == [
        "−0.005", "0.000", "0.005", "0.010", "0.015",
      ])
    #expect(Ticks(0, 600, extends: false).values == [0, 200, 400, 600])
    #expect(Ticks(0, 125_000, extends: false).values.map { Ticks(0, 125_000).label($0) } == ["0k", "50k", "100k"])
  }

  @Test func ticksOfAnyRangeAreFewAndTellNeighboursApart() {
    var stream = RandomStreamForTests(seed: 5)
    for _ in 0..<500 {
      let (scale, offset) = (stream.power(-8...8), stream.signed() * stream.power(-4...4))
      let (a, b) = (offset, offset + scale * (stream.signed() + 1.5))
      let ticks = Ticks(a, b)
      #expect((2...9).contains(ticks.values.count), "\(a) \(b): \(ticks.values)")
      #expect(ticks.range.lowerBound <= min(a, b) + abs(ticks.step) * 1e-6)
      #expect(ticks.range.upperBound >= max(a, b) - abs(ticks.step) * 1e-6)
      let digits = ticks.step / pow10(floorLog10(ticks.step))
      #expect([1, 2, 5, 10].contains { abs($0 - digits) < 1e-6 }, "step \(ticks.step)")
      #expect(Set(ticks.values.map(ticks.label)).count == ticks.values.count, "\(ticks.values.map(ticks.label))")
    }
  }

  @Test func degenerateRangesGetRoom() {
    #expect(Ticks(3, 3).range.lowerBound < 3 && Ticks(3, 3).range.upperBound > 3)
    #expect(Ticks(0, 0).values.count >= 2)
    #expect(Ticks(.nan, .infinity).range == 0...1)
  }

  @Test func numbersThatStandTogetherHaveTheSameDecimals() {
    #expect(commonDecimals([0.0820, 0.0057]) == 4)
    #expect(commonDecimals([0.258, -0.011]) == 3)
    #expect(commonDecimals([86.5, 3]) == 1)
    #expect(commonDecimals([1234]) == 0)
    #expect(aligned(-0.0021, 4, sign: true) == "−0.0021" && aligned(0.05, 3, sign: true) == "+0.050")
    #expect(readable(.infinity) == "∞" && readable(.nan) == "not a number")
    #expect(readable(1.5e-9) == "1.50×10⁻⁹" && readable(0) == "0.000" && readable(12345) == "12345")
    #expect(shortest(82) == "82" && shortest(0.811) == "0.811")
  }

  // MARK: Drawings

  @Test func coordinatesAreShort() {
    #expect(
      [0.0, 1, -1.5, 2.25, 3.14159, -0.004, 1e20, .nan].map(SVG.number) == [
        "0", "1", "-1.5", "2.25", "3.14", "0", "0", "0",
      ])
    #expect(SVG.number(0.05) == "0.05" && SVG.number(-0.05) == "-0.05")
  }

  private func forest(_ values: [Double], delta: Double? = 0.01) -> ForestPlot {
    ForestPlot(
      id: "p", title: "t", axis: "difference",
      rows: [
        ForestRow(
          label: "a − b", seeds: values.enumerated().map { (UInt64($0), $1) },
          mean: values.reduce(0, +) / Double(values.count), interval: -0.01...0.02)
      ], margins: [0], delta: delta)
  }

  @Test func everySeedIsADotAtItsPlaceAndNoDotHidesAnother() throws {
    let values = [0.011, 0.0111, 0.0112, -0.004, 0.03, 0.03, 0.03, 0.0]
    let read = try Markup(forest(values).svg.html.markup)
    // The scale, from the labels under the axis: two ticks fix it.
    let ticks = read.all("text").compactMap { text -> (Double, Double)? in
      guard let x = text["x"].flatMap(Double.init),
        let value = Double(text.text.replacing("−", with: "-")), text.classes == ["label"]
      else { return nil }
      return (x, value)
    }
    let (first, last) = try (#require(ticks.first), #require(ticks.last))
    func place(_ value: Double) -> Double {
      first.0 + (value - first.1) / (last.1 - first.1) * (last.0 - first.0)
    }
    let dots = read.all("circle").map { (x: Double($0["cx"] ?? "") ?? 0, y: Double($0["cy"] ?? "") ?? 0, $0) }
    #expect(dots.count == values.count)
    for value in values { #expect(dots.contains { abs($0.x - place(value)) < 0.02 }, "\(value)") }
    for (i, a) in dots.enumerated() {
      for b in dots[..<i] {
        let distance = ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot()
        #expect(distance > 7.9, "two dots at \(a.x), \(a.y) and \(b.x), \(b.y)")
      }
    }
    #expect(dots.count { $0.2.classes.contains("against") } == 2)  // -0.004 and 0: not above the margin
    #expect(read.all("circle").allSatisfy { $0.text.hasPrefix("seed ") })
    #expect(read.all("line").count { $0["class"] == "delta" } == 1)
  }

  @Test func aDrawingIsDescribedInWords() throws {
    let read = try Markup(forest([0.5, -0.25]).svg.html.markup)
    let svg = try #require(read.elements.first)
    #expect(svg["role"] == "img" && svg["aria-labelledby"] == "p-t p-d")
    #expect(
      read.all("desc").first?.text == "a − b: seed 0 +0.500, seed 1 −0.250; mean +0.125; interval −0.0100 to 0.0200.")
  }

  @Test func labelsOfMarginsStandAboveEachOtherWhereTheyWouldTouch() throws {
    let close = try Markup(forest([0.2, 0.3], delta: 0.01).svg.html.markup).all("text").filter {
      $0.classes.contains("quiet")
    }
    #expect(close.count == 2 && close[0]["y"] != close[1]["y"])
    let far = try Markup(forest([0.2, 0.3], delta: 0.25).svg.html.markup).all("text").filter {
      $0.classes.contains("quiet")
    }
    #expect(far.count == 2 && far[0]["y"] == far[1]["y"])
  }

  @Test func aBandReachesFromTheLowestSeedToTheHighest() throws {
    func curve(_ values: [Double], steps: [Int] = [0, 10, 20]) -> RunRecord.Curve {
      RunRecord.Curve(stage: "s", metric: "loss", steps: steps, values: values)
    }
    let band = try #require(
      RecipeSections.band("a", [curve([3, 2, 1]), curve([5, .nan, 3]), curve([9, 9], steps: [0, 5])]))
    #expect(band.steps == [0, 10, 20] && band.mean == [4, 2, 2])
    #expect(band.low == [3, 2, 1] && band.high == [5, 2, 3])
    #expect(RecipeSections.band("a", []) == nil)
    let plot = CurvePlot(id: "c", title: "loss", xAxis: "step", yAxis: "loss", bands: [band, band])
    let read = try Markup(plot.svg.html.markup)
    #expect(read.all("path").count { $0.classes.first == "band" } == 2)
    // Two lines and two in the legend, told apart by more than colour.
    #expect(read.all("path").count { $0.classes == ["curve", "s2"] } == 2)
    #expect(read.all("desc").first?.text.hasPrefix("a: from 4.00 to 2.00, seeds from 1.00 to 3.00 at the end.") == true)
  }

  // MARK: Markdown

  @Test(arguments: [
    ("# A\n\ntext *e* **s** `c`", "<h2>A</h2>\n<p>text <em>e</em> <strong>s</strong> <code>c</code></p>"),
    ("#### deep", "<h5>deep</h5>"), ("###### deepest", "<h6>deepest</h6>"), ("#no", "<p>#no</p>"),
    ("- a\n- b\n  c", "<ul><li>a</li><li>b\nc</li></ul>"), ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
    ("- a\n  - b\n- c", "<ul><li><p>a</p><ul><li>b</li></ul></li><li>c</li></ul>"),
    ("> q\n> r", "<blockquote><p>q\nr</p></blockquote>"), ("---", "<hr/>"),
    ("a snake_case_name and 2 * 3 * 4", "<p>a snake_case_name and 2 * 3 * 4</p>"),
    ("[x](https://a.b/c)", "<p><a href=\"https://a.b/c\">x</a></p>"), ("[x](javascript:alert(1))", "<p>x)</p>"),
    ("[x](other.md)", "<p>x</p>"), ("a \\*b\\*", "<p>a *b*</p>"), ("``", "<p>``</p>"), ("**open", "<p>**open</p>"),
    ("one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>"), ("a\r\nb", "<p>a\nb</p>"), ("", ""),
  ])
  func markdownBecomesThis(source: String, html: String) {
    #expect(Markdown.html(source).markup == html)
  }

  @Test func markdownNeverObeysMarkup() throws {
    let evil = """
      <script>alert(1)</script> <img src=x onerror=alert(1)>
      [a](https://x"onmouseover="alert(1)) [b](data:text/html,<script>)

      - <b>x</b>
      | <i>a</i> | b |
      |---|---:|
      | `<u>` | <a href=javascript:x> |

      ```
      </code></pre><script>
      ```
      """
    let read = try Markup("<div>" + Markdown.html(evil).markup + "</div>")
    let allowed: Set = [
      "div", "p", "a", "ul", "li", "table", "caption", "thead", "tbody", "tr", "th", "td", "code", "pre",
    ]
    #expect(Set(read.elements.map(\.name)).isSubset(of: allowed), "\(Set(read.elements.map(\.name)))")
    #expect(read.elements.allSatisfy { $0["onmouseover"] == nil && $0["onerror"] == nil })
    #expect(read.text.contains("<script>alert(1)</script>"))
  }

  @Test func deeplyNestedMarkdownEndsInTime() throws {
    for mark in ["> ", "- ", "*", "[", "**a", "`", "_"] {
      _ = try Markup("<div>" + Markdown.html(String(repeating: mark, count: 3000)).markup + "</div>")
    }
  }
}

extension String {
  /// How often a text occurs.
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}

/// Numbers for tests of ranges.
private struct RandomStreamForTests {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func unit() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / Double(1 << 53)
  }
  mutating func signed() -> Double { unit() * 2 - 1 }
  mutating func power(_ range: ClosedRange<Double>) -> Double {
    pow10(range.lowerBound + unit() * (range.upperBound - range.lowerBound))
  }
}

private func pow10(_ x: Double) -> Double { pow(10, x) }
private func floorLog10(_ x: Double) -> Double { floor(log10(x) + 1e-9) }
