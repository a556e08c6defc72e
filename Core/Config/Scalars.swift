extension YAMLNode {
  /// What the node is, for messages: `a list`, `'abc'`, `empty`.
  public var kind: String {
    switch content {
    case .scalar(let text, let quoted): text.isEmpty && !quoted ? "empty" : "'\(clipped(text))'"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  /// The error that says what the node is and what it should be.
  public func wrong(_ name: String, expected: String, hint: String? = nil) -> ReproError {
    ReproError(.usage, at: "\(mark)", found: "\(name) is \(kind)", expected: expected, hint: hint)
  }

  public func string(named name: String) throws(ReproError) -> String {
    guard case .scalar(let text, _) = content, !isNull else { throw wrong(name, expected: "text") }
    return text
  }

  public func int(named name: String, in range: ClosedRange<Int>) throws(ReproError) -> Int {
    guard case .scalar(let text, quoted: false) = content, let value = Int(text) else {
      throw wrong(name, expected: "an integer")
    }
    guard range.contains(value) else { throw wrong(name, expected: words(for: range)) }
    return value
  }

  public func double(named name: String, in range: ClosedRange<Double>) throws(ReproError) -> Double {
    guard case .scalar(let text, quoted: false) = content, let value = Double(text), value.isFinite else {
      throw wrong(name, expected: "a finite number")
    }
    guard range.contains(value) else { throw wrong(name, expected: words(for: range)) }
    return value
  }

  public func bool(named name: String) throws(ReproError) -> Bool {
    guard case .scalar(let text, quoted: false) = content, text == "true" || text == "false" else {
      throw wrong(name, expected: "true or false")
    }
    return text == "true"
  }

  /// One of the listed words.
  public func choice(named name: String, _ words: [String]) throws(ReproError) -> String {
    let expected = (words.count == 1 ? "" : "one of ") + words.joined(separator: ", ")
    guard case .scalar(let text, _) = content else { throw wrong(name, expected: expected) }
    guard words.contains(text) else {
      throw wrong(name, expected: expected, hint: suggestion(for: text, among: words))
    }
    return text
  }

  /// The items of a list.
  public func items(named name: String) throws(ReproError) -> [YAMLNode] {
    guard case .sequence(let items) = content else { throw wrong(name, expected: "a list") }
    return items
  }
}

/// A range in words: `1 to 10`, `at least 1`.
private func words(for range: ClosedRange<Int>) -> String {
  if range.upperBound == .max { return range.lowerBound == .min ? "an integer" : "at least \(range.lowerBound)" }
  return range.lowerBound == .min ? "at most \(range.upperBound)" : "\(range.lowerBound) to \(range.upperBound)"
}

/// A range in words: `0 to 1`, `at least 0.5`, `more than 0` for everything from the smallest positive number on.
private func words(for range: ClosedRange<Double>) -> String {
  let isBelowOpen = range.lowerBound <= -.greatestFiniteMagnitude
  let isAboveOpen = range.upperBound >= .greatestFiniteMagnitude
  let isPositive = range.lowerBound == .leastNonzeroMagnitude
  if isAboveOpen {
    if isBelowOpen { return "a finite number" }
    return isPositive ? "more than 0" : "at least \(short(range.lowerBound))"
  }
  if isBelowOpen { return "at most \(short(range.upperBound))" }
  let upper = short(range.upperBound)
  return isPositive ? "more than 0 and at most \(upper)" : "\(short(range.lowerBound)) to \(upper)"
}

/// A number as people write it: `1` for 1.0.
private func short(_ value: Double) -> String {
  Int(exactly: value).map { abs($0) < 1_000_000_000 ? "\($0)" : "\(value)" } ?? "\(value)"
}
