import ReproData
import Testing

@testable import ReproCLI

/// docs/trust.md names a test for each promise: they must exist.
@Suite struct TrustPageTests {
  private static let root = (try? Program.root()) ?? "."

  /// All Swift sources of the tests.
  private func sources(_ folder: String) throws -> [String] {
    try SafeFile.list(folder).flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      if SafeFile.isFolder(path) { return try sources(path) }
      return name.hasSuffix(".swift") ? [String(decoding: try SafeFile.read(path), as: UTF8.self)] : []
    }
  }

  @Test func everyTestAndFaultThatTheTrustPageNamesExists() throws {
    let page = String(decoding: try SafeFile.read("\(Self.root)/docs/trust.md"), as: UTF8.self)
    let files = try sources("\(Self.root)/Tests")
    let names = page.matches(of: /`([A-Z]\w*Tests)(?:\.(\w+))?`/)
    #expect(names.count > 30)
    for name in names {
      let suite = files.filter { $0.contains("struct \(name.1) ") || $0.contains("struct \(name.1):") }
      #expect(!suite.isEmpty, "there is no \(name.1)")
      if let test = name.2 { #expect(suite.contains { $0.contains("func \(test)(") }, "there is no \(name.0)") }
    }
    let leftOut = String(decoding: try SafeFile.read("\(Self.root)/Tests/Sanitizers/left-out"), as: UTF8.self)
    for line in leftOut.split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ")
      #expect(["all", "address", "thread", "undefined"].contains(words[0]) && words.count > 3, "\(line)")
      for name in words[1].split(separator: "/") {
        #expect(
          files.contains { $0.contains("struct \(name) ") || $0.contains("func \(name)(") }, "there is no \(name)")
      }
    }
    let harness = String(decoding: try SafeFile.read("\(Self.root)/Tests/Faults/run.py"), as: UTF8.self)
    let faults = page.matches(of: /faults? ((?:`[^`]+`(?:, )?)+)/).flatMap { $0.1.matches(of: /`([^`]+)`/).map(\.1) }
    #expect(faults.count >= 17)
    for fault in faults { #expect(harness.contains("(\"\(fault)\", "), "there is no fault '\(fault)'") }
  }
}
