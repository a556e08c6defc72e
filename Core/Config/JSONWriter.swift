extension JSONValue {
  /// The document as text: members in their order, numbers so that they read back as the same value.
  ///
  /// - Parameter pretty: two spaces of indentation and lists of scalars on one line, ending in a newline; else one line
  ///   without blanks and without a newline.
  /// - Throws: `ReproError`, domain numerical, for a number that is not finite (JSON has none) and for a name that stands
  ///   twice; the message names the place as `results[3].value`.
  public func text(pretty: Bool = false) throws(ReproError) -> String {
    var writer = JSONWriter()
    try writer.write(self, path: "", indent: pretty ? 0 : nil)
    return pretty ? writer.text + "\n" : writer.text
  }
}

private struct JSONWriter {
  /// A list of scalars that would be longer stands item by item.
  static let widest = 100
  var text = ""

  /// - Parameter indent: nil for the compact form.
  mutating func write(_ value: JSONValue, path: String, indent: Int?) throws(ReproError) {
    switch value {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .int(let value): text += "\(value)"
    case .double(let value):
      guard value.isFinite else {
        throw ReproError(.numerical, at: path, found: "\(value) cannot be written as JSON", expected: "a finite number")
      }
      text += "\(value)"  // the shortest decimal that reads back as the same bits
    case .string(let value): write(value)
    case .array(let items): try write(items, path: path, indent: indent)
    case .object(let members): try write(members, path: path, indent: indent)
    }
  }

  private mutating func write(_ items: [JSONValue], path: String, indent: Int?) throws(ReproError) {
    if items.isEmpty {
      text += "[]"
      return
    }
    guard let indent else {
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        try write(item, path: "\(path)[\(index)]", indent: nil)
      }
      text += "]"
      return
    }
    var line = JSONWriter()
    var isShort = true
    for (index, item) in items.enumerated() {
      if case .object = item { isShort = false }
      if case .array = item { isShort = false }
      if !isShort || line.text.utf8.count > Self.widest - indent { break }
      if index > 0 { line.text += ", " }
      try line.write(item, path: "\(path)[\(index)]", indent: nil)
    }
    if isShort && line.text.utf8.count <= Self.widest - indent {
      text += "[" + line.text + "]"
      return
    }
    text += "["
    for (index, item) in items.enumerated() {
      newLine(indent + 2, isFirst: index == 0)
      try write(item, path: "\(path)[\(index)]", indent: indent + 2)
    }
    newLine(indent, isFirst: true)
    text += "]"
  }

  private mutating func write(_ members: [JSONValue.Member], path: String, indent: Int?) throws(ReproError) {
    var names: Set<String> = []
    text += "{"
    for (index, member) in members.enumerated() {
      let place = path.isEmpty ? member.name : "\(path).\(member.name)"
      guard names.insert(member.name).inserted else {
        throw ReproError(.numerical, at: place, found: "the name stands twice in one JSON object")
      }
      if let indent { newLine(indent + 2, isFirst: index == 0) } else if index > 0 { text += "," }
      write(member.name)
      text += indent == nil ? ":" : ": "
      try write(member.value, path: place, indent: indent.map { $0 + 2 })
    }
    if let indent, !members.isEmpty { newLine(indent, isFirst: true) }
    text += "}"
  }

  private mutating func newLine(_ indent: Int, isFirst: Bool) {
    text += (isFirst ? "\n" : ",\n") + String(repeating: " ", count: indent)
  }

  private mutating func write(_ string: String) {
    text += "\""
    for character in string.unicodeScalars {
      switch character {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where character.value < 0x20: text += "\\u00" + hexadecimal(UInt8(character.value)).dropFirst(2)
      default: text.unicodeScalars.append(character)
      }
    }
    text += "\""
  }
}
