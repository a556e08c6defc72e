import Foundation
import Testing

/// The steps of docs/adding-a-method.md, typed one after the other in a copy of the repository.
@Suite struct HowToTests {
  /// The lines of all blocks of shell commands.
  private func steps() throws -> [String] {
    let text = try String(contentsOfFile: Person.repository + "/docs/adding-a-method.md", encoding: .utf8)
    var steps: [String] = []
    var isShell = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isShell = line == "```sh"
      } else if isShell {
        steps.append(String(line))
      }
    }
    return steps
  }

  @Test func thePageNamesItsSteps() throws {
    #expect(try steps().count >= 6)
    #expect(try steps().allSatisfy { $0.hasPrefix("./repro ") })
  }

  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["REPRO_SLOW"] != nil,
      "builds the program and its tests in a copy, some minutes: REPRO_SLOW=1 ./repro test --filter HowToTests"))
  func everyStepOfAddingAMethodWorks() throws {
    try withPerson { person in
      let copy = person.here + "/repository"
      let cloned = try person.types(
        shell: "git -C '\(Person.repository)' ls-files -z --cached --others --exclude-standard"
          + " | tar -C '\(Person.repository)' --null -T - -cf - | (mkdir '\(copy)' && tar -C '\(copy)' -xf -)")
      try #require(cloned.status == 0, "\(cloned.errors)")
      var author = Person(here: copy, root: copy)
      author.environment["REPRO_CACHE"] = person.here + "/cache"
      for step in try steps() {
        let outcome = try author.types(shell: step)
        try #require(outcome.status == 0, "\(step)\n\(outcome.output.suffix(2000))\n\(outcome.errors.suffix(2000))")
      }
    }
  }
}
