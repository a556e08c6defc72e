import ReproConfig
import TestSupport
import Testing

@testable import ReproData

@Suite struct GzipTests {
  private let text = Array(String(repeating: "all work and no play ", count: 500).utf8)

  @Test func packedBytesAreUnpacked() throws {
    for wrapper in [Deflate.Wrapper.gzip, .raw] {
      for level in [1, 6, 9] {
        let packed = Deflate.deflate(text, wrapper, level: level)
        #expect(packed.count < text.count / 10)
        let back = try packed.withUnsafeBytes { try Deflate.inflate($0, wrapper, limit: text.count, file: "a") }
        #expect(back == text)
      }
    }
    #expect(try Deflate.gunzip(Deflate.deflate([], .gzip), limit: 0, file: "a").isEmpty)
  }

  @Test func severalMembersAndPaddingAreOneFile() throws {
    let two = Deflate.deflate([1, 2, 3], .gzip) + Deflate.deflate([4, 5], .gzip)
    #expect(try Deflate.gunzip(two, limit: 5, file: "a") == [1, 2, 3, 4, 5])
    #expect(try Deflate.gunzip(two + [0, 0, 0], limit: 5, file: "a") == [1, 2, 3, 4, 5])
    let rest = reproError { _ = try Deflate.gunzip(two + [9], limit: 5, file: "a.gz") }
    #expect(rest?.description == "a.gz at byte \(two.count): 1 bytes follow the compressed data")
  }

  @Test func aBombIsStoppedAtTheLimit() throws {
    // 64 MB of zeros in 64 kB; the claim at the end of a gzip file is not believed either.
    let bomb = Deflate.deflate([UInt8](repeating: 0, count: 64 << 20), .gzip, level: 9)
    #expect(bomb.count < 1 << 17)
    let error = reproError { _ = try Deflate.gunzip(bomb, limit: 1 << 20, file: "bomb.gz") }
    #expect(error?.found == "the data unpacks to more than 1048576 bytes")
    var liar = Deflate.deflate([1, 2, 3], .gzip)
    liar.replaceSubrange(liar.count - 4..<liar.count, with: [255, 255, 255, 255])
    #expect(reproError { _ = try Deflate.gunzip(liar, limit: .max, file: "liar.gz") } != nil)
  }

  @Test func damageIsRefusedWithItsPlace() throws {
    let packed = Deflate.deflate(text, .gzip)
    let refused = damage(packed) { bytes in
      let back = try Deflate.gunzip(bytes, limit: 1 << 20, file: "a.gz")
      #expect(back == text)
    }
    #expect(refused.cuts == packed.count)
    // What may change freely: time, flags and system in the header, ten bytes without a checksum.
    #expect(refused.flips > 8 * (packed.count - 10))
    let error = reproError { _ = try Deflate.gunzip(Array(packed.dropLast(9)), limit: 1 << 20, file: "a.gz") }
    #expect(error?.location == "a.gz at byte \(packed.count - 9)")
  }
}

@Suite struct TarTests {
  private func unpack(_ bytes: [UInt8]) throws -> TarArchive {
    try TarArchive(try Deflate.gunzip(bytes, limit: 1 << 20, file: "a.tar.gz"), file: "a.tar")
  }

  @Test func archivesOfOtherProgramsAreRead() throws {
    let gnu = try unpack(Vectors.tarGNU)
    let long = "a/" + String(repeating: "n", count: 120) + ".bin"
    #expect(gnu.files.map(\.name) == ["a/one.txt", long])
    #expect(try gnu.contents("a/one.txt", size: 3).elementsEqual("one".utf8))
    #expect(try gnu.contents(long).elementsEqual(0...6))
    let pax = try unpack(Vectors.tarPAX)
    #expect(pax.files.map(\.name) == ["d/é.txt", "d/" + String(repeating: "m", count: 150)])
    #expect(try pax.contents("d/é.txt").elementsEqual("two".utf8))
    #expect(reproError { _ = try pax.contents("d/none") }?.found == "the archive has no file 'd/none'")
    #expect(reproError { _ = try pax.contents("d/é.txt", size: 4) }?.expected == "4")
  }

  @Test func namesThatLeaveTheArchiveAreRefused() {
    for name in ["/etc/passwd", "../x", "a/../../x"] {
      let error = reproError { _ = try TarArchive(makeTar([(name, [1])]), file: "a.tar") }
      #expect(error?.description == "a.tar at byte 0: the name '\(name)' leaves the archive")
    }
  }

  @Test func aSizeBeyondTheFileIsRefused() {
    var tar = makeTar([("a", [1, 2, 3])])
    setTarSize(&tar, "77777777777")
    let error = reproError { _ = try TarArchive(tar, file: "a.tar") }
    #expect(
      error?.description.hasPrefix("a.tar at byte 512: the file ends after 1536 more bytes, expected 8589934591")
        == true)
  }

  @Test func damageIsRefused() throws {
    let tar = makeTar([("a/b", Array(0..<200)), ("c", Array(repeating: 9, count: 513))])
    let refused = damage(tar, samples: 1 << 20) { _ = try TarArchive($0, file: "a.tar") }
    // A cut after the first block of zeros is whole enough.
    #expect(refused.cuts >= tar.count - 512)
    // Every flip in the two headers is found by their checksums, none in the contents.
    #expect(refused.flips >= 8 * 2 * 500)
  }
}

/// Changes the size field of the first header and its checksum.
private func setTarSize(_ tar: inout [UInt8], _ octal: String) {
  let old = tar[124..<136].reduce(0) { $0 + Int($1) }
  tar.replaceSubrange(124..<135, with: octal.utf8)
  let new = tar[124..<136].reduce(0) { $0 + Int($1) }
  let sum = (Int(String(decoding: tar[148..<154], as: UTF8.self), radix: 8) ?? 0) + new - old
  let digits = String(sum, radix: 8)
  tar.replaceSubrange(148..<154, with: (String(repeating: "0", count: 6 - digits.count) + digits).utf8)
}

@Suite struct IDXTests {
  private let good: [UInt8] = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 22]

  @Test func extentsAndValuesAreRead() throws {
    let array = try IDXArray(good, rank: 2, file: "a")
    #expect(array.extents == [2, 3])
    #expect(array.values == [10, 11, 12, 20, 21, 22])
  }

  @Test func lyingHeadersAreRefused() {
    func message(_ bytes: [UInt8], rank: Int = 2) -> String? {
      reproError { _ = try IDXArray(bytes, rank: rank, file: "a") }?.description
    }
    #expect(message(good, rank: 3) == "a at byte 0: the magic number is 2050, expected 2051 (bytes, rank 3)")
    #expect(
      message([0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255, 1])
        == "a at byte 12: 1 bytes of values, expected as many as the extents [4294967295, 4294967295] say")
    let refused = damage(good) { _ = try IDXArray($0, rank: 2, file: "a") }
    // Every flip in the header's twelve bytes; the six values may be anything.
    #expect(refused.cuts == good.count && refused.flips == 8 * 12)
    #expect(message(good + [0]) != nil)
  }
}

@Suite struct CIFARTests {
  @Test func planesBecomeInterleavedPixels() throws {
    var record: [UInt8] = [7]
    for c in 0..<3 { for p in 0..<1024 { record.append(UInt8((c * 50 + p) % 256)) } }
    let batch = try CIFARBatch((record + [3] + record.dropFirst())[...], file: "a")
    #expect(batch.labels == [7, 3])
    #expect(batch.pixels.count == 2 * 3072)
    for p in [0, 1, 31, 32, 1023] {
      for c in 0..<3 {
        #expect(batch.pixels[p * 3 + c] == UInt8((c * 50 + p) % 256))
        #expect(batch.pixels[3072 + p * 3 + c] == UInt8((c * 50 + p) % 256))
      }
    }
  }

  @Test func brokenRecordsAreRefused() {
    let record = [UInt8](repeating: 0, count: 3073)
    let short = reproError { _ = try CIFARBatch((record + [1, 2])[...], file: "a") }
    #expect(short?.description == "a at byte 3073: the last record has 2 bytes, expected 3073")
    let label = reproError { _ = try CIFARBatch((record + [10] + record.dropFirst())[...], file: "a") }
    #expect(label?.description == "a at byte 3073: label 10, expected 0 to 9")
  }

  @Test func thePublishedArchiveIsUnpackedInTheOrderOfItsBatches() throws {
    func batch(_ first: Int) -> [UInt8] {
      (0..<2).flatMap { [UInt8(first + $0)] + [UInt8](repeating: UInt8(10 * first + $0), count: 3072) }
    }
    var files = (1...5).reversed().map { ("cifar-10-batches-bin/data_batch_\($0).bin", batch($0)) }
    files += [("cifar-10-batches-bin/readme.html", [1]), ("cifar-10-batches-bin/test_batch.bin", batch(0))]
    let archive = Deflate.deflate(makeTar(files), .gzip)
    let (train, test) = try CIFAR10.unpack(archive, file: "a.tar.gz", perBatch: 2)
    #expect(train.labels == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6])
    #expect(train.pixels.count == 10 * 3072 && train.pixels[3072 * 9] == 51)
    #expect(test.labels == [0, 1] && test.pixels[3072] == 1)
    #expect(reproError { _ = try CIFAR10.unpack(archive, file: "a.tar.gz", perBatch: 3) }?.expected == "9219")
    let without = Deflate.deflate(makeTar(Array(files.dropFirst())), .gzip)
    #expect(
      reproError { _ = try CIFAR10.unpack(without, file: "a.tar.gz", perBatch: 2) }?.found
        == "the archive has no file 'cifar-10-batches-bin/data_batch_5.bin'")
  }
}
