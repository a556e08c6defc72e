import Glibc
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct MapProtocolTests {
    private func depths(_ output: Tensor, _ truth: Tensor, masks: [UInt8]? = nil) -> FakeData {
      let (n, h, w) = (truth.shape[0], truth.shape[1], truth.shape[2])
      let kind = FieldKind.labelMap(height: h, width: w, classes: ["still", "mover"])
      let map = ImageBatch(
        count: n, height: h, width: w, channels: 1, bytes: masks ?? [UInt8](repeating: 0, count: n * h * w))
      return table(
        outputs: [("depth", output)],
        labels: [
          ("depth", .real(shape: [h, w], unit: "m"), .reals(truth)), ("mask", kind, .images(map)),
        ])
    }

    @Test func depthIsScoredMapByMap() throws {
      let truth = Tensor([2, 1, 2], [1, 2, 4, 0])
      let output = Tensor([2, 1, 2], [1, 3, 2, 7])
      let found = try make(Depth.self).values(depths(output, truth))
      expectNear(found["abs-rel"], (0.25 + 0.5) / 2)  // each sample counts once
      expectNear(found["rmse"], (0.5.squareRoot() + 2) / 2)
      #expect(found["left-out"] == 0)
      let scaled = try make(Depth.self, [("scaling", "median")]).values(depths(truth * 3, truth))
      expectNear(scaled["abs-rel"], 0, 1e-6)
      #expect(scaled["delta1"] == 1)
    }

    @Test func onlyTheRegionIsScoredAndTheScaleIsThatOfAllPixels() throws {
      // Half of the scale everywhere; the mover (last pixel) is off by another factor of 2.
      let truth = Tensor([1, 1, 4], [2, 4, 6, 8])
      let output = Tensor([1, 1, 4], [1, 2, 3, 8])
      let options = [("scaling", "median"), ("region", "mask"), ("classes", "[mover]")]
      let found = try make(Depth.self, options).values(depths(output, truth, masks: [0, 0, 0, 1]))
      expectNear(found["abs-rel"], 1)
      // Half of a picture must be shown; it is a quarter here.
      let enough = try make(Depth.self, options + [("share", "0.25")])
        .values(depths(output, truth, masks: [0, 0, 0, 1]))
      #expect(enough["left-out"] == 0)
      #expect(
        message {
          _ = try make(Depth.self, options + [("share", "0.5")]).values(depths(output, truth, masks: [0, 0, 0, 1]))
        }.contains("no test sample has a valid pixel"))
      #expect(message { _ = try make(Depth.self, [("share", "0.5")]) }.contains("unknown key 'share'"))
      let none = depths(output, truth)
      #expect(
        message { _ = try make(Depth.self, options).values(none) }
          == "depth/v1: no test sample has a valid pixel, expected truth within 0.001...80.0; set min and max to the range "
          + "of the data, or take another region")
      #expect(
        message { try make(Depth.self, [("region", "mask"), ("classes", "[car]")]).check(none.spec) }
          == "depth/v1: column 'mask' has no class 'car', expected 'still', 'mover'")
      #expect(message { _ = try make(Depth.self, [("classes", "[mover]")]) }.contains("has classes but no region"))
      #expect(message { _ = try make(Depth.self, [("min", "5"), ("max", "2")]) }.contains("max is '2'"))
      #expect(
        message { try make(Depth.self, [("column", "mask")]).check(none.spec) }.contains(
          "column 'mask' is a label map"))
    }

    @Test func smallerMapsAreResizedToTheTruth() throws {
      let truth = Tensor.full([1, 4, 6], 5)
      #expect(try make(Depth.self).values(depths(.full([1, 2, 3], 5), truth))["rmse"] == 0)
      // One channel may have an axis of its own.
      #expect(try make(Depth.self).values(depths(.full([1, 1, 2, 3], 5), truth))["rmse"] == 0)
      // Vectors of flow grow with their field.
      let flow = table(
        outputs: [("flow", Tensor.ones([1, 2, 3, 2]))],
        labels: [
          ("flow", .real(shape: [4, 9, 2], unit: "px"), .reals(Tensor.ones([1, 4, 9, 2]) * Tensor([2], [3, 2])))
        ])
      expectNear(try make(Flow.self).values(flow)["epe"], 0, 1e-6)
    }

    @Test func normalsAndFlowByHand() throws {
      let truth = Tensor([1, 1, 4, 3], [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2])
      let output = Tensor([1, 1, 4, 3], [1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1])
      let found = try make(Normals.self).values(
        table(outputs: [("normals", output)], labels: [("normals", .real(shape: [1, 4, 3], unit: "1"), .reals(truth))]))
      // 0, 90, void, 0
      expectNear(found["mean"], 30, 1e-5)
      #expect(abs(found["median"] ?? 1) < 1e-3)
      expectNear(found["within30"], 2.0 / 3)
      let flow = table(
        outputs: [("flow", .zeros([2, 1, 2, 2]))],
        labels: [
          ("flow", .real(shape: [1, 2, 2], unit: "px"), .reals(Tensor([2, 1, 2, 2], [3, 4, 300, 0, 0, 0, 0, 1])))
        ])
      let all = try make(Flow.self, [("limit", "10")]).values(flow)
      expectNear(all["epe"], (5 + 0.5) / 2)  // the long vector is void
      expectNear(all["fl"], 0.5)
    }

    @Test func picturesAreScoredLikeTheMetricsSay() throws {
      var stream = RandomStream(seed: 6)
      let bytes = (0..<(2 * 12 * 13 * 3)).map { _ in UInt8(stream.integer(below: 256)) }
      let truth = Tensor([2, 12, 13, 3], bytes.map { Real($0) / 255 })
      let output = truth + stream.normal(truth.shape, deviation: 0.1)
      let kind = FieldKind.image(height: 12, width: 13, channels: 3)
      let images = ImageBatch(count: 2, height: 12, width: 13, channels: 3, bytes: bytes)
      let found = try make(NovelView.self).values(
        table(outputs: [("image", output)], labels: [("target", kind, .images(images))]))
      let clamped = output.clamped(0, 1)
      func mean(_ value: (Tensor, Tensor) -> Double) -> Double {
        (0..<2).reduce(0) {
          $0 + value(clamped.select(0, $1).permuted([2, 0, 1]), truth.select(0, $1).permuted([2, 0, 1])) / 2
        }
      }
      expectNear(found["psnr"], mean { psnr($0, $1) })
      expectNear(found["ssim"], mean { ssim($0, $1) })
      #expect((found["scattering-distance"] ?? 0) > 1e-4)
      let same = try make(NovelView.self).values(
        table(outputs: [("image", truth)], labels: [("target", kind, .images(images))]))
      #expect((same["psnr"] ?? 0) > 99)
      expectNear(same["ssim"], 1, 1e-9)
      #expect((same["scattering-distance"] ?? 1) < 1e-9)
      #expect(
        message {
          try make(NovelView.self).check(
            encoderOf: EvaluationSubject(
              encoder: FakeEncoder(),
              data: table(outputs: [("image", .ones([2, 3]))], labels: [("target", kind, .images(images))])))
        }.contains("output 'image' has the shape [3] for a sample, expected the shape of 'target', [12, 13, 3]"))
    }

    @Test func maximaAreLookedForInTheMarkedRegion() throws {
      // 3 x 3 masks: marked in the middle, in a corner, nowhere; maps point to the middle.
      let masks: [UInt8] = [0, 0, 0, 0, 1, 0, 0, 0, 0] + [2, 0, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0, 0]
      let map = Tensor([3, 3], [0, 0, 0, 0, 5, 0, 0, 0, 0])
      let data = table(
        outputs: [("map", stack([map, map, map]))],
        labels: [
          (
            "mask", .labelMap(height: 3, width: 3, classes: ["none", "a", "b"]),
            .images(ImageBatch(count: 3, height: 3, width: 3, channels: 1, bytes: masks))
          )
        ])
      func found(_ classes: String) throws -> [String: Double] {
        try make(Localization.self, [("region", "mask"), ("classes", classes)]).values(data)
      }
      #expect(try found("[a, b]") == ["hit": 0.5, "center-hit": 0.5, "left-out": 1])
      #expect(try found("[b]") == ["hit": 0, "center-hit": 0, "left-out": 2])
      #expect(message { _ = try make(Localization.self) }.contains("has no 'region'"))
    }

    @Test func surfacesAndSignedDistancesByHand() throws {
      let truth = Tensor([1, 2, 6], [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1])
      let output = Tensor([1, 3, 6], [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1])
      let found = try make(Surface.self).values(
        table(outputs: [("surface", output)], labels: [("surface", .real(shape: [2, 6], unit: "1"), .reals(truth))]))
      expectNear(found["accuracy"], 1.0 / 3)
      expectNear(found["completeness"], 0)
      expectNear(found["chamfer"], 1.0 / 6)
      expectNear(found["f-score"], 2 * (2.0 / 3) / (1 + 2.0 / 3))
      // From the prediction 1, 0, 1; from the truth 1, 0 (the first of two equally near points counts).
      expectNear(found["normal-consistency"], (2.0 / 3 + 0.5) / 2, 1e-6)
      let distances = try make(SignedDistance.self).values(
        table(outputs: [("signed-distance", Tensor([2, 2], [0.1, 0.3, -0.2, 0]))]))
      expectNear(distances["bias"], 0.05, 1e-6)
      expectNear(distances["absolute-bias"], 0.15, 1e-6)
      expectNear(distances["magnitude"], 0.15, 1e-6)
    }
  }
}
