import Foundation
import Testing

/// What somebody is told who mistypes something: the place, what was found, what to do; one line, and an exit code.
@Suite struct BadInputTests {
  /// Runs the changed recipe and gives back what was said.
  private func complaint(_ old: String, _ new: String, arguments: [String] = []) throws -> (status: Int32, text: String)
  {
    try withWorkshop({ $0.replacingOccurrences(of: old, with: new) }) { workshop in
      let outcome = try workshop.person.types(["run", "probe", "--scale", "tiny"] + arguments)
      #expect(outcome.output == "")
      #expect(!FileManager.default.fileExists(atPath: workshop.root + "/runs/probe"), "a run was begun")
      return (outcome.status, outcome.errors)
    }
  }

  @Test func anUnknownRecipeIsAnsweredWithTheNearestNames() throws {
    try withWorkshop { workshop in
      let near = try workshop.person.types("run", "prube")
      #expect(near.errors == "repro: unknown recipe 'prube'; did you mean 'probe'?\n")
      #expect(near.status == 2)
      let far = try workshop.person.types("show", "something-else")
      #expect(far.errors == "repro: unknown recipe 'something-else'; 'repro list' shows all 1\n")
      #expect(far.status == 2)
    }
  }

  @Test func anUnknownCommandIsAnsweredWithTheNearest() throws {
    try withPerson { person in
      let near = try person.types("lst")
      #expect(near.errors == "repro: unknown command 'lst'; did you mean 'list'?\n")
      #expect(near.status == 2)
      let far = try person.types("frobnicate")
      #expect(
        far.errors
          == "repro: unknown command 'frobnicate'; there are list, show, run, verify, report, replay, compare, "
          + "status, clean, export, data, weights, doctor, new, catalogue, bench\n")
    }
  }

  @Test func anUnknownOptionSaysWhereTheOptionsAre() throws {
    try withPerson { person in
      let outcome = try person.types("data", "fetch", "mnist", "--yess")
      #expect(
        outcome.errors == "repro: Unknown option '--yess'. Did you mean '--yes'?; see 'repro data fetch --help'\n")
      #expect(outcome.status == 2)
    }
  }

  /// Mistakes in a recipe: what is written instead of what, and what is said about it.
  @Test(arguments: [
    (
      "  prototypes: 64", "  prototpyes: 64",
      "4:3: method has no 'prototypes'; did you mean it by 'prototpyes' in line 9?"
    ),
    (
      "  heads: 2", "  heads: 2\n  temprature: 0.1",
      "9:3: unknown key 'temprature' in method; known keys are centering, crops, curation, depth, distill, drop_path"
    ),
    (
      "  heads: 2", "  heads: 2\n  centring: sinkhorn",
      "9:3: unknown key 'centring' in method; did you mean 'centering'?"
    ),
    ("seeds: 2", "sedes: 2", "16:62: unknown key 'sedes'; did you mean 'seeds'?"),
    ("  depth: 1", "  depth: deep", "7:10: method.depth is 'deep', expected an integer"),
    ("  depth: 1", "  depth: 101", "7:10: method.depth is '101', expected 1 to 100"),
    ("  depth: 1", "  depth: 1\n  depth: 2", "8:3: key 'depth' stands twice"),
    ("type: dinov2", "type: dinov3", "4:9: unknown method 'dinov3'; did you mean 'dinov2'?"),
    (
      "provider: scenes-objects", "provider: scene-objects",
      "12:18: unknown data provider 'scene-objects'; did you mean 'scenes-objects'?"
    ),
    ("type: knn/v1", "type: knn/v2", "20:19: unknown evaluation 'knn/v2'; did you mean 'knn/v1'?"),
    ("lr: 0.001", "lr: fast", "14:51: pretrain.optimizer.lr is 'fast', expected a finite number"),
    (
      "evaluate: [", "reported: [{claim: x, metric: m, dataset: d, model: o, source: s}]\nevaluate: [",
      "20:20: reported[0].claim names the unknown claim 'x'; the recipe has no claims"
    ),
    ("recipe: probe", "recipe: prope", "1:9: recipe is 'prope', expected 'probe', as the path says"),
    ("arms:", "\tarms:", "17:1: "),
  ])
  func aMistakeInARecipeIsNamedWithLineAndColumn(old: String, new: String, said: String) throws {
    let (status, text) = try complaint(old, new)
    #expect(text.hasPrefix("repro: \(Workshop.place):\(said)"), "\(text)")
    #expect(text.split(separator: "\n").count == 1)
    #expect(status == 2)
  }

  /// Mistakes on the command line.
  @Test(arguments: [
    (["--set", "method.depht=2"], "--set method.depht=2: unknown key 'depht' in method"),
    (["--set", "mehtod.depth=2"], "--set mehtod.depth=2: unknown key 'mehtod.depth'; did you mean 'method.depth'?"),
    (["--set", "depth=2"], "--set depth=2: unknown key 'depth'; did you mean 'method.depth'?"),
    (["--set", "method.depth"], "--set method.depth: no '=', expected KEY=VALUE"),
    (["--set", "method.depth=many"], "--set method.depth=many: method.depth is 'many', expected an integer"),
    (["--arms", "methud"], "\(Workshop.place): unknown arm 'methud'; did you mean 'method'?"),
    (["--seeds", "1,x"], "--seeds 1,x: 'x' names no seeds, expected numbers like 0,1,2 or 0-7"),
    (["--seeds", "3-1"], "--seeds 3-1: '3-1' names no seeds, expected numbers like 0,1,2 or 0-7"),
    (["--seeds", "1,1"], "--seeds 1,1: the list is empty or names a seed twice"),
    (["--jobs", "0"], "--jobs must be 1 to 64, got 0; see 'repro run --help'"),
    (["--threads", "many"], "The value 'many' is invalid for '--threads <threads>'; see 'repro run --help'"),
    (["--max-memory", "4"], "The value '4' is invalid for '--max-memory <max-memory>'; see 'repro run --help'"),
    (["--record"], "--record needs --because TEXT: why do the numbers move?; see 'repro run --help'"),
    (["--because", "so"], "--because goes with --record only; see 'repro run --help'"),
    (
      ["--record", "--because", "so", "--arms", "method"],
      "--record takes the whole recipe: leave out --seeds, --arms, --set, --data and --weights; see 'repro run --help'"
    ),
    (["--scale", "small"], "\(Workshop.place): 'probe' has no scale 'small', expected tiny"),
    (["--isa", "mmx"], "--isa mmx: unknown instruction set, expected one of portable, avx2, avx512"),
    (["--weights", "nowhere.h5"], "nowhere.h5: cannot open: No such file or directory"),
  ])
  func aMistakeOnTheCommandLineIsNamed(arguments: [String], said: String) throws {
    let (status, text) = try complaint("", "", arguments: arguments)
    #expect(text.hasPrefix("repro: \(said)"), "\(text)")
    #expect(status == (arguments[0] == "--weights" ? 3 : 2))
  }

  @Test func missingDataSaysHowToGetThem() throws {
    try withWorkshop({ $0.replacingOccurrences(of: "scenes-objects, size: 16", with: "cifar10") }) { workshop in
      let outcome = try workshop.person.types("run", "probe", "--scale", "tiny")
      #expect(
        outcome.complaint == "repro: cifar10: cifar-10-binary.tar.gz is missing, looked for "
          + "\(workshop.root)/cache/sources/cifar10/cifar-10-binary.tar.gz (REPRO_MIRROR is not set); "
          + "repro data fetch cifar10, or set REPRO_MIRROR to a folder that has it")
      #expect(outcome.output == "" && outcome.status == 3)
    }
  }

  @Test func anOutputFolderThatCannotBeMadeIsNamed() throws {
    try withWorkshop { workshop in
      // A path through a file fails for everybody; permissions do not hold for root.
      try write("", to: workshop.root + "/file")
      let outcome = try workshop.person.types("run", "probe", "--scale", "tiny", "--out", "file/runs")
      #expect(
        outcome.errors
          == "repro: file: cannot make the folder: File exists; choose another folder with --out\n")
      #expect(outcome.status == 3)
    }
  }

  @Test(.enabled(if: geteuid() != 0, "root may write into read-only folders"))
  func aReadOnlyOutputFolderIsNamed() throws {
    try withWorkshop { workshop in
      let locked = workshop.root + "/locked"
      try FileManager.default.createDirectory(atPath: locked, withIntermediateDirectories: false)
      try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: locked)
      let outcome = try workshop.person.types("run", "probe", "--scale", "tiny", "--out", "locked/runs")
      #expect(
        outcome.errors
          == "repro: locked/runs: cannot make the folder: Permission denied; choose another folder with --out\n")
      #expect(outcome.status == 3)
    }
  }

  @Test func aPlaceWithoutARepositorySaysWhatToDo() throws {
    try withPerson { person in
      let lost = Person(here: person.here, root: person.here + "/nothing")
      let outcome = try lost.types("list")
      #expect(
        outcome.errors.hasSuffix(
          "/nothing: no registry.yaml and no Reproductions there, expected the root of the repository\n"))
      #expect(outcome.status == 2)
    }
  }

  @Test func aRecipeOfMoreThanAMebibyteAndABombOfAliasesAreRefused() throws {
    let (status, text) = try complaint(
      "recipe: probe", "# " + String(repeating: "x", count: 1 << 20) + "\nrecipe: probe")
    #expect(text.hasSuffix("\(Workshop.place): the file has 1049057 bytes, expected at most 1048576\n"))
    #expect(status == 2)
    let bomb = (1...8).map { "a\($0): &a\($0) [" + String(repeating: "*a\($0 - 1), ", count: 9) + "]" }
    let (code, said) = try complaint(
      "recipe: probe", "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + bomb.joined(separator: "\n") + "\nrecipe: probe")
    #expect(
      said == "repro: \(Workshop.place):5:10: aliases stand for more than 10000 nodes; write the values out\n")
    #expect(code == 2)
  }
}
