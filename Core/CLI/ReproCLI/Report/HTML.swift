/// A piece of HTML or SVG. Text can get into it only escaped, so a recipe's title is never markup.
///
///     let line: HTML = .p(class: "note", "seeds: \(text)", .code(recipe))
///
/// What is written is well-formed XML too: every element is closed and every attribute quoted.
struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
  /// The markup.
  private(set) var markup: String

  /// Text; interpolated values are escaped with the rest.
  init(stringLiteral value: String) { markup = HTML.escaped(value) }

  /// Text from anywhere.
  init(_ text: String) { markup = HTML.escaped(text) }

  private init(markup: String) { self.markup = markup }

  /// Nothing.
  static let empty = HTML(markup: "")

  /// One piece after the other.
  static func join(_ parts: [HTML], separator: HTML = .empty) -> HTML {
    HTML(markup: parts.map(\.markup).joined(separator: separator.markup))
  }

  static func + (a: HTML, b: HTML) -> HTML { HTML(markup: a.markup + b.markup) }

  /// An element. Attributes without a value are left out; `""` stands for one that only has to be there.
  ///
  /// - Parameters:
  ///   - name: a literal: names never come from data.
  ///   - attributes: in this order; values are escaped. Places to go to belong into `link`.
  static func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:], _ children: [HTML] = []
  ) -> HTML {
    var text = "<\(name)"
    for (key, value) in attributes {
      if let value { text += " \(key)=\"\(escaped(value))\"" }
    }
    let inner = children.map(\.markup).joined()
    if inner.isEmpty && selfClosing.contains("\(name)") { return HTML(markup: text + "/>") }
    return HTML(markup: "\(text)>\(inner)</\(name)>")
  }

  /// Elements without an end tag: HTML's void ones, and shapes of SVG.
  private static let selfClosing: Set<String> = [
    "meta", "link", "br", "hr", "img", "input", "line", "circle", "rect", "path", "polyline", "polygon", "use",
  ]

  /// A whole document.
  static func document(_ root: HTML) -> String { "<!DOCTYPE html>\n" + root.markup + "\n" }

  /// The project's own style sheet or script, as it is: literals only.
  static func verbatim(_ text: StaticString) -> HTML { HTML(markup: "\(text)") }

  /// Text with the five characters that mean something to HTML in their harmless form. Control characters, which no
  /// document may hold, become the sign for something unreadable.
  static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count + text.utf8.count / 8)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case _ where isForbidden(scalar): result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Controls, the marks that turn the direction of what follows, and characters that are none.
  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<32, 127..<160, 0x202A...0x202E, 0x2066...0x2069, 0xFDD0...0xFDEF: true
    default: scalar.value & 0xFFFE == 0xFFFE
    }
  }
}

// MARK: - Common elements

extension HTML {
  static func p(class name: String? = nil, _ children: HTML...) -> HTML { element("p", ["class": name], children) }
  static func div(_ name: String, _ children: HTML...) -> HTML { element("div", ["class": name], children) }
  static func div(_ name: String, _ children: [HTML]) -> HTML { element("div", ["class": name], children) }
  static func span(_ name: String, _ children: HTML...) -> HTML { element("span", ["class": name], children) }
  static func code(_ text: String) -> HTML { element("code", [:], [HTML(text)]) }
  static func strong(_ children: HTML...) -> HTML { element("strong", [:], children) }
  static func section(_ id: String?, _ name: String? = nil, _ children: [HTML]) -> HTML {
    element("section", ["id": id, "class": name], children)
  }

  /// Text for those who hear a page instead of seeing it.
  static func unseen(_ text: String) -> HTML { span("unseen", HTML(text)) }

  /// A block of code that scrolls by itself; the keyboard reaches it.
  static func listing(_ text: String, name: String) -> HTML {
    element("pre", ["tabindex": "0", "role": "region", "aria-label": name], [code(text)])
  }

  /// A link, or its text alone where the address is none that a page may lead to.
  ///
  /// - Parameter address: a place in the site (`../index.html#grid`), or an address beginning with http(s).
  static func link(
    _ address: String, class name: String? = nil, title: String? = nil, current: Bool = false, _ children: HTML...
  ) -> HTML {
    guard isHarmless(address) else { return join(children) }
    return element(
      "a", ["href": address, "class": name, "title": title, "aria-current": current ? "page" : nil], children)
  }

  /// Whether an address leads to a web page or inside the site: no scripts, no data, no other programs.
  static func isHarmless(_ address: String) -> Bool {
    let lower = address.lowercased()
    if lower.hasPrefix("https://") || lower.hasPrefix("http://") { return true }
    // A relative address has no scheme: no colon before the first slash, question mark or number sign.
    let head = lower.prefix { !"/?#".contains($0) }
    return !head.contains(":") && !lower.hasPrefix("//")
      && !lower.unicodeScalars.contains { $0.value <= 32 || $0 == "\\" }
  }

  /// A table in a frame that scrolls sideways where it is too wide.
  ///
  /// - Parameters:
  ///   - caption: what the table shows; heard, and seen above it.
  ///   - head: titles of the columns.
  ///   - rows: the first cell of each names the row.
  ///   - numbers: columns that are aligned at the right.
  static func table(caption: String, head: [HTML], rows: [[HTML]], numbers: Set<Int> = []) -> HTML {
    func name(_ column: Int) -> String? { numbers.contains(column) ? "number" : nil }
    let header = element(
      "tr", [:], head.enumerated().map { element("th", ["scope": "col", "class": name($0)], [$1]) })
    let body = rows.map { row in
      element(
        "tr", [:],
        row.enumerated().map { column, cell in
          column == 0
            ? element("th", ["scope": "row"], [cell]) : element("td", ["class": name(column)], [cell])
        })
    }
    return element(
      "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption],
      [
        element(
          "table", [:],
          [
            element("caption", [:], [HTML(caption)]), element("thead", [:], [header]),
            element("tbody", [:], body),
          ])
      ])
  }
}
