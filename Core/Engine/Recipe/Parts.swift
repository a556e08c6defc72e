import ReproConfig

/// How much of a recipe is run.
public enum Scale: String, Sendable, CaseIterable {
  /// Seconds, embedded data only; every recipe has it and its golden.
  case tiny
  /// Minutes on two cores; the claims are judged here.
  case small
  /// What the authors ran.
  case paper
}

/// A mapping that names who reads it: `{type: dinov2, patch: 8}`, `{provider: scenes-objects, size: 32}`.
public struct TypedOptions: Sendable {
  /// The name of the reader: a method, a data provider, a protocol.
  public let type: String
  /// Where the name stands.
  public let mark: YAMLNode.Mark
  /// The mapping without the name: what the reader is given as a `Section`.
  public let options: YAMLNode

  /// - Parameters:
  ///   - node: the mapping.
  ///   - name: what it is called in messages.
  ///   - key: the key of the reader's name.
  ///   - others: keys that do not belong to the options either.
  init(_ node: YAMLNode, name: String, key: String = "type", dropping others: [String] = []) throws(ReproError) {
    var section = try Section(node, name: name)
    let value = try section.require(key)
    type = try value.string(named: "\(name).\(key)")
    mark = value.mark
    let rest = node.entries.filter { $0.key != key && !others.contains($0.key) }
    options = YAMLNode(.mapping(rest), at: node.mark)
  }
}

/// A part of the training with its own budget and optimizer.
public struct Stage: Sendable {
  static let keys = ["name", "steps", "batch", "shards", "optimizer", "optimizers", "options"]

  /// kebab-case; unique in the recipe.
  public let name: String
  /// Optimizer steps, 0 to 10^9; 0 leaves the state as it was initialised.
  public let steps: Int
  /// Samples a step; nil for a stage without data.
  public let batch: Int?
  /// Into how many micro-shards a batch is cut: part of the arithmetic, not of the machine. Divides `batch`.
  public let shards: Int
  /// The optimizer with its schedules; nil if the recipe leaves it to the method.
  public let optimizer: YAMLNode?
  /// Optimizers of single parts that differ from `optimizer` (a discriminator, a critic), by the name of the part.
  public let optimizers: [(name: String, node: YAMLNode)]
  /// Further options of this stage, for the method to read.
  public let options: YAMLNode?
  public let mark: YAMLNode.Mark

  /// - Parameter isComplete: whether the steps must be there; a recipe's own stages may leave them to the scales.
  init(_ section: inout Section, isComplete: Bool) throws(ReproError) {
    mark = section.node.mark
    name = try section.identifier("name")
    let steps = try section.ifPresent("steps") { node, name throws(ReproError) in
      try node.int(named: name, in: 0...1_000_000_000)
    }
    if steps == nil && isComplete {
      throw ReproError(
        .usage, at: "\(mark)", found: "stage '\(name)' has no steps", hint: "set \(name).steps in the scale")
    }
    self.steps = steps ?? 0
    batch = try section.ifPresent("batch") { node, name throws(ReproError) in
      try node.int(named: name, in: 1...1_000_000)
    }
    shards = try section.int("shards", in: 1...4096, default: 1)
    if let batch, batch % shards != 0 {
      throw ReproError(
        .usage, at: "\(mark)", found: "\(section.name).shards is \(shards)",
        expected: "a divisor of the batch, \(batch)")
    }
    optimizer = section.take("optimizer")
    options = section.take("options")
    let parts = section.take("optimizers")
    optimizers = parts?.entries.map { ($0.key, $0.value) } ?? []
    for (node, key) in [(optimizer, "optimizer"), (options, "options"), (parts, "optimizers")] {
      if let node { _ = try Section(node, name: "\(section.name).\(key)") }
    }
    for part in optimizers { _ = try Section(part.node, name: "\(section.name).optimizers.\(part.name)") }
  }
}

/// An evaluation of a recipe: a protocol and its options.
public struct EvaluationPlan: Sendable {
  /// The short name that metrics begin with: `name`, or the protocol without its version.
  public let name: String
  /// The named, versioned protocol: `knn/v1`.
  public let type: String
  public let mark: YAMLNode.Mark
  /// The mapping without `type` and `name`.
  public let options: YAMLNode

  init(_ node: YAMLNode, name: String) throws(ReproError) {
    let typed = try TypedOptions(node, name: name, dropping: ["name"])
    (type, mark, options) = (typed.type, typed.mark, typed.options)
    let parts = type.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, isIdentifier(parts[0]), parts[1].first == "v", Int(parts[1].dropFirst()) ?? 0 > 0 else {
      throw ReproError(
        .usage, at: "\(mark)", found: "\(name).type is '\(clipped(type))'", expected: "a protocol and its version",
        hint: "for example knn/v1")
    }
    if let own = node["name"] {
      self.name = try own.identifier(named: "\(name).name")
    } else {
      self.name = String(parts[0])
    }
  }

  /// The short name of an evaluation that may not have been checked yet.
  static func name(_ node: YAMLNode) -> String {
    if let own = try? node["name"]?.string(named: "") { return own }
    let type = (try? node["type"]?.string(named: "")) ?? ""
    return String(type.prefix { $0 != "/" })
  }
}

/// Small letters, digits and single dashes inside: how papers, recipes, stages, arms and claims are called.
public func isIdentifier(_ text: some StringProtocol) -> Bool {
  let words = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
  return words.allSatisfy { word in
    !word.isEmpty
      && word.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
      }
  }
}

extension YAMLNode {
  func identifier(named name: String) throws(ReproError) -> String {
    let text = try string(named: name)
    guard isIdentifier(text), text.utf8.count <= 64 else { throw wrong(name, expected: "a name in kebab-case") }
    return text
  }
}

extension Section {
  mutating func identifier(_ key: String) throws(ReproError) -> String {
    try require(key).identifier(named: name(of: key))
  }
}
