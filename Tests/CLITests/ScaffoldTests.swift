import Foundation
import ReproConfig
import ReproData
import ReproEngine
import TestSupport
import Testing

@testable import ReproCLI

/// What `new` writes, what it refuses, and that it writes all or nothing.
@Suite struct ScaffoldTests {
  /// Somebody elsewhere with a copy of the repository's sources, and the copy.
  private func withCopy<R>(_ body: (Person, String) throws -> R) throws -> R {
    try withPerson { person in
      let copy = person.here + "/repository"
      let parts = "Core Methods Package.swift Reproductions Tests/MethodsTests registry.yaml README.md .swift-format"
      let copied = try person.types(
        shell: "mkdir '\(copy)' && cd '\(Person.repository)' && tar -cf - \(parts) | tar -C '\(copy)' -xf -")
      try #require(copied.status == 0, "\(copied.errors)")
      return try body(Person(here: person.here, root: copy), copy)
    }
  }

  /// Every file below a folder with its bytes.
  private func contents(_ folder: String) throws -> [String: Data] {
    var result: [String: Data] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder)
    where SafeFile.exists("\(folder)/\(path)") {
      result[path] = try bytes("\(folder)/\(path)")
    }
    return result
  }

  private func changes(from old: [String: Data], to new: [String: Data]) -> [String] {
    Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted()
  }

  private static let example = MethodSkeleton(
    names: Scaffold.Names(type: "ViewAgreement", id: "view-agreement"), family: "Contrastive",
    paper: SkeletonPaper(title: "Two views that agree", year: 2026, arxiv: ""))

  private func committed(_ name: String) throws -> String {
    try String(contentsOfFile: "\(Person.repository)/Tests/CLITests/Skeleton/\(name)", encoding: .utf8)
  }

  @Test func theSkeletonIsTheOneThatIsCompiledAndTestedHere() throws {
    #expect(try committed("ViewAgreement.swift") == Self.example.plugin)
    #expect(try committed("ViewAgreementTests.swift") == Self.example.test)
  }

  @Test func theSkeletonsRecipeRunsAndItsArmsDiffer() throws {
    let recipe = try Recipe(YAMLNode(parsing: Self.example.recipe, file: "view-agreement-small.yaml"))
    #expect(recipe.scales == [.tiny, .small] && recipe.arms.map(\.name) == ["method", "random"])
    let plugins = Plugins(
      methods: [ViewAgreement.self], datasets: Plugins.builtIn.datasets, evaluations: Plugins.builtIn.evaluations)
    try withTemporaryFolder { folder in
      let records = try recipe.arms.map { arm in
        let resolved = try recipe.resolve(scale: .tiny, arm: arm.name)
        try plugins.check(resolved)
        return try CellRunner(
          plugins: plugins, recipe: resolved, seed: 0, planSHA256: "", folder: "\(folder)/\(arm.name)", commit: "",
          dataCache: folder, mirror: nil, notices: .silent
        ).run { _ in }
      }
      #expect(records.allSatisfy { $0.status == .finished && $0.value("knn.top1") != nil })
      #expect(records[0].weightsSHA256 != records[1].weightsSHA256)
    }
  }

  @Test func aNewMethodWritesItsFilesAndNothingElse() throws {
    try withCopy { person, copy in
      let before = try contents(copy)
      let outcome = try person.types(
        "new", "method", "contrastive", "view-agreement", "--title", "Two views that agree", "--year", "2026")
      #expect(
        outcome.output == """
          new      Methods/Contrastive/ViewAgreement.swift
          changed  Methods/Contrastive/All.swift
          new      Reproductions/view-agreement/view-agreement-small.yaml
          new      Reproductions/view-agreement/NOTES.md
          new      Tests/MethodsTests/ViewAgreementTests.swift
          changed  registry.yaml

          next
            repro run view-agreement-small --scale tiny
            repro test --filter ViewAgreementTests
            repro run view-agreement-small --scale tiny --record --because "first run"
            repro catalogue --write

          """)
      #expect(outcome.errors == "" && outcome.status == 0)
      let after = try contents(copy)
      #expect(
        changes(from: before, to: after) == [
          "Methods/Contrastive/All.swift", "Methods/Contrastive/ViewAgreement.swift",
          "Reproductions/view-agreement/NOTES.md", "Reproductions/view-agreement/view-agreement-small.yaml",
          "Tests/MethodsTests/ViewAgreementTests.swift", "registry.yaml",
        ])
      #expect(after["Methods/Contrastive/ViewAgreement.swift"] == Data(Self.example.plugin.utf8))
      #expect(try person.types("list").output.contains("\nview-agreement  "))
      let registry = try Registry(path: copy + "/registry.yaml")
      try registry.check(recipes: try RecipeCatalog(roots: [copy]).entries)

      // A second method goes behind the first, and the list stays a list.
      #expect(try person.types("new", "method", "Contrastive", "SimCLR", "--arxiv", "2002.05709").status == 0)
      let list = try String(contentsOfFile: copy + "/Methods/Contrastive/All.swift", encoding: .utf8)
      #expect(list.hasSuffix("\n  ViewAgreement.self,\n  SimCLR.self,\n]\n"))
      let ids = try Registry(path: copy + "/registry.yaml").entries.map(\.id)
      #expect(ids.contains("simclr") && ids == ids.sorted())

      let swift = try person.types(shell: "command -v swift")
      guard swift.status == 0 else { return }
      let lint = try person.types(
        shell: "swift format lint --strict --configuration '\(copy)/.swift-format' -r '\(copy)/Methods/Contrastive' "
          + "'\(copy)/Tests/MethodsTests/ViewAgreementTests.swift' '\(copy)/Tests/MethodsTests/SimCLRTests.swift'")
      #expect(lint.errors == "" && lint.status == 0)
    }
  }

  @Test func longAndQuotedTitlesFitIntoTheSource() {
    let words = Array(repeating: "\"self\\supervised\"", count: 12).joined(separator: " ")
    let skeleton = MethodSkeleton(
      names: Scaffold.Names(type: "Long", id: "long"), family: "Masked",
      paper: SkeletonPaper(title: words, year: 2026, arxiv: "2601.00001"))
    let lines = skeleton.plugin.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 120 })
    #expect(lines.contains { $0.contains("title: \"\\\"self\\\\supervised\\\"") })
    #expect(lines.contains { $0.hasPrefix("      + \"") })
  }

  /// What is refused, with what is said.
  @Test(arguments: [
    (["method", "contrastive", "2Fast"], "'2Fast': this cannot be the name of a method, expected a Swift type"),
    (["method", "contrastive", "two words"], "'two words': this cannot be the name of a method"),
    (["method", "contrastive", "../Escape"], "'../Escape': this cannot be the name of a method"),
    (["method", "contrastive", "a--b"], "'a--b': this cannot be the name of a method"),
    (["method", "contrastive", "Tensor"], "Tensor: the type exists already (Core/Tensor/Tensor.swift declares it)"),
    (["method", "contrastive", "String"], "String: the type exists already (it is taken by the language or a module)"),
    (["method", "contrastive", "Masked"], "Masked: the type exists already (it is taken by the language or a module)"),
    (
      ["method", "distillation", "DINOv2"],
      "DINOv2: the type exists already (Methods/Distillation/DINOv2.swift declares it)"
    ),
    (
      ["method", "contrastive", "Other", "--id", "dinov2"],
      "dinov2: the paper exists already; choose another one with --id"
    ),
    (
      ["method", "contrastive", "Other", "--id", "Dino V2"],
      "'Dino V2': this cannot be a paper's id, expected small letters"
    ),
    (["method", "contrastif", "Other"], "'contrastif': there is no such family, expected one of contrastive, "),
    (["method", "baselines", "Other"], "'baselines': there is no such family, expected one of contrastive, "),
    (["method", "contrastive", "Other", "--year", "20"], "--year: 20, expected 1800 to 2200"),
    (["method", "contrastive", "Other", "--arxiv", "a\"b"], "--arxiv: 'a\"b', expected a number like 2002.05709"),
    (
      ["method", "contrastive", "Other", "--title", "two\nlines"],
      "--title: 'two\\nlines', expected one line of 1 to 300"
    ),
    (["recipe", "dinov3", "dinov3-small"], "'dinov3': no paper of this id has a recipe; did you mean 'dinov2'?"),
    (["recipe", "dinov2", "dinov2-small"], "dinov2-small: the recipe exists already, in Reproductions/dinov2"),
    (["recipe", "dinov2", "Dino Small"], "'Dino Small': this cannot be the name of a recipe"),
    (["recipe", "dinov2", "x", "--like", "y"], "--like y: dinov2 has no such recipe, expected one of dinov2-"),
    (["family", "masked"], "masked: the family exists already"),
    (["family", "class"], "'class': this cannot be the name of a family, expected one word of 3 to 30 letters"),
    (["family", "two words"], "'two words': this cannot be the name of a family"),
    (["family", "tensor"], "Tensor: the type exists already (Core/Tensor/Tensor.swift declares it)"),
  ])
  func badAndTakenNamesAreRefusedAndNothingIsWritten(arguments: [String], said: String) throws {
    try withCopy { person, copy in
      let before = try contents(copy)
      let outcome = try person.types(["new"] + arguments)
      #expect(outcome.errors.hasPrefix("repro: \(said)"), "\(outcome.errors)")
      #expect(outcome.output == "" && outcome.status == 2)
      #expect(changes(from: before, to: try contents(copy)) == [])
    }
  }

  @Test func aFailureInTheMiddleLeavesNothingHalfWritten() throws {
    try withCopy { person, copy in
      // The fifth of six files cannot be written: its folder is a file.
      try FileManager.default.removeItem(atPath: copy + "/Tests/MethodsTests")
      try write("in the way", to: copy + "/Tests/MethodsTests")
      let before = try contents(copy)
      let outcome = try person.types("new", "method", "contrastive", "Other")
      #expect(outcome.status == 3)
      #expect(outcome.errors == "repro: Tests/MethodsTests/OtherTests.swift: cannot be written: Not a directory\n")
      #expect(changes(from: before, to: try contents(copy)) == [])
      #expect(!SafeFile.isFolder(copy + "/Reproductions/other"))
    }
  }

  @Test func aLinkOutOfTheRepositoryIsNotFollowed() throws {
    try withCopy { person, copy in
      try write(
        "import ReproEngine\npublic let x: [any MethodPlugin.Type] = []\n", to: person.here + "/outside/All.swift")
      try FileManager.default.removeItem(atPath: copy + "/Methods/Masked")
      try FileManager.default.createSymbolicLink(
        atPath: copy + "/Methods/Masked", withDestinationPath: person.here + "/outside")
      let outcome = try person.types("new", "method", "masked", "Other")
      #expect(outcome.errors.hasPrefix("repro: Methods/Masked/Other.swift: leads out of the repository"))
      #expect(outcome.status == 2)
      #expect(SafeFile.list(person.here + "/outside") == ["All.swift"])
      #expect(!SafeFile.isFolder(copy + "/Reproductions/other"))
    }
  }

  @Test func aNewRecipeIsACopyUnderAnotherNameWithoutAPrimaryClaim() throws {
    try withCopy { person, copy in
      let outcome = try person.types("new", "recipe", "dinov2", "dinov2-textures", "--like", "dinov2-small")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let catalogue = try RecipeCatalog(roots: [copy])
      let (old, new) = (try catalogue.recipe(named: "dinov2-small"), try catalogue.recipe(named: "dinov2-textures"))
      #expect(new.claims.map(\.id) == old.claims.map(\.id) && !new.claims.contains(where: \.isPrimary))
      #expect(new.arms.map(\.changes) == old.arms.map(\.changes))
      try catalogue.checkPrimaryClaims(of: try catalogue.entries.map { try catalogue.recipe(at: $0) })
      try Registry(path: copy + "/registry.yaml").check(recipes: catalogue.entries)
      #expect(try person.types("show", "dinov2-textures").status == 0)
    }
  }

  @Test func aNewFamilyIsNamedWhereAllFamiliesAre() throws {
    try withCopy { person, copy in
      #expect(try person.types("new", "family", "Robotics").status == 0)
      func text(_ path: String) throws -> String { try String(contentsOfFile: "\(copy)/\(path)", encoding: .utf8) }
      #expect(try text("Package.swift").contains("\"Multimodal\", \"Robotics\"]\n"))
      #expect(try text("Core/Engine/MethodPlugin.swift").contains(", multimodal, robotics, evaluation, baseline\n"))
      let builtIn = try text("Core/CLI/ReproCLI/Plugins+BuiltIn.swift")
      #expect(builtIn.contains("import ReproScenes\nimport Robotics\n"))
      #expect(builtIn.contains("      multimodalMethods,\n      roboticsMethods,\n    ].flatMap"))
      // Imports stay sorted for names in the middle too.
      #expect(try person.types("new", "family", "graphs").status == 0)
      #expect(
        try text("Core/CLI/ReproCLI/Plugins+BuiltIn.swift").contains("import Geometric\nimport Graphs\nimport Masked\n")
      )
    }
  }
}
