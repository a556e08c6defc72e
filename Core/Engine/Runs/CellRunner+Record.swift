import ReproConfig
import ReproData
import ReproTensor

// How every run ends, whatever was measured: a method that was trained here, or published weights.

extension CellRunner {
  /// The recipe's evaluations of an encoder, in their order.
  ///
  /// - Parameters:
  ///   - root: the run's stream; each protocol draws from a child of its own.
  ///   - leaves: is told of protocols that the data cannot serve, which are left out; without it they end the run.
  func measurements(
    of subject: EvaluationSubject, random root: RandomStream, leaves: ((EvaluationPlan, ReproError) -> Void)? = nil,
    _ progress: (CellProgress) -> Void
  ) throws -> [RunRecord.Measurement] {
    var results: [RunRecord.Measurement] = []
    for (done, plan) in recipe.evaluations.enumerated() {
      progress(
        CellProgress(
          stage: "evaluate", step: done, steps: recipe.evaluations.count, metrics: [:], samplesPerSecond: 0,
          secondsLeft: 0))
      let evaluation = try plugins.makeEvaluation(plan)
      if let leaves {
        do { try evaluation.check(subject.spec) } catch {
          leaves(plan, error)
          continue
        }
      }
      let random = root.child("evaluate").child(plan.name)
      for (name, value) in try Profile.measure("evaluation", { try evaluation.measure(subject, random: random) }) {
        results.append(RunRecord.Measurement(name: "\(plan.name).\(name)", value: value))
      }
    }
    return results
  }

  /// The record of this run.
  ///
  /// - Parameters:
  ///   - failure: why it diverged, or nil.
  ///   - weights: SHA-256 of what was measured.
  func record(
    failure: String? = nil, recipeSHA256: String, data: any DatasetProvider, weights: String,
    curves: [RunRecord.Curve] = [], measurements: [RunRecord.Measurement]
  ) -> RunRecord {
    RunRecord(
      cell: CellID(recipe: recipe.recipe, scale: recipe.scale, arm: recipe.arm, seed: seed), paper: recipe.paper,
      status: failure == nil ? .finished : .diverged, reason: failure, recipeSHA256: recipeSHA256,
      planSHA256: planSHA256, fingerprint: .current, commit: commit, data: data.fingerprint, weightsSHA256: weights,
      curves: curves, measurements: measurements, code: code, resolved: recipe.text)
  }

  /// Writes the record, sealed, and beside it how long the run took: seconds of the clock and of processors
  /// since it was begun or resumed.
  func finish(_ record: RunRecord, training: Double, total: Double) throws {
    try SafeFile.write(recordPath, text: try record.sealed().text(pretty: true))
    let timing: JSONValue = [
      "seconds_training": .double(training), "seconds_total": .double(total),
      "seconds_processor": .double(ProcessorTime.seconds),
      "peak_memory_mib": .int(Memory.peak), "threads": .int(ThreadPool.shared.threads),
    ]
    try SafeFile.write(folder + "/timing.json", text: try timing.text(pretty: true))
  }
}
