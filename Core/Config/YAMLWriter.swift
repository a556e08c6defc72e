extension YAMLNode {
  /// The text that stands for what the node means: keys sorted, one way to write each value, no comments.
  ///
  /// Two nodes with equal canonical text mean the same to every reader, whatever the order of their keys, their quotes,
  /// layout and comments; reading the text back gives the same canonical text. Numbers keep their spelling: `1e-3` and
  /// `0.001` differ.
  public var canonical: String { yaml(sorted: true) }

  /// The node as YAML for people: block style, two spaces, small leaves on one line; keys in the order of the file unless
  /// `sorted`. Ends with a newline.
  public func yaml(sorted: Bool = false) -> String {
    if let line = flow(sorted: sorted, room: Self.widest) { return line + "\n" }
    var text = ""
    writeBlock(into: &text, indent: 0, sorted: sorted)
    return text
  }

  /// The longest line that a collection may share with its key.
  private static let widest = 100

  private func ordered(_ sorted: Bool) -> [Entry] {
    // By bytes: `<` on strings would normalise Unicode first.
    sorted ? entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } : entries
  }

  private func writeBlock(into text: inout String, indent: Int, sorted: Bool) {
    let margin = String(repeating: " ", count: indent)
    switch content {
    case .scalar: text += margin + scalarText + "\n"
    case .sequence(let items):
      for item in items {
        if let line = item.flow(sorted: sorted, room: Self.widest - indent - 2) {
          text += "\(margin)- \(line)\n"
        } else {
          // The first line of the item stands behind the dash, so its margin is cut off.
          var inner = ""
          item.writeBlock(into: &inner, indent: indent + 2, sorted: sorted)
          text += "\(margin)- " + inner.dropFirst(indent + 2)
        }
      }
    case .mapping:
      for entry in ordered(sorted) {
        let key = quotedUnlessPlain(entry.key, plainNumbers: true)
        if let line = entry.value.flow(sorted: sorted, room: Self.widest - indent - key.utf8.count - 2) {
          text += "\(margin)\(key): \(line)\n"
        } else {
          text += "\(margin)\(key):\n"
          entry.value.writeBlock(into: &text, indent: indent + 2, sorted: sorted)
        }
      }
    }
  }

  /// The node on one line, or nil if it does not fit; scalars and empty collections always do.
  private func flow(sorted: Bool, room: Int) -> String? {
    switch content {
    case .scalar: return scalarText
    case .sequence(let items): return flow(items, "[", "]", sorted: sorted, room: room) { ("", $0) }
    case .mapping:
      return flow(ordered(sorted), "{", "}", sorted: sorted, room: room) {
        (quotedUnlessPlain($0.key, plainNumbers: true) + ": ", $0.value)
      }
    }
  }

  private func flow<Item>(
    _ items: [Item], _ open: String, _ close: String, sorted: Bool, room: Int, part: (Item) -> (key: String, YAMLNode)
  ) -> String? {
    if items.isEmpty { return open + close }
    var line = open
    for item in items {
      let (key, node) = part(item)
      guard let text = node.flow(sorted: sorted, room: room) else { return nil }
      if line.utf8.count > 1 { line += ", " }
      line += key + text
      if line.utf8.count + 1 > room { return nil }
    }
    return line + close
  }

  private var scalarText: String {
    guard case .scalar(let text, let quoted) = content else { return "" }
    if isNull { return "null" }
    return quotedUnlessPlain(text, plainNumbers: !quoted)
  }
}

/// A scalar as it is written: plain if it reads back as the same value, else in double quotes.
///
/// - Parameter plainNumbers: whether a text that looks like a number or a truth value may stand without quotes.
private func quotedUnlessPlain(_ text: String, plainNumbers: Bool) -> String {
  let isSimple = text.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: "+"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }
  // A dash could open a list or end a document; `null` would not be a text.
  if isSimple, !text.isEmpty, text != "null", text != "-", !text.hasPrefix("--"), !text.hasPrefix("..") {
    if plainNumbers || !looksTyped(text) { return text }
  }
  var result = "\""
  for character in text.unicodeScalars {
    switch character {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case _ where character.value < 0x20 || (0x7F...0x9F).contains(character.value):
      result += "\\x" + hexadecimal(UInt8(character.value)).dropFirst(2)
    case "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}":
      result += "\\u" + String(character.value, radix: 16, uppercase: true)
    default: result.unicodeScalars.append(character)
    }
  }
  return result + "\""
}

/// Whether a plain text would be read as a number or a truth value.
private func looksTyped(_ text: String) -> Bool {
  text == "true" || text == "false" || Int(text) != nil || Double(text) != nil
}
