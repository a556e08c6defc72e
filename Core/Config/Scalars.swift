extension YAMLNode {
  /// What the node is, for messages: `a list`, `'abc'`.
  public var kind: String {
    switch content {
    case .scalar(let text, _): "'\(text)'"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  private func wrong(_ name: String, _ expected: String) -> ReproError {
    ReproError(.usage, at: "\(mark)", found: "\(name) is \(kind)", expected: expected)
  }

  public func string(named name: String) throws(ReproError) -> String {
    guard case .scalar(let text, _) = content else { throw wrong(name, "text") }
    return text
  }

  public func int(named name: String, in range: ClosedRange<Int>) throws(ReproError) -> Int {
    guard case .scalar(let text, quoted: false) = content, let value = Int(text) else { throw wrong(name, "an integer") }
    guard range.contains(value) else { throw wrong(name, "\(range.lowerBound) to \(range.upperBound)") }
    return value
  }

  public func double(named name: String, in range: ClosedRange<Double>) throws(ReproError) -> Double {
    guard case .scalar(let text, quoted: false) = content, let value = Double(text), value.isFinite else {
      throw wrong(name, "a finite number")
    }
    guard range.contains(value) else { throw wrong(name, "\(range.lowerBound) to \(range.upperBound)") }
    return value
  }

  public func bool(named name: String) throws(ReproError) -> Bool {
    guard case .scalar(let text, quoted: false) = content, text == "true" || text == "false" else {
      throw wrong(name, "true or false")
    }
    return text == "true"
  }

  public func choice(named name: String, _ words: [String]) throws(ReproError) -> String {
    guard case .scalar(let text, _) = content else { throw wrong(name, "one of " + words.joined(separator: ", ")) }
    guard words.contains(text) else {
      var error = wrong(name, "one of " + words.joined(separator: ", "))
      error.hint = nearest(to: text, among: words).map { "did you mean '\($0)'?" }
      throw error
    }
    return text
  }

  public func items(named name: String) throws(ReproError) -> [YAMLNode] {
    guard case .sequence(let items) = content else { throw wrong(name, "a list") }
    return items
  }
}
