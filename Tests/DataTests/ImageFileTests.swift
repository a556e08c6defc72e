import Glibc
import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Baseline JPEG files of single blocks, written from ITU-T T.81: every quantiser is 1, so coefficients are exact.
struct JPEGWriter {
  /// DC and first horizontal AC coefficient of each component (1 grey, 3 YCbCr, 4 for printing).
  var coefficients: [(dc: Int, ac: Int)]
  var width = 8
  var height = 8
  /// Blocks that are really written, each component's in turn.
  var blocks = 1

  var bytes: [UInt8] {
    var file: [UInt8] = [0xFF, 0xD8]
    func segment(_ marker: UInt8, _ body: [UInt8]) {
      file += [0xFF, marker, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 255)] + body
    }
    segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
    let components: [UInt8] = coefficients.indices.flatMap { [UInt8($0 + 1), UInt8(0x11), UInt8(0)] }
    let size = [UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255)]
    segment(0xC0, [8] + size + [UInt8(coefficients.count)] + components)
    // Twelve codes of four bits each: DC sizes 0 to 11; AC end of block, then sizes 1 to 11 after no zeros.
    let lengths: [UInt8] = [0, 0, 0, 12] + [UInt8](repeating: 0, count: 12)
    segment(0xC4, [0x00] + lengths + Array(0...11))
    segment(0xC4, [0x10] + lengths + Array(0...11))
    let scan: [UInt8] = coefficients.indices.flatMap { [UInt8($0 + 1), UInt8(0x00)] }
    segment(0xDA, [UInt8(coefficients.count)] + scan + [0, 63, 0])
    var bits: [Bool] = []
    func put(_ value: Int, _ count: Int) { for i in (0..<count).reversed() { bits.append(value >> i & 1 == 1) } }
    func number(_ value: Int) {
      let size = Int.bitWidth - abs(value).leadingZeroBitCount
      put(size, 4)
      put(value < 0 ? value + 1 << size - 1 : value, size)
    }
    var previous = [Int](repeating: 0, count: coefficients.count)
    for _ in 0..<blocks {
      for (c, (dc, ac)) in coefficients.enumerated() {
        number(dc - previous[c])
        previous[c] = dc
        if ac != 0 { number(ac) }
        put(0, 4)
      }
    }
    while bits.count % 8 != 0 { bits.append(true) }
    for i in stride(from: 0, to: bits.count, by: 8) {
      let byte = bits[i..<i + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
      file += byte == 0xFF ? [0xFF, 0] : [byte]
    }
    return file + [0xFF, 0xD9]
  }
}

@Suite struct JPEGTests {
  @Test func aBlockIsItsInverseCosineTransform() throws {
    // T.81 A.3.3: s(x) = S00 / 8 + S01 / (4 sqrt 2) cos((2x + 1) pi / 16), level-shifted by 128.
    for (dc, ac) in [(0, 0), (80, 0), (-400, 0), (24, 300), (0, -500)] {
      let image = try JPEGDecoder().decode(JPEGWriter(coefficients: [(dc, ac)]).bytes, name: "a")
      #expect(image.height == 8 && image.width == 8 && image.channels == 3)
      for p in 0..<64 {
        let wave = Double(ac) / (4 * 2.0.squareRoot()) * cos(Double(2 * (p % 8) + 1) * .pi / 16)
        let expected = min(255, max(0, 128 + Double(dc) / 8 + wave))
        for c in 0..<3 { #expect(abs(Double(image.bytes[3 * p + c]) - expected) <= 1) }
      }
    }
  }

  @Test func coloursAreThoseOfJFIF() throws {
    // JFIF: R = Y + 1.402 (Cr - 128), G = Y - 0.344136 (Cb - 128) - 0.714136 (Cr - 128), B = Y + 1.772 (Cb - 128).
    let (y, cb, cr) = (100.0, 150.0, 90.0)
    let writer = JPEGWriter(coefficients: [(Int(y - 128) * 8, 0), (Int(cb - 128) * 8, 0), (Int(cr - 128) * 8, 0)])
    let image = try JPEGDecoder().decode(writer.bytes, name: "a")
    let expected = [
      y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128),
    ]
    for c in 0..<3 { #expect(abs(Double(image.bytes[c]) - expected[c]) <= 1) }
  }

  @Test func halvedColoursAreInterpolatedAsOtherDecodersDo() throws {
    let jpeg = try Deflate.gunzip(Vectors.jpeg420Packed, limit: 1 << 16, file: "vector")
    let pixels = try Deflate.gunzip(Vectors.jpeg420PixelsPacked, limit: 1 << 16, file: "vector")
    let image = try JPEGDecoder().decode(jpeg, name: "a.jpg")
    #expect(image == ImageBatch(count: 1, height: 20, width: 26, channels: 3, bytes: pixels))
  }

  @Test func aHeaderThatClaimsMorePixelsThanBitsIsRefused() throws {
    let liar = JPEGWriter(coefficients: [(0, 0)], width: 60_000, height: 60_000)
    let error = reproError { _ = try JPEGDecoder().decode(liar.bytes, name: "a.jpg") }
    #expect(
      error?.description
        == "a.jpg at byte 0: the header claims 60000x60000 pixels, but the JPEG has \(liar.bytes.count) bytes")
    // Fewer blocks than the header says: refused, not filled with grey.
    let short = JPEGWriter(coefficients: [(0, 0)], width: 64, height: 64, blocks: 3)
    #expect(
      reproError { _ = try JPEGDecoder().decode(short.bytes, name: "a.jpg") }?.found.contains("cannot be") == true)
    let print = JPEGWriter(coefficients: [(0, 0), (0, 0), (0, 0), (0, 0)])
    #expect(reproError { _ = try JPEGDecoder().decode(print.bytes, name: "a.jpg") }?.found.contains("CMYK") == true)
  }

  @Test func damageIsRefusedOrShowsAsOtherPixels() throws {
    let good = JPEGWriter(coefficients: [(24, 300), (80, 9), (-80, 0)], width: 32, height: 24, blocks: 12).bytes
    let decoder = try JPEGDecoder()
    let refused = damage(good) { _ = try decoder.decode($0, name: "a.jpg") }
    // Without the end marker the library only warns, which we take for an error as well.
    #expect(refused.cuts == good.count)
    #expect(refused.flips > good.count)
  }

  @Test func manyImagesAreTheSameOnEveryThread() throws {
    _ = JPEGTests.twoThreads
    let writers = (0..<600).map { JPEGWriter(coefficients: [($0 - 300, $0 % 50)]) }
    var bytes: [UInt8] = []
    var items: [Range<Int>] = []
    for writer in writers {
      let one = writer.bytes
      items.append(bytes.count..<bytes.count + one.count)
      bytes += one
    }
    let all = try JPEGDecoder.decodeAll(bytes, items: items, height: 8, width: 8, name: "a")
    let decoder = try JPEGDecoder()
    for i in [0, 1, 255, 256, 599] {
      #expect(Array(all[i * 192..<(i + 1) * 192]) == (try decoder.decode(writers[i].bytes, name: "a").bytes))
    }
    // The first bad item is named, whichever thread met one first.
    bytes[items[300].lowerBound] = 0
    bytes[items[550].lowerBound] = 0
    let error = reproError { _ = try JPEGDecoder.decodeAll(bytes, items: items, height: 8, width: 8, name: "a") }
    #expect(error?.location == "a item 300 at byte \(items[300].lowerBound)")
    let size = reproError { _ = try JPEGDecoder.decodeAll(bytes, items: items, height: 16, width: 8, name: "a") }
    #expect(size?.description == "a item 0 at byte 0: an image of 8x8, expected 8x16")
  }

  /// Set before any job runs with workers, and never changed.
  private static let twoThreads: Void = { ThreadPool.shared.threads = max(2, ThreadPool.shared.threads) }()
}

@Suite struct PNGTests {
  @Test func filesOfOtherProgramsAreRead() throws {
    func pixels(_ bytes: [UInt8], _ channels: Int? = nil) throws -> [UInt8] {
      try PNG.decode(bytes, channels: channels, name: "a").bytes
    }
    #expect(try pixels(Vectors.pngRGB) == [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30])
    #expect(try pixels(Vectors.pngPalette) == [1, 2, 3, 40, 50, 60, 70, 80, 90, 255, 254, 253])
    #expect(try pixels(Vectors.pngGray16) == [128, 255])
    #expect(try pixels(Vectors.pngRGBA) == [10, 20, 30, 255, 200, 100, 50, 0])
    // Over white: the opaque pixel as it is, the transparent one white.
    #expect(try pixels(Vectors.pngRGBA, 3) == [10, 20, 30, 255, 255, 255])
    #expect(try pixels(Vectors.pngGray16, 3) == [128, 128, 128, 255, 255, 255])
  }

  @Test(arguments: 1...4)
  func whatWeWriteIsReadBack(channels: Int) throws {
    let bytes = (0..<2 * 13 * 7 * channels).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31) }
    let images = ImageBatch(count: 2, height: 13, width: 7, channels: channels, bytes: bytes)
    for i in 0..<2 {
      let file = try PNG.encode(images, i)
      #expect(try PNG.encode(images, i) == file)
      let back = try PNG.decode(file, name: "a")
      #expect(back.channels == channels)
      if channels % 2 == 1 { #expect(back == images[i]) }
    }
    try withTemporaryFolder { folder in
      try PNG.write("\(folder)/a.png", images[0])
      #expect(try PNG.read("\(folder)/a.png", channels: channels).height == 13)
    }
  }

  @Test func noiseAndOnePixelFit() throws {
    var stream = RandomStream(seed: 3)
    let noise = (0..<300 * 200 * 3).map { _ in UInt8(stream.integer(below: 256)) }
    let image = ImageBatch(count: 1, height: 300, width: 200, channels: 3, bytes: noise)
    #expect(try PNG.decode(PNG.encode(image), name: "a") == image)
    let dot = ImageBatch(count: 1, height: 1, width: 1, channels: 1, bytes: [42])
    #expect(try PNG.decode(PNG.encode(dot), name: "a") == dot)
  }

  @Test func damageIsRefused() throws {
    let image = ImageBatch(count: 1, height: 9, width: 9, channels: 3, bytes: (0..<243).map { UInt8($0) })
    let good = try PNG.encode(image)
    let refused = damage(good) { _ = try PNG.decode($0, name: "a.png") }
    // Every chunk has a checksum; cuts within the last, empty one lose nothing.
    #expect(refused.cuts >= good.count - 12)
    #expect(refused.flips > 8 * good.count - 200)
  }

  @Test func aHeaderThatClaimsMorePixelsThanBytesIsRefused() {
    var liar = Vectors.pngRGB
    liar.replaceSubrange(16..<24, with: [0, 15, 0, 0, 0, 15, 0, 0])
    let crc = liar[12..<29].withUnsafeBytes { Deflate.crc32($0) }
    liar.replaceSubrange(29..<33, with: (0..<4).map { UInt8(truncatingIfNeeded: crc >> (24 - 8 * $0)) })
    let error = reproError { _ = try PNG.decode(liar, name: "a.png") }
    #expect(
      error?.description
        == "a.png at byte 16: the header claims 983040x983040 pixels, but the file has \(liar.count) bytes")
    #expect(
      reproError { _ = try PNG.decode(Array("GIF89a--and more of it".utf8), name: "a") }?.location == "a at byte 0")
  }

  @Test func aContactSheetPutsEveryPixelInItsPlace() {
    let images = ImageBatch(count: 3, height: 1, width: 2, channels: 1, bytes: [1, 2, 3, 4, 5, 6])
    let sheet = images.contactSheet(columns: 2, gap: 1, background: 9)
    #expect(sheet.height == 5 && sheet.width == 7)
    #expect(
      sheet.bytes == [
        9, 9, 9, 9, 9, 9, 9,
        9, 1, 2, 9, 3, 4, 9,
        9, 9, 9, 9, 9, 9, 9,
        9, 5, 6, 9, 9, 9, 9,
        9, 9, 9, 9, 9, 9, 9,
      ])
  }
}
