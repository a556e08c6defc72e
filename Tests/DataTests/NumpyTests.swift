import ReproConfig
import TestSupport
import Testing

@testable import ReproData

@Suite struct NPYTests {
  private func message(_ bytes: [UInt8]) -> String? {
    reproError { _ = try NPYArray(bytes, file: "a.npy") }?.description
  }

  @Test func arraysOfNumpyAreReadInAllThreeVersions() throws {
    let integers = try NPYArray(Vectors.npyInt32, file: "a")
    #expect(integers == NPYArray(extents: [2, 3], values: .int32([1, -2, 3, 4, 5, -6])))
    #expect(try NPYArray(Vectors.npyFloatV2, file: "a") == NPYArray(extents: [2], values: .float32([1.5, -0.25])))
    #expect(try NPYArray(Vectors.npyDoubleScalarV3, file: "a") == NPYArray(extents: [], values: .float64([0.1])))
  }

  @Test func whatNumpyWritesWeWriteToTheByte() {
    #expect(NPYArray(extents: [2, 3], values: .int32([1, -2, 3, 4, 5, -6])).bytes == Vectors.npyInt32)
  }

  @Test func everyTypeIsReadBack() throws {
    let arrays = [
      NPYArray(extents: [3], values: .uint8([0, 1, 255])), NPYArray(extents: [3, 1], values: .int8([-128, 0, 127])),
      NPYArray(extents: [1, 2], values: .uint16([0, 65535])), NPYArray(extents: [2], values: .int16([-32768, 1])),
      NPYArray(extents: [0, 7], values: .int64([])), NPYArray(extents: [1], values: .int64([.min])),
      NPYArray(extents: [1, 1, 2], values: .float32([-0.0, .infinity])),
      NPYArray(extents: [], values: .float64([1e300])),
    ]
    for array in arrays {
      let bytes = array.bytes
      #expect((bytes.count - bytes.count % 64) >= 64)
      #expect(try NPYArray(bytes, file: "a") == array)
    }
  }

  @Test func ordersAndTypesThatAreNotReadAreNamed() {
    #expect(message(Vectors.npyFortran) == "a.npy at byte 10: Fortran order, expected C order")
    #expect(message(Vectors.npyBigEndian)?.hasPrefix("a.npy at byte 10: values of type '>i4', expected one of") == true)
  }

  private func file(_ header: String, values: Int = 0) -> [UInt8] {
    [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
      + [UInt8](repeating: 0, count: values)
  }

  @Test func lyingAndStrangeHeadersAreRefused() throws {
    let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}"
    #expect(try NPYArray(file(good, values: 24), file: "a").extents == [2, 3])
    #expect(message(file(good, values: 23))?.contains("23 bytes of values, expected 6 of 4 bytes") == true)
    for bad in [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
      "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
      "{'descr': '|O', 'fortran_order': False, 'shape': ()}", "{'descr': [('a', '<f4')], 'fortran_order': False}",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': ()} or exit()", "{'descr': '<f4", "", "[1]",
    ] { #expect(message(file(bad, values: 4)) != nil, "\(bad)") }
    #expect(message([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 2, 0, 255, 255, 255, 255, 32]) != nil)
  }

  @Test func damageIsRefusedOrReadAsOtherNumbers() {
    let refused = damage(Vectors.npyInt32) { _ = try NPYArray($0, file: "a") }
    #expect(refused.cuts == Vectors.npyInt32.count)
    // Magic, version, length and the dict up to its padding: 10 + 57 bytes, but for digits that keep the size.
    #expect(refused.flips > 8 * 60)
  }
}

@Suite struct NPZTests {
  @Test func archivesOfNumpyAreRead() throws {
    let archive = try NPZArchive(Vectors.npz, file: "a.npz")
    #expect(archive.names == ["a", "b"])
    #expect(try archive.bytes("a", rank: 1).values == [0, 1, 2, 3, 4])
    #expect(try archive.integers("a") == [0, 1, 2, 3, 4])
    #expect(try archive.array("b") == NPYArray(extents: [2, 1], values: .float64([1, 2])))
    #expect(
      reproError { _ = try archive.array("c") }?.description
        == "a.npz: there is no array 'c', expected one of [\"a\", \"b\"]")
    #expect(
      reproError { _ = try archive.bytes("b", rank: 2) }?.description
        == "a.npz:b: the array is <f8 [2, 1], expected |u1 of rank 2")
    #expect(reproError { _ = try archive.integers("b") } != nil)
  }

  @Test(arguments: [nil, 1, 9] as [Int?])
  func whatWeWriteIsReadBack(level: Int?) throws {
    let arrays = [
      (name: "x", array: NPYArray(extents: [300], values: .float32((0..<300).map { Float($0) }))),
      (name: "y", array: NPYArray(extents: [2], values: .int64([5, -5]))),
    ]
    let bytes = NPZArchive.archive(arrays, level: level)
    let back = try NPZArchive(bytes, file: "a.npz")
    #expect(back.names == ["x", "y"])
    for (name, array) in arrays { #expect(try back.array(name) == array) }
    #expect(NPZArchive.archive(arrays, level: level) == bytes)
  }

  @Test(arguments: [nil, 6] as [Int?])
  func damageIsRefused(level: Int?) throws {
    let array = NPYArray(extents: [20], values: .int32(Array(0..<20)))
    let bytes = NPZArchive.archive([("x", array)], level: level)
    let refused = damage(bytes, samples: 1 << 20) { damaged in
      let archive = try NPZArchive(damaged, file: "a.npz")
      // What is not refused is whole: only times, versions and attributes may differ. (A changed name is not found.)
      let back = try archive.array("x")
      #expect(back == array)
    }
    #expect(refused.cuts == bytes.count)
    #expect(refused.flips > 8 * bytes.count / 2)
  }

  private func patched(_ bytes: [UInt8], _ place: Int, _ new: [UInt8]) -> [UInt8] {
    var result = bytes
    result.replaceSubrange(place..<place + new.count, with: new)
    return result
  }

  @Test func lyingDirectoriesAreRefused() throws {
    let zip = ZipArchive.archive([("a", [UInt8](repeating: 1, count: 100))], level: 6)
    let end = zip.count - 22
    let directory = end - 47
    try #require(zip[directory] == 0x50 && zip[directory + 2] == 1)
    func message(_ bytes: [UInt8]) -> String {
      reproError { _ = try ZipArchive(bytes, file: "z").contents("a") }?.found ?? "none"
    }
    #expect(message(zip) == "none")
    #expect(
      message(patched(zip, directory + 24, [0xFF, 0xFF, 0xFF, 0x7F])).hasPrefix("'a' claims 2147483647 bytes in"))
    #expect(message(patched(zip, directory + 24, [101])) == "'a' is damaged")
    #expect(message(patched(zip, directory + 24, [99])) == "the data unpacks to more than 99 bytes")
    #expect(message(patched(zip, directory + 20, [0xFF, 0xFF])).hasPrefix("'a' claims 65535 bytes at byte 0, beyond"))
    #expect(message(patched(zip, directory + 24, [0xFF, 0xFF, 0xFF, 0xFF])) == "'a' is a zip64 member")
    #expect(message(patched(zip, directory + 8, [1])) == "'a' is encrypted")
    #expect(message(patched(zip, directory + 10, [12])) == "'a' is packed by method 12")
    #expect(message(patched(zip, end + 16, [0xFF, 0xFF, 0xFF, 0xFF])) == "a zip64 archive")
    #expect(message(patched(zip, end + 10, [2])).hasPrefix("the end record of the archive is damaged"))
    #expect(message(Array(zip.dropLast(30))) == "no end record of a zip archive")
    #expect(message([]) == "the file is too short for a zip archive")
    // A comment that holds a second end record does not deceive: the record must reach the end of the file.
    let comment = patched(zip, end + 20, [22, 0]) + Array(zip[end...])
    #expect(message(comment) == "the end record of the archive is damaged" || message(comment) == "none")
  }

  @Test func raggedItemsMustCoverTheValues() throws {
    func ragged(_ offsets: [Int64]) throws -> [Range<Int>] {
      let arrays = [
        (name: "v", array: NPYArray(extents: [4], values: .uint8([1, 2, 3, 4]))),
        (name: "o", array: NPYArray(extents: [offsets.count], values: .int64(offsets))),
      ]
      return try NPZArchive(NPZArchive.archive(arrays), file: "a").ragged("v", offsets: "o").items
    }
    #expect(try ragged([0, 1, 1, 4]) == [0..<1, 1..<1, 1..<4])
    for bad in [[], [0], [1, 4], [0, 3], [0, 5], [0, 3, 2, 4], [0, -1, 4], [0, .max, 4]] as [[Int64]] {
      #expect(reproError { _ = try ragged(bad) } != nil, "\(bad)")
    }
  }
}
