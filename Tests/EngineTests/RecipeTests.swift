import ReproConfig
import ReproEngine
import Testing

/// The message that something fails with, or nil.
func recipeFailure<T>(_ body: () throws(ReproError) -> T) -> String? {
  do {
    _ = try body()
    return nil
  } catch {
    return "\(error)"
  }
}

/// A recipe with every key of the grammar, and what a test changes in it.
func recipeText(replacing old: String = "", with new: String = "") -> String {
  let text = """
    recipe: toy-small
    paper: toy
    method: {type: toy, width: 8, weights: {a: 1, b: 0.5}}
    data: {provider: scenes-objects, size: 32}
    seeds: 2
    stages:
      - {name: pretrain, steps: 100, optimizer: {type: adamw, lr: 0.001}}
      - {name: finetune, steps: 10, batch: 4, shards: 2, options: {layers: 2}}
    scales:
      tiny: {train: 64, test: 32, pretrain.steps: 2, batch: 8, seeds: 1}
      small: {train: 800, test: 200, batch: 16, finetune.batch: 32, seeds: 8}
    arms:
      method: {}
      no-b: {method.weights.b: 0}
      random: {pretrain.steps: 0, finetune.steps: 0}
      supervised: {method.type: supervised, method.classes: 10}
    evaluate:
      - {type: knn/v1, k: 20}
      - {type: knn/v1, name: near, k: 1}
    claims:
      - {id: b-helps, primary: true, metric: knn.top1, form: superiority, better: method, than: no-b, delta: 0.01}
    sanity:
      - {arm: supervised, metric: knn.top1, at_least: 0.3, because: chance is 0.1}
    reported:
      - {metric: top-1, dataset: Toy, model: T/1, value: 0.8, baseline: null, source: Table 1, verified: true}
    deviations: [smaller]
    """
  guard !old.isEmpty else { return text }
  let parts = text.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
  #expect(parts.count == 2, "the toy recipe does not contain '\(old)'")
  return parts.joined(separator: new)
}

func toyRecipe(replacing old: String = "", with new: String = "") throws(ReproError) -> Recipe {
  try Recipe(YAMLNode(parsing: recipeText(replacing: old, with: new), file: "r.yaml"))
}

@Suite struct RecipeTests {
  @Test func everyKeyOfARecipeIsDecoded() throws {
    let recipe = try toyRecipe()
    #expect(recipe.id == "toy-small")
    #expect(recipe.paper == "toy")
    #expect(recipe.methodType == "toy")
    #expect(recipe.dataProvider == "scenes-objects")
    #expect(recipe.scales == [.tiny, .small])
    #expect(recipe.arms.map(\.name) == ["method", "no-b", "random", "supervised"])
    #expect(recipe.arms[3].changes == ["method.type: supervised", "method.classes: 10"])
    #expect(recipe.evaluations == ["knn", "near"])
    #expect(recipe.deviations == ["smaller"])
    #expect(recipe.reported.count == 1)
    #expect(recipe.reported[0].value == 0.8)
    #expect(recipe.reported[0].baseline == nil)
    #expect(recipe.reported[0].isVerified)
    #expect(recipe.sanity[0].atLeast == 0.3)
    let claim = recipe.claims[0]
    #expect(claim.isPrimary)
    #expect(claim.form == .superiority(better: "method", than: ["no-b"], margin: 0, withoutHurting: nil))
    #expect("\(claim.metric)" == "knn.top1")
    #expect(claim.delta == 0.01)
    #expect(claim.seeds == 8)
    #expect(claim.attempt == 1)
    #expect(claim.arms == ["method", "no-b"])
  }

  @Test func aCellHasTheValuesOfItsScaleAndItsArm() throws {
    let recipe = try toyRecipe()
    let tiny = try recipe.resolve(scale: .tiny, arm: "method")
    #expect(tiny.stages.map(\.steps) == [2, 10])
    #expect(tiny.stages.map(\.batch) == [8, 8])
    #expect(tiny.stages.map(\.shards) == [1, 2])
    #expect(tiny.seeds == [0])
    #expect(try tiny.data.options["train"]?.int(named: "", in: 0...99) == 64)
    #expect(tiny.data.options["provider"] == nil)
    #expect(tiny.method.options.entries.map(\.key) == ["width", "weights"])
    #expect(tiny.evaluations.map(\.name) == ["knn", "near"])
    #expect(tiny.evaluations.map(\.type) == ["knn/v1", "knn/v1"])
    #expect(tiny.evaluations[1].options.entries.map(\.key) == ["k"])

    let small = try recipe.resolve(scale: .small, arm: "random")
    #expect(small.stages.map(\.steps) == [0, 0])
    #expect(small.stages.map(\.batch) == [16, 32])  // `batch` is the rule, `finetune.batch` the exception
    #expect(small.seeds == Array(0..<8))

    let withoutB = try recipe.resolve(scale: .small, arm: "no-b")
    #expect(withoutB.method.options["weights"]?.canonical == "{a: 1, b: 0}\n")

    let parts = "optimizers: {critic: {type: sgd, lr: 0.1}}, options: {layers: 2}"
    let critic = try toyRecipe(replacing: "options: {layers: 2}", with: parts)
      .resolve(scale: .tiny, arm: "method", overrides: ["finetune.optimizers.critic.lr=0.2"]).stages[1]
    #expect(critic.optimizers.map(\.name) == ["critic"])
    #expect(critic.optimizers[0].node.canonical == "{lr: 0.2, type: sgd}\n")
  }

  @Test func anArmOfAnotherTypePassesOverForeignKeysButNotOverItsOwnSlips() throws {
    func read(_ cell: ResolvedRecipe) throws(ReproError) -> [Int] {
      var section = try Section(cell.method.options, name: "method")
      let values = [
        try section.int("width", in: 1...99), try section.int("classes", in: 1...99, default: 3),
      ]
      try section.finish()
      return values
    }
    #expect(try read(toyRecipe().resolve(scale: .tiny, arm: "supervised")) == [8, 10])
    // In the arm that keeps the type, nobody reads `weights`: that is an error.
    #expect(
      recipeFailure { () throws(ReproError) in try read(toyRecipe().resolve(scale: .tiny, arm: "method")) }
        == "r.yaml:3:31: unknown key 'weights' in method; known keys are classes, width")
    // The order inside the arm does not matter, and its own keys are read or refused.
    let slip = try toyRecipe(
      replacing: "{method.type: supervised, method.classes: 10}", with: "{method.clases: 10, method.type: supervised}")
    #expect(
      recipeFailure { () throws(ReproError) in try read(slip.resolve(scale: .tiny, arm: "supervised")) }
        == "r.yaml:16:16: unknown key 'clases' in method; did you mean 'classes'?")
  }

  @Test func theCommandLineChangesWhatAllArmsShare() throws {
    let recipe = try toyRecipe()
    let set = ["pretrain.steps=7", "method.weights.b=0.25", "pretrain.steps=9", "evaluate.near.k=3", "seeds=[1004, 3]"]
    let method = try recipe.resolve(scale: .tiny, arm: "method", overrides: set)
    #expect(method.stages[0].steps == 9)
    #expect(method.method.options["weights"]?.canonical == "{a: 1, b: 0.25}\n")
    #expect(method.evaluations[1].options.canonical == "{k: 3}\n")
    #expect(method.seeds == [1004, 3])
    #expect(method.shadowed == [])
    let random = try recipe.resolve(scale: .tiny, arm: "random", overrides: set)
    #expect(random.stages[0].steps == 0)
    #expect(random.shadowed == ["pretrain.steps"])
    let whole = try recipe.resolve(scale: .tiny, arm: "no-b", overrides: ["method.weights={a: 2, b: 2}"])
    #expect(whole.method.options["weights"]?.canonical == "{a: 2, b: 0}\n")
    #expect(whole.shadowed == ["method.weights"])
  }

  @Test func aMultipleMultipliesWhatScaleAndCommandLineSay() throws {
    let recipe = try toyRecipe(replacing: "{method.weights.b: 0}", with: "{pretrain.steps: 3x}")
    #expect(try recipe.resolve(scale: .tiny, arm: "no-b").stages[0].steps == 6)
    #expect(try recipe.resolve(scale: .small, arm: "no-b").stages[0].steps == 300)
    let user = try recipe.resolve(scale: .tiny, arm: "no-b", overrides: ["pretrain.steps=5"])
    #expect(user.stages[0].steps == 15)
    #expect(user.shadowed == [], "the user's number counts")
    // In the place of what is no whole number it is a word like any other.
    let word = try toyRecipe(replacing: "{method.weights.b: 0}", with: "{method.weights.b: 3x}")
    #expect(try word.resolve(scale: .tiny, arm: "no-b").method.options["weights"]?.canonical == "{a: 1, b: 3x}\n")
    let most = "{pretrain.steps: 9223372036854775807x}"
    #expect(
      recipeFailure { () throws(ReproError) in try toyRecipe(replacing: "{method.weights.b: 0}", with: most) }
        == "r.yaml:14:26: 9223372036854775807 times 2 is too large for a number")
  }

  @Test func theResolvedTextReadsBackAndStandsForTheCell() throws {
    let recipe = try toyRecipe()
    let cell = try recipe.resolve(scale: .tiny, arm: "no-b")
    #expect(
      cell.text == """
        recipe: toy-small
        paper: toy
        scale: tiny
        arm: no-b
        method: {type: toy, width: 8, weights: {a: 1, b: 0}}
        data: {provider: scenes-objects, size: 32, train: 64, test: 32}
        stages:
          - {name: pretrain, steps: 2, optimizer: {type: adamw, lr: 0.001}, batch: 8}
          - {name: finetune, steps: 10, batch: 8, shards: 2, options: {layers: 2}}
        evaluate: [{type: knn/v1, k: 20}, {type: knn/v1, name: near, k: 1}]

        """)
    #expect(try YAMLNode(parsing: cell.text, file: "t").canonical == cell.canonical)
    // The order of keys, comments and prose do not change a cell; a value does.
    let reordered = try toyRecipe(
      replacing: "method: {type: toy, width: 8,", with: "method: {width: 8, type: 'toy', # same\n  ")
    #expect(try reordered.resolve(scale: .tiny, arm: "no-b").canonical == cell.canonical)
    #expect(try recipe.resolve(scale: .tiny, arm: "method").canonical != cell.canonical)
    #expect(try recipe.resolve(scale: .tiny, arm: "no-b", overrides: ["train=65"]).canonical != cell.canonical)
    #expect(try recipe.resolve(scale: .tiny, arm: "no-b", overrides: ["seeds=3"]).canonical == cell.canonical)
  }

  @Test func thePlanHoldsWhatMustNotChangeAfterALook() throws {
    let plan = try toyRecipe().plan()
    #expect(plan.contains("steps:") && plan.contains("random: {finetune: 0, pretrain: 0}"))
    func changed(_ old: String, _ new: String) throws -> String { try toyRecipe(replacing: old, with: new).plan() }
    #expect(try changed("deviations: [smaller]", "deviations: [larger]") == plan)
    #expect(try changed("better: method,", "statement: B helps., better: method,") == plan)
    #expect(try changed("because: chance is 0.1", "because: luck") == plan)
    #expect(try changed("pretrain.steps: 2,", "pretrain.steps: 3,") == plan)  // tiny judges nothing
    for (old, new) in [
      ("delta: 0.01", "delta: 0.02"), ("delta: 0.01", "n: 5"), ("than: no-b", "than: random"),
      ("{method.weights.b: 0}", "{method.weights.b: 0.1}"), ("steps: 100", "steps: 101"),
      ("seeds: 8", "seeds: [8, 9, 10, 11, 12, 13, 14, 15]"), ("at_least: 0.3", "at_least: 0.2"),
      ("metric: knn.top1, form", "metric: near.top1, form"),
    ] {
      #expect(try changed(old, new) != plan, "\(old) -> \(new)")
    }
  }

  @Test func everyFormOfClaimIsDecoded() throws {
    func form(_ text: String) throws -> Claim.Form {
      let claim = "form: superiority, better: method, than: no-b, delta: 0.01"
      return try toyRecipe(replacing: claim, with: text).claims[0].form
    }
    #expect(
      try form("form: superiority, better: method, than: [no-b, random], margin: 0.1")
        == .superiority(better: "method", than: ["no-b", "random"], margin: 0.1, withoutHurting: nil))
    let hurt = try form(
      "form: superiority, better: method, than: no-b, without_hurting: {metric: near.top1, margin: 0.02}")
    guard case .superiority(_, _, _, let safe?) = hurt else {
      Issue.record("no guard in \(hurt)")
      return
    }
    #expect("\(safe.metric) \(safe.margin)" == "near.top1 0.02")
    #expect(
      try form("form: non-inferiority, better: no-b, than: method, margin: 0.01")
        == .nonInferiority(better: "no-b", than: "method", margin: 0.01))
    #expect(
      try form("form: equivalence, better: no-b, than: method, margin: 0.01")
        == .equivalence(better: "no-b", than: "method", margin: 0.01))
    #expect(try form("form: trend, levels: [random, no-b, method]") == .trend(levels: ["random", "no-b", "method"]))
    let larger = try form(
      "form: larger-gain, better: method, than: no-b, compared_with: {better: supervised, than: random}")
    guard case .largerGain(let gain, let other, let margin) = larger else {
      Issue.record("not a larger gain: \(larger)")
      return
    }
    #expect([gain.better, gain.than, other.better, other.than] == ["method", "no-b", "supervised", "random"])
    #expect(margin == 0)
    let extended = try toyRecipe(replacing: "delta: 0.01", with: "n: 5, extend_to: 10, attempt: 2").claims[0]
    #expect([extended.seeds, extended.extendTo ?? 0, extended.attempt] == [5, 10, 2])
  }
}
