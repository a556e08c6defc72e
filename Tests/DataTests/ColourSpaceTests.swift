import Glibc
import ReproData
import ReproTensor
import Testing

/// Colour spaces against their formulas in Double and against numbers that others published.
@Suite struct ColourSpaceTests {
  /// CIE L*a*b* of one sRGB colour, written out.
  private func lab(_ rgb: [Double]) -> [Double] {
    let linear = rgb.map { $0 <= 0.04045 ? $0 / 12.92 : pow(($0 + 0.055) / 1.055, 2.4) }
    let x = (0.412453 * linear[0] + 0.357580 * linear[1] + 0.180423 * linear[2]) / 0.95047
    let y = 0.212671 * linear[0] + 0.715160 * linear[1] + 0.072169 * linear[2]
    let z = (0.019334 * linear[0] + 0.119193 * linear[1] + 0.950227 * linear[2]) / 1.08883
    let f = [x, y, z].map { $0 > 0.008856 ? cbrt($0) : 7.787 * $0 + 16.0 / 116 }
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]
  }

  private func planes(_ colours: [[Double]]) -> Tensor {
    Tensor([1, 3, 1, colours.count], (0..<3).flatMap { c in colours.map { Real($0[c]) } })
  }

  @Test func labAgreesWithItsFormulaForAnyColour() {
    var stream = RandomStream(seed: 3)
    let colours =
      [[0, 0, 0], [1, 1, 1], [0.04, 0.04, 0.04], [0.05, 0, 0.001]]
      + (0..<60).map { _ in (0..<3).map { _ in stream.uniform() } }
    let found = planes(colours).sRGBToLab().values
    for (i, colour) in colours.enumerated() {
      let expected = lab(colour)
      for c in 0..<3 {
        #expect(abs(Double(found[c * colours.count + i]) - expected[c]) < 2e-3, "\(colour), channel \(c)")
      }
    }
  }

  /// L, a and b of sRGB's primaries as printed in tables; their extremes are the constants by which CMC's code scales.
  @Test(
    arguments: [
      ([1, 0, 0], [53.241, 80.092, 67.203]), ([0, 1, 0], [87.735, -86.183, 83.179]),
      ([0, 0, 1], [32.297, 79.188, -107.860]),
      ([1, 1, 0], [97.139, -21.554, 94.478]), ([1, 0, 1], [60.324, 98.234, -60.825]), ([1, 1, 1], [100, 0, 0]),
      ([0, 0, 0], [0, 0, 0]),
    ] as [([Double], [Double])])
  func labOfPrimariesIsThatOfTheTables(_ rgb: [Double], _ expected: [Double]) {
    for (x, y) in zip(planes([rgb]).sRGBToLab().values, expected) { #expect(abs(Double(x) - y) < 0.02, "\(rgb)") }
  }

  @Test func greysHaveNoColourAndLumaIsWeighted() {
    let grey = planes([[0.3, 0.3, 0.3]])
    let lab = grey.sRGBToLab().values
    #expect(abs(lab[1]) < 0.01 && abs(lab[2]) < 0.01)
    let y = grey.sRGBToYDbDr().values
    #expect(abs(y[0] - 0.3) < 1e-6 && abs(y[1]) < 1e-6 && abs(y[2]) < 1e-6)
    let red = planes([[1, 0, 0]]).sRGBToYDbDr().values
    #expect(abs(red[0] - 0.299) < 1e-6 && abs(red[1] + 0.45) < 1e-6 && abs(red[2] + 1.333) < 1e-6)
  }

  @Test func labHasFiniteSlopesAtBlack() {
    let x = Tensor([1, 3, 1, 2], [0, 0.5, 0, 0.2, 0, 0.9]).tracked
    let slope = gradients(of: x.sRGBToLab().sum(), with: [x])[0]
    #expect(slope.values.allSatisfy { $0.isFinite })
  }
}

/// Crops of several maps that stay aligned.
@Suite struct AlignedCropTests {
  private let n = 6
  private let h = 20
  private let w = 24

  /// Random images and the same numbers as a map of reals.
  private func pair(_ channels: Int) -> (images: ImageBatch, maps: Tensor) {
    var stream = RandomStream(seed: 8)
    let bytes = (0..<(n * h * w * channels)).map { _ in UInt8(stream.integer(below: 256)) }
    return (
      ImageBatch(count: n, height: h, width: w, channels: channels, bytes: bytes),
      Tensor([n, h, w, channels], bytes.map { Real($0) / 255 })
    )
  }

  private func crops(flip: Double = 0.5) -> AlignedCrops {
    AlignedCrops(
      count: n, height: h, width: w, size: 9, scale: 0.2...0.9, flip: flip, random: RandomStream(seed: 2).child("view"))
  }

  @Test func imagesAndMapsAreCutAtTheSamePlace() {
    let (images, maps) = pair(3)
    let (a, b) = (crops().planes(of: images), crops().planes(of: maps))
    #expect(a.shape == [n, 3, 9, 9] && b.shape == a.shape)
    #expect((a - b).abs().values.allSatisfy { $0 < 1e-5 })
    #expect(Set(crops().placements.map(\.flips)) == [true, false])
  }

  @Test func aFlipTurnsTheSignOfMirroredChannelsOnly() {
    let maps = pair(3).maps
    let (plain, turned) = (crops().planes(of: maps), crops().planes(of: maps, mirrored: [0]))
    for (i, place) in crops().placements.enumerated() {
      let (p, t) = (plain.select(0, i), turned.select(0, i))
      #expect((t.select(0, 0) - p.select(0, 0) * (place.flips ? -1 : 1)).abs().values.allSatisfy { $0 < 1e-6 })
      #expect((t.slice(0, 1..<3) - p.slice(0, 1..<3)).abs().values.allSatisfy { $0 == 0 })
    }
  }

  @Test func viewPoliciesCutTheSameCropsOfTheSameStream() {
    let images = pair(3).images
    var policy = ViewPolicy(size: 9, scale: 0.2...0.9)
    policy.flip = 0.5
    let seen = policy.views(of: images, random: RandomStream(seed: 2).child("view"))
    #expect((seen - (crops().planes(of: images) - 0.5) * 4).abs().values.allSatisfy { $0 < 1e-5 })
  }

  @Test func theWholeMapAtItsOwnSizeIsItself() {
    let maps = Tensor([1, 5, 5], (0..<25).map { Real($0) })
    let whole = AlignedCrops(
      [.init(CropRectangle(left: 0, top: 0, width: 5, height: 5), flips: false)], height: 5, width: 5, size: 5)
    #expect(whole.planes(of: maps).values == maps.values)
    let mirrored = AlignedCrops(
      [.init(CropRectangle(left: 0, top: 0, width: 5, height: 5), flips: true)], height: 5, width: 5, size: 5)
    #expect(mirrored.planes(of: maps).values.prefix(5).elementsEqual([4, 3, 2, 1, 0]))
  }

  @Test func theSameBitsForAnyNumberOfThreads() {
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    let (images, maps) = pair(2)
    let results = [1, 3].map { threads in
      ThreadPool.shared.threads = threads
      return crops().planes(of: images).values + crops().planes(of: maps, mirrored: [1]).values
    }
    #expect(results[0] == results[1])
  }
}
