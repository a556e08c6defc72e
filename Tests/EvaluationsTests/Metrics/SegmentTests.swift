import Glibc
import ReproTensor
import TestSupport
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct SegmentMetricTests {
    @Test func boxesByHand() {
      let a = BoundingBox(left: 0, top: 0, right: 2, bottom: 2)
      #expect(a.overlap(BoundingBox(left: 1, top: 1, right: 3, bottom: 3)) == 1.0 / 7)
      #expect(a.overlap(BoundingBox(left: 2, top: 0, right: 3, bottom: 2)) == 0 && a.overlap(a) == 1)
      let map = Tensor([3, 4], [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0])
      #expect(BoundingBox(around: map) == BoundingBox(left: 1, top: 1, right: 3, bottom: 3))
      #expect(BoundingBox(around: .zeros([2, 2])) == nil)
      let far = BoundingBox(left: 5, top: 5, right: 6, bottom: 6)
      #expect(correctLocalization([a, far, nil, a], [[far, a], [a], [a], []]) == 1.0 / 3)
    }

    @Test func detectionsAgreeWithTheSecondImplementation() throws {
      let v = try MetricVectors()
      func table(_ name: String) throws -> [[Double]] { rows(try v.tensor(name)) }
      func box(_ r: [Double]) -> BoundingBox { BoundingBox(left: r[2], top: r[3], right: r[4], bottom: r[5]) }
      let truths = try table("boxes/truths").map {
        DetectionEvaluation.Truth(image: Int($0[0]), label: Int($0[1]), box: box($0), isCrowd: $0[6] > 0)
      }
      let detections = try table("boxes/detections").map {
        DetectionEvaluation.Detection(image: Int($0[0]), label: Int($0[1]), box: box($0), score: $0[6])
      }
      let e = DetectionEvaluation(truths: truths, detections: detections)
      let expected = try v.doubles("boxes/expected")
      expectNear(e.averagePrecision(), expected[0], 1e-12, "COCO AP (Python)")
      expectNear(e.averagePrecision(thresholds: [0.5]), expected[1], 1e-12, "AP50 (Python)")
      expectNear(e.averagePrecision(thresholds: [0.75]), expected[2], 1e-12, "AP75 (Python)")
      expectNear(e.averageRecall(), expected[3], 1e-12, "COCO AR (Python)")
      #expect(DetectionEvaluation(truths: [], detections: detections).averagePrecision() == nil)
    }

    @Test func detectionsByHand() {
      let box = BoundingBox(left: 0, top: 0, right: 10, bottom: 10)
      let half = BoundingBox(left: 0, top: 0, right: 10, bottom: 6)
      func truth(_ image: Int, crowd: Bool = false) -> DetectionEvaluation.Truth {
        .init(image: image, label: 0, box: box, isCrowd: crowd)
      }
      func found(_ image: Int, _ box: BoundingBox, _ score: Double) -> DetectionEvaluation.Detection {
        .init(image: image, label: 0, box: box, score: score)
      }
      // Right, a second one on the same box, right: precisions 1, 2/3 at recalls 1/2, 1. 51 recalls read 1, 50 read 2/3.
      let twice = DetectionEvaluation(
        truths: [truth(0), truth(1)], detections: [found(0, box, 0.9), found(0, box, 0.8), found(1, box, 0.7)])
      expectNear(twice.averagePrecision(), (51 + 50 * 2.0 / 3) / 101)
      // Overlap 0.6 counts at 0.5, 0.55 and 0.6.
      let loose = DetectionEvaluation(truths: [truth(0)], detections: [found(0, half, 1)])
      expectNear(loose.averagePrecision(), 0.3)
      // What falls on a crowd counts for nothing.
      let crowd = DetectionEvaluation(
        truths: [truth(0), truth(1, crowd: true)],
        detections: [found(1, half, 0.9), found(1, box, 0.8), found(0, box, 0.7)])
      #expect(crowd.averagePrecision() == 1)
      // Only the best of an image.
      let limited = DetectionEvaluation(
        truths: [truth(0)],
        detections: [found(0, BoundingBox(left: 20, top: 20, right: 30, bottom: 30), 0.9), found(0, box, 0.8)],
        perImage: 1)
      #expect(limited.averagePrecision() == 0)
    }

    @Test func panopticQualityByHandAndByAllPairs() {
      var q = PanopticQuality(classes: 3)
      // Truth: segment 0 (class 0) of 4 pixels, segment 1 (class 1) of 2; void at the end. Predicted: 3 of the 4 as class 0,
      // one more segment of class 1 that covers the last pixel of class 0, one right pixel of two.
      q.add(
        predicted: [0, 0, 0, 1, 1, -1, 2, 2], predictedClasses: [0, 1, 2], truth: [0, 0, 0, 0, 1, 1, -1, -1],
        trueClasses: [0, 1])
      let first = q.quality(0)
      expectNear(first?.pq, 0.75)
      expectNear(first?.recognition, 1)
      // IoU 1/3 is no match: one false positive, one false negative.
      #expect(q.quality(1)?.pq == 0)
      #expect(q.quality(2) == nil)  // all of it is void
      expectNear(q.mean().pq, 0.375)
      // Random pictures, matches by looking at all pairs of masks.
      var stream = RandomStream(seed: 2)
      var sums = PanopticQuality(classes: 2)
      var (overlap, matched, segments) = (0.0, 0, 0)
      for _ in 0..<30 {
        let truth = (0..<60).map { $0 / 12 }
        let predicted = (0..<60).map { i in stream.bernoulli(0.75) ? (i + 2) / 12 : stream.integer(below: 6) }
        let (a, b) = ((0..<6).map { $0 % 2 }, (0..<5).map { $0 % 2 })
        sums.add(predicted: predicted, predictedClasses: a, truth: truth, trueClasses: b)
        for c in 0..<2 {
          for p in 0..<6 where a[p] == c {
            let mine = Set(predicted.indices.filter { predicted[$0] == p })
            if !mine.isEmpty { segments += 1 }
            for t in 0..<5 where b[t] == c {
              let other = Set(truth.indices.filter { truth[$0] == t })
              let value = Double(mine.intersection(other).count) / Double(max(1, mine.union(other).count))
              if value > 0.5 {
                overlap += value
                matched += 1
              }
            }
          }
          segments += b.count { $0 == c }
        }
      }
      let both = (0..<2).compactMap(sums.quality)
      let total = (0..<2).reduce(0.0) { $0 + (sums.quality($1)?.pq ?? 0) } / 2
      expectNear(sums.mean().pq, total)
      #expect(both.count == 2 && matched > 20)
      // Classes have equal rules, so the pooled value lies between theirs.
      let pooled = overlap / (Double(segments) / 2)
      #expect(pooled <= max(both[0].pq, both[1].pq) && pooled >= min(both[0].pq, both[1].pq))
    }

    @Test func objectsByHand() {
      // Objects of 3 and 3 pixels; predictions 0 0 1 | 1 1 1: IoU 2/3 and 3/4.
      expectNear(
        matchedObjectIoU(predicted: [0, 0, 1, 1, 1, 1], truth: [0, 0, 0, 1, 1, 1]), (2.0 / 3 + 0.75) / 2, 1e-6)
      #expect(matchedObjectIoU(predicted: [-1, -1], truth: [0, 0]) == 0)
      #expect(matchedObjectIoU(predicted: [0], truth: [-1]) == nil)
      #expect(foregroundRandIndex(predicted: [5, 1, 1, 2, 2], truth: [0, 1, 1, 2, 2]) == 1)
      #expect(foregroundRandIndex(predicted: [1], truth: [0]) == nil)
    }

    @Test func masksAgreeWithScipysDilation() throws {
      let v = try MetricVectors()
      let (a, b) = (try v.integers("masks/a").map { $0 == 1 }, try v.integers("masks/b").map { $0 == 1 })
      // 0.8 % of the diagonal of 64 is less than a pixel: a radius of 1.
      let q = MaskQuality(predicted: a, truth: b, columns: 50)
      expectAllNear([q.region, q.contour], try v.doubles("masks/expected"), 1e-12, "J and F of masks (scipy dilation)")
      let same = MaskQuality(predicted: a, truth: a, columns: 50)
      #expect(same.region == 1 && same.contour == 1 && same.mean == 1)
      let empty = [Bool](repeating: false, count: 2000)
      #expect(MaskQuality(predicted: empty, truth: empty, columns: 50).mean == 1)
      #expect(MaskQuality(predicted: empty, truth: a, columns: 50).mean == 0)
    }

    @Test func pointsAreFoundByTheirFeature() {
      // Every place has a feature of its own; the second picture is the first, shifted by one column.
      var stream = RandomStream(seed: 1)
      let first = stream.normal([3, 4, 8])
      let second = first.rolled(1, by: 1)
      let points = Tensor([2, 2], [0.125, 0.5, 0.625, 1.0 / 6])  // centres of places (1, 0) and (0, 2)
      let found = correspondences(of: points, source: first, target: second)
      expectAllNear(found.values.map { Double($0) }, [0.375, 0.5, 0.875, 1.0 / 6], 1e-6)
      #expect(keypointAccuracy(found, points, alpha: 0.1, length: 1) == 0)
      #expect(keypointAccuracy(found, points, alpha: 0.1, length: 2.6) == 1)
      #expect(keypointAccuracy(found, points, alpha: 0.1, length: 1) { _ in false } == nil)
      let mixed = Tensor([2, 2], [0, 0, 0, 3])
      #expect(keypointAccuracy(mixed, .zeros([2, 2]), alpha: 0.5, length: 2) == 0.5)
    }

    @Test func masksFollowTheirFeaturesThroughAVideo() {
      // A place with its own feature walks to the right, one column a frame.
      let frames = stack(
        (0..<4).map { t in IndexTensor([3, 5], (0..<15).map { $0 % 5 == t && $0 / 5 == 1 ? 1 : 0 }).oneHot(2) })
      let first = frames.select(0, 0)  // its labels are its features
      let found = MaskPropagation()(frames, first: first)
      expectAllNear(found.values.map { Double($0) }, frames.values.map { Double($0) }, 1e-3)
      // Beyond the radius nothing is seen: with radius 0 a place keeps looking at itself.
      var still = MaskPropagation()
      still.radius = 0
      #expect(still(frames, first: first).select(0, 3).values == first.values)
      // By the definition, on random features.
      var stream = RandomStream(seed: 5)
      let (x, labels) = (stream.normal([3, 2, 3, 4]), stream.uniform([2, 3, 2]))
      var rule = MaskPropagation()
      (rule.neighbours, rule.context, rule.radius) = (2, 1, 1)
      let all = rule(x, first: labels)
      let (unit, previous) = (rows(x.l2Normalized().reshaped([18, 4])), rows(all.reshaped([18, 2])))
      for place in 0..<6 {
        var options: [(Double, Int)] = []
        for source in Array(0..<6) + Array(6..<12) {  // frame 0 and the one before frame 2
          let p = source % 6
          if abs(p / 3 - place / 3) <= 1, abs(p % 3 - place % 3) <= 1 {
            options.append((cosine(unit[12 + place], unit[source]), source))
          }
        }
        options.sort { $0.0 > $1.0 }
        let weights = options.prefix(2).map { exp($0.0 / 0.1) }
        let value = zip(options, weights).reduce(0.0) { $0 + previous[$1.0.1][0] * $1.1 } / weights.reduce(0, +)
        expectNear(previous[12 + place][0], value, 1e-4)
      }
    }
  }
}
