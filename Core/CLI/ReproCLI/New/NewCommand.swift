import ArgumentParser
import Glibc
import ReproConfig
import ReproEngine

struct NewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Skeletons that build and run: a method, a recipe, a family of methods.",
    discussion:
      "Everything is written below the repository's root, or nothing. docs/adding-a-method.md goes on from there.",
    subcommands: [NewMethod.self, NewRecipe.self, NewFamily.self])
}

struct NewMethod: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "method", abstract: "A method that trains, with its recipe, its test and its line in the registry.")

  @Argument(help: "A family of 'repro list', as contrastive.") var family: String
  @Argument(help: "The Swift type as the authors spell it (SimCLR), or its id (sim-clr).") var name: String
  @Option(help: "The paper's id (default: the name in small letters).") var id: String?
  @Option(help: "The paper's title (default: the name).") var title: String?
  @Option(help: "The paper's year (default: this year).") var year: Int?
  @Option(help: "The paper's number on arXiv, as 2002.05709.") var arxiv: String?

  func run() throws {
    let scaffold = try Scaffold()
    let names = try scaffold.names(of: name, id: id)
    let paper = SkeletonPaper(
      title: title ?? names.type, year: try year ?? thisYear(), arxiv: arxiv ?? "")
    let changes = try scaffold.method(names, family: family, paper)
    try scaffold.apply(
      changes,
      next: [
        "repro run \(names.id)-small --scale tiny", "repro test --filter \(names.type)Tests",
        "repro run \(names.id)-small --scale tiny --record --because \"first run\"", "repro catalogue --write",
      ])
  }

  private func thisYear() throws -> Int {
    var now = time(nil)
    var date = tm()
    gmtime_r(&now, &date)
    return 1900 + Int(date.tm_year)
  }
}

struct NewRecipe: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipe", abstract: "A further recipe of a paper, made from one that it has.",
    discussion: "The copy has its own name and no primary claim (a paper has one); change what it is about.")

  @Argument(help: "The paper's id, as dinov2.") var paper: String
  @Argument(help: "The new recipe's name, as dinov2-textures.") var name: String
  @Option(help: "The recipe to start from (default: the paper's first).") var like: String?

  func run() throws {
    let scaffold = try Scaffold()
    let changes = try scaffold.recipe(name, of: paper, like: like)
    try scaffold.apply(
      changes,
      next: [
        "repro show \(name)", "repro run \(name) --scale tiny --record --because \"first run\"",
        "repro catalogue --write",
      ])
  }
}

struct NewFamily: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "family", abstract: "A family of methods: a module of its own, built into the program.")

  @Argument(help: "The family's name, as robotics.") var name: String

  func run() throws {
    let scaffold = try Scaffold()
    let changes = try scaffold.family(name)
    try scaffold.apply(changes, next: ["repro new method \(name.lowercased()) NAME"])
  }
}
