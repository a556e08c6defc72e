import Glibc
import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import Geometric
@testable import ReproData
@testable import ReproScenes

/// A data set made of options as a recipe writes them.
func dataset<D: DatasetProvider>(
  _ type: D.Type, _ yaml: String, seed: UInt64 = 3, mirror: String? = nil, cache: String = ""
)
  throws -> D
{
  var options = try Section(YAMLNode(parsing: "{\(yaml)}", file: "test.yaml"), name: "data")
  let data = try D(&options, root: DataRoot(cache: cache, mirror: mirror, seed: seed))
  try options.finish()
  return data
}

/// A camera of focal length f with its middle at (cx, cy), `[1, 3, 3]`.
func pinhole(_ f: Real, _ cx: Real, _ cy: Real) -> Tensor { Tensor([1, 3, 3], [f, 0, cx, 0, f, cy, 0, 0, 1]) }

@Suite struct CameraGeometryTests {
  private func random(_ name: String) -> RandomStream { RandomStream(seed: 4).child(name) }

  /// Two cameras with some motion between them, and a depth map.
  private func setting() -> (k: Tensor, motion: Tensor, depth: Tensor) {
    var stream = random("setting")
    let k = Tensor([2, 3, 3], [9, 0.1, 4.2, 0, 8, 2.6, 0, 0, 1, 11, 0, 3.8, 0, 10, 2.9, 0, 0, 1])
    let motion = stream.normal([2, 6], deviation: 0.2).rigidExponential()
    return (k, motion, stream.uniform([2, 1, 6, 8], 2, 5))
  }

  @Test func pixelsGoWhereTheEquationSaysPointByPoint() throws {
    let (k, motion, depth) = setting()
    let found = projected(backprojected(depth, k), k, motion)
    var worst = 0.0
    for b in 0..<2 {
      func entry(_ x: Tensor, _ i: Int, _ j: Int) -> Double { Double(x.select(0, b).select(0, i).select(0, j).item) }
      for y in 0..<6 {
        for x in 0..<8 {
          let d = Double(depth.select(0, b).select(0, 0).select(0, y).select(0, x).item)
          // K is an upper triangle: solved from below.
          let ray = { () -> [Double] in
            let v = (Double(y) - entry(k, 1, 2)) / entry(k, 1, 1)
            return [(Double(x) - entry(k, 0, 2) - entry(k, 0, 1) * v) / entry(k, 0, 0), v, 1]
          }()
          let point = (0..<3).map { i in
            (0..<3).reduce(entry(motion, i, 3)) { $0 + entry(motion, i, $1) * ray[$1] * d }
          }
          let q = (0..<3).map { i in (0..<3).reduce(0) { $0 + entry(k, i, $1) * point[$1] } }
          for i in 0..<2 {
            let own = Double(found.select(0, b).select(0, i).select(0, y * 8 + x).item)
            worst = max(worst, abs(own - q[i] / q[2]))
          }
        }
      }
    }
    #expect(worst < 1e-4, "\(worst)")
  }

  @Test func withoutMotionEveryPixelStaysAndTheWarpedPictureIsThePicture() {
    let (k, _, depth) = setting()
    var stream = random("picture")
    let image = stream.uniform([2, 3, 6, 8])
    let rest = Tensor.zeros([2, 6]).rigidExponential()
    expectClose(warped(image, depth: depth, intrinsics: k, motion: rest), image, tolerance: 1e-4)
  }

  @Test func theGradientsOfAWarpByDepthAndMotionAgreeWithDifferenceQuotients() {
    var stream = random("gradient")
    // A smooth picture: bilinear samples have kinks at pixels, which a difference quotient must not cross.
    let image = Tensor([1, 1, 6, 8]) { p in for i in 0..<48 { p[i] = Real(i % 8) * 0.3 + Real(i / 8) * 0.7 } }
    let depth = stream.uniform([1, 1, 6, 8], 3, 4)
    let twist = Tensor([1, 6], [0.05, 0.02, 0.1, 0.01, 0.02, 0.01])
    let k = pinhole(9, 3.5, 2.5)
    // The middle only: outside of the picture its border repeats, which is another kink.
    func value(_ depth: Tensor, _ twist: Tensor) -> Tensor {
      warped(image, depth: depth, intrinsics: k, motion: twist.rigidExponential()).slice(2, 2..<4).slice(3, 2..<6).sum()
    }
    let (d, t) = (depth.tracked, twist.tracked)
    let slopes = gradients(of: value(d, t), with: [d, t])
    let (alongDepth, alongTwist) = (stream.normal(depth.shape), stream.normal(twist.shape))
    let h: Real = 1e-2
    let byDepth = (value(depth + alongDepth * h, twist).item - value(depth - alongDepth * h, twist).item) / (2 * h)
    let byTwist = (value(depth, twist + alongTwist * h).item - value(depth, twist - alongTwist * h).item) / (2 * h)
    #expect(close((slopes[0] * alongDepth).sum().item, Double(byDepth), 0.02), "\(byDepth)")
    #expect(close((slopes[1] * alongTwist).sum().item, Double(byTwist), 0.02), "\(byTwist)")
  }

  @Test func trueDepthAndTrueMotionExplainTheNextFrameOfADrive() throws {
    let data = try dataset(
      ScenesDrive.self, "size: [64, 96], frames: 3, moving: 0, sideways: 0.5, outputs: [middle-depth, odometry]")
    let batch = try data.batch([0, 1, 2, 3], of: .train)
    let sample = ClipSample(middleOf: batch, offsets: -1...1, unit: 1)
    guard case .reals(let depth) = batch["middle-depth"] else { return #expect(Bool(false), "no depth") }
    let scene = Reprojection(sample, sources: [-1, 1], range: 0.1...100)
    let seen = depth.reshaped([4, 1, 64, 96])
    let valid = Tensor(0.0).isLess(seen)
    let motions = try [-1, 1].map { try #require(sample.motions[$0]) }
    func mean(_ error: Tensor) -> Double { Double(maskedMean(error, valid).item) }
    let right = mean(scene.error(depth: seen + (1 - valid), motions: motions))
    let wrong = mean(scene.error(depth: seen * 2 + (1 - valid), motions: motions))
    let swapped = mean(scene.error(depth: seen + (1 - valid), motions: motions.reversed()))
    #expect(right < 0.6 * mean(scene.identity), "\(right) against \(mean(scene.identity)) at rest")
    #expect(right < 0.7 * wrong && right < 0.6 * swapped, "\(right), doubled \(wrong), swapped \(swapped)")
  }

  @Test func aMirroredSampleIsExplainedByTheMirroredMotion() throws {
    let data = try dataset(
      ScenesDrive.self, "size: [64, 96], frames: 3, moving: 0, sideways: 1, outputs: [middle-depth, odometry]")
    let batch = try data.batch([5, 6], of: .train)
    guard case .reals(let depth) = batch["middle-depth"] else { return #expect(Bool(false), "no depth") }
    func error(flip: Double) throws -> Double {
      let sample = ClipSample(
        training: batch, offsets: -1...1, flip: flip, colour: 0, unit: 1, random: RandomStream(seed: 1))
      let own = depth.reshaped([2, 1, 64, 96])
      let seen = flip == 1 ? own.flipped(3) : own
      let motions = try [-1, 1].map { try #require(sample.motions[$0]) }
      let scene = Reprojection(sample, sources: [-1, 1], range: 0.1...100)
      return Double(maskedMean(scene.error(depth: seen + 0.01, motions: motions), Tensor(0.0).isLess(seen)).item)
    }
    #expect(close(try error(flip: 1), try error(flip: 0), 1e-3))
  }

  @Test func disparitiesCoverTheRangeOfDepths() {
    let depth = depthOfDisparity(Tensor([3], [0, 0.5, 1]), 0.1...100)
    expectClose(depth, Tensor([3], [100, 1 / (0.01 + 0.5 * 9.99), 0.1]), tolerance: 1e-4)
  }

  @Test func coarseFeaturesLieAtEveryFourthPixel() {
    let k = coarseIntrinsics(pinhole(70, 47.5, 31.5), factor: 4)
    expectClose(k, Tensor([1, 3, 3], [17.5, 0, 11.875, 0, 17.5, 7.875, 0, 0, 1]), tolerance: 1e-5)
  }
}

/// The same functions on photographs whose geometry others have measured.
@Suite("Geometry on real pictures", .enabled(if: realMirror() != nil, "skipped: no mirror (REPRO_MIRROR)"))
struct RealGeometryTests {
  /// Both pairs of Middlebury; their geometry with focal length 1000 and baseline 1: depth = 1000 / disparity.
  private func pairs() throws -> (left: Tensor, right: Tensor, disparity: Tensor) {
    try withTemporaryFolder { cache in
      let data = try dataset(MiddleburyStereo.self, "test: both", mirror: realMirror(), cache: cache)
      let batch = try data.batch([0, 1], of: .test)
      guard case .reals(let disparity) = batch["disparity"] else { throw ReproError(.data, found: "no disparity") }
      let plain = PixelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])
      return (batch.images("left").tensor(plain), batch.images("right").tensor(plain), disparity.expandedAxis(1))
    }
  }

  private let k = Tensor([2, 3, 3], [1000, 0, 224.5, 0, 1000, 187, 0, 0, 1, 1000, 0, 224.5, 0, 1000, 187, 0, 0, 1])
  /// The right camera stands one unit to the right, so points move to the left.
  private let motion = Tensor([2, 6], [-1, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0]).rigidExponential()

  @Test func measuredDisparitiesCarryTheRightPicturesOfMiddleburyOntoTheLeft() throws {
    let (left, right, disparity) = try pairs()
    let known = Tensor(0.5).isLess(disparity)
    let depth = (disparity + (1 - known)).reciprocal() * 1000
    func error(_ depth: Tensor, _ motion: Tensor) -> Real {
      maskedMean(
        (warped(right, depth: depth, intrinsics: k, motion: motion) - left).abs().mean(1, keepsAxis: true), known
      )
      .item
    }
    let own = error(depth, motion)
    #expect(own < 0.04, "\(own)")
    #expect(own < 0.5 * error(depth * 1.2, motion) && own < 0.4 * error(depth, motion.rigidInverse()))
  }

  @Test func aPlaneSweepFindsTheDepthsOfTheMiddleburyPairs() throws {
    let (left, right, disparity) = try pairs()
    let small = { (x: Tensor) in x.slice(2, 0..<372).slice(3, 0..<448).averagePooled(4) }
    // Means of 4 x 4 pixels lie 1.5 pixels further than their first one.
    let coarse = coarseIntrinsics(k - Tensor([3, 3], [0, 0, 1.5, 0, 0, 1.5, 0, 0, 0]), factor: 4)
    let planes = (0..<46).map { (i: Int) -> Real in 1000 / (10 + Real(i)) }
    let volume = planeSweep(
      small(left), [Lookup(features: small(right), motion: motion)], intrinsics: coarse, planes: planes)
    let found: Tensor = volume.lowest.reciprocal() * 1000
    // Where all sixteen pixels are measured and every plane is inside of the right picture.
    let cut = disparity.slice(2, 0..<372).slice(3, 0..<448)
    let known: Tensor = Tensor(0.999).isLess(Tensor(0.5).isLess(cut).averagePooled(4)) * volume.isObserved
    let off = (found - cut.averagePooled(4)).abs()
    let (good, far) = (maskedMean(off.isLess(Tensor(3)), known).item, maskedMean(off, known).item)
    // Without windows or smoothness, from sixteenths of the pixels.
    #expect(known.mean().item > 0.4 && good > 0.5, "\(good) of \(known.mean().item) within 3 pixels, mean \(far)")
  }

  @Test func kittiScansProjectWhereTheirCalibrationSays() throws {
    try withTemporaryFolder { cache in
      let root = DataRoot(cache: cache, mirror: realMirror(), seed: 1)
      let data = try dataset(KITTIObjectSample.self, "points: 100", mirror: realMirror(), cache: cache)
      let batch = try data.batch([0, 1, 2], of: .train)
      guard case .reals(let depths) = batch["depth"], case .reals(let intrinsics) = batch["intrinsics"] else {
        throw ReproError(.data, found: "no depth")
      }
      for frame in 0..<3 {
        let name = "calib/00000\(frame).txt"
        let calibration = try KITTICalibration(root.bytes(name, of: .kittiObjectSample), file: name)
        let k = intrinsics.slice(0, frame..<frame + 1)
        let toCamera = try motion(calibration, k)
        let scan = Tensor([data.scans[frame].count / 4, 4], data.scans[frame].map { Real($0) }).slice(1, 0..<3)
        let points = scan.expandedAxis(0).moved(by: toCamera).transposed()  // [1, 3, N]
        let pixels = projected(points, k, Tensor.zeros([1, 6]).rigidExponential())
        let (z, u, v) = (points.select(1, 2).values, pixels.select(1, 0).values, pixels.select(1, 1).values)
        var nearest = [Real](repeating: 0, count: 370 * 1224)
        for i in z.indices where z[i] > 0.1 && u[i] >= 0 && v[i] >= 0 && u[i] < 1224 && v[i] < 370 {
          let at = Int(v[i]) * 1224 + Int(u[i])
          if nearest[at] == 0 || z[i] < nearest[at] { nearest[at] = z[i] }
        }
        let truth = depths.select(0, frame).values
        // Float against Double: a few points fall into the pixel beside.
        let off = nearest.indices.count { abs(nearest[$0] - truth[$0]) > 0.01 }
        #expect(truth.count { $0 > 0 } > 10_000 && off < 40, "frame \(frame): \(off) pixels differ")
        try check(data.objects[frame], calibration, k, frame)
        back(depths.slice(0, frame..<frame + 1), k, points, pixels)
      }
    }
  }

  /// [R0 Tr | K^-1 p4]: from the scan's frame into camera 2's, `[1, 4, 4]`.
  private func motion(_ calibration: KITTICalibration, _ k: Tensor) throws -> Tensor {
    let r = Tensor([1, 3, 3], try calibration.matrix("R0_rect", count: 9).map { Real($0) })
    let tr = Tensor([1, 3, 4], try calibration.matrix("Tr_velo_to_cam", count: 12).map { Real($0) })
    let all = matmul(r, tr)
    let shift = try offset(calibration, k)
    return rigidMotion(rotation: all.slice(2, 0..<3), translation: all.select(2, 3) + shift)
  }

  /// Where camera 0 lies in the frame of camera 2: K^-1 p4, `[1, 3]`.
  private func offset(_ calibration: KITTICalibration, _ k: Tensor) throws -> Tensor {
    let p = try calibration.matrix("P2", count: 12)
    return matmul(k.inverse(), Tensor([1, 3, 1], [Real(p[3]), Real(p[7]), Real(p[11])])).squeezed(2)
  }

  /// The middle of a labelled object lies in its labelled box.
  private func check(_ objects: [KITTIObject], _ calibration: KITTICalibration, _ k: Tensor, _ frame: Int) throws {
    let whole = objects.filter { $0.truncation == 0 && $0.occlusion >= 0 && $0.location[2] > 0 }
    #expect(!whole.isEmpty)
    for object in whole {
      let middle = [object.location[0], object.location[1] - object.size[0] / 2, object.location[2]]
      let point = Tensor([1, 3], middle.map { Real($0) }) + (try offset(calibration, k))
      let pixel = projected(point.expandedAxis(2), k, Tensor.zeros([1, 6]).rigidExponential()).values
      #expect(
        Double(pixel[0]) > object.box[0] && Double(pixel[0]) < object.box[2] && Double(pixel[1]) > object.box[1]
          && Double(pixel[1]) < object.box[3], "frame \(frame), \(object.type): \(pixel) in \(object.box)")
    }
  }

  /// Back-projected pixels are the points that were seen there, but for the part of a pixel.
  private func back(_ depth: Tensor, _ k: Tensor, _ points: Tensor, _ pixels: Tensor) {
    let found = backprojected(depth.expandedAxis(1), k).values
    let (p, q, truth) = (points.values, pixels.values, depth.values)
    let (n, area) = (p.count / 3, 370 * 1224)
    let f = k.values[0]
    var (compared, worst): (Int, Real) = (0, 0)
    for i in stride(from: 0, to: n, by: 7) where p[2 * n + i] > 0.1 {
      let (u, v) = (q[i], q[n + i])
      guard u >= 0, v >= 0, u < 1224, v < 370 else { continue }
      let at = Int(v) * 1224 + Int(u)
      guard abs(truth[at] - p[2 * n + i]) < 1e-3 else { continue }
      compared += 1
      let reach = p[2 * n + i] / f  // a pixel at this distance
      worst = max(worst, max(abs(found[at] - p[i]), abs(found[area + at] - p[n + i])) / reach)
    }
    #expect(compared > 1000 && worst < 1.05, "\(worst) pixels over \(compared) points")
  }
}
