import Foundation
import Testing

/// What the fuzzers started from and what they found: every input is read or refused, for ever.
@Suite struct FuzzRegressionTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fuzz")

  private static func inputs(_ kind: String, _ target: ParserTarget) throws -> [(name: String, bytes: [UInt8])] {
    let folder = folder.appendingPathComponent("\(kind)/\(target.name)").path
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return [] }
    return try names.sorted().map { ($0, Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")))) }
  }

  @Test("Every parser has seeds, and reads at least one of them", arguments: ParserTarget.all.map(\.name))
  func seedsAreRead(_ name: String) throws {
    let target = try #require(ParserTarget.all.first { $0.name == name })
    let seeds = try Self.inputs("corpus", target)
    #expect(!seeds.isEmpty, "Tests/Fuzz/corpus/\(name) is empty")
    let read = try seeds.filter { try target.accepts($0.bytes) }
    // A download is never accepted: its digest is that of nothing; nor is a file that our seal is not on.
    #expect(!read.isEmpty || ["http", "sealed"].contains(name), "no seed of \(name) is read")
  }

  @Test("What once crashed a parser is read or refused", arguments: ParserTarget.all.map(\.name))
  func regressionsStayRepaired(_ name: String) throws {
    let target = try #require(ParserTarget.all.first { $0.name == name })
    for (file, bytes) in try Self.inputs("regressions", target) {
      let began = ContinuousClock.now
      _ = try target.accepts(bytes)
      #expect(ContinuousClock.now - began < .seconds(10), "regressions/\(name)/\(file) takes long")
    }
  }
}
