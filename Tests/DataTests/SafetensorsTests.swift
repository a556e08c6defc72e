import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

@Suite("Safetensors") struct SafetensorsTests {
  private func file(_ header: String, data: Int = 0, claimed: UInt64? = nil) -> [UInt8] {
    let text = Array(header.utf8)
    let length = claimed ?? UInt64(text.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) } + text
      + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
  }

  private func message(_ bytes: [UInt8]) -> String {
    reproError { try bytes.withUnsafeBytes { _ = try Safetensors.list($0, "a") } }?.description ?? "none"
  }

  private func array(_ name: String, _ type: String, _ shape: String, _ begin: Int, _ end: Int) -> String {
    "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
  }

  @Test func theExampleOfTheFormatIsRead() throws {
    let bytes = file("{\(array("t", "F16", "[1,16]", 0, 32)),\"__metadata__\":{\"format\":\"pt\"}} ", data: 32)
    let listing = try bytes.withUnsafeBytes { try Safetensors.list($0, "a") }
    #expect(listing.entries.map(\.name) == ["t"] && listing.entries[0].shape == [1, 16])
    #expect(listing.entries[0].element == .float16)
    #expect(listing.notes == [WeightFile.Note(name: "format", text: "pt")])
    #expect(message(file("{}")) == "none")
  }

  @Test func lyingHeadersAreRefused() {
    #expect(message(file("{}", claimed: 1 << 50)).hasPrefix("a at byte 0: the header claims 1125899906842624 bytes"))
    #expect(message(file("{}", claimed: .max)).hasPrefix("a at byte 0: the header claims"))
    #expect(message([1, 0, 0]).contains("the file ends after 3 more bytes"))
    #expect(message(file("[]")).hasPrefix("a at byte 8: the header is no JSON object"))
    #expect(message(file("{\"a\":")).hasPrefix("a header:1:6: the end of the text"))
    let twice = "{\(array("t", "U8", "[1]", 0, 1)),\(array("t", "U8", "[1]", 1, 2))}"
    #expect(message(file(twice, data: 2)).contains("'t' stands twice"))
    #expect(
      message(file("{\(array("t", "C64", "[1]", 0, 8))}", data: 8)).hasPrefix("a: 't' has the dtype C64, expected"))
    #expect(message(file("{\(array("t", "U8", "[1.5]", 0, 1))}", data: 1)).contains("are no whole numbers"))
    #expect(message(file("{\(array("t", "U8", "[-1]", 0, 1))}", data: 1)).contains("'t' claims the shape [-1]"))
    #expect(
      message(file("{\(array("t", "F64", "[1000000000,1000000000,1000000000]", 0, 1))}", data: 1))
        .contains("claims the shape"))
    #expect(message(file("{\(array("t", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1))}", data: 1)).contains("has 9 axes"))
    #expect(message(file("{\"t\":{\"dtype\":\"U8\",\"shape\":[]}}")).contains("exactly dtype, shape and data_offsets"))
    #expect(message(file("{\"t\":3}")).contains("exactly dtype, shape and data_offsets"))
  }

  @Test func offsetsMustTileTheData() {
    func two(_ a: (Int, Int), _ b: (Int, Int), data: Int) -> String {
      message(
        file(
          "{\(array("a", "U8", "[\(a.1 - a.0)]", a.0, a.1)),\(array("b", "U8", "[\(b.1 - b.0)]", b.0, b.1))}",
          data: data))
    }
    #expect(two((0, 4), (4, 6), data: 6) == "none")
    #expect(two((4, 6), (0, 4), data: 6) == "none")
    #expect(two((0, 4), (3, 6), data: 6).contains("'b' overlaps 'a' at byte"))
    #expect(two((0, 4), (0, 4), data: 4).contains("'b' overlaps 'a'"))
    #expect(two((0, 4), (5, 6), data: 6).contains("belong to no array"))
    #expect(two((0, 4), (4, 6), data: 7).contains("1 bytes follow the last array"))
    #expect(two((0, 4), (4, 9), data: 6).contains("'b' lies at bytes 4 to 9 of the data, which has 6"))
    #expect(two((-2, 4), (4, 6), data: 6).contains("'a' lies at bytes -2 to 4"))
    #expect(
      message(file("{\(array("t", "F32", "[2]", 0, 4))}", data: 4)).contains("'t' has 4 bytes, but F32 [2] needs 8"))
  }

  @Test func damageIsRefusedOrShowsAsOtherNumbers() {
    let good = file("{\(array("a", "F32", "[2,1]", 0, 8)),\(array("b", "U8", "[3]", 8, 11))}", data: 11)
    let refused = damage(good, samples: 1 << 20) { bytes in
      try bytes.withUnsafeBytes { _ = try Safetensors.list($0, "a") }
    }
    #expect(refused.cuts == good.count && refused.flips > 4 * good.count)
  }
}
