import ReproConfig

/// A reproduction in one file: what is trained on what, against which baselines, how it is judged, and what the paper says.
///
/// docs/recipes.md explains every key; `Override` defines what scales, arms and the command line may change.
public struct Recipe: Sendable {
  /// The method as described, or one of its baselines: a name and the keys in which it differs.
  public struct Arm: Sendable {
    public let name: String
    /// The changed keys and their values, for people: `method.weights.ibot: 0`; empty for the unchanged method.
    public let changes: [String]
    let overrides: [Override]
  }

  /// kebab-case; the name of the file without its ending.
  public let id: String
  /// The paper's id in the registry; the name of the folder.
  public let paper: String
  /// In the order of the file; the first one is the reference that the others are compared with.
  public let arms: [Arm]
  /// The scales that the recipe has, tiny first.
  public let scales: [Scale]
  /// The short names of the evaluations.
  public let evaluations: [String]
  public let claims: [Claim]
  public let reported: [Reported]
  /// What is different from the paper, one sentence each.
  public let deviations: [String]
  public let sanity: [SanityFloor]
  /// The type of the method and the provider of the data, before any override.
  public let methodType, dataProvider: String
  /// The file as it was read.
  public let node: YAMLNode

  private let scaleOverrides: [(scale: Scale, overrides: [Override])]

  /// Seeds at 1000 and above are for development and never judge a claim.
  public static let firstDevelopmentSeed = 1000

  /// Reads and checks a recipe.
  ///
  /// - Parameters:
  ///   - path: a YAML file.
  ///   - displayed: how messages call it.
  ///   - checkingCells: see `init(_:checkingCells:)`.
  /// - Throws: `ReproError`, domain usage, with `path:line:column`.
  public init(path: String, displayed: String? = nil, checkingCells: Bool = true) throws(ReproError) {
    let bytes: [UInt8]
    do { bytes = try readFile(path, limit: YAMLNode.largestFile, domain: .usage) } catch {
      var shown = error
      if let displayed, shown.location == path { shown.location = displayed }
      throw shown
    }
    try self.init(YAMLNode(parsing: bytes, file: displayed ?? path), checkingCells: checkingCells)
  }

  /// Decodes a recipe.
  ///
  /// - Parameters:
  ///   - node: the document.
  ///   - checkingCells: whether every cell (scale times arm) is resolved too, so that a mistake in one arm is found before
  ///     another one has been trained; only a list of hundreds of recipes goes without.
  /// - Throws: `ReproError`, domain usage, with `path:line:column`.
  public init(_ node: YAMLNode, checkingCells: Bool = true) throws(ReproError) {
    self.node = node
    var root = try Section(node, name: "recipe", isRoot: true)
    id = try root.identifier("recipe")
    paper = try root.identifier("paper")
    methodType = try TypedOptions(root.require("method"), name: "method").type
    dataProvider = try TypedOptions(root.require("data"), name: "data", key: "provider").type
    _ = try Self.stages(&root, isComplete: false)
    let evaluations = try Self.evaluations(&root)
    self.evaluations = evaluations.map(\.name)
    _ = try Self.seeds(&root)
    scaleOverrides = try Self.scales(root.require("scales"))
    scales = scaleOverrides.map(\.scale)
    arms = try Self.arms(root.require("arms"))
    let names = Names(arms: arms.map(\.name), evaluations: self.evaluations)
    claims = try root.sections("claims") { section throws(ReproError) in try Claim(&section, names) }
    let ids = claims.map(\.id)
    reported = try root.sections("reported") { section throws(ReproError) in try Reported(&section, claims: ids) }
    deviations = try root.strings("deviations", default: [])
    _ = try root.section("health") { section throws(ReproError) in try HealthPlan(&section) }
    sanity = try root.sections("sanity") { section throws(ReproError) in try SanityFloor(&section, names) }
    try root.finish()
    if checkingCells {
      try checkCells()
      try checkClaims()
    }
  }

  /// The recipe as one arm runs it at one scale.
  ///
  /// - Parameters:
  ///   - scale: one of `scales`.
  ///   - arm: the name of one of `arms`.
  ///   - overrides: `KEY=VALUE` of the command line; of two with the same key the later one counts. They change what all arms
  ///     share, so a key that the arm itself sets keeps the arm's value (`ResolvedRecipe.shadowed`).
  /// - Throws: `ReproError`, domain usage.
  public func resolve(scale: Scale, arm: String, overrides: [String] = []) throws(ReproError) -> ResolvedRecipe {
    guard let ofScale = scaleOverrides.first(where: { $0.scale == scale })?.overrides else {
      throw ReproError(
        .usage, at: "\(node.mark.file)", found: "'\(id)' has no scale '\(scale.rawValue)'",
        expected: scales.map(\.rawValue).joined(separator: " or "))
    }
    let ofArm = try self.arm(named: arm).overrides
    var ofUser: [Override] = []
    for text in overrides { ofUser.append(try Override(argument: text)) }
    let scaled = try Override.apply(ofScale, to: node)
    let adjusted = try Override.apply(ofUser, to: scaled, lastWins: true)
    let tree = try Override.apply(ofArm, to: adjusted)
    return try ResolvedRecipe(
      recipe: id, paper: paper, scale: scale, arm: arm, tree: tree,
      shadowed: Override.shadowed(ofUser, by: ofArm, in: tree))
  }

  /// The arm of a name.
  ///
  /// - Throws: `ReproError`, domain usage, with the nearest name.
  public func arm(named name: String) throws(ReproError) -> Arm {
    if let arm = arms.first(where: { $0.name == name }) { return arm }
    let names = arms.map(\.name)
    throw ReproError(
      .usage, at: "\(node.mark.file)", found: "unknown arm '\(clipped(name))'",
      hint: suggestions(for: name, among: names) ?? "the arms are \(names.joined(separator: ", "))")
  }

  /// The text whose hash is the plan: everything that has to be fixed before the first look at evaluation seeds.
  ///
  /// Arms, claims (metric, form, margin, delta, n) without their prose, sanity floors, and the seeds and steps of every arm at
  /// small scale. Empty without claims.
  public func plan() throws(ReproError) -> String {
    if claims.isEmpty { return "" }
    var steps: [YAMLNode.Entry] = []
    var seeds: [UInt64] = []
    for arm in arms {
      let cell = try resolve(scale: .small, arm: arm.name)
      seeds = cell.seeds
      let counts = cell.stages.map { entry($0.name, scalar("\($0.steps)")) }
      steps.append(entry(arm.name, YAMLNode(.mapping(counts), at: node.mark)))
    }
    var entries = [
      entry("recipe", scalar(id)), entry("steps", YAMLNode(.mapping(steps), at: node.mark)),
      entry("seeds", YAMLNode(.sequence(seeds.map { scalar("\($0)") }), at: node.mark)),
    ]
    for (key, prose) in [("arms", ""), ("claims", "statement"), ("sanity", "because")] {
      if let value = node[key] { entries.append(entry(key, value.withoutItemKey(prose))) }
    }
    return YAMLNode(.mapping(entries), at: node.mark).canonical
  }

  private func entry(_ key: String, _ value: YAMLNode) -> YAMLNode.Entry {
    YAMLNode.Entry(key: key, keyMark: node.mark, value: value)
  }

  private func scalar(_ text: String) -> YAMLNode { YAMLNode(.scalar(text, quoted: false), at: node.mark) }
}

// MARK: - Decoding

extension Recipe {
  static func stages(_ root: inout Section, isComplete: Bool) throws(ReproError) -> [Stage] {
    let stages = try root.sections("stages") { section throws(ReproError) in
      try Stage(&section, isComplete: isComplete)
    }
    for (index, stage) in stages.enumerated() {
      if Override.words.contains(stage.name) {
        throw ReproError(
          .usage, at: "\(stage.mark)", found: "a stage cannot be called '\(stage.name)'",
          hint: "the word has a meaning in overrides")
      }
      if stages[..<index].contains(where: { $0.name == stage.name }) {
        throw ReproError(.usage, at: "\(stage.mark)", found: "two stages are called '\(stage.name)'")
      }
    }
    return stages
  }

  static func evaluations(_ root: inout Section) throws(ReproError) -> [EvaluationPlan] {
    let node = try root.require("evaluate")
    var evaluations: [EvaluationPlan] = []
    for (index, item) in try node.items(named: "evaluate").enumerated() {
      let evaluation = try EvaluationPlan(item, name: "evaluate[\(index)]")
      if evaluations.contains(where: { $0.name == evaluation.name }) {
        throw ReproError(
          .usage, at: "\(evaluation.mark)", found: "two evaluations are called '\(evaluation.name)'",
          hint: "give one of them a name: {type: \(evaluation.type), name: ...}")
      }
      evaluations.append(evaluation)
    }
    return evaluations
  }

  /// `seeds: n` stands for 0 to n - 1.
  static func seeds(_ root: inout Section) throws(ReproError) -> [UInt64] {
    guard let node = root.take("seeds") else { return Array(0..<8) }
    guard case .sequence(let items) = node.content else {
      return (0..<UInt64(try node.int(named: "seeds", in: 1...1000))).map { $0 }
    }
    if items.isEmpty { throw ReproError(.usage, at: "\(node.mark)", found: "seeds is an empty list") }
    var seeds: [UInt64] = []
    for (index, item) in items.enumerated() {
      let seed = UInt64(try item.int(named: "seeds[\(index)]", in: 0...Int.max))
      if seeds.contains(seed) { throw ReproError(.usage, at: "\(item.mark)", found: "seed \(seed) stands twice") }
      seeds.append(seed)
    }
    return seeds
  }

  private static func scales(_ node: YAMLNode) throws(ReproError) -> [(scale: Scale, overrides: [Override])] {
    let section = try Section(node, name: "scales")
    let names = Scale.allCases.map(\.rawValue)
    for entry in node.entries where !names.contains(entry.key) {
      throw ReproError(
        .usage, at: "\(entry.keyMark)", found: "unknown scale '\(clipped(entry.key))'",
        expected: names.joined(separator: ", "), hint: suggestion(for: entry.key, among: names))
    }
    var result: [(scale: Scale, overrides: [Override])] = []
    for scale in Scale.allCases {
      guard let node = section.node[scale.rawValue] else { continue }
      result.append((scale, try Override.group(node, name: "scales.\(scale.rawValue)")))
    }
    guard result.first?.scale == .tiny else {
      throw ReproError(.usage, at: "\(node.mark)", found: "scales has no 'tiny'", hint: "every recipe has a tiny scale")
    }
    return result
  }

  /// What is the same for all arms of one seed, or the comparison would not be fair.
  private static let shared = ["seeds", "evaluate", "test", "validation", "data.test", "data.validation"]

  private static func arms(_ node: YAMLNode) throws(ReproError) -> [Arm] {
    guard case .mapping(let entries) = node.content else { throw node.wrong("arms", expected: "a mapping") }
    if entries.isEmpty {
      throw ReproError(.usage, at: "\(node.mark)", found: "arms is empty", hint: "add 'method: {}'")
    }
    var arms: [Arm] = []
    for entry in entries {
      guard isIdentifier(entry.key) else {
        throw ReproError(
          .usage, at: "\(entry.keyMark)", found: "an arm is called '\(clipped(entry.key))'",
          expected: "a name in kebab-case")
      }
      let overrides = try Override.group(entry.value, name: "arms.\(entry.key)")
      for override in overrides where shared.contains(override.key) || override.key.hasPrefix("evaluate.") {
        throw ReproError(
          .usage, at: "\(override.mark)", found: "arm '\(entry.key)' sets '\(override.key)', which all arms share",
          hint: "set it in a scale")
      }
      let changes = overrides.map { "\($0.key): " + $0.value.yaml(sorted: true).dropLast() }
      arms.append(Arm(name: entry.key, changes: changes, overrides: overrides))
    }
    return arms
  }
}

extension YAMLNode {
  /// A list of mappings less one key of each; other nodes as they are.
  fileprivate func withoutItemKey(_ key: String) -> YAMLNode {
    guard case .sequence(let items) = content else { return self }
    let shorter = items.map { YAMLNode(.mapping($0.entries.filter { $0.key != key }), at: $0.mark) }
    return YAMLNode(.sequence(shorter), at: mark)
  }
}

// MARK: - Checks across keys

extension Recipe {
  private func checkCells() throws(ReproError) {
    for scale in scales {
      for arm in arms {
        let cell = try resolve(scale: scale, arm: arm.name)
        if let seed = cell.seeds.first(where: { $0 >= Self.firstDevelopmentSeed }) {
          throw ReproError(
            .usage, at: "\(node.mark.file)", found: "scale '\(scale.rawValue)' runs seed \(seed)",
            expected: "seeds below \(Self.firstDevelopmentSeed)", hint: "the others are for development")
        }
      }
    }
  }

  private func checkClaims() throws(ReproError) {
    if let twice = claims.indices.first(where: { i in claims[..<i].contains { $0.id == claims[i].id } }) {
      throw ReproError(.usage, at: "\(claims[twice].mark)", found: "two claims are called '\(claims[twice].id)'")
    }
    if let second = claims.filter(\.isPrimary).dropFirst().first {
      throw ReproError(
        .usage, at: "\(second.mark)", found: "claim '\(second.id)' is a second primary claim",
        expected: "one primary claim in a paper")
    }
    guard let first = claims.first else { return }
    guard scales.contains(.small) else {
      throw ReproError(.usage, at: "\(first.mark)", found: "claims are judged at scale small, which the recipe lacks")
    }
    let cell = try resolve(scale: .small, arm: arms[0].name)
    for claim in claims {
      if cell.seeds.count < claim.seeds {
        throw ReproError(
          .usage, at: "\(claim.mark)",
          found: "claim '\(claim.id)' plans \(claim.seeds) seeds, scale small runs \(cell.seeds.count)",
          hint: "set seeds: \(claim.seeds) in scales.small, or n in the claim")
      }
      if !cell.evaluations.contains(where: { $0.name == claim.metric.evaluation }) {
        throw ReproError(
          .usage, at: "\(claim.mark)",
          found: "claim '\(claim.id)' uses \(claim.metric), which scale small does not evaluate")
      }
    }
  }
}
