import ReproConfig
import ReproData
import Testing

@testable import ReproCLI

/// The rules of docs/architecture.md that a machine can check.
@Suite struct HouseRulesTests {
  private static let root = (try? Program.root()) ?? "."

  /// All Swift files below a folder, as paths from the root with their lines.
  private func sources(_ folder: String) throws -> [(path: String, lines: [Substring])] {
    var found: [(String, [Substring])] = []
    for name in SafeFile.list("\(Self.root)/\(folder)") {
      let path = "\(folder)/\(name)"
      if SafeFile.isFolder("\(Self.root)/\(path)") {
        found += try sources(path)
      } else if name.hasSuffix(".swift") {
        let text = String(decoding: try SafeFile.read("\(Self.root)/\(path)"), as: UTF8.self)
        found.append((path, text.split(separator: "\n", omittingEmptySubsequences: false)))
      }
    }
    return found
  }

  private static let code = ["Core", "Methods", "Evaluations"]

  @Test func noSwiftFileIsLongerThanFiveHundredLines() throws {
    for (path, lines) in try (Self.code + ["Tests"]).flatMap(sources) {
      #expect(
        lines.count <= 501, "\(path) has \(lines.count) lines: find its second idea and give it a file of its own")
    }
  }

  @Test func noMethodFileIsLongerThanTwoHundredLines() throws {
    for (path, lines) in try sources("Methods") {
      #expect(
        lines.count <= 200, "\(path) has \(lines.count) lines: what others need too belongs to NN, Data or Shared")
    }
  }

  @Test func onlyRequireStopsTheProgram() throws {
    for (path, lines) in try Self.code.flatMap(sources) where path != "Core/Tensor/Require.swift" {
      for (i, line) in lines.enumerated() where !line.contains("//") {
        for word in ["fatalError(", "preconditionFailure(", "try!", "as!"] {
          #expect(!line.contains(word), "\(path):\(i + 1) has \(word)")
        }
      }
    }
  }

  @Test func onlyTheCommandLinePrints() throws {
    for (path, lines) in try Self.code.flatMap(sources) where !path.hasPrefix("Core/CLI/") {
      for (i, line) in lines.enumerated() where !line.contains("//") {
        #expect(!line.contains(" print(") && !line.hasPrefix("print("), "\(path):\(i + 1) prints")
      }
    }
  }

  @Test func noOtherSourceOfRandomnessExists() throws {
    for (path, lines) in try Self.code.flatMap(sources) {
      for (i, line) in lines.enumerated() where !line.contains("//") {
        for word in [
          ".random(", ".shuffled()", ".randomElement()", "SystemRandomNumberGenerator", "arc4random", "drand48",
        ] {
          #expect(!line.contains(word), "\(path):\(i + 1) uses \(word)")
        }
      }
    }
  }

  @Test func everyRecipeFitsOnOneScreen() throws {
    for entry in try Program.catalogue().entries {
      let text = String(decoding: try SafeFile.read(entry.path), as: UTF8.self)
      #expect(text.split(separator: "\n").count <= 100, "\(entry.recipe) has more than 100 lines")
    }
  }

  @Test func everyMethodNamesItsSource() throws {
    for (path, lines) in try sources("Methods") where !path.contains("/Shared/") && !path.hasSuffix("All.swift") {
      guard lines.contains(where: { $0.contains(": MethodPlugin {") }) else { continue }
      #expect(
        lines.contains { $0.contains("/// - Source:") && $0.contains("arXiv") }, "\(path) names no source with arXiv id"
      )
    }
  }

  @Test func dependenciesPointDownOnly() throws {
    let layers = ["Tensor", "NN", "Config", "Data", "Scenes", "Engine", "CLI"]
    for (rank, layer) in layers.enumerated() {
      for (path, lines) in try sources("Core/\(layer)") {
        for line in lines where line.hasPrefix("import Repro") {
          let name = String(line.dropFirst("import Repro".count))
          if let other = layers.firstIndex(of: name) {
            #expect(other <= rank, "\(path) imports Repro\(name) from above")
          }
        }
      }
    }
    let families = ["Baselines", "Contrastive", "Distillation", "Masked", "Geometric", "Multimodal"]
    for family in families {
      for (path, lines) in try sources("Methods/\(family)") {
        for other in families where other != family {
          #expect(!lines.contains { $0 == "import \(other)" }, "\(path) imports another family, \(other)")
        }
      }
    }
  }
}
