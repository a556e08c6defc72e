import Glibc
import ReproNN
import ReproTensor
import Testing

@testable import Geometric

/// The weights along a ray: Eq. 10 to 13 of NeuS, and what the naive density does instead.
@Suite struct NeuSWeightTests {
  private static func logistic(_ u: Double) -> Double { 1 / (1 + exp(-u)) }

  /// A ray that meets planes at `zeros`: f falls through the first one with the slope -cosine.
  private static func plane(_ zero: Double, cosine: Double, count: Int) -> (depths: [Double], f: [Double]) {
    let depths = (0..<count).map { 2 * Double($0) / Double(count - 1) }
    return (depths, depths.map { (zero - $0) * cosine })
  }

  @Test func opacityAndWeightsAreThoseOfTheEquation() {
    var stream = RandomStream(seed: 3)
    let (r, n) = (5, 9)
    let f = stream.normal([r, n], deviation: 0.2)
    let slope = -stream.uniform([r, n])
    let lengths = stream.uniform([r, n], 0.02, 0.2)
    let s: Real = 37
    let found = unbiasedOpacity(distance: f, slope: slope, lengths: lengths, sharpness: Tensor([1], [s]))
    let weights = rayWeights(found).values
    for i in 0..<r {
      var left = 1.0
      for j in 0..<n {
        let k = i * n + j
        let half = Double(slope.values[k]) * Double(lengths.values[k]) / 2
        let before = Self.logistic((Double(f.values[k]) - half) * Double(s))
        let after = Self.logistic((Double(f.values[k]) + half) * Double(s))
        let alpha = min(max((before - after + 1e-5) / (before + 1e-5), 0), 1)
        #expect(abs(Double(found.values[k]) - alpha) < 1e-4)
        #expect(abs(Double(weights[k]) - alpha * left) < 1e-4)
        left *= 1 - alpha + 1e-7
      }
    }
  }

  /// The depth at which sections of a ray have the largest weight.
  private static func peak(_ rendering: Rendering, zero: Double, cosine: Double, sharpness: Double) -> Double {
    let (depths, f) = plane(zero, cosine: cosine, count: 4001)
    let step = depths[1] - depths[0]
    let lengths = Tensor.full([1, depths.count], Real(step))
    let distance = Tensor([1, depths.count], f.map { Real($0 - cosine * step / 2) })
    let s = Tensor([1], [Real(sharpness)])
    let opacity =
      rendering == .naive
      ? densityOpacity(logisticDensity(distance, sharpness: s), lengths: lengths)
      : unbiasedOpacity(distance: distance, slope: .full([1, f.count], Real(-cosine)), lengths: lengths, sharpness: s)
    let weights = rayWeights(opacity).values
    return depths[weights.indices.max { weights[$0] < weights[$1] } ?? 0] + step / 2
  }

  @Test(arguments: [20.0, 60, 200], [1.0, 0.5])
  func theUnbiasedWeightPeaksWhereTheDistanceIsZero(sharpness: Double, cosine: Double) {
    let found = Self.peak(.unbiased, zero: 1.1, cosine: cosine, sharpness: sharpness)
    // 1e-5 beside the logistic moves the peak by less than the width of a section at these sharpnesses.
    #expect(abs(found - 1.1) < 0.01 / (sharpness * cosine) + 1e-3)
  }

  /// The naive weight peaks where c (2 p - 1) = p (1 - p), p = Phi_s(f): for c = 1 the golden section, before the surface.
  @Test(arguments: [20.0, 60, 200], [1.0, 0.5])
  func theNaiveWeightPeaksInFrontOfTheSurface(sharpness: Double, cosine: Double) {
    let p = ((1 - 2 * cosine) + (1 + 4 * cosine * cosine).squareRoot()) / 2
    let shift = log(p / (1 - p)) / sharpness / cosine
    if cosine == 1 { #expect(abs(p - 0.6180339887) < 1e-9) }
    let found = Self.peak(.naive, zero: 1.1, cosine: cosine, sharpness: sharpness)
    #expect(shift > 0.4 / sharpness)
    #expect(abs(found - (1.1 - shift)) < 2e-3)
  }

  @Test func theNearerOfTwoSurfacesHasTheWeight() {
    // Into a body at 0.5, out at 0.8, into another one at 1.2.
    let depths = (0..<200).map { 2 * Double($0) / 200 }
    let f = depths.map { t in t < 0.65 ? 0.5 - t : t < 1 ? t - 0.8 : 1.2 - t }
    let slope = depths.map { t -> Real in t < 0.65 || t >= 1 ? -1 : 0 }
    let opacity = unbiasedOpacity(
      distance: Tensor([1, 200], f.map { Real($0) }), slope: Tensor([1, 200], slope), lengths: .full([1, 200], 0.01),
      sharpness: Tensor([1], [100]))
    let weights = rayWeights(opacity).values
    let (first, second) = (weights[..<100].reduce(0, +), weights[100...].reduce(0, +))
    #expect(first > 0.99 && second < 0.01)
  }

  @Test func deepInsideTheSmallConstantKeepsTheQuotientFinite() {
    let opacity = unbiasedOpacity(
      distance: Tensor([2], [-5, 5]), slope: Tensor([2], [-1, -1]), lengths: Tensor([2], [0.1, 0.1]),
      sharpness: Tensor([1], [2000]))
    #expect(opacity.values == [1, 1e-5 / (1 + 1e-5)])
  }

  @Test func theSlopeSharpensFromHalfACosineToItsNegativePart() {
    let cosine = Tensor([3], [-1, 0, 1])
    #expect(annealedSlope(cosine, progress: 0).values == [-1, -0.5, 0])
    #expect(annealedSlope(cosine, progress: 1).values.map { $0 + 0 } == [-1, 0, 0])
    #expect(annealedSlope(cosine, progress: 0.5).values == [-1, -0.25, 0])
  }

  // MARK: samples

  private static let rays = Rays(
    origins: Tensor([2, 3], [0, 0, -3, 0.2, 0, -3]), directions: Tensor([2, 3], [0, 0, 1, 0, 0, 1]))

  private static func sphere(_ places: Tensor) -> Tensor { places.squared().sum(1).sqrt() - 0.5 }

  @Test func samplesGatherAroundTheSurface() {
    let sampler = RaySampler(even: 16, important: 16, rounds: 2, rendering: .unbiased)
    let depths = sampler.depths(Self.rays, jitter: [0.25, -0.5], field: Self.sphere)
    #expect(depths.shape == [2, 32] && !depths.isTracked)
    for r in 0..<2 {
      let line = depths.select(0, r).values
      #expect(line == line.sorted())
      let x: Double = 0.2 * Double(r)
      let entry = 3 - (0.25 - x * x).squareRoot()
      // Even samples are 0.133 apart; 2 of them would be in this range.
      #expect(line.count { abs(Double($0) - entry) < 0.1 } >= 12, "\(line)")
    }
    let even = RaySampler(even: 5, important: 0, rounds: 1, rendering: .unbiased)
      .depths(Self.rays, jitter: nil, field: Self.sphere)
    #expect(even.select(0, 0).values == [2, 2.5, 3, 3.5, 4])
    #expect(sampler.lengths(of: Tensor([1, 3], [2, 2.5, 2.75])).values == [0.5, 0.25, 0.125])
  }

  @Test func quantilesOfEvenWeightsAreEven() {
    // A constant density that is thin has weights that are almost equal.
    let line = RayLine(depths: [0, 1, 2, 3, 4], values: [1e-9, 1e-9, 1e-9, 1e-9, 1e-9])
    let found = line.quantiles(4, .density, sharpness: 64)
    #expect(zip(found, [0.5, 1.5, 2.5, 3.5]).allSatisfy { abs($0 - $1) < 1e-3 }, "\(found)")
  }

  @Test func newSamplesAreMergedInOrder() {
    var line = RayLine(depths: [1, 2, 4], values: [10, 20, 40])
    line.insert([0.5, 3, 5], [5, 30, 50])
    #expect(line.depths == [0.5, 1, 2, 3, 4, 5] && line.values == [5, 10, 20, 30, 40, 50])
  }
}
