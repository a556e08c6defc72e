import ReproTensor
import Testing

@testable import ReproData

@Suite struct AugmentationResampleTests {
  /// One crop, resized.
  private func resized(
    _ bytes: [UInt8], width: Int, channels: Int, _ part: CropRectangle, flips: Bool = false, size: Int
  ) -> [Float] {
    var result = [Float](repeating: -1, count: channels * size * size)
    result.withUnsafeMutableBufferPointer { target in
      bytes.withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        resample(from, imageWidth: width, channels: channels, part, flips: flips, size: size, into: to)
      }
    }
    return result
  }

  /// Crops that Pillow resized: shrunk, enlarged, odd, mirrored; see Tests/Vectors/make_augmentation_vectors.py.
  @Test(arguments: 0..<11) func itAgreesWithPillow(_ number: Int) throws {
    let tests = "/" + Substring(#filePath).split(separator: "/").dropLast(2).joined(separator: "/")
    let file = try HDF5File.open("\(tests)/Vectors/augmentations.h5", seal: .ifPresent)
    let (image, shape) = try file.read("case.\(number)/image", as: UInt8.self)
    let box = try file.read("case.\(number)/box", as: Int64.self).values.map(Int.init)
    let part = CropRectangle(left: box[0], top: box[1], width: box[2], height: box[3])
    let found = resized(image, width: shape[1], channels: shape[2], part, flips: box[5] == 1, size: box[4])
    let exact = try file.read("case.\(number)/exact", as: Float.self).values
    let rounded = try file.read("case.\(number)/rounded", as: UInt8.self).values
    #expect(found.count == exact.count)
    for i in found.indices {
      #expect(abs(found[i] - exact[i] / 255) < 2e-6, "\(i): \(found[i] * 255) against \(exact[i])")
      // Pillow's bytes are rounded once after each of two passes.
      #expect(abs(found[i] * 255 - Float(rounded[i])) < 1.01)
    }
  }

  @Test func aConstantImageStaysConstantAtEverySize() {
    let bytes = [UInt8](repeating: 201, count: 13 * 13)
    for part in [(0, 0, 13, 13), (3, 2, 5, 9), (12, 12, 1, 1)] {
      for size in [1, 2, 7, 13, 31] {
        let rectangle = CropRectangle(left: part.0, top: part.1, width: part.2, height: part.3)
        let found = resized(bytes, width: 13, channels: 1, rectangle, size: size)
        #expect(found.allSatisfy { abs($0 - 201.0 / 255) < 1e-6 })
      }
    }
  }

  @Test func aFlipMirrorsTheView() {
    var stream = RandomStream(seed: 1)
    let bytes = (0..<(20 * 20 * 3)).map { _ in UInt8(stream.integer(below: 256)) }
    let part = CropRectangle(left: 2, top: 5, width: 11, height: 9)
    let plain = resized(bytes, width: 20, channels: 3, part, size: 8)
    let mirrored = resized(bytes, width: 20, channels: 3, part, flips: true, size: 8)
    for i in plain.indices { #expect(abs(mirrored[i] - plain[i / 8 * 8 + 7 - i % 8]) < 1e-6) }
  }

  @Test func tapsSumToOneAndStayInside() {
    for n in 1...40 {
      for m in [1, 3, 8, 16, 33] {
        let taps = ResampleTaps(from: n, to: m)
        for i in 0..<m {
          let weights = taps.weights[(i * taps.width)..<((i + 1) * taps.width)]
          #expect(abs(weights.reduce(0, +) - 1) < 1e-5)
          #expect(taps.first[i] >= 0 && taps.first[i] + taps.width <= n)
        }
      }
    }
  }

  // MARK: rectangles

  @Test func cropsLieInsideAndHaveTheAreaAndAspectThatWereAskedFor() {
    var stream = RandomStream(seed: 2)
    var (areas, aspects, lefts): ([Double], [Double], [Double]) = ([], [], [])
    let n = 4000
    for _ in 0..<n {
      let r = CropRectangle.drawn(width: 400, height: 400, scale: 0.1...0.5, ratio: 0.75...4.0 / 3, &stream)
      #expect(r.left >= 0 && r.top >= 0 && r.left + r.width <= 400 && r.top + r.height <= 400)
      areas.append(Double(r.width * r.height) / 160_000)
      aspects.append(Double(r.width) / Double(r.height))
      lefts.append(Double(r.left) / Double(400 - r.width))
    }
    #expect(areas.allSatisfy { $0 > 0.098 && $0 < 0.502 })
    #expect(aspects.allSatisfy { $0 > 0.74 && $0 < 1.35 })
    // Uniform area, log-uniform aspect, uniform place: quarters hold 1000 each, deviation 27.
    for (values, borders) in [
      (areas, [0.2, 0.3, 0.4]), (aspects, [0.8660, 1, 1.1547]), (lefts, [0.25, 0.5, 0.75]),
    ] {
      let counts = (0...3).map { q in
        values.count { v in borders.count { v >= $0 } == q }
      }
      for count in counts { #expect(abs(count - n / 4) < 130, "\(counts)") }
    }
  }

  @Test func theWholeImageIsTakenWhereNothingElseFits() {
    var stream = RandomStream(seed: 3)
    // A crop of the full area and aspect 1 fits a square only.
    #expect(
      CropRectangle.drawn(width: 9, height: 9, scale: 1...1, ratio: 1...1, &stream)
        == CropRectangle(left: 0, top: 0, width: 9, height: 9))
    // Otherwise the largest centred rectangle of an allowed aspect.
    #expect(
      CropRectangle.drawn(width: 40, height: 10, scale: 1...1, ratio: 0.75...2, &stream)
        == CropRectangle(left: 10, top: 0, width: 20, height: 10))
    #expect(
      CropRectangle.drawn(width: 10, height: 40, scale: 1...1, ratio: 0.5...2, &stream)
        == CropRectangle(left: 0, top: 10, width: 10, height: 20))
    #expect(
      CropRectangle.drawn(width: 30, height: 20, scale: 1...1, ratio: 1...1.4, &stream)
        == CropRectangle(left: 1, top: 0, width: 28, height: 20))
  }
}
