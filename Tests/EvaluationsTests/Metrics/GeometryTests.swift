import Glibc
import ReproTensor
import TestSupport
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct GeometryMetricTests {
    @Test func depthErrorsByHand() throws {
      // Truth 1, 2, 4, predicted 1, 3, 2; a fourth pixel has no truth.
      let e = try #require(
        DepthErrors(predicted: [1, 3, 2, 9], truth: [1, 2, 4, 0], scaling: .none))
      expectNear(e.absRel, (0 + 0.5 + 0.5) / 3)
      expectNear(e.sqRel, (0 + 0.5 + 1) / 3)
      expectNear(e.rmse, (5.0 / 3).squareRoot())
      expectNear(e.rmseLog, ((log(1.5) * log(1.5) + log(2) * log(2)) / 3).squareRoot())
      // Ratios 1, 1.5, 2 against 1.25, 1.5625, 1.953125.
      #expect(e.delta1 == 1.0 / 3 && e.delta2 == 2.0 / 3 && e.delta3 == 2.0 / 3)
      #expect(DepthErrors(predicted: [1], truth: [0], scaling: .none) == nil)
      let mean = try #require(DepthErrors(meanOf: [e, e]))
      expectNear(mean.absRel, e.absRel)
      #expect(DepthErrors(meanOf: []) == nil)
    }

    @Test func scalesAreTakenFromAllValidPixelsAndErrorsFromTheScoredOnes() throws {
      let (truth, half) = ([1.0, 2, 3, 4], [0.5, 1, 1.5, 4])
      // Median of the truth 2.5, of the prediction 1.25: factor 2; the last pixel is off by 4.
      let all = try #require(DepthErrors(predicted: half, truth: truth, scaling: .median))
      expectNear(all.absRel, 0.25)
      let three = try #require(DepthErrors(predicted: half, truth: truth, scaling: .median) { $0 < 3 })
      #expect(three.absRel == 0 && three.delta1 == 1)
      // Scale and shift are undone; what leaves the range is clamped.
      let shifted = try #require(
        DepthErrors(predicted: truth.map { 3 * $0 - 2 }, truth: truth, scaling: .affine))
      expectNear(shifted.rmse, 0)
      let clamped = try #require(DepthErrors(predicted: [1000, -5], truth: [10, 10], scaling: .none, range: 1...80))
      expectNear(clamped.rmse, ((70.0 * 70 + 81) / 2).squareRoot())
      // The least squares of the definition.
      let (p, t) = ([1.0, 2, 4, 7, 3], [2.0, 2.5, 5, 8, 5])
      let fitted = try #require(DepthErrors(predicted: p, truth: t, scaling: .affine))
      var best = Double.infinity
      for a in stride(from: 0.8, to: 1.4, by: 0.002) {
        for b in stride(from: 0.2, to: 2, by: 0.005) {
          best = min(best, zip(p, t).reduce(0) { $0 + (a * $1.0 + b - $1.1) * (a * $1.0 + b - $1.1) } / 5)
        }
      }
      expectNear(fitted.rmse, best.squareRoot(), 1e-3)
      #expect(fitted.rmse * fitted.rmse <= best)
    }

    @Test func anglesOfNormalsByHand() throws {
      let a = Tensor([4, 3], [1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0])
      let b = Tensor([4, 3], [1, 0, 0, 0, 1, 1, 0, 0, -3, 1, 0, 0])
      expectAllNear(anglesBetween(a, b), [0, 45, 180, 90], 1e-6)
      let e = try #require(NormalErrors(angles: [0, 10, 20, 30]))
      #expect(e.mean == 15 && e.median == 15 && e.within11 == 0.5 && e.within22 == 0.75 && e.within30 == 0.75)
      expectNear(e.rms, 350.0.squareRoot())
    }

    @Test func flowErrorsByHand() throws {
      let truth = Tensor([3, 2], [0, 0, 100, 0, 1, 1])
      let predicted = Tensor([3, 2], [3, 4, 104, 0, 1, 1])
      let e = try #require(FlowErrors(predicted: predicted, truth: truth))
      // Off by 5 (an outlier), by 4 (4 % of the length: none), by 0.
      expectNear(e.endPoint, 3)
      expectNear(e.outliers, 1.0 / 3)
      #expect(FlowErrors(predicted: predicted, truth: truth) { $0 == 2 }?.endPoint == 0)
      #expect(FlowErrors(predicted: predicted, truth: truth) { _ in false } == nil)
    }

    @Test func imagesAgreeWithScipyAndByHand() throws {
      let v = try MetricVectors()
      let (a, b) = (try v.tensor("image/a"), try v.tensor("image/b"))
      let expected = try v.doubles("image/expected")
      expectNear(psnr(a, b), expected[0], 1e-12, "PSNR (numpy)")
      expectNear(ssim(a, b), expected[1], 1e-12, "SSIM (scipy convolution)")
      #expect(psnr(a, a) == .infinity)
      expectNear(ssim(a, a), 1)
      expectNear(psnr(Tensor([2], [0, 255]), Tensor([2], [0, 254]), peak: 255), 10 * log10(2 * 255 * 255))
      expectNear(psnr(Tensor([2], [0, 1]), Tensor([2], [0.5, 0])) { $0 == 0 }, 10 * log10(4))
      // Two flat images: only the luminance term is left.
      expectNear(ssim(.full([1, 11, 11], 0.25), .full([1, 11, 11], 0.75)), (0.375 + 1e-4) / (0.625 + 1e-4), 1e-9)
    }

    @Test func distancesOfFeaturesAndPointsIntoRegionsByHand() {
      expectNear(frozenFeatureDistance(Tensor([2, 2], [2, 0, 0, 1]), Tensor([2, 2], [0, 3, 0, 5])), 1, 1e-6)
      let map = Tensor([2, 2], [0, 1, 0, 0])  // the maximum is the upper right cell
      var region = [Real](repeating: 0, count: 16)
      region[1 * 4 + 3] = 1  // its centre is row 1, column 3 of the 4 x 4 map
      #expect(pointsInto(map, region: Tensor([4, 4], region)))
      region[1 * 4 + 3] = 0
      region[0] = 1
      #expect(!pointsInto(map, region: Tensor([4, 4], region)))
      #expect(pointsInto(.zeros([2, 2]), region: Tensor([2, 2], [1, 0, 0, 0])))
    }

    @Test func surfacesAgreeWithTreesOfScipy() throws {
      let v = try MetricVectors()
      let e = SurfaceErrors(predicted: try v.tensor("surface/p"), truth: try v.tensor("surface/q"), threshold: 0.5)
      expectAllNear(
        [e.accuracy, e.completeness, e.precision, e.recall], try v.doubles("surface/expected"), 1e-12,
        "accuracy, completeness, precision, recall of surfaces (scipy cKDTree)")
      expectNear(e.chamfer, (e.accuracy + e.completeness) / 2)
      expectNear(e.fScore, 2 * e.precision * e.recall / (e.precision + e.recall))
      #expect(e.normalConsistency == nil)
    }

    @Test func surfacesByHand() {
      let (p, q) = (Tensor([2, 3], [0, 0, 0, 1, 0, 0]), Tensor([1, 3], [0, 0, 0]))
      let normals = (Tensor([2, 3], [0, 0, 1, 0, 1, 0]), Tensor([1, 3], [0, 0, -2]))
      let e = SurfaceErrors(predicted: p, truth: q, threshold: 0.1, normals: normals)
      #expect(e.accuracy == 0.5 && e.completeness == 0 && e.precision == 0.5 && e.recall == 1)
      // Opposite normals agree, a right angle does not: (1/2 + 1) / 2.
      expectNear(e.normalConsistency, 0.75, 1e-9)
      #expect(SurfaceErrors(predicted: p, truth: p + 9, threshold: 0.1).fScore == 0)
    }

    @Test func pointsLieEvenlyOnTheMesh() throws {
      // Two triangles in the plane z = 1, of areas 1/2 and 3/2.
      let mesh = TriangleMesh(
        vertices: Tensor([6, 3], [0, 0, 1, 1, 0, 1, 0, 1, 1, 10, 0, 1, 13, 0, 1, 10, 1, 1]),
        faces: IndexTensor([2, 3], [0, 1, 2, 3, 4, 5]))
      let (points, normals) = try #require(mesh.sampled(4000, random: RandomStream(seed: 1)))
      let all = rows(points)
      #expect(all.allSatisfy { abs($0[2] - 1) < 1e-6 && $0[0] >= 0 && $0[1] >= 0 })
      let first = all.filter { $0[0] < 5 }
      expectNear(Double(first.count) / 4000, 0.25, 0.03)
      #expect(first.allSatisfy { $0[0] + $0[1] <= 1 + 1e-6 })
      // The mean of a uniform triangle is its centre.
      expectNear(first.reduce(0) { $0 + $1[0] } / Double(first.count), 1.0 / 3, 0.03)
      #expect(rows(normals).allSatisfy { $0 == [0, 0, 1] })
      let flat = TriangleMesh(vertices: .zeros([3, 3]), faces: IndexTensor([1, 3], [0, 1, 2]))
      #expect(flat.sampled(10, random: RandomStream(seed: 1)) == nil)
    }

    @Test func voxelsByHand() {
      #expect(voxelIoU(Tensor([4], [1, 1, 0, 0]), Tensor([4], [1, 0, 1, 0])) == 1.0 / 3)
      #expect(voxelIoU(.zeros([2]), .zeros([2])) == 1)
      // Free 0, classes 1 and 2; truth 0 1 1 2, predicted 1 1 2 2.
      let s = SceneCompletion(Confusion(truth: [0, 1, 1, 2], predicted: [1, 1, 2, 2], classes: 3))
      #expect(s.completionIoU == 0.75 && s.precision == 0.75 && s.recall == 1)
      expectNear(s.meanIoU, (1.0 / 3 + 1.0 / 2) / 2)
      #expect(coverageAUC([0, 0.5, 1]) == 0.5)
      #expect(coverageAUC([0, 1, 1]) == 0.75)
    }

    @Test func alignedPosesAgreeWithScipysRotations() throws {
      let v = try MetricVectors()
      let (p, t) = (try v.tensor("pose/predicted"), try v.tensor("pose/truth"))
      let e = JointErrors(predicted: p, truth: t, alignment: .procrustes)
      expectAllNear(e.poseMeans, try v.doubles("pose/expected"), 1e-5, "PA-MPJPE (scipy align_vectors)")
      // Nothing nearby fits better: turn, scale and shift a little.
      let best = SimilarityTransform(from: p.select(0, 0), to: t.select(0, 0))
      let own = (best(p.select(0, 0)) - t.select(0, 0)).squared().sum().item
      var stream = RandomStream(seed: 1)
      for _ in 0..<30 {
        let turn = stream.normal([3], deviation: 0.05).axisAngleToMatrix()
        let moved =
          matmul(best(p.select(0, 0)), turn) * Real(stream.uniform(0.97, 1.03)) + stream.normal([3], deviation: 0.02)
        #expect((moved - t.select(0, 0)).squared().sum().item >= own)
      }
      // A mirror image is no rotation.
      let mirrored = t.select(0, 0) * Tensor([3], [-1, 1, 1])
      let mirror = SimilarityTransform(from: mirrored, to: t.select(0, 0))
      expectNear(Double(mirror.rotation.determinant().item), 1, 1e-5)
      #expect(
        JointErrors(predicted: mirrored.expandedAxis(0), truth: t.slice(0, 0..<1), alignment: .procrustes).mean > 0.1)
    }

    @Test func jointErrorsByHand() {
      let truth = Tensor([1, 2, 3], [0, 0, 0, 0, 0, 2])
      let predicted = Tensor([1, 2, 3], [1, 0, 0, 1, 0, 4])
      func mean(_ a: PoseAlignment) -> Double { JointErrors(predicted: predicted, truth: truth, alignment: a).mean }
      expectNear(mean(.none), (1 + 5.0.squareRoot()) / 2)
      #expect(mean(.root) == 1)
      #expect(mean(.scale) == 0)
      expectNear(mean(.procrustes), 0, 1e-6)
      let e = JointErrors(predicted: predicted, truth: truth, alignment: .root) { _, joint in joint == 1 }
      #expect(e.distances == [2] && e.shareWithin(1.9) == 0 && e.shareWithin(2) == 1)
      // Thresholds 1, 2, 3, 4: three of four reach 2.
      #expect(e.areaUnderPCK(limit: 4, steps: 4) == 0.75)
    }

    @Test func posesOfObjectsByHand() {
      let turn = Tensor([3], [0, 0, .pi / 2]).axisAngleToMatrix()
      let still = IndexTensor([0, 1, 2]).oneHot(3)
      expectNear(rotationAngle(turn, still), 90, 1e-5)
      expectNear(rotationAngle(Tensor([3], [0.001, 0, 0]).axisAngleToMatrix(), still), 0.001 * 180 / .pi, 1e-6)
      // A square that is turned by a quarter looks the same.
      let square = Tensor([4, 3], [1, 0, 0, 0, 1, 0, -1, 0, 0, 0, -1, 0])
      let e = RigidPoseErrors(predicted: (turn, .zeros([3])), truth: (still, Tensor([3], [0, 0, 3])), model: square)
      expectNear(e.translation, 3)
      expectNear(e.add, 11.0.squareRoot(), 1e-6)
      expectNear(e.addSymmetric, 3, 1e-6)
      expectNear(diameter(square), 2)
      expectNear(areaUnderAccuracy([0, 0.05, 0.2], limit: 0.1), 0.5)
      // The integral by small steps.
      let errors = [0.01, 0.03, 0.07, 0.5]
      let steps = (0..<100_000).map { t in Double(errors.count { $0 <= (Double(t) + 0.5) * 1e-6 }) / 4 }
      expectNear(areaUnderAccuracy(errors, limit: 0.1), steps.reduce(0, +) / 100_000, 1e-4)
      // The structure of poses: clusters decide.
      let centres = Tensor([2, 3], [0, 0, 0, 10, 0, 0])
      let clusters = KMeans(centres, from: centres)
      let (p, t) = (Tensor([2, 1, 3], [1, 0, 0, 9, 0, 0]), Tensor([2, 1, 3], [2, 0, 0, 1, 0, 0]))
      #expect(poseStructureScore(predicted: p, truth: t, clusters: clusters) == 0.5)
    }
  }
}
