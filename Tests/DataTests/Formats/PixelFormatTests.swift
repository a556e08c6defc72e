import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

@Suite struct PNMTests {
  @Test("Text and binary, grey and colour, 8 and 16 bits are read")
  func allKindsAreRead() throws {
    let grey = try PNMImage(Array("P5 3 2 255\n".utf8) + [0, 1, 2, 3, 4, 255], file: "a.pgm")
    #expect(grey.width == 3 && grey.height == 2 && grey.samples == [0, 1, 2, 3, 4, 255])
    #expect(grey.image.bytes == [0, 1, 2, 3, 4, 255] && grey.image.channels == 1)
    let text = try PNMImage(Array("P3\n# c\n1 2\n100\n0 50 100\n1 2 3".utf8), file: "a.ppm")
    #expect(text.channels == 3 && text.image.bytes == [0, 128, 255, 3, 5, 8])
    let deep = try PNMImage(Array("P5\n1 2\n65535\n".utf8) + [0x12, 0x34, 0xFF, 0xFF], file: "a.pgm")
    #expect(deep.samples == [0x1234, 0xFFFF] && deep.image.bytes == [18, 255])
  }

  @Test("Wrong images say the byte, and claims are held against the file")
  func wrongImagesSayWhere() {
    func message(_ text: String, _ more: [UInt8] = []) -> String? {
      reproError { _ = try PNMImage(Array(text.utf8) + more, file: "a.pgm") }?.description
    }
    #expect(message("P7 1 1") == "a.pgm at byte 0: this is not a PGM or PPM file, expected P2, P3, P5 or P6")
    #expect(
      message("P5 1000000 1000000 255\n", [1])
        == "a.pgm at byte 23: 1 bytes of pixels, expected 1000000x1000000 pixels of 1 bytes")
    #expect(message("P5 x 1 255\n") == "a.pgm at byte 3: 'x' as the width, expected 1 to 1048576")
    #expect(message("P5 1 1 9\n", [10]) == "a.pgm at byte 9: sample 0 is 10, expected at most 9")
    damage(Array("P5 3 2 255\n".utf8) + [0, 1, 2, 3, 4, 255]) { _ = try PNMImage($0, file: "a.pgm").image }
    damage(Array("P2\n2 2\n9\n1 2 3 4".utf8)) { _ = try PNMImage($0, file: "a.pgm").image }
  }
}

@Suite struct PFMTests {
  @Test("Rows come from the top down in either byte order")
  func rowsComeFromTheTop() throws {
    let image = PFMImage(height: 2, width: 2, channels: 1, values: [1, 2, 3, .infinity])
    #expect(try PFMImage(image.bytes, file: "a.pfm") == image)
    let big =
      Array("PF 1 2\n1.0\n".utf8)
      + [4, 5, 6, 1, 2, 3].flatMap { (value: Float) in
        withUnsafeBytes(of: value.bitPattern.bigEndian) { Array($0) }
      }
    #expect(try PFMImage(big, file: "a.pfm") == PFMImage(height: 2, width: 1, channels: 3, values: [1, 2, 3, 4, 5, 6]))
    damage(image.bytes) { _ = try PFMImage($0, file: "a.pfm") }
    let nan = PFMImage(height: 1, width: 1, channels: 1, values: [.nan]).bytes
    #expect(
      reproError { _ = try PFMImage(nan, file: "a.pfm") }?.description
        == "a.pfm at byte 12: the value is no number (NaN)")
    #expect(
      reproError { _ = try PFMImage(Array("Pf\n1000000 1000000\n-1\n".utf8), file: "a.pfm") }?.description
        == "a.pfm at byte 22: 0 bytes of values, expected 1000000000000 of 4 bytes")
  }
}

@Suite struct ImageFileTests {
  @Test("Files are told apart by their first bytes, whatever their names")
  func filesAreToldApart() throws {
    let image = ImageBatch(count: 1, height: 1, width: 2, channels: 3, bytes: [255, 0, 0, 10, 20, 30])
    let png = try PNG.encode(image)
    #expect(try ImageFile.decode(png, name: "a.jpg") == image)
    #expect(try ImageFile.decode(png, channels: 1, name: "a").bytes == [76, 18])
    #expect(try ImageFile.decode(Array("P5 1 1 255\n".utf8) + [9], channels: 3, name: "a").bytes == [9, 9, 9])
    #expect(
      reproError { _ = try ImageFile.decode(Array("GIF89a".utf8), name: "a.gif") }?.description
        == "a.gif at byte 0: this is no image, expected a JPEG, PNG, PGM or PPM file")
  }

  @Test("Resizing keeps constants and means, halves by the triangle's weights, and is the same on any thread")
  func resizingIsTheTriangle() {
    let flat = ImageBatch(count: 2, height: 5, width: 7, channels: 3, bytes: [UInt8](repeating: 77, count: 210))
    #expect(flat.resampled(height: 3, width: 11, .bilinear).bytes.allSatisfy { $0 == 77 })
    let row = ImageBatch(count: 1, height: 1, width: 8, channels: 1, bytes: [0, 8, 16, 24, 32, 40, 48, 56])
    // Inner outputs of a ramp are the ramp; weights at a factor of two are 1/8, 3/8, 3/8, 1/8.
    #expect(Array(row.resampled(height: 1, width: 4, .bilinear).bytes[1...2]) == [20, 36])
    #expect(
      row.resampled(height: 1, width: 4, .bilinear).bytes[0]
        == UInt8(((0 * 3 + 8 * 3 + 16 * 1) / 7.0 as Double).rounded()))
    // Doubling: (1/4, 3/4) between neighbours.
    #expect(Array(row.resampled(height: 1, width: 16, .bilinear).bytes[1...4]) == [2, 6, 10, 14])
    let square = ImageBatch(count: 1, height: 2, width: 4, channels: 1, bytes: [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(square.fitted(height: 2, width: 2).bytes == [2, 3, 6, 7])
  }
}
