import ReproConfig
import ReproEngine
import Testing

/// A change of the toy recipe and the message that it must bring.
struct BadRecipe: Sendable, CustomTestStringConvertible {
  var old, new, message: String
  init(_ old: String, _ new: String, _ message: String) { (self.old, self.new, self.message) = (old, new, message) }
  var testDescription: String { new }
}

@Suite struct RecipeErrorTests {
  @Test(arguments: [
    // Keys of the recipe and of its parts
    BadRecipe("paper: toy", "papr: toy", "r.yaml:1:1: recipe has no 'paper'; did you mean it by 'papr' in line 2?"),
    BadRecipe(
      "deviations: [", "deviation: [", "r.yaml:26:1: unknown key 'deviation' in recipe; did you mean 'deviations'?"),
    BadRecipe(
      "paper: toy", "paper: toy\npaper: toy", "r.yaml:3:1: key 'paper' stands twice, first in line 2; remove one"),
    BadRecipe(
      "recipe: toy-small", "recipe: Toy_Small",
      "r.yaml:1:9: recipe is 'Toy_Small', expected a name in kebab-case"),
    BadRecipe("recipe: toy-small", "recipe:", "r.yaml:1:8: recipe is empty, expected text"),
    BadRecipe("method: {type: toy, ", "method: {", "r.yaml:3:9: method has no 'type'; add 'type: ...'"),
    BadRecipe("data: {provider: scenes-objects, size: 32}", "data: 7", "r.yaml:4:7: data is '7', expected a mapping"),
    BadRecipe(
      "deviations: [smaller]", "deviations: smaller", "r.yaml:26:13: deviations is 'smaller', expected a list"),
    // Seeds
    BadRecipe("seeds: 2", "seeds: 0", "r.yaml:5:8: seeds is '0', expected 1 to 1000"),
    BadRecipe("seeds: 2", "seeds: [1, 1]", "r.yaml:5:12: seed 1 stands twice"),
    BadRecipe("seeds: 2", "seeds: []", "r.yaml:5:8: seeds is an empty list"),
    BadRecipe(
      "seeds: 1}", "seeds: [1003]}",
      "r.yaml: scale 'tiny' runs seed 1003, expected seeds below 1000; the others are for development"),
    // Stages
    BadRecipe(
      "name: pretrain, steps: 100", "name: pretrain, step: 100",
      "r.yaml:7:22: unknown key 'step' in stages[0]; did you mean 'steps'?"),
    BadRecipe("steps: 100", "steps: -1", "r.yaml:7:29: stages[0].steps is '-1', expected 0 to 1000000000"),
    BadRecipe("steps: 100", "steps: many", "r.yaml:7:29: stages[0].steps is 'many', expected an integer"),
    BadRecipe(
      "steps: 10, batch", "batch", "r.yaml:8:5: stage 'finetune' has no steps; set finetune.steps in the scale"),
    BadRecipe("batch: 8,", "batch: 0,", "r.yaml:10:57: stages[0].batch is '0', expected 1 to 1000000"),
    BadRecipe("shards: 2", "shards: 3", "r.yaml:8:5: stages[1].shards is 3, expected a divisor of the batch, 4"),
    BadRecipe("name: finetune", "name: pretrain", "r.yaml:8:5: two stages are called 'pretrain'"),
    BadRecipe(
      "name: finetune", "name: data", "r.yaml:8:5: a stage cannot be called 'data'; the word has a meaning in overrides"
    ),
    BadRecipe("options: {layers: 2}", "options: 2", "r.yaml:8:63: stages[1].options is '2', expected a mapping"),
    // Scales
    BadRecipe(
      "  tiny:", "  tinny:", "r.yaml:10:3: unknown scale 'tinny', expected tiny, small, paper; did you mean 'tiny'?"),
    BadRecipe("  tiny: {", "  paper: {", "r.yaml:10:3: scales has no 'tiny'; every recipe has a tiny scale"),
    BadRecipe("tiny: {train: 64,", "tiny: {trian: 64,", "r.yaml:10:10: unknown key 'trian'; did you mean 'train'?"),
    BadRecipe(
      "pretrain.steps: 2", "pretrian.steps: 2",
      "r.yaml:10:31: unknown key 'pretrian.steps'; did you mean 'pretrain.steps'?"),
    BadRecipe(
      "pretrain.steps: 2", "pretrain.setps: 2",
      "r.yaml:10:31: unknown key 'setps' in stages[0]; did you mean 'steps'?"),
    BadRecipe("pretrain.steps: 2", "lr: 2", "r.yaml:10:31: unknown key 'lr'; did you mean 'pretrain.optimizer.lr'?"),
    BadRecipe(
      "pretrain.steps: 2", "pretrain.name: x",
      "r.yaml:10:31: unknown key 'pretrain.name'; did you mean 'pretrain.batch'?"),
    BadRecipe(
      "pretrain.steps: 2", "quux: 2",
      "r.yaml:10:31: unknown key 'quux'; keys begin with train, test, validation, batch, seeds, method, data, evaluate, "
        + "pretrain.KEY, finetune.KEY"),
    BadRecipe(
      "pretrain.steps: 2", "pretrain..steps: 2",
      "r.yaml:10:31: unknown key 'pretrain..steps'; did you mean 'pretrain.steps'?"),
    BadRecipe(
      "pretrain.steps: 2", "evaluate.knm.k: 2",
      "r.yaml:10:31: unknown key 'evaluate.knm.k'; did you mean 'evaluate.knn.k'?"),
    BadRecipe(
      "pretrain.steps: 2", "method.width.x: 2",
      "r.yaml:10:31: 'method.width.x' reaches into method.width, which is '8', expected a mapping; set method.width as a whole"
    ),
    BadRecipe(
      "pretrain.steps: 2", "data.train: 2", "r.yaml:10:31: 'data.train' sets what 'train' sets too; keep one of them"),
    BadRecipe(
      "tiny: {train: 64,", "tiny: {data: {provider: x}, train: 64,",
      "r.yaml:10:31: 'train' sets what 'data' sets too; keep one of them"),
    // Arms
    BadRecipe("no-b: {method", "No-B: {method", "r.yaml:14:3: an arm is called 'No-B', expected a name in kebab-case"),
    BadRecipe("method: {}", "method:", "r.yaml:13:10: arms.method is empty, expected a mapping"),
    BadRecipe(
      "random: {pretrain.steps", "random: {pretrian.steps",
      "r.yaml:15:12: unknown key 'pretrian.steps'; did you mean 'pretrain.steps'?"),
    BadRecipe(
      "no-b: {method.weights.b: 0}", "no-b: {seeds: 3}",
      "r.yaml:14:10: arm 'no-b' sets 'seeds', which all arms share; set it in a scale"),
    BadRecipe(
      "no-b: {method.weights.b: 0}", "no-b: {evaluate.knn.k: 3}",
      "r.yaml:14:10: arm 'no-b' sets 'evaluate.knn.k', which all arms share; set it in a scale"),
    // Evaluations
    BadRecipe(
      "{type: knn/v1, k: 20}", "{type: knn, k: 20}",
      "r.yaml:18:12: evaluate[0].type is 'knn', expected a protocol and its version; for example knn/v1"),
    BadRecipe(
      "name: near, ", "",
      "r.yaml:19:12: two evaluations are called 'knn'; give one of them a name: {type: knn/v1, name: ...}"),
    // Claims
    BadRecipe(
      "than: no-b", "than: no-c",
      "r.yaml:21:93: claims[0].than names the unknown arm 'no-c'; did you mean 'no-b'?"),
    BadRecipe(
      "than: no-b", "than: baseline",
      "r.yaml:21:93: claims[0].than names the unknown arm 'baseline'; the arms are method, no-b, random, supervised"
    ),
    BadRecipe("than: no-b", "than: method", "r.yaml:21:5: claims[0] compares an arm with itself"),
    BadRecipe("than: no-b", "than: [no-b, no-b]", "r.yaml:21:100: claims[0].than names 'no-b' twice"),
    BadRecipe(
      "metric: knn.top1, form", "metric: knm.top1, form",
      "r.yaml:21:42: claims[0].metric names the unknown evaluation 'knm'; did you mean 'knn'?"),
    BadRecipe(
      "metric: knn.top1, form", "metric: accuracy, form",
      "r.yaml:21:42: claims[0].metric is 'accuracy', expected EVALUATION.MEASUREMENT; for example knn.top1"),
    BadRecipe(
      "form: superiority", "form: superiorty",
      "r.yaml:21:58: claims[0].form is 'superiorty', expected one of superiority, non-inferiority, equivalence, trend, "
        + "larger-gain, rank-correlation; did you mean 'superiority'?"),
    BadRecipe("delta: 0.01", "delta: 0", "r.yaml:21:106: claims[0].delta is '0', expected more than 0"),
    BadRecipe("delta: 0.01", "n: 7", "r.yaml:21:5: claims[0].n is 7, expected 5, 8, 10 or 20"),
    BadRecipe("delta: 0.01", "extend_to: 10", "r.yaml:21:5: claims[0] extends n = 8, expected n = 5"),
    BadRecipe(
      "form: superiority, better: method, than: no-b", "form: non-inferiority, better: method, than: no-b",
      "r.yaml:21:5: claims[0] has no 'margin'; add 'margin: ...'"),
    BadRecipe(
      "form: superiority, better: method, than: no-b", "form: trend, levels: [method, no-b]",
      "r.yaml:21:5: claims[0].levels has 2 arms, expected 3 to 12"),
    BadRecipe(
      "form: superiority", "form: equivalence, margin: 0.1, without_hurting: {metric: near.top1, margin: 0.1}",
      "r.yaml:21:84: unknown key 'without_hurting' in claims[0]; known keys are attempt, better, delta, exploratory, extend_to, form, "
        + "id, margin, metric, n, primary, statement, than"),
    BadRecipe(
      "seeds: 8}", "seeds: 5}",
      "r.yaml:21:5: claim 'b-helps' plans 8 seeds, scale small runs 5; set seeds: 8 in scales.small, or n in the claim"),
    BadRecipe(
      "seeds: 8}", "seeds: 8, evaluate: [{type: probe/v1}]}",
      "r.yaml:21:5: claim 'b-helps' uses knn.top1, which scale small does not evaluate"),
    BadRecipe(
      "  small:", "  paper:", "r.yaml:21:5: claims are judged at scale small, which the recipe lacks"),
    BadRecipe(
      "sanity:", "  - {id: b-helps, metric: near.top1, form: trend, levels: [random, no-b, method]}\nsanity:",
      "r.yaml:22:5: two claims are called 'b-helps'"),
    BadRecipe(
      "sanity:", "  - {id: c, primary: true, metric: near.top1, form: trend, levels: [random, no-b, method]}\nsanity:",
      "r.yaml:22:5: claim 'c' is a second primary claim, expected one primary claim in a paper"),
    // Sanity and reported numbers
    BadRecipe(
      "arm: supervised", "arm: supervized",
      "r.yaml:23:11: sanity[0].arm names the unknown arm 'supervized'; did you mean 'supervised'?"),
    BadRecipe("at_least: 0.3, ", "", "r.yaml:23:5: sanity[0] has no bound, expected either at_least or at_most"),
    BadRecipe(
      "at_least: 0.3", "at_least: 0.3, at_most: 1",
      "r.yaml:23:5: sanity[0] has two bounds, expected either at_least or at_most"),
    BadRecipe(
      "source: Table 1", "where: Table 1", "r.yaml:25:5: reported[0] has no 'source'; add 'source: ...'"),
    BadRecipe("value: 0.8", "value: 80%", "r.yaml:25:54: reported[0].value is '80%', expected a finite number"),
  ])
  func aBadRecipeIsRefusedWithItsPlace(_ bad: BadRecipe) {
    #expect(recipeFailure { () throws(ReproError) in try toyRecipe(replacing: bad.old, with: bad.new) } == bad.message)
  }

  @Test(arguments: [
    ("pretrain.setps=3", "--set pretrain.setps=3: unknown key 'setps' in stages[0]; did you mean 'steps'?"),
    ("pretrian.steps=3", "--set pretrian.steps=3: unknown key 'pretrian.steps'; did you mean 'pretrain.steps'?"),
    ("methd.width=3", "--set methd.width=3: unknown key 'methd.width'; did you mean 'method.width'?"),
    ("width=3", "--set width=3: unknown key 'width'; did you mean 'method.width'?"),
    ("seds=3", "--set seds=3: unknown key 'seds'; did you mean 'seeds'?"),
    ("evaluate.knn=3", "--set evaluate.knn=3: unknown key 'evaluate.knn'; did you mean 'evaluate.knn.k'?"),
    ("pretrain.steps", "--set pretrain.steps: no '=', expected KEY=VALUE"),
    ("=3", "--set =3: no '=', expected KEY=VALUE"),
    ("pretrain.steps=", "--set pretrain.steps=: no value behind '='"),
    ("pretrain.steps=many", "--set pretrain.steps=many: stages[0].steps is 'many', expected an integer"),
    ("pretrain.steps=-1", "--set pretrain.steps=-1: stages[0].steps is '-1', expected 0 to 1000000000"),
    (
      "method.weights={a: 1",
      "--set method.weights={a: 1: not YAML: did not find expected ',' or '}' while parsing a flow mapping"
    ),
    (
      "method.width.x=1",
      "--set method.width.x=1: 'method.width.x' reaches into method.width, which is '8', expected a mapping; "
        + "set method.width as a whole"
    ),
    (
      "recipe=x",
      "--set recipe=x: unknown key 'recipe'; keys begin with train, test, validation, batch, seeds, method, data, "
        + "evaluate, pretrain.KEY, finetune.KEY"
    ),
  ])
  func aBadSetIsRefusedWithTheNearestKey(_ argument: String, _ message: String) throws {
    let recipe = try toyRecipe()
    #expect(
      recipeFailure { () throws(ReproError) in
        try recipe.resolve(scale: .tiny, arm: "method", overrides: [argument])
      } == message)
  }

  @Test func aNewKeyOfThePluginIsLeftToThePlugin() throws {
    let recipe = try toyRecipe()
    let cell = try recipe.resolve(scale: .tiny, arm: "method", overrides: ["method.wdth=3"])
    #expect(
      recipeFailure { () throws(ReproError) in
        var section = try Section(cell.method.options, name: "method")
        _ = try section.int("width", in: 1...9)
        _ = section.take("weights")
        try section.finish()
      } == "--set method.wdth=3: unknown key 'wdth' in method; did you mean 'width'?")
  }

  @Test func unknownArmsAndMissingScalesAreNamed() throws {
    let recipe = try toyRecipe()
    #expect(
      recipeFailure { () throws(ReproError) in try recipe.resolve(scale: .tiny, arm: "supervized") }
        == "r.yaml: unknown arm 'supervized'; did you mean 'supervised'?")
    #expect(
      recipeFailure { () throws(ReproError) in try recipe.resolve(scale: .tiny, arm: "x") }
        == "r.yaml: unknown arm 'x'; the arms are method, no-b, random, supervised")
    #expect(
      recipeFailure { () throws(ReproError) in try recipe.resolve(scale: .paper, arm: "method") }
        == "r.yaml: 'toy-small' has no scale 'paper', expected tiny or small")
  }

  @Test func aKeyOfManyWordsIsRefused() throws {
    let recipe = try toyRecipe()
    let key = "method" + String(repeating: ".a", count: 60_000)
    let message = recipeFailure { () throws(ReproError) in
      try recipe.resolve(scale: .tiny, arm: "method", overrides: [key + "=1"])
    }
    #expect(message?.hasSuffix("...: a key of 60001 words, expected at most 16") == true)
  }

  @Test func aDamagedRecipeIsRefusedInOneLineOrRead() {
    // One byte at a time becomes something that YAML cares about.
    let bytes = Array(recipeText().utf8)
    var refused = 0
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] = Array("{:[x,\"-7\n &".utf8)[index % 11]
      let message = recipeFailure { () throws(ReproError) in
        try Recipe(YAMLNode(parsing: damaged, file: "r.yaml"))
      }
      guard let message else { continue }
      refused += 1
      #expect(message.hasPrefix("r.yaml") && !message.contains("\n"))
    }
    #expect(refused > bytes.count / 2)
  }

  @Test func everyErrorOfARecipeEndsWithExitCode2() {
    do {
      _ = try toyRecipe(replacing: "paper: toy", with: "")
      Issue.record("a recipe without a paper was read")
    } catch {
      #expect(error.exitCode == 2)
    }
  }
}
