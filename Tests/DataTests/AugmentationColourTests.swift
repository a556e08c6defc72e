import Glibc
import ReproTensor
import Testing

@testable import ReproData

/// Changes of colour against their formulas in Double: torchvision's for floats, hue by way of HSV.
@Suite struct AugmentationColourTests {
  private let size = 7
  private var area: Int { size * size }

  /// Random planes with grey, black, white and primary pixels among them.
  private func image(_ channels: Int, seed: UInt64 = 1) -> [Float] {
    var stream = RandomStream(seed: seed)
    var pixels = (0..<(channels * area)).map { _ in Float(stream.uniform()) }
    let special: [[Float]] = [
      [0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1],
      [1, 0.5, 0.5],
    ]
    for (i, colour) in special.enumerated() { for c in 0..<channels { pixels[c * area + i] = colour[c] } }
    return pixels
  }

  private func changed(_ pixels: [Float], _ channels: Int, _ change: (PhotometricCanvas) -> Void) -> [Double] {
    var pixels = pixels
    pixels.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      change(PhotometricCanvas(pixels: start, channels: channels, size: size))
    }
    return pixels.map(Double.init)
  }

  private func luma(_ p: [Float], _ i: Int, _ channels: Int) -> Double {
    channels == 1
      ? Double(p[i])
      : 0.299 * Double(p[i]) + 0.587 * Double(p[area + i]) + 0.114 * Double(p[2 * area + i])
  }

  private func limited(_ x: Double) -> Double { min(max(x, 0), 1) }

  private func expect(_ found: [Double], _ expected: (Int) -> Double, _ label: String) {
    for (i, x) in found.enumerated() { #expect(abs(x - expected(i)) < 2e-6, "\(label), element \(i)") }
  }

  @Test(arguments: [1, 3], [0, 0.6, 1, 1.4]) func brightnessMultiplies(_ channels: Int, _ factor: Double) {
    let p = image(channels)
    expect(
      changed(p, channels) { $0.brightness(Float(factor)) }, { limited(Double(p[$0]) * factor) }, "brightness \(factor)"
    )
  }

  @Test(arguments: [1, 3], [0, 0.6, 1, 1.4]) func contrastBlendsWithTheMeanLuma(_ channels: Int, _ factor: Double) {
    let p = image(channels)
    let mean = (0..<area).reduce(0) { $0 + luma(p, $1, channels) } / Double(area)
    expect(
      changed(p, channels) { $0.contrast(Float(factor)) }, { limited(factor * Double(p[$0]) + (1 - factor) * mean) },
      "contrast \(factor)")
  }

  @Test(arguments: [0, 0.8, 1, 1.2]) func saturationBlendsWithTheLumaOfEachPixel(_ factor: Double) {
    let p = image(3)
    expect(
      changed(p, 3) { $0.saturation(Float(factor)) },
      { limited(factor * Double(p[$0]) + (1 - factor) * luma(p, $0 % area, 3)) }, "saturation \(factor)")
    #expect(changed(image(1), 1) { $0.saturation(Float(factor)) } == image(1).map(Double.init))
  }

  @Test func greyscaleIsTheLumaInAllChannels() {
    let p = image(3)
    expect(changed(p, 3) { $0.greyscale() }, { luma(p, $0 % area, 3) }, "grey")
    #expect(changed(image(1), 1) { $0.greyscale() } == image(1).map(Double.init))
  }

  @Test func solarizeInvertsFromTheThresholdOn() {
    let p = image(3)
    expect(
      changed(p, 3) { $0.solarize(0.5) }, { p[$0] >= 0.5 ? 1 - Double(p[$0]) : Double(p[$0]) }, "solarize")
    // Of bytes: 127 stays, 128 becomes 127.
    let bytes = changed([Float](repeating: 127.0 / 255, count: area), 1) { $0.solarize(0.5) }
    #expect(abs(bytes[0] - 127.0 / 255) < 1e-7)
    let above = changed([Float](repeating: 128.0 / 255, count: area), 1) { $0.solarize(0.5) }
    #expect(abs(above[0] - 127.0 / 255) < 1e-7)
  }

  /// The textbook's RGB -> HSV -> RGB.
  private func turned(_ rgb: [Double], _ turn: Double) -> [Double] {
    let (top, bottom) = (rgb.max() ?? 0, rgb.min() ?? 0)
    guard top > bottom else { return rgb }
    let chroma = top - bottom
    let place = rgb.firstIndex(of: top) ?? 0
    let sector = [(rgb[1] - rgb[2]) / chroma, (rgb[2] - rgb[0]) / chroma + 2, (rgb[0] - rgb[1]) / chroma + 4][place]
    var hue = sector / 6 + turn
    hue -= hue.rounded(.down)
    let part = Int(hue * 6)
    let f = hue * 6 - Double(part)
    let s = chroma / top
    let (p, q, t) = (top * (1 - s), top * (1 - s * f), top * (1 - s * (1 - f)))
    return [[top, t, p], [q, top, p], [p, top, t], [p, q, top], [t, p, top], [top, p, q]][part % 6]
  }

  @Test(arguments: [-0.5, -0.1, 0, 0.05, 0.1, 0.3333333, 0.5]) func hueTurnsTheColourCircle(_ turn: Double) {
    let p = image(3)
    let found = changed(p, 3) { $0.hue(Float(turn)) }
    for i in 0..<area {
      let expected = turned((0..<3).map { Double(p[$0 * area + i]) }, Double(Float(turn)))
      for c in 0..<3 {
        #expect(abs(found[c * area + i] - expected[c]) < 1e-5, "pixel \(i), channel \(c), turn \(turn)")
      }
    }
    #expect(changed(image(1), 1) { $0.hue(Float(turn)) } == image(1).map(Double.init))
  }

  @Test func aThirdOfTheCircleTakesRedToGreenAndGreenToBlue() {
    let red = changed([Float](repeating: 1, count: area) + [Float](repeating: 0, count: 2 * area), 3) {
      $0.hue(1.0 / 3)
    }
    #expect(abs(red[0]) < 1e-6 && abs(red[area] - 1) < 1e-6 && abs(red[2 * area]) < 1e-6)
  }

  @Test(arguments: [1, 3], [0.1, 0.5, 1, 2, 5]) func blurIsAGaussianWithReflectedEdges(_ channels: Int, _ sigma: Double)
  {
    let p = image(channels)
    let radius = min(max(1, Int((3 * sigma).rounded(.up))), size - 1)
    var kernel = (-radius...radius).map { Glibc.exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let sum = kernel.reduce(0, +)
    kernel = kernel.map { $0 / sum }
    func mirrored(_ i: Int) -> Int { i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i }
    expect(
      changed(p, channels) { $0.blur(sigma: Float(sigma)) },
      { i in
        let (c, y, x) = (i / area, i % area / size, i % size)
        var value = 0.0
        for dy in -radius...radius {
          for dx in -radius...radius {
            value +=
              kernel[dy + radius] * kernel[dx + radius]
              * Double(p[c * area + mirrored(y + dy) * size + mirrored(x + dx)])
          }
        }
        return value
      }, "sigma \(sigma)")
  }
}
