import Foundation
import ReproConfig
import ReproEngine
import Testing

/// The root of this repository.
private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

@Suite struct RecipeCatalogTests {
  @Test func everyRecipeOfTheRepositoryIsReadAndFitsOnAScreen() throws {
    let catalog = try RecipeCatalog(roots: [root])
    #expect(catalog.entries.count >= 3)
    var recipes: [Recipe] = []
    for entry in catalog.entries {
      recipes.append(try catalog.recipe(at: entry))
      let lines = try String(contentsOfFile: entry.path, encoding: .utf8).split(separator: "\n")
      #expect(lines.count <= 100, "\(entry.recipe) has \(lines.count) lines")
    }
    try catalog.checkPrimaryClaims(of: recipes)
  }

  @Test func theRecipeInTheDocumentationIsARecipe() throws {
    let page = try String(contentsOfFile: root + "/docs/recipes.md", encoding: .utf8)
    let parts = page.components(separatedBy: "```")
    let yaml = try #require(parts.first { $0.hasPrefix("yaml\n") }).dropFirst(5)
    let recipe = try Recipe(YAMLNode(parsing: String(yaml), file: "docs/recipes.md"))
    #expect(recipe.arms.count == 4)
    // The page explains every key of a stage and every form of claim.
    for word in ["name", "steps", "batch", "shards", "optimizer", "optimizers", "options"]
      + ["superiority", "non-inferiority", "equivalence", "trend", "larger-gain"]
    { #expect(page.contains("`\(word)`"), "\(word)") }
  }

  @Test func theRegistryNamesExactlyTheRecipesThatExist() throws {
    let registry = try Registry(path: root + "/registry.yaml")
    try registry.check(recipes: RecipeCatalog(roots: [root]).entries)
  }

  @Test func anUnknownRecipeBringsTheNearestNames() throws {
    let catalog = try RecipeCatalog(roots: [root])
    func message(_ name: String) -> String? {
      recipeFailure { () throws(ReproError) in try catalog.recipe(named: name) }
    }
    #expect(message("dinov2-smal") == "unknown recipe 'dinov2-smal'; did you mean 'dinov2-small'?")
    #expect(
      message("dinov2")
        == "unknown recipe 'dinov2'; did you mean 'dinov2-cifar10', 'dinov2-curation' or 'dinov2-dense'?")
    #expect(message("qqqqqqqq") == "unknown recipe 'qqqqqqqq'; 'repro list' shows all \(catalog.entries.count)")
  }

  @Test func foreignRootsAddTheirRecipesAndMustNotRepeatNames() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("repro-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let paper = folder.appendingPathComponent("Reproductions/toy")
    try FileManager.default.createDirectory(at: paper, withIntermediateDirectories: true)
    try recipeText().write(to: paper.appendingPathComponent("toy-small.yaml"), atomically: true, encoding: .utf8)
    try "x".write(to: paper.appendingPathComponent("NOTES.md"), atomically: true, encoding: .utf8)
    try "x".write(to: paper.appendingPathComponent(".hidden.yaml"), atomically: true, encoding: .utf8)

    let catalog = try RecipeCatalog(roots: [root, folder.path, folder.path + "/."])
    #expect(catalog.entries.filter { $0.paper == "toy" }.map(\.recipe) == ["toy-small"])
    let recipe = try catalog.recipe(named: "toy-small")
    #expect(recipe.id == "toy-small")
    let entry = try catalog.entry(named: "toy-small")
    #expect(entry.golden.hasSuffix("/Reproductions/toy/golden/toy-small.json"))

    // A file whose name is not that of its recipe, and a second recipe of the same name.
    try recipeText().write(to: paper.appendingPathComponent("toy-large.yaml"), atomically: true, encoding: .utf8)
    let renamed = try RecipeCatalog(roots: [folder.path])
    let path = try renamed.entry(named: "toy-large").path
    #expect(
      recipeFailure { () throws(ReproError) in try renamed.recipe(named: "toy-large") }
        == "\(path):1:9: recipe is 'toy-small', expected 'toy-large', as the path says")
    let other = folder.appendingPathComponent("Reproductions/tox")
    try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
    try recipeText().write(to: other.appendingPathComponent("toy-large.yaml"), atomically: true, encoding: .utf8)
    let twice = path.replacing("/tox/", with: "/toy/")
    #expect(
      recipeFailure { () throws(ReproError) in try RecipeCatalog(roots: [folder.path]) }
        == "\(twice): two recipes are called 'toy-large', the other is \(twice.replacing("/toy/", with: "/tox/"))")
    #expect(
      recipeFailure { () throws(ReproError) in try RecipeCatalog(roots: [paper.path]) }?
        .hasSuffix("/toy: no folder 'Reproductions', expected the root of a package of reproductions") == true)
  }

  @Test func thePackageRootIsFoundFromTheTestsOwnPlace() throws {
    // The test runner lives in .build under the root or is started in it.
    #expect(try RecipeCatalog.packageRoot().isEmpty == false)
  }

  @Test(arguments: [
    (
      "- {id: b, family: masked, type: B, status: recorded}\n- {id: a, family: masked, type: A, status: recorded}\n",
      "r.yaml:2:3: 'a' stands after 'b', expected papers sorted by id"
    ),
    (
      "- {id: a, family: masked, type: A, status: recorded}\n- {id: a, family: masked, type: A, status: recorded}\n",
      "r.yaml:2:3: 'a' stands twice, expected papers sorted by id"
    ),
    (
      "- {id: a, family: mask, type: A, status: recorded}\n",
      "r.yaml:1:19: registry[0].family is 'mask', expected one of contrastive, distillation, masked, geometric, multimodal, "
        + "evaluation"
    ),
    (
      "- {id: a, family: masked, type: A, status: partial}\n",
      "r.yaml:1:3: 'a' is partial without a reason; add 'why: \"...\"'"
    ),
    ("a: 1\n", "r.yaml:1:1: registry is a mapping, expected a list"),
    (
      "- {id: a, family: masked, type: A, status: recorded, recipe: [x]}\n",
      "r.yaml:1:54: unknown key 'recipe' in registry[0]; did you mean 'recipes'?"
    ),
  ])
  func aBadRegistryIsRefusedWithItsPlace(_ text: String, _ message: String) {
    #expect(
      recipeFailure { () throws(ReproError) in try Registry(YAMLNode(parsing: text, file: "r.yaml")) } == message)
  }

  @Test func theRegistryIsComparedWithRecipesAndPlugins() throws {
    let text = "- {id: cmc, family: contrastive, type: CMC, recipes: [cmc-small], status: recorded}\n"
    let registry = try Registry(YAMLNode(parsing: text, file: "r.yaml"))
    func entry(_ recipe: String, _ paper: String) throws -> RecipeCatalog.Entry {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("repro-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      let place = folder.appendingPathComponent("Reproductions/\(paper)")
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      try "".write(to: place.appendingPathComponent("\(recipe).yaml"), atomically: true, encoding: .utf8)
      return try RecipeCatalog(roots: [folder.path]).entries[0]
    }
    func recipes(_ entries: [RecipeCatalog.Entry]) -> String? {
      recipeFailure { () throws(ReproError) in try registry.check(recipes: entries) }
    }
    let small = try entry("cmc-small", "cmc")
    #expect(recipes([small]) == nil)
    #expect(
      recipes([]) == "r.yaml:1:3: 'cmc' lists the recipe 'cmc-small', which does not exist; "
        + "add Reproductions/cmc/cmc-small.yaml")
    #expect(
      try recipes([small, entry("cmc-large", "cmc")])
        == "r.yaml:1:3: 'cmc' does not list its recipe 'cmc-large'; add it to recipes")
    #expect(
      try recipes([small, entry("neus-small", "neus")]) == "r.yaml: no entry for 'neus'; add '- {id: neus, ...}'")
    func plugins(_ list: [(id: String, family: Family, type: String)]) -> String? {
      recipeFailure { () throws(ReproError) in try registry.check(methods: list) }
    }
    #expect(plugins([("cmc", .contrastive, "CMC"), ("supervised", .baseline, "SupervisedViT")]) == nil)
    #expect(plugins([]) == "r.yaml:1:3: 'cmc' is not compiled in")
    #expect(
      plugins([("cmc", .masked, "CMC")])
        == "r.yaml:1:3: 'cmc' is CMC in contrastive, expected CMC in masked, as compiled")
    #expect(
      plugins([("cmc", .contrastive, "CMC"), ("neus", .geometric, "NeuS")])
        == "r.yaml: no entry for the compiled method 'neus'")
  }
}
