import ReproConfig
import ReproData
import TestSupport
import Testing

@testable import ReproEngine

/// What other programs read: TensorBoard's event files, CSV, the index of model cards.
@Suite struct ExportTests {
  @Test func theChecksumIsThatOfTheStandard() {
    // RFC 3720, B.4: 32 bytes of zeros, of ones, rising and falling; and the usual check value.
    #expect(CRC32C.checksum(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(Array(0..<32)) == 0x46DD_794E)
    #expect(CRC32C.checksum(Array((0..<32).reversed())) == 0x113F_DB5C)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
  }

  @Test func anEventFileBeginsAsTensorFlowsDo() {
    // The record of an event with wall time 0 and the version, as TensorFlow writes it.
    var bytes: [UInt8] = []
    EventFile([]).write { bytes += $0 }
    let event: [UInt8] = [9, 0, 0, 0, 0, 0, 0, 0, 0, 26, 13] + Array("brain.Event:2".utf8)
    #expect(bytes.count == 8 + 4 + event.count + 4)
    #expect(Array(bytes[..<8]) == [24, 0, 0, 0, 0, 0, 0, 0])
    // The masked checksum of the length 24 stands at the head of every event file.
    #expect(Array(bytes[8..<12]) == [0xA3, 0x7F, 0x4B, 0x22])
    #expect(Array(bytes[12..<36]) == event)
  }

  @Test func aScalarIsASummaryWithTagAndValue() {
    var value = ProtocolBuffer()
    value.text(1, "a/b")
    value.float(2, 1.5)
    #expect(value.bytes == [10, 3, 0x61, 0x2F, 0x62, 21, 0, 0, 0xC0, 0x3F])
    var number = ProtocolBuffer()
    number.integer(2, 300)
    #expect(number.bytes == [16, 0xAC, 2])
  }

  @Test func aRunLeavesItsEventsAndTheyAreTheSameBytesEachTime() throws {
    try withTemporaryFolder { folder in
      for name in ["a", "b"] { _ = try runnableRunner(runnableRecipe(), folder: "\(folder)/\(name)").run { _ in } }
      let bytes = try SafeFile.read("\(folder)/a/\(EventFile.name)")
      #expect(try bytes == SafeFile.read("\(folder)/b/\(EventFile.name)"))
      // 17 steps, a measurement, the head.
      var (count, at) = (0, 0)
      while at < bytes.count {
        at += 16 + Int(bytes[at]) + Int(bytes[at + 1]) << 8
        count += 1
      }
      #expect(count == 19 && at == bytes.count)
    }
  }

  @Test func everyMeasurementIsALineAndDivergedRunsDoNotVanish() {
    let golden = judgedGolden(top1: [("a", [0.25, nil])])
    #expect(
      Exports.measurements([golden])
        == "recipe,scale,arm,seed,status,metric,value\r\njudged,small,a,0,finished,two-way.top1,0.25\r\n"
        + "judged,small,a,1,diverged,,\r\n")
  }

  @Test func claimsAndTheModelIndexComeFromTheRecordedResults() throws {
    try withTemporaryFolder { folder in
      let claim = "id: x, primary: true, metric: two-way.top1, form: superiority, better: a, than: b"
      try SafeFile.makeFolder(folder + "/Reproductions/toy/golden")
      try SafeFile.write(folder + "/Reproductions/toy/judged.yaml", text: try judgedRecipe(claim).node.yaml())
      let golden = judgedGolden(
        top1: [("a", (0..<8).map { 0.5 + 0.01 * Double($0 + 1) }), ("b", Array(repeating: 0.5, count: 8))])
      try golden.write(folder + "/Reproductions/toy/golden/judged.json")
      let papers = RecordedEvidence.papers(of: try RecipeCatalog(roots: [folder]), plugins: judgePlugins)
      let lines = Exports.claims(papers).split(separator: "\r\n")
      #expect(lines.count == 2 && lines[1].hasPrefix("toy,judged,x,1,two-way.top1,SUPPORTED,1,8,0.04"))
      let index = try YAMLNode(parsing: Exports.modelIndex(papers), file: "index")
      let models = try #require(index["model-index"]).items(named: "model-index")
      #expect(try models.map { try $0["name"]?.string(named: "") } == ["judged/a", "judged/b"])
      #expect(Exports.modelIndex(papers).contains("mean over 8 seeds"))
      // What was recorded is judged again, and the missing tiny golden is said.
      let checks = papers[0].items[0].checks(nil)
      #expect(checks.map(\.subject) == ["tiny", "small", "x"])
      #expect(checks.map(\.isGood) == [false, false, true])
    }
  }

  @Test func aLostClaimADriftOfPAndAnEditedGoldenAreSaid() throws {
    try withTemporaryFolder { folder in
      let claim = "id: x, primary: true, metric: two-way.top1, form: superiority, better: a, than: b"
      let path = folder + "/Reproductions/toy/golden/judged.json"
      try SafeFile.makeFolder(folder + "/Reproductions/toy/golden")
      try SafeFile.write(folder + "/Reproductions/toy/judged.yaml", text: try judgedRecipe(claim).node.yaml())
      func check(_ values: [Double], _ verdict: Verdict, p: Double) throws -> EvidenceCheck? {
        var golden = judgedGolden(top1: [("a", values), ("b", Array(repeating: 0.5, count: 8))])
        golden.results[.small]?.verdicts = [Golden.Judged(claim: "x", verdict: verdict, p: p)]
        try golden.write(path)
        let papers = RecordedEvidence.papers(of: try RecipeCatalog(roots: [folder]), plugins: judgePlugins)
        return papers[0].items[0].checks(nil).first { $0.subject == "x" }
      }
      let wins = (0..<8).map { 0.51 + 0.001 * Double($0) }
      #expect(try check(wins, .supported, p: 1.0 / 256)?.isGood == true)
      #expect(
        try check(wins, .supported, p: 0.5)?.outcome == "DRIFTED: p = 0.0039, recorded 0.5000 from the same numbers")
      let even = (0..<8).map { 0.5 + ($0 % 2 == 0 ? 0.01 : -0.01) }
      let lost = try check(even, .supported, p: 1.0 / 256)
      #expect(lost?.isGood == false && lost?.outcome.hasPrefix("LOST: INCONCLUSIVE") == true)
      let text = String(decoding: try SafeFile.read(path), as: UTF8.self)
      try SafeFile.write(path, text: text.replacing("[0.51,", with: "[0.52,"))
      let papers = RecordedEvidence.papers(of: try RecipeCatalog(roots: [folder]), plugins: judgePlugins)
      let edited = papers[0].items[0].checks(nil)
      #expect(edited.count == 1 && edited[0].outcome.contains("its checksum does not match"))
    }
  }
}
