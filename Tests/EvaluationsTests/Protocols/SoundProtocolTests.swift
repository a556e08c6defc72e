import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct SoundProtocolTests {
    // MARK: correspondence

    /// Twelve samples of three classes whose score is the column that is exchanged: sample i scores `own[i]`.
    private func scored(_ own: [Real], classes: Int = 3, together: [Real]? = nil) -> FakeData {
      table(
        outputs: [("score", Tensor([12], own)), ("better", Tensor([12], together ?? own))],
        labels: [
          (
            "kind", .category(classes: Array(classNames.prefix(3))), .integers((0..<12).map { $0 % classes })
          )
        ])
    }

    private let keys = [("output", "score"), ("swap", "out-score"), ("match", "kind")]

    @Test func everySampleIsAskedForWithItsOwnViewAndWithOneOfAnotherClass() throws {
      let own: [Real] = [1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, 12]
      let data = scored(own)
      let found = try make(ViewCorrespondence.self, keys).values(data)
      let labels = (0..<12).map { $0 % 3 }
      let partners = try ViewCorrespondence.partners(of: labels, random: RandomStream(seed: 7))
      #expect(partners.indices.allSatisfy { labels[partners[$0]] != labels[$0] })
      let hits = own.count { $0 > 0 }
      let rejected = partners.count { own[$0] <= 0 }
      expectNear(found["accuracy"], Double(hits + rejected) / 24)
      expectNear(found["recall"], Double(hits) / 12)
      // Of the eleven others of a sample, three are of its class.
      expectNear(found["same-class"], 3.0 / 11)
      var wins = 0.0
      for a in own { for p in partners { wins += a > own[p] ? 1 : a == own[p] ? 0.5 : 0 } }
      expectNear(found["auc"], wins / 144)
    }

    @Test func samplesAsTheyAreCanBeGivenAnotherColumn() throws {
      let data = scored([Real](repeating: -1, count: 12), together: [Real](repeating: 1, count: 12))
      let honest = try make(ViewCorrespondence.self, keys).values(data)
      expectNear(honest["accuracy"], 0.5)
      expectNear(honest["recall"], 0)
      let leaky = try make(ViewCorrespondence.self, keys + [("together", "out-better")]).values(data)
      expectNear(leaky["accuracy"], 1)
      expectNear(leaky["auc"], 1)
    }

    @Test func correspondenceRefusesWhatItCannotMeasure() throws {
      let data = scored([Real](repeating: 1, count: 12))
      #expect(
        message { _ = try make(ViewCorrespondence.self, [("swap", "x"), ("match", "x")]).values(data) }.contains("'x'"))
      #expect(
        message {
          _ = try make(ViewCorrespondence.self, [("output", "score"), ("swap", "kind"), ("match", "kind")]).values(data)
        }
        .contains("'kind'"))
      #expect(
        message { _ = try make(ViewCorrespondence.self, [("swap", "out-score"), ("match", "kind")]).values(data) }
          .contains("'correspondence'"))
      #expect(
        message {
          _ = try make(ViewCorrespondence.self, keys).values(scored(.init(repeating: 1, count: 12), classes: 1))
        }
        .contains("one class"))
    }

    // MARK: the thing that is heard

    /// Pictures of 8 x 8 pixels with thing 1 above on the left (2 x 2) and thing 2 below on the right (3 x 3); maps of
    /// 4 x 4 cells with one peak each.
    private func world(own: [Int], rival: [Int], hidden: Int = 0) -> FakeData {
      func peaks(_ cells: [Int]) -> Tensor {
        Tensor([cells.count, 4, 4]) { values in
          for (i, cell) in cells.enumerated() { for k in 0..<16 { values[i * 16 + k] = k == cell ? 1 : 0 } }
        }
      }
      var bytes: [UInt8] = []
      for sample in own.indices {
        for y in 0..<8 {
          for x in 0..<8 {
            bytes.append((1...2).contains(y) && (1...2).contains(x) ? 1 : y >= 5 && x >= 5 && sample >= hidden ? 2 : 0)
          }
        }
      }
      return table(
        outputs: [("map", peaks(own))],
        labels: [
          ("rival", .real(shape: [4, 4], unit: "1"), .reals(peaks(rival))),
          (
            "masks", .frames(count: 1, height: 8, width: 8, channels: 1),
            .images(ImageBatch(count: own.count, height: 8, width: 8, channels: 1, bytes: bytes))
          ),
        ])
    }

    private let sounding = [("sound", "out-map"), ("pixels", "3"), ("constants", "1")]

    // Cell 5 is in the middle of thing 1's quarter: row 1, column 1 covers pixels 2 and 3; cell 0 pixels 0 and 1.
    @Test func aMapThatFollowsTheSoundHitsBothThings() throws {
      let found = try make(SoundingObject.self, sounding).values(
        world(own: [Int](repeating: 0, count: 6), rival: [Int](repeating: 15, count: 6)))
      // Enlarged four by four cells peak at pixel 0 or 1 of thing 1's corner, and at 6 or 7 of the other's.
      expectNear(found["swap-right"], 1)
      expectNear(found["left-out"], 0)
      expectNear(found["largest-hit"], 0)
      expectNear(found["center-hit"], 0)
    }

    @Test func aMapThatDoesNotListenIsRightHalfOfTheTimeExactly() throws {
      for cell in [0, 3, 6, 15] {
        let same = [Int](repeating: cell, count: 6)
        let found = try make(SoundingObject.self, sounding).values(world(own: same, rival: same))
        expectNear(found["swap-right"], 0.5)
        #expect((found["swap-hit"] ?? 1) <= 0.5)
        expectNear(found["constant-hit"], found["hit"] ?? -1)
      }
    }

    @Test func hitsAreCountedByTheBoxAndHiddenThingsLeaveThePictureOut() throws {
      // Cell 10 enlarges to a peak at pixels 4 and 5 of both axes: inside of thing 2's box from 5 on.
      let found = try make(SoundingObject.self, sounding).values(
        world(own: [5, 5, 5, 15, 15, 15], rival: [15, 15, 15, 15, 5, 5], hidden: 1))
      expectNear(found["left-out"], 1)
      // Of the five pictures that count, two have the own map's peak at thing 1, three the other's at thing 2.
      expectNear(found["hit"], 2.0 / 5)
      expectNear(found["swap-hit"], (2.0 + 3) / 10)
      expectNear(found["swap-right"], (2.0 + 3) / 10)
    }

    @Test func thingsAreBoxesOfTheLastFrame() throws {
      var bytes = [UInt8](repeating: 0, count: 32)
      bytes[0] = 1  // the first frame is not looked at
      for (y, x, thing) in [(0, 1, 1), (2, 2, 1), (3, 0, 2), (3, 1, 2), (3, 3, 3)] {
        bytes[16 + y * 4 + x] = UInt8(thing)
      }
      let masks = ImageBatch(count: 1, frames: 2, height: 4, width: 4, channels: 1, bytes: bytes)
      let things = try #require(Things(masks, 0, 2))
      #expect(
        things.boxes == [
          PixelBox(top: 0, left: 1, bottom: 2, right: 2), PixelBox(top: 3, left: 0, bottom: 3, right: 1),
          PixelBox(top: 3, left: 3, bottom: 3, right: 3),
        ])
      #expect(things.largest == 0)
      #expect(Things(masks, 0, 3) == nil)
    }

    @Test func soundingObjectRefusesWhatItCannotMeasure() throws {
      let data = world(own: [0, 0], rival: [0, 0])
      #expect(
        message { _ = try make(SoundingObject.self, [("sound", "out-map"), ("region", "rival")]).values(data) }
          .contains("'masks'"))
      #expect(message { _ = try make(SoundingObject.self, [("sound", "x")]).values(data) }.contains("sound like 'x'"))
      #expect(
        message { _ = try make(SoundingObject.self, sounding + [("output", "heat")]).values(data) }.contains("'heat'"))
    }

    @Test func bothProtocolsGiveTheSameBitsForAnyNumberOfThreads() throws {
      let data = world(own: [5, 5, 5, 15, 0, 3], rival: [15, 15, 9, 15, 5, 5])
      try expectSameBits {
        try make(SoundingObject.self, sounding).measure(
          EvaluationSubject(encoder: FakeEncoder(), data: data), random: RandomStream(seed: 1)
        ).map(\.value)
      }
    }
  }
}
