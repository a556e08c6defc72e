import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct ShapeProtocolTests {
    private func real(_ shape: Shape) -> FieldKind { .real(shape: shape, unit: "1") }

    @Test func cellsByHand() throws {
      let truth = Tensor([2, 1, 1, 4], [1, 1, 0, 0, 0, 0, 0, 1])
      let output = Tensor([2, 1, 1, 4], [0.9, 0.2, 0.9, 0, 0, 0, 0, 1])
      let data = table(outputs: [("voxels", output)], labels: [("voxels", real([1, 1, 4]), .reals(truth))])
      expectNear(try make(Voxels.self).values(data)["iou"], (1.0 / 3 + 1) / 2)
      expectNear(try make(Voxels.self, [("threshold", "0.1")]).values(data)["iou"], (2.0 / 3 + 1) / 2)
      // Classes 0 1 2 and one unknown cell; predicted 1 1 2.
      let classes = Tensor([1, 4], [0, 1, 2, -1])
      let logits = IndexTensor([1, 4], [1, 1, 2, 0]).oneHot(3)
      let scene = try make(SceneCompletionProtocol.self).values(
        table(outputs: [("voxel-logits", logits)], labels: [("voxels", real([4]), .reals(classes))]))
      expectNear(scene["completion-iou"], 2.0 / 3)
      expectNear(scene["miou"], (0.5 + 1) / 2)
      #expect(scene["recall"] == 1)
      #expect(
        message {
          _ = try make(SceneCompletionProtocol.self).values(
            table(outputs: [("voxel-logits", logits)], labels: [("voxels", real([4]), .reals(classes + 2))]))
        }.contains("sample 0 has class 3 in 'voxels', expected 0 to 2, or -1"))
    }

    @Test func jointsAreComparedUnderAllAlignments() throws {
      var stream = RandomStream(seed: 4)
      let truth = stream.normal([30, 5, 3])
      let turn = Tensor([3], [0.3, -0.2, 0.9]).axisAngleToMatrix()
      func found(_ output: Tensor) throws -> [String: Double] {
        try make(Poses.self, [("clusters", "4"), ("limit", "0.5")]).values(
          table(outputs: [("joints", output)], labels: [("joints", real([5, 3]), .reals(truth))]))
      }
      let shifted = try found(truth + 3)
      expectNear(shifted["mpjpe"], 0, 1e-5)
      #expect(shifted["pck"] == 1 && shifted["pss"] == 1 && (shifted["auc"] ?? 0) > 0.999)
      let scaled = try found(truth * 2 + 3)
      #expect((scaled["mpjpe"] ?? 0) > 0.5 && (scaled["n-mpjpe"] ?? 1) < 1e-5 && scaled["pss"] == 1)
      let turned = try found(matmul(truth * 2, turn) + 1)
      #expect((turned["n-mpjpe"] ?? 0) > 0.1 && (turned["pa-mpjpe"] ?? 1) < 1e-5)
      let noise = stream.normal([30, 5, 3])
      let noisy = try found(noise)
      let direct = JointErrors(predicted: noise, truth: truth, alignment: .root)
      expectNear(noisy["mpjpe"], direct.mean)
      expectNear(noisy["pck"], direct.shareWithin(0.5))
      #expect((noisy["pss"] ?? 1) < 0.6)
    }

    @Test func posesOfObjectsAndDirectionsByHand() throws {
      let pose = Tensor([3, 4], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0])
      let moved = pose + Tensor([3, 4], [0, 0, 0, 0.06, 0, 0, 0, 0, 0, 0, 0, 0])
      let model = Tensor([2, 3], [0, 0, 0, 1, 0, 0])
      let data = table(
        outputs: [("pose", stack([pose, moved]))],
        labels: [
          ("pose", real([3, 4]), .reals(stack([pose, pose]))), ("model", real([2, 3]), .reals(stack([model, model]))),
        ])
      let found = try make(ObjectPose.self).values(data)
      expectNear(found["add"], 0.03, 1e-6)
      expectNear(found["add-accuracy"], 1)
      expectNear(found["add-auc"], (1 + 0.4) / 2, 1e-6)
      expectNear(found["translation"], 0.03, 1e-6)
      #expect(found["rotation"] == 0)
      let directions = try make(Direction.self).values(
        table(
          outputs: [("direction", Tensor([2, 3], [1, 0, 0, 0, 2, 0]))],
          labels: [("direction", real([3]), .reals(Tensor([2, 3], [1, 0, 0, 1, 0, 0])))]))
      expectNear(directions["mean"], 45, 1e-6)
    }

    @Test func boxesAreThoseOfTheOutputs() throws {
      // One true box of class 1 in each of two pictures; the first is found, with a wrong class scored lower.
      let truth = Tensor([2, 2, 5], [0, 0, 0.5, 0.5, 1, 0, 0, 0, 0, -1, 0.5, 0.5, 1, 1, 1, 0, 0, 0, 0, -1])
      let boxes = Tensor([2, 1, 4], [0, 0, 0.5, 0.5, 0, 0, 0.2, 0.2])
      let scores = Tensor([2, 1, 2], [0.1, 0.9, 0.1, 0.8])
      let data = table(
        outputs: [("boxes", boxes), ("scores", scores)], labels: [("boxes", real([2, 5]), .reals(truth))])
      let found = try make(BoxDetection.self).values(data)
      expectNear(found["ap50"], 51.0 / 101)  // recall 1/2 at precision 1
      #expect(found["ar"] == 0.5)
      // The largest bright part: rows 1 and 2, columns 2 and 3 of a 4 x 4 map.
      var map = [Real](repeating: 0.1, count: 16)
      for i in [6, 7, 10, 11] { map[i] = 1 }
      map[12] = 0.9
      let maps = table(
        outputs: [("map", Tensor([2, 4, 4], map + map))],
        labels: [
          ("boxes", real([1, 4]), .reals(Tensor([2, 1, 4], [0.5, 0.25, 1, 0.75, 0, 0, 0.4, 0.4])))
        ])
      #expect(try make(CorrectLocalization.self).values(maps) == ["corloc": 0.5])
    }

    @Test func clustersOfPlacesAreMatchedToClassesOfPixels() throws {
      // Places are unit vectors of their class; masks show it at twice the resolution.
      let labels = (0..<(40 * 4)).map { ($0 * $0 + $0 / 3) % 3 }
      let places = IndexTensor([40, 2, 2], labels).oneHot(5)
      var bytes = [UInt8](repeating: 0, count: 40 * 16)
      for i in bytes.indices {
        let (image, pixel) = (i / 16, i % 16)
        bytes[i] = UInt8(labels[image * 4 + pixel / 8 * 2 + pixel % 4 / 2])
      }
      func world(_ bytes: [UInt8]) -> FakeData {
        table(
          inputs: [("places", places)],
          labels: [
            (
              "mask", .labelMap(height: 4, width: 4, classes: ["a", "b", "c"]),
              .images(ImageBatch(count: 40, height: 4, width: 4, channels: 1, bytes: bytes))
            )
          ])
      }
      #expect(try make(ClusterSegmentation.self).values(world(bytes)) == ["miou": 1, "pixel-accuracy": 1])
      // Every fourth pixel void and the rest right; one picture of another class is wrong.
      var spoilt = bytes
      for i in stride(from: 0, to: bytes.count, by: 4) { spoilt[i] = 255 }
      #expect(try make(ClusterSegmentation.self).values(world(spoilt))["pixel-accuracy"] == 1)
      for i in 0..<64 { spoilt[i] = spoilt[i] == 255 ? 255 : (bytes[i] + 1) % 3 }
      let wrong = try make(ClusterSegmentation.self).values(world(spoilt))
      expectNear(wrong["pixel-accuracy"], 0.9)
      // Two clusters cannot name three classes.
      #expect(
        (try make(ClusterSegmentation.self, [("clusters", "2")]).values(world(bytes))["pixel-accuracy"] ?? 1) < 0.8)
      let blind = EvaluationSubject(encoder: FakeEncoder(), data: classWorld(train: 3, test: 3))
      #expect(message { try make(ClusterSegmentation.self).check(encoderOf: blind) }.contains("no features of places"))
    }

    @Test func keypointsAreFoundWhereTheirPlaceHasGone() throws {
      // Twelve pictures of four by four places with features of their own, each turned over in columns for odd ones.
      var stream = RandomStream(seed: 2)
      let first = stream.normal([4, 4, 6])
      let places = stack((0..<12).map { $0 % 2 == 0 ? first : first.flipped(1) })
      let points = stack(
        (0..<12).map { i in
          Tensor([2, 3], i % 2 == 0 ? [0.125, 0.125, 1, 0.375, 0.625, 0] : [0.875, 0.125, 1, 0.625, 0.625, 1])
        })
      let data = table(
        inputs: [("places", places)],
        labels: [
          ("keypoints", real([2, 3]), .reals(points)),
          ("label", .identity(count: 2), .integers((0..<12).map { $0 / 6 })),
        ])
      let found = try make(Keypoints.self, [("pairs", "40"), ("alpha", "0.05")]).values(data)
      #expect(found["pck"] == 1 && (found["distance"] ?? 1) < 1e-6)
      #expect(message { try make(Keypoints.self, [("keypoints", "x")]).check(data.spec) }.contains("has the shape [2]"))
    }

    @Test func videosAreFollowed() throws {
      // An object of one place walks over four; the masks show it at twice the resolution.
      let places = stack((0..<4).map { t in IndexTensor([1, 4], (0..<4).map { $0 == t ? 1 : 0 }).oneHot(2) })
      let bytes = (0..<4).flatMap { t in (0..<16).map { UInt8($0 % 8 / 2 == t ? 7 : 0) } }
      let kind = FieldKind.frames(count: 4, height: 2, width: 8, channels: 1)
      func world(_ bytes: [UInt8]) -> FakeData {
        table(
          outputs: [("frames", places.expandedAxis(0))],
          labels: [
            ("masks", kind, .images(ImageBatch(count: 1, frames: 4, height: 2, width: 8, channels: 1, bytes: bytes)))
          ])
      }
      #expect(try make(VideoSegmentation.self).values(world(bytes)) == ["j-and-f": 1, "j": 1, "f": 1])
      // The truth stands still: only the first frame would be right.
      let still = (0..<4).flatMap { _ in Array(bytes[..<16]) }
      #expect((try make(VideoSegmentation.self).values(world(still))["j"] ?? 1) == 0)
      #expect(
        message { _ = try make(VideoSegmentation.self).values(world([UInt8](repeating: 0, count: 64))) }.contains(
          "no video has an object in its first frame"))
    }
  }
}
