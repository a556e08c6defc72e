import ReproConfig
import ReproData
import ReproNN
import ReproTensor

/// Everything of a run that must survive a stop: where it is, the method's state, the optimizers, the metrics so far.
struct Session<M: MethodPlugin> {
  var state: M.State
  var optimizers: [StepContext.NamedOptimizer] = []
  var stage = 0
  var step = 0
  var log = MetricLog()
  /// Wall-clock seconds spent so far; for timing files only.
  var seconds = 0.0
  let checkpoint: CheckpointFile

  init(state: M.State, checkpoint path: String) {
    self.state = state
    checkpoint = CheckpointFile(path)
  }

  /// Writes the checkpoint and the metrics that belong to it.
  func save(folder: String) throws {
    try checkpoint.write { file in
      try file.setAttribute("stage", .integer(stage))
      try file.setAttribute("step", .integer(step))
      try file.setAttribute("seconds", .real(seconds))
      try file.setAttribute("optimizers", .text(optimizers.map(\.name).joined(separator: " ")))
      try file.write(state, under: "state")
      for named in optimizers { try file.write(named.optimizer, under: "optimizers/\(named.name)") }
      try log.write(to: file)
    }
    try SafeFile.writeInParts(folder + "/metrics.jsonl") { try log.writeJSONLines(to: $0) }
  }

  /// Goes on from the newest whole checkpoint, if there is one.
  mutating func resume(_ recipe: ResolvedRecipe, _ notices: Notices) throws {
    let fresh = self
    let found = try checkpoint.read(notices: notices) { file -> Session<M> in
      var session = fresh
      try file.read(&session.state, under: "state")
      session.stage = try file.integer("stage")
      session.step = try file.integer("step")
      session.seconds = try file.real("seconds")
      guard session.stage >= 0, session.stage <= recipe.stages.count, session.step >= 0 else {
        throw ReproError(
          .data, at: file.path, found: "the checkpoint stands at stage \(session.stage), step \(session.step)",
          expected: "a place in \(recipe.stages.count) stages")
      }
      let names = try file.text("optimizers").split(separator: " ").map(String.init)
      if session.stage < recipe.stages.count {
        let stage = recipe.stages[session.stage]
        let (plan, plans) = (try OptimizerPlan(stage: stage), try OptimizerPlan.named(in: stage))
        for name in names {
          var optimizer = Optimizer((plans[name] ?? plan).rule)
          try file.readShaped(&optimizer, under: "optimizers/\(name)")
          session.optimizers.append(StepContext.NamedOptimizer(name: name, optimizer: optimizer))
        }
      }
      session.log = try MetricLog(file)
      return session
    }
    if let found { self = found }
  }
}

extension HDF5File {
  /// Fills an optimizer whose moments are laid out as the file says.
  fileprivate func readShaped(_ optimizer: inout Optimizer, under group: String) throws {
    let names = try children(of: group)
    func shapes(_ prefix: String) throws -> [Shape] {
      let count = names.filter { $0.hasPrefix(prefix + ".") }.count
      return try (0..<count).map { try info("\(group)/\(prefix).\($0).moment").shape }
    }
    optimizer = Optimizer(optimizer.rule, first: try shapes("first"), second: try shapes("second"))
    try read(&optimizer, under: group)
  }
}

/// All metrics of a run, step by step.
struct MetricLog: Sendable {
  private struct Series: Sendable {
    let stage, metric: String
    var steps: [Int] = []
    var values: [Double] = []
  }
  private var series: [Series] = []

  init() {}

  mutating func append(stage: String, step: Int, _ metrics: Metrics) {
    for (name, value) in metrics.items {
      let at = series.firstIndex { $0.stage == stage && $0.metric == name }
      let i = at ?? series.count
      if at == nil { series.append(Series(stage: stage, metric: name)) }
      series[i].steps.append(step)
      series[i].values.append(value)
    }
  }

  /// Every series as a curve of TensorBoard.
  var curves: [EventFile.Curve] {
    series.map { EventFile.Curve(tag: "\($0.stage)/\($0.metric)", steps: $0.steps, values: $0.values) }
  }

  /// All values of a metric in a stage; empty without any.
  func values(stage: String, metric: String) -> [Double] {
    series.first { $0.stage == stage && $0.metric == metric }?.values ?? []
  }

  /// At most `points` of each series: means of equal runs of steps, each at the middle one.
  func thinned(points: Int = 200) -> [RunRecord.Curve] {
    series.map { s in
      let run = (s.values.count + points - 1) / points
      var curve = RunRecord.Curve(stage: s.stage, metric: s.metric, steps: [], values: [])
      for first in stride(from: 0, to: s.values.count, by: max(run, 1)) {
        let part = first..<min(first + run, s.values.count)
        curve.steps.append(s.steps[part.lowerBound + part.count / 2])
        curve.values.append(part.reduce(0) { $0 + s.values[$1] } / Double(part.count))
      }
      return curve
    }
  }

  /// One line for each step, `{"stage":"pretrain","step":0,"loss":6.9,...}`, handed on before the next is made: of a
  /// long run never more than a line is in memory.
  func writeJSONLines(to append: ([UInt8]) throws -> Void) throws {
    var stages: [String] = []
    for s in series where !stages.contains(s.stage) { stages.append(s.stage) }
    for stage in stages {
      // The series of a stage are merged by their steps, which rise.
      let own = series.filter { $0.stage == stage }
      var next = [Int](repeating: 0, count: own.count)
      while let step = own.indices.filter({ next[$0] < own[$0].steps.count }).map({ own[$0].steps[next[$0]] }).min() {
        var row: JSONValue = ["stage": .string(stage), "step": .int(step)]
        for (i, s) in own.enumerated() {
          while next[i] < s.steps.count, s.steps[next[i]] == step {
            let value = s.values[next[i]]
            row[s.metric] = value.isFinite ? .double(value) : .string(hexFloat(value))
            next[i] += 1
          }
        }
        try append(Array((try row.text() + "\n").utf8))
      }
    }
  }

  func write(to file: HDF5File) throws {
    try file.makeGroup("log")
    for (i, s) in series.enumerated() {
      let group = "log/\(i)"
      try file.makeGroup(group)
      try file.setAttribute("stage", .text(s.stage), of: group)
      try file.setAttribute("metric", .text(s.metric), of: group)
      try file.write("\(group)/steps", s.steps.map(Int64.init), shape: [s.steps.count])
      try file.write("\(group)/values", s.values, shape: [s.values.count])
    }
  }

  init(_ file: HDF5File) throws {
    for i in 0..<(try file.children(of: "log").count) {
      let group = "log/\(i)"
      var s = Series(stage: try file.text("stage", of: group), metric: try file.text("metric", of: group))
      s.steps = try file.read("\(group)/steps", as: Int64.self).values.map(Int.init)
      s.values = try file.read("\(group)/values", as: Double.self).values
      series.append(s)
    }
  }
}
