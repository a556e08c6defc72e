import ReproConfig

/// The catalogue of papers, `registry.yaml`: for people and scripts, and checked against everything that it names.
public struct Registry: Sendable {
  /// How far a reproduction has come.
  public enum Status: String, Sendable, CaseIterable {
    /// The code runs and has its golden; no claim has been judged.
    case recorded
    /// The primary claim is SUPPORTED at small scale.
    case reproduced
    /// A part of the paper is there; `why` says what is missing.
    case partial
    /// The primary claim was judged INCONCLUSIVE; `why` says what is known.
    case inconclusive
    /// The primary claim was judged NOT SUPPORTED; `why` says what was seen.
    case notSupported = "not-supported"
  }

  public struct Entry: Sendable {
    /// The paper's id: the name of its folder under `Reproductions`.
    public let id: String
    public let family: Family
    /// The name of the Swift type.
    public let type: String
    /// `2304.07193`; empty for papers that are not there.
    public let arxiv: String
    public let recipes: [String]
    public let status: Status
    /// The reason for a status that needs one; otherwise empty.
    public let why: String
    public let mark: YAMLNode.Mark
  }

  /// Sorted by id.
  public let entries: [Entry]
  public let file: String

  public init(path: String, displayed: String? = nil) throws(ReproError) {
    let bytes = try readFile(path, limit: YAMLNode.largestFile, domain: .usage)
    try self.init(YAMLNode(parsing: bytes, file: displayed ?? path))
  }

  /// Reads the catalogue: a list of `{id, family, type, arxiv, recipes, status, why}`.
  public init(_ node: YAMLNode) throws(ReproError) {
    file = node.mark.file
    var entries: [Entry] = []
    for (index, item) in try node.items(named: "registry").enumerated() {
      var section = try Section(item, name: "registry[\(index)]")
      let entry = try Entry(&section)
      try section.finish()
      if let last = entries.last, last.id >= entry.id {
        throw ReproError(
          .usage, at: "\(entry.mark)",
          found: last.id == entry.id ? "'\(entry.id)' stands twice" : "'\(entry.id)' stands after '\(last.id)'",
          expected: "papers sorted by id")
      }
      entries.append(entry)
    }
    self.entries = entries
  }

  /// Checks that the catalogue names exactly the recipes that exist, each with its own paper.
  public func check(recipes: [RecipeCatalog.Entry]) throws(ReproError) {
    for entry in entries {
      let folder = recipes.filter { $0.paper == entry.id }.map(\.recipe)
      for name in entry.recipes where !folder.contains(name) {
        throw ReproError(
          .usage, at: "\(entry.mark)", found: "'\(entry.id)' lists the recipe '\(name)', which does not exist",
          hint: suggestion(for: name, among: folder) ?? "add Reproductions/\(entry.id)/\(name).yaml")
      }
      for name in folder where !entry.recipes.contains(name) {
        throw ReproError(
          .usage, at: "\(entry.mark)", found: "'\(entry.id)' does not list its recipe '\(name)'",
          hint: "add it to recipes")
      }
    }
    for recipe in recipes where !entries.contains(where: { $0.id == recipe.paper }) {
      throw ReproError(
        .usage, at: file, found: "no entry for '\(recipe.paper)'", hint: "add '- {id: \(recipe.paper), ...}'")
    }
  }

  /// Checks that the catalogue names exactly the papers that are compiled in; baselines are no papers and stand aside.
  ///
  /// - Parameter methods: id, family and Swift type of every compiled method.
  public func check(methods: [(id: String, family: Family, type: String)]) throws(ReproError) {
    let plugins = methods.filter { $0.family != .baseline }
    for plugin in plugins {
      guard let entry = entries.first(where: { $0.id == plugin.id }) else {
        throw ReproError(.usage, at: file, found: "no entry for the compiled method '\(plugin.id)'")
      }
      guard entry.family == plugin.family, entry.type == plugin.type else {
        throw ReproError(
          .usage, at: "\(entry.mark)", found: "'\(entry.id)' is \(entry.type) in \(entry.family.rawValue)",
          expected: "\(plugin.type) in \(plugin.family.rawValue), as compiled")
      }
    }
    for entry in entries where !plugins.contains(where: { $0.id == entry.id }) {
      throw ReproError(.usage, at: "\(entry.mark)", found: "'\(entry.id)' is not compiled in")
    }
  }
}

extension Registry.Entry {
  fileprivate init(_ section: inout Section) throws(ReproError) {
    mark = section.node.mark
    id = try section.identifier("id")
    let families = Family.allCases.filter { $0 != .baseline }
    let word = try section.choice("family", families.map(\.rawValue))
    family = Family(rawValue: word) ?? .evaluation
    type = try section.string("type")
    arxiv = try section.string("arxiv", default: "")
    recipes = try section.strings("recipes", default: [])
    let status = try section.choice("status", Registry.Status.allCases.map(\.rawValue))
    self.status = Registry.Status(rawValue: status) ?? .recorded
    why = try section.string("why", default: "")
    if self.status != .recorded && self.status != .reproduced && why.isEmpty {
      throw ReproError(
        .usage, at: "\(mark)", found: "'\(id)' is \(status) without a reason", hint: "add 'why: \"...\"'")
    }
  }
}
