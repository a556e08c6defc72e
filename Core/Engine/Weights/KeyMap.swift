import ReproConfig
import ReproData
import ReproNN
import ReproTensor

/// How the parameters of a layer of ours are made from the arrays of a published file.
public struct KeyMap: Sendable {
  /// Where a parameter comes from.
  public enum Source: Sendable, Equatable {
    /// The array of that name.
    case array(String)
    /// Several arrays, one under the other along the first axis: separate projections that we keep packed.
    case stacked([String])
    /// Part `index` of `count` equal parts along the first axis: packed projections that we keep apart.
    case part(String, index: Int, count: Int)
    /// One array times another, where the file has the other: a bias with its mask.
    case masked(String, by: String)

    var names: [String] {
      switch self {
      case .array(let name), .part(let name, _, _): [name]
      case .stacked(let names): names
      case .masked(let name, let mask): [name, mask]
      }
    }

    /// Names without which the parameter cannot be made.
    var needed: [String] {
      switch self {
      case .masked(let name, _): [name]
      default: names
      }
    }
  }

  /// Where the parameter of a path comes from.
  public var source: @Sendable (String) -> Source
  /// Arrays that belong to the model and are not needed: buffers that we compute, heads that evaluations do not use.
  public var isIgnored: @Sendable (String) -> Bool
  /// Other names for arrays, as old files have them.
  public var alias: @Sendable (String) -> String

  public init(
    source: @escaping @Sendable (String) -> Source = { .array($0) },
    ignoring isIgnored: @escaping @Sendable (String) -> Bool = { _ in false },
    alias: @escaping @Sendable (String) -> String = { $0 }
  ) {
    (self.source, self.isIgnored, self.alias) = (source, isIgnored, alias)
  }

  /// The same names in the file as in our layer.
  public static let identity = KeyMap()
}

/// The arrays of a file as a model sees them: without the prefix of their container, by the names that its map expects.
public struct WeightView: Sendable {
  public let file: WeightFile
  /// What stands before every name: `state_dict.module.`
  public let prefix: String
  private let entries: [String: WeightEntry]
  /// Names without prefix, in the order of the file.
  public let names: [String]

  /// - Parameters:
  ///   - expected: names of which the most must be found below the prefix.
  ///   - preferred: decides between prefixes that fit equally well: the teacher of a pair, unless another is asked for.
  public init(
    _ file: WeightFile, expected: [String], preferred: String = "teacher", alias: (String) -> String = { $0 }
  ) {
    self.file = file
    let wanted = Set(expected)
    var counts: [String: Int] = [:]
    var order: [String] = []
    for entry in file.entries {
      // Every way to cut the name into a prefix and a rest.
      for prefix in WeightView.prefixes(entry.name)
      where wanted.contains(alias(String(entry.name.dropFirst(prefix.count)))) {
        if counts[prefix] == nil { order.append(prefix) }
        counts[prefix, default: 0] += 1
      }
    }
    func rank(_ prefix: String) -> (Int, Int, Int) {
      (counts[prefix] ?? 0, prefix.contains(preferred) ? 1 : 0, -prefix.utf8.count)
    }
    var best = ""
    for prefix in order where rank(prefix) > rank(best) { best = prefix }
    prefix = best
    var entries: [String: WeightEntry] = [:]
    var names: [String] = []
    for entry in file.entries where entry.name.hasPrefix(best) {
      let name = alias(String(entry.name.dropFirst(best.count)))
      if entries.updateValue(entry, forKey: name) == nil { names.append(name) }
    }
    (self.entries, self.names) = (entries, names)
  }

  private static func prefixes(_ name: String) -> [String] {
    var found = [""]
    var at = name.startIndex
    while let dot = name[at...].firstIndex(of: "."), found.count < 8 {
      at = name.index(after: dot)
      found.append(String(name[..<at]))
    }
    return found
  }

  public subscript(name: String) -> WeightEntry? { entries[name] }
  public func shape(_ name: String) -> Shape? { entries[name]?.shape }

  /// The array of that name.
  public func tensor(_ name: String) throws -> Tensor { try file.tensor(entries[name]?.name ?? prefix + name) }

  /// How many consecutive numbers, from 0 on, stand between `before` and a dot in the names: the depth of a stack.
  public func count(_ before: String) -> Int {
    let numbers = Set(
      names.compactMap { name in
        name.hasPrefix(before) ? Int(name.dropFirst(before.count).prefix { $0 != "." }) : nil
      })
    var n = 0
    while numbers.contains(n) { n += 1 }
    return n
  }
}

/// How a file differs from what a model needs.
public struct WeightDiff: Sendable, Equatable {
  public struct Line: Sendable, Equatable {
    public enum Kind: String, Sendable { case missing, unexpected, mismatched }
    public var kind: Kind
    public var name: String
    /// The shape in the file; nil if it has none of that name.
    public var found: Shape?
    /// The shape of our parameter; nil if we have none.
    public var expected: Shape?
  }

  public var lines: [Line] = []
  /// Parameters that fit.
  public var matched = 0
  public var isEmpty: Bool { lines.isEmpty }

  /// `2 missing, 1 mismatched of 50 parameters: missing blocks.0.ls1.gamma [8]; ...`
  public var summary: String {
    let kinds: [Line.Kind] = [.missing, .unexpected, .mismatched]
    let counts = kinds.compactMap { kind -> String? in
      let n = lines.count { $0.kind == kind }
      return n > 0 ? "\(n) \(kind.rawValue)" : nil
    }
    let shown = lines.prefix(3).map(\.description).joined(separator: "; ")
    return "\(counts.joined(separator: ", ")) beside \(matched) that fit: \(shown)\(lines.count > 3 ? "; ..." : "")"
  }
}

extension WeightDiff.Line: CustomStringConvertible {
  public var description: String {
    switch (found, expected) {
    case (nil, let expected?): "missing \(name) \(expected)"
    case (let found?, nil): "unexpected \(name) \(found)"
    case (let found?, let expected?): "mismatched \(name) \(found), expected \(expected)"
    case (nil, nil): name
    }
  }
}

extension Layer {
  /// What a file lacks, has too much, or has in another shape; empty if `load` would take it whole.
  public func difference(from view: WeightView, _ map: KeyMap) -> WeightDiff {
    var diff = WeightDiff()
    var used: Set<String> = []
    for parameter in parameters {
      let source = map.source(parameter.path)
      used.formUnion(source.names)
      let absent = source.needed.filter { view[$0] == nil }
      if !absent.isEmpty {
        diff.lines += absent.map { .init(kind: .missing, name: $0, found: nil, expected: parameter.shape) }
      } else if let found = KeyMap.shape(source, view), found != parameter.shape {
        diff.lines.append(
          .init(kind: .mismatched, name: source.names[0], found: found, expected: parameter.shape))
      } else {
        diff.matched += 1
      }
    }
    let integers = wholeNumberPaths
    for name in view.names where !used.contains(name) && !map.isIgnored(name) && !integers.contains(name) {
      diff.lines.append(.init(kind: .unexpected, name: name, found: view.shape(name), expected: nil))
    }
    return diff
  }

  /// Takes every parameter from a file.
  ///
  /// - Throws: `ReproError` that sums up what is missing, unexpected or of another shape; then nothing has changed.
  public mutating func load(_ view: WeightView, _ map: KeyMap) throws {
    let diff = difference(from: view, map)
    guard diff.isEmpty else {
      throw ReproError(
        .data, at: view.file.path, found: "the weights do not fit: \(diff.summary)",
        hint: "'repro weights check' prints all of it")
    }
    var loader = WeightLoader(view: view, map: map)
    var copy = self
    copy.visit(&loader)
    if let failure = loader.failure { throw failure }
    self = copy
  }

  private var wholeNumberPaths: Set<String> {
    var copy = self
    var lister = WholeNumberLister()
    copy.visit(&lister)
    return lister.found
  }
}

extension KeyMap {
  /// The shape that a source gives; nil where its arrays do not go together.
  static func shape(_ source: Source, _ view: WeightView) -> Shape? {
    let shapes = source.needed.compactMap { view.shape($0) }
    guard var shape = shapes.first else { return nil }
    switch source {
    case .array, .masked: return shape
    case .stacked:
      if shapes.contains(where: { $0.rank == 0 || $0.rank != shape.rank }) { return shapes.last }
      shape[0] = shapes.reduce(0) { $0 + $1[0] }
      return shape
    case .part(_, _, let count):
      guard shape.rank > 0, shape[0] % count == 0 else { return shape }
      shape[0] /= count
      return shape
    }
  }

  static func tensor(_ source: Source, _ view: WeightView) throws -> Tensor {
    switch source {
    case .array(let name): return try view.tensor(name)
    case .stacked(let names): return concat(try names.map { try view.tensor($0) })
    case .part(let name, let index, let count):
      let whole = try view.tensor(name)
      let size = whole.shape[0] / count
      return whole.slice(0, (index * size)..<((index + 1) * size)).contiguous()
    case .masked(let name, let mask):
      let values = try view.tensor(name)
      return view[mask] == nil ? values : values * (try view.tensor(mask))
    }
  }
}

private struct WeightLoader: LayerVisitor {
  let view: WeightView
  let map: KeyMap
  var place = PathTracker()
  var failure: (any Error)?

  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    guard failure == nil else { return }
    let path = place.path(name)
    do {
      let loaded = try KeyMap.tensor(map.source(path), view)
      guard loaded.shape == t.shape else {
        throw ReproError(.data, at: view.file.path, found: "'\(path)' is \(loaded.shape)", expected: "\(t.shape)")
      }
      guard loaded.nonFiniteCount == 0 else {
        throw ReproError(.data, at: view.file.path, found: "'\(path)' holds numbers that are not finite")
      }
      t = loaded
    } catch { failure = error }
  }

  mutating func integer(_ name: StaticString, _ value: inout Int) {
    let path = place.path(name)
    guard failure == nil, view[path] != nil else { return }
    do {
      let found = try view.tensor(path)
      if found.count == 1 { value = Int(found.values[0]) }
    } catch { failure = error }
  }

  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(name, index, frozen: frozen) }
  mutating func leave() { place.leave() }
}

private struct WholeNumberLister: LayerVisitor {
  var place = PathTracker()
  var found: Set<String> = []
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {}
  mutating func integer(_ name: StaticString, _ value: inout Int) { found.insert(place.path(name)) }
  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(name, index, frozen: frozen) }
  mutating func leave() { place.leave() }
}
