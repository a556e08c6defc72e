import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import Testing

@testable import Evaluations

extension EvaluationsTests {
  @Suite struct LinearSegmentationTests {
    private let random = RandomStream(seed: 0).child("segmentation")
    private let names = ["background", "left", "right"]

    /// 8 x 8 images of 4 x 4 patches. Each image has a border between two classes at a patch column; features are
    /// `signal * onehot(class of the patch) + noise * normal`, and `change` may spoil masks.
    private func stripes(
      train: Int = 120, test: Int = 60, signal: Real = 3, noise: Real = 0.05, seed: UInt64 = 1,
      change: @escaping (Split, inout [UInt8]) -> Void = { _, _ in }
    ) -> FakeData {
      let (side, grid, width) = (8, 4, 6)
      func columns(_ split: Split, _ n: Int) -> [(name: String, values: Column)] {
        var stream = RandomStream(seed: seed).child(split.rawValue)
        var masks: [UInt8] = []
        var patches: [Int] = []
        for _ in 0..<n {
          let cut = stream.integer(below: grid + 1)
          let first = stream.integer(below: 3)
          let second = (first + 1 + stream.integer(below: 2)) % 3
          for _ in 0..<grid { patches += (0..<grid).map { $0 < cut ? first : second } }
          for _ in 0..<side { masks += (0..<side).map { UInt8($0 * grid / side < cut ? first : second) } }
        }
        change(split, &masks)
        let onehot = Tensor.full([patches.count], signal).placed(IndexTensor(patches), of: width)
        let x = (onehot + stream.normal([patches.count, width]) * noise).reshaped([n, grid, grid, width])
        return [
          ("x", .reals(x.mean(axes: [1, 2]))), ("places", .reals(x)),
          ("mask", .images(ImageBatch(count: n, height: side, width: side, channels: 1, bytes: masks))),
        ]
      }
      return FakeData(
        [
          FieldSpec("x", .real(shape: [width], unit: "1"), isLabel: false),
          FieldSpec("places", .real(shape: [grid, grid, width], unit: "1"), isLabel: false),
          FieldSpec("mask", .labelMap(height: side, width: side, classes: names), isLabel: true),
        ], [.train: columns(.train, train), .test: columns(.test, test)])
    }

    private func measured(_ data: FakeData, _ values: [(String, String)] = [("steps", "150")]) throws -> [Double] {
      try make(LinearSegmentation.self, values)
        .measure(EvaluationSubject(encoder: FakeEncoder(), data: data), random: random).map(\.value)
    }

    @Test func featuresThatNameTheClassOfEachPatchSegmentPerfectly() throws {
      // Between two patches the upsampled logits cross half way, which is where the classes do.
      #expect(try measured(stripes(), [("steps", "400")]) == [1, 1, 1])
    }

    @Test func agreesWithTheDefinition() throws {
      let data = stripes(signal: 1, noise: 1)
      let segmentation = try make(LinearSegmentation.self, [("steps", "60")])
      let fitted = try segmentation.fit(
        EvaluationSubject(encoder: FakeEncoder(), data: data), classes: 3, random: random)
      let weights = rows(fitted.heads.heads[0].weight)
      let bias = fitted.heads.heads[0].bias?.values.map { Double($0) } ?? []
      let (mean, scale) = (fitted.standardize.mean.values, fitted.standardize.scale.values)
      let test = try data.batch(Array(0..<60), of: .test)
      guard case .reals(let places) = test["places"] else { return }
      let features = rows(places)
      let truth = test.images("mask").bytes.map(Int.init)
      // For every pixel: logits of the four patches around it, weighted by distance; the largest; then counts.
      var (both, shown, predicted) = ([0, 0, 0], [0, 0, 0], [0, 0, 0])
      func near(_ pixel: Int) -> [(Int, Double)] {
        let place = min(max((Double(pixel) + 0.5) / 2 - 0.5, 0), 3)
        let low = Int(place)
        return [(low, 1 - (place - Double(low))), (min(low + 1, 3), place - Double(low))]
      }
      for image in 0..<60 {
        for row in 0..<8 {
          for column in 0..<8 {
            var logits = bias
            for (r, wr) in near(row) {
              for (c, wc) in near(column) {
                let x = features[image * 16 + r * 4 + c]
                for k in 0..<3 {
                  for j in x.indices {
                    logits[k] += wr * wc * weights[k][j] * (x[j] - Double(mean[j])) * Double(scale[j])
                  }
                }
              }
            }
            let best = logits.firstIndex(of: logits.max() ?? 0) ?? 0
            let label = truth[image * 64 + row * 8 + column]
            shown[label] += 1
            predicted[best] += 1
            if best == label { both[label] += 1 }
          }
        }
      }
      let ious: [Double] = (0..<3).map { c -> Double in
        let union: Int = shown[c] + predicted[c] - both[c]
        return Double(both[c]) / Double(union)
      }
      let values = try measured(data, [("steps", "60")])
      #expect(abs(values[0] - ious.reduce(0, +) / 3) < 1e-12)
      #expect(abs(values[1] - (ious[1] + ious[2]) / 2) < 1e-12)
      #expect(abs(values[2] - Double(both.reduce(0, +)) / 3840) < 1e-12)
      #expect(values[0] > 0.3 && values[0] < 0.95)  // neither trivial nor perfect
    }

    @Test func featuresWithoutTheClassGiveTheMostFrequentOne() throws {
      // All masks are background but for their top rows; nothing else is predicted, so the iou is its share, 3/4.
      let data = stripes(train: 600, signal: 0, noise: 1) { _, masks in
        for i in masks.indices { masks[i] = i % 64 < 16 ? 1 : 0 }
      }
      let values = try measured(data, [("rates", "[0.003]")])
      #expect(abs(values[2] - 0.75) < 0.01)
      #expect(abs(values[0] - 0.375) < 0.01)  // the mean of 0.75 and 0; the third class never appears
      #expect(values[1] < 0.01)
    }

    @Test func voidPixelsCountForNothing() throws {
      // The lower half of each mask is void in training and test; the upper half is as before.
      let data = stripes { _, masks in
        for i in masks.indices where i % 64 >= 32 { masks[i] = 255 }
      }
      #expect(try measured(data) == [1, 1, 1])
      let fitted = try make(LinearSegmentation.self, [("steps", "150")])
        .fit(EvaluationSubject(encoder: FakeEncoder(), data: data), classes: 3, random: random)
      let labelled = try EvaluationSubject(encoder: FakeEncoder(), data: data).labelled(.test, dense: true)
      let features = try #require(labelled.features.dense)
      let confusion = fitted.confusions(on: .init(features: features, masks: labelled.labels.images("mask")))[0]
      #expect(confusion.counts.reduce(0, +) == 60 * 32)
    }

    @Test func aConfusionByHand() {
      // Truth 0 0 0 1 1 3, predicted 0 0 1 1 3 3; class 2 is nowhere.
      var confusion = Confusion(classes: 4)
      for (t, p) in zip([0, 0, 0, 1, 1, 3], [0, 0, 1, 1, 3, 3]) { confusion.count(truth: t, predicted: p) }
      #expect(confusion.intersectionOverUnion(0) == 2.0 / 3)
      #expect(confusion.intersectionOverUnion(1) == 1.0 / 3)
      #expect(confusion.intersectionOverUnion(2) == nil)
      #expect(confusion.intersectionOverUnion(3) == 0.5)
      #expect(abs(confusion.meanIntersectionOverUnion() - 0.5) < 1e-15)
      #expect(abs(confusion.meanIntersectionOverUnion(of: [1, 2, 3]) - 5.0 / 12) < 1e-15)
      #expect(abs(confusion.pixelAccuracy - 4.0 / 6) < 1e-15)
    }

    @Test func theTestSplitIsNotReadBeforeTheHeadIsTrained() throws {
      let segmentation = try make(LinearSegmentation.self, [("steps", "40"), ("limit", "100")])
      let data = stripes(train: 300, signal: 1, noise: 1)
      let encoder = FakeEncoder()
      let fitted = try segmentation.fit(EvaluationSubject(encoder: encoder, data: data), classes: 3, random: random)
      #expect(Set(data.reads.all) == [.train])
      #expect(encoder.samples == 256)  // the limit, rounded up to a chunk
      let other = stripes(train: 300, signal: 1, noise: 1) { split, masks in
        if split == .test { for i in masks.indices { masks[i] = (masks[i] + 1) % 3 } }
      }
      let again = try segmentation.fit(
        EvaluationSubject(encoder: FakeEncoder(), data: other), classes: 3, random: random)
      #expect(fitted.heads.rates == again.heads.rates)
      #expect(fitted.heads.heads[0].weight.values == again.heads.heads[0].weight.values)
      let steps = [("steps", "40"), ("limit", "100")]
      #expect(try measured(data, steps) != measured(other, steps))
    }

    @Test func theRateThatGeneralisesIsChosen() throws {
      let data = stripes(signal: 1, noise: 0.3)
      for rates in ["[1e-9, 0.02]", "[0.02, 1e-9]"] {
        let fitted = try make(LinearSegmentation.self, [("rates", rates), ("steps", "60")])
          .fit(EvaluationSubject(encoder: FakeEncoder(), data: data), classes: 3, random: random)
        #expect(fitted.heads.rates == [0.02])
      }
    }

    @Test func encodersWithoutPlacesAndDataWithoutMasksAreRefusedBeforeTheWorkStarts() throws {
      let segmentation = try make(LinearSegmentation.self)
      var fields = stripes().spec.fields
      fields.removeAll { $0.name == "places" }
      let blind = FakeData(
        fields,
        [.train, .test].reduce(into: [:]) { columns, split in
          columns[split] = [
            ("x", .reals(.ones([10, 6]))),
            (
              "mask",
              .images(ImageBatch(count: 10, height: 8, width: 8, channels: 1, bytes: .init(repeating: 0, count: 640)))
            ),
          ]
        })
      let encoder = FakeEncoder()
      #expect(
        message { _ = try segmentation.measure(EvaluationSubject(encoder: encoder, data: blind), random: random) }
          == "linear-segmentation/v1: the encoder has no features of places, expected a map [rows, columns, D]; leave "
          + "linear-segmentation/v1 out for this method, or take an encoder with patches")
      #expect(encoder.samples == 1)
      let other = FakeEncoder()
      let classes = classWorld(train: 10, test: 10, classes: 2, width: 2)
      #expect(
        message { _ = try segmentation.measure(EvaluationSubject(encoder: other, data: classes), random: random) }
          == "linear-segmentation/v1: the data set has no column 'mask'; its columns are 'x' (real numbers [2] in 1), "
          + "'label' (2 categories), 'instance' (identities), expected a label map")
      #expect(other.samples == 0)
    }

    @Test func masksWithUnknownClassesAreRefused() throws {
      let data = stripes { split, masks in if split == .train { masks[64 * 7 + 5] = 3 } }
      #expect(
        message { _ = try measured(data) }
          == "linear-segmentation/v1: image 7 of 'train' has 3 in 'mask', expected 0 to 2, or 255 for void")
    }

    @Test func bitsDoNotDependOnThreads() throws {
      let data = stripes(signal: 1, noise: 1)
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: data)
      let segmentation = try make(LinearSegmentation.self, [("steps", "30")])
      try expectSameBits {
        let fitted = try segmentation.fit(subject, classes: 3, random: random)
        return try fitted.heads.heads[0].weight.values.map { Double($0) }
          + segmentation.measure(subject, random: random).map(\.value)
      }
    }
  }
}
