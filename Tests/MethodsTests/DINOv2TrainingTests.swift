import Glibc
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Distillation

@Suite(.serialized) struct DINOv2Training {
  private func state(_ method: DINOv2) throws -> DINOv2.State {
    try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 3))
  }

  /// Steps from the first on, and the metrics of the last.
  private func run(
    _ method: DINOv2, steps: Int, from start: DINOv2.State? = nil, stage: String = "pretrain", shards: Int = 1,
    recomputes: Bool = false
  ) throws -> (state: DINOv2.State, metrics: Metrics) {
    var state = try start ?? self.state(method)
    var step = try context(stage: stage, shards: shards, recomputes: recomputes)
    var metrics: Metrics = [:]
    for k in 1...steps {
      metrics = try method.step(&state, &step)
      step = step.next(random: RandomStream(seed: 9).child("step", k))
    }
    return (state, metrics)
  }

  // MARK: the teacher

  @Test func theTeacherStartsAsTheStudent() throws {
    let start = try state(smallDINOv2("distill: {width: 24, depth: 3, heads: 4}"))
    for pair in [start.model, try #require(start.large)] {
      #expect(bits(pair.teacher) == bits(pair.student))
      #expect(bits(pair.student).joined().contains { $0 != 0 })
    }
  }

  @Test func theTeacherFollowsTheStudentWithTheMomentumOfTheSchedule() throws {
    let method = try smallDINOv2("teacher_momentum: {from: 0.5, to: 1}")
    for k in [0, 5, 9] {
      let before = try state(method)
      var (after, step) = (before, try context(step: k))
      _ = try method.step(&after, &step)
      let momentum = 1 - 0.5 * (1 + Glibc.cos(Double.pi * Double(k) / 10)) / 2
      for (old, (student, teacher)) in zip(
        before.model.teacher.named, zip(after.model.student.tensors, after.model.teacher.tensors))
      {
        let expected = zip(old.value.values, student.values).map {
          Real(momentum * Double($0) + (1 - momentum) * Double($1))
        }
        expectClose(teacher, Tensor(teacher.shape, expected), tolerance: 1e-6, old.name)
      }
    }
  }

  @Test func theTeacherSeesWhatIsMaskedForTheStudent() throws {
    let method = try smallDINOv2()
    let network = try state(method).model.student.rewritten { path, t in
      path.hasSuffix("mask_token") ? Tensor.full(t.shape, 1) : nil
    }
    var stream = RandomStream(seed: 6)
    let crops = MultiCrop.Crops(globals: (0..<2).map { _ in stream.normal([2, 3, 16, 16]) }, locals: [])
    func shard(_ masked: Int) -> CropShard {
      CropShard(crops, BlockMasks(bits: (0..<4).map { _ in (0..<16).map { $0 < masked } }), 0..<2)
    }
    let drop = ForwardContext(random: stream)
    let (few, many) = (
      network.targets(of: shard(1), usesPatches: true), network.targets(of: shard(9), usesPatches: true)
    )
    #expect(sameBits(few[0], many[0]) && sameBits(few[1], many[1]))
    func student(_ masked: Int, _ masksInput: Bool) -> Tensor {
      network.outputs(of: shard(masked), masksInput: masksInput, usesPatches: true, drop)[2]
    }
    #expect(!sameBits(student(1, true), student(9, true)))
    #expect(sameBits(student(9, false), few[0]))  // the same network without masks
  }

  @Test func theCentreIsUsedBeforeItMoves() throws {
    let method = try smallDINOv2("centering: softmax")
    var (state, step) = (try self.state(method), try context())
    let metrics = try method.step(&state, &step)
    let crops = method.options.crops(at: "pretrain").crops(
      of: try step.batch().images(), random: step.random.child("crops"))
    let teacher = try self.state(method).model.teacher
    let logits = rows(concat(crops.globals.map { teacher.dinoHead(teacher.backbone($0).classToken) }))
    // The first centre is 0, so the first targets are plain softmaxes.
    let entropy = logits.reduce(0.0) { sum, z in
      sum - logSoftmax(z, temperature: 0.04).reduce(0) { $0 + Glibc.exp($1) * $1 }
    }
    #expect(close(metrics["target-entropy"], entropy / 16, 1e-4))
    for (j, c) in rows(state.model.dinoCenter)[0].enumerated() {
      #expect(abs(c - 0.1 * logits.reduce(0) { $0 + $1[j] } / 16) < 1e-6)
    }
  }

  // MARK: collapse

  @Test func uniformTargetsShowInTheirEntropy() throws {
    let method = try smallDINOv2("centering: softmax")
    var start = try state(method)
    start.model.teacher.dinoHead.gain = .zeros([11, 1])
    let metrics = try run(method, steps: 1, from: start).metrics
    #expect(close(metrics["target-entropy"], Glibc.log(11), 1e-5))
    #expect(close(metrics["usage-entropy"], Glibc.log(11), 1e-5))
  }

  @Test func onePrototypeForAllShowsInTheEntropyOfUsage() throws {
    let method = try smallDINOv2("centering: softmax")
    var start = try state(method)
    // The teacher says the same about every image, and is sure of it.
    start.model.teacher = start.model.teacher.rewritten { path, t in
      switch path {
      case "dino_head.mlp.4.weight": .zeros(t.shape)
      case "dino_head.mlp.4.bias": .ones(t.shape)
      case "dino_head.last_layer.weight_g": t * 50
      default: nil
      }
    }
    let collapsed = try run(method, steps: 1, from: start).metrics
    #expect(try #require(collapsed["usage-entropy"]) < 0.05)
    // Sinkhorn's targets use nearly all of the eleven prototypes, whatever the logits.
    let healthy = try run(smallDINOv2("centering: sinkhorn"), steps: 1).metrics
    #expect(try #require(healthy["usage-entropy"]) > 2)
  }

  // MARK: rules of training

  @Test func theLastLayerRestsUntilItsTimeComes() throws {
    let method = try smallDINOv2("freeze_last_layer: 0.25")
    var (state, step) = (try self.state(method), try context())
    for k in 0..<5 {
      let before = state.model.student
      _ = try method.step(&state, &step)
      for (old, new) in zip(before.named, state.model.student.tensors) where old.name.contains("last_layer") {
        #expect(sameBits(old.value, new) == (Double(k) / 10 < 0.25), "\(old.name) in step \(k)")
      }
      #expect(!sameBits(before.dinoHead.mlp[0].weight, state.model.student.dinoHead.mlp[0].weight))
      step = step.next(random: RandomStream(seed: 4).child("step", k))
    }
  }

  @Test func aStepWithoutAnyMaskTrainsWithoutThePatchTerm() throws {
    for centering in ["softmax", "sinkhorn"] {
      let method = try smallDINOv2("mask: {probability: 0}, centering: \(centering)")
      let (state, metrics) = try run(method, steps: 2)
      #expect(metrics["ibot"] == 0)
      #expect(state.model.ibotCenter.values.allSatisfy { $0 == 0 })
      let (dino, koleo) = (try #require(metrics["dino"]), try #require(metrics["koleo"]))
      #expect(close(metrics["loss"], Double(dino) + 0.1 * Double(koleo), 1e-5))
    }
  }

  @Test func withoutThePatchTermTheStudentStillSeesMaskedImages() throws {
    // The mask token is used if and only if it gets a gradient: it starts at 0.
    func maskToken(_ more: String, ibot: Int) throws -> [Real] {
      let weights = "{dino: 1, ibot: \(ibot), koleo: 0.1}"
      let (state, metrics) = try run(smallDINOv2(more, weights: weights), steps: 2)
      #expect((metrics["ibot"] == nil) == (ibot == 0))
      return try #require(state.model.student.backbone.maskToken).values
    }
    #expect(try maskToken("", ibot: 0).contains { $0 != 0 })
    #expect(try maskToken("", ibot: 1).contains { $0 != 0 })
    #expect(try maskToken("mask: {probability: 0}", ibot: 0).allSatisfy { $0 == 0 })
  }

  // MARK: shards and threads

  @Test(arguments: ["softmax", "sinkhorn"])
  func shardsGiveTheSameLossAndRecomputationTheSameBits(_ centering: String) throws {
    let method = try smallDINOv2("centering: \(centering), registers: 1")
    let whole = try run(method, steps: 1)
    for shards in [2, 4] {
      let cut = try run(method, steps: 1, shards: shards)
      for (a, b) in zip(whole.metrics.items, cut.metrics.items) {
        #expect(
          a.name == b.name && close(b.value, a.value, a.name == "gradient" ? 1e-4 : 1e-5), "\(a.name), \(shards) shards"
        )
      }
      let again = try run(method, steps: 1, shards: shards, recomputes: true)
      #expect(again.metrics == cut.metrics)
      #expect(bits(again.state) == bits(cut.state))
    }
  }

  @Test func threeStepsGiveTheSameBitsForOneTwoAndThreeThreads() throws {
    let threads = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = threads }
    let method = try smallDINOv2("drop_path: 0.3, centering: sinkhorn")
    let results = try [1, 2, 3].map { n in
      ThreadPool.shared.threads = n
      let (state, metrics) = try run(method, steps: 3, shards: 2)
      return (bits(state), metrics)
    }
    for (state, metrics) in results[1...] {
      #expect(state == results[0].0)
      #expect(metrics == results[0].1)
    }
  }

  // MARK: the stage of high resolution

  @Test func theHighResolutionStageUsesItsOwnCrops() throws {
    let method = try smallDINOv2("high_resolution: {global: {size: 24}, local: {size: 12, count: 1}}")
    #expect(method.options.crops(at: "pretrain").globalSize == 16)
    let large = method.options.crops(at: "high-resolution")
    #expect(large.globalSize == 24 && large.localSize == 12 && large.locals == 1)

    let start = try state(method)
    let metrics = try run(method, steps: 1, from: start, stage: "high-resolution").metrics
    var step = try context(stage: "high-resolution")
    let crops = large.crops(of: try step.batch().images(), random: step.random.child("crops"))
    let masks = BlockMasks(
      images: 16, rows: 6, columns: 6, probability: 0.5, ratio: 0.1...0.5, random: step.random.child("masks"))
    var pair = start.model
    let expected = method.train(&pair, teacher: pair.teacher, crops, masks, masksInput: true, &step, "main")
    #expect(expected == metrics)
    #expect(try run(method, steps: 1, from: start).metrics != metrics)
  }

  // MARK: distillation

  private let distilling = "distill: {width: 24, depth: 5, heads: 4}"

  @Test func theLargeTeacherTrainsInItsStageThoughItIsDeeperThanTheStudent() throws {
    let method = try smallDINOv2(distilling)
    let before = try state(method)
    let (after, _) = try run(method, steps: 2, from: before, stage: "teacher")
    #expect(bits(after.model) == bits(before.model))
    let (old, new) = (try #require(before.large), try #require(after.large))
    for (a, b) in zip(old.student.named, new.student.tensors) {
      #expect(!sameBits(a.value, b), "\(a.name) did not move")
    }
    #expect(bits(old.teacher) != bits(new.teacher))
  }

  @Test func theFrozenTeacherDoesNotMoveByABit() throws {
    let method = try smallDINOv2(distilling)
    let before = try state(method)
    let (after, _) = try run(method, steps: 3, from: before)
    #expect(bits(try #require(after.large)) == bits(try #require(before.large)))
    #expect(bits(after.model.student) != bits(before.model.student))
    #expect(bits(after.model.teacher) != bits(before.model.teacher))  // the student's average is the final model
  }

  @Test func distillationMatchesAllPatchesOfUnmaskedCropsWithoutSkippingBlocks() throws {
    let method = try smallDINOv2(distilling + ", drop_path: 0.5, centering: softmax")
    let before = try state(method)
    let metrics = try run(method, steps: 1, from: before).metrics
    let step = try context()
    let crops = method.options.crops(at: "pretrain").crops(
      of: try step.batch().images(), random: step.random.child("crops"))
    let (student, teacher) = (before.model.student, try #require(before.large).teacher)
    var (ibot, dino) = (0.0, 0.0)
    var targets: [[[Double]]] = []
    for view in crops.globals {
      let (seen, truth) = (student.backbone(view), teacher.backbone(view))
      let logits = rows(student.dinoHead(seen.patches.flattened(from: 0, through: 1)))
      for (s, t) in zip(logits, rows(teacher.dinoHead(truth.patches.flattened(from: 0, through: 1)))) {
        ibot += crossEntropy(logSoftmax(t, temperature: 0.04).map { Glibc.exp($0) }, s) / 256  // 16 patches of 16 crops
      }
      targets.append(
        rows(teacher.dinoHead(truth.classToken)).map { logSoftmax($0, temperature: 0.04).map { Glibc.exp($0) } })
    }
    for (g, view) in (crops.globals + crops.locals).enumerated() {
      let logits = rows(student.dinoHead(student.backbone(view).classToken))
      for (h, target) in targets.enumerated() where h != g {
        dino += zip(target, logits).reduce(0) { $0 + crossEntropy($1.0, $1.1) } / 8 / 8  // 8 images, 8 pairs
      }
    }
    #expect(close(metrics["ibot"], ibot, 1e-4))
    #expect(close(metrics["dino"], dino, 1e-4))
  }
}
