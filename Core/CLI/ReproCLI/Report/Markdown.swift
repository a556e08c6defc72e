/// A small, safe part of Markdown as HTML: headings, paragraphs, lists, tables, quotes, code, emphasis, links.
///
/// Everything else is text: markup in the source is shown as it was written, never obeyed. Links lead to web pages
/// only.
enum Markdown {
  /// - Parameters:
  ///   - text: the source.
  ///   - level: the level that a first heading (`#`) gets, 1...6.
  static func html(_ text: String, level: Int = 2) -> HTML {
    // Carriage returns are one character together with the line feed: taken away first.
    let lines = text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
    return .join(blocks(lines.map { String($0) }[...], level: level, depth: 0), separator: "\n")
  }

  // MARK: Blocks

  /// Lists and quotes may hold others, to this depth.
  private static let deepest = 6

  private static func blocks(_ source: ArraySlice<String>, level: Int, depth: Int) -> [HTML] {
    var lines = source
    var result: [HTML] = []
    while let line = lines.first {
      let trimmed = line.trimmed
      if trimmed.isEmpty {
        lines.removeFirst()
      } else if let fence = ["```", "~~~"].first(where: trimmed.hasPrefix) {
        result.append(code(&lines, fence))
      } else if let (rank, title) = heading(trimmed) {
        lines.removeFirst()
        result.append(heading(min(level + rank - 1, 6), inline(title)))
      } else if isRule(trimmed) {
        lines.removeFirst()
        result.append(.element("hr"))
      } else if trimmed.hasPrefix(">"), depth < deepest {
        result.append(quote(&lines, level, depth))
      } else if item(line) != nil, depth < deepest {
        result.append(list(&lines, level, depth))
      } else if isTable(lines) {
        result.append(table(&lines))
      } else {
        result.append(paragraph(&lines, depth))
      }
    }
    return result
  }

  private static func heading(_ line: String) -> (rank: Int, title: String)? {
    let marks = line.prefix { $0 == "#" }.count
    guard (1...6).contains(marks), line.dropFirst(marks).first == " " else { return nil }
    return (marks, String(line.dropFirst(marks)).trimmed)
  }

  private static func heading(_ level: Int, _ title: HTML) -> HTML {
    switch level {
    case 1: .element("h1", [:], [title])
    case 2: .element("h2", [:], [title])
    case 3: .element("h3", [:], [title])
    case 4: .element("h4", [:], [title])
    case 5: .element("h5", [:], [title])
    default: .element("h6", [:], [title])
    }
  }

  private static func isRule(_ line: String) -> Bool {
    let marks = line.filter { $0 != " " }
    return marks.count >= 3 && "-*_".contains { mark in marks.allSatisfy { $0 == mark } }
  }

  private static func code(_ lines: inout ArraySlice<String>, _ fence: String) -> HTML {
    lines.removeFirst()
    var body: [String] = []
    while let line = lines.popFirst(), !line.trimmed.hasPrefix(fence) { body.append(line) }
    return .listing(body.joined(separator: "\n"), name: "code")
  }

  private static func quote(_ lines: inout ArraySlice<String>, _ level: Int, _ depth: Int) -> HTML {
    var inner: [String] = []
    while let line = lines.first?.trimmed, line.hasPrefix(">") {
      inner.append(String(line.dropFirst(line.hasPrefix("> ") ? 2 : 1)))
      lines.removeFirst()
    }
    return .element("blockquote", [:], blocks(inner[...], level: level, depth: depth + 1))
  }

  /// The mark of a list's item, where its text begins, and whether the list is numbered.
  private static func item(_ line: String) -> (indent: Int, text: String, numbered: Bool)? {
    let indent = line.prefix { $0 == " " }.count
    let rest = line.dropFirst(indent)
    if let mark = rest.first, "-*+".contains(mark), rest.dropFirst().first == " " {
      return (indent, String(rest.dropFirst(2)), false)
    }
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    let after = rest.dropFirst(digits.count)
    if (1...9).contains(digits.count), after.hasPrefix(". ") { return (indent, String(after.dropFirst(2)), true) }
    return nil
  }

  private static func list(_ lines: inout ArraySlice<String>, _ level: Int, _ depth: Int) -> HTML {
    guard let first = lines.first.flatMap(item) else { return .empty }
    var items: [[String]] = []
    while let line = lines.first {
      if let next = item(line), next.indent <= first.indent {
        guard next.numbered == first.numbered else { break }
        items.append([next.text])
      } else if line.trimmed.isEmpty {
        // An empty line ends the list unless it goes on behind it.
        guard let after = lines.dropFirst().first, item(after) != nil || after.hasPrefix("  ") else { break }
        items[items.count - 1].append("")
      } else if line.prefix(while: { $0 == " " }).count > first.indent {
        items[items.count - 1].append(String(line.dropFirst(min(first.indent + 2, line.count - line.trimmed.count))))
      } else if heading(line.trimmed) == nil, !(items.last?.last ?? "").isEmpty, item(line) == nil {
        items[items.count - 1].append(line)  // a paragraph goes on without indentation
      } else {
        break
      }
      lines.removeFirst()
    }
    let entries = items.map { text -> HTML in
      let inner = blocks(text[...], level: level, depth: depth + 1)
      // A single paragraph needs no element of its own.
      let isPlain = !text.contains { $0.trimmed.isEmpty || item($0) != nil || $0.hasPrefix("```") }
      return .element("li", [:], isPlain ? [inline(text.joined(separator: "\n"))] : inner)
    }
    return first.numbered ? .element("ol", [:], entries) : .element("ul", [:], entries)
  }

  private static func cells(_ line: String) -> [String] {
    var inner = line.trimmed[...]
    if inner.hasPrefix("|") { inner = inner.dropFirst() }
    if inner.hasSuffix("|") { inner = inner.dropLast() }
    return inner.split(separator: "|", omittingEmptySubsequences: false).map { String($0).trimmed }
  }

  private static func isTable(_ lines: ArraySlice<String>) -> Bool {
    guard let head = lines.first, head.contains("|"), let rule = lines.dropFirst().first, rule.contains("-") else {
      return false
    }
    return rule.contains("|") && rule.allSatisfy { "|-: ".contains($0) }
  }

  private static func table(_ lines: inout ArraySlice<String>) -> HTML {
    let head = cells(lines.removeFirst())
    let rule = cells(lines.removeFirst())
    var rows: [[HTML]] = []
    while let line = lines.first, line.contains("|"), !line.trimmed.isEmpty {
      let row = cells(line)
      rows.append(head.indices.map { $0 < row.count ? inline(row[$0]) : .empty })
      lines.removeFirst()
    }
    let numbers = head.indices.filter { $0 < rule.count && rule[$0].hasSuffix(":") }
    return .table(caption: "Table", head: head.map { inline($0) }, rows: rows, numbers: Set(numbers))
  }

  private static func paragraph(_ lines: inout ArraySlice<String>, _ depth: Int) -> HTML {
    var text: [String] = []
    while let line = lines.first, !line.trimmed.isEmpty {
      let trimmed = line.trimmed
      let isBlock =
        heading(trimmed) != nil || trimmed.hasPrefix("```") || isRule(trimmed)
        || (depth < deepest && (trimmed.hasPrefix(">") || item(line) != nil))
      if !text.isEmpty && isBlock { break }
      text.append(trimmed)
      lines.removeFirst()
    }
    return .p(inline(text.joined(separator: "\n")))
  }

  // MARK: Inside a line

  /// Code, strong, emphasis and links; nothing of it across a whole paragraph that lacks the closing mark.
  static func inline(_ text: String, depth: Int = 0) -> HTML {
    var parts: [HTML] = []
    var plain = ""
    var rest = text[...]
    var before: Character = " "
    func flush() {
      if !plain.isEmpty { parts.append(HTML(plain)) }
      plain = ""
    }
    while let c = rest.first {
      var found: (HTML, Substring)?
      if depth < deepest {
        switch c {
        case "\\":
          if let next = rest.dropFirst().first, "\\`*_[]()#<>|-".contains(next) {
            found = (HTML(String(next)), rest.dropFirst(2))
          }
        case "`": found = span(rest, "`").map { (.code($0.inner), $0.rest) }
        case "*" where rest.hasPrefix("**"):
          found = span(rest, "**").map { (.strong(inline($0.inner, depth: depth + 1)), $0.rest) }
        case "*", "_":
          // An underscore inside a word is a part of its name.
          let mayOpen = c == "*" || !(before.isLetter || before.isNumber)
          found =
            mayOpen
            ? span(rest, String(c)).map { (.element("em", [:], [inline($0.inner, depth: depth + 1)]), $0.rest) } : nil
        case "[": found = link(rest, depth)
        default: break
        }
      }
      if let found {
        flush()
        parts.append(found.0)
        rest = found.1
        before = ")"
      } else {
        plain.append(c)
        before = c
        rest = rest.dropFirst()
      }
    }
    flush()
    return .join(parts)
  }

  /// What stands between a mark and its next occurrence; no empty spans, none that begin or end with a blank.
  private static func span(_ text: Substring, _ mark: String) -> (inner: String, rest: Substring)? {
    let body = text.dropFirst(mark.count)
    guard let end = body.firstRange(of: mark) else { return nil }
    let inner = body[..<end.lowerBound]
    guard let first = inner.first, let last = inner.last else { return nil }
    if mark != "`" && (first.isWhitespace || last.isWhitespace) { return nil }
    if mark == "_", let next = body[end.upperBound...].first, next.isLetter || next.isNumber { return nil }
    return (String(inner), body[end.upperBound...])
  }

  /// `[text](https://...)`; a place inside the repository is shown as text, for the site lies elsewhere.
  private static func link(_ text: Substring, _ depth: Int) -> (HTML, Substring)? {
    guard let close = text.firstIndex(of: "]") else { return nil }
    let after = text[text.index(after: close)...]
    guard after.first == "(", let end = after.firstIndex(of: ")") else { return nil }
    let address = String(after[after.index(after: after.startIndex)..<end])
    let label = inline(String(text[text.index(after: text.startIndex)..<close]), depth: depth + 1)
    let rest = after[after.index(after: end)...]
    let isWeb = address.hasPrefix("https://") || address.hasPrefix("http://")
    return (isWeb ? .link(address, label) : label, rest)
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self[...]
    while let c = text.first, c.isWhitespace { text.removeFirst() }
    while let c = text.last, c.isWhitespace { text.removeLast() }
    return String(text)
  }
}
