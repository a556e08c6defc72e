import ReproConfig
import TestSupport
import Testing

@testable import ReproData

@Suite struct WAVTests {
  @Test("Sounds of 8, 16, 24 and 32 bits are read as Python and scipy wrote them")
  func foreignSoundsAreRead() throws {
    let stereo = try WAVSound(foreignFile("wav16"), file: "a.wav")
    let raw = try foreignFile("wav16Values")
    let values = (0..<raw.count / 2).map { Int16(truncatingIfNeeded: Int(raw[2 * $0]) | Int(raw[2 * $0 + 1]) << 8) }
    #expect(stereo.rate == 8000 && stereo.channels == 2 && stereo.frames == 10)
    #expect(stereo.samples == values.map { Float($0) / 32768 })
    #expect(stereo.mono[3] == (stereo.samples[6] + stereo.samples[7]) / 2)
    let fine = try WAVSound(foreignFile("wav24"), file: "a.wav")
    #expect(fine.rate == 44_100 && fine.samples == [0, 1 / 8_388_608, -1 / 8_388_608, 8_388_607 / 8_388_608, -1])
    #expect(try WAVSound(foreignFile("wav8"), file: "a.wav").samples == [-1, 0, 127 / 128])
    #expect(try WAVSound(foreignFile("wavFloat"), file: "a.wav").samples == [0.25, -1, 0.5])
  }

  @Test("What is written is read back")
  func soundsSurviveARoundTrip() throws {
    let sound = WAVSound(rate: 16_000, channels: 1, samples: [0, 0.5, -1, 1, 2, -0.25])
    let back = try WAVSound(sound.bytes, file: "a.wav")
    #expect(back.rate == 16_000 && back.samples == [0, 0.5, -1, 32767 / 32768, 32767 / 32768, -0.25])
  }

  @Test("Wrong sounds say the byte, what was found and what was expected")
  func wrongSoundsSayWhere() throws {
    let good = try foreignFile("wav16")
    func message(_ change: (inout [UInt8]) -> Void) -> String? {
      var bytes = good
      change(&bytes)
      return reproError { _ = try WAVSound(bytes, file: "a.wav") }?.description
    }
    #expect(message { $0[0] = 0 } == "a.wav at byte 0: this is not a WAVE file, expected RIFF")
    #expect(message { $0[8] = 65 } == "a.wav at byte 8: a RIFF file of another form, expected WAVE")
    #expect(
      message { $0[20] = 7 }
        == "a.wav at byte 12: coding 7 with 16 bits, expected PCM of 8 to 32 or floats of 32 or 64")
    // Data of 4 GB in a file of 84 bytes.
    #expect(
      message { $0.replaceSubrange(40..<44, with: [255, 255, 255, 255]) }
        == "a.wav at byte 44: the file ends after 40 more bytes, expected 4294967295 bytes of samples")
    #expect(message { $0.removeLast() }?.contains("the file ends after 39 more bytes") == true)
    var nan = try foreignFile("wavFloat")
    nan.replaceSubrange(nan.count - 12..<nan.count - 8, with: [0, 0, 0xC0, 0x7F])
    #expect(
      reproError { _ = try WAVSound(nan, file: "a.wav") }?.found == "sample 0 is not finite")
    for name in ["wav8", "wav16", "wav24", "wavFloat"] {
      damage(try foreignFile(name)) { _ = try WAVSound($0, file: "a.wav") }
    }
  }
}

@Suite struct MatlabTests {
  private func check(_ file: MATFile) throws {
    guard case .cells(let shape, let views) = try file.value("X") else {
      Issue.record("X is no row of cells")
      return
    }
    #expect(shape == [1, 2])
    #expect(views[0].matrix?.values == [0, 1, 2, 3, 4, 5] && views[0].matrix?.rows == 3)
    #expect(views[1].matrix?.values == [1, 2, 3, 4, 5, 6, 7, 8, 250] && views[1].matrix?.columns == 3)
    #expect(try file.value("Y").matrix?.values == [1, 2, 1])
    #expect(try file.value("name") == .text("café"))
    guard case .structure(1, let fields) = try file.value("info") else {
      Issue.record("info is no struct")
      return
    }
    #expect(fields.map(\.name) == ["a", "b"])
    #expect(fields.map(\.values) == [[.numbers(shape: [1, 1], columnMajor: [7])], [.text("text")]])
    let sparse = try file.value("S")
    #expect(sparse == .sparse(rows: 2, starts: [0, 1, 2, 2], places: [1, 0], values: [3, 2]))
    #expect(sparse.matrix?.values == [0, 2, 0, 3, 0, 0] && sparse.matrix?.columns == 3)
  }

  @Test("Files of version 5, packed and not, are read as scipy wrote them")
  func versionFive() throws {
    for name in ["mat5", "mat5Packed"] {
      let file = try MATFile(foreignFile(name), file: "a.mat")
      try check(file)
      #expect(try file.value("half") == .numbers(shape: [1, 2], columnMajor: [0.5, -1.5]))
      #expect(try file.value("flag") == .numbers(shape: [1, 2], columnMajor: [1, 0]))
      #expect(try file.value("big") == .numbers(shape: [1, 1], columnMajor: [-5_000_000_000]))
      #expect(
        reproError { _ = try file.value("x") }?.found == "there is no variable 'x'")
    }
  }

  @Test("Files of version 7.3 are read through HDF5, cells and structs included")
  func versionSeven() throws {
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/a.mat", bytes: foreignFile("mat73"))
      let file = try MATFile(path: "\(folder)/a.mat")
      try check(file)
      #expect(try file.value("none") == .numbers(shape: [0, 3], columnMajor: []))
      try SafeFile.write("\(folder)/b.mat", bytes: foreignFile("mat5"))
      try check(try MATFile(path: "\(folder)/b.mat"))
      try SafeFile.write("\(folder)/c.mat", bytes: Array(foreignFile("mat73").prefix(3000)))
      #expect(reproError { _ = try MATFile(path: "\(folder)/c.mat") }?.domain == .data)
    }
  }

  @Test("Damaged files are refused, and no header's word makes room")
  func damagedFilesAreRefused() throws {
    for name in ["mat5", "mat5Packed"] {
      let refused = damage(try foreignFile(name)) { _ = try MATFile($0, file: "a.mat") }
      #expect(refused.cuts > (name == "mat5" ? 800 : 500))
    }
    var bytes = try foreignFile("mat5")
    bytes[126] = 0
    #expect(
      reproError { _ = try MATFile(bytes, file: "a.mat") }?.description
        == "a.mat at byte 126: this is not a MATLAB file of version 5 to 7, expected IM or MI")
    bytes = try foreignFile("mat5")
    bytes.replaceSubrange(132..<136, with: [0xF8, 0xFF, 0xFF, 0xFF])
    #expect(
      reproError { _ = try MATFile(bytes, file: "a.mat") }?.description
        == "a.mat at byte 136: the file ends after 832 more bytes, expected 4294967288 bytes of an element")
  }
}
