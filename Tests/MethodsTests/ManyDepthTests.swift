import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Geometric
@testable import ReproScenes

@Suite(.serialized) struct ManyDepthTests {
  /// A method that trains in milliseconds.
  private func method(_ more: String = "") throws -> ManyDepth {
    try make(
      ManyDepth.self,
      """
      {width: 4, blocks: [1, 1, 1, 1], decoder: {width: 2, finest: 1, scales: 2}, pose_hidden: 8, planes: 6\(more.isEmpty ? "" : ", " + more)}
      """)
  }

  private static let drive = "size: 64, frames: 4, train: 4, test: 2, outputs: [odometry, middle-depth]"

  private func context(_ data: ScenesDrive, stage: String = "joint", step: Int = 0, shards: Int = 1) throws
    -> StepContext
  {
    StepContext(
      stage: stage, step: step, steps: 4, random: RandomStream(seed: 9).child("step", step),
      data: try TrainingData(data, labelled: false, random: RandomStream(seed: 1)), batchSize: 2, shards: shards,
      plan: .constant(rate: 1e-2))
  }

  private func state(_ method: ManyDepth, _ data: ScenesDrive) throws -> ManyDepth.State {
    try method.makeState(for: data.spec, random: RandomStream(seed: 2))
  }

  @Test func eachStageTrainsItsOwnNetworksOnly() throws {
    let (method, data) = (try method(), try dataset(ScenesDrive.self, Self.drive))
    let start = try state(method, data)
    for (stage, single, multi) in [("warm-up", true, false), ("joint", true, true), ("frozen", false, true)] {
      var (state, context) = (start, try context(data, stage: stage))
      let metrics = try method.step(&state, &context)
      #expect((bits(state.single) != bits(start.single)) == single, "\(stage)")
      #expect((bits(try #require(state.multi)) != bits(try #require(start.multi))) == multi, "\(stage)")
      // Bins follow the teacher for as long as it learns.
      #expect((bits(state.bins) != bits(start.bins)) == single, "\(stage)")
      #expect(metrics.items[0].name == "loss" && metrics.items[0].value.isFinite)
    }
  }

  /// Teacher and poses must not feel the multi-frame loss: whatever that is, they change by the same bits.
  @Test func theTeacherLearnsTheSameWithAndWithoutTheMultiFrameNetwork() throws {
    let data = try dataset(ScenesDrive.self, Self.drive)
    var singles: [[[Real]]] = []
    for more in [
      "", "consistency: false, smoothness: 0.001, augmentation: {static: 0, missing: 0}", "multi_frame: false",
    ] {
      let method = try method(more)
      var (state, context) = (try state(method, data), try context(data))
      _ = try method.step(&state, &context)
      singles.append(bits(state.single))
    }
    #expect(singles[0] == singles[1] && singles[0] == singles[2])
  }

  @Test func theReliabilityMaskTrustsTheVolumeWithinAFactorOfTwo() throws {
    let teacher = Tensor.full([1, 1, 4, 12], 2)
    // One feature pixel for each 4 x 4 pixels: half, almost half, and double of what the teacher says.
    let lowest = Tensor([1, 1, 1, 3], [1.01, 0.99, 4.01])
    let (seen, none) = (Tensor.ones([1, 1, 1, 3]), Tensor.zeros([1, 1, 1, 1]))
    let mask = try method().reliability(lowest: lowest, observed: seen, teacher, none)
    #expect(mask.shape == [1, 1, 4, 12])
    let row = mask.select(2, 3).values
    #expect(row == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    let hidden = Tensor([1, 1, 1, 3], [0, 1, 1])
    #expect(try method().reliability(lowest: lowest, observed: hidden, teacher, none).sum().item == 0)
    #expect(try method().reliability(lowest: lowest, observed: seen, teacher, none + 1).sum().item == 0)
    let blind = try method("consistency: false")
    #expect(blind.reliability(lowest: lowest, observed: hidden, teacher, none).mean().item == 1)
    #expect(blind.reliability(lowest: lowest, observed: hidden, teacher, none + 1).sum().item == 0)
  }

  /// The loss of the multi-frame network on one batch, from its parts, in Double.
  @Test func whereNothingIsTrustedTheLossIsThePlainMeanDistanceToTheTeacher() throws {
    let data = try dataset(ScenesDrive.self, Self.drive)
    // All frames are missing: M = 0 everywhere.
    let method = try method("augmentation: {static: 0, missing: 1}, smoothness: 0, colour: 0, flip: 0")
    let state = try state(method, data)
    let context = try context(data, stage: "frozen")
    let sample = ClipSample(
      training: try context.batch(), offsets: -1...1, flip: 0, colour: 0, unit: 1,
      random: context.random.child("clips"))
    let scene = Reprojection(sample, sources: [-1, 1], range: method.options.range)
    let teacher = state.single.depth(sample.view(0)).map { scene.depth($0) }
    var multi = try #require(state.multi)
    let empty = Lookup(features: Tensor.zeros([2, 4, 16, 16]), motion: Tensor.zeros([2, 4, 4]))
    let planes = state.bins.planes(6, inverse: false)
    let output = multi(
      sample.view(0), [empty], sample.intrinsics, planes, ForwardContext(random: RandomStream(seed: 1)))
    var expected = 0.0
    for (disparity, target) in zip(output.disparities, teacher) {
      let depth = scene.depth(disparity).values
      expected += zip(depth, target.values).reduce(0) { $0 + Double(abs($1.0 - $1.1)) } / Double(2 * depth.count)
    }
    var (trained, run) = (state, context)
    let metrics = try method.step(&trained, &run)
    #expect(close(metrics["multi"], expected, 1e-4) && close(metrics["consistency"], expected, 1e-4))
    #expect(metrics["trusted"] == 0 && expected > 0.01)
  }

  @Test func motionsBeginNearRestBecauseTheOutputIsScaledDown() throws {
    let data = try dataset(ScenesDrive.self, Self.drive)
    let state = try state(method(), data)
    let sample = ClipSample(middleOf: try data.batch([0, 1], of: .train), offsets: -1...1, unit: 1)
    let pose = try #require(state.single.pose)
    let motion = pose(sample.view(-1), sample.view(0))
    let rest = Tensor.zeros([2, 6]).rigidExponential()
    #expect((motion - rest).abs().values.allSatisfy { $0 < 0.02 } && motion.values != rest.values)
  }

  @Test func givenMotionsReplaceTheNetworkAndAreMeasuredInTheNetworksUnit() throws {
    let data = try dataset(ScenesDrive.self, Self.drive)
    let method = try method("poses: given, unit: 20")
    var (state, context) = (try state(method, data), try context(data))
    #expect(state.single.pose == nil)
    _ = try method.step(&state, &context)
    let batch = try data.batch([0], of: .train)
    let (metres, twenty) = (
      ClipSample(middleOf: batch, offsets: -1...1, unit: 1), ClipSample(middleOf: batch, offsets: -1...1, unit: 20)
    )
    let (a, b) = (try #require(metres.motions[-1]), try #require(twenty.motions[-1]))
    expectClose(b.slice(2, 3..<4).slice(1, 0..<3) * 20, a.slice(2, 3..<4).slice(1, 0..<3), tolerance: 1e-4)
    // Before comes what lies behind: the earlier camera sees points further away, z grows.
    #expect(a.values[11] > 0.1 && a.values[11] < 0.5)
  }

  @Test(arguments: ["quarter", "half"]) func anInheritedNetworkBeginsAsItsTeacher(_ matching: String) throws {
    let data = try dataset(ScenesDrive.self, Self.drive)
    let method = try method("inherit: true, matching: \(matching)")
    var state = try state(method, data)
    let batch = try data.batch([0, 1], of: .test)
    let before = try method.embed(state, batch).outputs
    #expect(!sameBits(try #require(before["depth"]), try #require(before["single-depth"])))
    let single = state.single.depth
    state.multi?.inherit(single)
    let after = try method.embed(state, batch).outputs
    expectClose(try #require(after["depth"]), try #require(after["single-depth"]), tolerance: 1e-5)
  }

  @Test func depthsAreMapsOfTheMiddleFrameAndSeveralLookupsWork() throws {
    let data = try dataset(ScenesDrive.self, Self.drive)
    for (more, usesVolume) in [("lookups: 2", true), ("matching: half", true), ("multi_frame: false", false)] {
      let method = try method(more)
      var (state, context) = (try state(method, data), try context(data))
      _ = try method.step(&state, &context)
      let features = try method.embed(state, data.batch([0, 1], of: .test))
      #expect(features.global.shape == [2, 32])
      for name in ["depth", "static-depth", "single-depth"] {
        let map = try #require(features.outputs[name])
        #expect(map.shape == [2, 64, 64] && map.values.allSatisfy { $0 >= 0.0999 && $0 <= 100.1 })
      }
      let (moving, still) = (try #require(features.outputs["depth"]), try #require(features.outputs["static-depth"]))
      #expect(sameBits(moving, still) == !usesVolume, "\(more)")
    }
  }

  @Test func threadsDoNotChangeABitOfAStep() throws {
    let data = try dataset(ScenesDrive.self, Self.drive)
    let method = try method()
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    let all = try [1, 3].map { threads in
      ThreadPool.shared.threads = threads
      var (state, context) = (try state(method, data), try context(data, shards: 2))
      _ = try method.step(&state, &context)
      return bits(state)
    }
    #expect(all[0] == all[1])
  }

  @Test func whatCannotWorkIsRefusedWithItsReason() throws {
    func message(_ data: String, _ more: String = "") throws -> String {
      let spec = try dataset(ScenesDrive.self, data).spec
      let method = try method(more)
      return
        "\(reproError { _ = try method.makeState(for: spec, random: RandomStream(seed: 1)) }.map { "\($0)" } ?? "")"
    }
    #expect(try message("size: [48, 96], frames: 3").contains("multiples of 32"))
    #expect(try message("size: 64, frames: 2").contains("at least 3"))
    #expect(
      try message("size: 64, frames: 3", "lookups: 2").contains("at least 4: 2 before the picture and one after it"))
    #expect(try message("size: 64, frames: 3", "poses: given").contains("odometry"))
    let images = try method()
    let error = reproError { _ = try images.makeState(for: imageSpec(side: 64), random: RandomStream(seed: 1)) }
    #expect("\(try #require(error))".contains("colour 'frames' of a moving camera"))
    #expect("\(try #require(reproError { _ = try method("spacing: even") }))".contains("linear"))
    #expect("\(try #require(reproError { _ = try method("matching: full") }))".contains("half"))
    #expect(
      "\(try #require(reproError { _ = try method("augmentation: {static: 0.7, missing: 0.5}") }))".contains("missing"))
    #expect("\(try #require(reproError { _ = try method("planse: 3") }))".contains("planes"))
  }
}
