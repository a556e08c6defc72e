import ReproConfig
import ReproData

/// Everything that a recipe can name: the lists that the program was compiled with.
public struct Plugins: Sendable {
  public var methods: [any MethodPlugin.Type]
  public var datasets: [any DatasetProvider.Type]
  public var evaluations: [any Evaluation.Type]

  public init(
    methods: [any MethodPlugin.Type], datasets: [any DatasetProvider.Type], evaluations: [any Evaluation.Type]
  ) {
    (self.methods, self.datasets, self.evaluations) = (methods, datasets, evaluations)
  }

  public func method(_ options: TypedOptions) throws(ReproError) -> any MethodPlugin.Type {
    if let type = methods.first(where: { $0.card.id == options.type }) { return type }
    throw unknown("method", options.type, options.mark, methods.map { $0.card.id })
  }

  public func dataset(_ options: TypedOptions) throws(ReproError) -> any DatasetProvider.Type {
    if let type = datasets.first(where: { $0.card.id == options.type }) { return type }
    if (try? UserDataCard.find(options.type, root: .fromEnvironment(seed: 0))) != nil { return UserDataset.self }
    throw unknown("data provider", options.type, options.mark, datasets.map { $0.card.id })
  }

  public func evaluation(_ plan: EvaluationPlan) throws(ReproError) -> any Evaluation.Type {
    if let type = evaluations.first(where: { $0.card.id == plan.type }) { return type }
    throw unknown("evaluation", plan.type, plan.mark, evaluations.map { $0.card.id })
  }

  private func unknown(_ what: String, _ name: String, _ mark: YAMLNode.Mark, _ known: [String]) -> ReproError {
    ReproError(
      .usage, at: "\(mark)", found: "unknown \(what) '\(name)'",
      hint: nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        ?? "there are \(known.sorted().joined(separator: ", "))")
  }

  /// Decodes the method, the evaluations and the optimizers of a cell, so that every mistake in a recipe is found before
  /// any work starts.
  public func check(_ recipe: ResolvedRecipe) throws {
    func decode<M: MethodPlugin>(_ type: M.Type) throws(ReproError) {
      var section = try Section(recipe.method.options, name: "method")
      _ = try type.init(&section)
      try section.finish()
    }
    try decode(method(recipe.method))
    for plan in recipe.evaluations { _ = try makeEvaluation(plan) }
    for stage in recipe.stages {
      _ = try OptimizerPlan(stage: stage)
      _ = try OptimizerPlan.named(in: stage)
    }
    _ = try dataset(recipe.data)
  }

  /// Opens the data of a cell and shows its description to the evaluations, so that missing files, caches that have to be
  /// built and protocols that do not fit are found before any run starts.
  public func checkData(of recipe: ResolvedRecipe, root: DataRoot) throws {
    let data = try makeDataset(recipe.data, root: root)
    for plan in recipe.evaluations { try makeEvaluation(plan).check(data.spec) }
  }

  func makeEvaluation(_ plan: EvaluationPlan) throws(ReproError) -> any Evaluation {
    func decode<E: Evaluation>(_ type: E.Type) throws(ReproError) -> any Evaluation {
      var section = try Section(plan.options, name: plan.name)
      let result = try type.init(&section)
      try section.finish()
      return result
    }
    return try decode(evaluation(plan))
  }

  func makeDataset(_ options: TypedOptions, root: DataRoot) throws -> any DatasetProvider {
    func decode<D: DatasetProvider>(_ type: D.Type) throws -> any DatasetProvider {
      var section = try Section(options.options, name: "data")
      let result = try type.init(&section, root: root)
      try section.finish()
      return result
    }
    // What 'repro data add' has added goes by its own name; names of providers cannot be taken.
    if !datasets.contains(where: { $0.card.id == options.type }),
      let card = try UserDataCard.find(options.type, root: root)
    {
      var section = try Section(options.options, name: "data")
      let result = try UserDataset(card, &section, root: root)
      try section.finish()
      return result
    }
    return try decode(dataset(options))
  }
}

extension OptimizerPlan {
  /// The optimizer of a stage; AdamW with rate 0.001 where the recipe names none.
  init(stage: Stage) throws(ReproError) {
    guard let node = stage.optimizer else {
      self = .constant(rate: 1e-3)
      return
    }
    self = try OptimizerPlan(node, name: "\(stage.name).optimizer")
  }

  /// The optimizers of single parts of a stage, by name: `optimizers: {critic: {type: adamw, lr: 0.003}}`.
  static func named(in stage: Stage) throws(ReproError) -> [String: OptimizerPlan] {
    var plans: [String: OptimizerPlan] = [:]
    for (name, node) in stage.optimizers {
      plans[name] = try OptimizerPlan(node, name: "\(stage.name).optimizers.\(name)")
    }
    return plans
  }

  private init(_ node: YAMLNode, name: String) throws(ReproError) {
    var section = try Section(node, name: name)
    self = try OptimizerPlan(&section)
    try section.finish()
  }
}
