import ReproConfig

/// One cell of a recipe: one arm at one scale, with every option in its place. Its seeds are run one by one.
public struct ResolvedRecipe: Sendable {
  public let recipe: String
  public let paper: String
  public let scale: Scale
  public let arm: String
  public let method: TypedOptions
  /// The data; `type` is the provider.
  public let data: TypedOptions
  public let stages: [Stage]
  public let evaluations: [EvaluationPlan]
  public let seeds: [UInt64]
  /// What is watched during training, and what ends it.
  public let health: HealthPlan
  /// Keys of the command line that have no effect here because the arm sets them itself.
  public let shadowed: [String]
  /// recipe, paper, scale, arm, method, data, stages, evaluate, health: what decides the result of a seed.
  public let tree: YAMLNode

  init(
    recipe: String, paper: String, scale: Scale, arm: String, tree: YAMLNode, shadowed: [String]
  ) throws(ReproError) {
    (self.recipe, self.paper, self.scale, self.arm, self.shadowed) = (recipe, paper, scale, arm, shadowed)
    // Keys of the recipe that are not read here were checked when the recipe itself was decoded.
    var root = try Section(tree, name: "recipe", isRoot: true)
    method = try TypedOptions(root.require("method"), name: "method")
    data = try TypedOptions(root.require("data"), name: "data", key: "provider")
    stages = try Recipe.stages(&root, isComplete: true)
    evaluations = try Recipe.evaluations(&root)
    seeds = try Recipe.seeds(&root)
    health = try root.section("health") { section throws(ReproError) in try HealthPlan(&section) } ?? HealthPlan()

    func entry(_ key: String, _ text: String) -> YAMLNode.Entry {
      YAMLNode.Entry(key: key, keyMark: tree.mark, value: YAMLNode(.scalar(text, quoted: true), at: tree.mark))
    }
    let head = [entry("recipe", recipe), entry("paper", paper), entry("scale", scale.rawValue), entry("arm", arm)]
    let parts = ["method", "data", "stages", "evaluate", "health"].compactMap { key in
      tree.entries.first { $0.key == key }
    }
    self.tree = YAMLNode(.mapping(head + parts), at: tree.mark)
  }

  /// Reads what `text` wrote: a run's record is enough to run it again.
  ///
  /// - Throws: `ReproError`, domain usage, with the place in the stored text.
  public init(stored node: YAMLNode) throws(ReproError) {
    var root = try Section(node, name: "recipe", isRoot: true)
    let word = try root.choice("scale", Scale.allCases.map(\.rawValue))
    try self.init(
      recipe: root.identifier("recipe"), paper: root.identifier("paper"), scale: Scale(rawValue: word) ?? .tiny,
      arm: root.identifier("arm"), tree: node, shadowed: [])
  }

  /// The cell as YAML for people, keys in the order of the recipe; written beside the results.
  public var text: String { tree.yaml() }

  /// The text whose sha256 identifies the cell: `text` in canonical form.
  public var canonical: String { tree.canonical }
}
