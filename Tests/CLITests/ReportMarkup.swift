import ReproConfig
import Testing

/// A page as it was written, read by a strict little parser: every element closed, every attribute quoted, every
/// character reference known. What it accepts is well-formed.
struct Markup {
  struct Element {
    var name: String
    var attributes: [(name: String, value: String)]
    /// Text directly and indirectly inside.
    var text = ""
    /// Names of the elements above, the outermost first.
    var path: [String]
    subscript(name: String) -> String? { attributes.first { $0.name == name }?.value }
    var classes: [Substring] { (self["class"] ?? "").split(separator: " ") }
  }

  private(set) var elements: [Element] = []
  /// All text outside of tags.
  private(set) var text = ""

  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  init(_ source: String) throws {
    var rest = source[...]
    if rest.hasPrefix("<!DOCTYPE html>\n") { rest = rest.dropFirst("<!DOCTYPE html>\n".count) }
    var open: [Int] = []
    func fault(_ words: String) -> Fault {
      let line = source[..<rest.startIndex].split(separator: "\n", omittingEmptySubsequences: false).count
      return Fault(description: "line \(line): \(words), before \(rest.prefix(60))")
    }
    while let c = rest.first {
      if c != "<" {
        let end = rest.firstIndex(of: "<") ?? rest.endIndex
        let plain = try Self.plain(rest[..<end])
        text += plain
        for i in open { elements[i].text += plain }
        rest = rest[end...]
        continue
      }
      guard let end = rest.firstIndex(of: ">") else { throw fault("a tag without end") }
      var tag = rest[rest.index(after: rest.startIndex)..<end]
      if tag.first == "/" {
        let name = tag.dropFirst()
        guard let last = open.popLast(), elements[last].name == name else { throw fault("</\(name)> closes nothing") }
        rest = rest[rest.index(after: end)...]
        continue
      }
      let closesItself = tag.last == "/"
      if closesItself { tag = tag.dropLast() }
      let name = tag.prefix { $0.isLetter || $0.isNumber }
      guard !name.isEmpty else { throw fault("a tag without name") }
      tag = tag.dropFirst(name.count)
      var attributes: [(String, String)] = []
      while let first = tag.first {
        guard first == " " else { throw fault("an attribute without a blank before it") }
        tag = tag.dropFirst()
        let key = tag.prefix { $0.isLetter || $0.isNumber || "-_:".contains($0) }
        guard !key.isEmpty, tag.dropFirst(key.count).hasPrefix("=\"") else {
          throw fault("attribute '\(key)' unquoted")
        }
        tag = tag.dropFirst(key.count + 2)
        guard let quote = tag.firstIndex(of: "\"") else { throw fault("attribute '\(key)' without end") }
        guard !attributes.contains(where: { $0.0 == key }) else { throw fault("attribute '\(key)' twice") }
        attributes.append((String(key), try Self.plain(tag[..<quote])))
        tag = tag[tag.index(after: quote)...]
      }
      elements.append(
        Element(name: String(name), attributes: attributes, path: open.map { elements[$0].name }))
      if !closesItself { open.append(elements.count - 1) }
      rest = rest[rest.index(after: end)...]
    }
    if let last = open.last { throw Fault(description: "<\(elements[last].name)> is never closed") }
  }

  /// Text without references; refuses what has to be escaped, and control characters.
  private static func plain(_ text: Substring) throws -> String {
    if let bad = text.unicodeScalars.first(where: { $0.value < 32 && $0 != "\n" && $0 != "\t" }) {
      throw Fault(description: "control character \(bad.value)")
    }
    guard text.contains("&") else { return String(text) }
    var result = ""
    for (i, part) in text.split(separator: "&", omittingEmptySubsequences: false).enumerated() {
      if i == 0 {
        result += part
        continue
      }
      let known = ["amp;": "&", "lt;": "<", "gt;": ">", "quot;": "\"", "#39;": "'"]
      guard let match = known.first(where: { part.hasPrefix($0.key) }) else {
        throw Fault(description: "unknown reference &\(part.prefix(10))")
      }
      result += match.value + part.dropFirst(match.key.count)
    }
    return result
  }

  func all(_ name: String) -> [Element] { elements.filter { $0.name == name } }
  var ids: [String] { elements.compactMap { $0["id"] } }
}
