/// A mapping of a recipe, lent to the type that reads it: typed, ranged access that marks every key it reads.
///
/// The owner of the section (the engine, never the reader) calls `finish()`, which refuses the keys that nobody read; so no
/// author of a plugin can forget to. Not copyable, or a copy could read a key that the original then reports.
public struct Section: ~Copyable, Sendable {
  public let node: YAMLNode
  /// What the section is called in messages: `method`, `data`, `stages[0].optimizer`.
  public let name: String
  private var read: Set<String> = []
  /// Keys that were asked for, in order: what `finish()` suggests from.
  private var known: [String] = []

  public init(_ node: YAMLNode, name: String) throws(ReproError) {
    guard case .mapping = node.content else {
      throw ReproError(.usage, at: "\(node.mark)", found: "\(name) is \(node.kind)", expected: "a mapping")
    }
    self.node = node
    self.name = name
  }

  private var entries: [YAMLNode.Entry] {
    if case .mapping(let entries) = node.content { return entries }
    return []
  }

  /// The keys in the order of the file.
  public var keys: [String] { entries.map(\.key) }

  /// Whether a key stands here; does not mark it as read.
  public func has(_ key: String) -> Bool { node[key] != nil }

  /// The raw node of a key, marked as read.
  public mutating func take(_ key: String) -> YAMLNode? {
    if !known.contains(key) { known.append(key) }
    guard let value = node[key] else { return nil }
    read.insert(key)
    return value
  }

  /// The raw node of a key that must be there.
  public mutating func require(_ key: String) throws(ReproError) -> YAMLNode {
    guard let value = take(key) else {
      throw ReproError(.usage, at: "\(node.mark)", found: "\(name) has no '\(key)'", hint: "add '\(key): ...'")
    }
    return value
  }

  public mutating func string(_ key: String, default fallback: String? = nil) throws(ReproError) -> String {
    try value(key, fallback) { n, name throws(ReproError) in try n.string(named: name) }
  }

  public mutating func int(
    _ key: String, in range: ClosedRange<Int>, default fallback: Int? = nil
  ) throws(ReproError) -> Int {
    try value(key, fallback) { n, name throws(ReproError) in try n.int(named: name, in: range) }
  }

  public mutating func double(
    _ key: String, in range: ClosedRange<Double>, default fallback: Double? = nil
  ) throws(ReproError) -> Double {
    try value(key, fallback) { n, name throws(ReproError) in try n.double(named: name, in: range) }
  }

  public mutating func bool(_ key: String, default fallback: Bool? = nil) throws(ReproError) -> Bool {
    try value(key, fallback) { n, name throws(ReproError) in try n.bool(named: name) }
  }

  /// One of the listed words.
  public mutating func choice(
    _ key: String, _ words: [String], default fallback: String? = nil
  ) throws(ReproError) -> String {
    try value(key, fallback) { n, name throws(ReproError) in try n.choice(named: name, words) }
  }

  /// A list of numbers; `count` fixes its length.
  public mutating func doubles(
    _ key: String, count: Int? = nil, in range: ClosedRange<Double>, default fallback: [Double]? = nil
  ) throws(ReproError) -> [Double] {
    try value(key, fallback) { n, name throws(ReproError) in
      let items = try n.items(named: name)
      if let count, items.count != count {
        throw ReproError(.usage, at: "\(n.mark)", found: "\(name) has \(items.count) items", expected: "\(count)")
      }
      var values: [Double] = []
      for item in items { values.append(try item.double(named: name, in: range)) }
      return values
    }
  }

  /// A nested mapping, read by `body` and finished here. Without the key, `body` is not called and nil comes back.
  public mutating func section<T>(
    _ key: String, _ body: (inout Section) throws(ReproError) -> T
  ) throws(ReproError) -> T? {
    guard let value = take(key) else { return nil }
    var inner = try Section(value, name: "\(name).\(key)")
    let result = try body(&inner)
    try inner.finish()
    return result
  }

  private mutating func value<T>(
    _ key: String, _ fallback: T?, _ decode: (YAMLNode, String) throws(ReproError) -> T
  ) throws(ReproError) -> T {
    if let node = take(key) { return try decode(node, "\(name).\(key)") }
    if let fallback { return fallback }
    return try decode(require(key), "\(name).\(key)")
  }

  /// Refuses the first key that nobody read, and suggests the nearest that was asked for.
  public consuming func finish() throws(ReproError) {
    for entry in entries where !read.contains(entry.key) {
      let near = nearest(to: entry.key, among: known)
      throw ReproError(
        .usage, at: "\(entry.keyMark)", found: "unknown key '\(entry.key)' in \(name)",
        hint: near.map { "did you mean '\($0)'?" } ?? "known keys are \(known.sorted().joined(separator: ", "))")
    }
  }
}
