import ReproConfig
import ReproData
import ReproTensor

extension CellRunner {
  /// Measures a published network by the recipe's evaluations, without a method and without training.
  ///
  /// Evaluations that the data cannot serve are left out and said.
  func evaluatePublished(
    _ path: String, _ data: any DatasetProvider, recipeSHA256: String, _ progress: (CellProgress) -> Void
  ) throws -> RunRecord {
    let file = try WeightFile(path)
    guard let model = PublishedModel.detected(in: file) else {
      throw ReproError(
        .data, at: path, found: "the weights are of no architecture that is known",
        expected: PublishedModel.allCases.map(\.rawValue).joined(separator: ", "),
        hint: "'repro weights inspect' lists what it holds")
    }
    let encoder = try PublishedEncoder(file, model)
    notices("\(path): \(encoder.description)")
    let subject = EvaluationSubject(encoder: encoder, data: data)
    let started = now()
    let random = RandomStream(seed: seed).child("evaluate")
    var results: [RunRecord.Measurement] = []
    for (done, plan) in recipe.evaluations.enumerated() {
      progress(
        CellProgress(
          stage: "evaluate", step: done, steps: recipe.evaluations.count, metrics: [:], samplesPerSecond: 0,
          secondsLeft: 0))
      let evaluation = try plugins.makeEvaluation(plan)
      do { try evaluation.check(data.spec) } catch {
        notices("\(plan.type) is left out: \(error.found)")
        continue
      }
      for (name, value) in try evaluation.measure(subject, random: random.child(plan.name)) {
        results.append(RunRecord.Measurement(name: "\(plan.name).\(name)", value: value))
      }
    }
    guard !results.isEmpty else {
      throw ReproError(.usage, at: recipe.recipe, found: "no evaluation of the recipe can be made on this data set")
    }
    let record = RunRecord(
      cell: CellID(recipe: recipe.recipe, scale: recipe.scale, arm: recipe.arm, seed: seed), paper: recipe.paper,
      status: .finished, reason: nil, recipeSHA256: recipeSHA256, planSHA256: planSHA256, fingerprint: .current,
      commit: commit, data: data.fingerprint, weightsSHA256: encoder.weightsSHA256, curves: [], measurements: results,
      code: code, resolved: recipe.text)
    try SafeFile.write("\(folder)/record.json", text: try record.sealed().text(pretty: true))
    try writeTiming(0, now() - started)
    return record
  }
}
