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
    let results = try measurements(
      of: subject, random: RandomStream(seed: seed),
      leaves: { plan, refusal in notices("\(plan.type) is left out: \(refusal.found)") }, progress)
    guard !results.isEmpty else {
      throw ReproError(.usage, at: recipe.recipe, found: "no evaluation of the recipe can be made on this data set")
    }
    let record = record(
      recipeSHA256: recipeSHA256, data: data, weights: encoder.weightsSHA256, measurements: results)
    try finish(record, training: 0, total: now() - started)
    return record
  }
}
