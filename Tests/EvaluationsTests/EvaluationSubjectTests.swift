import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import Testing

extension EvaluationsTests {
  @Suite struct EvaluationSubjectTests {
    private func world(_ n: Int = 600) -> FakeData {
      var stream = RandomStream(seed: 3)
      let masks = ImageBatch(
        count: n, height: 2, width: 2, channels: 1, bytes: (0..<(4 * n)).map { UInt8($0 % 251) })
      return FakeData(
        [
          FieldSpec("x", .real(shape: [3], unit: "1"), isLabel: false),
          FieldSpec("places", .real(shape: [2, 2, 3], unit: "1"), isLabel: false),
          FieldSpec("label", .category(classes: classNames), isLabel: true),
          FieldSpec("mask", .labelMap(height: 2, width: 2, classes: classNames), isLabel: true),
          FieldSpec("depth", .real(shape: [32, 32], unit: "m"), isLabel: true),
          FieldSpec("pose", .real(shape: [4], unit: "1"), isLabel: true),
          FieldSpec("caption", .text, isLabel: true),
        ],
        [
          .train: [
            ("x", .reals(stream.normal([n, 3]))), ("places", .reals(stream.normal([n, 2, 2, 3]))),
            ("label", .integers((0..<n).map { $0 % 10 })), ("mask", .images(masks)),
            ("depth", .reals(stream.uniform([n, 32, 32]))), ("pose", .reals(stream.uniform([n, 4]))),
            ("caption", .texts((0..<n).map { "sample \($0)" })),
          ]
        ])
    }

    @Test func encoderSeesNoLabels() throws {
      let encoder = FakeEncoder()
      let subject = EvaluationSubject(encoder: encoder, data: world())
      _ = try subject.labelled(.train)
      _ = try subject.labelled(.train, dense: true)
      _ = try subject.hasDenseFeatures()
      #expect(encoder.batches.all.count == 7)
      #expect(encoder.batches.all.allSatisfy { $0.columns == ["x", "places"] })
    }

    @Test func everySampleIsEncodedOnceForAllRequestsThatNeedTheSame() throws {
      let encoder = FakeEncoder()
      let subject = EvaluationSubject(encoder: encoder, data: world())
      _ = try subject.labelled(.train, dense: true, limit: 10)
      #expect(encoder.samples == 256)  // one chunk
      _ = try subject.labelled(.train, dense: true, limit: 256)
      _ = try subject.labelled(.train, limit: 200)
      #expect(encoder.samples == 256)  // the dense request serves the global one
      _ = try subject.labelled(.train)
      #expect(encoder.samples == 600)  // only what was missing
      _ = try subject.labelled(.train, dense: true)
      #expect(encoder.samples == 600 + 344)  // places of the rest
      _ = try subject.labelled(.train, dense: true)
      #expect(encoder.samples == 600 + 344)
    }

    @Test func requestsGiveTheSameBitsWhateverWasAskedBefore() throws {
      // Features that betray with how many others a sample was encoded.
      func subject() -> EvaluationSubject {
        EvaluationSubject(encoder: FakeEncoder(change: { $0 + Real($0.shape[0]) }), data: world())
      }
      let fresh = try subject().labelled(.train, dense: true, limit: 300)
      let later = subject()
      _ = try later.labelled(.train)
      _ = try later.labelled(.train, dense: true, limit: 20)
      let again = try later.labelled(.train, dense: true, limit: 300)
      #expect(fresh.features.global.shape == [300, 3])
      #expect(fresh.features.global.values == again.features.global.values)
      #expect(fresh.features.dense?.values == again.features.dense?.values)
      #expect(fresh.labels.columns.map(\.name) == again.labels.columns.map(\.name))
      #expect(fresh.labels.images("mask") == again.labels.images("mask"))
    }

    @Test func chunksAreTheSamplesInOrderAndLeaveNoPlacesBehind() throws {
      let encoder = FakeEncoder()
      let subject = EvaluationSubject(encoder: encoder, data: world())
      var parts: [EvaluationSubject.Labelled] = []
      try subject.forEachChunk(of: .train) { parts.append($0) }
      #expect(encoder.samples == 600)
      #expect(parts.map(\.labels.count) == [256, 256, 88])
      let global = try subject.labelled(.train)
      #expect(encoder.samples == 600)  // global features were kept
      let dense = try subject.labelled(.train, dense: true)
      #expect(encoder.samples == 1200)  // dense ones were not
      #expect(concat(parts.map(\.features.global)).values == global.features.global.values)
      #expect(concat(parts.compactMap(\.features.dense)).values == dense.features.dense?.values)
      let joined = Batch(joining: parts.map(\.labels))
      #expect(joined.indices == dense.labels.indices)
      #expect(joined.columns.map(\.name) == dense.labels.columns.map(\.name))
      #expect(joined.images("mask") == dense.labels.images("mask"))
      #expect(joined.integers() == global.labels.integers())
      // What is known is not computed again.
      var known: [EvaluationSubject.Labelled] = []
      try subject.forEachChunk(of: .train) { known.append($0) }
      #expect(encoder.samples == 1200)
      #expect(Batch(joining: known.map(\.labels)).images("mask") == joined.images("mask"))
      #expect(concat(known.compactMap(\.features.dense)).values == dense.features.dense?.values)
      #expect(known.map(\.labels.indices.first) == [0, 256, 512])
    }

    @Test func labelsAreThoseOfTheSamplesAndMapsComeWithDenseRequestsOnly() throws {
      let data = world()
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: data)
      let dense = try subject.labelled(.train, dense: true, limit: 300)
      let global = try subject.labelled(.train)
      #expect(dense.labels.columns.map(\.name) == ["label", "pose", "caption", "mask", "depth"])
      #expect(global.labels.columns.map(\.name) == ["label", "pose", "caption"])
      #expect(global.features.dense == nil)
      let truth = try data.batch(Array(0..<600), of: .train)
      #expect(global.labels.integers() == truth.integers())
      #expect(dense.labels.images("mask").bytes == Array(truth.images("mask").bytes.prefix(1200)))
      guard case .texts(let captions) = dense.labels["caption"], case .reals(let pose) = global.labels["pose"],
        case .reals(let truePose) = truth["pose"], case .reals(let places) = truth["places"]
      else {
        Issue.record("a column changed its kind")
        return
      }
      #expect(captions == (0..<300).map { "sample \($0)" })
      #expect(pose.values == truePose.values)
      #expect(dense.features.dense?.values == places.slice(0, 0..<300).values)
      #expect(dense.labels.indices == Array(0..<300))
    }

    @Test func encodersWithoutPlacesAreKnownBeforeTheWorkStarts() throws {
      let encoder = FakeEncoder()
      let subject = EvaluationSubject(encoder: encoder, data: classWorld(train: 100, test: 50))
      #expect(try !subject.hasDenseFeatures())
      #expect(encoder.samples == 1)
      #expect(try EvaluationSubject(encoder: FakeEncoder(), data: world()).hasDenseFeatures())
    }

    @Test func featuresThatAreNotFiniteAndEmptySplitsAreRefused() {
      let broken = EvaluationSubject(encoder: FakeEncoder(change: { ($0 - $0) / ($0 - $0) }), data: world())
      #expect(
        message { _ = try broken.labelled(.train) }
          == "768 features of samples 0 to 255 of 'train' are not finite; did the training diverge?")
      let subject = EvaluationSubject(encoder: FakeEncoder(), data: world())
      #expect(
        message { _ = try subject.labelled(.test) } == "split 'test' is empty; give the data set a size for it")
    }

    @Test func outputsAreKeptLikeGlobalFeaturesAndLargeOnesLikePlaces() throws {
      var stream = RandomStream(seed: 8)
      let (x, logits, depth) = (stream.normal([600, 2]), stream.normal([600, 5]), stream.normal([600, 20, 20]))
      let data = table(inputs: [("x", x)], outputs: [("logits", logits), ("depth", depth)])
      let encoder = FakeEncoder()
      let subject = EvaluationSubject(encoder: encoder, data: data)
      let shapes = try subject.featureShapes()
      #expect(shapes.outputs == ["logits": [5], "depth": [20, 20]] && shapes.global == [2] && shapes.dense == nil)
      _ = try subject.featureShapes()
      #expect(encoder.samples == 1)  // asked once
      let small = try subject.labelled(.test)
      #expect(small.features.outputs.keys.sorted() == ["logits"])
      #expect(small.features.outputs["logits"]?.values == logits.values)
      let large = try subject.labelled(.test, dense: true, limit: 300)
      #expect(large.features.outputs["depth"]?.values == depth.slice(0, 0..<300).values)
      #expect(large.features.outputs["logits"]?.values == logits.slice(0, 0..<300).values)
      var parts: [Tensor] = []
      try subject.forEachChunk(of: .test) { chunk in
        #expect(chunk.features.outputs["logits"]?.shape[0] == chunk.labels.count)
        if let part = chunk.features.outputs["depth"] { parts.append(part) }
      }
      #expect(concat(parts).values == depth.values)
    }

    @Test func outputsThatAreNotFiniteAreRefusedByName() throws {
      let bad = Tensor([3, 2], [1, 2, .nan, 4, .infinity, 6])
      #expect(
        message {
          _ = try EvaluationSubject(encoder: FakeEncoder(), data: table(outputs: [("logits", bad)])).labelled(.test)
        } == "2 numbers of output 'logits' of samples 0 to 2 of 'test' are not finite; did the training diverge?")
    }

    @Test func joinedBatchesHoldEveryValueInOrder() throws {
      let data = world()
      let parts = try [0..<7, 7..<8, 8..<600].map { try data.batch(Array($0), of: .train) }
      let joined = Batch(joining: parts)
      let whole = try data.batch(Array(0..<600), of: .train)
      #expect(joined.indices == whole.indices)
      #expect(joined.integers() == whole.integers())
      #expect(joined.images("mask") == whole.images("mask"))
      guard case .reals(let a) = joined["depth"], case .reals(let b) = whole["depth"],
        case .texts(let s) = joined["caption"], case .texts(let t) = whole["caption"]
      else {
        Issue.record("a column changed its kind")
        return
      }
      #expect(a.values == b.values)
      #expect(s == t)
    }
  }
}
