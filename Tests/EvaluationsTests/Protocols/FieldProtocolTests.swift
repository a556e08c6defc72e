import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  /// Protocols for fields and scenes: level sets, depths along rays, distances at points that only the protocol knows, views.
  @Suite struct FieldProtocolTests {
    @Test func theBestLevelIsChosenForEachSample() throws {
      let truth = Tensor([2, 1, 6], [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1])
      // Sample 0: its third surface is nearest, 0.25 away; sample 1: its first one, 0.5 away.
      let output = Tensor([2, 3, 1, 3], [3, 0, 0, 0, 2, 0, 0, 0, 0.25, 1.5, 0, 0, 3, 0, 0, 1, 4, 0])
      let found = try make(SurfaceLevels.self).values(
        table(outputs: [("surfaces", output)], labels: [("surface", .real(shape: [1, 6], unit: "1"), .reals(truth))]))
      #expect(abs((found["chamfer"] ?? 9) - 0.375) < 1e-9 && found["level"] == 1)
      #expect(
        message {
          try make(SurfaceLevels.self).check(
            encoderOf: EvaluationSubject(
              encoder: FakeEncoder(), data: table(outputs: [("surfaces", .ones([2, 4, 3]))])))
        }.contains("output 'surfaces' has the shape [4, 3] for a sample, expected [levels, points, 3]"))
    }

    @Test func depthsAreComparedWhereBothExist() throws {
      let rays = Tensor(
        [2, 3, 4], [1.5, 1, 3, 2, 7, 9, 1, 2, 2, 2.25, 3, 2, 0, 0, 0, 2, 1, 1.5, 3, 2, 0, 4, 2, 2])
      let data = table(outputs: [("ray-depth", rays), ("spread", Tensor([2, 1], [0.25, 0.75]))])
      let found = try make(RayDepth.self).values(data)
      // Sample 0: 0.5 and -0.25; sample 1: -0.5.
      #expect(abs((found["bias"] ?? 9) - (0.125 - 0.5) / 2) < 1e-9)
      #expect(abs((found["absolute-bias"] ?? 9) - (0.125 + 0.5) / 2) < 1e-9)
      #expect(abs((found["magnitude"] ?? 9) - (0.375 + 0.5) / 2) < 1e-9)
      #expect(abs((found["share"] ?? 9) - 0.5) < 1e-9 && found["spread"] == 0.5)
      #expect(abs((found["unmatched"] ?? 9) - 1 / 3.0) < 1e-9)
      #expect(
        message {
          try make(RayDepth.self).check(
            encoderOf: EvaluationSubject(encoder: FakeEncoder(), data: table(outputs: [("ray-depth", rays)])))
        }.contains("the method gives no output 'spread'"))
    }

    @Test func aFieldWithoutASurfaceIsWorseThanAnyThatHasOne() throws {
      func errors(_ rays: Tensor) throws -> [String: Double] {
        try make(RayDepth.self).values(
          table(outputs: [("ray-depth", rays), ("spread", Tensor([1, 1], [0.25]))]))
      }
      // Two rays of length 2 and 1: empty; only in the pictures; a surface as wrong as it can be on one ray.
      let empty = try errors(Tensor([1, 2, 4], [0, 0, 0, 2, 0, 0, 0, 1]))
      let fog = try errors(Tensor([1, 2, 4], [3, 0, 1, 2, 3, 0, 1, 1]))
      let wrong = try errors(Tensor([1, 2, 4], [3.4, 1.5, 3, 2, 0, 0, 0, 1]))
      for name in ["magnitude", "absolute-bias", "bias"] {
        #expect(empty[name] == 2 && fog[name] == 2 && abs((wrong[name] ?? 9) - 1.9) < 1e-6, "\(name)")
      }
      #expect(empty["share"] == 0 && empty["unmatched"] == 0 && fog["unmatched"] == 1)
    }

    /// Answers queries with their distance from a sphere of radius 1, and sees nothing else.
    private struct SphereEncoder: Encoder {
      let seen = Log<[String]>()
      func features(of batch: Batch) throws -> Features {
        seen.add(batch.columns.map(\.name))
        guard case .reals(let queries)? = batch["queries"] else { return Features(global: .ones([batch.count, 1])) }
        let points = queries.slice(2, 0..<3)
        return Features(
          global: .ones([batch.count, 1]), outputs: ["signed-distance": points.squared().sum(-1).sqrt() - 1])
      }
    }

    @Test func pointsOfTheTruthAreHandedOverByTheProtocolAlone() throws {
      let points = Tensor([2, 2, 4], [0, 2, 0, 5, 0, 0, 1.5, 5, 0.5, 0, 0, 5, 0, -1, 0, 5])
      let data = table(
        inputs: [("x", .ones([2, 1]))], labels: [("points", .real(shape: [2, 4], unit: "1"), .reals(points))])
      let encoder = SphereEncoder()
      let found = try make(SignedDistance.self, [("column", "points")]).values(data, encoder: encoder)
      #expect(abs((found["bias"] ?? 9) - (0.75 - 0.25) / 2) < 1e-6)
      #expect(abs((found["absolute-bias"] ?? 9) - 0.5) < 1e-6 && abs((found["magnitude"] ?? 9) - 0.5) < 1e-6)
      #expect(encoder.seen.all.allSatisfy { $0 == ["x", "queries"] })
      #expect(
        message { _ = try make(SignedDistance.self, [("column", "points")]).values(data) }
          .contains("the method gives no output 'signed-distance' [points] for a column 'queries'"))
      #expect(
        message { try make(SignedDistance.self, [("column", "x")]).check(data.spec) }
          .contains("column 'x' has the shape [1], expected [points, 3 or more]"))
    }

    @Test func someOfAScenesViewsAreComparedWithWhatTheMethodMaySee() throws {
      var stream = RandomStream(seed: 6)
      let bytes = (0..<(4 * 12 * 12 * 3)).map { _ in UInt8(stream.integer(below: 256)) }
      let views = Tensor([4, 12, 12, 3], bytes.map { Real($0) / 255 })
      // Two of four views: numbers 0 and 2; the second one is spoilt.
      let output = stack([views.select(0, 0), views.select(0, 2) * 0.5]).expandedAxis(0)
      let images = ImageBatch(count: 1, frames: 4, height: 12, width: 12, channels: 3, bytes: bytes)
      func scenes(isLabel: Bool) -> FakeData {
        FakeData(
          [
            FieldSpec("x", .real(shape: [1], unit: "1"), isLabel: false),
            FieldSpec("out-image", .real(shape: [2, 12, 12, 3], unit: "1"), isLabel: false),
            FieldSpec("views", .frames(count: 4, height: 12, width: 12, channels: 3), isLabel: isLabel),
          ],
          [.test: [("x", .reals(.ones([1, 1]))), ("out-image", .reals(output)), ("views", .images(images))]])
      }
      let half = psnr(
        (views.select(0, 2) * 0.5).permuted([2, 0, 1]), views.select(0, 2).permuted([2, 0, 1]))
      for isLabel in [true, false] {
        let found = try make(NovelView.self, [("column", "views")]).values(scenes(isLabel: isLabel))
        #expect(abs((found["psnr"] ?? 0) - (100 + half) / 2) < 1e-3)
      }
    }

    @Test func aSmallSplitIsEncodedOnce() throws {
      let encoder = FakeEncoder()
      let subject = EvaluationSubject(
        encoder: encoder, data: table(outputs: [("depth", .ones([3, 20, 20]))], train: false))
      var shapes: [Shape?] = []
      for _ in 0..<3 { try subject.forEachChunk(of: .test) { shapes.append($0.features.outputs["depth"]?.shape) } }
      #expect(encoder.samples == 3 && shapes == [[3, 20, 20], [3, 20, 20], [3, 20, 20]])
    }
  }
}
