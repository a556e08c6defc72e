import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct SegmentProtocolTests {
    private let names = ["background", "a", "b"]

    /// Pictures of objects and of classes, with segments proposed for them.
    private func world(
      side: Int, objects: [[UInt8]], classes: [[UInt8]], masks: [[[Real]]], scores: [[[Real]]]
    ) -> FakeData {
      func map(_ pictures: [[UInt8]]) -> Column {
        .images(
          ImageBatch(count: pictures.count, height: side, width: side, channels: 1, bytes: pictures.flatMap { $0 }))
      }
      let (n, q) = (objects.count, masks[0].count)
      return table(
        outputs: [
          ("masks", Tensor([n, q, side, side], masks.flatMap { $0.flatMap { $0 } })),
          ("scores", Tensor([n, q, 3], scores.flatMap { $0.flatMap { $0 } })),
        ],
        labels: [
          ("instances", .image(height: side, width: side, channels: 1), map(objects)),
          ("mask", .labelMap(height: side, width: side, classes: names), map(classes)),
        ])
    }

    /// A value for each column of a picture of 4 x 4.
    private func columns<T>(_ values: [T]) -> [T] { (0..<16).map { values[$0 % 4] } }

    // MARK: Instances

    @Test func masksOfObjectsAreScoredByTheirPixels() throws {
      // Object 1 of class a on the left, object 2 of class b (one pixel says a) in the last column.
      var classes = columns([1, 1, 0, 2] as [UInt8])
      classes[3] = 1
      let masks: [[Real]] = [columns([1, 0.6, 0.5, 0]), columns([0, 0, 0.9, 1])]
      let scores: [[Real]] = [[0.3, 0.9, 0.05], [0.3, 0.1, 0.8]]
      let data = world(
        side: 4, objects: [columns([1, 1, 0, 2])], classes: [classes], masks: [masks], scores: [scores])
      let found = try make(InstanceSegmentation.self).values(data)
      // The first is right at all thresholds, the second covers twice its object: IoU 1/2.
      expectNear(found["ap"], (1 + 0.1) / 2)
      expectNear(found["ar"], (1 + 0.1) / 2)
      #expect(found["ap50"] == 1 && found["ap75"] == 0.5)
      // Void pixels are of no mask: without the third column the second one is right, too.
      let void = world(
        side: 4, objects: [columns([1, 1, 255, 2])], classes: [classes], masks: [masks], scores: [scores])
      #expect(try make(InstanceSegmentation.self).values(void)["ap"] == 1)
      #expect(try make(InstanceSegmentation.self, [("threshold", "0.7")]).values(data)["ap75"] == 0)
      let empty = world(
        side: 4, objects: [columns([0, 0, 0, 0])], classes: [classes], masks: [masks], scores: [scores])
      #expect(
        message { _ = try make(InstanceSegmentation.self).values(empty) }
          == "instance-segmentation/v1: no test sample has a true object, expected objects")
    }

    @Test func rectanglesScoreAsMasksWhatTheyScoreAsBoxes() throws {
      var stream = RandomStream(seed: 3)
      struct Rectangle {
        var top, left, height, width: Int
        var pixels: [Int] { (top..<(top + height)).flatMap { r in (left..<(left + width)).map { r * 16 + $0 } } }
        var box: BoundingBox {
          BoundingBox(left: Double(left), top: Double(top), right: Double(left + width), bottom: Double(top + height))
        }
      }
      func rectangle(_ quadrant: Int) -> Rectangle {
        Rectangle(
          top: quadrant / 2 * 8 + stream.integer(below: 3), left: quadrant % 2 * 8 + stream.integer(below: 3),
          height: 2 + stream.integer(below: 3), width: 2 + stream.integer(below: 3))
      }
      var (objects, classes, masks, scores): ([[UInt8]], [[UInt8]], [[[Real]]], [[[Real]]]) = ([], [], [], [])
      var truths: [DetectionEvaluation.Truth] = []
      var detections: [DetectionEvaluation.Detection] = []
      for image in 0..<20 {
        var (own, kinds) = ([UInt8](repeating: 0, count: 256), [UInt8](repeating: 0, count: 256))
        var queries: [Rectangle] = []
        for quadrant in 0..<4 where stream.bernoulli(0.7) {
          let shown = rectangle(quadrant)
          let label = 1 + stream.integer(below: 2)
          for i in shown.pixels { (own[i], kinds[i]) = (UInt8(quadrant + 1), UInt8(label)) }
          truths.append(.init(image: image, label: label, box: shown.box))
          // Mostly found, one pixel too large in some direction.
          var found = shown
          found.height += stream.integer(below: 2)
          found.width += stream.integer(below: 2)
          queries.append(stream.bernoulli(0.8) ? found : rectangle(quadrant))
        }
        while queries.count < 6 { queries.append(rectangle(stream.integer(below: 4))) }
        let sure = queries.map { _ in (0..<3).map { _ in Real(stream.uniform()) } }
        for (query, row) in zip(queries, sure) {
          for c in 0..<3 { detections.append(.init(image: image, label: c, box: query.box, score: Double(row[c]))) }
        }
        objects.append(own)
        classes.append(kinds)
        masks.append(
          queries.map { query in
            var mask = [Real](repeating: 0, count: 256)
            for i in query.pixels { mask[i] = 1 }
            return mask
          })
        scores.append(sure)
      }
      let found = try make(InstanceSegmentation.self)
        .values(world(side: 16, objects: objects, classes: classes, masks: masks, scores: scores))
      let boxes = DetectionEvaluation(truths: truths, detections: detections)
      #expect(found["ap"] == boxes.averagePrecision() && found["ar"] == boxes.averageRecall())
      #expect(found["ap50"] == boxes.averagePrecision(thresholds: [0.5]))
      #expect((found["ap50"] ?? 0) > 0.05 && found["ap50"] != found["ap"])
    }

    // MARK: Panoptic

    @Test func segmentsCompeteForPixelsAndLoseThoseThatAreHidden() throws {
      let masks: [[Real]] = [
        columns([1, 1, 0, 0]), columns([0, 0, 0.9, 0.9]), columns([0.1, 0.1, 0.9, 0.1]), columns([1, 0, 0, 0]),
      ]
      let scores: [[Real]] = [[0, 0.9, 0], [0, 0, 0.85], [0.95, 0, 0], [0, 0.5, 0]]
      let data = world(
        side: 4, objects: [columns([1, 1, 0, 2])], classes: [columns([1, 1, 0, 2])], masks: [masks], scores: [scores])
      // The background takes the third column from the second query, which keeps half of its mask and goes.
      let found = try make(PanopticSegmentation.self).values(data)
      expectNear(found["pq"], 2.0 / 3)
      #expect(found["pq-things"] == 0.5 && found["pq-stuff"] == 1)
      let kept = try make(PanopticSegmentation.self, [("overlap", "0.5")]).values(data)
      #expect(kept == ["pq": 1, "sq": 1, "rq": 1, "pq-things": 1, "pq-stuff": 1])
      // Where the background is no stuff its pixels belong to no object: nobody is asked about them.
      let things = try make(PanopticSegmentation.self, [("overlap", "0.5"), ("stuff", "[]")]).values(data)
      expectNear(things["pq-things"], 1)
      let all = try make(PanopticSegmentation.self, [("overlap", "0.5"), ("stuff", "[a, b, background]")]).values(data)
      #expect(all["pq-things"] == 0 && all["pq-stuff"] == 1)
      #expect(
        message { try make(PanopticSegmentation.self, [("stuff", "[sky]")]).check(data.spec) }
          == "panoptic-segmentation/v1: column 'mask' has no class 'sky', expected 'background', 'a', 'b'")
    }

    @Test func panopticQualityOfRandomPartitionsIsThatOfItsDefinition() throws {
      var stream = RandomStream(seed: 8)
      struct Segment { var label: Int, pixels: Set<Int> }
      var (objects, classes, masks, scores): ([[UInt8]], [[UInt8]], [[[Real]]], [[[Real]]]) = ([], [], [], [])
      var (overlaps, matched, others) = ([0.0, 0, 0], [0.0, 0, 0], [0.0, 0, 0])
      for _ in 0..<30 {
        // Objects 1 to 3 in rows, the rest background; a few pixels void.
        let own: [UInt8] = (0..<64).map { i in i < 48 ? UInt8(1 + i / 16) : 0 }
        let kind: [UInt8] = (0..<3).map { _ in UInt8(1 + stream.integer(below: 2)) }
        func label(_ object: Int) -> Int { object == 0 ? 0 : Int(kind[object - 1]) }
        let labels: [UInt8] = own.map { o in stream.bernoulli(0.1) ? 255 : UInt8(label(Int(o))) }
        // What is found: the same rows with pixels given to others, by so many queries of some class.
        let places: [Int] = own.map { o in stream.bernoulli(0.25) ? stream.integer(below: 5) : Int(o) }
        let found: [Int] = (0..<5).map { q in
          q == 0 ? 0 : q == 4 || stream.bernoulli(0.3) ? stream.integer(below: 3) : label(q)
        }
        objects.append(own)
        classes.append(labels)
        masks.append((0..<5).map { q in places.map { p -> Real in p == q ? 1 : 0 } })
        scores.append(found.map { c in (0..<3).map { k -> Real in k == c ? 0.9 : 0.05 } })
        let void = Set((0..<64).filter { labels[$0] == 255 })
        func segments(_ ids: [Int], _ label: (Int) -> Int) -> [Segment] {
          var all: [Segment] = []
          for id in Set(ids).sorted() {
            let pixels = Set(ids.indices.filter { ids[$0] == id })
            if label(id) == 0, let k = all.firstIndex(where: { $0.label == 0 }) {
              all[k].pixels.formUnion(pixels)
            } else {
              all.append(Segment(label: label(id), pixels: pixels))
            }
          }
          return all
        }
        let truth = segments(own.map { Int($0) }, label)
          .map { Segment(label: $0.label, pixels: $0.pixels.subtracting(void)) }.filter { !$0.pixels.isEmpty }
        var (missed, wrong) = (truth, segments(places) { found[$0] })
        for t in truth {
          for p in wrong where p.label == t.label {
            let seen = p.pixels.subtracting(void)
            let overlap = Double(seen.intersection(t.pixels).count) / Double(seen.union(t.pixels).count)
            guard overlap > 0.5 else { continue }
            overlaps[t.label] += overlap
            matched[t.label] += 1
            missed.removeAll { $0.pixels == t.pixels }
            wrong.removeAll { $0.pixels == p.pixels }
          }
        }
        for s in missed { others[s.label] += 0.5 }
        for s in wrong where 2 * s.pixels.intersection(void).count <= s.pixels.count { others[s.label] += 0.5 }
      }
      let pq = (0..<3).map { overlaps[$0] / (matched[$0] + others[$0]) }
      let found = try make(PanopticSegmentation.self, [("overlap", "0")])
        .values(world(side: 8, objects: objects, classes: classes, masks: masks, scores: scores))
      expectNear(found["pq"], (pq[0] + pq[1] + pq[2]) / 3)
      expectNear(found["pq-stuff"], pq[0])
      expectNear(found["pq-things"], (pq[1] + pq[2]) / 2)
      expectNear(found["rq"], (0..<3).reduce(0) { $0 + matched[$1] / (matched[$1] + others[$1]) / 3 })
      #expect(pq.allSatisfy { $0 > 0.1 && $0 < 0.95 })
    }

    @Test func mapsAndQueriesThatDoNotFitAreRefused() throws {
      let (objects, classes) = (columns([1, 1, 0, 2] as [UInt8]), columns([1, 1, 0, 2] as [UInt8]))
      let (mask, score) = ([columns([1, 0, 0, 0] as [Real])], [[0.9, 0.1, 0.1] as [Real]])
      let data = world(side: 4, objects: [objects], classes: [classes], masks: [mask], scores: [score])
      #expect(
        message { try make(InstanceSegmentation.self, [("instances", "label")]).check(data.spec) }
          .contains("the data set has no column 'label'"))
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: data)
      #expect(
        message { try make(InstanceSegmentation.self, [("scores", "masks")]).check(encoderOf: subject) }
          == "instance-segmentation/v1: output 'masks' has the shape [1, 4, 4] for a sample, expected [1, 3], a score of "
          + "each class")
      #expect(
        message { try make(PanopticSegmentation.self, [("masks", "scores")]).check(encoderOf: subject) }
          .contains("output 'scores' has the shape [1, 3] for a sample, expected [queries, rows, columns]"))
      let odd = world(
        side: 4, objects: [objects], classes: [classes.map { $0 == 2 ? 7 : $0 }], masks: [mask], scores: [score])
      #expect(
        message { _ = try make(PanopticSegmentation.self).values(odd) }
          == "panoptic-segmentation/v1: image 0 has 7 in 'mask', expected 0 to 2, or 255 for void")
    }
  }
}
