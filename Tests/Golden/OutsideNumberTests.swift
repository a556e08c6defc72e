import ReproData
import Testing

@testable import ReproCLI

/// Numbers from files of other people become our types only where they fit.
///
/// `Int(x)` of a number that does not fit ends the program, so what parsers write is `Int(exactly:)`, `Int(clamping:)` or
/// `Int(truncatingIfNeeded:)`. A plain conversion is listed here with the reason why it always fits.
@Suite struct OutsideNumberTests {
  private static let root = (try? Program.root()) ?? "."

  /// Where bytes of other people are taken apart.
  private static let parsers = ["Core/Data/Formats", "Core/Data/Weights", "Core/Data/Text", "Core/Data/Download"]

  /// By reason: files (without folder) and the conversions in them.
  private static let allowed: [(reason: String, places: [String: [String]])] = [
    (
      "compared just above with the bytes that are there, or with a limit",
      [
        "Zip": ["UInt32(crc)", "Int(packed)", "Int(unpacked)", "Int(header)", "Int(method)"],
        "ZipDirectory": ["Int(count)", "Int(offset)", "Int(record)"], "Safetensors": ["Int(length)"],
        "PickleMachine": ["Int(value)"], "TorchFiles": ["Int(count)"], "PLY": ["Int(value)", "Int32(count)"],
        "OBJ": ["Int32(place)"], "OFF": ["Int32(size)"], "PNM": ["UInt16(value)"], "Binvox": ["UInt8(length)"],
        "KITTICalibration": ["Int(v)", "Int(u)"],
      ]
    ),
    (
      "of fewer bits than what it becomes",
      [
        "PlanetoidPickle": ["Int(code)"], "PickleMachine": ["UInt64(byte)", "Int(opcode)"], "Tar": ["Int(byte)"],
        "WeightElement": ["UInt16(bits)"], "BytePairTokenizer": ["Int(byte)"],
        "ImageFile": ["Int(r)", "Int(g)", "Int(b)"],
        "JPEG": ["Int(width)", "Int(height)"], "PNG": ["Int(image.height)", "Int(image.width)"],
        "OBJ": ["Int(key.position)", "Int(key.uv)", "Int(key.normal)"], "SurfaceMesh": ["Int(size)"],
        "MATFile": ["UInt32(bits)"],
      ]
    ),
    (
      "text that is read as a number: nil where it is none",
      ["Tar": ["Int(digits)"], "PickleMachine": ["Int(word)"]]
    ),
    (
      "a count of bytes or pixels that are in memory, or of a C library's own",
      [
        "Zip": ["UInt64(reader.bytes.count)", "Int(crc)"], "ZipDirectory": ["UInt64(end)"],
        "Safetensors": ["UInt64(largestHeader)", "UInt64(reader.remaining)"],
        "PickleMachine": ["UInt64(reader.remaining)", "Int64(shift)"],
        "PNG": ["UInt32(images.width)", "UInt32(images.height)", "Int(room)"],
        "JPEG": ["UInt(bytes.count)", "Int32(width)", "Int32(height)"],
        "Deflate": [
          "UInt32(part)", "UInt32(room.count)", "Int(stream.avail_in)", "Int(stream.avail_out)", "Int32(level)",
          "UInt(bytes.count)", "UInt32(source.count)", "UInt32(room)",
        ], "PartialFile": ["Int(mine.st_size)"], "Downloader": ["Int(seconds)"],
      ]
    ),
  ]

  private func files(_ folder: String) -> [String] {
    SafeFile.list("\(Self.root)/\(folder)").flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      if SafeFile.isFolder("\(Self.root)/\(path)") { return files(path) }
      return name.hasSuffix(".swift") ? [path] : []
    }
  }

  @Test func parsersConvertNumbersOnlyWhereTheyFit() throws {
    let pattern = try Regex(#"\bU?Int(8|16|32|64)?\([a-z][A-Za-z0-9_.]*\)"#)
    var unused: Set<String> = []
    for (_, places) in Self.allowed { for (file, list) in places { unused.formUnion(list.map { "\(file): \($0)" }) } }
    let listed = unused
    for path in Self.parsers.flatMap(files) {
      let name = String(path.split(separator: "/").last?.dropLast(".swift".count) ?? "")
      let text = String(decoding: try SafeFile.read("\(Self.root)/\(path)"), as: UTF8.self)
      for (i, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        for match in line.matches(of: pattern) {
          let found = "\(name): \(line[match.range])"
          unused.remove(found)
          #expect(listed.contains(found), "\(path):\(i + 1): \(line[match.range]) may not fit; say exactly:, clamping:")
        }
      }
    }
    #expect(unused.isEmpty, "no longer there: \(unused.sorted())")
  }

  @Test func whatNothingElseLooksAtIsNeitherForcedNorCast() throws {
    // swift-format refuses `x!` and `try!`; it does not know these.
    for path in (Self.parsers + ["Core/Config", "Core/Data", "Core/Engine", "Core/CLI"]).flatMap(files) {
      let text = String(decoding: try SafeFile.read("\(Self.root)/\(path)"), as: UTF8.self)
      for word in ["as!", "unsafeDowncast", "unsafeBitCast", "unowned(unsafe)", ".unsafelyUnwrapped", "!."] {
        #expect(
          !text.split(separator: "\n").contains { !$0.contains("//") && $0.contains(word) }, "\(path) has \(word)")
      }
    }
  }
}
