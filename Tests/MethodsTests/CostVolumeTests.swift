import Glibc
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Geometric
@testable import ReproScenes

@Suite struct CostVolumeTests {
  private func setting() -> (current: Tensor, lookups: [Lookup], k: Tensor, planes: [Real]) {
    var stream = RandomStream(seed: 6).child("volume")
    func features() -> Tensor { stream.uniform([2, 5, 9, 12]) }
    let current = features()
    let lookups = (0..<2).map { n in
      Lookup(features: features(), motion: stream.normal([2, 6], deviation: 0.04 * Real(n + 1)).rigidExponential())
    }
    let k = Tensor([2, 3, 3], [9, 0, 5.2, 0, 8, 3.6, 0, 0, 1, 11, 0, 5.8, 0, 10, 3.9, 0, 0, 1])
    return (current, lookups, k, [0.4, 0.7, 1, 1.6, 3])
  }

  /// The definition with the grid sampler, place by place.
  private func slow(
    _ current: Tensor, _ lookups: [Lookup], _ k: Tensor, _ planes: [Real]
  ) -> (costs: Tensor, observed: Tensor, lowest: Tensor) {
    let (b, h, w) = (current.shape[0], current.shape[2], current.shape[3])
    var costs: [Tensor] = []
    for depth in planes {
      var (sum, seen) = (Tensor.zeros([b, 1, h, w]), Tensor.zeros([b, 1, h, w]))
      for lookup in lookups {
        let pixels = projected(backprojected(Tensor.full([b, 1, h, w], depth), k), k, lookup.motion)
        let grid = samplingGrid(pixels, rows: h, columns: w, image: (h, w))
        let other = lookup.features.gridSampled(grid, alignsCorners: true)
        let (u, v) = (pixels.slice(1, 0..<1).reshaped([b, 1, h, w]), pixels.slice(1, 1..<2).reshaped([b, 1, h, w]))
        func within(_ x: Tensor, _ n: Int) -> Tensor {
          Tensor(2.0).isLess(x, orEqual: true) * x.isLess(Tensor(Real(n - 2)), orEqual: true)
        }
        let own = Tensor.ones([b, 1, h - 4, w - 4]).padded(axes: [2, 3], before: [2, 2], after: [2, 2])
        let cost: Tensor = (other - current).abs().mean(1, keepsAxis: true) * within(u, w) * within(v, h) * own
        sum = sum + cost
        seen = seen + Tensor(0.0).isLess(cost)
      }
      costs.append(sum / (seen + 1e-7))
    }
    let all = concat(costs, axis: 1)
    let missing = all.isEqual(Tensor(0))
    let filled: Tensor = all + missing * all.amax(1, keepsAxis: true)
    let places = select(filled.isEqual(Tensor(0)), Tensor(100), filled).argmin(1)
    return (
      filled, missing.sum(1, keepsAxis: true).isEqual(Tensor(0)),
      Tensor([b, 1, h, w], places.values.map { planes[$0] })
    )
  }

  @Test func theSweepAgreesWithTheDefinitionPlaneByPlane() {
    let (current, lookups, k, planes) = setting()
    for count in [1, 2] {
      let used = Array(lookups.prefix(count))
      let volume = planeSweep(current, used, intrinsics: k, planes: planes)
      let expected = slow(current, used, k, planes)
      #expect(expected.observed.sum().item > 10 && expected.observed.mean().item < 0.6)
      expectClose(volume.costs, expected.costs, tolerance: 1e-4)
      #expect(volume.isObserved.values == expected.observed.values)
      #expect(volume.lowest.values == expected.lowest.values)
      expectClose(volume.masked, expected.costs * expected.observed, tolerance: 1e-4)
    }
  }

  @Test func aMotionOfZerosIsAMissingFrameNotACameraAtRest() {
    let (current, lookups, k, planes) = setting()
    let gone = Lookup(features: lookups[0].features, motion: Tensor.zeros([2, 4, 4]))
    let nothing = planeSweep(current, [gone], intrinsics: k, planes: planes)
    #expect(nothing.costs.values.allSatisfy { $0 == 0 } && nothing.isObserved.values.allSatisfy { $0 == 0 })
    #expect(nothing.lowest.values.allSatisfy { $0 == planes[0] })
    // Beside another frame it does not count at all.
    let both = planeSweep(current, [lookups[1], gone], intrinsics: k, planes: planes)
    #expect(sameBits(both.costs, planeSweep(current, [lookups[1]], intrinsics: k, planes: planes).costs))
    let rest = Lookup(features: lookups[0].features, motion: Tensor.zeros([2, 6]).rigidExponential())
    #expect(planeSweep(current, [rest], intrinsics: k, planes: planes).isObserved.sum().item > 10)
  }

  @Test func theVolumeHasNoGradientEvenOfTheCurrentFeatures() {
    let (current, lookups, k, planes) = setting()
    let volume = planeSweep(current.tracked, lookups, intrinsics: k, planes: planes)
    #expect(!volume.costs.isTracked && !volume.lowest.isTracked && !volume.isObserved.isTracked)
  }

  @Test func threadsDoNotChangeABit() {
    let (current, lookups, k, planes) = setting()
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    let all = [1, 2, 5].map { threads in
      ThreadPool.shared.threads = threads
      return planeSweep(current, lookups, intrinsics: k, planes: planes)
    }
    #expect(all.allSatisfy { sameBits($0.costs, all[0].costs) && sameBits($0.lowest, all[0].lowest) })
  }

  @Test func theCheapestPlaneOfAStandingSceneIsItsDepth() throws {
    let data = try dataset(
      ScenesDrive.self,
      "size: [64, 96], frames: 3, moving: 0, sideways: 1, stride: [0.3, 0.4], outputs: [middle-depth, odometry]")
    let batch = try data.batch([1, 4, 6, 7], of: .train)
    guard case .reals(let depth) = batch["middle-depth"] else { return #expect(Bool(false), "no depth") }
    let sample = ClipSample(middleOf: batch, offsets: -1...1, unit: 1)
    // Features that see some surroundings: pixels and their means.
    func features(_ x: Tensor) -> Tensor {
      let near = x.padded(axes: [2, 3], before: [2, 2], after: [2, 2], .reflect)
      return concat([x * 0.2, near.averagePooled(5, stride: 1)], axis: 1)
    }
    let (nearest, farthest): (Real, Real) = (1 / 1.5, 1 / 25)
    let planes = (0..<40).map { (i: Int) -> Real in 1 / (nearest + (farthest - nearest) * Real(i) / 39) }
    let lookups = try [-1, 1].map {
      Lookup(features: features(sample.frame($0)), motion: try #require(sample.motions[$0]))
    }
    let volume = planeSweep(features(sample.frame(0)), lookups, intrinsics: sample.intrinsics, planes: planes)
    let truth = depth.expandedAxis(1)
    let known: Tensor = volume.isObserved * Tensor(1.6).isLess(truth) * truth.isLess(Tensor(12))
    let error = maskedMean((volume.lowest - truth).abs() / (truth + 1e-6), known).item
    // What a single distance for everything would give.
    let all = zip(truth.values, known.values).filter { $0.1 == 1 }.map(\.0).sorted()
    let middle = all[all.count / 2]
    let flat = maskedMean((truth - middle).abs() / (truth + 1e-6), known).item
    #expect(known.mean().item > 0.3 && error < 0.25 && error < 0.6 * flat, "\(error), one distance gives \(flat)")
  }

  /// Features that say where in the world a pixel of a wall looks, 2 units ahead: bilinear samples of them are exact, so the
  /// wall's plane costs nothing if pixel (i, j) of the coarse grid lies at (factor i, factor j).
  @Test(arguments: [2, 4]) func coarseGridsSitOnEveryFactorthPixel(_ factor: Int) {
    let (h, w) = (64 / factor, 96 / factor)
    let k = Tensor([1, 3, 3], [70, 0, 47.5, 0, 70, 31.5, 0, 0, 1])
    func features(depth: Real, eye: (Real, Real)) -> Tensor {
      Tensor([1, 2, h, w]) { p in
        for i in 0..<(h * w) {
          let (x, y) = (Real(i % w * factor), Real(i / w * factor))
          p[i] = depth * (x - 47.5) / 70 + eye.0
          p[h * w + i] = depth * (y - 31.5) / 70 + eye.1
        }
      }
    }
    // The earlier camera stands at (-0.3, -0.1, -0.5).
    let motion = Tensor([1, 4, 4], [1, 0, 0, 0.3, 0, 1, 0, 0.1, 0, 0, 1, 0.5, 0, 0, 0, 1])
    let volume = planeSweep(
      features(depth: 2, eye: (0, 0)), [Lookup(features: features(depth: 2.5, eye: (-0.3, -0.1)), motion: motion)],
      intrinsics: coarseIntrinsics(k, factor: factor), planes: [1.5, 2, 3])
    #expect(volume.isObserved.mean().item > 0.4)
    let seen = volume.isObserved.values
    let (costs, area) = (volume.costs.values, h * w)
    var others: Real = 0
    for i in 0..<area where seen[i] == 1 {
      #expect(costs[area + i] < 1e-5)
      others += costs[i] + costs[2 * area + i]
    }
    #expect(others > 0.1 * volume.isObserved.sum().item)
  }

  /// Fresh networks in training mode: how often the least cost is within one plane of the truth.
  @Test func aHalfOfTheResolutionTellsMoreOfTheDepthsOfSmallPicturesThanAQuarter() throws {
    let data = try dataset(
      ScenesDrive.self,
      "size: [64, 96], frames: 3, moving: 0, cues: weak, sideways: 1, stride: [0.5, 1.2], outputs: [middle-depth, odometry]"
    )
    let batch = try data.batch(Array(0..<8), of: .train)
    guard case .reals(let depth) = batch["middle-depth"] else { return #expect(Bool(false), "no depth") }
    let sample = ClipSample(middleOf: batch, offsets: -1...1, unit: 1)
    let planes = DepthBins(near: 2.2, far: 16, rate: 0).planes(16, inverse: true)
    func share(_ matching: MultiFrameNetwork.Matching) throws -> (right: Real, seen: Real) {
      var encoder = StagedEncoder(width: 12, blocks: [1, 1, 1, 1], random: RandomStream(seed: 4))
      let context = ForwardContext(random: RandomStream(seed: 5))
      let maps = [0, -1].map { encoder.early(sample.frame($0), context)[matching == .half ? 0 : 1] }
      let factor = matching.factor
      let volume = planeSweep(
        maps[0], [Lookup(features: maps[1], motion: try #require(sample.motions[-1]))],
        intrinsics: coarseIntrinsics(sample.intrinsics, factor: factor), planes: planes)
      let (h, w) = (64 / factor, 96 / factor)
      let (lowest, seen, truth) = (volume.lowest.values, volume.isObserved.values, depth.values)
      func nearest(_ d: Real) -> Int {
        planes.indices.min { abs(1 / planes[$0] - 1 / d) < abs(1 / planes[$1] - 1 / d) } ?? 0
      }
      var (right, count): (Real, Real) = (0, 0)
      for i in 0..<(8 * h * w) where seen[i] == 1 {
        let (b, row, column) = (i / (h * w), i / w % h, i % w)
        let d = truth[(b * 64 + row * factor) * 96 + column * factor]
        guard d > 1.2, d < 20 else { continue }
        count += 1
        if abs(nearest(d) - nearest(lowest[i])) <= 1 { right += 1 }
      }
      return (right / max(count, 1), volume.isObserved.mean().item)
    }
    let (half, quarter) = (try share(.half), try share(.quarter))
    #expect(half.right > 1.25 * quarter.right && half.right > 0.3, "\(half) \(quarter)")
    #expect(half.seen > 1.15 * quarter.seen, "\(half) \(quarter)")
  }

  @Test func binsFollowTheMeanOfTheExtremesOfEachPicture() {
    var bins = DepthBins(near: 0.1, far: 10, rate: 0.99)
    // Extremes 1, 4 and 3, 8: their means 2 and 6.
    bins.follow(Tensor([2, 1, 1, 3], [1, 2, 4, 8, 3, 5]), least: 0.1)
    expectClose(bins.limits, Tensor([2], [0.1 * 0.99 + 0.01 * 1.8, 10 * 0.99 + 0.01 * 6.6]), tolerance: 1e-5)
    bins.follow(Tensor([1, 1, 1, 2], [0.05, 1]), least: 0.1)
    #expect(close(bins.limits.values[0], (0.099 + 0.018) * 0.99 + 0.01 * 0.1, 1e-5))
    let linear = DepthBins(near: 1, far: 4, rate: 0).planes(4, inverse: false)
    #expect(linear == [1, 2, 3, 4])
    let inverse = DepthBins(near: 1, far: 4, rate: 0).planes(4, inverse: true)
    #expect(zip(inverse, [1, 4 / 3.0, 2, 4]).allSatisfy { abs(Double($0) - $1) < 1e-5 })
  }
}
