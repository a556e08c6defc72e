import Glibc
import ReproConfig
import ReproData
import ReproNN
import ReproTensor
import Synchronization

/// Set by a signal handler: runs save and stop at the next step.
public enum Interruption {
  public static let isRequested = Atomic<Bool>(false)
}

/// How far a run is; what progress bars show.
public struct CellProgress: Sendable {
  public var stage: String
  public var step, steps: Int
  public var metrics: Metrics
  public var samplesPerSecond: Double
  public var secondsLeft: Double

  public init(
    stage: String, step: Int, steps: Int, metrics: Metrics, samplesPerSecond: Double, secondsLeft: Double
  ) {
    (self.stage, self.step, self.steps, self.metrics) = (stage, step, steps, metrics)
    (self.samplesPerSecond, self.secondsLeft) = (samplesPerSecond, secondsLeft)
  }
}

/// Runs one cell: one arm of a recipe with one seed, from initialisation (or its checkpoint) to its record.
///
/// Everything lands in one folder: the resolved recipe, metrics as JSON lines, the checkpoint, the final record, timing.
/// Killed at any moment and started again, it ends with the same bytes in the record.
public struct CellRunner: Sendable {
  public let plugins: Plugins
  public let recipe: ResolvedRecipe
  public let seed: UInt64
  /// SHA-256 of the recipe's plan of claims.
  public let planSHA256: String
  /// The folder of this cell.
  public let folder: String
  public let commit: String
  public let dataCache: String
  public let mirror: String?
  public let notices: Notices
  /// A checkpoint whose parameters the run starts from, instead of fresh ones; part of what identifies the run.
  public var initialWeights: String?
  /// Asked after every step: whether to save and stop.
  public var mustStop: @Sendable () -> Bool = { Interruption.isRequested.load(ordering: .relaxed) }
  /// Seconds between two checkpoints.
  public var checkpointInterval = 20.0
  /// Whether the time of every op is written to `profile.json`.
  public var profiles = false
  /// Every how many steps one is computed twice and compared, bit by bit; 0 for never.
  public var recomputesEvery = 0
  /// What the run may take, looked at after the first step of each stage.
  public var memory: MemoryBudget?
  /// Which code runs here.
  public var code = CodeStamp(executable: CodeStamp.currentExecutable)
  /// Whether runs of other code are taken as they are, finished or not; never for what is recorded.
  public var keepsOtherCode = false

  public init(
    plugins: Plugins, recipe: ResolvedRecipe, seed: UInt64, planSHA256: String, folder: String, commit: String,
    dataCache: String, mirror: String?, notices: Notices
  ) {
    (self.plugins, self.recipe, self.seed, self.planSHA256) = (plugins, recipe, seed, planSHA256)
    (self.folder, self.commit, self.dataCache, self.mirror, self.notices) = (folder, commit, dataCache, mirror, notices)
  }

  var recordPath: String { folder + "/record.json" }

  private func recipeSHA256() throws -> String {
    guard let initialWeights else { return SHA256.hex(of: recipe.canonical) }
    return SHA256.hex(of: recipe.canonical + "\nweights " + (try SafeFile.sha256(initialWeights)))
  }

  /// The record of a run that is already finished in this folder with this recipe, these libraries and this code.
  ///
  /// - Throws: `ReproError`, domain data: the record was edited or damaged.
  public func finishedRecord() throws -> RunRecord? {
    guard SafeFile.exists(recordPath) else { return nil }
    let record = try RunRecord(try JSONValue(path: recordPath), at: recordPath)
    guard try record.recipeSHA256 == recipeSHA256(), record.fingerprint == .current else { return nil }
    return keepsOtherCode || code.agrees(with: record.code) ? record : nil
  }

  /// Runs the cell to its end and returns its record; returns the record at once if it is already there.
  ///
  /// - Throws: `ReproError`: interrupted (the state is saved), data, usage.
  public func run(_ progress: (CellProgress) -> Void) throws -> RunRecord {
    if let record = try finishedRecord() { return record }
    try AlgebraMemory.take(threads: ThreadPool.shared.threads)
    try prepareFolder()
    let root = DataRoot(cache: dataCache, mirror: mirror, seed: seed, notices: notices)
    let data = try plugins.makeDataset(recipe.data, root: root)
    if let initialWeights, try StartingWeights.arePublished(initialWeights) {
      return try evaluatePublished(initialWeights, data, recipeSHA256: recipeSHA256(), progress)
    }
    for plan in recipe.evaluations { try plugins.makeEvaluation(plan).check(data.spec) }
    if profiles { Profile.start() }
    defer { if profiles { _ = Profile.stop() } }
    let record = try run(plugins.method(recipe.method), data, progress)
    if profiles {
      try SafeFile.write("\(folder)/\(ProfileFile.name)", text: ProfileFile.json(Profile.stop()).text(pretty: true))
    }
    return record
  }

  /// Makes the folder; what another recipe or other code left there is moved aside, never overwritten.
  private func prepareFolder() throws {
    try SafeFile.makeFolder(folder)
    let recipePath = folder + "/recipe.yaml"
    if let change = try foreignContent(recipePath) {
      var n = 1
      while SafeFile.isFolder("\(folder).old\(n)") { n += 1 }
      try SafeFile.move(folder, to: "\(folder).old\(n)")
      try SafeFile.makeFolder(folder)
      notices("\(folder): \(change); the earlier run was moved to \(folder).old\(n)")
    }
    if !SafeFile.exists(recipePath) { try SafeFile.write(recipePath, text: recipe.text) }
    // A program that goes on with another one's work says who ends it.
    if CodeStamp(folder: folder) != code { try code.write(folder) }
  }

  /// What is different for the run that stands in the folder, so that this one cannot go on with it; nil if it can.
  private func foreignContent(_ recipePath: String) throws -> String? {
    let otherRecipe = "the recipe or the machine's libraries changed"
    guard SafeFile.exists(recipePath) else {
      // Somebody took the recipe away; what it belonged to is kept.
      let work = ["record.json", "checkpoint.h5", "checkpoint.previous.h5"].first { SafeFile.exists("\(folder)/\($0)") }
      return work.map { _ in otherRecipe }
    }
    let bytes = try SafeFile.read(recipePath)
    guard let stored = try? YAMLNode(parsing: bytes, file: recipePath) else { return "its recipe.yaml is damaged" }
    if stored.canonical != recipe.canonical { return otherRecipe }
    if !keepsOtherCode, !code.agrees(with: CodeStamp(folder: folder) ?? CodeStamp()) { return "the program changed" }
    return SafeFile.exists(recordPath) ? otherRecipe : nil
  }

  private func run<M: MethodPlugin>(
    _ type: M.Type, _ data: any DatasetProvider, _ progress: (CellProgress) -> Void
  ) throws -> RunRecord {
    var section = try Section(recipe.method.options, name: "method")
    let method = try type.init(&section)
    try section.finish()
    let random = RandomStream(seed: seed)
    var state = try method.makeState(for: data.spec, random: random.child("init"))
    if let initialWeights { try HDF5File.open(initialWeights).read(&state, under: "state") }
    do {
      let untrained = EvaluationSubject(encoder: FrozenEncoder(method: method, state: state, data: data), data: data)
      for plan in recipe.evaluations { try plugins.makeEvaluation(plan).check(encoderOf: untrained) }
    }
    var session = Session<M>(state: state, checkpoint: folder + "/checkpoint.h5")
    let started = now()
    try session.resume(recipe, notices)
    let earlierSeconds = session.seconds
    var failure: String?
    let needsData = recipe.stages.contains { $0.steps > 0 && $0.batch != nil }
    let training =
      needsData
      ? try TrainingData(data, labelled: type.card.isSupervised, random: random.child("order")) : nil
    if session.stage < recipe.stages.count {
      failure = try train(method, &session, training, random, started - earlierSeconds, progress)
    }
    session.seconds = now() - started + earlierSeconds
    let trained = EvaluationSubject(
      encoder: FrozenEncoder(method: method, state: session.state, data: data), data: data)
    let measurements = failure == nil ? try measurements(of: trained, random: random, progress) : []
    if failure == nil { try drawPictures(of: method, session.state, data, random) }
    let record = record(
      failure: failure, recipeSHA256: try recipeSHA256(), data: data, weights: session.state.stateSHA256,
      curves: session.log.thinned(), measurements: measurements)
    try session.save(folder: folder)
    try EventFile(record, session.log).write("\(folder)/\(EventFile.name)")
    try finish(record, training: session.seconds, total: now() - started + earlierSeconds)
    return record
  }

  /// Trains the stages that are left. Returns why the run diverged, or nil.
  private func train<M: MethodPlugin>(
    _ method: M, _ session: inout Session<M>, _ data: TrainingData?, _ random: RandomStream, _ started: Double,
    _ progress: (CellProgress) -> Void
  ) throws -> String? {
    var lastSave = now()
    while session.stage < recipe.stages.count {
      let stage = recipe.stages[session.stage]
      let plan = try OptimizerPlan(stage: stage)
      let plans = try OptimizerPlan.named(in: stage)
      let stream = random.child("train").child(stage.name)
      if let batch = stage.batch, let data, stage.steps > 0, batch > data.count {
        throw ReproError(
          .usage, at: "\(stage.mark)", found: "stage '\(stage.name)' asks for batches of \(batch)",
          expected: "at most the \(data.count) training samples")
      }
      let (begun, firstStep) = (now(), session.step)
      var journal = try HealthJournal(folder: folder)
      var monitor = HealthMonitor(
        recipe.health, stage: stage.name, steps: stage.steps, said: journal.kinds(in: stage.name))
      while session.step < stage.steps {
        let step = session.step
        var context = StepContext(
          stage: stage.name, step: step, steps: stage.steps, random: stream.child("step", step),
          data: stage.batch == nil ? nil : data, batchSize: stage.batch ?? 0, shards: stage.shards,
          recomputes: false, plan: plan, plans: plans, optimizers: session.optimizers)
        let before = isRecomputed(step) ? (state: session.state, context: context) : nil
        session.optimizers = []
        let metrics = try method.step(&session.state, &context)
        session.optimizers = context.optimizers
        if let before, let difference = try difference(method, before, (session.state, context, metrics)) {
          (session.state, session.optimizers) = (before.state, before.context.optimizers)
          try session.save(folder: folder)
          throw ReproError(
            .numerical, at: "\(recipe.recipe) \(recipe.arm)-\(seed)",
            found: "\(stage.name), step \(step), computed twice: \(difference) has other bits the second time",
            expected: "the same bits",
            hint: "a fault of memory or processor, or a method with hidden state; the run is saved as it was before "
              + "this step")
        }
        session.log.append(stage: stage.name, step: step, metrics)
        let bad = metrics.items.first { !$0.value.isFinite }
        if bad != nil || context.nonFiniteGradient != nil {
          try CheckpointFile(folder + "/non-finite.h5").write { try $0.write(session.state, under: "state") }
          let findings = [
            bad.map { "\($0.name) is \($0.value)" },
            context.nonFiniteGradient.map { "the first bad gradient is that of \($0)" },
            session.state.firstNonFinite.map { "the first bad parameter is \($0)" },
          ]
          return "\(stage.name), step \(step): \(findings.compactMap { $0 }.joined(separator: "; "))"
        }
        let found = monitor.look(step: step, metrics, session.log) { embeddings(method, session.state, data) }
        try journal.add(found)
        for finding in found {
          notices("\(recipe.arm)-\(seed), \(stage.name), step \(step): \(finding.text)")
          if recipe.health.stops.contains(finding.kind) { return "\(stage.name), step \(step): \(finding.text)" }
        }
        if step == firstStep {
          try memory?.check(
            peak: Memory.peak, of: "\(recipe.recipe) \(recipe.arm)-\(seed)", stage: stage.name, notices)
        }
        session.step += 1
        let elapsed = now() - begun
        let perStep = elapsed / Double(session.step - firstStep)
        progress(
          CellProgress(
            stage: stage.name, step: session.step, steps: stage.steps, metrics: metrics,
            samplesPerSecond: Double(stage.batch ?? 1) / max(perStep, 1e-9),
            secondsLeft: perStep * Double(stage.steps - session.step)))
        let interrupted = mustStop()
        if interrupted || now() - lastSave > checkpointInterval {
          session.seconds = now() - started
          try Profile.measure("checkpoint") { try session.save(folder: folder) }
          lastSave = now()
        }
        if interrupted {
          throw ReproError(
            .interrupted, at: "\(recipe.recipe) \(recipe.arm)-\(seed)",
            found: "stopped at step \(session.step) of \(stage.steps), saved",
            hint: "the same command goes on from there")
        }
      }
      session.stage += 1
      session.step = 0
      session.optimizers = []  // a stage has optimizers of its own, whether it is reached at once or after a stop
    }
    return nil
  }

  private func isRecomputed(_ step: Int) -> Bool { recomputesEvery > 0 && (step + 1) % recomputesEvery == 0 }

  /// What a step gives otherwise when it is computed a second time from the same state; nil if nothing.
  private func difference<M: MethodPlugin>(
    _ method: M, _ before: (state: M.State, context: StepContext),
    _ after: (state: M.State, context: StepContext, metrics: Metrics)
  ) throws -> String? {
    var (state, context) = before
    let metrics = try method.step(&state, &context)
    if metrics != after.metrics {
      let names = zip(metrics.items, after.metrics.items).first { $0.value.bitPattern != $1.value.bitPattern }
      return "the metric '\(names?.0.name ?? "loss")'"
    }
    if let path = state.firstDifference(from: after.state) { return path }
    for (a, b) in zip(context.optimizers, after.context.optimizers) {
      if let path = a.optimizer.firstDifference(from: b.optimizer) { return "\(path) of the optimizer '\(a.name)'" }
    }
    return nil
  }

  /// The embeddings of the first training samples; nil for a method that has none for them.
  private func embeddings<M: MethodPlugin>(_ method: M, _ state: M.State, _ data: TrainingData?) -> Tensor? {
    guard let batch = try? data?.first(recipe.health.samples) else { return nil }
    return try? Profile.measure("health", { try method.embed(state, batch).global })
  }
}

/// Seconds of a clock that never goes back; for progress and timing files only.
func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
