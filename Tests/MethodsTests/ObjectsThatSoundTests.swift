import Glibc
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Multimodal

/// Scores, pairs and losses of the three networks against their equations.
@Suite struct ObjectsThatSoundTests {
  private func state(_ method: ObjectsThatSound, seed: UInt64 = 3) throws -> ObjectsThatSound.State {
    try method.makeState(for: NoisyClips().spec, random: RandomStream(seed: seed))
  }

  /// Random features of 3 pictures with 4 places and of 3 sounds, already in the space of the score.
  private func features(_ width: Int) -> (seen: Tensor, heard: Tensor) {
    var stream = RandomStream(seed: 8)
    return (stream.normal([3, 4, width]), stream.normal([3, width]))
  }

  private func rowsOf(_ x: Tensor) -> [[Double]] { rows(x.reshaped([-1, x.shape[-1]])) }

  // MARK: the three scores

  @Test func theDistanceScoreIsAnAffineMapOfTheEuclideanDistanceAndStartsFalling() throws {
    let network = try state(hearing("ave-net")).network
    let (seen, heard) = features(5)
    let found = rows(network.scores(seen, heard))
    let (p, q) = (rowsOf(seen), rowsOf(heard))
    var all: [(distance: Double, score: Double)] = []
    for i in 0..<3 {
      for place in 0..<4 {
        let distance = zip(p[i * 4 + place], q[i]).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        #expect(close(found[i][place], -1.4 * distance + 2.4, 1e-5))
        all.append((distance, found[i][place]))
      }
    }
    // The classic mistake: with a rising slope the nearest pair counts as the least likely one.
    let ordered = all.sorted { $0.distance < $1.distance }
    #expect(zip(ordered, ordered.dropFirst()).allSatisfy { $0.score > $1.score })
  }

  @Test func embeddingsOfTheDistanceNetworkHaveLengthOneUnlessSwitchedOff() throws {
    let batch = try NoisyClips().batch(Array(0..<5), of: .test)
    for (more, isUnit) in [("", true), ("normalize: false", false)] {
      let method = try hearing("ave-net", more)
      let outputs = try method.embed(state(method), batch).outputs
      for name in ["visual", "audio"] {
        let lengths = rows(try #require(outputs[name])).map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        #expect(lengths.allSatisfy { abs($0 - 1) < 1e-4 } == isUnit, "\(name): \(lengths)")
      }
    }
  }

  @Test func equalEmbeddingsHaveAFiniteGradient() throws {
    let network = try state(hearing("ave-net")).network
    let same = Tensor.ones([2, 1, 5]).tracked
    let gradient = gradients(of: network.scores(same, .ones([2, 5])).sum(), with: [same])[0]
    #expect(gradient.nonFiniteCount == 0)
  }

  @Test func theFusedScoreIsTheDifferenceOfTwoClassesOverBothFeatures() throws {
    let network = try state(hearing("l3-net")).network
    let (seen, heard) = features(6)
    let found = rows(network.scores(seen, heard))
    let fusion = try #require(network.fusion)
    let (p, q) = (rowsOf(seen), rowsOf(heard))
    func affine(_ x: [Double], _ layer: Linear) throws -> [Double] {
      let (w, b) = (rows(layer.weight), try #require(layer.bias).values)
      return w.indices.map { o in Double(b[o]) + zip(w[o], x).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    for i in 0..<3 {
      for place in 0..<4 {
        let hidden = try affine(p[i * 4 + place] + q[i], fusion.layers[0]).map { max($0, 0) }
        let z = try affine(hidden, fusion.layers[1])
        #expect(close(found[i][place], z[1] - z[0], 1e-5))
      }
    }
  }

  @Test func thePlacesScoreIsAScaledProductAndAPictureIsAsLikelyAsItsBestPlace() throws {
    let batch = try NoisyClips().batch(Array(0..<4), of: .test)
    for (pooling, isMax) in [("max", true), ("mean", false)] {
      let method = try hearing("avol-net", "pooling: \(pooling)")
      var start = try state(method)
      start.network.decision = Linear(weight: Tensor([1, 1], [0.7]), bias: Tensor([1], [-0.2]))
      let (seen, heard) = features(5)
      let found = rows(start.network.scores(seen, heard))
      let (p, q) = (rowsOf(seen), rowsOf(heard))
      for i in 0..<3 {
        for place in 0..<4 {
          let product = zip(p[i * 4 + place], q[i]).reduce(0.0) { $0 + $1.0 * $1.1 }
          #expect(close(found[i][place], 0.7 * product - 0.2, 1e-5))
        }
      }
      let outputs = try method.embed(start, batch).outputs
      let maps = rows(try #require(outputs["map"]).reshaped([4, -1]))
      let scores = try #require(outputs["correspondence"]).values
      for i in 0..<4 {
        let expected = isMax ? maps[i].max() ?? 0 : maps[i].reduce(0, +) / Double(maps[i].count)
        #expect(close(Double(scores[i]), expected, 1e-5))
      }
    }
  }

  @Test func onlyTheBestPlaceLearnsUnderTheMaximumAndAllLearnUnderTheMean() throws {
    for (pooling, count) in [("max", 1), ("mean", 4)] {
      let network = try state(hearing("avol-net", "pooling: \(pooling)")).network
      let (seen, heard) = features(5)
      let places = seen.tracked
      let gradient = gradients(of: network.pooled(network.scores(places, heard)).sum(), with: [places])[0]
      for picture in 0..<3 {
        let touched = rowsOf(gradient.select(0, picture)).count { $0.contains { $0 != 0 } }
        #expect(touched == count)
      }
    }
  }

  // MARK: pairs

  @Test func bothKindsOfPairsAreEquallyFrequentAndNoSoundIsItsOwnPartner() {
    var seen = Set<Int>()
    for step in 0..<200 {
      let shift = ObjectsThatSound.partnerShift(6, RandomStream(seed: 2).child("step", step))
      #expect((1..<6).contains(shift))
      seen.insert(shift)
    }
    #expect(seen == Set(1..<6))
  }

  @Test func theLossIsLogisticRegressionOverBothKinds() throws {
    let method = try hearing("ave-net")
    let (a, b) = (Tensor([3], [2, -1, 0.5]), Tensor([3], [0.3, -2, -0.1]))
    var metrics: Metrics = [:]
    let found = method.loss(together: a, apart: b, &metrics)
    let expected =
      a.values.reduce(0.0) { $0 + Glibc.log(1 + Glibc.exp(-Double($1))) }
      + b.values.reduce(0.0) { $0 + Glibc.log(1 + Glibc.exp(Double($1))) }
    #expect(close(found.item, expected / 6, 1e-5))
    #expect(close(metrics["accuracy"], 4.0 / 6, 1e-6))
    #expect(close(method.loss(together: .zeros([4]), apart: .zeros([4]), &metrics).item, Glibc.log(2), 1e-6))
  }

  /// What a step computes, from the columns that it should look at.
  private func expectedLoss(
    _ method: ObjectsThatSound, _ start: ObjectsThatSound.State, together: String, apart: String
  ) throws -> Real {
    let context = try clips()
    let batch = try context.batch()
    func waves(_ name: String) throws -> Tensor {
      guard case .reals(let values) = batch[name] else { throw Missing() }
      return values
    }
    var network = start.network
    let drop = ForwardContext(random: RandomStream(seed: 1))
    let pictures = method.options.views(16).views(of: batch.images("video"), random: context.random.child("views"))
    let shift = ObjectsThatSound.partnerShift(8, context.random.child("partners"))
    let names = together == apart ? [together] : [together, apart]
    let sounds = concat(try names.map { method.options.spectrogram(try waves($0)) })
    let seen = network.seen(network.sights(network.vision(pictures, drop)))
    let heard = network.heard(network.audio(sounds, drop).globalMaxPooled())
    let last = heard.shape[0] - 8
    var total = 0.0
    for i in 0..<8 {
      let partner = last + (i - shift + 8) % 8
      #expect(partner != last + i)
      let own = network.scores(seen.slice(0, i..<(i + 1)), heard.slice(0, i..<(i + 1))).amax().item
      let other = network.scores(seen.slice(0, i..<(i + 1)), heard.slice(0, partner..<(partner + 1))).amax().item
      total += Glibc.log(1 + Glibc.exp(-Double(own))) + Glibc.log(1 + Glibc.exp(Double(other)))
    }
    return Real(total / 16)
  }

  private struct Missing: Error {}

  @Test(arguments: ["ave-net", "l3-net", "avol-net"])
  func aStepSeesEveryClipOnceWithItsOwnSoundAndOnceWithAnother(_ network: String) throws {
    for (more, together) in [("", "sound"), ("positives: marked", "marked")] {
      let method = try hearing(network, more)
      let start = try state(method)
      var (after, context) = (start, try clips())
      let metrics = try method.step(&after, &context)
      let expected = try expectedLoss(method, start, together: together, apart: "sound")
      #expect(close(metrics["loss"], Double(expected), 1e-4), "\(network) \(more)")
      for (old, new) in zip(start.network.named, after.network.tensors) where !old.name.contains("running") {
        #expect(!sameBits(old.value, new), "\(old.name) did not move")
      }
    }
  }

  @Test func stepsGiveTheSameBitsForAnyNumberOfThreads() throws {
    let threads = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = threads }
    let method = try hearing("ave-net", "positives: marked")
    let results = try [1, 2, 3].map { n in
      ThreadPool.shared.threads = n
      var state = try state(method)
      for k in 0..<2 {
        var context = try clips(step: k, shards: 2)
        _ = try method.step(&state, &context)
      }
      return bits(state)
    }
    #expect(results[1] == results[0] && results[2] == results[0])
  }

  // MARK: frozen use

  @Test func theSoundAloneMovesTheMapAndTheScore() throws {
    let data = NoisyClips()
    let batch = try data.batch([0, 1, 2], of: .test)
    let other = try data.batch([5, 6, 7], of: .test)
    let swapped = Batch(
      indices: batch.indices,
      columns: batch.columns.map { ($0.name, $0.name == "sound" ? other["sound"] ?? $0.values : $0.values) })
    for network in ["ave-net", "l3-net", "avol-net"] {
      let method = try hearing(network)
      let start = try state(method)
      let (a, b) = (try method.embed(start, batch), try method.embed(start, swapped))
      #expect(sameBits(a.global, b.global))
      for name in ["map", "correspondence", "audio"] {
        #expect(!sameBits(try #require(a.outputs[name]), try #require(b.outputs[name])), "\(network): \(name)")
      }
    }
  }

  @Test func furtherTrainingStartsFromTheFrozenFeaturesAndReachesWhatSees() throws {
    let method = try hearing("avol-net")
    let start = try state(method)
    let batch = try NoisyClips().batch([0, 1, 2], of: .test)
    var network = method.network(of: start)
    let frozen = try method.embedding(&network, of: batch, context: nil)
    #expect(sameBits(frozen, try method.embed(start, batch).global))
    var tracked = network.tracked()
    let context = ForwardContext(random: RandomStream(seed: 1))
    let features = try method.embedding(&tracked.layer, of: batch, context: context)
    let gradients = tracked.gradients(of: features.sum()).values
    let trained = network.parameters.filter(\.isTrained)
    #expect(gradients.count == trained.count)
    for (parameter, gradient) in zip(trained, gradients) {
      let sees = parameter.path.hasPrefix("vision")
      // A bias before a normalisation or behind the maximum may rest; weights of what hears must.
      if !sees { #expect(gradient.values.allSatisfy { $0 == 0 }, "\(parameter.path)") }
      if sees && parameter.role == .weight { #expect(gradient.values.contains { $0 != 0 }, "\(parameter.path)") }
    }
  }

  @Test func theLastFrameIsLookedAt() throws {
    let data = NoisyClips(frames: 3)
    let batch = try data.batch([4, 9], of: .test)
    let last = batch.images("video").lastFrames
    #expect(last.count == 2 && last.frames == 1)
    #expect(Array(last.bytes[..<768]) == Array(batch.images("video").bytes[(2 * 768)..<(3 * 768)]))
    #expect(Array(last.bytes[768...]) == Array(batch.images("video").bytes[(5 * 768)...]))
  }

  @Test func rivalsPointToTheMiddleOrToTheStrangestColour() throws {
    let data = NoisyClips()
    func map(_ kind: String, _ batch: Batch) throws -> Tensor {
      let method = try hearing("avol-net", "map: \(kind)")
      return try #require(try method.embed(state(method), batch).outputs["map"])
    }
    let batch = try data.batch([0], of: .test)
    let centre = try map("centre", batch)
    #expect(centre.shape == [1, 8, 8])
    let best = centre.reshaped([64]).argmax().values[0]
    #expect([3, 4].contains(best / 8) && [3, 4].contains(best % 8))
    // A grey picture with a red square at rows 10 to 13, columns 2 to 5.
    var bytes = [UInt8](repeating: 100, count: 16 * 16 * 3)
    for y in 10..<14 { for x in 2..<6 { bytes[(y * 16 + x) * 3] = 250 } }
    let picture = ImageBatch(count: 1, height: 16, width: 16, channels: 3, bytes: bytes)
    let red = Batch(
      indices: [0], columns: batch.columns.map { ($0.name, $0.name == "video" ? .images(picture) : $0.values) })
    let strangest = try map("salient", red).reshaped([64]).argmax().values[0]
    #expect([5, 6].contains(strangest / 8) && [1, 2].contains(strangest % 8))
  }

  @Test func picturesShowMapsUnderTwoSoundsAndBothWaysOfFinding() throws {
    let method = try hearing("avol-net")
    let data = NoisyClips()
    let start = try state(method)
    struct Frozen: Encoder {
      let method: ObjectsThatSound
      let state: ObjectsThatSound.State
      func features(of batch: Batch) throws -> Features { try method.embed(state, batch) }
    }
    let subject = EvaluationSubject(encoder: Frozen(method: method, state: start), data: data)
    let pictures = try method.pictures(
      of: start, PictureContext(data: data, subject: subject, random: RandomStream(seed: 1)))
    #expect(pictures.map(\.name) == ["heat", "image-to-sound", "sound-to-image"])
  }
}
