import ReproConfig
import ReproData
import ReproEngine
import Testing

@testable import ReproCLI

/// The tiny scale of every recipe, run again and compared with what was recorded.
@Suite(.serialized) struct GoldenTests {
  static let entries = (try? Program.catalogue().entries) ?? []

  @Test func theCatalogueHasRecipes() throws { #expect(try !Program.catalogue().entries.isEmpty) }

  @Test(arguments: entries.map(\.recipe))
  func everyTinyRunAgreesWithItsGolden(name: String) throws {
    let catalogue = try Program.catalogue()
    let entry = try catalogue.entry(named: name)
    let recipe = try catalogue.recipe(at: entry)
    try #require(
      SafeFile.exists(entry.golden),
      "no golden; record one: ./repro run \(name) --scale tiny --record --because TEXT")
    let golden = try #require(try Golden(path: entry.golden).results[.tiny], "the golden has no tiny results")
    let records = try tinyRecords(recipe)
    #expect(golden.cells.count == records.count, "the golden has other cells than the recipe")
    for result in Verification.compare(records, with: golden, tolerance: 1e-3) {
      #expect(result.outcome.isGood, "\(result.arm)-\(result.seed): \(VerifyCommand.words(result.outcome))")
      if golden.fingerprint == .current {
        #expect(result.outcome == .sameBits, "\(result.arm)-\(result.seed) has other bits under the same fingerprint")
      }
    }
  }

  @Test func theRegistryEqualsTheMethodsTheRecipesAndTheGoldens() throws {
    let root = try Program.root()
    let registry = try Registry(path: root + "/registry.yaml", displayed: "registry.yaml")
    let catalogue = try Program.catalogue()
    try registry.check(recipes: catalogue.entries)
    try registry.check(
      methods: Plugins.builtIn.methods.map { ($0.card.id, $0.card.family, String(describing: $0)) })
    for entry in catalogue.entries {
      #expect(SafeFile.exists(entry.golden), "\(entry.recipe) has no golden")
      #expect(SafeFile.exists(entry.folder + "/NOTES.md"), "\(entry.paper) has no NOTES.md")
    }
    try catalogue.checkPrimaryClaims(of: catalogue.entries.map { try catalogue.recipe(at: $0) })
  }

  @Test func everyCellOfEveryRecipeIsUnderstoodByItsReaders() throws {
    let catalogue = try Program.catalogue()
    for entry in catalogue.entries {
      let recipe = try catalogue.recipe(at: entry)
      try Plugins.builtIn.checkClaims(of: recipe)
      for scale in recipe.scales where scale != .paper {
        for arm in recipe.arms { try Plugins.builtIn.check(try recipe.resolve(scale: scale, arm: arm.name)) }
      }
    }
  }

  private func tinyRecords(_ recipe: Recipe) throws -> [RunRecord] {
    try TemporaryFolder.with { folder in
      try recipe.arms.flatMap { arm in
        let resolved = try recipe.resolve(scale: .tiny, arm: arm.name)
        return try resolved.seeds.map { seed in
          let cell = CellID(recipe: recipe.id, scale: .tiny, arm: arm.name, seed: seed)
          return try Program.runner(recipe, resolved, cell, out: folder, root: try Program.root(), notices: .silent)
            .run { _ in }
        }
      }
    }
  }
}
