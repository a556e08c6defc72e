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

  /// What the names of inner values begin with.
  private let prefix: String

  /// - Parameters:
  ///   - node: a mapping.
  ///   - name: what it is called in messages.
  ///   - isRoot: whether inner values go by their own name: `data` instead of `recipe.data`.
  public init(_ node: YAMLNode, name: String, isRoot: Bool = false) throws(ReproError) {
    guard case .mapping = node.content else { throw node.wrong(name, expected: "a mapping") }
    self.node = node
    self.name = name
    prefix = isRoot ? "" : name + "."
  }

  /// What the value of a key is called in messages: `method.weights`.
  public func name(of key: String) -> String { prefix + key }

  /// The keys in the order of the file.
  public var keys: [String] { node.entries.map(\.key) }

  /// Whether a key stands here; does not mark it as read.
  public func has(_ key: String) -> Bool { node[key] != nil }

  /// The raw node of a key, marked as read; nil without the key.
  public mutating func take(_ key: String) -> YAMLNode? {
    if !known.contains(key) { known.append(key) }
    guard let value = node[key] else { return nil }
    read.insert(key)
    return value
  }

  /// The raw node of a key that must be there.
  public mutating func require(_ key: String) throws(ReproError) -> YAMLNode {
    if let value = take(key) { return value }
    let slip = node.entries.first { !read.contains($0.key) && nearest(to: $0.key, among: [key]) != nil }
    let hint = slip.map { "did you mean it by '\($0.key)' in line \($0.keyMark.line)?" }
    throw ReproError(
      .usage, at: "\(node.mark)", found: "\(name) has no '\(key)'", hint: hint ?? "add '\(key): ...'")
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
    try list(key, count, fallback) { n, name throws(ReproError) in try n.double(named: name, in: range) }
  }

  /// A list of integers; `count` fixes its length.
  public mutating func ints(
    _ key: String, count: Int? = nil, in range: ClosedRange<Int>, default fallback: [Int]? = nil
  ) throws(ReproError) -> [Int] {
    try list(key, count, fallback) { n, name throws(ReproError) in try n.int(named: name, in: range) }
  }

  /// A list of texts.
  public mutating func strings(_ key: String, default fallback: [String]? = nil) throws(ReproError) -> [String] {
    try list(key, nil, fallback) { n, name throws(ReproError) in try n.string(named: name) }
  }

  /// What `decode` makes of a key's value; nil without the key, or if its value is `null`.
  public mutating func ifPresent<T>(
    _ key: String, _ decode: (_ node: YAMLNode, _ name: String) throws(ReproError) -> T
  ) throws(ReproError) -> T? {
    guard let value = take(key), !value.isNull else { return nil }
    return try decode(value, prefix + key)
  }

  /// A nested mapping, read by `body` and finished here. Without the key, `body` is not called and nil comes back.
  public mutating func section<T>(
    _ key: String, _ body: (inout Section) throws(ReproError) -> T
  ) throws(ReproError) -> T? {
    guard let value = take(key) else { return nil }
    var inner = try Section(value, name: prefix + key)
    let result = try body(&inner)
    try inner.finish()
    return result
  }

  /// A list of mappings, each read by `body` and finished here; empty without the key.
  public mutating func sections<T>(
    _ key: String, _ body: (inout Section) throws(ReproError) -> T
  ) throws(ReproError) -> [T] {
    guard let value = take(key) else { return [] }
    var results: [T] = []
    for (index, item) in try value.items(named: prefix + key).enumerated() {
      var inner = try Section(item, name: "\(prefix)\(key)[\(index)]")
      results.append(try body(&inner))
      try inner.finish()
    }
    return results
  }

  private mutating func value<T>(
    _ key: String, _ fallback: T?, _ decode: (YAMLNode, String) throws(ReproError) -> T
  ) throws(ReproError) -> T {
    if let node = take(key) { return try decode(node, prefix + key) }
    if let fallback { return fallback }
    return try decode(require(key), prefix + key)
  }

  private mutating func list<T>(
    _ key: String, _ count: Int?, _ fallback: [T]?, _ decode: (YAMLNode, String) throws(ReproError) -> T
  ) throws(ReproError) -> [T] {
    try value(key, fallback) { n, name throws(ReproError) in
      let items = try n.items(named: name)
      if let count, items.count != count {
        throw ReproError(.usage, at: "\(n.mark)", found: "\(name) has \(items.count) items", expected: "\(count)")
      }
      var values: [T] = []
      for (index, item) in items.enumerated() { values.append(try decode(item, "\(name)[\(index)]")) }
      return values
    }
  }

  /// Refuses the first key that nobody read, and suggests the nearest that was asked for.
  public consuming func finish() throws(ReproError) {
    for entry in node.entries where !read.contains(entry.key) && !entry.mayGoUnread {
      throw ReproError(
        .usage, at: "\(entry.keyMark)", found: "unknown key '\(clipped(entry.key))' in \(name)",
        hint: suggestion(for: entry.key, among: known)
          ?? (known.isEmpty ? "no keys are known here" : "known keys are \(known.sorted().joined(separator: ", "))"))
    }
  }
}
