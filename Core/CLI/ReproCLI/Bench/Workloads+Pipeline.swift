import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproScenes
import ReproTensor

extension Workload {
  /// What surrounds the arithmetic: a method's whole step, pictures, views, checkpoints, the start of the program.
  static let pipeline: [Workload] = [
    Workload("dinov2", "a step of dinov2-small's first arm, views and update included", unit: "sample") {
      try methodStep("dinov2-small")
    },
    Workload("renderer", "pictures of scenes-objects, 64 x 64, with labels and masks", unit: "view", steps: 10) {
      let data = try scenes(size: 64)
      let next = Box(0)
      return Step(units: 256) {
        _ = try data.batch(Array(next.value..<next.value + 256), of: .train)
        next.value += 256
      }
    },
    Workload("augmentation", "views of 32 x 32 as SimCLR makes them for CIFAR-10: crop, flip, colours", unit: "view") {
      let images = try scenes(size: 32).batch(Array(0..<256), of: .train).images()
      var policy = ViewPolicy(size: 32, scale: 0.08...1)
      // Strength 0.5, no blur: Chen et al. 2020 (arXiv 2002.05709), appendix B.9.
      policy.jitter = ViewPolicy.Jitter(probability: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1)
      policy.grey = 0.2
      let (policyOfViews, random, step) = (policy, Self.stream("augmentation"), Box(0))
      return Step(units: 256) {
        _ = policyOfViews.views(of: images, random: random.child("step", step.value))
        step.value += 1
      }
    },
    Workload("checkpoint", "a checkpoint of ViT-Ti and its optimizer, written and flushed to the disk", unit: "MB") {
      let (file, state, megabytes) = try checkpoint()
      return Step(units: megabytes) { try file.write { try $0.write(state, under: "state") } }
    },
    Workload("checkpoint-read", "the same checkpoint, read and verified", unit: "MB") {
      let (file, state, megabytes) = try checkpoint()
      try file.write { try $0.write(state, under: "state") }
      let target = Box(state)
      return Step(units: megabytes) {
        _ = try file.read(notices: .silent) { try $0.read(&target.value, under: "state") }
      }
    },
    Workload("start-up", "`repro list`, from its start to its end", unit: "start") {
      let pool = ProcessPool(executable: "/proc/self/exe", concurrent: 1)
      return Step(units: 1) {
        var code: Int32 = 0
        try pool.run(
          [ProcessPool.Job(arguments: ["list"])], onStart: { _ in }, onLine: { _, _ in }, onEnd: { code = $1 },
          mayContinue: { true })
        if code != 0 { throw ReproError(.data, at: "repro list", found: "it ended with code \(code)") }
      }
    },
  ]

  private static func scenes(size: Int) throws -> any DatasetProvider {
    let node = try YAMLNode(parsing: "{size: \(size), train: 1000000}", file: "bench")
    var section = try Section(node, name: "data")
    return try ScenesObjects(&section, root: DataRoot(cache: "", mirror: nil, seed: 0))
  }

  /// What a checkpoint of a run holds: a model and the two moments of each of its parameters.
  private struct TrainedState: Layer {
    var model: VisionTransformer
    var optimizer: Optimizer

    mutating func visit(_ v: inout some LayerVisitor) {
      v("model", &model)
      v("optimizer", &optimizer)
    }
  }

  private static func checkpoint() throws -> (file: CheckpointFile, state: TrainedState, megabytes: Double) {
    let c = ViTConfiguration(imageSize: 32, patch: 4, channels: 3, width: 192, depth: 12, heads: 3)
    let model = VisionTransformer(c, random: Self.stream("checkpoint"))
    let rule = Optimizer.Rule.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
    let state = TrainedState(model: model, optimizer: Optimizer(rule, for: model))
    let bytes = state.tensors.reduce(0) { $0 + $1.count * MemoryLayout<Real>.stride }
    return (CheckpointFile(BenchFolder.path + "/checkpoint.h5"), state, Double(bytes) / 1e6)
  }

  /// A step of the first arm of a recipe at scale small, as the runner makes it, on as much data as ten steps take.
  private static func methodStep(_ name: String) throws -> Step {
    let catalogue = try Program.catalogue()
    let recipe = try catalogue.recipe(at: try catalogue.entry(named: name))
    guard let arm = recipe.arms.first else { throw ReproError(.usage, at: name, found: "the recipe has no arm") }
    let resolved = try recipe.resolve(scale: .small, arm: arm.name, overrides: ["data.train=640", "data.test=10"])
    guard let stage = resolved.stages.first, let batch = stage.batch, let node = stage.optimizer else {
      throw ReproError(.usage, at: name, found: "the first stage has no batch or no optimizer")
    }
    var section = try Section(node, name: "optimizer")
    let plan = try OptimizerPlan(&section)

    func open<D: DatasetProvider>(_ type: D.Type) throws -> any DatasetProvider {
      var section = try Section(resolved.data.options, name: "data")
      return try type.init(&section, root: Program.dataRoot())
    }
    let data = try open(try Program.plugins.dataset(resolved.data))
    func step<M: MethodPlugin>(_ type: M.Type) throws -> Step {
      var section = try Section(resolved.method.options, name: "method")
      let method = try type.init(&section)
      let random = RandomStream(seed: 0)
      let samples = try TrainingData(data, labelled: type.card.isSupervised, random: random.child("order"))
      let state = Box(try method.makeState(for: data.spec, random: random.child("init")))
      let train = random.child("train").child(stage.name)
      let context = Box(
        StepContext(
          stage: stage.name, step: 0, steps: stage.steps, random: train.child("step", 0), data: samples,
          batchSize: batch, shards: stage.shards, plan: plan))
      return Step(units: Double(batch)) {
        _ = try method.step(&state.value, &context.value)
        context.value = context.value.next(random: train.child("step", context.value.step + 1))
      }
    }
    return try step(Program.plugins.method(resolved.method))
  }
}

/// A folder for the files of this process's workload, removed when it ends.
enum BenchFolder {
  static let path = (ProcessEnvironment.variable("TMPDIR") ?? "/tmp") + "/repro-bench-\(getpid())"

  static func make() throws { try SafeFile.makeFolder(path) }

  static func remove() {
    for name in SafeFile.list(path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }
}
