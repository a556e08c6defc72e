import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Contrastive

/// Steps, views and features of CMC on scenes whose views are known.
@Suite(.serialized) struct CMCTests {
  private func state(_ method: CMC) throws -> CMC.State {
    try method.makeState(for: FlatScenes().spec, random: RandomStream(seed: 3))
  }

  // MARK: the bank

  /// The classic mistakes: a positive that is the fresh feature, and a bank that is updated before it is read.
  @Test func positivesAreOldRowsAndScoresComeBeforeTheUpdate() throws {
    let method = try smallCMC("[l, normals]", "objective: infonce, momentum: 0")
    var (after, step) = (try state(method), try flatContext())
    let before = after
    let samples = try step.batch().indices
    let metrics = try method.step(&after, &step)
    // With momentum 0 the rows of the batch are its features.
    let z = after.banks.map { $0.rows.gathered(IndexTensor(samples)) }
    let rows = contrastedRows(
      samples, negatives: 7, of: FlatScenes.count, random: step.random.child("negatives"))
    var (normalizers, other): ([Real], Metrics) = ([-1, -1], [:])
    let expected = method.loss(z, before.banks, rows, &normalizers, &other).item
    #expect(close(metrics["loss"], Double(expected), 1e-4))
    for (old, new) in zip(before.banks, after.banks) {
      for row in 0..<FlatScenes.count {
        let isSame = sameBits(old.rows.select(0, row), new.rows.select(0, row))
        #expect(isSame != samples.contains(row), "row \(row)")
      }
    }
  }

  @Test func theNormalizerIsThatOfTheFirstBatchForEver() throws {
    let method = try smallCMC("[l, normals, depth]", "objective: nce")
    var (state, step) = (try self.state(method), try flatContext())
    #expect(state.normalizers.values == [-1, -1, -1, -1])
    _ = try method.step(&state, &step)
    let first = state.normalizers.values
    #expect(first.allSatisfy { $0 > 0 } && Set(first).count == 4)
    step = step.next(random: RandomStream(seed: 9).child("step", 1))
    _ = try method.step(&state, &step)
    #expect(state.normalizers.values == first)
  }

  // MARK: views

  @Test func allViewsOfASceneAreCutAndMirroredTogether() throws {
    let method = try smallCMC("[y, normals, depth]", crops: "{size: 8, scale: [0.3, 0.8]}")
    let batch = try FlatScenes().batch(Array(0..<20), of: .train)
    let random = RandomStream(seed: 4)
    let crops = try method.options.views.crops(of: batch, random: random)
    let luma = crops[0] * 0.5 + 0.5
    #expect((luma - crops[1].slice(1, 1..<2)).abs().values.allSatisfy { $0 < 1e-5 })
    let near = crops[2] * 0.03 + 0.12  // 1 / depth, before it was scaled
    #expect((near - (luma * 0.1 + 0.05)).abs().values.allSatisfy { $0 < 1e-5 })
    // Mirrored scenes look the other way: the sign of x, and of nothing else.
    let cut = AlignedCrops(
      count: 20, height: 12, width: 12, size: 8, scale: 0.3...0.8, flip: 0.5, random: random.child("view", 0))
    for (i, place) in cut.placements.enumerated() {
      let expected = luma.select(0, i) * (place.flips ? -1 : 1)
      #expect((crops[1].slice(1, 0..<1).select(0, i) - expected).abs().values.allSatisfy { $0 < 1e-5 })
    }
    #expect(Set(cut.placements.map(\.flips)).count == 2)
  }

  @Test func viewsThatAreNotAlignedAreCutByThemselves() throws {
    let crops = "{size: 8, scale: [0.3, 0.5], aligned: "
    let batch = try FlatScenes().batch(Array(0..<6), of: .train)
    for (aligned, agree) in [("true", true), ("false", false)] {
      let views = try smallCMC("[rgb, rgb]", crops: crops + "\(aligned)}").options.views
      let seen = try views.crops(of: batch, random: RandomStream(seed: 1))
      #expect(sameBits(seen[0], seen[1]) == agree)
    }
    #expect(try smallCMC("[rgb, l, rgb]").options.views.names == ["rgb", "l", "rgb-2"])
  }

  @Test func viewsAreScaledByTheAuthorsConstants() throws {
    let bytes: [UInt8] = [0, 0, 0, 255, 255, 255, 0, 0, 255, 255, 255, 0]
    let batch = Batch(
      indices: [0], columns: [("image", .images(ImageBatch(count: 1, height: 1, width: 4, channels: 3, bytes: bytes)))])
    let views = try smallCMC("[l, ab]").options.views.whole(batch)
    let l = views[0].values
    #expect(abs(l[0] + 1) < 1e-4 && abs(l[1] - 1) < 1e-4)
    let b = views[1].select(1, 1).values
    #expect(abs(b[2] + 1) < 1e-3 && abs(b[3] - 1) < 1e-3)  // blue and yellow are the ends of b
  }

  @Test func whereNothingStandsIsInfinitelyFar() throws {
    let batch = Batch(indices: [0], columns: [("depth", .reals(Tensor([1, 1, 2], [0, 10])))])
    let views = try smallCMC("[depth]", "nearness: [0.1, 0.5]").options.views.whole(batch)
    #expect(abs(views[0].values[0] + 0.2) < 1e-6 && abs(views[0].values[1]) < 1e-6)
    // Half of nothing and half of a thing is half as near as the thing, and not twice.
    let wide = Batch(
      indices: [0], columns: [("depth", .reals(Tensor([1, 16, 16], (0..<256).map { $0 % 2 == 0 ? 0 : 10 })))])
    let crop = try smallCMC("[depth]", "nearness: [0.05, 1]", crops: "{size: 8, scale: [1, 1], flip: 0}")
    let seen = try crop.options.views.crops(of: wide, random: RandomStream(seed: 1))[0]
    #expect(seen.abs().values.allSatisfy { $0 < 0.01 })
  }

  // MARK: training

  @Test(arguments: ["nce", "infonce"])
  func viewsOfOneSceneFindEachOther(_ objective: String) throws {
    let method = try smallCMC(
      "[l, normals]", "objective: \(objective)", crops: "{size: 8, scale: [0.9, 1], flip: 0}")
    var state = try state(method)
    let data = FlatScenes()
    func found() throws -> Int {
      let outputs = try method.embed(state, data.batch(Array(0..<16), of: .test)).outputs
      let (a, b) = (try #require(outputs["l"]), try #require(outputs["normals"]))
      return matmul(a, b.transposed()).argmax().values.enumerated().count { $0 == $1 }
    }
    let before = try found()
    var step = try flatContext(batch: 16, rate: 5e-3)
    for k in 1...60 {
      _ = try method.step(&state, &step)
      step = step.next(random: RandomStream(seed: 9).child("step", k))
    }
    // By chance one of sixteen; some scenes are nearly alike.
    let after = try found()
    #expect(after >= 6 && after > before, "\(after) of 16 after \(before)")
  }

  @Test func theRivalPredictsAndItsDecodersHaveTheirOwnRate() throws {
    for (rate, moves) in [(0, false), (2, true)] {
      let method = try smallCMC("[l, normals, depth]", "objective: predict, prediction: {rate: \(rate), width: 4}")
      var (after, step) = (try state(method), try flatContext())
      let before = after
      #expect(before.model.encoders.count == 1 && before.model.decoders.count == 2 && before.banks.isEmpty)
      let metrics = try method.step(&after, &step)
      #expect(try #require(metrics["loss"]) > 0)
      #expect(sameBits(before.model.decoders[1].up2.weight, after.model.decoders[1].up2.weight) != moves)
      #expect(
        !sameBits(before.model.encoders[0].blocks[0].conv.weight, after.model.encoders[0].blocks[0].conv.weight))
    }
  }

  @Test func theLossOfThePredictionIsTheMeanDistance() throws {
    for (word, power) in [("l1", 1.0), ("l2", 2.0)] {
      let method = try smallCMC("[l, normals]", "objective: predict, prediction: {distance: \(word), width: 4}")
      var (model, step) = (try state(method).model, try flatContext())
      let views = try method.options.views.crops(of: step.batch(), random: step.random.child("crops"))
      var copy = model
      let forward = ForwardContext(random: step.random)
      let guess = copy.decoders[0](copy.encoders[0].places(views[0], forward), forward)
      // Twice the places of a stride of 2, and twice again: the decoder says 16 x 16 for crops of 8 x 8.
      #expect(guess.shape == [8, 3, 16, 16])
      let target = views[1].resizedBilinearly(rows: 16, columns: 16)
      let expected = zip(guess.values, target.values).reduce(0.0) { $0 + Glibc.pow(abs(Double($1.0 - $1.1)), power) }
      let loss = method.predict(&model, views, &step)["loss"]
      #expect(close(loss, expected / Double(guess.count), 1e-4))
    }
  }

  // MARK: features

  @Test func theCoreViewSpeaksAloneOrBesideTheOthers() throws {
    let data = FlatScenes()
    let batch = try data.batch([0, 1, 2], of: .test)
    let core = try smallCMC("[l, depth]", "representation: core")
    let both = try smallCMC("[l, depth]")
    let (one, two) = (try core.embed(state(core), batch), try both.embed(state(both), batch))
    #expect(one.global.shape == [3, 8] && two.global.shape == [3, 16])
    #expect(one.dense?.shape == [3, 6, 6, 8] && sameBits(one.global, two.global.slice(1, 0..<8)))
    #expect(one.outputs.keys.sorted() == ["depth", "l"] && one.outputs["depth"]?.shape == [3, 5])
    // The core view alone does not see other senses.
    var blind = batch
    blind.columns = batch.columns.map { $0.name == "depth" ? ("depth", .reals(.ones([3, 12, 12]))) : $0 }
    #expect(sameBits(try core.embed(state(core), blind).global, one.global))
  }

  @Test func aNetworkThatIsTrainedFurtherBeginsAtTheFrozenFeatures() throws {
    let method = try smallCMC("[l, depth]")
    let (state, batch) = (try self.state(method), try FlatScenes().batch([0, 1], of: .test))
    var network = method.network(of: state)
    let frozen = try method.embedding(&network, of: batch, context: nil)
    #expect(sameBits(frozen, try method.embed(state, batch).global))
  }

  @Test func labelsTeachTheSameEncoders() throws {
    for target in ["label", "mask"] {
      let method = try make(
        SupervisedViews.self,
        """
        {views: [l, normals], crops: {size: 8, scale: [0.4, 1]}, encoder: {widths: [6, 8], strides: [2, 1]},
         target: \(target)}
        """)
      var state = try method.makeState(for: FlatScenes().spec, random: RandomStream(seed: 3))
      #expect(state.encoders.count == (target == "mask" ? 1 : 2))
      var step = try flatContext(rate: 1e-2, labelled: true)
      var losses: [Real] = []
      for k in 1...40 {
        losses.append(try #require(try method.step(&state, &step)["loss"]))
        step = step.next(random: RandomStream(seed: 9).child("step", k))
      }
      #expect(abs(losses[0] - 0.69) < 0.4 && losses[35...].reduce(0, +) / 5 < 0.35, "\(target): \(losses)")
    }
  }

  // MARK: messages

  @Test(arguments: [
    ("[l]", "objective: predict", "a second view that is predicted"),
    ("[rgb]", "objective: infonce, negatives: batch", "a second view"),
    ("[l, ab]", "negatives: batch", "objective: infonce"), ("[l, ab]", "shared: true", "views of one kind"),
    ("[]", "", "the core view first"), ("[hue]", "", "method.views[0]"),
    ("[l, ab]", "graph: star", "method.graph"),
  ])
  func wrongOptionsAreNamed(_ views: String, _ more: String, _ words: String) {
    let error = #expect(throws: ReproError.self) { _ = try smallCMC(views, more) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(error.map { "\($0)" } ?? "")")
  }

  @Test func dataWithoutAViewAreRefusedWithAHint() throws {
    let method = try smallCMC("[l, depth]")
    let batch = try Rectangles().batch([0], of: .train)
    let error = #expect(throws: ReproError.self) { _ = try method.options.views.whole(batch) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("inputs: [depth]"))
  }
}
