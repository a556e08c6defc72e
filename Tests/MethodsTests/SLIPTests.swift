import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproScenes
import ReproTensor
import TestSupport
import Testing

@testable import Multimodal

/// Scenes with captions, few and small.
private func world() throws -> any DatasetProvider {
  var options = try Section(
    YAMLNode(parsing: "{size: 24, train: 24, test: 8, validation: 0, objects: 1}", file: "t.yaml"), name: "data")
  let scenes = try ScenesCaptions(&options, root: DataRoot(cache: "/nowhere", mirror: nil, seed: 4))
  try options.finish()
  return scenes
}

/// A SLIP that steps in milliseconds on images of 24 x 24.
private func small(_ more: String = "", weights: String = "{clip: 1, ssl: 1}") throws -> SLIP {
  try make(
    SLIP.self,
    """
    {size: 24, encoder: convolutional, widths: [4, 8], embedding: 6, text: {width: 8, depth: 1, heads: 2}, context: 16,
     head: {hidden: 8, output: 5}, weights: \(weights)\(more.isEmpty ? "" : ", " + more)}
    """)
}

private func context(
  _ world: any DatasetProvider, shards: Int = 1, plan: OptimizerPlan = .constant(rate: 1e-3), batch: Int = 8
) throws -> StepContext {
  StepContext(
    step: 0, steps: 10, random: RandomStream(seed: 9),
    data: try TrainingData(world, labelled: false, random: RandomStream(seed: 1)), batchSize: batch, shards: shards,
    plan: plan)
}

/// Plain descent, so that (before - after) / rate is the gradient.
private func descent(_ rate: Double) -> OptimizerPlan {
  var plan = OptimizerPlan.constant(rate: rate)
  plan.rule = .sgd(momentum: 0, nesterov: false)
  return plan
}

/// Losses and the head against PyTorch (Tests/Support/vectors/make_slip_vectors.py).
@Suite struct SLIPAgainstPyTorch {
  @Test(arguments: [(1, true), (2, false)])
  func theLossOnCaptionsAndItsGradientsAgree(_ machines: Int, gathers: Bool) throws {
    let file = try VectorFile("slip.h5")
    let inputs = try ["images", "texts", "scale"].map { try file.tensor($0).tracked }
    let (loss, logits) = imageTextContrast(
      inputs[0].l2Normalized(), inputs[1].l2Normalized(), logScale: inputs[2], gathersGradients: gathers)
    let group = "clip-\(machines)"
    expectClose(loss, try file.tensor("\(group)/loss"), tolerance: 1e-6)
    for (name, gradient) in zip(["images", "texts", "scale"], gradients(of: loss, with: inputs)) {
      expectClose(gradient, try file.tensor("\(group)/\(name)"), tolerance: 1e-5, name)
    }
    #expect(logits.shape == [6, 6] && !logits.isTracked)
  }

  @Test func whatIsGatheredWithoutAGraphTeachesNothing() throws {
    // The classic mistake: both ways give one loss, and other gradients.
    let file = try VectorFile("slip.h5")
    #expect(try file.tensor("clip-1/loss").item == file.tensor("clip-2/loss").item)
    #expect(relativeError(try file.tensor("clip-1/images"), try file.tensor("clip-2/images"), floor: 1e-2) > 0.1)
  }

  @Test func theFormOfTwoMatricesIsNTXent() throws {
    let file = try VectorFile("slip.h5")
    let views = try ["a", "b"].map { try file.tensor($0).tracked }
    let loss = ntXent(views[0], views[1], temperature: 0.1)
    expectClose(loss, try file.tensor("simclr/loss"), tolerance: 1e-6)
    for (name, gradient) in zip(["a", "b"], gradients(of: loss, with: views)) {
      expectClose(gradient, try file.tensor("simclr/\(name)"), tolerance: 1e-5, name)
    }
  }

  @Test func theHeadNormalisesEachViewByItself() throws {
    let file = try VectorFile("slip.h5")
    let widths = BatchNormMLP.Widths(hidden: 7, output: 4)
    var head = BatchNormMLP(5, widths, random: RandomStream(seed: 1)).rewritten { path, _ in
      try? file.tensor("head/before/\(path)")
    }
    let (images, texts) = (try file.tensor("images"), try file.tensor("texts"))
    var outputs: [Tensor] = []
    let (_, gradients) = valueAndGradients(of: &head) { head in
      outputs = [head.training(images), head.training(texts)]
      return outputs[0].squared().sum() + outputs[1].sum()
    }
    expectClose(outputs[0], try file.tensor("head/first"), tolerance: 1e-5)
    expectClose(outputs[1], try file.tensor("head/second"), tolerance: 1e-5)
    for (p, gradient) in zip(head.parameters.filter(\.isTrained), gradients.values) {
      expectClose(gradient, try file.tensor("head/gradient/\(p.path)"), tolerance: 1e-4, floor: 0.1, p.path)
    }
    for name in ["bn1.running_mean", "bn1.running_var", "bn2.running_mean", "bn2.running_var"] {
      expectClose(try #require(head.tensor(name)), try file.tensor("head/after/\(name)"), tolerance: 1e-5, name)
    }
    expectClose(head(images), try file.tensor("head/frozen"), tolerance: 1e-5)
  }
}

@Suite struct SLIPLosses {
  @Test func equalEmbeddingsCostTheLogarithmOfTheBatch() {
    let same = Tensor.ones([7, 3]).l2Normalized()
    let loss = imageTextContrast(same, same, logScale: Tensor(2), gathersGradients: true).loss
    #expect(close(Double(loss.item), log(7.0), 1e-6))
  }

  @Test func bothTermsAreAddedWithTheirWeightsAndLightViewsAreAveraged() throws {
    var stream = RandomStream(seed: 3)
    let unit = (0..<4).map { _ in stream.normal([5, 6]).l2Normalized() }
    let (a, b) = (stream.normal([5, 4]), stream.normal([5, 4]))
    let scale = Tensor.full([5, 1], 1.1)
    func term(_ images: Tensor) -> Double {
      // CE of rows and of columns, by hand.
      let (x, t) = (rows(images), rows(unit[3]))
      let s = x.map { i in t.map { j in exp(1.1) * zip(i, j).reduce(0) { $0 + $1.0 * $1.1 } } }
      let turned = s.indices.map { j in s.map { $0[j] } }
      return s.indices.reduce(0) {
        $0 - logSoftmax(s[$1], temperature: 1)[$1] - logSoftmax(turned[$1], temperature: 1)[$1]
      } / 10
    }
    var metrics: Metrics = [:]
    let z = SLIPOutputs(Array(unit) + [scale, a, b], lights: 3, hasText: true)
    let total = try small("clip_views: 3, temperature: 0.5", weights: "{clip: 2, ssl: 0.3}").loss(z, &metrics)
    let clip = (term(unit[0]) + term(unit[1]) + term(unit[2])) / 3
    #expect(close(metrics["clip"], clip, 1e-5))
    let ssl = Double(ntXent(a, b, temperature: 0.5).item)
    #expect(close(metrics["ssl"], ssl, 1e-6))
    #expect(close(Double(total.item), 2 * clip + 0.3 * ssl, 1e-5))
  }

  @Test func accuracyCountsWhoFindsItsPartner() {
    #expect(shareOnDiagonal(Tensor([3, 3], [2, 1, 0, 5, 1, 0, 0, 0, 1])) == Real(2) / 3)
  }
}

@Suite(.serialized) struct SLIPTraining {
  private func stepped(
    _ method: SLIP, shards: Int = 1, plan: OptimizerPlan = .constant(rate: 1e-3),
    _ change: (inout SLIP.State) -> Void = { _ in }
  ) throws -> (before: SLIP.State, after: SLIP.State, metrics: Metrics) {
    let world = try world()
    var state = try method.makeState(for: world.spec, random: RandomStream(seed: 3))
    change(&state)
    let before = state
    var step = try context(world, shards: shards, plan: plan)
    let metrics = try method.step(&state, &step)
    return (before, state, metrics)
  }

  /// Names of what a step has changed.
  private func moved(_ found: (before: SLIP.State, after: SLIP.State, metrics: Metrics)) -> Set<String> {
    Set(
      zip(found.before.named, found.after.tensors).filter { $0.value.values != $1.values }.map {
        String($0.0.name.prefix { $0 != "." })
      })
  }

  @Test func eachTermTrainsItsOwnParts() throws {
    let all: Set = ["visual", "text", "image_projection", "logit_scale", "image_mlp"]
    #expect(try moved(stepped(small())) == all)
    #expect(try moved(stepped(small(weights: "{clip: 1, ssl: 0}"))) == all.subtracting(["image_mlp"]))
    // SimCLR alone reads the backbone before the projection, and never the captions.
    #expect(try moved(stepped(small(weights: "{clip: 0, ssl: 1}"))) == ["visual", "image_mlp"])
  }

  @Test func slipAndThreeLightViewsPassTheSameNumberOfImagesThroughTheBackbone() throws {
    let images = try world().batch(Array(0..<4), of: .train).images()
    func count(_ method: SLIP) -> (lights: Int, strong: Int) {
      let views = method.options.views(of: images, random: RandomStream(seed: 1))
      return (views.lights.count, views.strong.count)
    }
    #expect(try count(small()) == (1, 2))
    #expect(try count(small("clip_views: 3", weights: "{clip: 1, ssl: 0}")) == (3, 0))
    #expect(try count(small(weights: "{clip: 1, ssl: 0}")) == (1, 0))
    #expect(try count(small(weights: "{clip: 0, ssl: 1}")) == (0, 2))
  }

  @Test func lightViewsKeepColoursAndStrongOnesChangeThem() throws {
    let grey = ImageBatch(
      count: 2, height: 24, width: 24, channels: 3,
      bytes: Array(repeating: [200, 40, 40], count: 2 * 576).flatMap { $0 })
    let views = try small().options.views(of: grey, random: RandomStream(seed: 2))
    let own = grey.normalizedTensor
    expectClose(views.lights[0], own, tolerance: 1e-5)  // every crop of one colour is that colour
    #expect(views.strong.contains { relativeError($0, own, floor: 1e-2) > 0.05 })
  }

  @Test(arguments: [2, 4]) func shardsMeetInTheLossAlone(_ shards: Int) throws {
    let method = try small(weights: "{clip: 1, ssl: 0}")
    let one = try stepped(method, plan: descent(1))
    let several = try stepped(method, shards: shards, plan: descent(1))
    #expect(close(several.metrics["loss"], Double(one.metrics["loss"] ?? 0), 1e-6))
    for ((name, a), b) in zip(one.after.named, several.after.tensors) { expectClose(b, a, tolerance: 1e-4, name) }
  }

  @Test func theScaleStaysBetweenOneAndAHundred() throws {
    for (start, limit) in [(Real(4.6), Real(4.6052)), (0.001, 0)] {
      let found = try stepped(small(), plan: descent(start > 1 ? 1e6 : -1e6)) { $0.logitScale = Tensor(start) }
      let scale = found.after.logitScale.item
      #expect(scale == limit || scale == (limit == 0 ? 4.6052 : 0), "\(scale)")
    }
  }

  @Test func whatHasTwoAxesDecaysAndNothingElse() throws {
    func after(_ decay: Double) throws -> SLIP.State {
      var plan = OptimizerPlan.constant(rate: 1e-3)
      plan.decay = .constant(decay)
      return try stepped(small(), plan: plan).after
    }
    let (without, with) = (try after(0), try after(0.5))
    let before = try small().makeState(for: world().spec, random: RandomStream(seed: 3))
    let roles = before.parameters
    for (i, (old, (a, b))) in zip(before.tensors, zip(without.tensors, with.tensors)).enumerated()
    where roles[i].isTrained {
      let shrunk = old.shape.rank >= 2 ? a - old * 0.0005 : a
      expectClose(b, shrunk, tolerance: 1e-5, floor: 1e-3, roles[i].path)
    }
  }
}

@Suite struct SLIPTexts {
  @Test func textsEndWithTheLargestNumberHoweverLongTheyAre() throws {
    let method = try small()
    let rows = method.options.words.tokens(of: ["a red cube", String(repeating: "a red cube and ", count: 9)])
    #expect(rows.shape == [2, 16])
    let (first, second) = (Array(rows.values[..<16]), Array(rows.values[16...]))
    let end = method.options.words.count - 1
    #expect(first.firstIndex(of: end) == 4 && first[5...].allSatisfy { $0 == 0 } && first[0] == WordVocabulary.begin)
    #expect(second.firstIndex(of: end) == 15)
    #expect(rows.values.max() == end)
  }

  @Test func whatStandsBehindTheEndAndInOtherRowsDoesNotMatter() throws {
    let method = try small()
    let state = try method.makeState(for: world().spec, random: RandomStream(seed: 3))
    let both = try method.embed(state, texts: ["a red cube", "a small lying lamp with stripes"])
    expectClose(try method.embed(state, texts: ["a red cube"]), both.slice(0, 0..<1), tolerance: 1e-5)
    let short = IndexTensor([1, 6], Array(method.options.words.tokens(of: ["a red cube"]).values[..<6]))
    expectClose(state.text(short), both.slice(0, 0..<1), tolerance: 1e-5)
    #expect(relativeError(both.slice(0, 1..<2), both.slice(0, 0..<1), floor: 1e-2) > 0.1)
  }

  @Test func ofSeveralCaptionsOneIsDrawnForEachSample() throws {
    let words = try small().options.words
    let texts: [(name: String, values: Column)] = [
      ("caption", .texts(Array(repeating: "red", count: 40))),
      ("paraphrase", .texts(Array(repeating: "blue", count: 40))),
    ]
    let batch = Batch(indices: Array(0..<40), columns: texts)
    func drawn(_ seed: UInt64) throws -> [Int] {
      let rows = try words.tokens(of: batch, columns: ["caption", "paraphrase"], random: RandomStream(seed: seed))
      return (0..<40).map { rows.values[$0 * 16 + 1] }
    }
    let (red, blue) = (words.tokens(of: ["red"]).values[1], words.tokens(of: ["blue"]).values[1])
    let first = try drawn(1)
    #expect(Set(first) == [red, blue] && first.count { $0 == red } > 10 && first.count { $0 == blue } > 10)
    #expect(try drawn(1) == first && drawn(2) != first)
  }

  @Test func theAuthorsInitialWeightsHaveTheirDeviations() throws {
    var c = CLIPConfiguration(
      image: .init(width: 8, depth: 1, heads: 1), text: .init(width: 64, depth: 3, heads: 4), patch: 1, side: 1,
      vocabulary: 50, context: 8, embedding: 32)
    c.channels = 3
    let tower = CLIPTextTower(authorsInitialization: c, random: RandomStream(seed: 5))
    func deviation(_ path: String) throws -> Double {
      let values = try #require(tower.tensor(path)).values.map { Double($0) }
      return (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
    }
    for (path, expected) in [
      ("token_embedding.weight", 0.02), ("positional_embedding", 0.01), ("text_projection", 0.125),
      ("transformer.layers.0.self_attn.in_proj_weight", 0.125),
      ("transformer.layers.2.self_attn.out_proj.weight", 0.125 / 6.0.squareRoot()),
      ("transformer.layers.1.linear1.weight", 1 / 128.0.squareRoot()),
      ("transformer.layers.1.linear2.weight", 0.125 / 6.0.squareRoot()),
    ] { #expect(abs(try deviation(path) / expected - 1) < 0.08, "\(path)") }
  }
}

@Suite struct SLIPOptionErrors {
  @Test(arguments: [
    ("weights: {clip: 0, ssl: 0}", "method.weights are both 0"),
    ("text: {width: 10, heads: 4}", "method.text.width 10 is not a multiple of 4 heads"),
    ("captions: []", "method.captions is empty"),
    ("encoder: transformer, patch: 8, width: 10, depth: 1, heads: 4", "method.width 10 is not a multiple of 4 heads"),
    ("strong: {scale: [1, 0.5]}", "method.strong.scale is [1.0, 0.5]"),
    ("words: latin", "method.words"),
  ])
  func badOptionsAreRefused(_ more: String, _ expected: String) {
    do {
      _ = try make(
        SLIP.self, "{size: 24, widths: [4], \(more.contains("encoder") ? "" : "encoder: convolutional, ")\(more)}")
      Issue.record("\(more) was taken")
    } catch { #expect("\(error)".contains(expected), "\(error)") }
  }

  @Test func imagesThatAreNoWholePatchesAndDataWithoutCaptionsAreRefused() throws {
    let vit = try make(SLIP.self, "{size: 24, patch: 5, width: 8, depth: 1, heads: 2, text: {width: 8, heads: 2}}")
    #expect(throws: (any Error).self) { try vit.makeState(for: imageSpec(side: 20), random: RandomStream(seed: 1)) }
    let method = try small()
    var state = try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 1))
    var step = try MethodsTests.context()
    do {
      _ = try method.step(&state, &step)
      Issue.record("a data set without captions was taken")
    } catch { #expect("\(error)".contains("the data set has no texts 'caption'"), "\(error)") }
  }
}
