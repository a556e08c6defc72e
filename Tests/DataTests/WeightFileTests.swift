import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// A file beside the vectors of PyTorch.
private func vector(_ name: String) -> String {
  let tests = "/" + Substring(#filePath).split(separator: "/").dropLast(2).joined(separator: "/")
  return "\(tests)/Support/vectors/\(name)"
}

@Suite("Files of weights") struct WeightFileTests {
  private func expected() throws -> HDF5File { try HDF5File.open(vector("weights_expected.h5"), seal: .ifPresent) }

  private func expectContents(_ file: WeightFile, prefix: String) throws {
    let expected = try expected()
    let names = try expected.children()
    // `plain.weight` is one dataset whose name has a dot.
    #expect(Set(file.entries.map(\.name)) == Set(names.map { prefix + $0 }))
    for name in names {
      let (values, shape) = try expected.read(name, as: Float.self)
      let found = try file.tensor(prefix + name)
      #expect(found.shape == shape, "\(name)")
      #expect(found.values.map { Float($0) } == values, "\(name)")
    }
  }

  @Test(arguments: ["weights_zip.pth", "weights_legacy.pth"])
  func whatPyTorchWritesIsReadWithEveryTypeAndStride(_ name: String) throws {
    let file = try WeightFile(vector(name))
    #expect(file.format == (name == "weights_zip.pth" ? .torch : .torchLegacy))
    try expectContents(file, prefix: "state.")
    let types = Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name.dropFirst(6), $0.element) })
    #expect(types["half"] == .float16 && types["brain"] == .bfloat16 && types["longs"] == .int64)
    #expect(types["flags"] == .bool && types["parameter"] == .float32 && types["chars"] == .int8)
    let notes = file.notes.map { "\($0.name)=\($0.text)" }
    #expect(
      notes == [
        "epoch=12", "score=0.75", "name=small", "done=true", "nothing=None", "large=an integer of 9 bytes",
        "sizes.0=1", "sizes.1.0=2", "sizes.1.1.0=3", "sizes.1.1.1=4", "device=cpu",
      ])
  }

  @Test func attributesOfTorchScriptAreRead() throws {
    let file = try WeightFile(vector("weights_script.pt"))
    #expect(file.entries.map(\.name) == ["logit_scale", "inner.weight", "inner.bias"])
    #expect(try file.tensor("logit_scale").item == 1.5)
    #expect(try file.tensor("inner.weight").shape == [2, 3])
  }

  @Test func conversionKeepsEveryNumber() throws {
    try withTemporaryFolder { folder in
      let file = try WeightFile(vector("weights_zip.pth"))
      let arrays = file.entries.map { WeightToWrite($0, of: file, name: String($0.name.dropFirst(6))) }
      try WeightWriter.safetensors("\(folder)/a.safetensors", arrays, metadata: [("epoch", "12")])
      let back = try WeightFile("\(folder)/a.safetensors")
      #expect(back.format == .safetensors && back.notes == [WeightFile.Note(name: "epoch", text: "12")])
      try expectContents(back, prefix: "")
      for entry in file.entries { #expect(back[String(entry.name.dropFirst(6))]?.element == entry.element) }
      try WeightWriter.hdf5("\(folder)/a.h5", arrays)
      let hdf5 = try WeightFile("\(folder)/a.h5")
      #expect(hdf5.format == .hdf5)
      try expectContents(hdf5, prefix: "")
      // Equal arrays in another order give the same file.
      try WeightWriter.safetensors("\(folder)/b.safetensors", arrays.reversed(), metadata: [("epoch", "12")])
      #expect(try SafeFile.read("\(folder)/a.safetensors") == SafeFile.read("\(folder)/b.safetensors"))
      let twice = reproError { try WeightWriter.safetensors("\(folder)/c.safetensors", [arrays[0], arrays[0]]) }
      #expect(
        twice?.found == "two arrays would be called 'plain.weight'" && !SafeFile.exists("\(folder)/c.safetensors"))
    }
  }

  @Test func arraysOfNumpyAreRead() throws {
    try withTemporaryFolder { folder in
      let values: [Float] = [1, 2, 3, 4, 5, 6]
      let npz = NPZArchive.archive([("layer/kernel", NPYArray(extents: [2, 3], values: .float32(values)))])
      try SafeFile.write("\(folder)/a.npz", bytes: npz)
      let file = try WeightFile("\(folder)/a.npz")
      #expect(file.format == .npz && file.entries.map(\.name) == ["layer/kernel"])
      #expect(try file.tensor("layer/kernel").values.map { Float($0) } == values)
      #expect(reproError { _ = try file.tensor("x") }?.found == "there is no array 'x'")
    }
  }

  @Test func otherFilesAreNamed() throws {
    try withTemporaryFolder { (folder: String) throws in
      func message(_ bytes: [UInt8]) throws -> String? {
        try SafeFile.write("\(folder)/a", bytes: bytes)
        return reproError { _ = try WeightFile("\(folder)/a") }?.found
      }
      #expect(try message([]) == "the file is empty")
      #expect(try message([0x80, 4, 0x4E, 0x2E]) == "this is a bare pickle")
      #expect(try message(Array("<!DOCTYPE html>".utf8)) == "this is a web page")
      #expect(try message(makeTar([("a", [1])])) == "this is a tar archive")
      #expect(try message([0x1F, 0x8B, 8, 0, 0, 0]) == "this is a gzip file")
      #expect(
        try message(ZipArchive.archive([("a", [1])])) == "the zip archive has neither data.pkl nor arrays")
    }
  }

  @Test func smallFloatsAreThoseOfTheirTables() {
    #expect(halfFloat(0x3C00) == 1 && halfFloat(0xC000) == -2 && halfFloat(0x7BFF) == 65504)
    #expect(halfFloat(1) == 0x1p-24 && halfFloat(0x7C00) == .infinity && halfFloat(0x7C01).isNaN)
    #expect(halfFloat(0x03FF) == 1023 * 0x1p-24 && halfFloat(0x8001) == -0x1p-24)
    // Table 1 of arXiv 2209.05433: largest and smallest numbers of both eight-bit formats.
    #expect(smallFloat(0x7E, exponentBits: 4) == 448 && smallFloat(0x08, exponentBits: 4) == 0x1p-6)
    #expect(smallFloat(0x01, exponentBits: 4) == 0x1p-9 && smallFloat(0xFF, exponentBits: 4).isNaN)
    #expect(smallFloat(0x7B, exponentBits: 5) == 57344 && smallFloat(0x01, exponentBits: 5) == 0x1p-16)
    #expect(smallFloat(0xFC, exponentBits: 5) == -.infinity)
  }

  @Test func damageIsRefusedOrShowsAsOtherNumbers() throws {
    let legacy = try SafeFile.read(vector("weights_legacy.pth"))
    let cuts = damage(legacy, samples: 6000) { bytes in
      try bytes.withUnsafeBytes { _ = try TorchLegacy.list($0, "a.pth") }
    }.cuts
    #expect(cuts == legacy.count)  // every byte is tried
    let zip = try SafeFile.read(vector("weights_zip.pth"))
    let refused = damage(zip, samples: 7000) { bytes in
      let archive = try ZipArchive(bytes, file: "a.pth")
      guard let member = TorchZip.pickle(in: archive) else { throw ReproError(.data, at: "a.pth", found: "no pickle") }
      for entry in try TorchZip.list(archive, member, "a.pth").entries {
        if case .view(.member(let name), _, _) = entry.source { _ = try archive.contents(name) }
      }
    }
    #expect(refused.cuts == zip.count)
  }
}

@Suite("Zip64 archives") struct Zip64Tests {
  /// An archive whose sizes and places all stand in zip64 records.
  private func archive(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
    func little(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let plain = ZipArchive.archive([(name, bytes)], level: nil)
    let n = name.utf8.count
    let local = Array(plain[..<(30 + n + bytes.count)])
    var entry = Array(plain[local.count..<(local.count + 46)])
    let extra = little(1, 2) + little(24, 2) + little(bytes.count, 8) + little(bytes.count, 8) + little(0, 8)
    entry.replaceSubrange(20..<28, with: [UInt8](repeating: 0xFF, count: 8))
    entry.replaceSubrange(30..<32, with: little(extra.count, 2))
    entry.replaceSubrange(42..<46, with: [UInt8](repeating: 0xFF, count: 4))
    let directory = entry + Array(name.utf8) + extra
    let record = local.count + directory.count
    let wide =
      little(0x0606_4B50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(1, 8)
      + little(1, 8) + little(directory.count, 8) + little(local.count, 8)
    let locator = little(0x0706_4B50, 4) + little(0, 4) + little(record, 8) + little(1, 4)
    let end =
      little(0x0605_4B50, 4) + little(0, 4) + [UInt8](repeating: 0xFF, count: 12) + little(0, 2)
    return local + directory + wide + locator + end
  }

  @Test func areReadAndTheirLiesRefused() throws {
    let bytes = archive("a", [1, 2, 3, 4, 5])
    #expect(try ZipArchive(bytes, file: "z").contents("a") == [1, 2, 3, 4, 5])
    let refused = damage(bytes, samples: 1 << 20) { damaged in
      let contents = try ZipArchive(damaged, file: "z").contents("a")
      #expect(contents == [1, 2, 3, 4, 5])
    }
    #expect(refused.cuts == bytes.count && refused.flips > bytes.count)
  }
}
