import Foundation
import ReproConfig
import ReproData
import ReproEngine
import TestSupport
import Testing

@testable import ReproCLI

/// What the commands print, to people and to programs.
@Suite struct CommandTests {
  @Test func theListIsTheSameBytesTwice() throws {
    try withPerson { person in
      let (first, second) = (try person.types("list"), try person.types("list"))
      #expect(first.output == second.output)
      #expect(first.errors == "" && first.status == 0)
      #expect(first.output.hasPrefix("paper "))
      #expect(first.output.contains("\ndinov2 ") && first.output.contains(" 2023  distillation  dinov2-small "))
    }
  }

  @Test func theListHasALineForEveryRecipeOfTheRegistryAndFiltersThem() throws {
    try withPerson { person in
      let recipes = try RecipeCatalog(roots: [Person.repository]).entries.map(\.recipe)
      let all = try names(in: person.types("list", "--json").output)
      #expect(Set(all) == Set(recipes) && all.count == recipes.count)
      let distillation = try names(in: person.types("list", "--json", "--family", "distillation").output)
      #expect(distillation.contains("dinov2-small"))
      let none = try person.types("list", "--family", "evaluation", "--status", "partial")
      #expect(none.output == "" && none.errors == "repro: no paper is of this family and status\n")
    }
  }

  private func names(in json: String) throws -> [String] {
    try JSONValue(parsing: json, file: "list").array?.compactMap { $0["recipe"]?.string } ?? []
  }

  @Test func aBrokenRecipeIsNamedAndDoesNotHideTheOthers() throws {
    try withWorkshop { workshop in
      try write("recipe: broken\n", to: workshop.root + "/Reproductions/dinov2/broken.yaml")
      let outcome = try workshop.person.types("list")
      #expect(outcome.output.contains("\ndinov2  2023  distillation  probe "))
      #expect(outcome.output.contains("\ndinov2  2023  distillation  broken "))
      #expect(outcome.errors.contains("repro: Reproductions/dinov2/broken.yaml:1:1: recipe has no 'paper'"))
      #expect(outcome.errors.contains("'dinov2' does not list its recipe 'broken'"))
      #expect(outcome.status == 2)
    }
  }

  @Test func everyJSONOutputCanBeRead() throws {
    try withPerson { person in
      for arguments in [
        ["list", "--json"], ["show", "dinov2-small", "--json"], ["data", "list", "--json"], ["doctor", "--json"],
      ] {
        let outcome = try person.types(arguments)
        #expect(throws: Never.self, "\(arguments)") { try JSONValue(parsing: outcome.output, file: "output") }
        #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
      }
    }
  }

  @Test func pipesGetNoEscapeCodesAndTerminalsOnlyWithoutNoColor() throws {
    try withPerson { person in
      let piped = try person.types("list")
      #expect(!piped.output.contains(escape))
      guard FileManager.default.isExecutableFile(atPath: "/usr/bin/script") else { return }
      // `script` gives the program a terminal.
      let line = "script -qec \"'\(Person.program)' list\" /dev/null"
      var watcher = person
      watcher.environment["TERM"] = "xterm"
      let coloured = try watcher.types(shell: line)
      #expect(coloured.output.contains(escape + "[1m"))
      watcher.environment["NO_COLOR"] = "1"
      let plain = try watcher.types(shell: line)
      #expect(plain.output.contains("dinov2-small") && !plain.output.contains(escape))
    }
  }

  @Test func aNarrowTerminalGetsNarrowTables() throws {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/script") else { return }
    try withPerson { person in
      for width in [80, 120] {
        let line =
          "script -qec \"stty cols \(width); '\(Person.program)' list; '\(Person.program)' data list\" /dev/null"
        let lines = try person.types(shell: line).output.split(whereSeparator: \.isNewline)
        #expect(lines.count > 5)
        for line in lines where !line.hasPrefix("cache") { #expect(line.count <= width + 8, "\(line)") }
      }
    }
  }

  @Test func showTellsThePaperTheClaimsTheNumbersAndTheOptionsOfAnArm() throws {
    try withPerson { person in
      let outcome = try person.types("show", "dinov2-small", "--scale", "tiny", "--arm", "no-koleo")
      #expect(outcome.status == 0 && outcome.errors == "")
      for part in [
        "DINOv2: Learning Robust Visual Features without Supervision (2023), https://arxiv.org/abs/2304.07193",
        "family distillation, Swift type DINOv2", "  no-koleo ", "method.weights.koleo: 0",
        "koleo-helps-retrieval", "retrieval.map: method > no-koleo",
        "from memory, not looked up", "Options of arm no-koleo at scale tiny",
        "    weights: {dino: 1, ibot: 1, koleo: 0}",
      ] {
        #expect(outcome.output.contains(part), "\(part) is not in:\n\(outcome.output)")
      }
    }
  }

  @Test func aRecipeThatCannotRunHereIsShownAndSaidSo() throws {
    try withPerson { person in
      let outcome = try person.types("show", "dinov2-small", "--scale", "paper")
      #expect(outcome.output.contains("pretrain 125000 steps"))
      #expect(outcome.errors.hasPrefix("repro: this cannot be run: "))
      #expect(outcome.errors.contains("unknown data provider 'imagenet-1k'"))
      #expect(outcome.status == 2)
    }
  }

  @Test func theCatalogueOfTheReadmeIsTheOneThatTheProgramMakes() throws {
    let readme = try String(contentsOfFile: Person.repository + "/README.md", encoding: .utf8)
    let (rows, problems) = try CatalogueRow.all(roots: [Person.repository], plugins: .builtIn)
    #expect(problems == [])
    #expect(try Catalogue.current(in: readme) == Catalogue.markdown(rows), "repro catalogue --write mends it")
  }

  @Test func theCatalogueIsWrittenBetweenItsLinesOnly() throws {
    let text = "before\n\(Catalogue.begin)\nold\n\(Catalogue.end)\nafter\n"
    let new = try Catalogue.replaced(in: text, by: "new")
    #expect(new == "before\n\(Catalogue.begin)\nnew\n\(Catalogue.end)\nafter\n")
    #expect(try Catalogue.replaced(in: new, by: "old") == text)
    for broken in ["", Catalogue.begin, "\(Catalogue.end)\n\(Catalogue.begin)\n", text + text] {
      #expect(throws: ReproError.self) { try Catalogue.replaced(in: broken, by: "new") }
    }
  }

  @Test func everyCommandHasItsHelp() throws {
    try withPerson { person in
      for words in [
        [], ["list"], ["show"], ["run"], ["verify"], ["data"], ["data", "fetch"], ["doctor"], ["new"],
        ["new", "method"],
        ["catalogue"], ["weights"], ["weights", "inspect"], ["weights", "check"], ["weights", "convert"],
      ] {
        let outcome = try person.types(words + ["--help"])
        #expect(outcome.status == 0 && outcome.errors == "")
        #expect(outcome.output.contains("USAGE: repro " + words.joined(separator: " ")))
        #expect(!outcome.output.contains("--worker") && !outcome.output.contains("--checkpoint-seconds"))
      }
    }
  }
}

/// The data commands and the doctor, with mirrors made for the purpose.
@Suite struct MachineTests {
  @Test func theListOfDataSaysSizeStateAndLicence() throws {
    try withPerson { person in
      let lines = try person.types("data", "list").output.split(separator: "\n").map(String.init)
      func has(_ words: [String]) -> Bool {
        lines.contains { $0.split(separator: " ").prefix(words.count).map(String.init) == words }
      }
      #expect(has(["fashion-mnist", "29.4", "MiB", "missing", "MIT"]))
      #expect(has(["scenes-objects", "-", "rendered", "Apache-2.0"]))
      #expect(has(["planetoid", "282.7", "KiB", "missing"]))
      #expect(has(["imagefolder", "-", "give", "path", "yours"]))
      #expect(lines.contains("mirror  none (set REPRO_MIRROR)"))
    }
  }

  @Test func fetchingTellsSizeAndLicenceAndWantsAYes() throws {
    try withPerson { person in
      let outcome = try person.types("data", "fetch", "cifar10")
      #expect(
        outcome.errors == """
          cifar10: CIFAR-10, original pixels
            size     162.2 MiB in 1 file
            licence  not stated
            from     https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz
            to       \(person.here)/cache/sources
          repro: cifar10: not fetched; answer y, or give --yes

          """)
      #expect(outcome.status == 2)
      let made = try person.types("data", "fetch", "scenes-objects")
      #expect(made.output == "scenes-objects: rendered by the program, there is nothing to fetch\n" && made.status == 0)
      let unknown = try person.types("data", "fetch", "cifar")
      #expect(unknown.errors.hasPrefix("repro: there is no data set 'cifar', expected one of cifar10, "))
      #expect(unknown.status == 2)
    }
  }

  @Test func aFileOfAnotherSizeIsDamagedAndAMissingOneSaysHowToGetIt() throws {
    try withPerson { person in
      var owner = person
      owner.environment["REPRO_MIRROR"] = person.here + "/mirror"
      try write("no archive", to: person.here + "/mirror/cifar10/cifar-10-binary.tar.gz")
      let outcome = try owner.types("data", "check")
      #expect(
        outcome.output
          == "damaged  \(person.here)/mirror/cifar10/cifar-10-binary.tar.gz: 10 bytes, expected 170052171\n")
      #expect(outcome.errors == "repro: cifar10: a file is damaged; remove it and fetch the set again\n")
      #expect(outcome.status == 3)
      let missing = try person.types("data", "check", "cifar10")
      #expect(missing.errors == "repro: cifar10: a file is missing; repro data fetch cifar10\n")
      #expect(missing.status == 3)
      let nothing = try person.types("data", "check")
      #expect(nothing.output == "no data set is here; 'repro data list' shows what there is\n" && nothing.status == 0)
    }
  }

  @Test(.enabled(if: realMirror() != nil, "no mirror"))
  func setsOfTheMirrorAreHereAndWhole() throws {
    try withPerson { person in
      var owner = person
      owner.environment["REPRO_MIRROR"] = realMirror()
      let outcome = try owner.types("data", "fetch", "fashion-mnist")
      #expect(outcome.output.hasPrefix("fashion-mnist: here and whole, in "))
      #expect(outcome.errors == "" && outcome.status == 0)
    }
  }

  @Test func theDoctorFindsThisMachineWell() throws {
    try withPerson { person in
      let outcome = try person.types("doctor")
      #expect(outcome.status == 0, "\(outcome.output)")
      #expect(outcome.output.contains("instruction set  \(Fingerprint.current.items[0].value)"))
      #expect(outcome.output.contains("1 thread\n"))
      #expect(outcome.output.contains("note: set REPRO_MIRROR"))
    }
  }

  @Test func theDoctorSeesAnOpenBLASThatWasStartedDifferently() throws {
    try withPerson { person in
      var patient = person
      // As if the program had started itself again with the environment of another instruction set.
      patient.environment["REPRO_STARTED_AGAIN"] = "1"
      patient.environment["OPENBLAS_CORETYPE"] = "Nehalem"
      patient.environment["OPENBLAS_NUM_THREADS"] = "1"
      patient.environment["REPRO_ISA"] = Fingerprint.current.items[0].value
      let outcome = try patient.types("doctor")
      let isPortable = Fingerprint.current.items[0].value == "portable"
      #expect(outcome.status == (isPortable ? 0 : 3))
      #expect(outcome.output.contains("wrong: the core type should be ") != isPortable)
    }
  }

  @Test func theDoctorNamesAMirrorAndACacheThatCannotBeUsed() throws {
    try withPerson { person in
      var patient = person
      try write("", to: person.here + "/file")
      patient.environment["REPRO_MIRROR"] = person.here + "/nowhere"
      patient.environment["REPRO_CACHE"] = person.here + "/file/cache"
      let outcome = try patient.types("doctor")
      #expect(outcome.status == 3)
      #expect(outcome.output.contains("wrong: there is no such folder; mend or unset REPRO_MIRROR"))
      #expect(outcome.output.contains("wrong: it cannot be written; set REPRO_CACHE to another folder"))
      #expect(outcome.errors == "repro: 2 things are wrong with this machine\n")
    }
  }
}
